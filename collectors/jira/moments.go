package jira

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// moment is a time in the life of an issue, with the change of the changelog that
// it comes from; the change is empty for a time that comes from a field.
type moment struct {
	at time.Time
	by change
	// fault is why the time is not known although the issue says it; empty when it is
	// known or not said.
	fault evidence.UncountedReason
}

// field is the time that a field holds. A day is no instant, and a person may have
// typed a time that has not come yet. For times that Jira itself sets, its clock may
// differ; further ahead than that is only what was imported.
func (r *round) field(i *issue, name string) (moment, error) {
	at, err := i.time(name)
	switch {
	case err != nil || at.IsZero():
		return moment{at: at}, err
	case isOwnTime(name) && r.isFuture(at):
		return moment{fault: evidence.UncountedInFuture}, nil
	case isOwnTime(name):
		return moment{at: at}, nil
	case isDay(i.fields[name]):
		return moment{fault: evidence.UncountedNotAnInstant}, nil
	case at.After(r.now.Add(overlap)):
		return moment{fault: evidence.UncountedInFuture}, nil
	}
	return moment{at: at}, nil
}

// isFuture reports whether a time that Jira set has not come yet, by more than clocks may
// differ.
func (r *round) isFuture(at time.Time) bool { return at.After(r.now.Add(evidence.MaxClockSkew)) }

// isOwnTime reports whether Jira sets the time of the field.
func isOwnTime(field string) bool {
	return field == "created" || field == "updated" || field == resolutionDate
}

// resolutionDate is the field in which Jira keeps when an issue got its resolution.
const resolutionDate = "resolutiondate"

// first returns the first time that m describes: by its field, its statuses or its
// label, in this order. It returns the zero time when the issue has none of them.
func (r *round) first(i *issue, m Moment) (moment, error) {
	if found, err := r.field(i, m.Field); err != nil || found != (moment{}) {
		return found, err
	}
	if c, ok := r.firstEntered(i, m.Statuses); ok {
		return moment{at: c.at, by: c}, nil
	}
	if m.Label == "" {
		return moment{}, nil
	}
	fromTheStart := i.has(m.Label)
	for _, c := range i.changes {
		if c.field != "labels" {
			continue
		}
		fromTheStart = hasLabel(c.from, m.Label)
		if fromTheStart {
			break
		}
		if c.adds(m.Label) {
			return moment{at: c.at, by: c}, nil
		}
	}
	if fromTheStart {
		return moment{at: i.created, by: i.creation()}, nil
	}
	return moment{}, nil
}

// acknowledged returns the first acknowledgement that m describes, by a person, and
// the first one if an app made it: an app answers for no person.
func (r *round) acknowledged(i *issue, m Moment) (person, automatic moment, err error) {
	found, err := r.first(i, m)
	if err != nil || !found.by.byApp {
		return found, moment{}, err
	}
	for _, c := range i.changes {
		if !c.byApp && (c.field == "status" && r.isOne(m.Statuses, c.to, c.toName) ||
			c.field == "labels" && m.Label != "" && c.adds(m.Label)) {
			return moment{at: c.at, by: c}, found, nil
		}
	}
	return moment{}, found, nil
}

// firstEntered is the change by which the issue first got one of the statuses.
func (r *round) firstEntered(i *issue, statuses []string) (change, bool) {
	if len(statuses) == 0 {
		return change{}, false
	}
	unchanged := true
	for _, c := range i.changes {
		if c.field != "status" {
			continue
		}
		if unchanged && r.isOne(statuses, c.from, c.fromName) {
			return i.creation(), true
		}
		unchanged = false
		if r.isOne(statuses, c.to, c.toName) {
			return c, true
		}
	}
	return i.creation(), unchanged && r.isOne(statuses, i.status, i.statusName)
}

// creation is what the issue had from its creation on, as a change: an app may have
// made it so. Who opened it is not kept.
func (i *issue) creation() change { return change{at: i.created, byApp: i.creatorKind == typeApp} }

// ended returns when the issue ended, and whether it has: the time that m describes,
// or else the time of the change to a done status. The time is zero when it is not
// known.
func (r *round) ended(i *issue, m Moment) (end moment, ended bool, err error) {
	isEnd := func(status, name string) bool {
		return r.isOne(m.Statuses, status, name) || r.statuses.categories[status] == categoryDone
	}
	atEnd := i.category == categoryDone || isEnd(i.status, i.statusName)
	if m.Field != resolutionDate || i.category == categoryDone {
		found, err := r.field(i, m.Field)
		switch {
		case err != nil:
			return moment{}, false, err
		case found.fault != "":
			return found, atEnd || found.fault != evidence.UncountedInFuture, nil
		case !found.at.IsZero() && !i.outdates(m.Field, found.at, atEnd, isEnd):
			return found, true, nil
		}
	}
	if len(m.Statuses) > 0 && atEnd {
		c := r.pastOnly(i.lastEntered(isEnd))
		return moment{at: c.at, by: c, fault: c.fault}, true, nil
	}
	if m.Label != "" && i.has(m.Label) {
		found, err := r.first(i, Moment{Label: m.Label})
		return found, true, err
	}
	c, done := r.done(i)
	return moment{at: c.at, by: c, fault: c.fault}, done, nil
}

// outdates reports whether the issue was reopened after the end that a field holds. The
// date of a resolution may stay set when an issue is reopened, and when it is closed
// again: its status decides. What a person typed holds once the issue is closed again.
func (i *issue) outdates(field string, at time.Time, atEnd bool, isEnd func(status, name string) bool) bool {
	return (!atEnd || field == resolutionDate) && i.leftAfter(at, isEnd)
}

// leftAfter reports whether the issue left one of the statuses that isMember accepts
// after a time: it was reopened.
func (i *issue) leftAfter(at time.Time, isMember func(status, name string) bool) bool {
	return slices.ContainsFunc(i.changes, func(c change) bool {
		return c.field == "status" && !c.at.Before(at) && isMember(c.from, c.fromName) && !isMember(c.to, c.toName)
	})
}

// done is the change by which the issue became done, and whether it is done. Its time
// is zero when that is not known, and when it has not come yet. Moves from one done
// status to another are no new end.
func (r *round) done(i *issue) (change, bool) {
	if i.category != categoryDone {
		return change{}, false
	}
	c := i.lastEntered(func(status, _ string) bool {
		return status == i.status || r.statuses.categories[status] == categoryDone
	})
	return r.pastOnly(c), true
}

// finished is done for work, which cannot have been done before its ticket was created:
// the time is not known then. An incident may have ended before someone wrote it down.
func (r *round) finished(i *issue) (change, bool) {
	c, isDone := r.done(i)
	if !c.at.IsZero() && c.at.Before(i.created) {
		return change{fault: evidence.UncountedEndBeforeStart}, isDone
	}
	return c, isDone
}

// undated is the mark of an issue that was finished at a time that is not known.
func undated(finished change, what string, i *issue) mark {
	return mark{cmp.Or(finished.fault, evidence.UncountedEndUnknown), what + " (project " + clean(i.project) + ")"}
}

// pastOnly is the change, without its time if that has not come yet.
func (r *round) pastOnly(c change) change {
	if r.isFuture(c.at) {
		return change{fault: evidence.UncountedInFuture}
	}
	return c
}

// lastEntered is the change by which the issue got one of the statuses that
// isMember accepts, by id and name, and has not left them since. Its time is zero when
// that is not known. The issue must be in one of them.
func (i *issue) lastEntered(isMember func(status, name string) bool) change {
	var since, last *change
	for n := range i.changes {
		c := &i.changes[n]
		if c.field != "status" {
			continue
		}
		if last == nil && isMember(c.from, c.fromName) {
			since = &change{at: i.created} // from the creation on
		}
		last = c
		switch {
		case !isMember(c.to, c.toName):
			since = nil
		case since == nil:
			since = c
		}
	}
	switch {
	case since != nil:
		return *since
	case !i.resolved.IsZero() && (last == nil || !i.resolved.Before(last.at)):
		return change{at: i.resolved}
	}
	// It was imported, or its status was changed without an entry.
	return change{}
}

// isOne reports whether a status, by its id and the name it had, is one of those
// named in the configuration. Those are names of today, so that a renamed status
// is found by its id.
func (r *round) isOne(statuses []string, id, name string) bool {
	return slices.ContainsFunc(statuses, func(s string) bool {
		s = fold(s)
		return id != "" && (s == id || slices.Contains(r.statuses.ids[s], id)) || name != "" && s == fold(name)
	})
}

// checkStatuses logs statuses of the configuration that the site does not have.
func (r *round) checkStatuses() {
	for _, m := range moments(r.incidents) {
		for _, s := range m.Statuses {
			_, isID := r.statuses.categories[s]
			if !isID && len(r.statuses.ids[fold(s)]) == 0 && r.notices.Add("status "+s, "") {
				r.log.Warn("the site has no such status now; incidents that never had it have no such time", "status", clean(s))
			}
		}
	}
}

package jira

import (
	"slices"
	"time"
)

// moment is a time in the life of an issue, with the change of the changelog that
// it comes from; the change is empty for a time that comes from a field.
type moment struct {
	at time.Time
	by change
}

// first returns the first time that m describes: by its field, its statuses or its
// label, in this order. It returns the zero time when the issue has none of them.
func (r *round) first(i *issue, m Moment) (moment, error) {
	if at, err := i.time(m.Field); err != nil || !at.IsZero() {
		return moment{at: at}, err
	}
	if c, ok := r.firstEntered(i, m.Statuses); ok {
		return moment{c.at, c}, nil
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
			return moment{c.at, c}, nil
		}
	}
	if fromTheStart {
		return moment{at: i.created}, nil
	}
	return moment{}, nil
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
			return change{at: i.created}, true
		}
		unchanged = false
		if r.isOne(statuses, c.to, c.toName) {
			return c, true
		}
	}
	return change{at: i.created}, unchanged && r.isOne(statuses, i.status, i.statusName)
}

// ended returns when the issue ended: the time that m describes, or else the time
// of the change to a done status. It returns the zero time while the issue is open.
func (r *round) ended(i *issue, m Moment) (moment, error) {
	if at, err := i.time(m.Field); err != nil || !at.IsZero() {
		return moment{at: at}, err
	}
	if len(m.Statuses) > 0 {
		isEnd := func(status, name string) bool {
			return r.isOne(m.Statuses, status, name) || r.statuses.categories[status] == categoryDone
		}
		if isEnd(i.status, i.statusName) {
			c, _ := i.lastEntered(isEnd)
			return moment{c.at, c}, nil
		}
	}
	if m.Label != "" && i.has(m.Label) {
		return r.first(i, Moment{Label: m.Label})
	}
	c, _ := r.done(i)
	return moment{c.at, c}, nil
}

// done is the change by which the issue became done, and whether it is done.
// Moves from one done status to another are no new end.
func (r *round) done(i *issue) (change, bool) {
	if i.category != categoryDone {
		return change{}, false
	}
	return i.lastEntered(func(status, _ string) bool {
		return status == i.status || r.statuses.categories[status] == categoryDone
	})
}

// lastEntered is the change by which the issue got one of the statuses that
// isMember accepts, by id and name, and has not left them since. The issue must be
// in one of them.
func (i *issue) lastEntered(isMember func(status, name string) bool) (change, bool) {
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
		return *since, true
	case last != nil:
		// The status was changed without an entry.
		return *last, true
	case !i.resolved.IsZero():
		return change{at: i.resolved}, true
	}
	return change{at: i.created}, !i.created.IsZero()
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

package jira

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// majorWindow is how far back major incidents are looked at.
	majorWindow = 180 * day
	// majorSeverity is the lesser of the two highest severities.
	majorSeverity = 2
	// postmortemDays is how many working days there are for a post-mortem.
	postmortemDays = 10
)

// workingDaysBefore is the time n working days earlier: Saturdays and Sundays
// of UTC do not count, holidays do.
func workingDaysBefore(at time.Time, n int) time.Time {
	for at = at.UTC(); n > 0; {
		at = at.Add(-day)
		if d := at.Weekday(); d != time.Saturday && d != time.Sunday {
			n--
		}
	}
	return at
}

// isMajorAt reports whether a post-mortem of the incident was due at the time.
func isMajorAt(in evidence.Incident, at time.Time) bool {
	from, to := at.Add(-majorWindow), workingDaysBefore(at, postmortemDays)
	return !in.Gone && in.Severity >= 1 && in.Severity <= majorSeverity && !in.StartedAt.Before(from) &&
		in.StartedAt.Before(to)
}

// majorTicket is the ticket of a major incident.
type majorTicket struct {
	id, key string
	// duplicates are the ids and keys of its duplicates.
	duplicates []string
}

func (t majorTicket) name() string { return t.key }

// observeMajor finds the major incidents that post-mortems are due for, by
// service, and counts them. The listing of changes must be complete.
func (r *round) observeMajor(ctx context.Context) error {
	major := map[string][]majorTicket{}
	var then time.Time // when post-mortems were last searched for
	for _, f := range r.facts {
		if f.Mode == ModePostmortemRatio {
			then = r.observed[f.Name].at
		}
	}
	r.majorThen = keySum{}
	add := func(in evidence.Incident) error {
		if in.MergedInto != "" {
			return nil
		}
		in = r.duplicates.with(in)
		for _, service := range in.Services {
			if isMajorAt(in, then) {
				r.majorThen.add(in.ID + " " + service)
			}
			if isMajorAt(in, r.now) {
				major[service] = append(major[service], majorTicket{in.ID, in.Name(), r.duplicates.names(in.ID)})
			}
		}
		return nil
	}
	for _, in := range r.recent {
		_ = add(in) // it returns no error
	}
	if err := r.eachStoredOf(ctx, evidence.IncidentSpan{Since: r.now.Add(-majorWindow)}, add); err != nil {
		return err
	}
	for service := range major {
		slices.SortFunc(major[service], func(a, b majorTicket) int { return strings.Compare(a.key, b.key) })
	}
	r.majorBy = major
	at := slices.IndexFunc(r.facts, func(f Fact) bool { return f.Mode == ModeMajorIncidents })
	if at < 0 {
		return nil
	}
	except := r.incompleteServices()
	return r.observe(groupIncidents, []string{r.facts[at].Name}, except, func(service, _ string) collectors.Answer {
		keys := major[service]
		detail := "no incident ticket of severity 1 or 2"
		if len(keys) > 0 {
			detail = "incident tickets " + sample(mapSlice(keys, majorTicket.name))
		}
		return collectors.Answer{Value: evidence.Int(int64(len(keys))), Detail: detail}
	})
}

// incompleteServices are the services whose incidents are not all known.
func (r *round) incompleteServices() map[string]evidence.Missing {
	except := map[string]evidence.Missing{}
	for u := range r.allUnclear() {
		if !u.affects(r.now) {
			continue
		}
		for _, service := range r.mapping.servicesOf(u) {
			switch {
			case u.Undecodable:
				except[service] = evidence.MissingUndecodable
			case except[service] == "":
				except[service] = evidence.MissingUncounted
			}
		}
	}
	return except
}

// postmortemsOf searches for the post-mortems of major incidents when the fact is
// due, and when the set of major incidents has changed, which a plan cannot
// foresee.
func (r *round) postmortemsOf(f Fact) listing {
	s := search{
		jql:    "(" + f.JQL + ") ORDER BY created ASC",
		fields: []string{"project", "status", "resolution", "issuelinks", "parent"},
		facts:  []string{f.Name},
	}
	condition := "none unless there are other major incidents than before, else "
	if r.due(f) {
		condition = "none without major incidents, else "
	}
	return listing{kind: "postmortem", condition: condition, searches: func() []search { return []search{s} },
		read: func(ctx context.Context, _ []search) error {
			switch {
			case !r.due(f) && !r.incidentsChanged(f):
				r.keepNotices("postmortem")
				return nil
			case r.majorBy == nil:
				return nil // that the incidents are incomplete is reported already
			}
			return r.observePostmortems(ctx, f, s)
		}}
}

// isDoneWork reports whether an issue is done, and was not closed as not done.
func (r *round) isDoneWork(i *issue) bool { return i.category == categoryDone && r.notDone.of(i) == "" }

// postmortems are what a search for post-mortems has found.
type postmortems struct {
	// written are the ids and keys of the tickets that have one.
	written map[string]bool
	// anyBad reports that an issue could not be decoded.
	anyBad bool
	// withoutLinks are done issues whose links the answer lacks: the account may not see
	// them, or the site does not show them.
	withoutLinks *marks
}

// add adds a post-mortem that is done.
func (p *postmortems) add(i *issue) {
	for _, ticket := range i.linked {
		p.written[ticket.ID], p.written[clean(ticket.Key)] = true, true
	}
	if _, answered := i.fields["issuelinks"]; !answered {
		where := " (project " + clean(i.project) + ")"
		p.withoutLinks.set(i.id, mark{evidence.UncountedUnreadable, "links of post-mortems" + where})
	}
}

// unknown says why a ticket without a post-mortem may have one: an issue that could not
// be decoded, or whose links are not known, may be it.
func (p *postmortems) unknown() evidence.Missing {
	switch {
	case p.anyBad:
		return evidence.MissingUndecodable
	case len(p.withoutLinks.of) > 0:
		return evidence.MissingUncounted
	}
	return ""
}

// observePostmortems finds which major incidents have a post-mortem: a linked
// issue of the fact's query that is done.
func (r *round) observePostmortems(ctx context.Context, f Fact, s search) error {
	found := postmortems{written: map[string]bool{}, withoutLinks: newMarks()}
	if len(r.majorBy) > 0 {
		err := r.list(ctx, s, "postmortem", noLog, func(good, bad []*issue) error {
			found.anyBad = found.anyBad || len(bad) > 0
			for _, i := range good {
				if r.isDoneWork(i) {
					found.add(i)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("fact %s: %w", f.Name, err)
		}
	}
	var all keySum
	except := r.incompleteServices()
	err := r.observe(f.Name, []string{f.Name}, except, func(service, _ string) collectors.Answer {
		major := r.majorBy[service]
		open := slices.DeleteFunc(slices.Clone(major), func(t majorTicket) bool {
			isWritten := func(name string) bool { return found.written[name] }
			return isWritten(t.id) || isWritten(t.key) || slices.ContainsFunc(t.duplicates, isWritten)
		})
		if why := found.unknown(); why != "" && len(open) > 0 {
			return collectors.Answer{Missing: why}
		}
		share := 1.0
		if len(major) > 0 {
			share = float64(len(major)-len(open)) / float64(len(major))
		}
		detail := fmt.Sprintf("%d incident tickets of severity 1 or 2, ", len(major))
		if len(open) == 0 {
			detail += "all written up"
		} else {
			detail += "not written up: " + sample(mapSlice(open, majorTicket.name))
		}
		value, _ := f.Observe(share, r.now) // a share of at least one is a number
		return collectors.Answer{Value: value, Detail: detail}
	})
	if err != nil {
		return err
	}
	for service, tickets := range r.majorBy {
		for _, ticket := range tickets {
			all.add(ticket.id + " " + service)
		}
	}
	found.withoutLinks.complete = true
	r.marks[f.Name] = found.withoutLinks
	r.markObserved(f, r.identify(all))
	return nil
}

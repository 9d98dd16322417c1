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
	// majorSeverity is the least grave of the two highest severities.
	majorSeverity = 2
	// writeUp is how many working days there are for a post-mortem.
	writeUp = 10
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

// isMajor reports whether a post-mortem is due for the incident.
func (r *round) isMajor(in evidence.Incident) bool { return isMajorAt(in, r.now) }

func isMajorAt(in evidence.Incident, at time.Time) bool {
	from, to := at.Add(-majorWindow), workingDaysBefore(at, writeUp)
	return !in.Gone && in.Severity >= 1 && in.Severity <= majorSeverity && !in.StartedAt.Before(from) &&
		in.StartedAt.Before(to)
}

// major are the keys of the major incidents that post-mortems are due for, by
// service. The listing of changes must be complete.
func (r *round) major(ctx context.Context) (map[string][]string, error) {
	major := map[string][]string{}
	then := r.postmortemsAt()
	r.majorThen = keySum{}
	add := func(in evidence.Incident) error {
		if isMajorAt(in, then) {
			for _, service := range in.Services {
				r.majorThen.add(in.ID + " " + service)
			}
		}
		if r.isMajor(in) {
			for _, service := range in.Services {
				major[service] = append(major[service], in.ID)
			}
		}
		return nil
	}
	for _, in := range r.recent {
		_ = add(in) // it has no error
	}
	span := evidence.IncidentSpan{Since: r.now.Add(-majorWindow)}
	if err := r.eachStoredOf(ctx, span, add); err != nil {
		return nil, err
	}
	for service := range major {
		slices.Sort(major[service])
	}
	return major, nil
}

// incompleteServices are the services whose incidents are not all known.
func (r *round) incompleteServices() map[string]evidence.Missing {
	except := map[string]evidence.Missing{}
	for _, s := range r.badIncidents {
		r.exceptAll(except, s, evidence.MissingUndecodable)
	}
	return except
}

// observeMajor counts the major incidents.
func (r *round) observeMajor(ctx context.Context) error {
	at := slices.IndexFunc(r.facts, func(f Fact) bool { return f.Mode == ModeMajorIncidents })
	major, err := r.major(ctx)
	if err != nil {
		return err
	}
	r.majorBy = major
	if at < 0 {
		return nil
	}
	return r.observe(groupIncidents, r.facts[at].Definition, r.incompleteServices(),
		func(service string) (evidence.Value, string) {
			keys := major[service]
			if len(keys) == 0 {
				return evidence.Int(0), "no incident ticket of severity 1 or 2"
			}
			return evidence.Int(int64(len(keys))), "incident tickets " + sample(keys)
		})
}

// postmortemsFor is the search for the post-mortems of major incidents.
func (r *round) postmortemsFor(f Fact) step {
	return r.throttled(f, func(due bool) []collectors.PlannedCall {
		unless := "none without major incidents, else "
		if !due {
			unless = "none unless there are other major incidents than before, else "
		}
		return []collectors.PlannedCall{r.planned(f.postmortems(), unless, f.Name)}
	}, r.observePostmortems)
}

// postmortems is the search for the fact's post-mortems.
func (f Fact) postmortems() search {
	return search{
		jql:    "(" + f.JQL + ") ORDER BY created ASC",
		fields: []string{"project", "status", "issuelinks", "parent"},
	}
}

// observePostmortems finds which of the major incidents are written up: those
// with a linked issue of the fact's query that is done. done is false when it
// could not.
func (r *round) observePostmortems(ctx context.Context, f Fact) (done bool, err error) {
	if r.majorBy == nil {
		return false, nil // the incidents are not complete, which is reported already
	}
	except := r.incompleteServices()
	written := map[string]bool{}
	unread := false
	if len(r.majorBy) > 0 {
		err = r.list(ctx, f.postmortems(), "postmortem", func(*issue) bool { return false }, func(good, bad []*issue) error {
			unread = unread || len(bad) > 0
			for _, i := range good {
				if i.category != categoryDone {
					continue
				}
				for _, key := range append(i.linked, i.parent) {
					written[clean(key)] = true
				}
			}
			return nil
		})
		if err != nil {
			return false, fmt.Errorf("fact %s: %w", f.Name, err)
		}
	}
	missing := func(service string) []string {
		return slices.DeleteFunc(slices.Clone(r.majorBy[service]), func(key string) bool { return written[key] })
	}
	for _, service := range r.mapping.referring {
		if unread && len(missing(service)) > 0 {
			// What could not be read may be the one that is missing.
			except[service] = evidence.MissingUndecodable
		}
	}
	err = r.observe(f.Name, f.Definition, except, func(service string) (evidence.Value, string) {
		all, open := r.majorBy[service], missing(service)
		share := 1.0
		if len(all) > 0 {
			share = float64(len(all)-len(open)) / float64(len(all))
		}
		value, _ := f.Observe(share, r.now) // a share of at least one is a number
		if len(open) == 0 {
			return value, fmt.Sprintf("%d incident tickets of severity 1 or 2, all written up", len(all))
		}
		return value, fmt.Sprintf("%d incident tickets of severity 1 or 2, not written up: %s", len(all),
			strings.TrimSpace(sample(open)))
	})
	return err == nil, err
}

package jira

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
)

const (
	// slowEvery is how often facts are searched for. A search for changes cannot
	// find issues that have left the query, so that each search asks for all issues
	// of all projects. Other rounds ask only for changes of incidents, reviews and
	// claims.
	slowEvery = time.Hour
	// slowFresh is how long such facts stay fresh at least: a few searches may
	// fail before.
	slowFresh = 3 * slowEvery
)

// observation is when a fact was last observed, and with which catalog.
type observation struct {
	at      time.Time
	mapping string
	// of identifies the incidents that post-mortems were searched for.
	of string
}

// throttled is the step that observes a fact when it is due, and post-mortems also
// when the set of major incidents has changed, which a plan cannot foresee;
// incidents whose time for a post-mortem ends wait for the hour. In other rounds
// the fact is not observed, and its last value ages.
func (r *round) throttled(f Fact, calls func(due bool) []collectors.PlannedCall,
	observe func(context.Context, Fact) (done bool, err error)) step {
	return step{func() []collectors.PlannedCall { return calls(r.due(f)) }, func(ctx context.Context) error {
		if last, ok := r.observed[f.Name]; !r.due(f) &&
			(!ok || f.Mode != ModePostmortemRatio || last.of == r.postmortemsOf(r.majorThen)) {
			r.keepLogged()
			return nil
		}
		done, err := observe(ctx, f)
		if done {
			now := observation{at: r.now, mapping: r.mapping.hash}
			if f.Mode == ModePostmortemRatio {
				var of keySum
				for service, keys := range r.majorBy {
					for _, key := range keys {
						of.add(key + " " + service)
					}
				}
				now.of = r.postmortemsOf(of)
			}
			r.observed[f.Name] = now
		}
		return err
	}}
}

// keySum is a sum over a set of keys, in any order.
type keySum struct{ sum, count uint64 }

func (s *keySum) add(key string) { s.sum += fingerprint(key); s.count++ }

// postmortemsAt is when post-mortems were last searched for.
func (r *round) postmortemsAt() time.Time {
	for _, f := range r.facts {
		if f.Mode == ModePostmortemRatio {
			return r.observed[f.Name].at
		}
	}
	return time.Time{}
}

// postmortemsOf identifies major incidents and the services whose incidents are
// not all known.
func (r *round) postmortemsOf(major keySum) string { return fmt.Sprint(major, r.incompleteServices()) }

// keepLogged keeps in mind what was logged of issues and projects that are not
// asked for in this round, so that it is not logged again every hour.
func (r *round) keepLogged() {
	for id := range r.logged {
		if kind, _, _ := strings.Cut(id, " "); kind == "issue" || kind == "postmortem" || kind == "project" {
			r.logging[id] = true
		}
	}
}

// due reports whether a fact is to be searched for in this round: at first, with
// another catalog, after slowEvery, and on a new day where the query counts from
// the beginning or end of one.
func (r *round) due(f Fact) bool {
	last, ok := r.observed[f.Name]
	switch {
	case !ok || last.mapping != r.mapping.hash || last.at.After(r.now) || r.now.Sub(last.at) >= slowEvery:
		return true
	case f.ofDay():
		return !last.at.Truncate(day).Equal(r.now.Truncate(day))
	}
	return false
}

// ofDay reports whether the query finds other issues from midnight on.
func (f Fact) ofDay() bool {
	jql := strings.ToLower(f.JQL)
	return strings.Contains(jql, "startof") || strings.Contains(jql, "endof")
}

// searched reports whether the mode takes searches that are throttled. Major
// incidents are counted among those that are stored.
func (m Mode) searched() bool { return m != ModeMajorIncidents }

package jira

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	// slowEvery is how often facts are searched for. No search tells what has
	// left it, so that each asks for all issues of all projects; in all other
	// rounds only what has changed of incidents, reviews and claims is asked for.
	slowEvery = time.Hour
	// slowFresh is how long such facts stay fresh at least: a few searches may
	// fail before.
	slowFresh = 3 * slowEvery
)

// observation is when a fact was last observed, and with which catalog.
type observation struct {
	at      time.Time
	mapping string
	// of are the incidents that it was observed of.
	of string
}

// seldom is the step that observes a fact when that is due, and post-mortems also
// when there are other major incidents, which no plan can tell before. Else it says
// nothing of the fact, so that what was observed before ages.
func (r *round) seldom(f Fact, observe func(context.Context, Fact) (done bool, err error)) func(context.Context) error {
	return func(ctx context.Context) error {
		of := ""
		if f.Mode == ModePostmortemRatio {
			of = fmt.Sprint(r.majorBy, r.doubts()) // of maps in the order of their keys
		}
		if !r.due(f) && of == r.observed[f.Name].of {
			r.keepLogged()
			return nil
		}
		done, err := observe(ctx, f)
		if done {
			r.observed[f.Name] = observation{r.now, r.mapping.hash, of}
		}
		return err
	}
}

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

// searched reports whether the mode takes searches that are made seldom. Major
// incidents are counted among those that are stored.
func (m Mode) searched() bool { return m != ModeMajorIncidents }

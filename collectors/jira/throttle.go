package jira

import (
	"fmt"
	"strings"
	"time"
)

const (
	// slowEvery is how often facts are searched for. A search for changes cannot
	// find issues that have left the query, so that each search asks for all issues
	// of all projects. Other rounds ask only for changes of incidents, reviews and
	// attestations.
	slowEvery = time.Hour
	// slowFresh is how long such facts stay fresh at least, so that a few searches
	// may fail.
	slowFresh = 3 * slowEvery
)

// observation is when a fact was last observed, and with which catalog.
type observation struct {
	at      time.Time
	mapping string
	// incidents identifies the incidents that post-mortems were searched for.
	incidents string
}

// due reports whether a fact is to be searched for in this round: at first, with
// another catalog, after slowEvery, and on a new day where the query counts from
// the beginning or end of one. In other rounds it is not observed, and its last
// value ages.
func (r *round) due(f Fact) bool {
	last, ok := r.observed[f.Name]
	switch {
	case !ok || last.mapping != r.mapping.hash || last.at.After(r.now) || r.now.Sub(last.at) >= slowEvery:
		return true
	case f.countsFromMidnight():
		return !last.at.Truncate(day).Equal(r.now.Truncate(day))
	}
	return false
}

// markObserved ends the hour of a fact. incidents is that of observation.
func (r *round) markObserved(f Fact, incidents string) {
	r.observed[f.Name] = observation{at: r.now, mapping: r.mapping.hash, incidents: incidents}
}

// incidentsChanged reports whether the major incidents differ from those that the
// post-mortems of the fact were last searched for. Incidents whose time for a
// post-mortem has ended since then wait for the hour.
func (r *round) incidentsChanged(f Fact) bool {
	last, ok := r.observed[f.Name]
	return ok && last.incidents != r.identify(r.majorThen)
}

// identify is a text that identifies major incidents and the services whose
// incidents are not all known.
func (r *round) identify(major keySum) string { return fmt.Sprint(major, r.incompleteServices()) }

// countsFromMidnight reports whether the query finds other issues from midnight on.
func (f Fact) countsFromMidnight() bool {
	jql := strings.ToLower(f.JQL)
	return strings.Contains(jql, "startof") || strings.Contains(jql, "endof")
}

// isThrottled reports whether facts of the mode are searched for once an hour.
// Major incidents are counted among those that are stored.
func (m Mode) isThrottled() bool { return m != ModeMajorIncidents }

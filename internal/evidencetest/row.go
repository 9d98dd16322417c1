// Package evidencetest makes evidence for tests that need no ledger.
package evidencetest

import (
	"time"

	"github.com/prodready/collector/evidence"
)

// Row is what is known about a service, by the index of the fact. A fact with nil was
// not collected.
type Row []*evidence.Observation

// Len is the number of facts.
func (r Row) Len() int { return len(r) }

// At is what is known of a fact.
func (r Row) At(fact int) evidence.Observation {
	if r[fact] == nil {
		// A source that was never asked is not down.
		healthy := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		return evidence.Observation{Missing: evidence.MissingNotCollected, HealthyUntil: healthy}
	}
	return *r[fact]
}

// Until is the next time at which an observation ages.
func (r Row) Until(now time.Time) time.Time {
	until := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range r {
		o := r.At(i)
		for _, at := range [...]time.Time{o.FreshUntil, o.ValidUntil, o.HealthyUntil} {
			if !at.Before(now) && at.Before(until) {
				until = at
			}
		}
	}
	return until
}

// Rows are the rows of some services.
type Rows map[string]evidence.Row

// Row is that of a service, nil without one.
func (r Rows) Row(service string) evidence.Row { return r[service] }

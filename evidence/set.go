package evidence

import "time"

// State is the age of an observation.
type State uint8

// The states of an observation. A stale value still counts, but it can neither
// award nor withdraw a badge.
const (
	StateMissing State = iota
	StateStale
	StateFresh
)

// String returns missing, stale or fresh.
func (s State) String() string {
	switch s {
	case StateStale:
		return "stale"
	case StateFresh:
		return "fresh"
	}
	return "missing"
}

// Observation is what is known of one fact about one service, merged over the
// sources that answer for it.
type Observation struct {
	// Value is what was observed; the zero Value when there is none.
	Value Value
	// Missing is the reason when there is no value.
	Missing Missing
	// CatalogKeys are the keys of the service's catalog entry of which one is
	// needed where Missing is MissingNoReference; empty when they are not known.
	CatalogKeys []string
	// Source names the instance that decided the value; several are joined by
	// a comma.
	Source string
	// Detail is the provenance; see Record.
	Detail string
	// Since and ObservedAt are the times of Record.
	Since, ObservedAt time.Time
	// FreshUntil and ValidUntil end the two stages of ageing.
	FreshUntil, ValidUntil time.Time
	// HealthyUntil is until when the responsible sources count as answering for this
	// fact, whether or not they had a value for the service.
	HealthyUntil time.Time
}

// SourceDown reports whether the responsible source no longer answers. It is false
// for a fact that no source has.
func (o *Observation) SourceDown(now time.Time) bool {
	if o == nil || o.Missing == MissingNoSource {
		return false
	}
	return now.After(o.HealthyUntil)
}

// State is the stage of ageing at the given time. A nil Observation is
// missing.
func (o *Observation) State(now time.Time) State {
	switch {
	case o == nil || o.Value.Kind() == KindInvalid || now.After(o.ValidUntil):
		return StateMissing
	case now.After(o.FreshUntil):
		return StateStale
	}
	return StateFresh
}

// Why is the reason that an observation counts as missing at the given time,
// or "" when it does not.
func (o *Observation) Why(now time.Time) Missing {
	switch {
	case o == nil:
		return MissingNotCollected
	case o.Value.Kind() == KindInvalid:
		return o.Missing
	case now.After(o.ValidUntil):
		return MissingExpired
	}
	return ""
}

// Row is what is known about one service, indexed as its Facts are. Nil
// entries are missing.
type Row []*Observation

// Set is what is known about every service at one moment. It is immutable.
type Set struct{ rows map[string]Row }

// NewSet makes a set from rows, which are indexed as the facts are and must
// not be changed afterwards.
func NewSet(rows map[string]Row) *Set { return &Set{rows: rows} }

// Row returns what is known about a service; nil when nothing is.
func (s *Set) Row(service string) Row { return s.rows[service] }

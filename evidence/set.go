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

// Row is what is known about one service, by the index of the fact. It is immutable.
type Row interface {
	// Len is the number of facts.
	Len() int
	// At is what is known of the fact with an index below Len.
	At(fact int) Observation
	// Until is the next time, now or later, at which something that is known may begin or
	// cease to count although no source has said anything. It does not look at what counts
	// for as long as its source covers its group: see Set.Changed.
	Until(now time.Time) time.Time
}

// Set is what is known about every service at one time. It is immutable.
type Set struct {
	*covering
	rows map[string]*row
}

// covering is how the facts are covered at one time.
type covering struct {
	plan *plan
	now  time.Time
	// coverage is by group.
	coverage []coverage
}

// At is the time of the set.
func (s *Set) At() time.Time { return s.now }

// Row returns what is known about a service.
func (s *Set) Row(service string) Row {
	return &view{covering: s.covering, service: service, row: s.rows[service]}
}

// Again returns a function that makes rows of an earlier set of the same ledger into those
// of this one. It is for at most n services of which nothing was recorded in between, and
// takes less time than Row. A row that no set has made is returned as it is.
func (s *Set) Again(n int) func(Row) Row {
	views := make([]view, 0, n)
	return func(earlier Row) Row {
		old, ok := earlier.(*view)
		if !ok {
			return earlier
		}
		views = append(views, view{covering: s.covering, service: old.service, row: old.row})
		return &views[len(views)-1]
	}
}

// WithRows is the set with what the sources have recorded up to another one of the same
// ledger.
func (s *Set) WithRows(of *Set) *Set {
	return &Set{covering: s.covering, rows: of.rows}
}

// Changed lists the services of which something else is known than in an earlier set,
// apart from what the passing of time changes (see Row.Until). all is true instead if
// that may be every service.
func (s *Set) Changed(before *Set) (services []string, all bool) {
	if s.plan != before.plan {
		return nil, true
	}
	for i := range s.plan.answers {
		if s.stage(i) != before.stage(i) {
			return nil, true
		}
	}
	for service, r := range s.rows {
		if before.rows[service] != r {
			services = append(services, service)
		}
	}
	for i := range min(len(s.coverage), len(before.coverage)) {
		if c, old := s.coverage[i].Coverage, before.coverage[i].Coverage; c != nil && old != nil {
			services = appendDiffering(services, old.Except, c.Except)
			services = appendDiffering(services, c.Except, old.Except)
		}
	}
	return services, false
}

// appendDiffering adds the services that are excepted otherwise than before.
func appendDiffering(services []string, before, now map[string]Missing) []string {
	for service, reason := range now {
		if old, excepted := before[service]; !excepted || old != reason {
			services = append(services, service)
		}
	}
	return services
}

package snapshot

import (
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// CriteriaOf is what a service was judged by: the framework of the snapshot, or that of
// the pin that is in force for it.
func (s *Snapshot) CriteriaOf(service *Service) *framework.Framework {
	if service.Card != nil {
		if f := service.Card.Framework(); f != nil {
			return f
		}
	}
	return s.Framework
}

// PinOf is the pin that is in force for a service; nil without one.
func (s *Snapshot) PinOf(service *Service) *scoring.Pin {
	if len(s.Pins) == 0 || service.Card == nil || service.Card.Basis == nil {
		return nil
	}
	return scoring.PinOf(s.Pins, &service.Card.Basis.Subject, s.At)
}

// Frameworks are what services are judged by: the framework of the snapshot first, then
// those of pins that have not ended, each once.
func (s *Snapshot) Frameworks() []*framework.Framework {
	if s.Framework == nil {
		return nil
	}
	all := []*framework.Framework{s.Framework}
	for i := range s.Pins {
		f, known := s.Pins[i].Framework, false
		for _, other := range all {
			known = known || other.Hash == f.Hash
		}
		if !known && s.At.Before(s.Pins[i].Until) {
			all = append(all, f)
		}
	}
	return all
}

// Checks are those of all Frameworks: the framework of the snapshot in its order, then
// those that only other ones have.
func (s *Snapshot) Checks() []*framework.Check {
	frameworks := s.Frameworks()
	if len(frameworks) == 1 {
		return s.Framework.Checks
	}
	var all []*framework.Check
	seen := map[string]bool{}
	for _, f := range frameworks {
		for _, check := range f.Checks {
			if !seen[check.ID] {
				all, seen[check.ID] = append(all, check), true
			}
		}
	}
	return all
}

// Check is the check with an id, as the first of Frameworks has it, with that framework.
// The error of an unknown id suggests the nearest one of the framework of the snapshot.
func (s *Snapshot) Check(id string) (*framework.Check, *framework.Framework, error) {
	frameworks := s.Frameworks()
	for _, f := range frameworks {
		if check, err := f.Check(id); err == nil {
			return check, f, nil
		}
	}
	_, err := s.Framework.Check(id)
	return nil, nil, err
}

// NotMeasurableFor are the ids of checks of CriteriaOf a service that no configured source
// can decide.
func (s *Snapshot) NotMeasurableFor(service *Service) map[string]bool {
	if pin := s.PinOf(service); pin != nil {
		return pin.NotMeasurable
	}
	return s.NotMeasurable
}

// IsMeasurable reports whether a configured source can decide a check of Checks.
func (s *Snapshot) IsMeasurable(check *framework.Check) bool {
	notMeasurable := s.NotMeasurable
	if _, f, err := s.Check(check.ID); err == nil && f.Hash != s.Framework.Hash {
		for i := range s.Pins {
			if s.Pins[i].Framework.Hash == f.Hash {
				notMeasurable = s.Pins[i].NotMeasurable
			}
		}
	}
	return !notMeasurable[check.ID]
}

// CheckCount is how many services have a check in each status.
type CheckCount struct {
	Check *framework.Check
	// Services are indexed by the status. A service whose criteria do not have the check is
	// not counted.
	Services [len(scoring.ModuleResult{}.Count)]int
}

// CountChecks counts the services by the status of each of Checks, in their order.
func (s *Snapshot) CountChecks() []CheckCount { return CountChecks(s.Checks(), s.Services) }

// CountChecks counts services by the status of each check, in the order of the checks,
// which are all that the services are judged by.
func CountChecks(checks []*framework.Check, services []Service) []CheckCount {
	counts, places := make([]CheckCount, len(checks)), make(map[string]int, len(checks))
	for i, check := range checks {
		counts[i].Check, places[check.ID] = check, i
	}
	for i := range services {
		card := services[i].Card
		if card == nil {
			continue
		}
		for k := range card.Checks {
			r := &card.Checks[k]
			// The place is nearly always that of the framework of the snapshot.
			at := r.Check.Index
			if at >= len(counts) || counts[at].Check.ID != r.Check.ID {
				at = places[r.Check.ID]
			}
			counts[at].Services[r.Status]++
		}
	}
	return counts
}

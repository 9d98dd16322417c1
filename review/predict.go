package review

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// PredictOver is the time over which services that fail a check are compared with those
// that pass it.
const PredictOver = 180 * day

// Predictions are what the checks of a framework predict, from the statuses that they had
// since a time, as Input.Statuses has them, and the incidents since then. Checks that read
// facts about incidents are left out: they would explain incidents by incidents. A check
// is there only if there is enough to compare. It is pure.
func Predictions(
	s *snapshot.Snapshot, statuses []StatusSpan, incidents []*correlation.Incident, since, until time.Time,
) map[string]report.Prediction {
	of := map[string]map[string][]StatusSpan{}
	for _, span := range statuses {
		if of[span.Service] == nil {
			of[span.Service] = map[string][]StatusSpan{}
		}
		of[span.Service][span.Check] = append(of[span.Service][span.Check], span)
	}
	in := correlation.CrossInput{Incidents: incidents, Since: since}
	for i := range s.Services {
		service := &s.Services[i]
		in.Services = append(in.Services, service.Entry)
		in.Standings = append(in.Standings, standings(service, of[service.Entry.Name], since, until)...)
	}
	slices.SortFunc(in.Services, func(a, b *catalog.Service) int { return cmp.Compare(a.Name, b.Name) })
	return PredictionsOf(correlation.CompareServices(in, until).Checks)
}

// PredictionsOf are what checks predict that were compared.
func PredictionsOf(checks []correlation.CheckAssociation) map[string]report.Prediction {
	out := map[string]report.Prediction{}
	for i := range checks {
		if p := report.PredictionOf(&checks[i]); p != nil {
			out[checks[i].Check] = *p
		}
	}
	return out
}

// standings are which checks of a service passed and failed, from its first judgement on.
// What has changed within a day counts from the end of that day.
func standings(
	service *snapshot.Service, changed map[string][]StatusSpan, since, until time.Time,
) []correlation.Standing {
	if service.Badge.FirstJudged.IsZero() {
		return nil
	}
	begin := later(since, service.Badge.FirstJudged.UTC())
	starts := map[time.Time]bool{begin: true}
	fixed := correlation.Standing{Service: service.Entry.Name}
	var moving []*framework.Check
	for i := range service.Card.Checks {
		result := &service.Card.Checks[i]
		switch spans := changed[result.Check.ID]; {
		case result.Check.Outcome:
		case len(spans) == 0:
			stand(&fixed, result.Check.ID, result.Status)
		default:
			moving = append(moving, result.Check)
			for _, span := range spans {
				if next := span.Since.UTC().Truncate(day).Add(day); next.After(begin) && next.Before(until) {
					starts[next] = true
				}
			}
		}
	}
	var list []correlation.Standing
	for _, at := range slices.SortedFunc(maps.Keys(starts), time.Time.Compare) {
		one := correlation.Standing{Service: fixed.Service, Since: at,
			Passing: slices.Clone(fixed.Passing), Failing: slices.Clone(fixed.Failing)}
		for _, check := range moving {
			for _, span := range changed[check.ID] {
				if span.covers(at) {
					stand(&one, check.ID, span.Status)
				}
			}
		}
		list = append(list, one)
	}
	return list
}

// stand adds a check that has a definite verdict.
func stand(s *correlation.Standing, check string, status scoring.Status) {
	if status == scoring.Pass {
		s.Passing = append(s.Passing, check)
	}
	if status == scoring.Fail {
		s.Failing = append(s.Failing, check)
	}
}

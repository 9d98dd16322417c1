package company

import (
	"math"
	"sort"
	"testing"
	"time"
)

// figures are what the checks of the framework measure, computed from the
// incidents by the definitions alone.
type figures struct {
	noise30, reported90, ackP90, unacknowledged90, changeFailure float64
	high90, changes30, changes90, repeats90, grave180            int
}

func measure(c *Company, s *Service) figures {
	var f figures
	var noisy, month, reported, lived, never int
	var acks []float64
	ended, byHand := map[string]time.Time{}, map[string]int{}
	var failures []time.Time
	for _, in := range c.Incidents {
		if in.Service != s.Name || in.Maintenance {
			continue
		}
		end, flapping := ended[in.Problem]
		flapping = flapping && !in.Start.After(end.Add(30*time.Minute))
		worthless := flapping || in.Resolver == ByIntegration && in.Ack.IsZero() && in.Duration(c.Now) <= 5*time.Minute
		if in.End.After(ended[in.Problem]) {
			ended[in.Problem] = in.End
		}
		age := c.Now.Sub(in.Start)
		if age <= 90*day && in.Resolver == ByPerson {
			if byHand[in.Problem]++; byHand[in.Problem] == 3 {
				f.repeats90++
			}
		}
		if in.Severity <= 2 && age <= 180*day && age > 15*day {
			f.grave180++
		}
		if !in.Urgent {
			continue
		}
		if !worthless {
			failures = append(failures, in.Start)
		}
		if age <= 30*day {
			month++
			if worthless {
				noisy++
			}
		}
		if age > 90*day {
			continue
		}
		f.high90++
		if in.Reported {
			reported++
		}
		if !in.Ack.IsZero() {
			acks = append(acks, in.Ack.Sub(in.Start).Seconds())
		}
		if in.Duration(c.Now) > 5*time.Minute {
			if lived++; in.Ack.IsZero() {
				never++
			}
		}
	}
	sort.Float64s(acks)
	if len(acks) > 0 {
		f.ackP90 = acks[min(len(acks)*9/10, len(acks)-1)]
	}
	if month >= 5 {
		f.noise30 = float64(noisy) / float64(month)
	}
	if f.high90 > 0 {
		f.reported90 = float64(reported) / float64(f.high90)
	}
	if lived > 0 {
		f.unacknowledged90 = float64(never) / float64(lived)
	}
	failed := 0
	for _, change := range c.Changes {
		if change.Service != s.Name || !change.Announced || c.Now.Sub(change.At) > 90*day {
			continue
		}
		f.changes90++
		if c.Now.Sub(change.At) <= 30*day {
			f.changes30++
		}
		for _, at := range failures {
			if after := at.Sub(change.At); after >= 0 && after <= day {
				failed++
				break
			}
		}
	}
	if f.changes90 > 0 {
		f.changeFailure = float64(failed) / float64(f.changes90)
	}
	return f
}

func TestHistoryAgreesWithPractice(t *testing.T) {
	for seed := range uint64(3) {
		c := made(t, Plan{Seed: seed})
		for _, s := range c.Services {
			if s.Registration == NotInPagerDuty || s.Registration == DanglingID {
				continue
			}
			f := measure(c, s)
			limit := ackLimit(s.Tier).Seconds()
			verdicts := map[string]bool{
				"obs.noise-bounded":      f.noise30 <= 0.3,
				"cicd.changes-announced": f.changes30 >= 1,
			}
			if !s.Quiet {
				verdicts["inc.answers-in-time"] = f.ackP90 <= limit && f.unacknowledged90 <= 0.1
				verdicts["obs.detected-by-machines"] = f.reported90 <= 0.1
				if f.high90 < 5 {
					t.Errorf("seed %d: %s has %d incidents in 90 days, too few to tell", seed, s.Name, f.high90)
				}
			} else if f.high90 > 0 {
				t.Errorf("seed %d: %s is quiet and paged %d times", seed, s.Name, f.high90)
			}
			if s.Does("obs.burn-rate-alerts") {
				verdicts["obs.burn-rate-alerts"] = f.noise30 <= 0.1
			}
			if s.Does("rel.self-healing") {
				verdicts["rel.self-healing"] = f.repeats90 == 0
			}
			if s.Does("cicd.change-failure") && s.Does("cicd.changes-announced") {
				verdicts["cicd.change-failure"] = f.changeFailure <= 0.15 && f.changes90 >= 10
			}
			if !s.Does("inc.postmortems") && !s.Quiet && f.grave180 == 0 {
				t.Errorf("seed %d: %s writes no post-mortems and needs none", seed, s.Name)
			}
			for check, have := range verdicts {
				if have != s.Does(check) {
					t.Errorf(
						"seed %d: %s (tier %d, %s): history says %s is %t, its practice %t: %+v", seed, s.Name, s.Tier, s.Goal, check,
						have, s.Does(check), f,
					)
				}
			}
		}
		humane(t, seed, c)
	}
}

// humane compares what policies page with what their services practise.
func humane(t *testing.T, seed uint64, c *Company) {
	t.Helper()
	pages, nights := map[string]int{}, map[string]int{}
	services := map[string]*Service{}
	for _, s := range c.Services {
		services[s.Name] = s
	}
	for _, in := range c.Incidents {
		s := services[in.Service]
		if !in.Urgent {
			continue
		}
		if c.Now.Sub(in.Start) <= 56*day {
			pages[s.PolicyID]++
		}
		if c.Now.Sub(in.Start) <= 30*day && s.asleep(in.Start) {
			nights[s.PolicyID]++
		}
	}
	for _, s := range c.Services {
		if s.PagerID == "" || s.Registration == DanglingID || s.Quiet {
			continue
		}
		have := float64(pages[s.PolicyID])/8 <= 10 && nights[s.PolicyID] <= 2
		if have != s.Does("inc.humane-load") {
			t.Errorf(
				"seed %d: %s: %d pages in 8 weeks and %d at night in 30 days, its practice says humane: %t", seed, s.Name,
				pages[s.PolicyID], nights[s.PolicyID], s.Does("inc.humane-load"),
			)
		}
	}
}

// TestReviewsShortenIncidents compares reviewed services with those that never
// were: everybody gets better over the year, and the reviewed more so.
func TestReviewsShortenIncidents(t *testing.T) {
	var before, after [2][]float64 // by whether the service was reviewed
	for seed := range uint64(6) {
		c := made(t, Plan{Seed: seed})
		done := map[string]time.Time{}
		for _, r := range c.Reviews {
			if !r.Completed.IsZero() {
				done[r.Service] = r.Completed
			}
		}
		for _, in := range c.Incidents {
			if in.Kind != Real || in.Resolver != ByPerson {
				continue
			}
			// Those never reviewed are split about when the others were.
			group, at := 0, c.Now.Add(-210*day)
			if reviewed, ok := done[in.Service]; ok {
				group, at = 1, reviewed
			}
			if in.Start.After(at.Add(Settling)) {
				after[group] = append(after[group], math.Log(in.End.Sub(in.Start).Minutes()))
			} else if in.Start.Before(at) {
				before[group] = append(before[group], math.Log(in.End.Sub(in.Start).Minutes()))
			}
		}
	}
	var ratios [2]float64
	for i := range ratios {
		ratios[i] = math.Exp(mean(after[i]) - mean(before[i]))
	}
	t.Logf("never reviewed: ratio %.2f; reviewed: %.2f", ratios[0], ratios[1])
	if ratios[1] > 0.9*ratios[0] {
		t.Errorf("incidents of reviewed services take %.2f of the time they took, of others %.2f", ratios[1], ratios[0])
	}
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
}

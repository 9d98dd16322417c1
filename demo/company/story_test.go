package company

import (
	"math"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
)

// storySeeds are how many companies the story is looked for in: it is one of many, and
// not a chance of the first.
const storySeeds = 6

// TestReviewsCutTheTimeToResolve compares companies with those in which reviews change
// nothing: all that differs is the time to resolve after reviews.
func TestReviewsCutTheTimeToResolve(t *testing.T) {
	var logs, numbers [2]float64 // with the effect, and without
	for seed := range uint64(storySeeds) {
		for i, useless := range []bool{false, true} {
			c := made(t, Plan{Seed: seed, UselessReviews: useless})
			begun := map[string]time.Time{}
			for _, r := range c.Reviews {
				if !r.Completed.IsZero() {
					begun[r.Service] = r.Completed.Add(Settling + day)
				}
			}
			for _, in := range c.Incidents {
				from, reviewed := begun[in.Service]
				if reviewed && in.Start.After(from) && in.Kind == Real && in.Resolver == ByPerson {
					logs[i] += math.Log(in.End.Sub(in.Start).Minutes())
					numbers[i]++
				}
			}
		}
	}
	ratio := math.Exp(logs[0]/numbers[0] - logs[1]/numbers[1])
	if math.Abs(ratio-TimeAfterReview) > 0.04 {
		t.Errorf("after reviews incidents take %.3f of the time that they would have taken, want %.2f", ratio, TimeAfterReview)
	}
}

// TestReviewsLeaveTheRateAlone compares the rate of real incidents after reviews with that
// before, and this with services that were never reviewed.
func TestReviewsLeaveTheRateAlone(t *testing.T) {
	type side struct{ incidents, days float64 }
	var before, after [2]side // by whether the service was reviewed
	for seed := range uint64(storySeeds) {
		c := made(t, Plan{Seed: seed})
		numbers := map[string][2]float64{}
		done := map[string]time.Time{}
		for _, s := range c.Services {
			done[s.Name] = c.Now.Add(-180 * day)
		}
		for _, r := range c.Reviews {
			if !r.Completed.IsZero() {
				done[r.Service] = r.Completed.Add(Settling)
			}
		}
		for _, in := range c.Incidents {
			of := numbers[in.Service]
			if in.Kind != Real && in.Kind != Shrug {
				continue
			}
			if in.Start.After(done[in.Service]) {
				of[1]++
			} else {
				of[0]++
			}
			numbers[in.Service] = of
		}
		for _, s := range c.Services {
			of, group := numbers[s.Name], 0
			if s.Reviewed {
				group = 1
			}
			if of[0]+of[1] == 0 {
				continue
			}
			before[group].incidents += of[0]
			before[group].days += done[s.Name].Sub(c.Now.Add(-History)).Hours() / 24
			after[group].incidents += of[1]
			after[group].days += c.Now.Sub(done[s.Name]).Hours() / 24
		}
	}
	var change [2]float64
	for i := range change {
		change[i] = after[i].incidents / after[i].days / (before[i].incidents / before[i].days)
	}
	if ratio := change[1] / change[0]; math.Abs(ratio-RateAfterReview) > 0.15 {
		t.Errorf("after reviews there are %.3f times the incidents, want %.2f: %.2f", ratio, RateAfterReview, change)
	}
}

// TestReviewsDoNotFollowBadMonths looks at the 60 days before reviews: if bad months led
// to reviews, incidents would be more frequent or longer then than in the year before.
func TestReviewsDoNotFollowBadMonths(t *testing.T) {
	var near, before, logsNear, logsBefore, daysNear, daysBefore float64
	for seed := range uint64(storySeeds) {
		c := made(t, Plan{Seed: seed})
		created := map[string]time.Time{}
		for _, r := range c.Reviews {
			created[r.Service] = r.Created
			daysNear += 60
			daysBefore += r.Created.Add(-60*day).Sub(c.Now.Add(-History)).Hours() / 24
		}
		for _, in := range c.Incidents {
			at, reviewed := created[in.Service]
			if !reviewed || in.Kind != Real || in.Resolver != ByPerson || !in.Start.Before(at) {
				continue
			}
			if minutes := math.Log(in.End.Sub(in.Start).Minutes()); at.Sub(in.Start) <= 60*day {
				near, logsNear = near+1, logsNear+minutes
			} else {
				before, logsBefore = before+1, logsBefore+minutes
			}
		}
	}
	rate, length := near/daysNear/(before/daysBefore), math.Exp(logsNear/near-logsBefore/before)
	if rate > 1.1 || length > 1.1 {
		t.Errorf("before reviews there are %.2f times as many incidents, and they take %.2f times as long", rate, length)
	}
}

func TestOneOrgLags(t *testing.T) {
	wanted := map[int]framework.Badge{
		1: framework.Platinum, 2: framework.Gold, 3: framework.Silver, 4: framework.Bronze,
	}
	for seed := range uint64(storySeeds) {
		c := made(t, Plan{Seed: seed})
		services, below, reviewed := map[string]int{}, map[string]int{}, map[string]int{}
		for _, s := range c.Services {
			services[s.Team.Org]++
			if s.Goal < wanted[s.Tier] {
				below[s.Team.Org]++
			}
			if s.Reviewed {
				reviewed[s.Team.Org]++
			}
		}
		for _, org := range c.Orgs() {
			if below[LaggingOrg]*3 < services[LaggingOrg]*2 {
				t.Errorf("seed %d: only %d of %d services of %s are below their target", seed, below[LaggingOrg],
					services[LaggingOrg], LaggingOrg)
			}
			if org != LaggingOrg && (below[org]*3 > below[LaggingOrg]*2 || reviewed[org] <= reviewed[LaggingOrg]) {
				t.Errorf("seed %d: %s has %d services below their target and %d reviewed, %s %d and %d", seed, org, below[org],
					reviewed[org], LaggingOrg, below[LaggingOrg], reviewed[LaggingOrg])
			}
		}
	}
}

// TestOneCheckPredictsIncidents compares the services that fail each of the two checks with
// those of their tier that pass it.
func TestOneCheckPredictsIncidents(t *testing.T) {
	for check, want := range map[string]float64{PredictingCheck: PredictedRate, UnrelatedCheck: 1} {
		type side struct{ incidents, services float64 }
		found := map[int]*[2]side{}
		for seed := range uint64(storySeeds) {
			c := made(t, Plan{Seed: seed})
			numbers := map[string]float64{}
			for _, in := range c.Incidents {
				if in.Kind == Real || in.Kind == Shrug {
					numbers[in.Service]++
				}
			}
			for _, s := range c.Services {
				if numbers[s.Name] == 0 || s.Quiet {
					continue
				}
				if found[s.Tier] == nil {
					found[s.Tier] = &[2]side{}
				}
				of := &found[s.Tier][0]
				if s.Does(check) {
					of = &found[s.Tier][1]
				}
				of.incidents += numbers[s.Name]
				of.services++
			}
		}
		logs, weights := 0.0, 0.0
		for _, of := range found {
			if of[0].services < 10 || of[1].services < 10 {
				continue
			}
			weight := of[0].services + of[1].services
			logs += weight * math.Log(of[0].incidents/of[0].services/(of[1].incidents/of[1].services))
			weights += weight
		}
		// What a check of alerts or reviews needs at the least is added to the quiet ones.
		if ratio := math.Exp(logs / weights); ratio < want*0.85 || ratio > want*1.15 {
			t.Errorf("services that fail %s have %.2f times the real incidents, want %.2f", check, ratio, want)
		}
	}
}

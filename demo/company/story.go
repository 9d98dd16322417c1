package company

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/prodready/collector/framework"
)

// The story of the company is what is planted in its past on purpose, so that the
// collector's statistics have something to find, and something that they must not find.
// docs/demo.md says the same in plain words, with the commands that show it.
const (
	// TimeAfterReview is how long an incident of a reviewed service takes to resolve, as
	// a multiple of what it would have taken without the review: 40 % less.
	TimeAfterReview = 0.6
	// RateAfterReview is how many incidents a reviewed service has, as a multiple of what
	// it would have had without the review. Reviews change neither the number nor the
	// noise.
	RateAfterReview = 1.0
	// LaggingOrg is the id of the organisation that lags: most of its services are below
	// their target, and few were reviewed.
	LaggingOrg = "money"
	// PredictingCheck is the check whose failing goes with more incidents: services that
	// fail it have PredictedRate times as many real ones.
	PredictingCheck = "cicd.no-drift"
	PredictedRate   = 2.8
	// UnrelatedCheck is the check that says nothing about incidents.
	UnrelatedCheck = "inc.automated-response"
)

const (
	// laggingMerit is what the lagging organisation is behind when badges are given, in
	// tiers of services.
	laggingMerit = 1.6
	// laggingReviewed and usuallyReviewed are the shares of services with Bronze that have
	// had a review.
	laggingReviewed, usuallyReviewed = 0.05, 0.35
)

// timeAfterReview is TimeAfterReview, or 1 in a company whose reviews change nothing.
func (b *builder) timeAfterReview() float64 {
	if b.uselessReviews {
		return 1
	}
	return TimeAfterReview
}

// lags reports whether the service is one of the lagging organisation.
func (s *Service) lags() bool { return s.Team.Org == LaggingOrg }

// plant deals the practice of the two checks to the services: as many of each tier do the
// predicting one as do not, and the unrelated one is dealt in the same way within these
// halves, so that neither depends on anything else.
func (b *builder) plant() {
	tier := func(s *Service) string { return strconv.Itoa(s.Tier) }
	b.deal(PredictingCheck, tier)
	b.deal(UnrelatedCheck, func(s *Service) string {
		return tier(s) + strconv.FormatBool(s.Does(PredictingCheck))
	})
}

// deal lets half of the services of each group fulfil a check. Those whose badge asks for
// it do so in any case.
func (b *builder) deal(check string, groupOf func(*Service) string) {
	level := framework.Badge(0)
	for _, c := range b.checks {
		if c.ID == check {
			level = framework.Badge(c.Level)
		}
	}
	groups := map[string][]*Service{}
	for _, s := range b.Services {
		groups[groupOf(s)] = append(groups[groupOf(s)], s)
	}
	for _, group := range groups {
		rolls := map[*Service]float64{}
		for _, s := range group {
			rolls[s] = b.dice("deal", check, s.Name).Float64()
			if s.Goal >= level {
				rolls[s] = -1
			}
		}
		slices.SortFunc(group, func(x, y *Service) int { return cmp.Compare(rolls[x], rolls[y]) })
		for i, s := range group {
			s.Practice.set(check, s.Goal >= level || 2*i < len(group))
			if s.Does(check) {
				for _, need := range needs()[check] {
					s.Practice.set(need, true)
				}
			}
		}
	}
}

// planted reports whether the story decides who fulfils the check, or one that needs it.
func planted(check string) bool {
	for _, planted := range []string{PredictingCheck, UnrelatedCheck} {
		if check == planted || slices.Contains(needs()[planted], check) {
			return true
		}
	}
	return false
}

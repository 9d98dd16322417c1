package correlation

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/statistics"
)

// Standing is how ready a service was from a time on, to its next standing: the score,
// badge and checks of a judgement without those checks that read facts about incidents or
// alerts (evidence.Definition.Outcome), which would explain outcomes by outcomes. Its
// types, and those of CrossSection, are stable: commands, metrics and reports may be built
// on them.
type Standing struct {
	Service string
	Since   time.Time
	// Score is the lower bound, 0 to 1. HasScore is false if no check counts; Score then
	// means nothing.
	Score    float64
	HasScore bool
	Badge    framework.Badge
	// Passing and Failing are the ids of checks with a definite verdict that count.
	Passing, Failing []string
}

// CrossInput is what services are compared by.
type CrossInput struct {
	// Services are those of the catalog.
	Services []*catalog.Service
	// Incidents are those of Links since Since and LinkWithin before it.
	Incidents []*Incident
	// Standings are those of each service, in any order. A service does not count before
	// its first one.
	Standings []Standing
	// Since is when the comparison begins.
	Since time.Time
}

// CrossSection compares services with each other, always with those of the same tier.
// Services that differ in readiness differ in other things, too: it shows what goes
// together, and not what causes what.
type CrossSection struct {
	// Since and Until are the time that is compared.
	Since, Until time.Time
	// Badges has each tier and badge that was held, by tier and badge.
	Badges []BadgeOutcome
	// Correlations has each outcome with enough services.
	Correlations []Correlation
	// Checks has each check that had a definite verdict, by id.
	Checks []CheckAssociation
}

// BadgeOutcome is about the episodes of services of a tier that held a badge when these
// began.
type BadgeOutcome struct {
	Tier  int
	Badge framework.Badge
	// Services is the number of services that held it, ServiceDays for how long.
	Services    int
	ServiceDays float64
	// Episodes is their number, and Resolution how long those lasted that count for
	// ResolutionTime.
	Episodes   int
	Resolution Summary
}

// Rate is the number of episodes per service and day. It has no value when the badge was
// held for less than LeastServiceDays.
func (b BadgeOutcome) Rate() (float64, bool) {
	if b.ServiceDays < LeastServiceDays {
		return 0, false
	}
	return float64(b.Episodes) / b.ServiceDays, true
}

// Correlation is how much services with a higher score at the beginning have more of an
// outcome afterwards.
type Correlation struct {
	Outcome Outcome
	// Spearman is the rank correlation within tiers, -1 to 1, with Bonett and Wright's
	// interval: below 0, ready services have less.
	Spearman statistics.Interval
	// Services is their number.
	Services int
}

// LeastCorrelated is the least number of services of a correlation.
const LeastCorrelated = 10

// CheckAssociation compares the episodes of services that fail a check with those of
// services that pass it.
type CheckAssociation struct {
	Check string
	// Failing and Passing are services that failed and passed it at some time, and the
	// episodes that they had then.
	FailingServices, PassingServices int
	FailingEpisodes, PassingEpisodes int
	// Known is true if there are LeastAssociated services on each side, 50 episodes in all,
	// and LeastExpected that were to be expected on each side; nothing below has meaning
	// otherwise.
	Known bool
	// Ratio is the rate of episodes while the check fails as a multiple of that while it
	// passes, of services of the same tiers: exact bounds, for as many independent
	// episodes as these count for.
	Ratio statistics.Interval
	// P is its p-value, and Adjusted that corrected for the number of checks.
	P, Adjusted float64
	// Dispersion is how much more the episodes of services vary than chance alone would
	// have them, at least 1: so many episodes count as one.
	Dispersion float64
	// NoRelation is true if the difference is not more than chance, and the interval has no
	// large one: failing the check goes with at most half as many episodes more. It is a
	// candidate to drop.
	NoRelation bool
}

// LeastAssociated is the least number of services that fail a check, and that pass it.
const LeastAssociated = 10

// LeastExpected is the least number of episodes that are to be expected of each side of a
// check: those that services of the same tiers have in as much time. What was expected
// decides, and not what there was: no episode where twenty were to be expected says much, and
// none of services that failed for an hour says nothing.
const LeastExpected = 10

const (
	leastAssociatedEpisodes = 50
	// largeRatio is a difference that is worth a check.
	largeRatio = 1.5
)

// CompareServices compares services, as known at a time.
func CompareServices(in CrossInput, now time.Time) CrossSection {
	c := newComparison(in, now)
	return CrossSection{
		Since: in.Since, Until: now, Badges: c.badges(), Correlations: c.correlations(), Checks: c.checks(),
	}
}

// comparison is what all parts of a cross-section are made of.
type comparison struct {
	now      time.Time
	services []compared
}

// compared is one service with standings.
type compared struct {
	tier  int
	spans []standingSpan
	// noise and paged are the incidents that paged and were classified since the first
	// standing, and those of them that are noise.
	noise, paged int
}

// standingSpan is a standing, how long it lasted, and what began meanwhile.
type standingSpan struct {
	*Standing
	days     float64
	episodes []*episode
}

func newComparison(in CrossInput, now time.Time) *comparison {
	tiers := make(map[string]int, len(in.Services))
	for _, s := range in.Services {
		tiers[s.Name] = s.Tier
	}
	own := map[string][]*Standing{}
	for i := range in.Standings {
		s := &in.Standings[i]
		if _, known := tiers[s.Service]; known && !s.Since.After(now) {
			own[s.Service] = append(own[s.Service], s)
		}
	}
	c := &comparison{now: now}
	index := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		index[name] = len(c.services)
		c.services = append(c.services, compared{tier: tiers[name], spans: spansOf(own[name], in.Since, now)})
	}
	episodes := episodesOf(in.Incidents, now)
	for i := range episodes {
		e := &episodes[i]
		at, known := index[e.service]
		if !known || e.maintenance() {
			continue
		}
		if span := c.services[at].at(e.start(), in.Since); span != nil {
			span.episodes = append(span.episodes, e)
		}
	}
	for _, one := range in.Incidents {
		c.addNoise(one, index, in.Since)
	}
	return c
}

// addNoise counts an incident that paged, if it is known whether it is noise.
func (c *comparison) addNoise(in *Incident, index map[string]int, since time.Time) {
	classes, classified := in.Noise(c.now)
	if !classified || classes[AnyNoise] == evidence.Unknown || in.StartedAt.After(c.now) {
		return
	}
	for _, name := range in.Services {
		at, known := index[name]
		if !known || c.services[at].at(in.StartedAt, since) == nil {
			continue
		}
		c.services[at].paged++
		if classes[AnyNoise] == evidence.Yes {
			c.services[at].noise++
		}
	}
}

// spansOf are the standings of a service from a time to another.
func spansOf(own []*Standing, since, now time.Time) []standingSpan {
	slices.SortStableFunc(own, func(a, b *Standing) int { return a.Since.Compare(b.Since) })
	var out []standingSpan
	for i, s := range own {
		from, to := later(s.Since, since), now
		if i+1 < len(own) {
			to = own[i+1].Since
		}
		if to.After(from) {
			out = append(out, standingSpan{Standing: s, days: to.Sub(from).Hours() / 24})
		}
	}
	return out
}

// at returns the standing that the service had right before t, because an incident may
// change the standing itself. It is nil if t is before since, or if no standing is known
// for t.
func (c *compared) at(t, since time.Time) *standingSpan {
	if t.Before(since) {
		return nil
	}
	for i := range slices.Backward(c.spans) {
		if c.spans[i].Since.Before(t) {
			return &c.spans[i]
		}
	}
	return nil
}

// badges has the outcomes by tier and badge.
func (c *comparison) badges() []BadgeOutcome {
	type key struct {
		tier  int
		badge framework.Badge
	}
	found := map[key]*BadgeOutcome{}
	durations := map[key][]Observation{}
	for i := range c.services {
		s := &c.services[i]
		seen := map[framework.Badge]bool{}
		for _, span := range s.spans {
			k := key{s.tier, span.Badge}
			if found[k] == nil {
				found[k] = &BadgeOutcome{Tier: s.tier, Badge: span.Badge}
			}
			b := found[k]
			if !seen[span.Badge] {
				seen[span.Badge] = true
				b.Services++
			}
			b.ServiceDays += span.days
			b.Episodes += len(span.episodes)
			for _, e := range span.episodes {
				if d, known := e.resolution(c.now); known {
					durations[k] = append(durations[k], d)
				}
			}
		}
	}
	var out []BadgeOutcome
	for k, b := range found {
		b.Resolution = summarise(durations[k], 0)
		out = append(out, *b)
	}
	slices.SortFunc(out, func(a, b BadgeOutcome) int { return cmp.Or(a.Tier-b.Tier, int(a.Badge-b.Badge)) })
	return out
}

// resolution is how long an episode lasted that counts for ResolutionTime, censored if it
// goes on.
func (e *episode) resolution(now time.Time) (o Observation, known bool) {
	var left LeftOut
	d, counts := left.resolution(e, now)
	open := slices.ContainsFunc(e.incidents, func(in *Incident) bool { return in.Open(now) })
	return Observation{Duration: d, Censored: open}, counts
}

// correlations compares the score at the beginning with each outcome.
func (c *comparison) correlations() []Correlation {
	var out []Correlation
	for _, outcome := range Outcomes() {
		var scores, values []float64
		var tiers []int
		for i := range c.services {
			s := &c.services[i]
			value, known := s.outcome(outcome, c.now)
			if len(s.spans) == 0 || !s.spans[0].HasScore || !known || math.IsNaN(s.spans[0].Score) {
				continue
			}
			scores, values, tiers = append(scores, s.spans[0].Score), append(values, value), append(tiers, s.tier)
		}
		rho, effective, known := statistics.SpearmanWithin(scores, values, tiers)
		if known && effective >= LeastCorrelated {
			out = append(out, Correlation{outcome, statistics.BonettWright(rho, effective), len(scores)})
		}
	}
	return out
}

// What a service needs to have an outcome.
const (
	leastOutcomeDays   = 14
	leastOutcomeEvents = 3
)

// outcome is that of one service since its first standing.
func (c *compared) outcome(o Outcome, now time.Time) (value float64, known bool) {
	days, episodes, logs, n := 0.0, 0, 0.0, 0
	for _, span := range c.spans {
		days += span.days
		episodes += len(span.episodes)
		for _, e := range span.episodes {
			var d time.Duration
			counts := false
			switch o {
			case ResolutionTime:
				var observed Observation
				observed, counts = e.resolution(now)
				d = max(observed.Duration, time.Minute)
			case AcknowledgementTime:
				d, counts = e.acknowledgement(now)
				d = max(d, shortestAcknowledgement)
			}
			if counts {
				logs += math.Log(d.Seconds())
				n++
			}
		}
	}
	switch o {
	case IncidentRate:
		return float64(episodes) / days, days >= leastOutcomeDays
	case NoiseShare:
		return float64(c.noise) / float64(c.paged), c.paged >= leastOutcomeEvents
	}
	return logs / float64(n), n >= leastOutcomeEvents
}

// side is one side of a check.
type side struct {
	services int
	episodes float64
	// days are those of each service, and counts its episodes.
	days, counts []float64
	tiers        []int
}

// add adds a service that was on this side for a time.
func (s *side) add(tier int, days, episodes float64) {
	s.services++
	s.episodes += episodes
	s.days, s.counts, s.tiers = append(s.days, days), append(s.counts, episodes), append(s.tiers, tier)
}

// checks compares the services that fail each check with those that pass it.
func (c *comparison) checks() []CheckAssociation {
	sides := map[string]*[2]side{}
	for i := range c.services {
		s := &c.services[i]
		type time struct{ days, episodes [2]float64 }
		own := map[string]*time{}
		for _, span := range s.spans {
			for verdict, checks := range [2][]string{span.Failing, span.Passing} {
				for _, check := range checks {
					if own[check] == nil {
						own[check] = &time{}
					}
					own[check].days[verdict] += span.days
					own[check].episodes[verdict] += float64(len(span.episodes))
				}
			}
		}
		for check, t := range own {
			if sides[check] == nil {
				sides[check] = &[2]side{}
			}
			for verdict := range t.days {
				if t.days[verdict] > 0 {
					sides[check][verdict].add(s.tier, t.days[verdict], t.episodes[verdict])
				}
			}
		}
	}
	var out []CheckAssociation
	var tests []int
	var p []float64
	for _, check := range slices.Sorted(maps.Keys(sides)) {
		a := associate(check, &sides[check][0], &sides[check][1])
		if a.Known {
			tests, p = append(tests, len(out)), append(p, a.P)
		}
		out = append(out, a)
	}
	for i, adjusted := range statistics.BenjaminiHochberg(p) {
		a := &out[tests[i]]
		a.Adjusted = adjusted
		a.NoRelation = adjusted > 1-statistics.Level && a.Ratio.Upper <= largeRatio
	}
	return out
}

// associate compares both sides of a check. What is expected of a service is what
// services of its tier have in as much time.
func associate(check string, failing, passing *side) CheckAssociation {
	a := CheckAssociation{
		Check: check, P: 1, Adjusted: 1, Dispersion: 1,
		FailingServices: failing.services, PassingServices: passing.services,
		FailingEpisodes: int(failing.episodes), PassingEpisodes: int(passing.episodes),
	}
	days, episodes := map[int]float64{}, map[int]float64{}
	for _, s := range []*side{failing, passing} {
		for i, tier := range s.tiers {
			days[tier] += s.days[i]
			episodes[tier] += s.counts[i]
		}
	}
	var expected [2]float64
	for verdict, s := range []*side{failing, passing} {
		for i, tier := range s.tiers {
			expected[verdict] += s.days[i] * episodes[tier] / days[tier]
		}
	}
	if min(failing.services, passing.services) < LeastAssociated ||
		failing.episodes+passing.episodes < leastAssociatedEpisodes || min(expected[0], expected[1]) < LeastExpected {
		return a
	}
	squares, n := 0.0, 0
	for verdict, s := range []*side{failing, passing} {
		for i, tier := range s.tiers {
			of := s.days[i] * episodes[tier] / days[tier] * s.episodes / expected[verdict]
			if of > 0 {
				squares += (s.counts[i] - of) * (s.counts[i] - of) / of
				n++
			}
		}
	}
	if n > 2 {
		a.Dispersion = max(1, squares/float64(n-2))
	}
	r, known := statistics.CompareRates(
		failing.episodes/a.Dispersion, expected[0], passing.episodes/a.Dispersion, expected[1],
	)
	a.Known = known
	if known {
		a.Ratio, a.P = r.Interval, r.P
	}
	return a
}

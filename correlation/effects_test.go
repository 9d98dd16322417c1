package correlation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// again is the same problem again, resolved by its integration.
func again(in Incident, began, took time.Duration) Incident {
	in.StartedAt, in.ResolvedAt, in.Flapping = ago(began), ago(began-took), true
	in.AcknowledgedAt, in.Resolver = time.Time{}, evidence.ResolverIntegration
	return in
}

func pointers(incidents []Incident) []*Incident {
	out := make([]*Incident, len(incidents))
	for i := range incidents {
		out[i] = &incidents[i]
	}
	return out
}

// TestWhichEpisodesCount: flapping ones are one, and those that no person handled, that
// were false, within maintenance or closed by a time-out do not count.
func TestWhichEpisodesCount(t *testing.T) {
	handled := lasted("checkout", 20*day, 2*time.Hour)
	flapping := lasted("checkout", 30*day, time.Minute)
	flapping.Template, flapping.Severity = "disk", 3
	flapping.Resolver, flapping.AcksKnown = evidence.ResolverIntegration, true
	flapping.AcknowledgedAt = ago(30*day - time.Second)
	flapping.Notes = 1
	second := again(flapping, 30*day-10*time.Minute, 2*time.Minute)
	second.Severity = 2
	third := again(flapping, 30*day-30*time.Minute, time.Minute)
	other := again(flapping, 30*day-24*time.Hour, time.Minute)
	other.Flapping = false
	noisy := lasted("checkout", 19*day, time.Minute)
	noisy.AcksKnown, noisy.Resolver = true, evidence.ResolverIntegration
	pressed := lasted("checkout", 12*day, 2*time.Minute)
	pressed.AcksKnown, pressed.AcknowledgedAt, pressed.Resolver = true, ago(12*day), evidence.ResolverIntegration
	falseAlarm := lasted("checkout", 18*day, time.Hour)
	falseAlarm.FalseAlarm = evidence.Yes
	maintenance := lasted("checkout", 17*day, time.Hour)
	maintenance.Maintenance = true
	timeout := lasted("checkout", 16*day, 4*time.Hour)
	timeout.Resolver = evidence.ResolverTimeout
	unread := lasted("checkout", 15*day, time.Hour)
	unread.Resolver = evidence.ResolverIntegration
	endless := lasted("checkout", 14*day, time.Hour)
	endless.ResolvedAt, endless.EndUnknown, endless.Resolver = time.Time{}, true, evidence.ResolverPerson
	open := lasted("checkout", 13*day, 0)
	open.ResolvedAt, open.Resolver, open.AcksKnown, open.AcknowledgedAt = time.Time{}, "", true, ago(13*day-time.Minute)
	future := lasted("checkout", -day, time.Hour)
	for _, in := range []*Incident{&flapping, &second, &third, &other, &noisy, &pressed, &open} {
		in.HasTicket, in.FalseAlarm = evidence.No, evidence.No
	}

	incidents := pointers([]Incident{
		handled, third, second, flapping, other, noisy, pressed, falseAlarm, maintenance, timeout, unread, endless, open,
		future,
	})
	events, left := eventsOf(incidents, noon)
	want := LeftOut{Maintenance: 1, TimedOut: 1, FalseAlarm: 1, NotHandled: 3, Unknown: 2, Counted: 3}
	left.Unclassified = 0
	if left != want {
		t.Errorf("left out are %+v, want %+v", left, want)
	}
	var got []string
	for _, e := range events[ResolutionTime]["checkout"] {
		got = append(got, fmt.Sprintf("%v %v %d", noon.Sub(e.At), e.Duration, e.Severity))
	}
	slices.Sort(got)
	if want := []string{"312h0m0s 312h0m0s 0", "480h0m0s 2h0m0s 0", "720h0m0s 31m0s 2"}; !slices.Equal(got, want) {
		t.Errorf("episodes are %v, want %v", got, want)
	}
	if n := len(events[IncidentRate]["checkout"]); n != 10 {
		t.Errorf("%d episodes count for the rate, want 10: all but that within maintenance and the one to come", n)
	}
	if n := len(events[AcknowledgementTime]["checkout"]); n != 3 {
		t.Errorf("%d episodes were acknowledged, want 3", n)
	}
	noise := 0
	for _, e := range events[NoiseShare]["checkout"] {
		if e.Counts {
			noise++
		}
	}
	// The two that flap, the noisy one and the other of the disk, which is noisy, too, and
	// the one of which somebody only pressed the button. The first of the disk has a note.
	if n := len(events[NoiseShare]["checkout"]); n != 7 || noise != 5 {
		t.Errorf("%d of %d classified incidents are noise, want 5 of 7", noise, n)
	}
}

// company is a made-up one: two tiers, two teams in each, and every other service
// reviewed.
type company struct {
	services  []*catalog.Service
	incidents []Incident
	reviews   []evidence.Review
}

// newCompany has some services and incidents of 760 days. After reviews, resolution takes
// a part of the time.
func newCompany(services, incidents int, part float64, seed uint64) company {
	random := rand.New(rand.NewPCG(seed, 2))
	var c company
	completed := make([]time.Time, services)
	levels := make([]float64, services)
	for s := range services {
		name := fmt.Sprintf("s%03d", s)
		tier := 1 + s%4/2
		team := fmt.Sprintf("team-%d", s%4)
		c.services = append(c.services, &catalog.Service{Name: name, Tier: tier, Team: team, Org: "shop"})
		levels[s] = random.NormFloat64() / 2
		if s%2 == 0 {
			created := noon.Add(-time.Duration(float64(day) * (250 + 300*random.Float64())))
			completed[s] = created.Add(30 * day)
			c.reviews = append(c.reviews, evidence.Review{
				Source: "jira/main", ID: name, Service: name, Status: evidence.ReviewDone, CreatedAt: created, CompletedAt: completed[s],
			})
		}
	}
	for range incidents {
		s := random.IntN(services)
		began := noon.Add(-time.Duration(760 * float64(day) * random.Float64()))
		log := 8 + levels[s] + 1.25*random.NormFloat64()
		if !completed[s].IsZero() && began.After(completed[s]) {
			log += math.Log(part)
		}
		acknowledged := time.Duration(float64(time.Minute) * 4 * math.Exp(random.NormFloat64()))
		took := time.Duration(math.Exp(log) * float64(time.Second))
		in := Incident{
			Services: []string{c.services[s].Name}, StartedAt: began, ResolvedAt: began.Add(max(took, acknowledged)),
			AcknowledgedAt: began.Add(acknowledged), AcksKnown: true, Urgent: true, Resolver: evidence.ResolverPerson,
			Severity: 1 + random.IntN(4), HasTicket: evidence.No, FalseAlarm: evidence.No,
		}
		if random.IntN(4) == 0 {
			in.AcknowledgedAt, in.Resolver, in.ResolvedAt = time.Time{}, evidence.ResolverIntegration, began.Add(2*time.Minute)
		}
		c.incidents = append(c.incidents, in)
	}
	return c
}

func (c *company) effects(shuffles int) Effects {
	return EstimateEffects(EffectInput{
		Services: c.services, Incidents: pointers(c.incidents), Treatments: ReviewTreatments(c.reviews),
		Options: effect.Options{Shuffles: shuffles},
	}, noon)
}

// TestReviewsThatWorkAreSeenToWork: resolution takes 40 % less, and nothing else changes.
func TestReviewsThatWorkAreSeenToWork(t *testing.T) {
	c := newCompany(120, 8000, 0.6, 1)
	effects := c.effects(20)
	primary := &effects.Verdicts[0]
	if !primary.Primary() || primary.Verdict != effect.Improved || primary.Ratio.Excludes(0.6) ||
		primary.Placebo.Shuffles != 20 {
		t.Errorf("the first verdict is %s of %s (%+v), want improved by 40 %%", primary.Verdict, primary.Outcome, primary.Ratio)
	}
	if len(effects.Verdicts) != 3*len(Outcomes()) || len(effects.Teams) != 4*len(Outcomes()) {
		t.Fatalf("%d verdicts and %d estimates of teams", len(effects.Verdicts), len(effects.Teams))
	}
	corrected := 0
	for _, e := range effects.Verdicts {
		if e.Adjusted > e.P {
			corrected++
		}
		// What takes less time is acknowledged no sooner.
		if e.Outcome != ResolutionTime && (e.Verdict != effect.Inconclusive || !e.Known) {
			t.Errorf("%s of %s %s is %s: %+v", e.Outcome, e.Scope, e.Group, e.Verdict, e.Ratio)
		}
		if !e.Primary() && e.Adjusted < e.P {
			t.Errorf("%s of %s %s: p %g is not corrected, %g", e.Outcome, e.Scope, e.Group, e.P, e.Adjusted)
		}
	}
	if primary.Adjusted != primary.P || corrected < len(effects.Verdicts)/2 {
		t.Errorf("%d verdicts are corrected for their number, the primary one %v", corrected, primary.Adjusted != primary.P)
	}
	for _, e := range effects.Teams {
		if e.Verdict == effect.Improved || e.Verdict == effect.Worsened || e.Placebo != (effect.Placebo{}) {
			t.Errorf("team %s has the verdict %s and %+v", e.Group, e.Verdict, e.Placebo)
		}
	}
}

func TestReviewsThatDoNothing(t *testing.T) {
	c := newCompany(120, 8000, 1, 2)
	for _, e := range c.effects(20).Verdicts {
		if e.Verdict != effect.Inconclusive || !e.Known {
			t.Errorf("%s of %s %s is %s: %+v", e.Outcome, e.Scope, e.Group, e.Verdict, e.Ratio)
		}
	}
}

// TestThePrimaryEffectAlone is the same as among all.
func TestThePrimaryEffectAlone(t *testing.T) {
	c := newCompany(40, 2500, 0.6, 4)
	got := EstimatePrimary(EffectInput{
		Services: c.services, Incidents: pointers(c.incidents), Treatments: ReviewTreatments(c.reviews),
		Options: effect.Options{Shuffles: 4},
	}, noon)
	if want := c.effects(4).Verdicts[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestTheOrderOfIncidentsDoesNotMatter to effects.
func TestTheOrderOfIncidentsDoesNotMatter(t *testing.T) {
	c := newCompany(40, 2500, 0.6, 3)
	want := c.effects(4)
	slices.Reverse(c.incidents)
	slices.Reverse(c.services)
	slices.Reverse(c.reviews)
	if got := c.effects(4); !reflect.DeepEqual(got, want) {
		t.Error("in another order the effects are others")
	}
}

func TestWhichReviewsAreTreatments(t *testing.T) {
	created, done := ago(50*day), ago(20*day)
	got := ReviewTreatments([]evidence.Review{
		{Service: "a", Status: evidence.ReviewDone, CreatedAt: created, CompletedAt: done},
		{Service: "b", Status: evidence.ReviewInProgress, CreatedAt: created},
		{Service: "c", Status: evidence.ReviewNotDone, CreatedAt: created, CompletedAt: done},
		{Service: "d", Status: evidence.ReviewDone, CreatedAt: created, CompletedAt: done, Gone: true},
		{Service: "e", Status: evidence.ReviewDone, CreatedAt: created},
	})
	want := []effect.Treatment{
		{Service: "a", From: created, Until: done}, {Service: "b", From: created}, {Service: "e", From: created},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestReachingABadgeIsATreatment(t *testing.T) {
	held := func(service string, badge framework.Badge) BadgeHeld {
		return BadgeHeld{Service: service, Badge: badge, FirstJudged: ago(100 * day)}
	}
	got := BadgeTreatments(framework.Gold, []BadgeHeld{
		held("rose", framework.Silver), held("always", framework.Platinum), held("never", framework.Bronze),
		{Service: "new", Badge: framework.Gold, FirstJudged: ago(time.Hour), Settling: true},
	}, []BadgeChange{
		{Service: "rose", At: ago(60 * day), From: framework.Bronze, To: framework.Platinum},
		{Service: "rose", At: ago(30 * day), From: framework.Platinum, To: framework.Silver},
	})
	want := []effect.Treatment{
		{Service: "rose", From: ago(60 * day), Until: ago(60 * day)}, {Service: "always", From: time.Unix(0, 0)},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestOddCompanies: nothing panics, whatever the incidents and standings are.
func TestOddCompanies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SampledFrom([]string{"a", "b", "c", "d", ""})
		when := rapid.Map(rapid.IntRange(-10, 800), func(days int) time.Time { return ago(time.Duration(days) * day) })
		var c company
		for _, name := range []string{"a", "b", "c"}[:rapid.IntRange(0, 3).Draw(t, "services")] {
			c.services = append(c.services, &catalog.Service{Name: name, Tier: rapid.IntRange(0, 2).Draw(t, "tier"), Team: "t"})
		}
		for range rapid.IntRange(0, 60).Draw(t, "incidents") {
			c.incidents = append(c.incidents, Incident{
				Services: []string{names.Draw(t, "service")}, StartedAt: when.Draw(t, "start"), ResolvedAt: when.Draw(t, "end"),
				AcknowledgedAt: when.Draw(t, "acknowledged"), AcksKnown: rapid.Bool().Draw(t, "known"),
				Urgent: true, Template: rapid.SampledFrom([]string{"", "x"}).Draw(t, "template"),
				EndUnknown: rapid.IntRange(0, 5).Draw(t, "end unknown") == 0, Severity: rapid.IntRange(-2, 9).Draw(t, "severity"),
				Resolver: rapid.SampledFrom([]evidence.Resolver{"", evidence.ResolverPerson, evidence.ResolverIntegration}).
					Draw(t, "resolver"),
			})
		}
		for range rapid.IntRange(0, 6).Draw(t, "reviews") {
			c.reviews = append(c.reviews, evidence.Review{
				Service: names.Draw(t, "service"), Status: evidence.ReviewDone, CreatedAt: when.Draw(t, "created"),
				CompletedAt: when.Draw(t, "completed"),
			})
		}
		c.effects(1)
		var standings []Standing
		for range rapid.IntRange(0, 20).Draw(t, "standings") {
			standings = append(standings, Standing{
				Service: names.Draw(t, "service"), Since: when.Draw(t, "since"), HasScore: true,
				Score:   rapid.SampledFrom([]float64{0, 0.5, 1, math.NaN()}).Draw(t, "score"),
				Failing: rapid.SliceOf(rapid.SampledFrom([]string{"x", "y"})).Draw(t, "failing"),
				Passing: rapid.SliceOf(rapid.SampledFrom([]string{"x", "z"})).Draw(t, "passing"),
			})
		}
		CompareServices(CrossInput{
			Services: c.services, Incidents: pointers(c.incidents), Standings: standings, Since: when.Draw(t, "from"),
		}, noon)
	})
}

package correlation

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

const day = 24 * time.Hour

// lasted is an incident of one service that began some time ago and took that
// long.
func lasted(service string, began, took time.Duration) Incident {
	return Incident{
		Services: []string{service}, StartedAt: ago(began), ResolvedAt: ago(began - took), Resolver: evidence.ResolverPerson,
		Urgent: true,
	}
}

func fleet() []*catalog.Service {
	return []*catalog.Service{
		{Name: "checkout", Team: "payments", Org: "shop", Tier: 1},
		{Name: "invoices", Team: "payments", Org: "shop", Tier: 2},
		{Name: "quiet", Team: "search", Tier: 2},
	}
}

func TestFiguresOfAService(t *testing.T) {
	open := lasted("checkout", 40*day, 0)
	open.ResolvedAt, open.Resolver, open.Severity = time.Time{}, "", 2
	timeout := lasted("checkout", 5*day, 4*time.Hour)
	timeout.Resolver = evidence.ResolverTimeout
	maintenance := lasted("checkout", day, time.Hour)
	maintenance.Maintenance = true
	future := lasted("checkout", -time.Hour, time.Hour)
	incidents := []Incident{
		open, timeout, maintenance, future,
		lasted("checkout", 30*day, time.Hour), // began right at the edge, which is outside
		lasted("checkout", 20*day, time.Hour),
		lasted("checkout", 10*day, 2*time.Hour),
		lasted("checkout", 2*day, 3*time.Hour),
		lasted("elsewhere", 2*day, 3*time.Hour),
	}
	incidents[6].Severity = 1
	all := PerService(incidents, nil, fleet(), Options{}, noon)
	if len(all) != 1 {
		t.Fatalf("figures of %d services, want those of the one that had incidents", len(all))
	}
	f := all["checkout"]
	if f.Open != 1 || len(f.Windows) != 1 {
		t.Fatalf("%+v", f)
	}
	w := f.Windows[0]
	if w.Window.String() != "30d" || w.Incidents != 4 {
		t.Errorf("%d incidents in %s, want 4 in 30d", w.Incidents, w.Window)
	}
	if got, want := fmt.Sprint(w.Severities), "[{0 3} {1 1} {2 0}]"; got != want {
		t.Errorf("severities %s, want %s", got, want)
	}
	// 1 h, 2 h, 3 h and more than 4 h.
	r := w.Resolution
	if r.Ended != 3 || r.Censored != 1 || r.TimedOut != 1 {
		t.Errorf("sample %+v", r)
	}
	if (r.P50 != Estimate{2 * time.Hour, true}) || r.P90.Known {
		t.Errorf("p50 %v and p90 %v, want 2h and none", r.P50, r.P90)
	}
	if ratio, known := r.TimedOutRatio(); !known || ratio != 0.25 {
		t.Errorf("a share of %g was timed out, want 0.25", ratio)
	}
	// A quarter is censored, so that a mean of the others says little.
	if ratio, known := r.CensoredRatio(); !known || ratio != 0.25 || r.Geomean.Known {
		t.Errorf("a share of %g is censored, want 0.25; geometric mean %v, want none", ratio, r.Geomean)
	}
	var within []string
	for _, w := range r.Within {
		within = append(within, fmt.Sprintf("%s %.4g %.4g–%.4g", w.Within, w.Value, w.Lower, w.Upper))
	}
	if got := fmt.Sprint(within); got != "[30m0s 0 0–0.4899 1h0m0s 0.25 0.04559–0.6994 4h0m0s 0.75 0.3006–0.9544]" {
		t.Error(got)
	}
	if w.Noise.All != 0 || w.Noise.Unclassified == 0 || w.Acknowledgement.Count() != 0 || w.Within[0].Incidents != 0 {
		t.Errorf("nobody knows of acknowledgements: %+v", w)
	}
}

func TestAcknowledgementsAndNoise(t *testing.T) {
	acked := func(after, took time.Duration, by evidence.Resolver) Incident {
		in := lasted("checkout", day, took)
		in.AcksKnown, in.Resolver = true, by
		if after > 0 {
			in.AcknowledgedAt = in.StartedAt.Add(after)
		}
		return in
	}
	flapping := acked(0, 3*time.Minute, evidence.ResolverIntegration)
	flapping.Flapping = true
	flappingForLong := acked(20*time.Minute, time.Hour, evidence.ResolverPerson)
	flappingForLong.Flapping = true
	low := acked(time.Minute, time.Hour, evidence.ResolverPerson)
	low.Urgent = false
	justBegun := acked(time.Minute, time.Hour, evidence.ResolverPerson)
	justBegun.StartedAt, justBegun.AcknowledgedAt, justBegun.ResolvedAt = ago(
		10*time.Minute,
	), ago(9*time.Minute), time.Time{}
	unknown := lasted("checkout", day, time.Hour)
	incidents := []Incident{
		flapping, flappingForLong, low, justBegun, unknown,
		acked(5*time.Minute, time.Hour, evidence.ResolverPerson),
		acked(15*time.Minute, time.Hour, evidence.ResolverPerson),
		acked(0, 5*time.Minute, evidence.ResolverIntegration),           // noisy
		acked(0, 6*time.Minute, evidence.ResolverIntegration),           // too long
		acked(0, 2*time.Minute, evidence.ResolverPerson),                // a person
		acked(time.Minute, 2*time.Minute, evidence.ResolverIntegration), // acknowledged
	}
	w := PerService(incidents, nil, fleet(), Options{}, noon)["checkout"].Windows[0]
	// Of none is it known what people said; of the acknowledged one not whether it had a
	// ticket.
	want := Noise{All: 9, Unclassified: 1}
	want.Counts[Noisy], want.Counts[Flapping], want.Counts[AnyNoise] = 2, 2, 3
	want.Unknown[Suspected], want.Unknown[ConfirmedFalse], want.Unknown[AnyNoise] = 1, 9, 6
	if w.Noise == nil || *w.Noise != want {
		t.Errorf("noise %+v, want %+v", w.Noise, want)
	}
	if want := []WithinCount{{15 * time.Minute, 8, 3}}; !reflect.DeepEqual(w.Within, want) {
		t.Errorf("in time %+v, want %+v", w.Within, want)
	}
	// Acknowledged after 1, 1, 5, 15 and 20 minutes; given up after 2, 3, 5 and
	// 6. At 5 minutes 7 of 9 times 4 of 5 are left, which is 0.62; at 15 half of
	// that, since two are left.
	a := w.Acknowledgement
	if a.Ended != 5 || a.Censored != 4 || (a.P50 != Estimate{15 * time.Minute, true}) {
		t.Errorf("acknowledgement %+v, want a median of 15 minutes of 5 and 4", a)
	}
}

func TestGroupsCountAnIncidentOnce(t *testing.T) {
	both := lasted("checkout", day, time.Hour)
	both.Services = []string{"checkout", "elsewhere", "invoices"}
	incidents := []Incident{both, lasted("checkout", 2*day, time.Hour), lasted("elsewhere", 2*day, time.Hour)}
	var got []string
	for _, g := range PerGroup(
		incidents, nil, fleet(), Options{Windows: []Window{Window(36 * time.Hour), DefaultWindow}}, noon,
	) {
		got = append(got, fmt.Sprintf("%s=%s:%d services:%d in %s:%d in %s", g.Scope, g.Group, g.Services,
			g.Windows[0].Incidents, g.Windows[0].Window, g.Windows[1].Incidents, g.Windows[1].Window))
	}
	want := []string{
		"fleet=all:3 services:1 in 36h:2 in 30d",
		"org=shop:2 services:1 in 36h:2 in 30d",
		"team=payments:2 services:1 in 36h:2 in 30d",
		"tier=1:1 services:1 in 36h:2 in 30d",
		"tier=2:2 services:1 in 36h:1 in 30d",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhatHasNotHappenedYetIsNotKnown(t *testing.T) {
	in := lasted("checkout", time.Hour, 2*time.Hour) // ends in an hour
	in.AcksKnown, in.AcknowledgedAt = true, noon.Add(time.Minute)
	f := PerService([]Incident{in}, nil, fleet(), Options{}, noon)["checkout"]
	w := f.Windows[0]
	if f.Open != 1 || w.Resolution.Censored != 1 || w.Acknowledgement.Censored != 1 || w.Within[0].Acknowledged != 0 {
		t.Errorf("the future is counted: %+v", f)
	}
}

func TestPerBadge(t *testing.T) {
	held := []BadgeHeld{
		{Service: "checkout", Badge: framework.Silver, FirstJudged: ago(100 * day)},
		{Service: "invoices", Badge: framework.Gold, FirstJudged: ago(30 * day)},
		{Service: "back", Badge: framework.Gold, FirstJudged: ago(2 * day)},
		{Service: "quiet", Badge: framework.NoBadge, FirstJudged: ago(day), Settling: true},
	}
	regressed := ago(40 * day)
	changes := []BadgeChange{
		{Service: "checkout", At: regressed, From: framework.Gold, To: framework.Silver},
		{Service: "checkout", At: ago(99 * day), From: framework.NoBadge, To: framework.Gold, Initial: true},
		{Service: "invoices", At: ago(29 * day), From: framework.NoBadge, To: framework.Bronze, Initial: true},
		{Service: "invoices", At: ago(29*day - time.Hour), From: framework.Bronze, To: framework.Gold, Initial: true},
		{Service: "back", At: ago(60 * day), From: framework.Diamond, To: framework.NoBadge}, // before it left the catalog
	}
	both := lasted("checkout", 10*day, 3*time.Hour)
	both.Services = []string{"checkout", "invoices"}
	atOnce := lasted("checkout", 40*day, time.Hour) // the moment of the regression
	outside := lasted("checkout", 95*day, time.Hour)
	settling := lasted("quiet", time.Hour, time.Minute)
	early := lasted("invoices", 29*day+time.Hour, time.Minute)
	incidents := []Incident{both, atOnce, outside, settling, early, lasted("checkout", 20*day, time.Hour)}

	got := map[framework.Badge]BadgeFigures{}
	list := PerBadge(incidents, NewBadgeHistory(held, changes), Options{}, noon)
	for _, f := range list {
		got[f.Badge] = f
	}
	if len(list) != 2 {
		t.Errorf("figures of %d badges, want silver and gold: %+v", len(list), list)
	}
	silver, gold := got[framework.Silver], got[framework.Gold]
	if gold.Resolution.Count() != 2 || silver.Resolution.Count() != 2 {
		t.Errorf("%d and %d durations, want 2 each", gold.Resolution.Count(), silver.Resolution.Count())
	}
	if silver.Incidents != 2 || math.Abs(silver.ServiceDays-40) > 1e-9 || silver.Resolution.P50.Value != time.Hour {
		t.Errorf("silver %+v, want 2 incidents in 40 days", silver)
	}
	// 50 days of checkout, 29 days less an hour of invoices and 2 days of back.
	if gold.Incidents != 2 || math.Abs(gold.ServiceDays-(81-1.0/24)) > 1e-9 {
		t.Errorf("gold %+v, want 2 incidents in 80.96 days", gold)
	}
	if rate, ok := silver.Rate(); !ok || rate != 0.05 {
		t.Errorf("rate of silver %g (%v), want 0.05", rate, ok)
	}
	if _, ok := (BadgeFigures{Incidents: 3, ServiceDays: 0.9}).Rate(); ok {
		t.Error("a rate from less than a day")
	}
	// invoices is of another tier; back is in no catalog.
	services := []*catalog.Service{{Name: "checkout", Tier: 1}, {Name: "invoices", Tier: 2}}
	meter := NewMeter()
	meter.Change(nil, pointers(incidents))
	var tiers []string
	for _, f := range meter.Measure(services, NewBadgeHistory(held, changes), Options{}, noon).TierBadges {
		tiers = append(tiers, fmt.Sprintf("%d %s %d in %.2f", f.Tier, f.Badge, f.Incidents, f.ServiceDays))
	}
	if want := []string{"1 silver 2 in 40.00", "1 gold 1 in 50.00", "2 gold 1 in 28.96"}; !slices.Equal(tiers, want) {
		t.Errorf("by tier %q, want %q", tiers, want)
	}
	if PerBadge(nil, NewBadgeHistory(held, changes), Options{}, noon) != nil {
		t.Error("figures of badges though nobody knows of incidents")
	}
}

func TestBadgesThatAreNoneDoNoHarm(t *testing.T) {
	held := []BadgeHeld{
		{Service: "checkout", Badge: framework.Gold, FirstJudged: ago(9 * day)},
		{Service: "invoices", Badge: 77, FirstJudged: ago(9 * day)},
	}
	changes := []BadgeChange{{Service: "checkout", At: ago(5 * day), From: -3, To: 99}}
	list := PerBadge([]Incident{lasted("checkout", day, time.Hour)}, NewBadgeHistory(held, changes), Options{}, noon)
	if len(list) != 1 || list[0].Badge != framework.Gold || list[0].Incidents != 1 {
		t.Errorf("%+v", list)
	}
}

func TestReviewsOfAService(t *testing.T) {
	review := func(key string, status evidence.ReviewStatus, completed time.Time) evidence.Review {
		return evidence.Review{
			Source: "jira/main", ID: key, Service: "checkout", Status: status, CreatedAt: ago(90 * day), CompletedAt: completed,
		}
	}
	gone := review("PRR-9", evidence.ReviewDone, ago(time.Hour))
	gone.Gone = true
	got := PerServiceReviews([]evidence.Review{
		review("PRR-2", evidence.ReviewDone, ago(10*day)), review("PRR-1", evidence.ReviewDone, ago(50*day)),
		review("PRR-3", evidence.ReviewOpen, time.Time{}), review("PRR-4", evidence.ReviewInProgress, time.Time{}),
		review("PRR-5", evidence.ReviewDone, time.Time{}), gone,
		{Source: "jira/main", ID: "PRR-6", Service: "invoices", Status: evidence.ReviewDone, CreatedAt: ago(day)},
	}, noon)
	want := map[string]Reviews{
		"invoices": {}, "checkout": {Completed: ago(10 * day), Last: Reference{"jira/main", "PRR-2"}, LastName: "PRR-2", Open: 2},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestSinceReachesBehindTheLongestWindow(t *testing.T) {
	if got, want := (Options{}).Since(noon), ago(97*day); !got.Equal(want) {
		t.Errorf("since %s, want %s", got, want)
	}
	for w, want := range map[Window]string{
		DefaultWindow: "30d", Window(6 * time.Hour): "6h", Window(90 * time.Minute): "1h30m0s",
	} {
		if w.String() != want {
			t.Errorf("%s, want %s", w, want)
		}
	}
}

// TestSeveritiesSeenBefore: services and groups whose incidents are all older than
// what is measured have figures of 0.
func TestSeveritiesSeenBefore(t *testing.T) {
	seen := Seen{}
	seen.Add("checkout", 2)
	seen.Add("invoices", 9)
	seen.Add("elsewhere", 1)
	services := PerService(nil, seen, fleet(), Options{}, noon)
	if got := fmt.Sprint(len(services), services["checkout"].Windows[0].Severities,
		services["invoices"].Windows[0].Severities); got != "2 [{2 0}] [{0 0}]" {
		t.Error(got)
	}
	var groups []string
	for _, g := range PerGroup(nil, seen, fleet(), Options{}, noon) {
		groups = append(groups, fmt.Sprint(g.Scope, " ", g.Group, " ", g.Windows[0].Severities))
	}
	want := "[fleet all [{0 0} {2 0}] org shop [{0 0} {2 0}] team payments [{0 0} {2 0}] tier 1 [{2 0}] tier 2 [{0 0}]]"
	if fmt.Sprint(groups) != want {
		t.Errorf("%v\nwant %s", groups, want)
	}
}

// TestAnEndThatIsNotKnown: such an incident counts, and nothing is made of the time
// that it took.
func TestAnEndThatIsNotKnown(t *testing.T) {
	record := func(id string, links ...string) evidence.Incident {
		in := ticket(id, ago(5*day), time.Time{}, links...)
		in.EndUnknown, in.Urgent, in.AcksKnown, in.Resolver = true, true, true, evidence.ResolverIntegration
		return in
	}
	ended := ticket("SHOP-2", ago(4*day), ago(4*day-time.Hour))
	page := page("Q1", ago(5*day), time.Time{}, "SHOP-3")
	page.EndUnknown = true
	incidents := Link([]evidence.Incident{record("SHOP-1"), ended, page, ticket("SHOP-3", ago(5*day), time.Time{})})
	if len(incidents) != 3 {
		t.Fatalf("%d incidents, want 3", len(incidents))
	}
	f := PerService(incidents, nil, fleet(), Options{}, noon)["checkout"]
	w := f.Windows[0]
	if f.Open != 0 || w.Incidents != 3 || w.Resolution.Ended != 1 || w.Resolution.Censored != 0 {
		t.Errorf("%d open, %d in the window, resolution %+v", f.Open, w.Incidents, w.Resolution)
	}
	// It was never acknowledged, and is not noise: how long it lasted is not known.
	if w.Acknowledgement.Count() != 0 || w.Within[0].Incidents != 1 || w.Noise.Counts[Noisy] != 0 {
		t.Errorf("acknowledgement %+v, within %+v, noise %+v", w.Acknowledgement, w.Within, w.Noise)
	}
	history := NewBadgeHistory([]BadgeHeld{{Service: "checkout", FirstJudged: ago(20 * day)}}, nil)
	if b := PerBadge(incidents, history, Options{}, noon); b[0].Incidents != 3 || b[0].Resolution.Count() != 1 {
		t.Errorf("by badge %+v", b)
	}
}

// TestIncidentsThatMayBeMissing: where incidents may be a service's own and could not be
// used, no count of it is 0, the window says that it is incomplete, and so do the groups
// of the service.
func TestIncidentsThatMayBeMissing(t *testing.T) {
	incidents := []Incident{lasted("checkout", 10*day, time.Hour)}
	incidents[0].Severity = 2
	seen := Seen{}
	seen.Add("checkout", 1)
	seen.Add("invoices", 1)
	doubt := func(service string, age time.Duration, open bool) Options {
		return Options{Doubts: evidence.Doubts{service: {Service: service, Newest: ago(age), Open: open}}}
	}
	show := func(f Figures) string {
		w := f.Windows[0]
		return fmt.Sprint(f.Open, f.OpenIncomplete, " ", w.Incidents, w.Incomplete, " ", w.Severities)
	}
	const (
		whole, partial = "0 false 1 false [{1 0} {2 1}]", "0 false 1 true [{2 1}]"
		zero           = "0 false 0 false [{1 0}]"
	)
	for name, tc := range map[string]struct {
		options                   Options
		checkout, invoices, fleet string
	}{
		"none":                {Options{}, whole, zero, whole},
		"one of checkout":     {doubt("checkout", day, false), partial, zero, partial},
		"an open one":         {doubt("invoices", day, true), whole, "0 true 0 true []", "0 true 1 true [{2 1}]"},
		"before the window":   {doubt("invoices", 40*day, false), whole, zero, whole},
		"of no known service": {doubt("elsewhere", day, true), whole, zero, whole},
	} {
		services := PerService(incidents, seen, fleet(), tc.options, noon)
		groups := PerGroup(incidents, seen, fleet(), tc.options, noon)
		got := [3]string{show(services["checkout"]), show(services["invoices"]), show(groups[0].Figures)}
		if want := [3]string{tc.checkout, tc.invoices, tc.fleet}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// A service that never had one may have had one now.
	services := PerService(nil, nil, fleet(), doubt("checkout", day, false), noon)
	if got := show(services["checkout"]); len(services) != 1 || got != "0 false 0 true []" {
		t.Errorf("%d services, %s", len(services), got)
	}
	history := NewBadgeHistory([]BadgeHeld{{Service: "checkout", FirstJudged: ago(80 * day)}}, nil)
	for age, want := range map[time.Duration]bool{day: true, 89 * day: true, 91 * day: false} {
		if b := PerBadge(incidents, history, doubt("checkout", age, false), noon); b[0].Incomplete != want {
			t.Errorf("by badge, %s ago: %+v", age, b)
		}
	}
}

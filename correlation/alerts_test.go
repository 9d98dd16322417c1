package correlation

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

const alertSource = "prometheus/main"

// alertWorld is two services whose alerts one server has watched for a year.
func alertWorld() (Alerts, []*catalog.Service) {
	year := evidence.Span{From: noon.AddDate(-1, 0, 0), Until: noon}
	since := map[string]time.Time{"cart": year.From, "shop": year.From}
	return Alerts{
			Sights:   map[string]AlertSight{alertSource: {Spans: []evidence.Span{year}, Services: since}},
			Watchers: map[string][]string{"cart": {alertSource}, "shop": {alertSource}},
			Paged:    map[string]bool{"cart": true, "shop": true},
		}, []*catalog.Service{
			{Name: "cart", Team: "red", Tier: 1}, {Name: "shop", Team: "red", Tier: 2}, {Name: "dark", Team: "blue", Tier: 2},
		}
}

// firing is one of an alert that began so long ago.
func firing(alert string, ago, lasted time.Duration, services ...string) evidence.AlertFiring {
	at := noon.Add(-ago)
	return evidence.AlertFiring{
		Source: alertSource, Fingerprint: alert, Alert: alert, Services: services, StartedAt: at, EndedAt: at.Add(lasted),
		Paging: true,
	}
}

func window(t *testing.T, a Alerts, incidents []Incident, services []*catalog.Service, service string) AlertWindow {
	t.Helper()
	figures, _ := MeasureAlerts(a, meterOf(incidents, nil).Of, services, Options{}, noon)
	f, ok := figures[service]
	if !ok || len(f.Windows) != 1 {
		t.Fatalf("figures of %s: %+v", service, figures)
	}
	return f.Windows[0]
}

func TestAlertsAreCounted(t *testing.T) {
	a, services := alertWorld()
	quiet := firing("quiet", 50*time.Hour, time.Hour, "cart")
	quiet.Paging = false
	open := firing("open", 3*time.Hour, 0, "cart")
	open.EndedAt = time.Time{}
	a.Firings = []evidence.AlertFiring{
		open,
		firing("a", 100*time.Hour, 10*time.Minute, "cart"),
		firing("a", 99*time.Hour+20*time.Minute, 20*time.Minute, "cart"), // 30 minutes after its end
		firing("a", 98*time.Hour, 30*time.Minute, "cart"),                // an hour after its end
		firing("b", 97*time.Hour+25*time.Minute, time.Minute, "cart"),    // right after another alert
		firing("old", 31*24*time.Hour, time.Hour, "cart"),
		quiet,
		firing("other", 4*time.Hour, time.Hour, "shop"),
	}
	f := window(t, a, nil, services, "cart")
	if f.Firings != 6 || f.Paging != 5 || f.Flapping != 1 || f.Covered != 1 || f.Services != 1 {
		t.Errorf("cart: %+v", f)
	}
	// 1, 10, 20, 30, 60 minutes, and 180 so far.
	if d := f.Duration; d.Ended != 5 || d.Censored != 1 || d.P50.Value != 20*time.Minute || d.P90.Known {
		t.Errorf("durations %+v", d)
	}
	if f.Unpaged != (UnpagedCount{Firings: 5, Unpaged: 5}) {
		t.Errorf("without an incident: %+v", f.Unpaged)
	}
	if f := window(t, a, nil, services, "shop"); f.Firings != 1 || f.Flapping != 0 {
		t.Errorf("shop: %+v", f)
	}
	figures, _ := MeasureAlerts(a, NewMeter().Of, services, Options{}, noon)
	if _, known := figures["dark"]; known {
		t.Error("a service that nobody watches has figures")
	}
}

func TestWhatFlapsBeforeTheWindow(t *testing.T) {
	a, services := alertWorld()
	const edge = 30 * 24 * time.Hour
	a.Firings = []evidence.AlertFiring{
		firing("a", edge+20*time.Minute, 10*time.Minute, "cart"),
		firing("a", edge-time.Minute, time.Minute, "cart"),
	}
	if f := window(t, a, nil, services, "cart"); f.Firings != 1 || f.Flapping != 1 {
		t.Errorf("got %+v", f)
	}
	if since := (Options{}).AlertsSince(noon); !since.Equal(noon.Add(-edge - 30*time.Minute)) {
		t.Errorf("alerts are needed since %s", since)
	}
}

func TestAPageWithoutAnIncident(t *testing.T) {
	for name, c := range map[string]struct {
		began, lasted time.Duration // of the incident, from the firing
		near          bool
	}{
		"begins 5 minutes before":       {-5 * time.Minute, time.Minute, true},
		"begins 6 minutes before":       {-6 * time.Minute, time.Minute, false},
		"begins 15 minutes after":       {15 * time.Minute, time.Hour, true},
		"begins 16 minutes after":       {16 * time.Minute, time.Hour, false},
		"is open from long before":      {-10 * time.Hour, 11 * time.Hour, true},
		"is over since before":          {-10 * time.Hour, 9 * time.Hour, false},
		"has never ended":               {-1000 * time.Hour, 0, true},
		"begins later and never ends":   {time.Hour, 0, false},
		"is long over and began a week": {-7 * 24 * time.Hour, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, services := alertWorld()
			a.Firings = []evidence.AlertFiring{firing("a", 48*time.Hour, time.Minute, "cart")}
			in := Incident{Services: []string{"cart"}, StartedAt: noon.Add(c.began - 48*time.Hour)}
			if c.lasted > 0 {
				in.ResolvedAt = in.StartedAt.Add(c.lasted)
			}
			// One that is long over must not hide another.
			past := Incident{
				Services: []string{"cart"}, StartedAt: noon.Add(-50 * time.Hour), ResolvedAt: noon.Add(-49 * time.Hour),
			}
			f := window(t, a, []Incident{in, past}, services, "cart")
			ratio, known := f.Unpaged.Ratio()
			if !known || (ratio == 0) != c.near {
				t.Errorf("near is %t, and the share without is %v, %t", c.near, ratio, known)
			}
			// The incident of another service is none.
			in.Services = []string{"shop"}
			if f := window(t, a, []Incident{in, past}, services, "cart"); f.Unpaged.Unpaged != 1 {
				t.Errorf("another's incident counts: %+v", f.Unpaged)
			}
		})
	}
}

func TestAPageThatCannotBeTold(t *testing.T) {
	a, services := alertWorld()
	a.Firings = []evidence.AlertFiring{
		firing("a", 10*time.Minute, time.Minute, "cart"), firing("b", 40*time.Hour, time.Minute, "cart"),
	}
	// There is still time for the first.
	if f := window(t, a, nil, services, "cart"); f.Unpaged != (UnpagedCount{Firings: 1, Unpaged: 1}) || f.Paging != 2 {
		t.Errorf("got %+v", f)
	}
	a.Paged["cart"] = false
	f := window(t, a, nil, services, "cart")
	if ratio, known := f.Unpaged.Ratio(); known || f.Paging != 2 {
		t.Errorf("without knowing the incidents the share is %v: %+v", ratio, f)
	}
}

// TestHolesAreUnknown: what was not watched is not quiet.
func TestHolesAreUnknown(t *testing.T) {
	const days = 24 * time.Hour
	other := "prometheus/other"
	at := func(ago time.Duration) time.Time { return noon.Add(-ago) }
	for name, c := range map[string]struct {
		spans   []evidence.Span
		since   time.Time
		other   []evidence.Span
		second  bool
		known   bool
		covered float64
	}{
		"all of it": {spans: []evidence.Span{{From: at(31 * days), Until: at(0)}}, known: true, covered: 1},
		"the last minutes not yet": {
			spans: []evidence.Span{{From: at(31 * days), Until: at(10 * time.Minute)}}, known: true, covered: 1 - 10.0/60/24/30,
		},
		"a restart": {
			spans: []evidence.Span{{From: at(31 * days), Until: at(5 * days)}, {From: at(5*days - time.Hour), Until: at(0)}},
			known: true, covered: 1 - 1.0/24/30,
		},
		"an outage of three hours": {
			spans:   []evidence.Span{{From: at(31 * days), Until: at(5 * days)}, {From: at(5*days - 3*time.Hour), Until: at(0)}},
			covered: 1 - 3.0/24/30,
		},
		"data of 15 days": {spans: []evidence.Span{{From: at(15 * days), Until: at(0)}}, covered: 0.5},
		"a silent source": {spans: []evidence.Span{{From: at(40 * days), Until: at(3 * days)}}, covered: 0.9},
		"nothing":         {},
		"a service since last week": {
			spans: []evidence.Span{{From: at(31 * days), Until: at(0)}}, since: at(6 * days), covered: 0.2,
		},
		"a second server knows less": {
			spans: []evidence.Span{{From: at(31 * days), Until: at(0)}}, second: true,
			other: []evidence.Span{{From: at(3 * days), Until: at(0)}}, covered: 0.1,
		},
		"a second server as well": {
			spans: []evidence.Span{{From: at(31 * days), Until: at(0)}}, second: true,
			other: []evidence.Span{{From: at(31 * days), Until: at(0)}}, known: true, covered: 1,
		},
		"a second that never watched": {spans: []evidence.Span{{From: at(31 * days), Until: at(0)}}, second: true},
	} {
		t.Run(name, func(t *testing.T) {
			a, services := alertWorld()
			since := c.since
			if since.IsZero() {
				since = at(400 * days)
			}
			a.Sights = map[string]AlertSight{alertSource: {Spans: c.spans, Services: map[string]time.Time{"cart": since}}}
			if c.second {
				a.Watchers["cart"] = []string{alertSource, other}
			}
			if c.other != nil {
				a.Sights[other] = AlertSight{Spans: c.other, Services: map[string]time.Time{"cart": at(400 * days)}}
			}
			a.Firings = []evidence.AlertFiring{firing("a", 2*days, time.Minute, "cart")}
			f := window(t, a, nil, services, "cart")
			if (f.Services == 1) != c.known || (f.Firings == 1) != c.known || math.Abs(f.Covered-c.covered) > 1e-9 {
				t.Errorf("known is %t with %v covered: %+v", c.known, c.covered, f)
			}
		})
	}
}

func TestAnOutageIsNoFlapping(t *testing.T) {
	a, services := alertWorld()
	sight := a.Sights[alertSource]
	sight.Spans = []evidence.Span{
		{From: noon.AddDate(0, 0, -40), Until: noon.Add(-10 * time.Hour)},
		{From: noon.Add(-10*time.Hour + 20*time.Minute), Until: noon},
	}
	a.Sights[alertSource] = sight
	a.Firings = []evidence.AlertFiring{
		firing("a", 11*time.Hour, time.Hour+time.Minute, "cart"),
		firing("a", 10*time.Hour-20*time.Minute, time.Minute, "cart"),
	}
	if f := window(t, a, nil, services, "cart"); f.Firings != 2 || f.Flapping != 0 {
		t.Errorf("got %+v", f)
	}
}

func TestAlertsOfGroups(t *testing.T) {
	a, services := alertWorld()
	a.Firings = []evidence.AlertFiring{
		firing("both", 40*time.Hour, time.Hour, "cart", "shop"),
		firing("one", 50*time.Hour, time.Minute, "shop"),
	}
	page := Incident{
		Services: []string{"shop"}, StartedAt: noon.Add(-40 * time.Hour), ResolvedAt: noon.Add(-39 * time.Hour),
	}
	told := func() (words []string) {
		_, groups := MeasureAlerts(a, meterOf([]Incident{page}, nil).Of, services, Options{}, noon)
		for _, g := range groups {
			w := g.Windows[0]
			words = append(
				words,
				fmt.Sprintf(
					"%s %s of %d: %d watched %.2f, %d fired, %d/%d", g.Scope, g.Group, g.Services, w.Services, w.Covered, w.Firings,
					w.Unpaged.Unpaged, w.Unpaged.Firings,
				),
			)
		}
		return words
	}
	want := []string{
		"fleet all of 3: 2 watched 1.00, 2 fired, 1/2",
		"team red of 2: 2 watched 1.00, 2 fired, 1/2",
		// The incident was of shop alone.
		"tier 1 of 1: 1 watched 1.00, 1 fired, 1/1",
		"tier 2 of 2: 1 watched 1.00, 2 fired, 1/2",
	}

	if got := told(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	// What is not known of a service is left out, and not taken for nothing.
	delete(a.Sights[alertSource].Services, "cart")
	want = []string{
		"fleet all of 3: 1 watched 0.50, 2 fired, 1/2",
		"team red of 2: 1 watched 0.50, 2 fired, 1/2",
		"tier 1 of 1: 0 watched 0.00, 0 fired, 0/0",
		"tier 2 of 2: 1 watched 1.00, 2 fired, 1/2",
	}
	if got := told(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

// TestReplicasHaveOneFiring: two servers evaluate the same rules, and one of them was
// down from -5h to -4h and does not answer since -30m.
func TestReplicasHaveOneFiring(t *testing.T) {
	at := func(ago time.Duration) time.Time { return noon.Add(-ago) }
	year := at(365 * 24 * time.Hour)
	since := map[string]time.Time{"cart": year}
	a := Alerts{
		Sights: map[string]AlertSight{
			"prometheus/a": {Spans: []evidence.Span{{From: year, Until: at(5 * time.Hour)},
				{From: at(4 * time.Hour), Until: at(30 * time.Minute)}}, Services: since},
			"prometheus/b": {Spans: []evidence.Span{{From: year, Until: noon}}, Services: since},
		},
		Watchers:  map[string][]string{"cart": {"prometheus/a", "prometheus/b"}},
		ReplicaOf: map[string]string{"prometheus/a": "prometheus/pair", "prometheus/b": "prometheus/pair"},
		Paged:     map[string]bool{"cart": true},
	}
	add := func(source, alert string, from, until time.Duration) {
		f := evidence.AlertFiring{Source: "prometheus/" + source, Fingerprint: alert, Alert: alert,
			Services: []string{"cart"}, StartedAt: at(from), Paging: true}
		if until >= 0 {
			f.EndedAt = at(until)
		}
		a.Firings = append(a.Firings, f)
	}
	// Both have it, a minute apart.
	add("a", "Both", 10*time.Hour, 9*time.Hour)
	add("b", "Both", 10*time.Hour-time.Minute, 9*time.Hour-time.Minute)
	// One was down while it fired, so that it is two for that one.
	add("a", "Long", 6*time.Hour, 5*time.Hour)
	add("a", "Long", 4*time.Hour, 3*time.Hour)
	add("b", "Long", 6*time.Hour, 3*time.Hour)
	// One was down for all of it.
	add("b", "Missed", 5*time.Hour-time.Minute, 4*time.Hour+time.Minute)
	// It has ended while one does not answer.
	add("a", "Stuck", time.Hour, -1)
	add("b", "Stuck", time.Hour, 10*time.Minute)
	// It goes on.
	add("a", "Open", time.Hour, -1)
	add("b", "Open", time.Hour, -1)
	// It came back, and flaps.
	add("b", "Flaps", 2*time.Hour, 110*time.Minute)
	add("a", "Flaps", 2*time.Hour, 110*time.Minute)
	add("b", "Flaps", 100*time.Minute, 90*time.Minute)
	services := []*catalog.Service{{Name: "cart", Team: "red", Tier: 1}}
	f := window(t, a, nil, services, "cart")
	if f.Firings != 7 || f.Paging != 7 || f.Flapping != 1 || f.Covered != 1 || f.Services != 1 {
		t.Errorf("%+v", f)
	}
	if f.Duration.Ended != 6 || f.Duration.Censored != 1 {
		t.Errorf("durations %+v", f.Duration)
	}
	a.ReplicaOf = nil
	if f := window(t, a, nil, services, "cart"); f.Covered == 1 {
		t.Errorf("two servers that watch different things count as one: %+v", f)
	}
}

// TestAlertsThatMayBeMissing: where alerts that name no service may be a service's own,
// its window says that it is incomplete, and so do those of its groups.
func TestAlertsThatMayBeMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		doubts     map[string]time.Time
		cart, shop bool
	}{
		"none":                {nil, false, false},
		"one of cart":         {map[string]time.Time{"cart": ago(day)}, true, false},
		"at the edge":         {map[string]time.Time{"cart": ago(30*day - time.Minute)}, true, false},
		"before the window":   {map[string]time.Time{"cart": ago(31 * day)}, false, false},
		"of no known service": {map[string]time.Time{"dark": ago(day)}, false, false},
	} {
		a, services := alertWorld()
		a.Doubts = tc.doubts
		cart, shop := window(t, a, nil, services, "cart"), window(t, a, nil, services, "shop")
		if cart.Incomplete != tc.cart || shop.Incomplete != tc.shop {
			t.Errorf("%s: cart %t, shop %t", name, cart.Incomplete, shop.Incomplete)
		}
		_, groups := MeasureAlerts(a, NewMeter().Of, services, Options{}, noon)
		for _, g := range groups {
			want := tc.cart && (g.Scope != ScopeTier || g.Group == "1")
			if got := g.Windows[0].Incomplete; got != want {
				t.Errorf("%s: %s %s %t, want %t", name, g.Scope, g.Group, got, want)
			}
		}
	}
}

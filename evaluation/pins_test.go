package evaluation

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// stricter refuses what criteria accept, and has a check more.
var stricter = strings.NewReplacer("version: 1.0.0", "version: 2.0.0", "pass: x.one}]}", `pass: "!x.one"}]},
  {id: m.two, title: Two, level: 3, proofs: [{by: machine, pass: x.one}]}`).Replace(criteria)

// TestAPinnedServiceMovesOnItsDay: a service is judged by the criteria that it is pinned to,
// across a restart, until the pin ends. Then those of the fleet count: the badge that they
// contradict is lost after the dwell of the check, because of the criteria; whether the pin
// is still in the configuration or not.
func TestAPinnedServiceMovesOnItsDay(t *testing.T) {
	t.Parallel()
	databases := map[string]func(t *testing.T) string{
		"sqlite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "test.db") },
		"postgresql": func(t *testing.T) string { return storetest.StartPostgres(t).Database(t) },
	}
	for name, database := range databases {
		for pins, isRemoved := range map[string]bool{"it ends": false, "it is removed": true} {
			t.Run(name+", "+pins, func(t *testing.T) {
				t.Parallel()
				start := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
				p := &process{t: t, url: database(t), now: start}
				c, pinned := fleetOfOne(t, stricter, ""), fleetOfOne(t, criteria, "")
				var err error
				if pinned.Framework, err = framework.Compile(pinned.Document, c.Facts); err != nil {
					t.Fatal(err)
				}
				end := start.AddDate(0, 0, 10)
				c.Pins = []scoring.Pin{{
					Selector: scoring.Selector{Tiers: []int{1}}, Framework: pinned.Framework, Until: end,
				}}
				_, first := p.run(c, p.observing(true), 5*24)
				if len(first) != 1 || first[0].To != framework.Bronze || first[0].Framework != "f 1.0.0" {
					t.Fatalf("%+v, want Bronze by f 1.0.0", first)
				}
				// Another process, to the last judgement before the end.
				j, none := p.run(c, p.observing(true), 5*24-1)
				if len(none) > 0 || j.state.Badges["shop"].FrameworkHash != pinned.Framework.Hash {
					t.Fatalf("%+v, judged by %s", none, j.state.Badges["shop"].FrameworkHash)
				}
				if isRemoved {
					c.Pins = nil
				}
				j, moved := p.run(c, p.observing(true), 1)
				card := j.kept.services["shop"].card
				if len(moved) > 0 || card.Framework() != c.Framework || card.Checks[0].Status != scoring.Fail {
					t.Fatalf("on the day: %+v, judged by %s", moved, card.Framework().Title())
				}
				_, lost := p.run(c, p.observing(true), 24*int(framework.DefaultDwell/(24*time.Hour)))
				if len(lost) != 1 || lost[0].To != framework.NoBadge || lost[0].Cause != scoring.CauseCriteria ||
					lost[0].Framework != "f 2.0.0" || len(lost[0].Flips) == 0 || lost[0].Flips[0].Check != "m.one" {
					t.Fatalf("%+v, want the badge lost by the criteria f 2.0.0", lost)
				}
				wantSubjects(t, p, c, pinned.Framework.Hash, "")
			})
		}
	}
}

// wantSubjects wants the criteria that the service was pinned to, one after the other.
func wantSubjects(t *testing.T, p *process, c *Config, want ...string) {
	t.Helper()
	s, err := store.OpenReadOnly(t.Context(), store.Options{URL: p.url, Facts: c.Facts})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, hash := range want {
		if _, known, err := s.PastFramework(t.Context(), hash); err != nil || known != (hash != "") {
			t.Errorf("the text of %q: %t, %v", hash, known, err)
		}
	}
	var got []string
	err = s.EachPast(t.Context(), "shop", p.now, func(store.Past) error { return nil }, func(past store.PastService) error {
		for _, s := range past.Subjects {
			got = append(got, s.PinnedTo)
		}
		return nil
	})
	if err != nil || strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("pinned to %q, %v, want %q", got, err, want)
	}
}

// TestACheckThatIsDroppedEnds: the criteria that a service moves to do not have a check. Its
// status ends, and begins anew when it is pinned back.
func TestACheckThatIsDroppedEnds(t *testing.T) {
	t.Parallel()
	p := &process{t: t, url: filepath.Join(t.TempDir(), "test.db"), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	c, older := fleetOfOne(t, stricter, ""), fleetOfOne(t, criteria, "")
	f, err := framework.Compile(older.Document, c.Facts)
	if err != nil {
		t.Fatal(err)
	}
	status := func(pins ...scoring.Pin) store.StatusSpan {
		t.Helper()
		c.Pins = pins
		p.run(c, p.observing(true), 2)
		j, _ := p.run(c, p.observing(true), 1) // what is read back
		return j.statuses["shop"]["m.two"]
	}
	first := p.now.Add(time.Hour)
	if got := status(); got.Status != scoring.Pass || !got.Since.Equal(first) {
		t.Errorf("before: %+v", got)
	}
	pin := scoring.Pin{
		Selector: scoring.Selector{Services: []string{"shop"}}, Framework: f, Until: p.now.AddDate(1, 0, 0),
	}
	for _, want := range []scoring.Status{scoring.NotApplicable, scoring.Pass} {
		since := p.now.Add(time.Hour)
		pins := []scoring.Pin{pin}
		if want == scoring.Pass {
			pins = nil
		}
		if got := status(pins...); got.Status != want || !got.Since.Equal(since) {
			t.Errorf("%+v, want %s since %s", got, want, since)
		}
	}
}

// Without a store, too, what a service is pinned to says which checks cannot be measured.
func TestAPinnedServiceWithoutAStore(t *testing.T) {
	t.Parallel()
	c := fleetOfOne(t, stricter, "")
	c.Pins = []scoring.Pin{{
		Selector: scoring.Selector{Tiers: []int{1}}, Framework: fleetOfOne(t, criteria, "").Framework,
		NotMeasurable: map[string]bool{"m.one": true}, Until: time.Now().AddDate(1, 0, 0),
	}}
	s := Blank(c, time.Now())
	if len(s.Frameworks()) != 2 || !s.NotMeasurableFor(&s.Services[0])["m.one"] {
		t.Errorf("%d frameworks, not measurable %v", len(s.Frameworks()), s.NotMeasurableFor(&s.Services[0]))
	}
}

// The clocks of pinned services run before the time that is compared as those of others do.
func TestWarmUpKnowsPins(t *testing.T) {
	t.Parallel()
	c, slow := fleetOfOne(t, criteria, ""), fleetOfOne(t, criteria, "")
	slow.Framework.Hash = "another"
	slow.Framework.Checks[0].Dwell = 90 * 24 * time.Hour
	c.Pins = []scoring.Pin{{Framework: slow.Framework}}
	if got := warmUp(c); got < 90*24*time.Hour {
		t.Errorf("%s", got)
	}
}

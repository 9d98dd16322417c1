package framework

import (
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

// TestWhenAnAgePassesWhatItIsComparedWith: each expression over ages changes first at a
// known time, or may change at any.
func TestWhenAnAgePassesWhatItIsComparedWith(t *testing.T) {
	t.Parallel()
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "x.age", Kind: evidence.KindDouble, Clock: evidence.Elapsed, Unit: "days", Help: "x"},
		{Name: "x.left", Kind: evidence.KindDouble, Clock: evidence.Remaining, Unit: "minutes", Help: "x"},
		{Name: "x.count", Kind: evidence.KindInt, Help: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	compiler, err := NewCompiler(facts)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	const day, never, always = 24 * time.Hour, -1, 0
	for source, want := range map[string]time.Duration{ // what is 3 days old, or 500 minutes away
		"x.age <= 5.0":                 2 * day,
		"5 > x.age":                    2 * day,
		"x.age == 5.0 || x.age <= 4.0": day,
		"x.age <= 2.0":                 never,
		"x.age <= 3.0":                 -time.Second,
		"x.age <= (service.tier == 1 ? 90.0 : 180.0)":     87 * day,
		"x.count >= 1 && (x.count == 2 || x.age <= 10.0)": 7 * day,
		"x.left > 20.0":                     480 * time.Minute,
		"x.left >= service.rpo_minutes":     470 * time.Minute,
		"x.left >= 600.0":                   never,
		"x.count >= 3":                      never,
		"x.age * 2.0 <= 10.0":               always,
		"x.age <= x.left":                   always,
		"x.age < service.rpo_minutes / 2.0": always,
		"x.age <= 5.0 && (x.age > 1.0 ? x.age : 2.0) < 9.0": always,
		"string(x.age) == '1'":                              always,
	} {
		expression, err := compiler.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		f := &Framework{}
		f.watch(expression)
		var next time.Time
		found := false
		for _, w := range f.Watches() {
			v := evidence.Instant(now.Add(-3 * day))
			if w.Fact == 2 {
				v = evidence.Instant(now.Add(500 * time.Minute))
			}
			if at, ok := w.Next(v, &Attributes{RPOMinutes: 30}, now); ok && (!found || at.Before(next)) {
				next, found = at, true
			}
			if at, ok := w.Next(evidence.Never(), &Attributes{}, now); ok {
				t.Errorf("%s: what never was changes at %s", source, at)
			}
		}
		margin := next.Sub(now) - want
		switch {
		case want == never && !found, want == always && found && next.Equal(now):
		case want == never || want == always || !found || margin > 0 || margin < -2*watchMargin:
			t.Errorf("%s: may change in %s (%t), want %s", source, next.Sub(now), found, want)
		}
	}
}

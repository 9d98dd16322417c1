package evidence

import (
	"testing"
	"time"
)

// TestAnObservationYetToComeDoesNotCount: a clock that was years ahead would keep a value
// for years, and let what "began" then outlive every no of a machine.
func TestAnObservationYetToComeDoesNotCount(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	years := now.AddDate(3, 0, 0)
	facts, err := NewFacts([]Definition{{Name: "x.one", Kind: KindBool, Help: "One."}})
	if err != nil {
		t.Fatal(err)
	}
	observe := func(seen, since, covered time.Time) *Observation {
		l := NewLedger()
		l.Put(Record{
			Service: "shop", Fact: "x.one", Source: "x", Value: Bool(true), ObservedAt: seen, Since: since,
		}, time.Time{})
		if !covered.IsZero() {
			l.Cover("x", Coverage{Group: "g", Facts: []string{"x.one"}, At: covered})
		}
		provider := Provider{ID: "x", Facts: []string{"x.one"}, FreshFor: time.Hour}
		o := l.Assemble(facts, []Provider{provider}, now).Row("shop").At(0)
		return &o
	}
	for name, o := range map[string]*Observation{
		"the record": observe(years, years, time.Time{}), "record and coverage": observe(years, years, years),
	} {
		if o.State(now) != StateMissing || o.Missing != MissingNotCollected || o.HealthyUntil.After(now.AddDate(0, 0, 1)) {
			t.Errorf("%s: %+v", name, o)
		}
	}
	// The value was observed again without a new row.
	again := observe(years, years, now)
	if again.State(now) != StateFresh || !again.ObservedAt.Equal(now) || !again.Since.IsZero() {
		t.Errorf("observed again: %+v", again)
	}
	old := observe(now.Add(-time.Minute), now.Add(-time.Hour), years)
	if old.State(now) != StateFresh || old.HealthyUntil.After(now.AddDate(0, 0, 1)) {
		t.Errorf("the coverage alone is yet to come: %+v", old)
	}
}

package store_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/store"
)

// TestWhichEffectsAreShown: those of the month and the configuration, or else the last
// ones, and none from the future.
func TestWhichEffectsAreShown(t *testing.T) {
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 6, 0, 0, 0, time.UTC) }
	key := func(configuration string, month time.Month, day int) store.CorrelationKey {
		made := at(month, day)
		return store.CorrelationKey{Month: store.MonthOf(made), Configuration: configuration, MadeAt: made}
	}
	keys := []store.CorrelationKey{key("b", 11, 20), key("a", 11, 1), key("a", 10, 1)}
	for _, test := range []struct {
		configuration string
		now           time.Time
		want          int
	}{
		{"a", at(11, 25), 1}, {"b", at(11, 25), 0}, {"c", at(11, 25), 0}, {"a", at(11, 10), 1}, {"b", at(11, 10), 1},
		{"a", at(10, 31), 2}, {"a", at(12, 1), 0}, {"a", at(9, 30), -1}, {"a", at(10, 1), 2},
	} {
		got, found := store.CurrentCorrelation(keys, test.configuration, test.now)
		if found != (test.want >= 0) || found && got != keys[test.want] {
			t.Errorf("by %s at %s: %v, %t", test.configuration, test.now, got, found)
		}
	}
	if got := store.MonthOf(time.Date(2026, 11, 1, 0, 30, 0, 0, time.FixedZone("", 3600))); got != "2026-10" {
		t.Errorf("the month is %s in UTC", got)
	}
}

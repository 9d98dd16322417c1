package jira

import (
	"testing"
	"time"
)

// TestALossIsConfirmedByAnotherListing: a listing that was made by a clock that was ahead
// is none to wait for.
func TestALossIsConfirmedByAnotherListing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, since := range map[string]time.Time{"first": {}, "by a clock ahead": now.AddDate(3, 0, 0)} {
		before := loss{Since: since}
		if !since.IsZero() {
			before.Missing = 50
		}
		next, confirmed := before.confirm(50, 100, now)
		if confirmed || !next.Since.Equal(now) {
			t.Errorf("%s: %+v, confirmed %t", name, next, confirmed)
		}
		if _, confirmed = next.confirm(50, 100, now.Add(confirmAfter)); !confirmed {
			t.Errorf("%s: the second listing does not confirm it", name)
		}
	}
}

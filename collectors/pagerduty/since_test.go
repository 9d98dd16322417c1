package pagerduty

import (
	"testing"
	"time"
)

// TestSinceWhenAllIncidentsAreStored: a walk through the history that is not the first
// repeats what is stored.
func TestSinceWhenAllIncidentsAreStored(t *testing.T) {
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	s := &Source{history: 760 * day}
	to := now.Add(-300 * day)
	walk := func(first bool, done time.Time) map[string]string {
		return map[string]string{logCursor: "x", historyCursor: cursorText(history{Began: now, From: now, To: to,
			First: first, Done: done})}
	}
	for name, c := range map[string]struct {
		cursors map[string]string
		want    time.Time
	}{
		"nothing":           {nil, time.Time{}},
		"the newest":        {map[string]string{logCursor: "x"}, now.Add(-90 * day)},
		"in the first walk": {walk(true, time.Time{}), to},
		"after it":          {walk(true, now), to},
		"in another walk":   {walk(false, time.Time{}), now.Add(-760 * day)},
	} {
		if got, reads := s.IncidentsSince(c.cursors, now); !reads || !got.Equal(c.want) {
			t.Errorf("%s: since %s (%t), want %s", name, got, reads, c.want)
		}
	}
}

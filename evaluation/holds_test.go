package evaluation

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/store"
)

// TestEndedHoldsAreStored: a source is silent until its last value is too old to count, and
// then answers again. The hold is stored with its end, which is when proof came back, and
// once; in one process or in several.
func TestEndedHoldsAreStored(t *testing.T) {
	t.Parallel()
	for name, hours := range map[string]int{"one process": 1000, "a new process every five hours": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &process{t: t, url: filepath.Join(t.TempDir(), "test.db"), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
			c := fleetOfOne(t, criteria, "")
			silent := func(*store.Store) {}
			run := func(days int, observe func(*store.Store)) (at time.Time, held framework.Badge, hold time.Time) {
				for left := 24 * days; left > 0; left -= hours {
					j, _ := p.run(c, observe, min(left, hours))
					badge := j.state.Badges["shop"]
					if held = badge.Badge; badge.Hold != nil && hold.IsZero() {
						hold = badge.Hold.Since
					}
				}
				return p.now, held, hold
			}
			if _, held, _ := run(3, p.observing(true)); held != framework.Bronze {
				t.Fatalf("proved: %s", held)
			}
			back, _, since := run(9, silent)
			if since.IsZero() {
				t.Fatal("there was no hold")
			}
			back = back.Add(time.Hour) // of the first judgement that proves it again
			run(3, p.observing(true))
			s, err := store.OpenReadOnly(t.Context(), store.Options{URL: p.url, Facts: c.Facts})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			holds, err := s.BadgeHolds(t.Context(), "shop", time.Time{})
			if err != nil || len(holds) != 1 || !holds[0].Since.Equal(since) || !holds[0].Until.Equal(back) ||
				holds[0].Reason == "" {
				t.Errorf("%+v, %v, want one from %s to %s", holds, err, since, back)
			}
			changes, err := s.TransitionsOf(t.Context(), "shop", time.Time{})
			if err != nil || len(changes) != 1 || changes[0].Framework != c.Framework.Title() {
				t.Errorf("%+v, %v, want one by %q", changes, err, c.Framework.Title())
			}
		})
	}
}

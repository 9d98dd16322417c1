package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/store"
)

// correlating is a program whose clock stands still, and what it has estimated.
type correlating struct {
	*App
	t   *testing.T
	now time.Time
}

// newCorrelating makes a program in a folder, with one service and the given sources.
func newCorrelating(t *testing.T, folder string, tier int, sources string) *correlating {
	t.Helper()
	c := &correlating{t: t, now: time.Date(2026, 11, 4, 9, 0, 0, 0, time.UTC)}
	path := filepath.Join(folder, "collector.yaml")
	text := fmt.Sprintf(`store: {url: %s}
catalog: {teams: [{name: a, org: b}], services: [{name: shop, team: a, org: b, tier: %d}]}
%s`, filepath.Join(folder, "s.db"), tier, sources)
	for name, text := range map[string]string{path: text, filepath.Join(folder, "token"): "x"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := New(t.Context(), Options{ConfigPath: path, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	c.App = a
	return c
}

// look judges, does the task, and judges again.
func (c *correlating) look() (keys []store.CorrelationKey) {
	c.t.Helper()
	for range 2 {
		rc := c.reloader.config()
		if err := c.evaluator.Evaluate(c.t.Context(), &rc.Config); err != nil {
			c.t.Fatal(err)
		}
		c.reloader.correlationTask(c.t.Context())
		c.now = c.now.Add(time.Second)
	}
	keys, err := c.reloader.store.Correlations(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return keys
}

// TestEffectsAreEstimatedOnceAMonth, of a store that knows nothing as well, and at once by
// another configuration; they are shown until there are newer ones.
func TestEffectsAreEstimatedOnceAMonth(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c := newCorrelating(t, folder, 1, "")
	c.reloader.correlationTask(t.Context()) // nothing is judged yet
	if keys := c.look(); len(keys) != 1 || keys[0].Month != "2026-11" {
		t.Fatalf("%+v", keys)
	}
	shown := func() time.Time {
		t.Helper()
		s := c.Snapshot()
		if s.Correlated == nil || s.Correlated.NoIncidents == "" {
			t.Fatalf("shown is %+v", s.Correlated)
		}
		return s.Correlated.At
	}
	first := shown()
	verdict := `readiness_review_effect_verdict{outcome="resolution_time",scope="fleet",verdict="insufficient_data"} 1`
	if page := string(c.evaluator.Page().Bytes(exporter.Text)); !strings.Contains(page, verdict) {
		t.Errorf("a store that knows nothing has no verdict on the page:\n%s", page)
	}
	c.now = c.now.AddDate(0, 0, 26) // the last day of the month
	if keys := c.look(); len(keys) != 1 || !shown().Equal(first) {
		t.Errorf("estimated again within the month: %+v", keys)
	}
	c.now = time.Date(2026, 12, 1, 0, 0, 30, 0, time.UTC)
	if keys := c.look(); len(keys) != 2 || keys[0].Month != "2026-12" || !shown().After(first) {
		t.Errorf("on the first of the next month: %+v, shown of %s", keys, shown())
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	now := c.now
	c = newCorrelating(t, folder, 2, "")
	c.now = now
	if keys := c.look(); len(keys) != 3 || keys[0].Month != "2026-12" || keys[0].Configuration == keys[1].Configuration {
		t.Errorf("by another configuration: %+v", keys)
	}
}

// TestAPartOfThePastIsNotAllOfIt: while a source has not read its incidents or reviews,
// nothing is estimated, since it would be shown for a month.
func TestAPartOfThePastIsNotAllOfIt(t *testing.T) {
	t.Parallel()
	for name, sources := range map[string]string{
		"incidents": "sources: {pagerduty: [{name: main, token_file: token}]}\n",
		"reviews":   "sources: {jira: [{name: main, url: 'https://127.0.0.1:1', email: a@b.example, token_file: token, reviews: {jql: project = PRR}}]}\n",
	} {
		t.Run(name, func(t *testing.T) {
			if keys := newCorrelating(t, t.TempDir(), 1, sources).look(); len(keys) > 0 {
				t.Errorf("estimated: %+v", keys)
			}
		})
	}
	other := "sources: {jira: [{name: main, url: 'https://127.0.0.1:1', email: a@b.example, token_file: token}]}\n"
	if keys := newCorrelating(t, t.TempDir(), 1, other).look(); len(keys) != 1 {
		t.Errorf("a source of neither: %+v", keys)
	}
}

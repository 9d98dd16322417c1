package evaluation

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// named is a source that has a name and does nothing.
type named struct {
	collectors.Source
	id string
}

func (n named) ID() string { return n.id }

// openStore opens a new store that is closed with the test.
func openStore(t *testing.T, c *Config, now time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		URL: filepath.Join(t.TempDir(), "test.db"), Facts: c.Facts, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestSeriesOfIncidentsDoNotEnd: when the last incident of a severity has left the
// window and the figures' period, its count is 0 and not missing, in a new process
// too.
func TestSeriesOfIncidentsDoNotEnd(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	c := fleetOfOne(t, criteria, "")
	s := openStore(t, c, now)
	began := func(id string, days, severity int) evidence.Incident {
		at := now.AddDate(0, 0, -days)
		return evidence.Incident{
			ID: id, Services: []string{"shop"}, StartedAt: at, ResolvedAt: at.Add(time.Hour), Severity: severity,
		}
	}
	commit := func(in ...evidence.Incident) {
		t.Helper()
		if _, err := s.Commit(t.Context(), "pagerduty/main", 0, now, evidence.Batch{Incidents: in}); err != nil {
			t.Fatal(err)
		}
	}
	counts := func(j *judge) string {
		t.Helper()
		current, err := j.run(t.Context(), c, now)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(current.Services[0].Incidents.Windows[0].Severities)
	}
	process := func() *judge {
		t.Helper()
		j, err := newJudge(t.Context(), s, c, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	announced := began("M", 300, 5)
	announced.Maintenance = true
	commit(began("A", 200, 1), announced)
	first := process()
	if got := counts(first); got != "[{1 0}]" {
		t.Errorf("after 200 days: %s", got)
	}
	commit(began("B", 120, 3), began("C", 3, 0))
	for name, j := range map[string]*judge{"the same process": first, "a new process": process()} {
		if got := counts(j); got != "[{0 1} {1 0} {3 0}]" {
			t.Errorf("%s: %s", name, got)
		}
	}
	// A configured source may know more incidents of the service: no count of it is 0.
	c.Sources = []collectors.Source{named{id: "pagerduty/main"}}
	for _, tc := range []struct{ source, want string }{
		{"elsewhere/main", "[{0 1} {1 0} {3 0}]"}, {"pagerduty/main", "[{0 1}]"},
	} {
		doubts := []evidence.IncidentDoubt{{Service: "shop", Newest: now.AddDate(0, 0, -2)}}
		_, err := s.Commit(t.Context(), tc.source, 0, now, evidence.Batch{IncidentDoubts: doubts})
		if err != nil {
			t.Fatal(err)
		}
		if got := counts(first); got != tc.want {
			t.Errorf("%s has doubts: %s", tc.source, got)
		}
	}
}

// watcher is a source that watches for the alerts of every service.
type watcher struct{ named }

func (watcher) WatchesAlerts(*catalog.Service) bool { return true }

// TestDoubtsAboutAlertsAreThoseOfConfiguredSources reach the figures of their service.
func TestDoubtsAboutAlertsAreThoseOfConfiguredSources(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	c := fleetOfOne(t, criteria, "")
	s := openStore(t, c, now)
	c.Sources = []collectors.Source{watcher{named{id: "prometheus/main"}}}
	o := newOutcomes(s, slog.New(slog.DiscardHandler))
	for _, source := range []string{"prometheus/elsewhere", "prometheus/main"} {
		doubts := map[string]time.Time{"shop": now.AddDate(0, 0, -2)}
		if _, err := s.Commit(t.Context(), source, 0, now, evidence.Batch{AlertDoubts: doubts}); err != nil {
			t.Fatal(err)
		}
		alerts, err := o.alerts(t.Context(), c, &snapshot.Snapshot{At: now}, now.AddDate(0, 0, -30))
		if err != nil {
			t.Fatal(err)
		}
		if _, doubted := alerts.Doubts["shop"]; doubted != (source == "prometheus/main") {
			t.Errorf("%s has doubts: %v", source, alerts.Doubts)
		}
	}
}

package evaluation

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// TestAlertsAreReadAsTheyChange: what is kept in memory is what the store would
// hand on anew.
func TestAlertsAreReadAsTheyChange(t *testing.T) {
	facts, err := evidence.NewFacts(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "test.db"), Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	put := func(alert string, started, ended int) {
		t.Helper()
		f := evidence.AlertFiring{
			Fingerprint: alert, Alert: alert, Services: []string{"shop"},
			StartedAt: noon.Add(time.Duration(started) * time.Minute),
		}
		if ended > 0 {
			f.EndedAt = noon.Add(time.Duration(ended) * time.Minute)
		}
		if _, err := s.Commit(
			t.Context(), "prometheus/main", 0, noon, evidence.Batch{Alerts: []evidence.AlertFiring{f}},
		); err != nil {
			t.Fatal(err)
		}
	}
	memory := alertMemory{store: s}
	read := func(since int) (open, ended []string) {
		t.Helper()
		list, err := memory.since(t.Context(), noon.Add(time.Duration(since)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if f.EndedAt.IsZero() {
				open = append(open, f.Alert)
			} else {
				ended = append(ended, f.Alert)
			}
		}
		slices.Sort(open)
		slices.Sort(ended)
		return open, ended
	}
	want := func(since int, wantOpen, wantEnded []string) {
		t.Helper()
		if open, ended := read(since); !slices.Equal(open, wantOpen) || !slices.Equal(ended, wantEnded) {
			t.Errorf("since %d: open %v and ended %v, want %v and %v", since, open, ended, wantOpen, wantEnded)
		}
	}
	put("old", 0, 5)
	put("a", 10, 0)
	want(0, []string{"a"}, []string{"old"})
	put("a", 10, 30)
	put("b", 40, 0)
	want(0, []string{"b"}, []string{"a", "old"})
	want(20, []string{"b"}, []string{"a"}) // old is behind the window
	want(31, []string{"b"}, nil)
	want(1000, []string{"b"}, nil) // what still fires stays
	put("b", 40, 1100)
	want(1000, nil, []string{"b"})
}

// TestThePagerHasTheFact: without it no page could ever be compared.
func TestThePagerHasTheFact(t *testing.T) {
	if !slices.ContainsFunc(pagerduty.Definitions(), func(d evidence.Definition) bool { return d.Name == factPages }) {
		t.Errorf("no fact %s", factPages)
	}
}

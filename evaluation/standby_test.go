package evaluation

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/exporter"
)

// TestAClockThatIsSetWhileItIsLookedAt: the judgement has the time from before, which was
// looked at.
func TestAClockThatIsSetWhileItIsLookedAt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, openAt(t, filepath.Join(t.TempDir(), "test.db")))
	metrics, err := exporter.NewProcessMetrics(prometheus.NewRegistry(), exporter.BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	right := f.at.Add(time.Minute)
	clock := right
	e, err := New(t.Context(), Options{
		Store: f.observer, Logger: slog.New(slog.DiscardHandler), Metrics: metrics,
		Now: func() time.Time { return clock },
		StandsBy: func(context.Context) bool {
			clock = right.Add(time.Hour)
			return false
		},
	}, f.config)
	if err != nil {
		t.Fatal(err)
	}
	if did, err := e.judgeIfAllowed(t.Context(), f.config); !did || err != nil {
		t.Fatalf("it judges: %t, %v", did, err)
	}
	if at := e.JudgedAt(); !at.Equal(right) {
		t.Errorf("judged at %s, want %s", at, right)
	}
}

package evaluation

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/exporter"
)

// TestAPanicCostsOneEvaluation: the snapshot before it stays, and the next evaluation
// continues from what is stored.
func TestAPanicCostsOneEvaluation(t *testing.T) {
	t.Parallel()
	f := newFleet(t, openAt(t, filepath.Join(t.TempDir(), "test.db")))
	metrics, err := exporter.NewProcessMetrics(prometheus.NewRegistry(), exporter.BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	e, err := New(t.Context(), Options{
		Store: f.observer, Logger: slog.New(slog.NewTextHandler(&log, nil)), Metrics: metrics,
		Now: func() time.Time { return f.at },
	}, f.config)
	if err != nil {
		t.Fatal(err)
	}
	evaluate := func(c *Config) error {
		f.at = f.at.Add(time.Hour)
		f.observe(true)
		return e.Evaluate(t.Context(), c)
	}
	if err := evaluate(f.config); err != nil {
		t.Fatal(err)
	}
	before := e.Snapshot()
	broken := *f.config
	broken.Catalog = nil
	if err := evaluate(&broken); err == nil || !strings.Contains(err.Error(), "a fault of this program") ||
		!strings.Contains(log.String(), "stack=") {
		t.Errorf("%v\n%s", err, log.String())
	}
	if e.Snapshot() != before {
		t.Error("the snapshot was lost")
	}
	if err := evaluate(f.config); err != nil {
		t.Fatal(err)
	}
	list, _ := changes(t, f.observer)
	if now := e.Snapshot(); len(list) != 1 || !now.At.Equal(f.at) || now.Services[0].Badge.Badge != list[0].To {
		t.Errorf("%+v is stored, %+v is shown", list, now.Services[0].Badge)
	}
}

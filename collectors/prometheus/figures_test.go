package prometheus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/internal/sourcetest"
)

// BenchmarkRound measures a round over every preset, and prints what it asks:
// each distinct query once, and three requests beside.
func BenchmarkRound(b *testing.B) {
	names, err := prometheus.Presets()
	if err != nil {
		b.Fatal(err)
	}
	facts, err := prometheus.Load(names, nil)
	if err != nil {
		b.Fatal(err)
	}
	w := start(b, facts, nil, func(o *prometheus.Options, _ *server) { o.AlertHistory = prometheus.DefaultAlertHistory })
	w.cursors = map[string]string{"alerts": noon.Add(-6 * time.Minute).Format(time.RFC3339)}
	requests := 0
	empty, matrix, rules := success(b, ""), strings.Replace(success(b, ""), "vector", "matrix", 1), rulesReply(b)
	w.server.intercept = func(key string) *reply {
		requests++
		switch {
		case strings.Contains(key, "readiness_window"):
			return nil
		case key == rangePath:
			return &reply{200, matrix}
		case key == rulesPath:
			return &rules
		}
		return &reply{200, empty}
	}
	for b.Loop() {
		requests = 0
		if r := w.collect(); r.err != nil {
			b.Fatal(r.err)
		}
	}
	sourcetest.Figure("prometheus_round", float64(requests), "requests", float64(prometheus.DistinctQueries(facts)+3))
}

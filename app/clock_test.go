package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prodready/collector/exporter"
)

func TestTheClockIsDoubted(t *testing.T) {
	t.Parallel()
	judged := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	metrics, err := exporter.NewProcessMetrics(prometheus.NewRegistry(), exporter.BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		// start is how long after the last judgement the program starts.
		start time.Duration
		play  func(c *clock, pass func(time.Duration))
		why   string
	}{
		"soon after":          {time.Hour, nil, ""},
		"years later":         {3 * 365 * 24 * time.Hour, nil, "26280h0m0s after the last judgement"},
		"before it":           {-3 * time.Hour, nil, "the last judgement is 3h0m0s ahead of it"},
		"a little before it":  {-time.Hour, nil, ""},
		"confirmed":           {72 * time.Hour, func(c *clock, _ func(time.Duration)) { c.compared("a/1", time.Minute) }, ""},
		"running for a day":   {72 * time.Hour, func(_ *clock, pass func(time.Duration)) { pass(25 * time.Hour) }, ""},
		"ahead of a source":   {0, func(c *clock, _ func(time.Duration)) { c.compared("a/1", 3*time.Hour) }, "of a/1 by 3h0m0s"},
		"behind a source":     {0, func(c *clock, _ func(time.Duration)) { c.compared("a/1", -3*time.Hour) }, "of a/1 by -3h0m0s"},
		"set right meanwhile": {0, func(c *clock, _ func(time.Duration)) { c.compared("a/1", 3*time.Hour); c.compared("a/1", 0) }, ""},
		"one of two sources": {0, func(c *clock, _ func(time.Duration)) {
			c.compared("a/1", 3*time.Hour)
			c.compared("b/1", 0)
		}, "of a/1 by"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			now := judged.Add(test.start)
			c := newClock(func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)), metrics)
			c.start(judged)
			if test.play != nil {
				test.play(c, func(d time.Duration) { now = now.Add(d) })
			}
			for range 2 {
				if got := c.believed(); got != (test.why == "") {
					t.Errorf("believed: %v\n%s", got, log.String())
				}
			}
			if !strings.Contains(log.String(), test.why) || strings.Count(log.String(), "probably wrong") > 1 {
				t.Errorf("want one line with %q:\n%s", test.why, log.String())
			}
		})
	}
	t.Run("without a judgement", func(t *testing.T) {
		if c := newClock(time.Now, slog.New(slog.DiscardHandler), metrics); !c.believed() {
			t.Error("a first start is doubted")
		}
	})
}

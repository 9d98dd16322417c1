//go:build unix

package exporter

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// serveBound is how many times cheaper a served snapshot has to be than making
// the same metrics for every scrape.
const serveBound = 200

// constantCollector is what serving a snapshot is compared with: the same
// families and series, made anew for every scrape.
type constantCollector struct{ snapshot *snapshot.Snapshot }

// Describe sends nothing: the metrics are not checked one by one.
func (c constantCollector) Describe(chan<- *prometheus.Desc) {}

func (c constantCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, f := range Families() {
		desc := prometheus.NewDesc(f.FullName(), f.Help, f.Labels, nil)
		kind := prometheus.GaugeValue
		if f.Kind == Counter {
			kind = prometheus.CounterValue
		}
		options := Options{Detail: Full, CheckStatusPass: true}
		emit := func(value float64, labels ...string) {
			metrics <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
		}
		switch {
		case f.Collect.whole != nil:
			f.Collect.whole(c.snapshot, options, emit)
		case f.Collect.counts != nil:
			f.Collect.counts(c.snapshot.CountChecks(), emit)
		default:
			services := renderedOf(c.snapshot, options, &rendered{}).services
			for i := range services {
				f.Collect.one(&services[i], options, emit)
			}
		}
	}
}

// discard is a response that goes nowhere, so that only serving is measured.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func serve(h http.Handler, r *http.Request) {
	h.ServeHTTP(&discard{header: http.Header{}}, r)
}

// cpu is the time that all threads of this process have computed.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// cpuPerScrape includes the collection of the garbage that the scrapes made.
func cpuPerScrape(b *testing.B, n int, scrape func()) time.Duration {
	b.Helper()
	scrape() // fill pools
	runtime.GC()
	before := cpu(b)
	for range n {
		scrape()
	}
	runtime.GC()
	return (cpu(b) - before) / time.Duration(n)
}

// BenchmarkServeSnapshot serves 120,000 series gzipped, beside the process's
// own live metrics, and compares the CPU time with that of a client_golang
// collector which makes the same series for every scrape.
func BenchmarkServeSnapshot(b *testing.B) {
	s := largeSnapshot(1150)
	page := mustRender(b, s, Options{Detail: Full, CheckStatusPass: true})
	if page.Series() < 120_000 {
		b.Fatalf("the page has %d series, want 120,000", page.Series())
	}
	registry := prometheus.NewRegistry()
	if _, err := NewProcessMetrics(registry, BuildInfo{}); err != nil {
		b.Fatal(err)
	}
	snapshotHandler := Handler(fixed(page), registry, HandlerOptions{Now: at(now)})

	constant := prometheus.NewRegistry()
	constant.MustRegister(constantCollector{s})
	if _, err := NewProcessMetrics(constant, BuildInfo{}); err != nil {
		b.Fatal(err)
	}
	collectorHandler := promhttp.HandlerFor(constant, promhttp.HandlerOpts{EnableOpenMetrics: true})

	request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	request.Header.Set("Accept-Encoding", "gzip")

	b.ReportAllocs()
	for b.Loop() {
		serve(snapshotHandler, request)
	}
	served := cpuPerScrape(b, 2000, func() { serve(snapshotHandler, request) })
	made := cpuPerScrape(b, 5, func() { serve(collectorHandler, request) })
	ratio := float64(made) / float64(served)
	b.ReportMetric(ratio, "x")
	b.ReportMetric(float64(made.Nanoseconds()), "collector-ns/op")
	printBound(os.Stdout, "serve_snapshot_ratio", ratio, "x", serveBound)
	if ratio < serveBound {
		b.Errorf(
			"serving a snapshot is %.0f times cheaper than making it for every scrape, want at least %d times", ratio,
			serveBound,
		)
	}
}

// printBound writes a figure as make bench shows it.
func printBound(w io.Writer, name string, value float64, unit string, atLeast float64) {
	verdict := "ok"
	if value < atLeast {
		verdict = "short"
	}
	_, _ = fmt.Fprintf(w, "\nfigure: %s %.0f %s >=%.0f %s\n", name, value, unit, atLeast, verdict)
}

// BenchmarkRender makes the page of 120,000 series, once an evaluation.
func BenchmarkRender(b *testing.B) {
	s := largeSnapshot(1150)
	b.ReportAllocs()
	for b.Loop() {
		mustRender(b, s, Options{Detail: Full, CheckStatusPass: true})
	}
}

// oneChangeBound is how many times cheaper the page after the change of one service out of
// 10,000 has to be than a whole one.
const oneChangeBound = 15

// BenchmarkRenderOneChange renders the page of 10,000 services of which the card and the
// badge of one have changed, and compares the CPU time with that of a whole page. It
// prints the memory that a page keeps for each series.
func BenchmarkRenderOneChange(b *testing.B) {
	before := typicalSnapshot(10_000)
	after := *before
	after.Services = slices.Clone(before.Services)
	changed := &after.Services[5_000]
	card := *changed.Card
	card.Checks = slices.Clone(card.Checks)
	card.Checks[0].Status = scoring.Unknown
	changed.Card, changed.Badge.Badge = &card, framework.Diamond
	snapshots := [2]*snapshot.Snapshot{before, &after}

	empty := heap()
	var r Renderer
	page, err := r.Render(before, Options{})
	if err != nil {
		b.Fatal(err)
	}
	perSeries := float64(heap()-empty) / float64(page.Series())
	n := 0
	render := func() {
		n++
		if page, err = r.Render(snapshots[n%2], Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		render()
	}
	one := cpuPerScrape(b, 50, render)
	whole := cpuPerScrape(b, 3, func() { mustRender(b, before, Options{}) })
	ratio := float64(whole) / float64(one)
	b.ReportMetric(ratio, "x")
	b.ReportMetric(float64(whole.Nanoseconds()), "whole-ns/op")
	b.ReportMetric(perSeries, "B/series")
	printBound(os.Stdout, "page_of_one_change_ratio", ratio, "x", oneChangeBound)
	if ratio < oneChangeBound {
		b.Errorf(
			"the page after one change is %.0f times cheaper than a whole one, want at least %d times", ratio, oneChangeBound,
		)
	}
	runtime.KeepAlive(page)
}

// heap is the size of what is reachable.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

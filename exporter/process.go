package exporter

import (
	"cmp"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promcollectors "github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/prodready/collector/evidence"
)

// ReasonOK is the reason of a request that did not fail; the others are
// evidence.Reasons.
const ReasonOK = "ok"

// RunOutcome says how a round of a source ended.
type RunOutcome string

// The outcomes of a round.
const (
	RunSuccess RunOutcome = "success" // everything was covered
	RunPartial RunOutcome = "partial" // some calls failed, others were covered
	RunFailure RunOutcome = "failure" // nothing was covered
	RunSkipped RunOutcome = "skipped" // the last round was still running
)

// RunOutcomes lists the closed set.
func RunOutcomes() []RunOutcome {
	return []RunOutcome{RunSuccess, RunPartial, RunFailure, RunSkipped}
}

// BuildInfo is the version of the program.
type BuildInfo struct{ Version, Revision string }

// ProcessMetrics are the live metrics of the collector. They live in the
// registry they were made with. All methods are safe for concurrent use.
type ProcessMetrics struct {
	runs             *prometheus.CounterVec
	runDuration      *prometheus.HistogramVec
	requests         *prometheus.CounterVec
	requestDuration  *prometheus.HistogramVec
	rateLimit        *prometheus.GaugeVec
	remaining        *prometheus.GaugeVec
	circuit          *prometheus.GaugeVec
	clockOffset      *prometheus.GaugeVec
	clockInDoubt     *prometheus.GaugeVec
	tokenExpiry      *prometheus.GaugeVec
	lastSuccess      *prometheus.GaugeVec
	skipped          *prometheus.CounterVec
	evaluation       *prometheus.HistogramVec
	evaluations      *prometheus.CounterVec
	expressionErrors *prometheus.CounterVec
	reloadSuccess    *prometheus.GaugeVec
	reloadTimestamp  *prometheus.GaugeVec
	storeBytes       *prometheus.GaugeVec

	mu      sync.Mutex
	sources map[string]bool
	checks  map[string]bool
	// calls are the endpoints that were called, by source.
	calls map[string]map[string]bool
}

// NewProcessMetrics registers the collector's live metrics, and client_golang's
// own of the Go runtime and the process. It fails when the registry holds
// metrics of those names already.
func NewProcessMetrics(registry prometheus.Registerer, build BuildInfo) (*ProcessMetrics, error) {
	f := processFamilies()
	r := registrar{registry, nil}
	r.register(promcollectors.NewGoCollector())
	r.register(promcollectors.NewProcessCollector(promcollectors.ProcessCollectorOpts{}))
	m := &ProcessMetrics{
		runs:             r.counters(f[runsTotal]),
		runDuration:      r.histograms(f[runDuration], 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
		requests:         r.counters(f[requestsTotal]),
		requestDuration:  r.histograms(f[requestDuration], 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
		rateLimit:        r.gauges(f[rateLimit]),
		remaining:        r.gauges(f[rateLimitRemaining]),
		circuit:          r.gauges(f[circuitOpen]),
		clockOffset:      r.gauges(f[clockOffset]),
		clockInDoubt:     r.gauges(f[clockInDoubt]),
		tokenExpiry:      r.gauges(f[tokenExpiry]),
		lastSuccess:      r.gauges(f[lastSuccess]),
		skipped:          r.counters(f[skippedRecords]),
		evaluation:       r.histograms(f[evaluationDuration], 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
		evaluations:      r.counters(f[evaluationsTotal]),
		expressionErrors: r.counters(f[expressionErrors]),
		reloadSuccess:    r.gauges(f[reloadSuccess]),
		reloadTimestamp:  r.gauges(f[reloadTimestamp]),
		storeBytes:       r.gauges(f[storeBytes]),
		sources:          map[string]bool{},
		checks:           map[string]bool{},
		calls:            map[string]map[string]bool{},
	}
	r.gauges(f[buildInfo]).WithLabelValues(build.Version, build.Revision, runtime.Version()).Set(1)
	m.evaluation.WithLabelValues()
	m.reloadSuccess.WithLabelValues()
	m.clockInDoubt.WithLabelValues()
	m.evaluations.WithLabelValues(string(RunSuccess))
	m.evaluations.WithLabelValues(string(RunFailure))
	if r.err != nil {
		return nil, fmt.Errorf("registering the metrics of the process: %w", r.err)
	}
	return m, nil
}

// registrar makes metrics and registers them. err is the first failure.
type registrar struct {
	registry prometheus.Registerer
	err      error
}

func (r *registrar) register(c prometheus.Collector) { r.err = cmp.Or(r.err, r.registry.Register(c)) }

func (r *registrar) counters(f Family) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.FullName(), Help: f.Help}, f.Labels)
	r.register(v)
	return v
}

func (r *registrar) gauges(f Family) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.FullName(), Help: f.Help}, f.Labels)
	r.register(v)
	return v
}

func (r *registrar) histograms(f Family, buckets ...float64) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: f.FullName(), Help: f.Help, Buckets: buckets}, f.Labels)
	r.register(v)
	return v
}

// Expect says which sources and checks there are from now on: at the start and
// after each reload. Their counters begin at zero, so that a first failure
// is an increase, and the series of those that are gone end.
func (m *ProcessMetrics) Expect(sources, checks []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := set(sources)
	for gone := range m.sources {
		if now[gone] {
			continue
		}
		delete(m.calls, gone)
		labels := prometheus.Labels{"source": gone}
		for _, family := range []interface {
			DeletePartialMatch(labels prometheus.Labels) int
		}{
			m.runs, m.runDuration, m.requests, m.requestDuration, m.rateLimit, m.remaining, m.circuit, m.clockOffset,
			m.lastSuccess, m.skipped,
		} {
			family.DeletePartialMatch(labels)
		}
	}
	m.sources = now
	for source := range now {
		for _, outcome := range RunOutcomes() {
			m.runs.WithLabelValues(source, string(outcome))
		}
		m.runDuration.WithLabelValues(source)
		// A reload makes new circuits, which are closed.
		m.circuit.WithLabelValues(source).Set(0)
	}
	expected := set(checks)
	for gone := range m.checks {
		if !expected[gone] {
			m.expressionErrors.DeleteLabelValues(gone)
		}
	}
	m.checks = expected
	for check := range expected {
		m.expressionErrors.WithLabelValues(check)
	}
}

func set(names []string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, name := range names {
		s[name] = true
	}
	return s
}

// Run records the end of a round. A skipped round has no duration.
func (m *ProcessMetrics) Run(source string, outcome RunOutcome, took time.Duration) {
	m.runs.WithLabelValues(source, string(outcome)).Inc()
	if outcome != RunSkipped {
		m.runDuration.WithLabelValues(source).Observe(took.Seconds())
	}
}

// Succeeded sets when the source's last successful round ended; after a
// restart, from what the store has. The zero time is ignored.
func (m *ProcessMetrics) Succeeded(source string, at time.Time) {
	if !at.IsZero() {
		m.lastSuccess.WithLabelValues(source).Set(unixSeconds(at))
	}
}

// Request records one request to a source. call is the endpoint's template,
// without ids or parameters; reason is ReasonOK or one of evidence.Reasons.
// One that was not sent, since the circuit was open, has no duration.
// With the first call of an endpoint all its reasons begin at zero.
func (m *ProcessMetrics) Request(source, call, reason string, took time.Duration) {
	if m.firstCall(source, call) {
		m.requests.WithLabelValues(source, call, ReasonOK)
		for _, r := range evidence.Reasons() {
			m.requests.WithLabelValues(source, call, string(r))
		}
	}
	m.requests.WithLabelValues(source, call, reason).Inc()
	if reason != string(evidence.ReasonCircuitOpen) {
		m.requestDuration.WithLabelValues(source, call).Observe(took.Seconds())
	}
}

func (m *ProcessMetrics) firstCall(source, call string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls[source][call] {
		return false
	}
	if m.calls[source] == nil {
		m.calls[source] = map[string]bool{}
	}
	m.calls[source][call] = true
	return true
}

// RateLimit records what a source said about its limit in requests and about
// what is left of it. A negative number is ignored.
func (m *ProcessMetrics) RateLimit(source string, limit, remaining int) {
	if limit >= 0 {
		m.rateLimit.WithLabelValues(source).Set(float64(limit))
	}
	if remaining >= 0 {
		m.remaining.WithLabelValues(source).Set(float64(remaining))
	}
}

// CircuitOpen records whether requests to a source are left unsent because too
// many have failed.
func (m *ProcessMetrics) CircuitOpen(source string, open bool) {
	m.circuit.WithLabelValues(source).Set(mark(open))
}

// ClockOffset records by how much this machine's clock is ahead of a source's.
func (m *ProcessMetrics) ClockOffset(source string, offset time.Duration) {
	m.clockOffset.WithLabelValues(source).Set(offset.Seconds())
}

// ClockInDoubt records whether this machine's clock is probably wrong.
func (m *ProcessMetrics) ClockInDoubt(doubt bool) { m.clockInDoubt.WithLabelValues().Set(mark(doubt)) }

// StoreSize records how large the database is, in bytes.
func (m *ProcessMetrics) StoreSize(bytes int64) { m.storeBytes.WithLabelValues().Set(float64(bytes)) }

// TokensExpire says when the credentials of sources end, from now on: at the
// start and after each reload. Sources that are not listed have no series.
func (m *ProcessMetrics) TokensExpire(when map[string]time.Time) {
	m.tokenExpiry.Reset()
	for source, at := range when {
		m.tokenExpiry.WithLabelValues(source).Set(unixSeconds(at))
	}
}

// Skipped counts objects of a source that could not be decoded.
func (m *ProcessMetrics) Skipped(source, kind string, n int) {
	if n > 0 {
		m.skipped.WithLabelValues(source, kind).Add(float64(n))
	}
}

// Evaluated records the end of an evaluation.
func (m *ProcessMetrics) Evaluated(err error, took time.Duration) {
	outcome := RunSuccess
	if err != nil {
		outcome = RunFailure
	}
	m.evaluations.WithLabelValues(string(outcome)).Inc()
	m.evaluation.WithLabelValues().Observe(took.Seconds())
}

// ExpressionFailed counts run-time errors of a check's expressions.
func (m *ProcessMetrics) ExpressionFailed(check string, n int) {
	if n > 0 {
		m.expressionErrors.WithLabelValues(check).Add(float64(n))
	}
}

// Reloaded records a load of the configuration: the first one at the start,
// and each reload. err is nil when it took effect.
func (m *ProcessMetrics) Reloaded(err error, at time.Time) {
	m.reloadSuccess.WithLabelValues().Set(mark(err == nil))
	if err == nil {
		m.reloadTimestamp.WithLabelValues().Set(unixSeconds(at))
	}
}

// unixSeconds is a Unix time to the millisecond.
func unixSeconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

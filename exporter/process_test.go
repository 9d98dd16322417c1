package exporter

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/prodready/collector/evidence"
)

func processMetrics(t *testing.T) (*ProcessMetrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m, err := NewProcessMetrics(registry, BuildInfo{Version: "1.0.0", Revision: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

func gather(t *testing.T, registry *prometheus.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*dto.MetricFamily{}
	for _, f := range families {
		byName[f.GetName()] = f
	}
	return byName
}

// find returns the metric with the given label values, nil if there is none.
func find(f *dto.MetricFamily, values ...string) *dto.Metric {
	for _, m := range f.GetMetric() {
		var have []string
		for _, l := range m.GetLabel() {
			have = append(have, l.GetValue())
		}
		slices.Sort(have)
		slices.Sort(values)
		if slices.Equal(have, values) {
			return m
		}
	}
	return nil
}

// exercise makes every live family have a series.
func exercise(m *ProcessMetrics) {
	m.Expect([]string{"pagerduty/main", "jira/main"}, []string{"cicd-pipeline"})
	m.Run("pagerduty/main", RunPartial, 3*time.Second)
	m.Run("pagerduty/main", RunSkipped, 0)
	m.Succeeded("pagerduty/main", now)
	m.Succeeded("jira/main", time.Time{})
	m.Request("pagerduty/main", "GET /services", ReasonOK, 200*time.Millisecond)
	m.Request("pagerduty/main", "GET /services", string(evidence.ReasonRateLimited), time.Second)
	m.RateLimit("pagerduty/main", 960, 940)
	m.RateLimit("jira/main", -1, -1)
	m.Request("pagerduty/main", "GET /services", string(evidence.ReasonCircuitOpen), 0)
	m.CircuitOpen("pagerduty/main", true)
	m.ClockOffset("pagerduty/main", -3*time.Second)
	m.ClockInDoubt(true)
	m.StoreSize(4096)
	m.TokensExpire(map[string]time.Time{"pagerduty/gone": now, "pagerduty/main": now})
	m.TokensExpire(map[string]time.Time{"pagerduty/main": now.Add(time.Hour)})
	m.Skipped("jira/main", "issue", 2)
	m.Skipped("jira/main", "nothing", 0)
	m.Skipped("pagerduty/main", "incident", 1)
	m.Evaluated(nil, 20*time.Millisecond)
	m.ExpressionFailed("cicd-pipeline", 4)
	m.Reloaded(nil, now)
	m.Reloaded(errors.New("bad file"), now.Add(time.Hour))
}

func TestProcessMetrics(t *testing.T) {
	m, registry := processMetrics(t)
	exercise(m)
	families := gather(t, registry)
	for _, c := range []struct {
		family string
		labels []string
		want   float64
	}{
		{"collector_runs_total", []string{"pagerduty/main", "partial"}, 1},
		{"collector_runs_total", []string{"pagerduty/main", "skipped"}, 1},
		{"collector_runs_total", []string{"jira/main", "failure"}, 0},
		{"collector_run_duration_seconds", []string{"pagerduty/main"}, 1},
		{"collector_run_duration_seconds", []string{"jira/main"}, 0},
		{"collector_requests_total", []string{"pagerduty/main", "GET /services", "ok"}, 1},
		{"collector_requests_total", []string{"pagerduty/main", "GET /services", "rate_limited"}, 1},
		{"collector_requests_total", []string{"pagerduty/main", "GET /services", "server_error"}, 0},
		{"collector_requests_total", []string{"pagerduty/main", "GET /services", "circuit_open"}, 1},
		{"collector_circuit_open", []string{"pagerduty/main"}, 1},
		{"collector_circuit_open", []string{"jira/main"}, 0},
		{"collector_clock_offset_seconds", []string{"pagerduty/main"}, -3},
		{"collector_clock_in_doubt", nil, 1},
		{"collector_store_bytes", nil, 4096},
		{"collector_token_expiry_timestamp_seconds", []string{"pagerduty/main"}, float64(now.Unix() + 3600)},
		{"collector_request_duration_seconds", []string{"pagerduty/main", "GET /services"}, 2},
		{"collector_rate_limit", []string{"pagerduty/main"}, 960},
		{"collector_rate_limit_remaining", []string{"pagerduty/main"}, 940},
		{"collector_last_success_timestamp_seconds", []string{"pagerduty/main"}, float64(now.Unix())},
		{"collector_skipped_records_total", []string{"jira/main", "issue"}, 2},
		{"collector_evaluation_duration_seconds", nil, 1},
		{"collector_evaluations_total", []string{"success"}, 1},
		{"collector_evaluations_total", []string{"failure"}, 0},
		{"collector_expression_errors_total", []string{"cicd-pipeline"}, 4},
		{"collector_reload_success", nil, 0},
		{"collector_reload_timestamp_seconds", nil, float64(now.Unix())},
	} {
		metric := find(families[Prefix+c.family], c.labels...)
		if metric == nil {
			t.Errorf("%s%v is missing", c.family, c.labels)
			continue
		}
		got := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		if got != c.want {
			t.Errorf("%s%v = %v, want %v", c.family, c.labels, got, c.want)
		}
	}
	for _, absent := range [][]string{
		{"collector_last_success_timestamp_seconds", "jira/main"},
		{"collector_rate_limit", "jira/main"},
		{"collector_token_expiry_timestamp_seconds", "jira/main"},
		{"collector_token_expiry_timestamp_seconds", "pagerduty/gone"},
		{"collector_skipped_records_total", "jira/main", "nothing"},
	} {
		if find(families[Prefix+absent[0]], absent[1:]...) != nil {
			t.Errorf("%v is there without data", absent)
		}
	}
}

func TestExpectEndsWhatIsGone(t *testing.T) {
	m, registry := processMetrics(t)
	exercise(m)
	m.Expect([]string{"jira/main", "prometheus/new"}, []string{"other"})
	m.TokensExpire(nil)
	for name, family := range gather(t, registry) {
		for _, metric := range family.GetMetric() {
			for _, l := range metric.GetLabel() {
				if l.GetValue() == "pagerduty/main" || l.GetValue() == "cicd-pipeline" {
					t.Errorf("%s still has %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	m.Expect([]string{"pagerduty/main"}, nil)
	m.Request("pagerduty/main", "GET /services", ReasonOK, 0)
	if find(
		gather(t, registry)["readiness_collector_requests_total"], "pagerduty/main", "GET /services", "timeout",
	) == nil {
		t.Error("the reasons of a source that came back are not born again")
	}
}

// TestDeclaredAsRegistered holds the declarations, which the reference is made
// of, to what is really registered, and keeps the two parts of a page apart.
func TestDeclaredAsRegistered(t *testing.T) {
	m, registry := processMetrics(t)
	exercise(m)
	rendered := map[string]bool{}
	for _, f := range Families() {
		if rendered[f.FullName()] {
			t.Errorf("%s is declared twice", f.FullName())
		}
		rendered[f.FullName()] = true
		if strings.HasPrefix(f.Name, "collector_") || f.Name == "build_info" {
			t.Errorf("%s is the name of a live family", f.FullName())
		}
		if f.Collect.one == nil && f.Collect.whole == nil && f.Collect.counts == nil {
			t.Errorf("%s has no Collect", f.FullName())
		}
	}
	declared := map[string]Family{}
	for _, f := range ProcessGroup().Families {
		declared[f.FullName()] = f
		if !strings.HasPrefix(f.Name, "collector_") && f.Name != "build_info" {
			t.Errorf("%s: the name of a live family begins with collector_", f.FullName())
		}
	}
	for name, family := range gather(t, registry) {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		if rendered[name] {
			t.Errorf("%s is rendered and live", name)
		}
		f, ok := declared[name]
		if !ok {
			t.Errorf("%s is registered and not declared", name)
			continue
		}
		delete(declared, name)
		kind := strings.ToLower(family.GetType().String())
		if want := string(f.Kind); kind != want && (kind != "gauge" || f.Kind != Info) {
			t.Errorf("%s is a %s, declared as %s", name, kind, want)
		}
		var labels []string
		for _, l := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		want := slices.Sorted(slices.Values(f.Labels))
		if !slices.Equal(labels, want) {
			t.Errorf("%s has the labels %v, declared %v", name, labels, want)
		}
	}
	for name := range declared {
		t.Errorf("%s is declared and not registered", name)
	}
}

func TestProcessMetricsLint(t *testing.T) {
	m, registry := processMetrics(t)
	exercise(m)
	var ours []*dto.MetricFamily
	for name, f := range gather(t, registry) {
		if strings.HasPrefix(name, Prefix) {
			ours = append(ours, f)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(ours).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestRegistersOnce(t *testing.T) {
	_, registry := processMetrics(t)
	if _, err := NewProcessMetrics(registry, BuildInfo{}); err == nil {
		t.Error("the same names were registered twice")
	}
}

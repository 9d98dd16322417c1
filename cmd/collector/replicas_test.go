package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// replica is one server of a highly available pair of Prometheus.
type replica struct {
	t *testing.T
	// backups is the value of the fact, and name that of the replica in its series.
	backups int
	name    string
	// fires are the spans of minutes before start in which the alert fires.
	fires [][2]int
	start time.Time
	down  atomic.Bool
}

func (r *replica) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.down.Load() {
		http.Error(w, "the replica is down", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	var data any
	switch query := req.FormValue("query"); {
	case req.URL.Path == "/api/v1/query_range":
		data = r.matrix(req.FormValue("start"), req.FormValue("end"))
	case req.URL.Path == "/api/v1/query" && strings.Contains(query, "readiness_window"):
		data = vector(map[string]string{"readiness_window": "0s"}, 1)
	case req.URL.Path == "/api/v1/query" && query == "sum by (job) (backups)":
		data = vector(map[string]string{"job": "checkout"}, r.backups)
	default:
		r.t.Errorf("unknown request %s %s", req.URL.Path, query)
	}
	if err := json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data}); err != nil {
		r.t.Error(err)
	}
}

func vector(labels map[string]string, value int) any {
	sample := map[string]any{"metric": labels, "value": []any{time.Now().Unix(), strconv.Itoa(value)}}
	return map[string]any{"resultType": "vector", "result": []any{sample}}
}

// matrix are the samples of the alert, and those that say that the server was there.
func (r *replica) matrix(from, until string) any {
	first, err1 := strconv.ParseFloat(from, 64)
	last, err2 := strconv.ParseFloat(until, 64)
	if err1 != nil || err2 != nil {
		r.t.Errorf("query_range from %q until %q", from, until)
	}
	var list []any
	add := func(labels map[string]string, from, until int64) {
		var values []any
		for at := max(from, int64(first)); at <= min(until, int64(last)); at += 60 {
			values = append(values, []any{at, "1"})
		}
		if len(values) > 0 {
			list = append(list, map[string]any{"metric": labels, "values": values})
		}
	}
	add(map[string]string{"readiness_witness": "up"}, int64(first), int64(last))
	for _, span := range r.fires {
		add(map[string]string{"__name__": "ALERTS", "alertstate": "firing", "alertname": "Slow", "job": "checkout",
			"prometheus_replica": r.name},
			r.start.Add(-time.Duration(span[0])*time.Minute).Unix(), r.start.Add(-time.Duration(span[1])*time.Minute).Unix())
	}
	return map[string]any{"resultType": "matrix", "result": list}
}

// TestAPairIsAUnion: what two replicas of Prometheus say of one service counts once, and
// one that is down costs nothing.
func TestAPairIsAUnion(t *testing.T) {
	t.Parallel() // it waits more than it works
	start := time.Now().Truncate(time.Minute)
	for name, tc := range map[string]struct {
		group string
		// lost is how many of its backups replica b does not know.
		lost int
		// falls says that replica b goes down after the first rounds, never that it was
		// never up.
		falls, never bool
		// passes is whether the fact is 3, and firings how many there are.
		passes  bool
		firings float64
	}{
		"both":               {group: "pair", passes: true, firings: 2},
		"one falls":          {group: "pair", falls: true, passes: true, firings: 2},
		"one was never up":   {group: "pair", never: true, passes: true, firings: 2},
		"two that differ":    {firings: 3},
		"one that lost data": {group: "pair", lost: 1, passes: true, firings: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFolder(t)
			// b was away for an hour, and lost a firing, and it scrapes a minute later.
			a := &replica{t: t, name: "a", backups: 3, start: start, fires: [][2]int{{300, 280}, {100, 60}}}
			b := &replica{t: t, name: "b", backups: 3 - tc.lost, start: start, fires: [][2]int{{99, 59}}}
			b.down.Store(tc.never)
			servers := ""
			for _, r := range []*replica{a, b} {
				server := httptest.NewServer(r)
				t.Cleanup(server.Close)
				servers += fmt.Sprintf("    - {name: %s, url: %q, replica_of: %q, facts_files: [facts.yaml], schedule: '@every 1s', "+
					"rate: {per_minute: 100000}}\n", r.name, server.URL, tc.group)
			}
			s.write("facts.yaml", `preset: pair
facts:
  - name: pair.backups
    type: int
    help: Number of backups.
    merge: sum
    absent: unknown
    providers: [{via: test, join: job, query: 'sum by (job) (backups)'}]
`)
			s.write("framework.yaml", strings.NewReplacer(
				"catalog.owner_declared && pagerduty.service_exists", "pair.backups == 3",
				"pagerduty.oncall_now >= 1", "pair.backups >= 0", "pagerduty.escalation_levels >= 2", "pair.backups >= 0",
				"pagerduty.coverage_ratio_14d >= 0.999", "pair.backups >= 0").Replace(fourChecks))
			s.write("collector.yaml", `store: {url: readiness.db}
framework: {file: framework.yaml}
server: {listen_address: "127.0.0.1:0"}
evaluation: {interval: 1s}
catalog:
  teams: [{name: payments, org: shop}]
  services: [{name: checkout, team: payments, org: shop, tier: 1, prometheus: [{matchers: {job: checkout}}]}]
sources:
  prometheus:
`+servers)
			d := s.start()
			rounds := func(source, outcome string, n float64) {
				d.eventually(source+" has "+outcome, func() bool {
					v, _ := d.value("readiness_collector_runs_total", "source", "prometheus/"+source, "outcome", outcome)
					return v >= n
				})
			}
			rounds("a", "success", 2)
			if tc.never {
				rounds("b", "failure", 1)
			} else {
				rounds("b", "success", 2)
			}
			want := func(when string) {
				t.Helper()
				d.eventually(when+": all is judged", func() bool {
					firings, known := d.value("readiness_alert_firings", "service_name", "checkout", "window", "30d")
					passing, _ := d.value("readiness_checks", "check", "inc.registered", "status", "pass")
					failing, _ := d.value("readiness_checks", "check", "inc.registered", "status", "fail")
					return known && firings == tc.firings && (passing == 1) == tc.passes && (failing == 1) == !tc.passes
				})
			}
			want("at first")
			if tc.falls {
				b.down.Store(true)
				rounds("b", "failure", 1)
				snapshot, _ := d.value("readiness_snapshot_timestamp_seconds")
				d.eventually("it is judged again", func() bool {
					now, _ := d.value("readiness_snapshot_timestamp_seconds")
					return now > snapshot+1
				})
				want("without b")
				if v, _ := d.value("readiness_evidence_coverage_ratio", "service_name", "checkout"); v != 1 {
					t.Errorf("without b the coverage is %v", v)
				}
			}
		})
	}
}

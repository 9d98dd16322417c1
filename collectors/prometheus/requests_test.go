package prometheus_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/internal/race"
)

// TestRequestsGrowWithQueriesAndNotWithServices asks for every preset. The
// queries are counted from what the presets declare. With them go three: how far
// back the data reaches, what alerted since the round before, and the rules. Only
// the first round asks more, a query for each day of the history of alerts.
func TestRequestsGrowWithQueriesAndNotWithServices(t *testing.T) {
	race.Skip(t, "many services run the same code paths as a few")
	names, err := prometheus.Presets()
	if err != nil {
		t.Fatal(err)
	}
	facts, err := prometheus.Load(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	queries := prometheus.DistinctQueries(facts)
	if queries < 60 {
		t.Fatalf("%d distinct queries: the presets are not whole", queries)
	}
	for _, n := range []int{50, 1000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			var services []*catalog.Service
			var pods strings.Builder
			for i := range n {
				name := fmt.Sprintf("service-%d", i)
				services = append(services, &catalog.Service{
					Name: name, GitHub: "shop/" + name,
					Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: name},
					Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{"job": name}}},
				})
				fmt.Fprintf(&pods, "{namespace=%q, workload=%q} %d\n", "shop", name, i)
			}
			w := start(
				t, facts, services, func(o *prometheus.Options, _ *server) { o.AlertHistory = prometheus.DefaultAlertHistory },
			)
			w.cursors = map[string]string{"alerts": noon.Add(-6 * time.Minute).Format(time.RFC3339)}
			answer, empty := success(t, pods.String()), success(t, "")
			requests := 0
			w.server.intercept = func(key string) *reply {
				requests++
				switch {
				case strings.Contains(key, "readiness_window"):
					return nil
				case key == rangePath:
					return &reply{200, strings.Replace(empty, "vector", "matrix", 1)}
				case key == rulesPath:
					reply := rulesReply(t)
					return &reply
				case strings.HasPrefix(
					key,
					"max by (cluster, namespace, workload) (sum by (cluster, namespace, pod) (increase(kube_pod_container_status_restarts_total",
				):
					return &reply{200, answer}
				}
				return &reply{200, empty}
			}
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			if requests != queries+3 {
				t.Errorf("%d requests for %d distinct queries, want %d", requests, queries, queries+3)
			}
			for key, times := range w.server.seen {
				if times > 1 {
					t.Errorf("asked %d times: %s", times, key)
				}
			}
			if len(w.server.times) != 1 {
				t.Errorf("the queries are for %d different moments, want one: %v", len(w.server.times), w.server.times)
			}
			r.want(t, "service-7", map[string]string{"k8s.restarts_per_pod_7d": "7", "k8s.zones": "no_data", "alert.rules": "0"})
		})
	}
}

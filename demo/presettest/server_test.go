package presettest

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	collector "github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/demo/prometheus"
	"github.com/prodready/collector/evidence"
)

const rules = `groups:
  - name: checkout
    rules:
      - alert: CheckoutDown
        expr: up{job="checkout"} == 0
        labels: {severity: page}
        annotations: {summary: "{{ $labels.job }} is down", runbook_url: "https://runbooks.example/checkout"}
      - alert: CheckoutFills
        expr: predict_linear(disk_free{job="checkout"}[1h], 3600) < 0
        labels: {severity: critical}
      - alert: AnythingDown
        expr: up == 0
        labels: {severity: page}
      - record: job:up:sum
        expr: sum by (job) (up)
`

// TestAgainstPrometheusItself runs a round over the real wire format: the rules
// API, and every query of every preset, of which the server refuses none.
func TestAgainstPrometheusItself(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	server, err := prometheus.Start(t.Context(), prometheus.Options{
		Dir: t.TempDir(), Every: -1, Rules: []string{file}, Series: slices.Values([]prometheus.Series{
			{Name: "up", Labels: map[string]string{"job": "checkout"}, Reach: 10 * 24 * time.Hour, At: prometheus.Constant(1)},
			{
				Name: "probe_success", Labels: map[string]string{"instance": "https://checkout.example"}, Reach: 8 * 24 * time.Hour,
				At: prometheus.Constant(1),
			},
			{
				Name: "certmanager_certificate_expiration_timestamp_seconds", Labels: map[string]string{"namespace": "shop"},
				At: prometheus.Constant(4e9),
			},
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	presets, err := collector.Presets()
	if err != nil {
		t.Fatal(err)
	}
	facts, err := collector.Load(presets, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	source, err := collector.New(collector.Options{Name: "main", URL: server.URL(), HTTPClient: client, Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Check(t.Context()); err != nil {
		t.Error(err)
	}
	service := &catalog.Service{
		Name: "checkout", PublicURLs: []string{"https://checkout.example"},
		Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: "checkout"},
		Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{"job": "checkout"}}},
	}
	got, covered := map[string]evidence.Value{}, map[string]evidence.Missing{}
	err = source.Collect(t.Context(), collectors.Request{Services: []*catalog.Service{service}, Now: time.Now()},
		func(b evidence.Batch) error {
			for _, r := range b.Records {
				got[r.Fact] = r.Value
			}
			for _, c := range b.Covered {
				for _, fact := range c.Facts {
					covered[fact] = c.Except[service.Name]
				}
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range facts.Definitions() {
		if _, ok := covered[d.Name]; !ok {
			t.Errorf("%s is not covered", d.Name)
		}
	}
	for fact, want := range map[string]string{
		"alert.rules": "2", "alert.paging_rules": "2", "alert.paging_rules_without_runbook": "1",
		"alert.predictive_rules": "1",
		"alert.broken_rules":     "0", "signal.scraped": "true", "probe.success_ratio_7d": "1",
		"tls.min_days_left": "2096-10-02T07:07:00Z",
	} {
		if v := got[fact]; v.String() != want {
			t.Errorf("%s is %s (%s), want %s", fact, v, covered[fact], want)
		}
	}
	if why := covered["vuln.critical_exposed_ratio_90d"]; why != evidence.MissingNoData {
		t.Errorf("a fact without series is missing for %q", why)
	}
}

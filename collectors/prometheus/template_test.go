package prometheus_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

// The calls of metrics are those of plans, whatever stands before their paths.
func TestCallsBehindAPrefixAreThePlanned(t *testing.T) {
	facts, err := prometheus.Load([]string{"rules", "kubernetes"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, facts, nil, func(o *prometheus.Options, _ *server) { o.Concurrency = 1 })
	empty := success(t, "")
	w.server.intercept = func(key string) *reply {
		if key == rulesPath {
			reply := rulesReply(t)
			return &reply
		}
		return &reply{200, empty}
	}
	observed, planned := map[string]int{}, map[string]int{}
	client, err := transport.New(transport.Config{
		Source: "prometheus/main", RatePerMinute: transport.Unlimited, Template: prometheus.Template,
		Observe: func(o transport.Observation) { observed[o.Call]++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	listener := httptest.NewServer(w.server)
	t.Cleanup(listener.Close)
	source, err := prometheus.New(prometheus.Options{
		Name: "main", URL: listener.URL + "/prefix/", HTTPClient: client, Facts: facts, Concurrency: 1,
		Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	request := collectors.Request{Now: noon}
	for _, call := range source.Plan(request) {
		planned[call.Call]++
	}
	if err := source.Collect(t.Context(), request, func(evidence.Batch) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(observed, planned) || observed["GET /api/v1/rules"] != 1 {
		t.Errorf("observed %v, planned %v", observed, planned)
	}
}

func TestTemplate(t *testing.T) {
	for _, prefix := range []string{"", "/prometheus", "/select/0/prometheus", "/api/prom",
		"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"} {
		for path, want := range map[string]string{
			"/api/v1/query":                  "POST /api/v1/query",
			"/api/v1/query_range":            "POST /api/v1/query_range",
			"/api/v1/rules":                  "POST /api/v1/rules",
			"/api/v1/label/namespace/values": "POST /api/v1/label/{name}/values",
		} {
			if got := prometheus.Template(httptest.NewRequest(http.MethodPost, prefix+path, nil)); got != want {
				t.Errorf("%s%s is %q, want %q", prefix, path, got, want)
			}
		}
	}
}

package prometheus_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

// Servers that speak the API in ways of their own.

// asked is a request as a server got it.
type asked struct{ path, query, tenant, secret string }

// vendor is a server that answers with fixed bodies by path and keeps what it
// was asked. Any other path fails the test.
type vendor struct {
	*httptest.Server
	mu   sync.Mutex
	seen []asked
}

func newVendor(t *testing.T, bodies map[string]string) *vendor {
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.seen = append(v.seen, asked{req.URL.Path, req.URL.RawQuery, req.Header.Get("X-Scope-OrgID"),
			req.Header.Get("X-Api-Key")})
		body, ok := bodies[req.URL.Path]
		if !ok {
			t.Errorf("unexpected request %s", req.URL.Path)
			http.Error(w, "404 page not found", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(v.Close)
	return v
}

// collectFrom runs a round of two facts, one of a query and one of the rules.
func collectFrom(t *testing.T, o prometheus.Options, client promconfig.HTTPClientConfig) (values map[string]string,
	errs error) {
	t.Helper()
	facts, err := prometheus.Load([]string{"rules"},
		[]prometheus.File{{Name: "test.yaml", Data: []byte("preset: test\n" + fact("x.n", "int", "job", first, "unknown"))}})
	if err != nil {
		t.Fatal(err)
	}
	sender, err := transport.New(transport.Config{
		Source: "prometheus/main", HTTP: client, RatePerMinute: transport.Unlimited,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.CloseIdleConnections)
	o.Name, o.HTTPClient, o.Facts, o.Now = "main", sender, facts, func() time.Time { return noon }
	source, err := prometheus.New(o)
	if err != nil {
		t.Fatal(err)
	}
	values = map[string]string{}
	errs = source.Collect(t.Context(), collectors.Request{Services: []*catalog.Service{matched("it", "it")}, Now: noon},
		func(b evidence.Batch) error {
			for _, c := range b.Covered {
				for _, name := range c.Facts {
					values[name] = string(c.Except["it"])
				}
			}
			for _, r := range b.Records {
				values[r.Fact] = r.Value.String()
			}
			return nil
		})
	return values, errs
}

const (
	oneSeries = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"it"},"value":[1772625600,"4"]}]}}`
	oneRule   = `{"status":"success","data":{"groups":[{"name":"g","rules":[{"type":"alerting","name":"A","query":"up{job=\"it\"} == 0","health":"ok","labels":{}}]}]}}`
)

// TestMimir: a prefix, a tenant in a header, and rules below the same prefix.
func TestMimir(t *testing.T) {
	v := newVendor(t, map[string]string{"/prometheus/api/v1/query": oneSeries, "/prometheus/api/v1/rules": oneRule})
	var client promconfig.HTTPClientConfig
	if err := yaml.Unmarshal(
		[]byte("http_headers:\n  X-Scope-OrgID: {values: [shop|pay]}\n  X-Api-Key: {secrets: [hunter2]}\n"), &client,
	); err != nil {
		t.Fatal(err)
	}
	values, err := collectFrom(t, prometheus.Options{URL: v.URL + "/prometheus/"}, client)
	if err != nil {
		t.Fatal(err)
	}
	if values["x.n"] != "4" || values["alert.rules"] != "1" {
		t.Errorf("values %v", values)
	}
	for _, a := range v.seen {
		if a.tenant != "shop|pay" || a.secret != "hunter2" {
			t.Errorf("%s came with tenant %q and key %q", a.path, a.tenant, a.secret)
		}
	}
	text, err := yaml.Marshal(client)
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("the configuration shows the secret of a header: %s %v", text, err)
	}
}

// TestASecretHeaderIsInNoError provokes failures of every call.
func TestASecretHeaderIsInNoError(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Api-Key") != "hunter2" {
			t.Error("the key was not sent")
		}
		http.Error(w, "refused", http.StatusForbidden)
	}))
	t.Cleanup(refusing.Close)
	var client promconfig.HTTPClientConfig
	if err := yaml.Unmarshal([]byte("http_headers:\n  X-Api-Key: {secrets: [hunter2]}\n"), &client); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{refusing.URL, "http://127.0.0.1:1"} {
		_, err := collectFrom(t, prometheus.Options{URL: address}, client)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the round at %s failed with %v", address, err)
		}
	}
}

// TestThanos: parameters go with every request, and a store that did not answer
// leaves everything that was asked of it unknown.
func TestThanos(t *testing.T) {
	v := newVendor(t, map[string]string{"/api/v1/query": oneSeries, "/api/v1/rules": oneRule})
	values, err := collectFrom(t, prometheus.Options{URL: v.URL,
		Parameters: map[string]string{"partial_response": "false", "dedup": "true"}}, promconfig.HTTPClientConfig{})
	if err != nil || values["x.n"] != "4" {
		t.Errorf("values %v, error %v", values, err)
	}
	for _, a := range v.seen {
		if !strings.Contains(a.query, "dedup=true") || !strings.Contains(a.query, "partial_response=false") {
			t.Errorf("%s was asked with %q", a.path, a.query)
		}
	}
	partial := strings.Replace(oneSeries, `"data"`,
		`"warnings":["receive store 10.0.0.7: context deadline exceeded"],"data"`, 1)
	values, err = collectFrom(t, prometheus.Options{
		URL: newVendor(t, map[string]string{"/api/v1/query": partial, "/api/v1/rules": oneRule}).URL},
		promconfig.HTTPClientConfig{})
	if _, said := values["x.n"]; said || values["alert.rules"] != "1" {
		t.Errorf("values %v", values)
	}
	if got := calls(err); got != "query incomplete, query incomplete" || !strings.Contains(err.Error(), "10.0.0.7") {
		t.Errorf("error %v", err)
	}
}

// TestVictoriaMetrics: rules live in vmalert, at another address; a part of a
// cluster that does not answer is reported in a separate field.
func TestVictoriaMetrics(t *testing.T) {
	vmalert := newVendor(t, map[string]string{"/vmalert/api/v1/rules": oneRule})
	const path = "/select/0/prometheus/api/v1/query"
	v := newVendor(t, map[string]string{path: strings.Replace(oneSeries, `"data"`, `"isPartial":false,"data"`, 1)})
	values, err := collectFrom(t, prometheus.Options{URL: v.URL + "/select/0/prometheus",
		RulesURL: vmalert.URL + "/vmalert"}, promconfig.HTTPClientConfig{})
	if err != nil || values["x.n"] != "4" || values["alert.rules"] != "1" {
		t.Errorf("values %v, error %v", values, err)
	}
	v = newVendor(t, map[string]string{path: strings.Replace(oneSeries, `"data"`, `"isPartial":true,"data"`, 1)})
	values, err = collectFrom(t, prometheus.Options{URL: v.URL + "/select/0/prometheus",
		RulesURL: vmalert.URL + "/vmalert"}, promconfig.HTTPClientConfig{})
	if _, said := values["x.n"]; said || values["alert.rules"] != "1" ||
		!strings.Contains(calls(err), "query incomplete") {
		t.Errorf("values %v, error %v", values, err)
	}
	// Without vmalert behind it there is a list of nothing.
	nothing := newVendor(t, map[string]string{"/api/v1/query": oneSeries,
		"/api/v1/rules": `{"status":"success","data":{"groups":[]}}`})
	values, err = collectFrom(t, prometheus.Options{URL: nothing.URL}, promconfig.HTTPClientConfig{})
	if err != nil || values["alert.rules"] != string(evidence.MissingNoData) {
		t.Errorf("values %v, error %v", values, err)
	}
}

func TestParametersOfRequestsAreNotOverridden(t *testing.T) {
	_, err := prometheus.New(prometheus.Options{
		Name: "main", URL: "http://x", RulesURL: "vmalert:8880", HTTPClient: http.DefaultClient, Facts: &prometheus.Facts{},
		Parameters: map[string]string{"query": "up", "dedup": "1"},
	})
	for _, want := range []string{"the parameter query is set by every request itself",
		"the URL of the rules is not an address"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "dedup") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

// prometheusAnswers has two series that differ in the label copy, one rule for each of
// them, and two firings that differ in the label team and in their replica.
func prometheusAnswers(now time.Time) http.HandlerFunc {
	vector := func(series ...string) string {
		return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(series, ",") + `]}}`
	}
	one := func(labels string) string { return fmt.Sprintf(`{"metric":{%s},"value":[%d,"1"]}`, labels, now.Unix()) }
	fired := func(labels string) string {
		at := now.Add(-10 * time.Minute).Truncate(time.Minute).Unix()
		return fmt.Sprintf(`{"metric":{%s},"values":[[%d,"1"],[%d,"1"]]}`, labels, at, at+60)
	}
	rule := func(replica string) string {
		return `{"type":"alerting","name":"A","query":"up{job=\"shop\"} == 0","health":"ok","labels":{"severity":"page","copy":"` +
			replica + `"},"annotations":{"wiki":"https://wiki.example","title":"It is down"}}`
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body := vector(one(`"job":"shop","copy":"1"`), one(`"job":"shop","copy":"2"`))
		switch {
		case strings.HasSuffix(r.URL.Path, "/rules"):
			body = `{"status":"success","data":{"groups":[{"name":"g","file":"f","rules":[` + rule("1") + "," + rule("2") + `]}]}}`
		case strings.HasSuffix(r.URL.Path, "/query_range"):
			alert := `"alertname":"A","alertstate":"firing","job":"shop","severity":"page",`
			body = strings.Replace(vector(fired(alert+`"team":"a","copy":"1"`), fired(alert+`"team":"b","copy":"2"`),
				fired(`"readiness_witness":"up"`)), "vector", "matrix", 1)
		case strings.Contains(r.PostFormValue("query"), "readiness_window"):
			body = vector(one(`"readiness_window":"0s"`))
		}
		_, _ = w.Write([]byte(body))
	}
}

// TestLabelsAndAnnotationsOfAPrometheusServerAreRead plays one server with other keys of
// the configuration, from the file to what is stored.
func TestLabelsAndAnnotationsOfAPrometheusServerAreRead(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	server := httptest.NewServer(prometheusAnswers(now))
	t.Cleanup(server.Close)
	facts := filepath.Join(t.TempDir(), "facts.yaml")
	if err := os.WriteFile(facts, []byte("preset: ours\nfacts:\n  - {name: x.n, type: int, help: h, absent: unknown, "+
		"providers: [{via: v, join: job, query: x}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for keys, want := range map[string]string{
		"":                               "2 series, 2 rules, 2 without a runbook, 2 without a text, 1 firings",
		"replica_labels: [copy]":         "1 series, 1 rules, 1 without a runbook, 1 without a text, 1 firings",
		"runbook_annotations: [wiki]":    "2 series, 2 rules, 0 without a runbook, 2 without a text, 1 firings",
		"summary_annotations: [b,title]": "2 series, 2 rules, 2 without a runbook, 0 without a text, 1 firings",
		"alert_labels: [team]":           "2 series, 2 rules, 2 without a runbook, 2 without a text, 2 firings",
		"alert_labels: []":               "2 series, 2 rules, 2 without a runbook, 2 without a text, 1 firings",
	} {
		t.Run(keys, func(t *testing.T) {
			text := fmt.Sprintf("sources: {prometheus: [{name: main, url: %q, presets: [rules], facts_files: [%q], "+
				"alert_history: 1h, %s}]}\n", server.URL, facts, keys)
			c, err := config.Load(config.Options{Path: "c.yaml", ReadFile: func(string) ([]byte, error) {
				return []byte(text), nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			clock := func() time.Time { return now }
			made, err := prometheusKind().instances(c, sourceDeps{
				options: Options{Now: clock, Logger: slog.New(slog.DiscardHandler)}})
			if err != nil || len(made) != 1 {
				t.Fatal(made, err)
			}
			values, firings := map[string]string{}, 0
			service := &catalog.Service{Name: "shop", Prometheus: []catalog.PrometheusRef{
				{Matchers: map[string]string{"job": "shop"}}}}
			err = made[0].source.Collect(t.Context(), collectors.Request{Services: []*catalog.Service{service}, Now: now},
				func(b evidence.Batch) error {
					for _, r := range b.Records {
						values[r.Fact] = r.Value.String()
					}
					firings += len(b.Alerts)
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s series, %s rules, %s without a runbook, %s without a text, %d firings", values["x.n"],
				values["alert.rules"], values["alert.paging_rules_without_runbook"],
				values["alert.paging_rules_without_summary"], firings)
			if got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}

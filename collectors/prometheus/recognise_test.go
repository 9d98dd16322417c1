package prometheus_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/collectors/prometheus"
)

func labelPath(name string) string { return "/prefix/api/v1/label/" + name + "/values" }

func labelValues(t *testing.T, values ...string) reply {
	t.Helper()
	body, err := json.Marshal(map[string]any{"status": "success", "data": values})
	if err != nil {
		t.Fatal(err)
	}
	return reply{200, string(body)}
}

func TestRecognise(t *testing.T) {
	w := start(t, onlyRules(t), nil)
	w.server.replies = map[string]reply{
		labelPath("__name__"): labelValues(t, "up", "http_requests_total",
			"certmanager_certificate_expiration_timestamp_seconds", "sloth_slo_info", "pyrra_objective",
			"kube_pod_container_info"),
		labelPath("cluster"):   {403, `{"status":"error"}`},
		labelPath("namespace"): labelValues(t, "shop", "pay", "shop"),
		labelPath("job"):       labelValues(t),
		rulesPath:              rulesReply(t, alertRule{Query: `up == 0`}),
	}
	got, err := w.source.Recognise(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Metrics != 6 || !slices.Equal(got.Namespaces, []string{"pay", "shop"}) || len(got.Jobs) != 0 ||
		len(got.Clusters) != 0 {
		t.Errorf("%d metrics, namespaces %v, jobs %v, clusters %v", got.Metrics, got.Namespaces, got.Jobs, got.Clusters)
	}
	if len(got.Remarks) != 1 || !strings.Contains(got.Remarks[0], "label cluster are not known") ||
		!strings.Contains(got.Remarks[0], "403") {
		t.Errorf("remarks %q", got.Remarks)
	}
	known, err := prometheus.Presets()
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]prometheus.RecognisedFact{}
	var recognised, all []string
	for _, p := range got.Presets {
		all = append(all, p.Name)
		if p.Help == "" || len(p.Facts) == 0 {
			t.Errorf("preset %s has help %q and %d facts", p.Name, p.Help, len(p.Facts))
		}
		if p.Recognised() {
			recognised = append(recognised, p.Name)
		}
		for _, f := range p.Facts {
			if (len(f.Via) == 0) != (len(f.Missing) > 0) && p.Name != prometheus.RulesPreset {
				t.Errorf("%s: via %v, missing %v", f.Name, f.Via, f.Missing)
			}
			facts[f.Name] = f
		}
	}
	if !slices.Equal(all, known) {
		t.Errorf("presets %v, want %v", all, known)
	}
	if want := []string{"rules", "security", "signals", "slo"}; !slices.Equal(recognised, want) {
		t.Errorf("recognised %v, want %v", recognised, want)
	}
	for fact, want := range map[string]string{
		"signal.traffic":                "client_golang / Python|",
		"signal.scraped":                "any|",
		"signal.latency":                "|http_server_request_duration_seconds_bucket",
		"tls.min_days_left":             "cert-manager|",
		"slo.count":                     "Sloth,Pyrra|",
		"slo.budget_remaining_ratio":    "|slo:period_error_budget_remaining:ratio",
		"alert.rules":                   "1 alerting rules|",
		"k8s.unpinned_images":           "|namespace_workload_pod:kube_pod_owner:relabel",
		"k8s.replicas_available_min_1d": "|kube_deployment_status_replicas_available",
	} {
		if f := facts[fact]; strings.Join(f.Via, ",")+"|"+strings.Join(f.Missing, ",") != want {
			t.Errorf("%s: via %v, missing %v, want %s", fact, f.Via, f.Missing, want)
		}
	}
	for path, n := range w.server.seen {
		if n != 1 {
			t.Errorf("%s was asked %d times", path, n)
		}
	}
	if len(w.server.seen) != 5 {
		t.Errorf("%d requests, want 5", len(w.server.seen))
	}
}

func TestRecogniseNeedsTheNames(t *testing.T) {
	w := start(t, onlyRules(t), nil)
	w.server.replies = map[string]reply{labelPath("__name__"): {401, `{"status":"error"}`}}
	if got, err := w.source.Recognise(t.Context()); err == nil || calls(err) != "label values unauthorized" {
		t.Errorf("recognised %+v, error %v", got, err)
	}
}

func TestRecogniseShowsWhatIsIncomplete(t *testing.T) {
	w := start(t, onlyRules(t), nil)
	w.server.replies = map[string]reply{
		labelPath("__name__"):  {200, `{"status":"success","data":["up"],"warnings":["a store did not answer"]}`},
		labelPath("cluster"):   labelValues(t),
		labelPath("namespace"): labelValues(t),
		labelPath("job"):       labelValues(t),
		rulesPath:              {404, "404 page not found"},
	}
	got, err := w.source.Recognise(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(got.Remarks, "\n")
	if !strings.Contains(text, "the rules are not known") ||
		!strings.Contains(text, "__name__ may be incomplete: a store did not answer") {
		t.Errorf("remarks %q", got.Remarks)
	}
	for _, p := range got.Presets {
		if p.Name == prometheus.RulesPreset && p.Recognised() {
			t.Error("the preset rules is recognised without a rules API")
		}
	}
}

// The names are those of series that the server has metrics of; others are not asked
// for.
func TestNames(t *testing.T) {
	w := start(t, onlyRules(t), nil)
	w.server.replies = map[string]reply{
		labelPath("__name__"): labelValues(t, "kube_pod_container_info", "namespace_workload_pod:kube_pod_owner:relabel"),
		labelPath("cluster"):  labelValues(t), labelPath("namespace"): labelValues(t), labelPath("job"): labelValues(t),
		rulesPath: rulesReply(t),
	}
	asked := 0
	w.server.intercept = func(key string) *reply {
		if strings.Contains(key, "/api/v1/") {
			return nil
		}
		if asked++; !strings.Contains(key, "kube_pod_") {
			t.Errorf("asked %s, whose metrics the server lacks", key)
		}
		return &reply{200, success(t, `{namespace="shop",workload="cart"} 1
			{namespace="shop",workload="checkout"} 1`)}
	}
	found, err := w.source.Recognise(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, remarks, err := w.source.Names(t.Context(), found)
	if err != nil || len(remarks) > 0 {
		t.Fatal(remarks, err)
	}
	got, want := names["kubernetes.namespace/kubernetes.workload"], []string{"shop/cart", "shop/checkout"}
	if !slices.Equal(got, want) {
		t.Errorf("names %v", names)
	}
	if asked == 0 || asked > 6 {
		t.Errorf("%d queries", asked)
	}
}

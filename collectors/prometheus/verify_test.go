package prometheus_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
)

const workloadsQuery = `group by (namespace, workload) (workload_info)`

// workloadFacts has a witness that knows every workload, and a query that leaves out
// series, of which a missing one means nothing.
func workloadFacts(t *testing.T) *prometheus.Facts {
	return load(t, `
witnesses:
  info: {help: the workload is watched, join: workload, query: '`+workloadsQuery+`'}
facts:
  - name: k.bad
    type: int
    help: Bad ones.
    absent: {value: 0, witness: info}
    providers:
      - {via: any, join: workload, query: 'bad > 0'}
`)
}

func (w *world) faults() string {
	var lines []string
	for _, v := range w.source.Verify(w.t.Context(), w.services) {
		for _, err := range v.Faults() {
			lines = append(lines, v.What+": "+err.Error())
		}
		if v.Note != "" {
			lines = append(lines, v.What+": note: "+v.Note)
		}
	}
	return strings.Join(lines, "\n")
}

func matching(name string, labels ...string) *catalog.Service {
	matchers := map[string]string{}
	for _, l := range labels {
		label, value, _ := strings.Cut(l, "=")
		matchers[label] = value
	}
	return &catalog.Service{Name: name, Prometheus: []catalog.PrometheusRef{{Matchers: matchers}}}
}

func runsAs(name, namespace, workload string) *catalog.Service {
	return &catalog.Service{Name: name, Kubernetes: catalog.KubernetesRef{Namespace: namespace, Workload: workload}}
}

// Targets are asked for in one query, what no target has in one more, and workloads
// through a query that knows all of them.
func TestVerifyAsksForSeries(t *testing.T) {
	w := start(t, workloadFacts(t), []*catalog.Service{
		matching("checkout", "job=checkout"), matching("pay", "job=pay", "namespace=shop"),
		matching("pushed", "service=pushed"), matching("till", "job=chekout"), matching("split", "job=pay", "namespace=bank"),
		runsAs("cart", "shop", "cart"), runsAs("search", "shop", "serach"),
	})
	w.server.vectors = map[string]string{
		"up": `{job="checkout",instance="a"} 1
			{job="pay",exported_namespace="shop",namespace="monitoring"} 0`,
		`group by (cluster, job, exported_job) ({job="chekout"}) or group by (cluster, job, exported_job) ` +
			`({exported_job="chekout"}) or group by (cluster, job, exported_job, namespace, exported_namespace) ` +
			`({job="pay",namespace="bank"}) or group by (cluster, job, exported_job, namespace, exported_namespace) ` +
			`({exported_job="pay",exported_namespace="bank"}) or group by (cluster, service, exported_service) ` +
			`({service="pushed"}) or group by (cluster, service, exported_service) ({exported_service="pushed"})`: `{service="pushed"} 1`,
		workloadsQuery: `{namespace="shop",workload="cart"} 1
			{namespace="shop",workload="search"} 1`,
	}
	w.server.replies = map[string]reply{
		labelPath("job"):       labelValues(t, "checkout", "pay"),
		labelPath("namespace"): labelValues(t, "bank", "monitoring", "shop"),
	}
	want := `prometheus.matchers: "job=chekout" of till: the server has no series with these labels: ` +
		`no series has job="chekout", did you mean "checkout"?
prometheus.matchers: "job=pay namespace=bank" of split: the server has no series with these labels
kubernetes.namespace/kubernetes.workload: "shop/serach" of search: the server has such series, and none of this name, ` +
		`did you mean "shop/search"?`
	if got := w.faults(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := w.server.seen["bad > 0"]; n != 0 {
		t.Errorf("a query that leaves out series was asked %d times", n)
	}
}

// A namespace or workload of a service that names no server has to be on one of them,
// and one of a service that names a server has to be on that.
func TestVerifyLooksForNamespacesAndWorkloadsOnAnyServer(t *testing.T) {
	const namespaces = `group by (namespace) (namespace_info)`
	byNamespace := load(t, "witnesses:\n  info: {help: the namespace is watched, join: namespace, query: '"+namespaces+"'}\n"+
		"facts:\n  - name: k.bad\n    type: int\n    help: Bad ones.\n    absent: {value: 0, witness: info}\n"+
		"    providers:\n      - {via: any, join: namespace, query: 'bad > 0'}\n")
	pinned := runsAs("pinned", "bank", "pay")
	pinned.Prometheus = []catalog.PrometheusRef{{Server: "a", Matchers: map[string]string{"job": "pay"}}}
	services := []*catalog.Service{runsAs("cart", "shop", "cart"), runsAs("pay", "bank", "pay"),
		runsAs("till", "banc", "pay"), pinned}
	for what, facts := range map[string]*prometheus.Facts{
		"kubernetes.namespace": byNamespace, "kubernetes.namespace/kubernetes.workload": workloadFacts(t),
	} {
		var answers [][]collectors.Verified
		for _, there := range [...][2]string{{"shop", "cart"}, {"bank", "pay"}} {
			w := start(t, facts, services, func(o *prometheus.Options, _ *server) {
				o.Name = map[string]string{"shop": "a", "bank": "b"}[there[0]]
			})
			w.server.vectors = map[string]string{"up": `{job="pay"} 1`, "bad > 0": "",
				workloadsQuery: fmt.Sprintf(`{namespace=%q,workload=%q} 1`, there[0], there[1])}
			w.server.replies = map[string]reply{labelPath("namespace"): labelValues(t, there[0])}
			answers = append(answers, w.source.Verify(t.Context(), services))
		}
		collectors.Settle(answers)
		var got []string
		for i, list := range answers {
			for _, v := range list {
				for _, absent := range v.Absent {
					got = append(got, fmt.Sprint("ab"[i:i+1], " ", v.What, " ", absent.Name, " of ", absent.Users))
				}
			}
		}
		bank, banc := "bank", "banc"
		if strings.Contains(what, "/") {
			bank, banc = "bank/pay", "banc/pay"
		}
		want := []string{"a " + what + " " + bank + " of [pinned]", "b " + what + " " + banc + " of [till]"}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Services do not add requests, relabelled labels cannot be asked for, and an
// exporter that is not there says nothing about its names.
func TestVerifyIsBoundedAndNotSureOfEverything(t *testing.T) {
	services := []*catalog.Service{matching("odd", "team=a"), runsAs("cart", "shop", "cart")}
	up := ""
	for n := range 500 {
		services = append(services, matching(fmt.Sprint("s", n), fmt.Sprint("job=s", n)))
		up += fmt.Sprintf("{job=\"s%d\"} 1\n", n)
	}
	w := start(t, workloadFacts(t), services, func(o *prometheus.Options, _ *server) {
		o.Relabel = []prometheus.Relabel{{SourceLabels: []string{"owner"}, TargetLabel: "team", Replacement: "$1"}}
	})
	w.server.vectors = map[string]string{"up": up, workloadsQuery: "", "bad > 0": ""}
	want := `prometheus.matchers: note: no target has team=a, and relabel sets a label of them, so that the server ` +
		`cannot be asked
kubernetes.namespace/kubernetes.workload: note: nothing could be looked up: the server has no series of the exporters ` +
		`that know them`
	if got := w.faults(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	total := 0
	for _, n := range w.server.seen {
		total += n
	}
	if total != 2 {
		t.Errorf("%d requests, want 2: %v", total, w.server.seen)
	}
}

// A server that does not answer has not lost a series.
func TestVerifyTakesNoAnswerForNoAnswer(t *testing.T) {
	services := []*catalog.Service{matching("checkout", "job=checkout"), runsAs("cart", "shop", "cart")}
	w := start(t, workloadFacts(t), services)
	w.server.intercept = func(string) *reply { return &reply{503, `{}`} }
	answers := w.source.Verify(t.Context(), w.services)
	if len(answers) != 2 {
		t.Errorf("got %+v", answers)
	}
	for _, v := range answers {
		if v.Err == nil || len(v.Absent) > 0 {
			t.Errorf("got %+v", v)
		}
	}
}

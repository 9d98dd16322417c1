package prometheus_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
)

const rulesPath = "/prefix/api/v1/rules"

func onlyRules(t *testing.T) *prometheus.Facts {
	t.Helper()
	facts, err := prometheus.Load([]string{"rules"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

type alertRule struct {
	Type        string            `json:"type"`
	Name        string            `json:"name"`
	Query       string            `json:"query"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Health      string            `json:"health"`
	LastError   string            `json:"lastError,omitempty"`
}

func rulesReply(t testing.TB, rules ...alertRule) reply {
	t.Helper()
	for i := range rules {
		if rules[i].Type == "" {
			rules[i].Type = "alerting"
		}
		if rules[i].Health == "" {
			rules[i].Health = "ok"
		}
		if rules[i].Name == "" {
			rules[i].Name = "A"
		}
	}
	body, err := json.Marshal(map[string]any{"status": "success",
		"data": map[string]any{"groups": []any{map[string]any{"name": "g", "file": "shop.yaml", "rules": rules}}}})
	if err != nil {
		t.Fatal(err)
	}
	return reply{200, string(body)}
}

// checkout is a service that the catalog knows well.
func checkout() *catalog.Service {
	return &catalog.Service{
		Name: "checkout", Aliases: []string{"kasse"}, SLO: []string{"checkout-requests"},
		Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: "checkout-api"},
		Prometheus: []catalog.PrometheusRef{{Cluster: "eu",
			Matchers: map[string]string{"job": "shop/checkout", "namespace": "shop", "app": "checkout"}}},
	}
}

func TestWhichRulesCoverAService(t *testing.T) {
	cart := &catalog.Service{Name: "cart", Prometheus: []catalog.PrometheusRef{
		{Matchers: map[string]string{"job": "shop/cart"}}}}
	for _, c := range []struct {
		query  string
		labels map[string]string
		covers bool
		// want is the value if it is not 1 or 0.
		want string
	}{
		{query: `rate(http_requests_total{job="shop/checkout"}[5m]) > 1`, covers: true},
		{query: `rate(http_requests_total{job="shop/cart"}[5m]) > 1`},
		{query: `rate(http_requests_total{job=~"shop/.+"}[5m]) > 1`, covers: true},
		{query: `rate(http_requests_total{job=~"pay/.+"}[5m]) > 1`},
		{query: `rate(http_requests_total{job=~".+"}[5m]) > 1`},
		{query: `rate(http_requests_total{job!=""}[5m]) > 1`},
		{query: `up == 0`},
		{query: `up{namespace="shop"} == 0`, covers: true},
		{query: `up{namespace="shop", job="shop/cart"} == 0`},
		{query: `up{namespace="shop", cluster="us"} == 0`},
		{query: `up{namespace="shop", cluster="eu"} == 0`, covers: true},
		{query: `up{namespace!="shop", job="shop/checkout"} == 0`},
		{query: `http_errors{service="kasse"} > 0`, covers: true},
		{query: `http_errors{service_name="checkout", unheard="of"} > 0`, covers: true},
		{query: `http_errors{app="checkout"} > 0`, covers: true},
		{query: `http_errors{app="cart"} > 0`},
		{query: `slo:sli_error:ratio_rate5m{sloth_service="checkout-requests"} > 1`, covers: true},
		{query: `kube_deployment_status_replicas{job="kube-state-metrics", namespace="shop", deployment="checkout-api"} < 2`,
			covers: true},
		{query: `kube_deployment_status_replicas{job="kube-state-metrics", namespace="shop", deployment="cart"} < 2`},
		{query: `kube_pod_status_ready{job="kube-state-metrics"} == 0`},
		{query: `kube_pod_status_ready{job="shop/checkout"} == 0`},
		{query: `a{job="shop/checkout"} / on () b{job="shop/cart"} > 1`},
		{query: `a{job="shop/checkout"} / on () threshold > 1`, covers: true},
		{query: `max_over_time(sum(rate(a{job="shop/checkout"}[5m]))[1h:1m]) > 1`, covers: true},
		{query: `vector(1)`, labels: map[string]string{"service": "checkout"}, covers: true},
		{query: `up == 0`, labels: map[string]string{"namespace": "shop"}, covers: true},
		{query: `up == 0`, labels: map[string]string{"namespace": "shop", "service": "cart"}},
		{query: `up == 0`, labels: map[string]string{"namespace": "shop", "service": "{{ $labels.service }}"}, covers: true},
		{query: `up == 0`, labels: map[string]string{"service": "{{ $labels.service }}"}},
		{query: `up == 0`, labels: map[string]string{"severity": "critical"}},
		{query: `share_gt_over_time(a[5m], 2) > 1`, labels: map[string]string{"service": "checkout"}, covers: true},
		{query: `share_gt_over_time(a{job="shop/checkout"}[5m], 2) > 1`, want: "undecodable"},
		{query: `share_gt_over_time(a{job="shop/cart"}[5m], 2) > 1`},
		{query: `sum(rate(a{job="shop/checkout"}[5m])) default 0 > 1`, want: "undecodable"},
		{query: `sum(rate(a{job=~"shop/.*"}[5m])) keep_metric_names > 1`, want: "undecodable"},
		{query: `sum(rate({job="shop/checkout"} |= "a \"{b}" [5m])) > 1`, want: "undecodable"},
		{query: `sum(rate({job="shop/cart"} |= "shop/checkout" [5m])) > 1`},
		{query: `up default 0 == 0`},
		{query: `sum(a{cluster="us",job="shop/checkout"}) default 0 > 1`},
		{query: `sum(a{job="shop/checkout" or job="shop/cart"}) > 1`, want: "undecodable"},
		{query: `sum(a{job="shop/cart" or job="shop/mailer"}) > 1`},
		{query: `WITH (f = {job="shop/cart"}) sum(a{f}) default 0 > 1`},
		{query: `WITH (f(x) = a{team=x}) f("red") > 1`, want: "undecodable"},
		{query: `kube_state_metrics_list_total{job="shop/checkout"} > 0`, covers: true},
		{query: `node_exporter_build_info{job="shop/checkout"} > 0`, covers: true},
		{query: `kubelet_running_pods{job="shop/checkout"} > 0`, covers: true},
		{query: `kubelet_volume_stats_used_bytes{job="shop/checkout"} > 0`},
	} {
		t.Run(fmt.Sprint(c.query, c.labels), func(t *testing.T) {
			w := start(t, onlyRules(t), []*catalog.Service{cart, checkout(), {Name: "unplaced"}})
			w.server.replies[rulesPath] = rulesReply(t, alertRule{Query: c.query, Labels: c.labels})
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			want := "0"
			if c.covers {
				want = "1"
			} else if c.want != "" {
				want = c.want
			}
			r.want(t, "checkout", map[string]string{"alert.rules": want})
			r.want(t, "unplaced", map[string]string{"alert.rules": "no_reference"})
		})
	}
}

// TestALabelMayHaveAnyName: Prometheus 3 keeps the names that OpenTelemetry gives.
func TestALabelMayHaveAnyName(t *testing.T) {
	entry := catalog.Service{Name: "shop", Tier: 1, Prometheus: []catalog.PrometheusRef{
		{Matchers: map[string]string{"service.name": "shop-api"}}}}
	built, err := catalog.Rules{}.Build(catalog.Entries{Services: []catalog.Service{entry}})
	if err != nil {
		t.Fatal(err)
	}
	facts, err := prometheus.Load([]string{"rules"}, []prometheus.File{{Name: "f.yaml", Data: []byte(
		"preset: x\n" + fact("x.up", "bool", "job", `max by ("service.name") (up)`, "unknown"))}})
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, facts, built.Services())
	w.server.vectors[`max by ("service.name") (up)`] = `{"service.name"="shop-api"} 1`
	w.server.replies[rulesPath] = rulesReply(t, alertRule{Query: `up{"service.name"="shop-api"} == 0`},
		alertRule{Query: `up{"service.name"="other"} == 0`})
	w.collect().want(t, "shop", map[string]string{"x.up": "true", "alert.rules": "1"})
}

func TestRulesAreCounted(t *testing.T) {
	mine := map[string]string{"service": "checkout"}
	with := func(pairs ...string) map[string]string {
		m := map[string]string{"service": "checkout"}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	written := map[string]string{"runbook_url": "https://{{ $labels.x }}", "summary": "s"}
	w := start(t, onlyRules(t), []*catalog.Service{checkout()})
	w.server.replies[rulesPath] = rulesReply(t,
		alertRule{Name: "Plain", Query: "up", Labels: mine},
		alertRule{Name: "Pages", Query: "up", Labels: with("severity", "critical"), Annotations: written},
		alertRule{Name: "NoSummary", Query: "up", Labels: with("severity", "page"),
			Annotations: map[string]string{"runbook_url": "https://x"}},
		alertRule{Name: "NoRunbook", Query: "up", Labels: with("severity", "page"),
			Annotations: map[string]string{"summary": "s"}},
		alertRule{Name: "Broken", Query: "up", Labels: with("severity", "critical"), Health: "err",
			LastError: "found duplicate series for the match group"},
		alertRule{Name: "New", Query: "up", Labels: mine, Health: "unknown"},
		alertRule{Name: "Sloth", Query: "up", Labels: with("sloth_severity", "page"), Annotations: written},
		alertRule{Name: "TwoWindows", Query: `slo:sli_error:ratio_rate5m > 1 and slo:sli_error:ratio_rate1h > 1`,
			Labels: with("severity", "page"), Annotations: written},
		alertRule{Name: "OneWindow", Query: `api:burnrate5m > 1 and api:burnrate5m > 2`, Labels: with("severity", "page"),
			Annotations: written},
		alertRule{Name: "BurnTicket", Query: `api:burnrate5m > 1 and api:burnrate1h > 1`, Labels: mine},
		alertRule{Name: "Forecast", Query: `predict_linear(a[1h], 3600) < 0`, Labels: mine},
		alertRule{Name: "Smoothed", Query: `double_exponential_smoothing(a[1h], 0.5, 0.5) < 0`, Labels: mine},
		alertRule{Name: "Anomaly", Query: `a > 1`, Labels: with("detection", "anomaly")},
		alertRule{Name: "recorded", Type: "recording", Query: "up", Labels: mine},
	)
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{
		"alert.rules": "12", "alert.paging_rules": "6", "alert.paging_rules_without_runbook": "1",
		"alert.paging_rules_without_summary": "1", "alert.broken_rules": "1", "alert.burn_rate_rules": "2", "alert.predictive_rules": "3",
	})
	for fact, want := range map[string]string{
		"alert.broken_rules": "rules such as Broken; Broken: found duplicate series for the match group",
		"alert.rules":        "rules such as NoSummary, Pages, Plain; by severity 1 critical, 7 none, 4 page",
	} {
		if got := r.records["checkout "+fact].Detail; got != want {
			t.Errorf("detail of %s is %q, want %q", fact, got, want)
		}
	}
}

func TestPagingSeveritiesAreConfigured(t *testing.T) {
	w := start(t, onlyRules(t), []*catalog.Service{checkout()},
		func(o *prometheus.Options, _ *server) { o.PagingSeverities = []string{"p1"} })
	w.server.replies[rulesPath] = rulesReply(t,
		alertRule{Query: "up", Labels: map[string]string{"service": "checkout", "severity": "p1"}},
		alertRule{Query: "up", Labels: map[string]string{"service": "checkout", "severity": "critical"}})
	w.collect().want(t, "checkout", map[string]string{"alert.paging_rules": "1"})
}

// TestARuleThatCannotBeDecodedMayBeAboutAnyService: it is counted and said, and no
// number of rules is known while it is there.
func TestARuleThatCannotBeDecodedMayBeAboutAnyService(t *testing.T) {
	w := start(t, onlyRules(t), []*catalog.Service{checkout()})
	good := rulesReply(t, alertRule{Query: `up{job="shop/checkout"}`}).body
	w.server.replies[rulesPath] = reply{200,
		strings.Replace(good, `"rules":[`, `"rules":[{"type":"alerting","name":7},{"query":"up"},null,{"type":"recording"},`, 1)}
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{"alert.rules": "undecodable", "alert.broken_rules": "undecodable"})
	if r.skipped["rule"] != 3 || r.rules == nil || r.rules.Reasons[evidence.UncountedUnreadable] != 3 {
		t.Errorf("skipped %v, rules %+v", r.skipped, r.rules)
	}
}

// TestARuleThatIsNoPromQL makes unknown what it might have counted, for the services
// that it may be about, and for them alone.
func TestARuleThatIsNoPromQL(t *testing.T) {
	cart := &catalog.Service{Name: "cart", Prometheus: []catalog.PrometheusRef{
		{Matchers: map[string]string{"job": "shop/cart"}}}}
	w := start(t, onlyRules(t), []*catalog.Service{cart, checkout()})
	w.server.replies[rulesPath] = rulesReply(t,
		alertRule{Name: "Ticket", Query: `sum(a{job="shop/checkout"}) default 0 > 1`},
		alertRule{Name: "Down", Query: `up{job="shop/checkout"} == 0`},
		alertRule{Name: "CartDown", Query: `up{job="shop/cart"} == 0`},
		alertRule{Name: "CartFails", Query: `predict_linear(sum(a[1h]) keep_metric_names, 3600) < 0`, Health: "err",
			Labels: map[string]string{"service": "cart"}},
		alertRule{Name: "CartFills", Query: `predict_linear(sum(a[1h]) keep_metric_names, 3600) < 0`,
			Labels: map[string]string{"service": "cart"}},
	)
	r := w.collect()
	// The unreadable rule is neither paging nor broken, so only two counts are unknown.
	r.want(t, "checkout", map[string]string{"alert.rules": "undecodable", "alert.paging_rules": "0",
		"alert.broken_rules": "0", "alert.predictive_rules": "0", "alert.burn_rate_rules": "0"})
	r.want(t, "cart", map[string]string{"alert.rules": "2", "alert.broken_rules": "1", "alert.predictive_rules": "1"})
	want := []evidence.UncountedGroup{{Name: "shop.yaml: g: Ticket", Reason: evidence.UncountedUnreadable, Count: 1}}
	if r.rules == nil || !slices.Equal(r.rules.Largest, want) {
		t.Errorf("rules %+v, want %+v", r.rules, want)
	}
	w.collect()
	if got := strings.Count(w.log.String(), "shop.yaml: g: Ticket"); got != 1 {
		t.Errorf("the rule is said %d times in %s", got, w.log.String())
	}
}

func TestRulesOfNoServiceAreCounted(t *testing.T) {
	w := start(t, onlyRules(t), []*catalog.Service{checkout()})
	w.server.replies[rulesPath] = rulesReply(t,
		alertRule{Name: "A", Query: `up{job="shop/cart"} == 0`}, alertRule{Name: "B", Query: `errors{job="shop/cart"} > 0`},
		alertRule{Name: "C", Query: `up == 0`, Labels: map[string]string{"service": "mailer"}},
		alertRule{Name: "D", Query: `up == 0`}, alertRule{Name: "E", Query: `up{job="shop/checkout"} == 0`},
	)
	r := w.collect()
	want := []evidence.UncountedGroup{{Name: `job="shop/cart"`, Reason: evidence.UncountedUnknownService, Count: 2},
		{Name: `service="mailer"`, Reason: evidence.UncountedUnknownService, Count: 1}}
	if r.rules == nil || r.rules.Total != 3 || !slices.Equal(r.rules.Largest, want) {
		t.Errorf("rules %+v, want %+v", r.rules, want)
	}
}

// TestARuleOfTwoReplicasIsOne: a query server lists it once for each.
func TestARuleOfTwoReplicasIsOne(t *testing.T) {
	of := func(replica, health string) alertRule {
		return alertRule{Query: `up == 0`, Health: health,
			Labels: map[string]string{"service": "checkout", "prometheus_replica": replica}}
	}
	for _, c := range []struct {
		rules         []alertRule
		works, broken string
	}{
		{[]alertRule{of("a", "ok"), of("b", "ok")}, "1", "0"},
		// It fires as long as one of them evaluates it, whichever is listed first.
		{[]alertRule{of("a", "err"), of("b", "ok")}, "1", "0"},
		{[]alertRule{of("a", "ok"), of("b", "err")}, "1", "0"},
		{[]alertRule{of("a", "err"), of("b", "err")}, "0", "1"},
	} {
		w := start(t, onlyRules(t), []*catalog.Service{checkout()})
		w.server.replies[rulesPath] = rulesReply(t, c.rules...)
		w.collect().want(t, "checkout", map[string]string{"alert.rules": c.works, "alert.broken_rules": c.broken})
	}
}

func TestAPageOfTheRulesIsNotAllOfThem(t *testing.T) {
	w := start(t, onlyRules(t), []*catalog.Service{checkout()})
	good := rulesReply(t, alertRule{Query: `up{job="shop/checkout"}`}).body
	w.server.replies[rulesPath] = reply{200, strings.Replace(good, `"groups":`, `"groupNextToken":"abc","groups":`, 1)}
	r := w.collect()
	if got := calls(r.err); got != "rules incomplete" {
		t.Errorf("the round failed with %q", got)
	}
	r.want(t, "checkout", map[string]string{"alert.rules": "not covered"})
}

// TestRulesOfObjectives: those of Sloth name the service and the objective, those of
// Pyrra the objective alone.
func TestRulesOfObjectives(t *testing.T) {
	plain := catalog.Service{Name: "checkout", Prometheus: []catalog.PrometheusRef{
		{Matchers: map[string]string{"job": "checkout"}}}}
	listed := plain
	listed.SLO = []string{"checkout-availability"}
	for _, c := range []struct {
		rule          alertRule
		plain, listed string
	}{
		{alertRule{Query: "up", Labels: map[string]string{"sloth_service": "checkout", "sloth_id": "checkout-availability"}},
			"1", "1"},
		{alertRule{Query: "up", Labels: map[string]string{"sloth_service": "checkout", "sloth_id": "checkout-latency"}},
			"1", "1"},
		{alertRule{Query: `slo:x{sloth_service="checkout", sloth_id="checkout-availability"} > 1`}, "1", "1"},
		{alertRule{Query: `slo:x{sloth_service="checkout", sloth_id="checkout-latency"} > 1`}, "1", "1"},
		{alertRule{Query: `slo:x{sloth_service="cart", sloth_id="cart-availability"} > 1`}, "0", "0"},
		{alertRule{Query: "up", Labels: map[string]string{"slo": "checkout-availability"}}, "1", "1"},
		{alertRule{Query: `http:burnrate5m{slo="checkout-availability"} > 1`}, "1", "1"},
		{alertRule{Query: `http:burnrate5m{slo="cart-availability"} > 1`}, "0", "0"},
		{alertRule{Query: `http:burnrate5m{slo="cart-availability", job="checkout"} > 1`}, "0", "0"},
	} {
		for service, want := range map[*catalog.Service]string{&plain: c.plain, &listed: c.listed} {
			w := start(t, onlyRules(t), []*catalog.Service{service})
			w.server.replies[rulesPath] = rulesReply(t, c.rule)
			if got := w.collect().value("checkout", "alert.rules"); got != want {
				t.Errorf("%s %v, objectives %v: %s, want %s", c.rule.Query, c.rule.Labels, service.SLO, got, want)
			}
		}
	}
}

func TestWhatARunbookIs(t *testing.T) {
	for _, c := range []struct {
		annotations              map[string]string
		runbook, summary, others string
	}{
		{map[string]string{"runbook_url": "https://x", "description": "d"}, "0", "0", "2"},
		{map[string]string{"runbook_url": "https://x", "message": "m"}, "0", "0", "2"},
		{map[string]string{"runbook": "https://x", "summary": "s"}, "0", "0", "2"},
		{map[string]string{"runbook_url": "https://x"}, "0", "1", "2"},
		{map[string]string{"runbook_url": " ", "summary": ""}, "1", "1", "2"},
		{map[string]string{"wiki": "https://x", "title": "t"}, "1", "1", "0"},
	} {
		for _, own := range []bool{false, true} {
			w := start(t, onlyRules(t), []*catalog.Service{checkout()}, func(o *prometheus.Options, _ *server) {
				if own {
					o.RunbookAnnotations, o.SummaryAnnotations = []string{"wiki"}, []string{"title"}
				}
			})
			w.server.replies[rulesPath] = rulesReply(t, alertRule{Query: "up", Annotations: c.annotations,
				Labels: map[string]string{"service": "checkout", "severity": "page"}})
			runbook, summary := c.runbook, c.summary
			if own {
				runbook, summary = "1", "1"
				if c.others == "0" {
					runbook, summary = "0", "0"
				}
			}
			w.collect().want(t, "checkout", map[string]string{
				"alert.paging_rules_without_runbook": runbook, "alert.paging_rules_without_summary": summary})
		}
	}
}

// TestAnExporterIsAServiceToo: what it exports about itself is about it, and what it
// exports about others is not.
func TestAnExporterIsAServiceToo(t *testing.T) {
	exporter := &catalog.Service{Name: "kube-state-metrics", Prometheus: []catalog.PrometheusRef{
		{Matchers: map[string]string{"job": "kube-state-metrics", "namespace": "monitoring"}}}}
	w := start(t, onlyRules(t), []*catalog.Service{exporter, checkout()})
	w.server.replies[rulesPath] = rulesReply(t,
		alertRule{Query: `rate(kube_state_metrics_list_total{job="kube-state-metrics",result="error"}[5m]) > 0`},
		alertRule{Query: `kube_pod_status_ready{job="kube-state-metrics"} == 0`},
		alertRule{Query: `kube_pod_status_ready{job="kube-state-metrics",namespace="shop"} == 0`})
	r := w.collect()
	r.want(t, "kube-state-metrics", map[string]string{"alert.rules": "1"})
	r.want(t, "checkout", map[string]string{"alert.rules": "1"})
	got := r.records["kube-state-metrics alert.broken_rules"].Detail
	if got != "of 3 alerting rules, 1 of them for a whole fleet" {
		t.Errorf("detail %q", got)
	}
}

func TestRulesThatDoNotComeAreNotAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		reply reply
		want  string
	}{
		"500":       {reply{500, "oops"}, "rules server_error"},
		"404":       {reply{404, "no such page"}, "rules not_found"},
		"no groups": {reply{200, `{"status":"success","data":{}}`}, "rules undecodable"},
		"HTML":      {reply{200, "<html>"}, "rules undecodable"},
		"partial": {reply{200, `{"status":"success","warnings":["ruler-1 down"],"data":{"groups":[]}}`},
			"rules incomplete"},
		"an error": {reply{400, `{"status":"error","errorType":"bad_data","error":"x"}`}, "rules rejected"},
		"not said": {reply{200, `{"data":{"groups":[]}}`}, "rules undecodable"},
		// VictoriaMetrics without vmalert answers so, and has no rules.
		"no group": {reply{200, `{"status":"success","data":{"groups":[]}}`}, ""},
		"half of them": {reply{200, `{"status":"success","isPartial":true,"data":{"groups":[{"name":"g","rules":[]}]}}`},
			"rules incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, onlyRules(t), []*catalog.Service{checkout()})
			w.server.replies[rulesPath] = c.reply
			r := w.collect()
			if got := calls(r.err); got != c.want {
				t.Errorf("the round failed with %q, want %q", got, c.want)
			}
			want := "not covered"
			if c.want == "" {
				want = "no_data"
			}
			r.want(t, "checkout", map[string]string{"alert.rules": want})
		})
	}
}

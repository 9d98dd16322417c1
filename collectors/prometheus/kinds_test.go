package prometheus_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/sourcetest"
)

// playedServer answers from one set of data.
type playedServer struct {
	t *testing.T
	// vectors are answers by query, rules those of the rules API, and fires the minutes
	// at which alerts fire, by their labels.
	vectors map[string]string
	rules   []alertRule
	fires   map[string][]int

	now  func() time.Time
	fail func(string)
}

func (s playedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body := ""
	switch query := r.FormValue("query"); r.URL.Path {
	case "/api/v1/query":
		vector, known := s.vectors[query]
		if strings.Contains(query, "readiness_window") {
			vector, known = `{readiness_window="0s"} 1`, true
		}
		if !known {
			s.fail("query " + query)
		}
		body = success(s.t, vector)
	case "/api/v1/query_range":
		start, err1 := strconv.ParseFloat(r.FormValue("start"), 64)
		end, err2 := strconv.ParseFloat(r.FormValue("end"), 64)
		if err1 != nil || err2 != nil {
			s.fail("query_range " + r.Form.Encode())
		}
		server := past{t: s.t, fires: s.fires, away: func(int) bool { return false }}
		body = string(server.matrix(minuteOf(time.Unix(int64(start), 0)), minuteOf(time.Unix(int64(end), 0))))
	case "/api/v1/rules":
		body = rulesReply(s.t, s.rules...).body
	default:
		s.fail(r.Method + " " + r.URL.Path)
	}
	_, _ = w.Write([]byte(body))
}

// played serves the server of each data set.
func played(t *testing.T, servers map[sourcetest.Data]playedServer) sourcetest.Upstream {
	t.Helper()
	return func(data sourcetest.Data, now func() time.Time, fail func(string)) http.Handler {
		s := servers[data]
		s.t, s.now, s.fail = t, now, fail
		return s
	}
}

// kindsSource makes sources with these facts, which read the alerts of two days.
func kindsSource(facts *prometheus.Facts) sourcetest.NewSource {
	return func(address string, client *http.Client, now func() time.Time) (collectors.Source, error) {
		return prometheus.New(prometheus.Options{
			Name: "main", URL: address, HTTPClient: client, Facts: facts, Now: now, AlertHistory: 2 * day,
		})
	}
}

func TestKinds(t *testing.T) {
	sourcetest.RunKinds(t, sourcetest.Kinds{
		Subject: contract(t), NoService: strays(t), InFuture: futureEvents(t), SameID: movingAlerts(t),
		SeenTwice: replicas(t), Unreadable: unreadable(t),
		EndBeforeStart: sourcetest.Kind{Impossible: "a firing is a row of samples, and ends after them"},
		NotAnInstant:   sourcetest.Kind{Impossible: "a sample is a number, and its time a number of seconds"},
		NotDone:        sourcetest.Kind{Impossible: "a series does not say how work was closed: what counts is in the query"},
		Agents:         sourcetest.Kind{Impossible: "a server has machines alone"},
	})
}

// strays are series and rules of no service.
func strays(t *testing.T) sourcetest.Kind {
	const query, seen = "max by (namespace, poddisruptionbudget) (x)", "max by (namespace) (y)"
	facts := load(t, "witnesses:\n  seen: {help: it is seen, join: namespace, query: '"+seen+"'}\n"+
		fact("x.n", "int", "disruption_budget", query, "{value: 0, witness: seen}"))
	number := load(t, fact("x.n", "int", "job", first, "unknown"))
	both := "{namespace=\"shop\"} 1\n{namespace=\"find\"} 1"
	const own = `{namespace="shop", poddisruptionbudget="cart-pdb"} 1`
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "a disruption budget that no workload of its namespace has the name of", Source: kindsSource(facts),
		Services: []*catalog.Service{runsAs("cart", "shop", "cart"), runsAs("checkout", "shop", "checkout"),
			runsAs("search", "find", "search")},
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Right: {vectors: map[string]string{seen: both, query: own}},
			sourcetest.Wrong: {vectors: map[string]string{seen: both, query: own +
				"\n{namespace=\"shop\", poddisruptionbudget=\"protect-it\"} 1"}},
		}),
		Counted: []evidence.UncountedGroup{{Name: "disruption_budget shop/protect-it",
			Reason: evidence.UncountedUnknownService, Count: 1}},
		Unknown: map[string][]string{"checkout": {"x.n"}},
		Same:    map[string][]string{"cart": {"x.n"}, "search": {"x.n"}},
	}, {
		Name: "series of a job that no service has", Source: kindsSource(number),
		Services: []*catalog.Service{matched("it", "it")},
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Right: {vectors: map[string]string{first: `{job="it"} 1`}},
			sourcetest.Wrong: {vectors: map[string]string{first: "{job=\"it\"} 1\n{job=\"other\"} 3"}},
		}),
		Counted: []evidence.UncountedGroup{{Name: `job {job="other"}`, Reason: evidence.UncountedNoReference, Count: 1}},
		Decided: "the label of the join is exactly what catalog entries have",
		Same:    map[string][]string{"it": {"x.n"}},
	}, {
		Name: "a rule about a service that the catalog does not have", Source: kindsSource(onlyRules(t)),
		Services: []*catalog.Service{matched("it", "it")},
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Right: {rules: []alertRule{{Query: `x{job="it"} > 1`}}},
			sourcetest.Wrong: {rules: []alertRule{{Query: `x{job="it"} > 1`}, {Query: `x > 1`,
				Labels: map[string]string{"service": "other"}}}},
		}),
		Counted: []evidence.UncountedGroup{{Name: `service="other"`, Reason: evidence.UncountedUnknownService, Count: 1}},
		Decided: "the rule names another service",
		Same:    map[string][]string{"it": {"alert.rules"}},
	}, {
		Name: "an alert of a service that the catalog does not have fires", Source: kindsSource(onlyRules(t)),
		Services: []*catalog.Service{matched("checkout", "checkout")},
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Right: {fires: map[string][]int{`{alertname="Slow", service="checkout"}`: span(-60, -20)}},
			sourcetest.Wrong: {fires: map[string][]int{`{alertname="Slow", service="chekout"}`: span(-60, -20)}},
		}),
		Counted: []evidence.UncountedGroup{{Name: `service="chekout"`, Reason: evidence.UncountedUnknownService, Count: 1}},
		Decided: "facts are about rules, and not about what fires",
		Same:    map[string][]string{"checkout": {"alert.rules"}},
	}}}
}

// futureEvents are ages that are negative by more than clocks differ.
func futureEvents(t *testing.T) sourcetest.Kind {
	facts := load(t, strings.Replace(fact("x.age_hours", "double", "job", first, "unknown"), "type: double",
		"type: double\n    unit: hours\n    clock: elapsed", 1))
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "an event in two days", Source: kindsSource(facts),
		Services: []*catalog.Service{matched("a", "a"), matched("b", "b")},
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Right: {vectors: map[string]string{first: "{job=\"a\"} 48\n{job=\"b\"} 5"}},
			sourcetest.Wrong: {vectors: map[string]string{first: "{job=\"a\"} -48\n{job=\"b\"} 5"}},
		}),
		Counted: []evidence.UncountedGroup{{Name: `x.age_hours {job="a"}`, Reason: evidence.UncountedInFuture, Count: 1}},
		Unknown: map[string][]string{"a": {"x.age_hours"}},
		Same:    map[string][]string{"b": {"x.age_hours"}},
	}}}
}

// movingAlerts are firings whose instance changes: an alert is its name and its services.
func movingAlerts(t *testing.T) sourcetest.Kind {
	slow := func(instance string) string {
		return `{alertname="Slow", job="checkout", instance="` + instance + `"}`
	}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "an alert goes on at another instance", Source: kindsSource(&prometheus.Facts{}),
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Before: {fires: map[string][]int{slow("a"): span(-60, 3)}},
			sourcetest.After:  {fires: map[string][]int{slow("a"): span(-60, 3), slow("b"): span(3, 30)}},
		}),
	}}}
}

// replicas are copies of one server.
func replicas(t *testing.T) sourcetest.Kind {
	slow := func(replica string) string {
		return `{alertname="Slow", job="checkout", prometheus_replica="` + replica + `"}`
	}
	rule := func(replica string) alertRule {
		return alertRule{Query: `x{job="checkout"} > 1`, Labels: map[string]string{"prometheus_replica": replica}}
	}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "two replicas fire", Source: kindsSource(&prometheus.Facts{}),
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Once:  {fires: map[string][]int{slow("0"): span(-60, -20)}},
			sourcetest.Twice: {fires: map[string][]int{slow("0"): span(-60, -20), slow("1"): span(-59, -19)}},
		}),
	}, {
		Name: "two replicas write to one storage", Source: kindsSource(load(t, fact("x.n", "int", "job", first, "unknown"))),
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Once: {vectors: map[string]string{first: `{job="checkout", pod="1", replica="a"} 4
				{job="checkout", pod="2", replica="a"} 2`}},
			sourcetest.Twice: {vectors: map[string]string{first: `{job="checkout", pod="1", replica="a"} 4
				{job="checkout", pod="1", replica="b"} 4
				{job="checkout", pod="2", replica="a"} 2`}},
		}),
		Same: map[string][]string{"checkout": {"x.n"}},
	}, {
		Name: "two replicas evaluate a rule", Source: kindsSource(onlyRules(t)),
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Once:  {rules: []alertRule{rule("0")}},
			sourcetest.Twice: {rules: []alertRule{rule("0"), rule("1")}},
		}),
		Same: map[string][]string{"checkout": {"alert.rules"}, "cart": {"alert.rules"}},
	}}}
}

// unreadable are expressions that are no PromQL, and values that are no numbers.
func unreadable(t *testing.T) sourcetest.Kind {
	number := load(t, fact("x.n", "int", "job", first, "unknown"))
	good := alertRule{Query: `x{job="checkout"} > 1`}
	return sourcetest.Kind{Scenarios: []sourcetest.Scenario{{
		Name: "a rule in MetricsQL", Source: kindsSource(onlyRules(t)),
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Right: {rules: []alertRule{good, good}},
			sourcetest.Wrong: {rules: []alertRule{good,
				{Name: "Metrics", Query: `sum(rate(a{job="checkout"}[5m])) default 0 > 1`}}},
		}),
		Counted: []evidence.UncountedGroup{{Name: "shop.yaml: g: Metrics", Reason: evidence.UncountedUnreadable,
			Count: 1}},
		Unknown: map[string][]string{"checkout": {"alert.rules"}},
		Same:    map[string][]string{"cart": {"alert.rules"}},
	}, {
		Name: "a value that is no number", Source: kindsSource(number),
		Upstream: played(t, map[sourcetest.Data]playedServer{
			sourcetest.Right: {vectors: map[string]string{first: "{job=\"checkout\"} 1\n{job=\"cart\"} 1"}},
			sourcetest.Wrong: {vectors: map[string]string{first: "{job=\"checkout\"} NaN\n{job=\"cart\"} 1"}},
		}),
		Unknown: map[string][]string{"checkout": {"x.n"}},
		Same:    map[string][]string{"cart": {"x.n"}},
	}}}
}

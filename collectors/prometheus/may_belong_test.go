package prometheus_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
)

// TestASeriesOfNoServiceMayBelongToOne: what counts as none where nothing is found is
// unknown for the services that a series may belong to, which no key names: "it" in each
// case. It is none for "other", whose series has nothing in common with it.
func TestASeriesOfNoServiceMayBelongToOne(t *testing.T) {
	const unknown = "uncounted"
	matchers := func(pairs ...string) *catalog.Service {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return &catalog.Service{Name: "it", Prometheus: []catalog.PrometheusRef{{Matchers: m}}}
	}
	named := func(service catalog.Service) *catalog.Service {
		service.Name = "it"
		return &service
	}
	checkout := matchers("job", "checkout")
	job, inShop := matchers("job", "cart"), matchers("job", "cart", "namespace", "shop")
	url := named(catalog.Service{PublicURLs: []string{"https://cart.example.org/"}})
	slo := named(catalog.Service{Aliases: []string{"cart"}, SLO: []string{"cart-uptime"}, Team: "payments",
		Kubernetes: catalog.KubernetesRef{Namespace: "shop"}})
	workload := named(catalog.Service{Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: "cart"}})
	for _, c := range []struct {
		what, join string
		service    *catalog.Service
		series     string
		want       string
	}{
		{"another case", "job", job, `{job="Cart"}`, unknown},
		{"a suffix", "job", job, `{job="cart-metrics"}`, unknown},
		{"a suffix less", "job", matchers("job", "cart-metrics"), `{job="cart"}`, unknown},
		{"another separator", "job", matchers("job", "cart_api"), `{job="cart-api"}`, unknown},
		{"a path before it", "job", job, `{job="shop/cart"}`, unknown},
		{"another name", "job", job, `{job="cartoons"}`, "0"},
		{"a slip", "job", checkout, `{job="chekout"}`, unknown},
		{"a slip and another label", "job", matchers("job", "checkout", "app", "checkout"),
			`{job="chekout", app="checkout"}`, unknown},
		{"a slip in another namespace", "job", matchers("job", "checkout", "namespace", "shop"),
			`{job="chekout", namespace="shop-staging"}`, "0"},
		{"another number", "job", matchers("job", "checkout-1"), `{job="checkout-2"}`, "0"},
		{"a slip of an alias", "service", named(catalog.Service{Aliases: []string{"checkout"}}), `{service="checkuot"}`, unknown},
		{"a slip of a key", "slo", named(catalog.Service{SLO: []string{"checkout-latency"}}),
			`{sloth_id="checkout-latncy"}`, unknown},
		{"a slip of the workload", "workload", named(catalog.Service{
			Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: "checkout"}}),
			`{namespace="shop", workload="chekout"}`, unknown},
		{"a slip elsewhere", "workload", named(catalog.Service{
			Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: "checkout"}}),
			`{namespace="find", workload="chekout"}`, "0"},
		{"the same beginning", "job", matchers("job", "cart-api"), `{job="cart-worker"}`, "0"},
		{"of its own, too", "job", job, "{job=\"cart\"} 4\n{job=\"Cart\"}", "4"},
		{"a label is lacking", "job", inShop, `{job="cart"}`, unknown},
		{"no name at all", "job", inShop, `{namespace="shop"}`, unknown},
		{"another namespace", "job", inShop, `{job="cart", namespace="shop-staging"}`, "0"},
		{"another name in the namespace", "job", inShop, `{job="redis", namespace="shop"}`, "0"},
		{"another name under another label", "job", matchers("app", "cart", "namespace", "shop"),
			`{job="redis", namespace="shop"}`, "0"},
		{"another cluster", "job", named(catalog.Service{Prometheus: []catalog.PrometheusRef{
			{Cluster: "eu", Matchers: map[string]string{"job": "cart"}}}}), `{job="Cart", cluster="us"}`, "0"},
		{"nothing in common", "job", inShop, `{node="n1"}`, "0"},
		{"another path", "public_url", url, `{instance="https://cart.example.org/healthz"}`, unknown},
		{"another scheme", "public_url", url, `{instance="http://Cart.example.org"}`, unknown},
		{"a port without a scheme", "public_url", url, `{instance="cart.example.org:443"}`, unknown},
		{"another host", "public_url", url, `{instance="https://www.example.org/"}`, "0"},
		{"a wrong key", "slo", slo, `{sloth_service="cart", sloth_id="cart-availability"}`, unknown},
		{"in its namespace", "slo", slo, `{slo="checkout-latency", namespace="shop"}`, unknown},
		{"of its team", "slo", slo, `{sloth_id="checkout-latency", team="payments"}`, unknown},
		{"of others", "slo", slo, `{sloth_id="search-latency", team="search", namespace="find"}`, "0"},
		{"what the key names", "slo", slo, "{sloth_id=\"cart-uptime\"} 1\n{sloth_service=\"cart\", sloth_id=\"cart-x\"}", "1"},
		{"of a name with a suffix", "service", named(catalog.Service{Aliases: []string{"cart"}}), `{service="Cart-api"}`, unknown},
		{"without a namespace", "workload", workload, `{workload="cart"}`, unknown},
		{"the namespace of another", "workload", workload, `{workload="cart", namespace="shop-staging"}`, "0"},
		{"another workload", "workload", workload, `{workload="cart-worker", namespace="shop"}`, "0"},
		{"a host with a domain", "postgres_instance",
			named(catalog.Service{Backup: catalog.BackupRef{PostgresInstance: "cart-db"}}),
			`{instance="cart-db.shop.svc:9187"}`, unknown},
	} {
		t.Run(c.join+", "+c.what, func(t *testing.T) {
			const query, seen = "max without (x) (x)", "group by (cluster) (y)"
			facts := load(t, "witnesses:\n  seen: {help: it is seen, join: cluster, query: '"+seen+"'}\n"+
				fact("x.n", "int", c.join, query, "{value: 0, witness: seen}"))
			other := &catalog.Service{Name: "other", Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{
				"job": "other", "namespace": "elsewhere"}}}, PublicURLs: []string{"https://other.example.org"},
				Kubernetes: catalog.KubernetesRef{Namespace: "elsewhere", Workload: "other"}, Team: "others",
				Backup: catalog.BackupRef{PostgresInstance: "other-db"}}
			w := start(t, facts, []*catalog.Service{c.service, other})
			w.server.vectors[seen] = "{} 1"
			if w.server.vectors[query] = c.series; strings.HasSuffix(c.series, "}") {
				w.server.vectors[query] += " 7"
			}
			r := w.collect()
			r.want(t, "it", map[string]string{"x.n": c.want})
			r.want(t, "other", map[string]string{"x.n": "0"})
			if r.unmatched == nil || r.unmatched.Total != 1 {
				t.Errorf("uncounted %+v, want one series", r.unmatched)
			}
		})
	}
}

// TestTheLongestNameMayOwnASeries: what begins with the names of two services is of the
// longer one.
func TestTheLongestNameMayOwnASeries(t *testing.T) {
	const query, seen = "max by (job) (x)", "group by (cluster) (y)"
	w := start(t, load(t, "witnesses:\n  seen: {help: it is seen, join: cluster, query: '"+seen+"'}\n"+
		fact("x.n", "int", "job", query, "{value: 0, witness: seen}")),
		[]*catalog.Service{matched("cart", "cart"), matched("worker", "cart-worker")})
	w.server.vectors[seen], w.server.vectors[query] = "{} 1", `{job="cart-worker-metrics"} 1`
	r := w.collect()
	r.want(t, "cart", map[string]string{"x.n": "0"})
	r.want(t, "worker", map[string]string{"x.n": "uncounted"})
}

// TestWhatAllProvidersGiveIsUnknownWithOneOfThem: the certificate of the address may be
// the first to expire, so that those of the namespace are not all.
func TestWhatAllProvidersGiveIsUnknownWithOneOfThem(t *testing.T) {
	const inside, outside = "max by (namespace) (x)", "max by (instance) (y)"
	facts := load(t, strings.Replace(fact("x.n", "double", "namespace", inside, "unknown"), "type: double",
		"type: double\n    combine: all\n    merge: min", 1)+
		fmt.Sprintf("      - {via: probe, join: public_url, query: '%s'}\n", outside))
	w := start(t, facts, []*catalog.Service{{Name: "it", PublicURLs: []string{"https://it.example"},
		Kubernetes: catalog.KubernetesRef{Namespace: "shop"}}})
	w.server.vectors[inside], w.server.vectors[outside] = `{namespace="shop"} 90`, `{instance="https://it.example:8443"} 2`
	w.collect().want(t, "it", map[string]string{"x.n": "uncounted"})
	w.server.vectors[outside] = `{instance="https://another.example:8443"} 2`
	w.collect().want(t, "it", map[string]string{"x.n": "90"})
}

// TestARuleOfNoServiceMayBeAboutOne: a rule that is matched to no service may be about a
// service that has no rule. The facts that the rule would count are unknown for it, and
// all others stay known.
func TestARuleOfNoServiceMayBeAboutOne(t *testing.T) {
	cart := func() *catalog.Service {
		return &catalog.Service{Name: "cart", Aliases: []string{"basket"}, SLO: []string{"cart-uptime"}, Team: "payments",
			Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{"job": "cart", "namespace": "shop"}}}}
	}
	const unknown = "uncounted"
	for _, c := range []struct {
		what string
		rule alertRule
		want string
	}{
		{"another case", alertRule{Query: `up{job="Cart"} == 0`}, unknown},
		{"a suffix", alertRule{Query: `up{job="cart-metrics", namespace="shop"} == 0`}, unknown},
		{"a label of the rule", alertRule{Query: "up == 0", Labels: map[string]string{"service": "cart-api"}}, unknown},
		{"a slip", alertRule{Query: `up{service="basekt"} == 0`}, unknown},
		{"a slip in another namespace", alertRule{Query: `up{service="basekt", namespace="find"} == 0`}, "0"},
		{"a wrong key", alertRule{Query: `slo:x{slo="cart-latency"} > 1`}, unknown},
		{"an objective of its namespace", alertRule{Query: `slo:x{sloth_id="basket-latency", namespace="shop"} > 1`}, unknown},
		{"an objective of its team", alertRule{Query: `slo:x{slo="basket-latency"} > 1`,
			Labels: map[string]string{"team": "payments"}}, unknown},
		{"another namespace", alertRule{Query: `up{job="cart-metrics", namespace="shop-staging"} == 0`}, "0"},
		{"another job of the namespace", alertRule{Query: `up{job="redis", namespace="shop"} == 0`}, "0"},
		{"an objective of others", alertRule{Query: `slo:x{slo="search-latency"} > 1`,
			Labels: map[string]string{"team": "search"}}, "0"},
		{"an objective of a service that the catalog has", alertRule{Query: `slo:x{slo="cart-latency", job="other"} > 1`}, "0"},
		{"a rule for all", alertRule{Query: "up == 0"}, "0"},
	} {
		t.Run(c.what, func(t *testing.T) {
			other := matched("other", "other")
			w := start(t, onlyRules(t), []*catalog.Service{cart(), other})
			w.server.replies[rulesPath] = rulesReply(t, c.rule)
			r := w.collect()
			r.want(t, "cart", map[string]string{"alert.rules": c.want, "alert.paging_rules": "0", "alert.broken_rules": "0"})
			r.want(t, "other", map[string]string{"alert.rules": "0"})
			w.server.replies[rulesPath] = rulesReply(t, c.rule, alertRule{Name: "B", Query: `up{job="cart"} == 0`})
			w.collect().want(t, "cart", map[string]string{"alert.rules": "1"})
		})
	}
}

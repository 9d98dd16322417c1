package prometheus_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/internal/race"
)

func TestWhoAnAlertIsAbout(t *testing.T) {
	race.Skip(t, "alerts are joined in one goroutine")
	workload := func(name, namespace string) *catalog.Service {
		return &catalog.Service{Name: name, Kubernetes: catalog.KubernetesRef{Namespace: namespace, Workload: name}}
	}
	clustered := &catalog.Service{Name: "search",
		Prometheus: []catalog.PrometheusRef{{Cluster: "eu", Matchers: map[string]string{"app": "search"}}}}
	elsewhere := &catalog.Service{Name: "other",
		Prometheus: []catalog.PrometheusRef{{Server: "elsewhere", Matchers: map[string]string{"job": "other"}}}}
	exporter := &catalog.Service{Name: "exporter", Prometheus: []catalog.PrometheusRef{
		{Matchers: map[string]string{"job": "ksm", "namespace": "monitoring"}}}}
	services := []*catalog.Service{
		exporter, matched("checkout", "checkout"), workload("cart", "shop"), workload("cart-worker", "shop"), clustered,
		elsewhere, {Name: "bare"},
	}
	for labels, want := range map[string]string{
		`{job="checkout"}`:                                                       "checkout",
		`{job="checkout", namespace="shop"}`:                                     "checkout",
		`{service="checkout", job="prober"}`:                                     "checkout",
		`{job="checkout", exported_job="other"}`:                                 "",
		`{exported_job="checkout", job="push"}`:                                  "checkout",
		`{namespace="shop", deployment="cart"}`:                                  "cart",
		`{namespace="shop", pod="cart-worker-7d9f-2", job="kube-state-metrics"}`: "cart-worker",
		`{namespace="shop", pod="cart-7d9f-2", service="kube-state-metrics"}`:    "cart",
		`{namespace="shop", pod="cart-7d9f-2", job="ksm"}`:                       "cart",
		`{namespace="monitoring", pod="ksm-7d9f-2", job="ksm"}`:                  "exporter",
		`{namespace="shop", pod="mailer-7d9f-2"}`:                                "",
		`{namespace="shop"}`:                                                     "cart cart-worker",
		`{namespace="elsewhere"}`:                                                "",
		`{app="search", cluster="eu"}`:                                           "search",
		`{app="search", cluster="us"}`:                                           "",
		`{job="other"}`:                                                          "",
		`{service="bare"}`:                                                       "",
		`{team="shop"}`:                                                          "",
		`{}`:                                                                     "",
		`{service="cart", job="checkout"}`:                                       "cart",
		`{exported_namespace="shop", pod="cart-1", namespace="monitoring"}`:      "cart",
	} {
		p := begin(t, services)
		p.fires[strings.TrimSuffix(strings.Replace(labels, "{", `{alertname="A", `, 1), ", }")+
			strings.Repeat("}", strings.Count(labels, "{}"))] = span(-40, -30)
		p.mustCollect(0)
		got := ""
		for _, f := range p.firings {
			got = strings.Join(f.Services, " ")
		}
		if got != want {
			t.Errorf("%s is about %q, want %q", labels, got, want)
		}
	}
	s := begin(t, services).source
	for name, want := range map[string]bool{"checkout": true, "cart": true, "other": false, "bare": false} {
		i := slices.IndexFunc(services, func(s *catalog.Service) bool { return s.Name == name })
		if got := s.WatchesAlerts(services[i]); got != want {
			t.Errorf("watches alerts of %s: %t", name, got)
		}
	}
	if begin(t, services, func(o *prometheus.Options) { o.AlertHistory = 0 }).source.WatchesAlerts(services[0]) {
		t.Error("alerts are watched that are not read")
	}
}

package prometheus

import (
	"testing"

	"github.com/prodready/collector/catalog"
)

func TestTheMissingKeyOfTheCatalogIsNamed(t *testing.T) {
	in := func(namespace, workload string) catalog.Service {
		return catalog.Service{Name: "a", Kubernetes: catalog.KubernetesRef{Namespace: namespace, Workload: workload}}
	}
	byMatchers := catalog.Service{Name: "a",
		Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{"namespace": "shop"}}}}
	for name, c := range map[string]struct {
		join    string
		service catalog.Service
		want    string
	}{
		"no workload":                 {"workload", in("shop", ""), "kubernetes.workload"},
		"no namespace":                {"workload_prefix", in("", "cart"), "kubernetes.namespace"},
		"neither":                     {"disruption_budget", in("", ""), "kubernetes.namespace and kubernetes.workload"},
		"both":                        {"workload", in("shop", "cart"), ""},
		"the matchers name the space": {"workload", byMatchers, "kubernetes.workload"},
		"no matchers":                 {"job", in("shop", "cart"), "prometheus.matchers"},
		"matchers":                    {"job", byMatchers, ""},
		"no job":                      {"restore_check_job", in("shop", "cart"), "jobs.restore_check"},
		"no pod":                      {"postgres_pod", in("shop", "cart"), "backup.postgres_instance"},
		"no address":                  {"public_url", in("shop", "cart"), "public_urls"},
		"by its name":                 {"service", in("", ""), ""},
	} {
		if got := joins()[c.join].lacks(&c.service); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// Every join that does not find a service says what it lacks.
	for name, j := range joins() {
		if nothing := (&catalog.Service{Name: "a"}); len(j.known(nothing)) == 0 && j.lacks(nothing) == "" {
			t.Errorf("join %s finds nothing and lacks nothing", name)
		}
	}
}

package prometheus_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
)

func TestJoins(t *testing.T) {
	workload := func(namespace, name string) *catalog.Service {
		return &catalog.Service{Name: "it", Kubernetes: catalog.KubernetesRef{Namespace: namespace, Workload: name}}
	}
	prometheus := func(refs ...catalog.PrometheusRef) *catalog.Service {
		return &catalog.Service{Name: "it", Prometheus: refs}
	}
	matchers := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, c := range []struct {
		join, labels string
		service      *catalog.Service
		series       string
		want         string
	}{
		{"job", "job", prometheus(catalog.PrometheusRef{Matchers: matchers("job", "api")}), `{job="api"} 1`, "1"},
		{"job", "job", prometheus(catalog.PrometheusRef{Matchers: matchers("job", "api")}), `{job="apis"} 1`, "no_data"},
		{"job", "job", prometheus(catalog.PrometheusRef{Matchers: matchers("job", "api", "namespace", "shop")}),
			`{job="api", namespace="pay"} 1`, "no_data"},
		{"job", "job", prometheus(catalog.PrometheusRef{Matchers: matchers("job", "api", "namespace", "shop")}),
			`{job="api", namespace="shop"} 1`, "1"},
		{"job", "job", prometheus(catalog.PrometheusRef{Matchers: matchers("job", "api")}),
			`{job="pushgateway", exported_job="api"} 1`, "1"},
		{"job", "job", prometheus(catalog.PrometheusRef{Matchers: matchers("job", "pushgateway")}),
			`{job="pushgateway", exported_job="api"} 1`, "no_data"},
		{"job", "job", prometheus(catalog.PrometheusRef{Cluster: "eu", Matchers: matchers("job", "api")}),
			`{job="api", cluster="us"} 1`, "no_data"},
		{"job", "job", prometheus(catalog.PrometheusRef{Cluster: "eu", Matchers: matchers("job", "api")}),
			`{job="api", cluster="eu"} 1`, "1"},
		{"job", "job", prometheus(catalog.PrometheusRef{Cluster: "eu", Matchers: matchers("job", "api")}), `{job="api"} 1`,
			"1"},
		{"job", "job", prometheus(catalog.PrometheusRef{Server: "other", Matchers: matchers("job", "api")}), `{job="api"} 1`,
			"no_reference"},
		{"job", "job", workload("shop", "api"), `{job="api"} 1`, "no_reference"},
		{"workload", "namespace, workload", workload("shop", "api"), `{namespace="shop", workload="api"} 1`, "1"},
		{"workload", "namespace, deployment", workload("shop", "api"), `{namespace="shop", deployment="api"} 1`, "1"},
		{"workload", "namespace, statefulset", workload("shop", "api"), `{namespace="shop", statefulset="api"} 1`, "1"},
		{"workload", "namespace, scaletargetref_name", workload("shop", "api"),
			`{namespace="shop", scaletargetref_name="api"} 1`, "1"},
		{"workload", "destination_workload_namespace, destination_workload", workload("shop", "api"),
			`{destination_workload_namespace="shop", destination_workload="api"} 1`, "1"},
		{"workload", "namespace, workload", workload("shop", "api"), `{namespace="pay", workload="api"} 1`, "no_data"},
		{"workload", "namespace, workload", workload("", "api"), `{namespace="shop", workload="api"} 1`, "no_reference"},
		{"workload", "exported_namespace, name", workload("shop", "api"), `{exported_namespace="shop", name="api"} 1`, "1"},
		{"workload_prefix", "namespace, name", workload("shop", "api"), `{namespace="shop", name="api-7d9f-2"} 1`, "1"},
		{"workload_prefix", "namespace, name", workload("shop", "api"), `{namespace="shop", name="apis-7d9f-2"} 1`,
			"no_data"},
		{"namespace", "namespace", workload("shop", ""), `{namespace="shop"} 1`, "1"},
		{"namespace", "namespace, exported_namespace", workload("shop", ""),
			`{namespace="cert-manager", exported_namespace="shop"} 1`, "1"},
		{"namespace", "resource_namespace", workload("shop", ""), `{resource_namespace="shop"} 1`, "1"},
		{"namespace", "namespace", prometheus(catalog.PrometheusRef{Matchers: matchers("namespace", "shop")}),
			`{namespace="shop"} 1`, "1"},
		{"disruption_budget", "namespace, poddisruptionbudget", workload("shop", "api"),
			`{namespace="shop", poddisruptionbudget="api-pdb"} 1`, "1"},
		{"disruption_budget", "namespace, poddisruptionbudget", workload("shop", "api"),
			`{namespace="shop", poddisruptionbudget="api"} 1`, "1"},
		{"disruption_budget", "namespace, poddisruptionbudget", workload("shop", "api"),
			`{namespace="shop", poddisruptionbudget="api-worker-pdb"} 1`, "no_data"},
		{"cluster", "cluster", prometheus(catalog.PrometheusRef{Cluster: "eu", Matchers: matchers("job", "api")}),
			`{cluster="us"} 1`, "no_data"},
		{"cluster", "cluster", prometheus(catalog.PrometheusRef{Cluster: "eu", Matchers: matchers("job", "api")}), `{} 1`,
			"1"},
		{"service", "service", &catalog.Service{Name: "it", Aliases: []string{"it-svc"}}, `{service="it-svc"} 1`, "1"},
		{"service", "service_name", &catalog.Service{Name: "it"}, `{service_name="it"} 1`, "1"},
		{"slo", "sloth_service", &catalog.Service{Name: "it", SLO: []string{"it-requests"}},
			`{sloth_service="it-requests"} 1`, "1"},
		{"slo", "sloth_service", &catalog.Service{Name: "it", SLO: []string{"it-requests"}}, `{sloth_service="it"} 1`,
			"no_data"},
		{"slo", "sloth_service", &catalog.Service{Name: "it"}, `{sloth_service="it"} 1`, "1"},
		{"github", "owner, name", &catalog.Service{Name: "it", GitHub: "Shop/It"}, `{owner="shop", name="it"} 1`, "1"},
		{"github", "owner, repo", &catalog.Service{Name: "it", GitHub: "shop/it"}, `{owner="shop", repo="it"} 1`, "1"},
		{"github", "owner, repo", &catalog.Service{Name: "it"}, `{owner="shop", repo="it"} 1`, "no_reference"},
		{"github", "owner, repo", &catalog.Service{Name: "it", GitHub: "shop/it",
			Prometheus: []catalog.PrometheusRef{{Server: "other", Matchers: matchers("job", "api")}}},
			`{owner="shop", repo="it", cluster="ci"} 1`, "1"},
		{"gitlab", "project", &catalog.Service{Name: "it", GitLab: "shop/team/it"}, `{project="shop/team/it"} 1`, "1"},
		{"sonarqube", "key", &catalog.Service{Name: "it", SonarQube: "shop:it"}, `{key="shop:it"} 1`, "1"},
		{"argocd", "name", &catalog.Service{Name: "it", ArgoCD: "it-prod"}, `{name="it-prod"} 1`, "1"},
		{"jenkins_job", "jenkins_job", &catalog.Service{Name: "it"}, `{jenkins_job="shop/it/main"} 1`, "1"},
		{"public_url", "instance", &catalog.Service{Name: "it", PublicURLs: []string{"https://It.example/"}},
			`{instance="https://it.example"} 1`, "1"},
		{"velero_schedule", "schedule", &catalog.Service{Name: "it", Backup: catalog.BackupRef{VeleroSchedule: "daily"}},
			`{schedule="daily"} 1`, "1"},
		{"pgbackrest_stanza", "stanza", &catalog.Service{Name: "it", Backup: catalog.BackupRef{PgBackRestStanza: "it"}},
			`{stanza="it"} 1`, "1"},
		{"postgres_instance", "instance", &catalog.Service{Name: "it", Backup: catalog.BackupRef{PostgresInstance: "it-db"}},
			`{instance="it-db:9187"} 1`, "1"},
		{"postgres_pod", "namespace, pod", &catalog.Service{Name: "it", Kubernetes: catalog.KubernetesRef{Namespace: "shop"},
			Backup: catalog.BackupRef{PostgresInstance: "it-db"}}, `{namespace="shop", pod="it-db-2"} 1`, "1"},
		{"retention_job", "namespace, cronjob",
			&catalog.Service{Name: "it", Kubernetes: catalog.KubernetesRef{Namespace: "shop"},
				Jobs: map[string]string{"retention": "purge"}}, `{namespace="shop", cronjob="purge"} 1`, "1"},
		{"masking_job", "namespace, cronjob", &catalog.Service{Name: "it",
			Kubernetes: catalog.KubernetesRef{Namespace: "shop"}, Jobs: map[string]string{"retention": "purge"}},
			`{namespace="shop", cronjob="purge"} 1`, "no_reference"},
		{"litmus", "app_namespace, app_label", workload("shop", "api"), `{app_namespace="shop", app_label="app=api"} 1`, "1"},
	} {
		t.Run(c.join+" "+c.series, func(t *testing.T) {
			query := fmt.Sprintf("max by (cluster, %s) (x)", c.labels)
			if c.labels == "cluster" {
				query = "max by (cluster) (x)"
			}
			w := start(t, load(t, fact("x.n", "int", c.join, query, "unknown")), []*catalog.Service{c.service})
			w.server.vectors[query] = c.series
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			r.want(t, "it", map[string]string{"x.n": c.want})
		})
	}
}

// fact is a file with one fact of one provider.
func fact(name, kind, join, query, absent string) string {
	return fmt.Sprintf(
		"facts:\n  - name: %s\n    type: %s\n    help: a number\n    absent: %s\n    providers:\n      - {via: test, join: %s, query: '%s'}\n",
		name, kind, absent, join, query,
	)
}

func TestTheLongestNameOwnsASeries(t *testing.T) {
	of := func(name string) *catalog.Service {
		return &catalog.Service{Name: name, Kubernetes: catalog.KubernetesRef{Namespace: "shop", Workload: name}}
	}
	const query = "max by (namespace, name) (x)"
	w := start(t, load(t, fact("x.n", "int", "workload_prefix", query, "unknown")),
		[]*catalog.Service{of("api"), of("api-worker")})
	w.server.vectors[query] = `{namespace="shop", name="api-worker-7d9f-1"} 5
		{namespace="shop", name="api-55-1"} 3`
	r := w.collect()
	r.want(t, "api", map[string]string{"x.n": "3"})
	r.want(t, "api-worker", map[string]string{"x.n": "5"})
}

func TestSeriesOfNobodyAreNamedInTheLog(t *testing.T) {
	const query = "max by (job) (x)"
	w := start(t, load(t, fact("x.n", "int", "job", query, "unknown")), []*catalog.Service{matched("it", "api")})
	w.server.vectors[query] = `{job="api"} 5
		{job="forgotten"} 3`
	w.collect()
	if log := w.log.String(); !strings.Contains(log, "series=1") || !strings.Contains(log, "forgotten") {
		t.Errorf("the log does not name the series:\n%s", log)
	}
}

func TestEveryRecordNamesItsSeries(t *testing.T) {
	const query = "max by (job) (x)"
	w := start(t, load(t, fact("x.n", "int", "job", query, "unknown")), []*catalog.Service{matched("it", "api")})
	w.server.vectors[query] = `{job="api"} 5`
	if got, want := w.collect().records["it x.n"].Detail, `test {job="api"}`; got != want {
		t.Errorf("detail %q, want %q", got, want)
	}
}

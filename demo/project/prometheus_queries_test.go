package project

import (
	"testing"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/demo/company"
)

// queriesAnswer asks as the framework's reference has it, family by
// family: what comes back for a service that fulfils the check, and for one that
// does not. An empty want means no series.
func queriesAnswer(t *testing.T, companies []*observed) {
	positive := func(v float64) bool { return v > 0 }
	zero := func(v float64) bool { return v == 0 }
	one := func(v float64) bool { return v == 1 }
	under := func(bound float64) func(float64) bool { return func(v float64) bool { return v >= 0 && v <= bound } }
	over := func(bound float64) func(float64) bool { return func(v float64) bool { return v > bound } }
	kubernetes := func(s *company.Service) bool { return s.Runtime == "kubernetes" }
	stateful := func(s *company.Service) bool { return s.Stateful }
	external := func(s *company.Service) bool { return s.Exposure == "external" }
	velero := func(s *company.Service) string { return s.Name + "-daily" }
	unlabelled := func(*company.Service) bool { return true }
	const owner = ` * on (cluster, namespace, pod) group_left (workload) namespace_workload_pod:kube_pod_owner:relabel`
	for _, c := range []struct {
		check, query string
		label        model.LabelName
		key          func(*company.Service) string
		of           func(*company.Service) bool
		// done and not are what a value must be; nil wants no series.
		done, not func(float64) bool
		// silent allows for services without the exporter, other for those that
		// show it by another one.
		silent, other bool
	}{
		{
			check: "obs.metrics-collected", query: `max by (cluster, namespace, job) (max_over_time(up[1d]))`, label: "job",
			of: unlabelled, done: one,
		},
		{
			check: "obs.golden-signals",
			query: `count by (cluster, namespace, job) (http_server_request_duration_seconds_bucket)`, label: "job",
			of: kubernetes, done: positive,
		},
		{check: "obs.golden-signals",
			query: `max by (cluster, namespace, workload) ((sum by (cluster, namespace, pod) (container_memory_working_set_bytes{container!=""}) / sum by (cluster, namespace, pod) (kube_pod_container_resource_limits{resource="memory"}))` + owner + `)`,
			label: "workload", of: kubernetes, done: under(1), not: under(1), silent: true},
		{check: "rel.health-probed",
			query: `count by (cluster, namespace, workload) (group by (cluster, namespace, pod) (prober_probe_total{probe_type="Readiness"})` + owner + `) / count by (cluster, namespace, workload) (namespace_workload_pod:kube_pod_owner:relabel)`,
			label: "workload", of: kubernetes, done: one},
		{
			check: "rel.redundant",
			query: `min by (cluster, namespace, deployment) (min_over_time(kube_deployment_status_replicas_available[1d]))`,
			label: "deployment", of: kubernetes, done: over(1), not: one, silent: true,
		},
		{check: "rel.resources-declared",
			query: `count by (cluster, namespace, workload) ((kube_pod_container_info unless on (cluster, namespace, pod, container) (kube_pod_container_resource_requests{resource="cpu"} and on (cluster, namespace, pod, container) kube_pod_container_resource_requests{resource="memory"} and on (cluster, namespace, pod, container) kube_pod_container_resource_limits{resource="memory"}))` + owner + `)`,
			label: "workload", of: kubernetes, not: positive},
		{check: "rel.disruption-budget",
			query: `max by (cluster, namespace, poddisruptionbudget) (max_over_time(kube_poddisruptionbudget_status_pod_disruptions_allowed[1d]) and kube_poddisruptionbudget_status_expected_pods > 0)`,
			label: "poddisruptionbudget", of: kubernetes, done: positive, not: zero, silent: true},
		{check: "rel.autoscaled",
			query: `max by (cluster, namespace, scaletargetref_name) (avg_over_time((kube_horizontalpodautoscaler_status_current_replicas >= bool kube_horizontalpodautoscaler_spec_max_replicas)[7d:5m]) * on (cluster, namespace, horizontalpodautoscaler) group_left (scaletargetref_name) kube_horizontalpodautoscaler_info)`,
			label: "scaletargetref_name", of: kubernetes, done: zero, not: over(0.05), silent: true},
		{check: "rel.spread",
			query: `count by (cluster, namespace, workload) (count by (cluster, namespace, workload, label_topology_kubernetes_io_zone) (kube_pod_info{node!=""}` + owner + ` * on (cluster, node) group_left (label_topology_kubernetes_io_zone) kube_node_labels{label_topology_kubernetes_io_zone!=""}))`,
			label: "workload", of: kubernetes, done: over(1), not: one, silent: true},
		{
			check: "cicd.images-pinned",
			query: `count by (cluster, namespace, workload) (kube_pod_container_info{image_spec=~".*:latest|([^@]*/)?[^:@/]+"}` +
				owner + `)`,
			label: "workload", of: kubernetes, not: positive,
		},
		{
			check: "sec.own-identity",
			query: `count by (cluster, namespace, workload) (kube_pod_service_account{service_account="default"}` + owner + `)`,
			label: "workload", of: kubernetes, not: positive,
		},
		{check: "cicd.built-by-pipeline",
			query: `(time() - max by (owner, repo) (max_over_time(github_workflow_run_updated_timestamp{branch=~"main|master", status="success"}[1d]))) / 86400`,
			label: "repo", of: func(
				s *company.Service,
			) bool {
				return repository(s) != ""
			}, done: under(2), not: over(90), silent: true},
		{
			check: "cicd.test-coverage", query: `max by (key) (sonarqube_coverage) / 100`, label: "key", key: quality,
			of: func(s *company.Service) bool { return measured(s, "cicd.test-coverage") }, done: over(0.7), not: under(0.65),
			silent: true,
		},
		{
			check: "cicd.deployed-by-automation", query: `group by (name, dest_namespace) (argocd_app_info)`, label: "name",
			of: kubernetes, done: one,
		},
		{check: "cicd.no-drift",
			query: `sum by (name, dest_namespace) (count_over_time(argocd_app_info{sync_status="Synced"}[7d])) / sum by (name, dest_namespace) (count_over_time(argocd_app_info[7d]))`,
			label: "name", of: kubernetes, done: one, not: under(0.97), silent: true},
		{
			check: "obs.slo-defined", query: `count by (sloth_service) (sloth_slo_info)`, label: "sloth_service", of: unlabelled,
			done: one,
		},
		{
			check: "rel.slo-met", query: `min by (sloth_service) (slo:period_error_budget_remaining:ratio)`,
			label: "sloth_service", of: unlabelled, done: positive, not: func(v float64) bool { return v < 0 }, silent: true,
		},
		{
			check: "obs.outside-in", query: `min by (instance) (avg_over_time(probe_success[7d]))`, label: "instance",
			key: address, of: external, done: over(0.99), not: under(0.98), silent: true,
		},
		{
			check: "sec.certificates-valid", query: `min by (instance) (probe_ssl_earliest_cert_expiry - time()) / 86400`,
			label: "instance", key: address, of: external, done: over(14), not: under(14), silent: true, other: true,
		},
		{
			check: "sec.no-exposed-secrets", query: `sum by (cluster, namespace) (trivy_image_exposedsecrets)`,
			label: "namespace", of: kubernetes, done: zero, not: positive, silent: true,
		},
		{
			check: "sec.secrets-managed",
			query: `min by (cluster, namespace) (externalsecret_status_condition{condition="Ready", status="True"}) == bool 1`,
			label: "namespace", of: kubernetes, done: one, not: zero, silent: true, other: true,
		},
		{
			check: "sec.no-stale-criticals",
			query: `sum by (cluster, namespace) (min_over_time((sum by (cluster, namespace, image_repository) (trivy_image_vulnerabilities{severity="Critical"}))[30d:6h]))`,
			label: "namespace", of: kubernetes, done: zero, not: positive, silent: true,
		},
		{
			check: "sec.hardened", query: `sum by (cluster, namespace) (trivy_resource_configaudits{severity=~"Critical|High"})`,
			label: "namespace", of: kubernetes, done: zero, not: positive, silent: true,
		},
		{
			check: "sec.least-privilege",
			query: `sum by (cluster, namespace) (trivy_role_rbacassessments{severity=~"Critical|High"})`, label: "namespace",
			of: kubernetes, done: zero, not: positive, silent: true,
		},
		{
			check: "sec.verified-artifacts",
			query: `sum by (cluster, resource_namespace) (increase(kyverno_policy_results_total{rule_type="imageVerify", rule_result="pass", policy_validation_mode="enforce"}[30d]))`,
			label: "resource_namespace", of: kubernetes, done: over(50),
		},
		{
			check: "data.recovery-point",
			query: `max by (cluster, namespace, instance) (max_over_time(pg_stat_archiver_last_archive_age[1d])) / 60`,
			label: "instance", key: database, of: stateful, done: under(15), not: over(15), silent: true,
		},
		{
			check: "data.backed-up", query: `min by (stanza) (pgbackrest_backup_since_last_completion_seconds) / 3600`,
			label: "stanza", of: stateful, done: under(26), not: over(26), silent: true, other: true,
		},
		{check: "data.backed-up",
			query: `(time() - max by (cluster, schedule) (velero_backup_last_successful_timestamp{schedule!=""})) / 3600`,
			label: "schedule", key: velero,
			of: stateful, done: under(26), not: over(26), silent: true, other: true},
	} {
		key := c.key
		if key == nil {
			key = func(s *company.Service) string { return s.Name }
		}
		met, missed := 0, 0
		for _, o := range companies {
			value, _, _, err := o.api.Query(t.Context(), c.query, o.now)
			if err != nil {
				t.Errorf("%s: %v", c.query, err)
				continue
			}
			found := map[string]float64{}
			for _, sample := range value.(model.Vector) {
				found[string(sample.Metric[c.label])] = float64(sample.Value)
			}
			for _, s := range o.company.Services {
				if !c.of(s) {
					continue
				}
				v, there := found[key(s)]
				want, does := c.not, s.Does(c.check)
				if does {
					want = c.done
				}
				if !there && (c.silent && !does || does && (c.other || !measured(s, c.check))) {
					continue // nobody looks, or another exporter does
				}
				if does {
					met++
				} else {
					missed++
				}
				switch {
				case there && want == nil:
					t.Errorf("%s: %s (does it: %t) has %g, want no series\n%s", c.check, s.Name, does, v, c.query)
				case want != nil && !there:
					t.Errorf("%s: %s (does it: %t) has no series\n%s", c.check, s.Name, does, c.query)
				case want != nil && !want(v):
					t.Errorf("%s: %s (does it: %t) has %g\n%s", c.check, s.Name, does, v, c.query)
				}
			}
		}
		if met == 0 || missed == 0 {
			t.Errorf("%s: %d services do it and %d do not: nothing is compared\n%s", c.check, met, missed, c.query)
		}
	}
}

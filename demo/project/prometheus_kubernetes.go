package project

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
)

const (
	checkProbed    = "rel.health-probed"
	checkRedundant = "rel.redundant"
	checkResources = "rel.resources-declared"
	checkEvictable = "rel.disruption-budget"
	checkStable    = "rel.stable"
	checkScaled    = "rel.autoscaled"
	checkSpread    = "rel.spread"
	checkPinned    = "cicd.images-pinned"
	checkIdentity  = "sec.own-identity"
)

// nodes are the machines of the cluster, in three zones in turn.
const nodes = 6

func nodeName(i int) string { return fmt.Sprintf("ip-10-0-%d-11.example.internal", i) }
func zoneOf(i int) string   { return "eu-west-1" + string(rune('a'+i%3)) }

// podCount is how many pods there are. A service that is spread over zones has
// two even if one of them is not always up.
func (e *exporter) podCount() int {
	if e.Does(checkRedundant) || e.Does(checkSpread) {
		return 2
	}
	return 1
}

// podNames are stable, as if nothing had been deployed today.
func (e *exporter) podNames() []string {
	const alphabet = "bcdfghjklmnpqrstvwxz2456789"
	word := func(subject string, n int) string {
		var out strings.Builder
		for i := range n {
			out.WriteByte(alphabet[int(e.roll(fmt.Sprint(subject, i))*float64(len(alphabet)))])
		}
		return out.String()
	}
	var names []string
	for i := range e.podCount() {
		names = append(names, e.Name+"-"+word("replica set", 9)+"-"+word(fmt.Sprint("pod ", i, " "), 5))
	}
	return names
}

// image is what the deployment asks for.
func (e *exporter) image() string {
	switch {
	case e.Does(checkPinned) && e.chance("digest", 0.3):
		return "registry.example.com:5000/example/" + e.Name + "@sha256:" + strings.Repeat("0f1e2d3c", 8)
	case e.Does(checkPinned):
		return fmt.Sprintf("registry.example.com:5000/example/%s:1.%d.0", e.Name, 1+int(e.roll("release")*80))
	case e.chance("no tag", 0.4):
		return "registry.example.com:5000/example/" + e.Name
	}
	return "registry.example.com:5000/example/" + e.Name + ":latest"
}

// pods are what kube-state-metrics, the kubelet and cAdvisor say of each pod.
func (e *exporter) pods() {
	ns := namespace(e.Service)
	memory := math.Floor(e.between("memory", 128, 1024)) * (1 << 20)
	first := int(e.roll("node") * nodes)
	account := "default"
	if e.Does(checkIdentity) {
		account = e.Name
	}
	for i, pod := range e.podNames() {
		in := []string{"namespace", ns, "pod", pod, "cluster", cluster}
		of := append(in, "container", "app")
		node := first
		if e.Does(checkSpread) {
			node = (first + i) % nodes
		} else if i > 0 {
			node = (first + 3) % nodes // the other machine of the zone
		}
		e.put(
			"namespace_workload_pod:kube_pod_owner:relabel", 0, prometheus.Constant(1),
			append(in, "workload", e.Name, "workload_type", "deployment")...,
		)
		if e.Odd != company.Unwatched {
			e.put(
				"kube_pod_info", 0, prometheus.Constant(1), append(in, "node", nodeName(node), "created_by_kind", "ReplicaSet")...,
			)
		}
		e.put("kube_pod_service_account", 0, prometheus.Constant(1), append(in, "service_account", account)...)
		e.put(
			"kube_pod_container_info", 0, prometheus.Constant(1),
			append(of, "image_spec", e.image(), "image", "sha256:"+strings.Repeat("ab", 8))...,
		)
		e.put(
			"kube_pod_container_resource_requests", 0, prometheus.Constant(memory/2),
			append(of, "resource", "memory", "unit", "byte")...,
		)
		if e.Does(checkResources) {
			e.put(
				"kube_pod_container_resource_requests", 0, prometheus.Constant(0.25),
				append(of, "resource", "cpu", "unit", "core")...,
			)
		}
		if e.Does(checkResources) || e.Does(checkGolden) {
			// Without a limit it is not known how full the memory is.
			e.put(
				"kube_pod_container_resource_limits", 0, prometheus.Constant(memory),
				append(of, "resource", "memory", "unit", "byte")...,
			)
		}
		e.put(
			"container_memory_working_set_bytes", 0, wave(memory*0.45, memory*0.7, 6*time.Hour, e.roll("memory "+pod)), of...,
		)
		e.restarts(of)
		probe := "Liveness"
		if e.Does(checkProbed) {
			probe = "Readiness"
		}
		e.put("prober_probe_total", 0, e.grows(0.1), append(of, "probe_type", probe, "result", "successful")...)
	}
}

// restarts are the crashes of a container.
func (e *exporter) restarts(of []string) {
	at := prometheus.Constant(math.Floor(e.between("restarts", 0, 3)))
	if !e.Does(checkStable) {
		at = e.every(20*time.Hour, e.roll("restart"))
		if e.chance("out of memory", 0.5) {
			e.put(
				"kube_pod_container_status_last_terminated_reason", 0, prometheus.Constant(1), append(of, "reason", "OOMKilled")...,
			)
		}
	}
	e.put("kube_pod_container_status_restarts_total", overAWeek, at, of...)
}

// scaling is the deployment with its autoscaler and disruption budget.
func (e *exporter) scaling() {
	ns, pods := namespace(e.Service), float64(e.podCount())
	deployment := []string{"namespace", ns, "deployment", e.Name, "cluster", cluster}
	available := prometheus.Constant(pods)
	if pods > 1 && !e.Does(checkRedundant) {
		available = daily(time.Hour, e.roll("available"), pods, 1)
	}
	e.put(
		"kube_deployment_created", 0, e.ago(time.Duration(e.between("created", 100, 900)*24*float64(time.Hour))),
		deployment...,
	)
	e.put("kube_deployment_spec_replicas", 0, prometheus.Constant(pods), deployment...)
	if e.Odd != company.Unwatched {
		e.put("kube_deployment_status_replicas_available", 0, available, deployment...)
	}

	if e.Does(checkEvictable) || e.chance("a budget that blocks", 0.3) {
		allowed := 1.0
		if !e.Does(checkEvictable) {
			allowed = 0
		}
		budget := []string{"namespace", ns, "poddisruptionbudget", e.Name, "cluster", cluster}
		e.put("kube_poddisruptionbudget_status_pod_disruptions_allowed", 0, prometheus.Constant(allowed), budget...)
		e.put("kube_poddisruptionbudget_status_expected_pods", 0, prometheus.Constant(pods), budget...)
	}
	if e.Does(checkScaled) || e.chance("a low ceiling", 0.3) {
		most, current := pods+4, prometheus.Constant(pods)
		if !e.Does(checkScaled) {
			most, current = pods+1, daily(11*time.Hour, e.roll("ceiling"), pods, pods+1)
		}
		hpa := []string{"namespace", ns, "horizontalpodautoscaler", e.Name, "cluster", cluster}
		e.put(
			"kube_horizontalpodautoscaler_info", 0, prometheus.Constant(1),
			append(hpa, "scaletargetref_kind", "Deployment", "scaletargetref_name", e.Name)...,
		)
		e.put("kube_horizontalpodautoscaler_spec_min_replicas", 0, prometheus.Constant(pods), hpa...)
		e.put("kube_horizontalpodautoscaler_spec_max_replicas", overAWeek, prometheus.Constant(most), hpa...)
		e.put("kube_horizontalpodautoscaler_status_current_replicas", overAWeek, current, hpa...)
	}
}

// jobs are the scheduled jobs.
func (e *exporter) jobs() {
	for _, j := range cronJobs(e.seed, e.Service) {
		if j.unknown {
			continue
		}
		at := latest(j.every, e.roll("job "+j.role))
		if j.neglected {
			at = e.ago(time.Duration(e.between("neglect of "+j.role, 40, 120) * 24 * float64(time.Hour)))
		}
		e.put(
			"kube_cronjob_status_last_successful_time", 0, at, "namespace", namespace(e.Service), "cronjob", j.name, "cluster",
			cluster,
		)
	}
}

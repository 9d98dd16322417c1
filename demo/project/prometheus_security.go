package project

import (
	"math"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
)

const (
	checkExposed   = "sec.no-exposed-secrets"
	checkCriticals = "sec.no-stale-criticals"
	checkPatching  = "sec.self-patching"
	checkSecrets   = "sec.secrets-managed"
	checkLeast     = "sec.least-privilege"
	checkHardened  = "sec.hardened"
	checkSigned    = "sec.verified-artifacts"
)

// secrets are where the service's secrets come from.
func (e *exporter) secrets() {
	ns := namespace(e.Service)
	secret := func(name, kind string) {
		e.put(
			"kube_secret_type", 0, prometheus.Constant(1), "namespace", ns, "secret", name, "type", kind, "cluster", cluster,
		)
	}
	if e.Exposure == "external" {
		secret(e.Name+"-tls", "kubernetes.io/tls")
	}
	switch {
	case e.Does(checkSecrets) && !e.Stateful && e.Exposure == "external" && e.chance("nothing to manage", 0.3):
		// Only what cert-manager looks after.
	case e.Does(checkSecrets) || e.chance("a broken delivery", 0.5):
		secret(e.Name+"-credentials", "Opaque")
		ready := 0.0
		if e.Does(checkSecrets) {
			ready = 1
		}
		e.put(
			"externalsecret_status_condition", 0, prometheus.Constant(ready), "namespace", ns, "name", e.Name+"-credentials",
			"condition", "Ready", "status", "True", "cluster", cluster,
		)
	default:
		// Made by hand, and nothing watches it.
		secret(e.Name+"-credentials", "Opaque")
	}
}

// scans are what trivy-operator finds.
func (e *exporter) scans() {
	if e.Odd == company.Unwatched || e.Odd != company.Exposed &&
		e.lacks("trivy", 0.15, checkExposed, checkCriticals, checkPatching, checkLeast, checkHardened) {
		return
	}
	ns := namespace(e.Service)
	image := []string{"namespace", ns, "image_registry", "registry.example.com:5000", "image_repository",
		"example/" + e.Name, "image_tag", "1.0.0",
		"resource_kind", "ReplicaSet", "resource_name", e.Name, "container_name", "app", "cluster", cluster}
	found := func(check, subject string) float64 {
		if e.Does(check) {
			return 0
		}
		return 1 + math.Floor(e.between(subject, 0, 4))
	}
	vulnerabilities := func(severity string, reach time.Duration, at func(time.Time) (float64, bool)) {
		e.put("trivy_image_vulnerabilities", reach, at, append(image, "severity", severity)...)
	}
	vulnerabilities("Critical", overAMonth, e.criticals())
	vulnerabilities("High", 0, prometheus.Constant(math.Floor(e.between("high", 0, 12))))
	e.put(
		"trivy_image_exposedsecrets", 0, prometheus.Constant(found(checkExposed, "exposed")),
		append(image, "severity", "Critical")...,
	)
	e.put(
		"trivy_resource_configaudits", 0, prometheus.Constant(found(checkHardened, "audits")), "namespace", ns,
		"resource_kind", "ReplicaSet", "resource_name", e.Name, "severity", "High", "cluster", cluster,
	)
	e.put(
		"trivy_role_rbacassessments", 0, prometheus.Constant(found(checkLeast, "roles")), "namespace", ns, "resource_kind",
		"Role", "resource_name", e.Name, "severity", "Critical", "cluster", cluster,
	)
}

// criticals are the critical findings in the image over the months: always
// some, some for days until somebody rebuilds, or some for hours.
func (e *exporter) criticals() func(time.Time) (float64, bool) {
	some := 1 + math.Floor(e.between("criticals", 0, 3))
	period, open := 45*24*time.Hour, 20*time.Hour
	switch {
	case !e.Does(checkCriticals):
		return prometheus.Constant(some)
	case !e.Does(checkPatching):
		period, open = 16*24*time.Hour, 5*24*time.Hour
	}
	phase := e.roll("criticals since")
	return func(t time.Time) (float64, bool) {
		if since(t, period, phase) < open {
			return some, true
		}
		return 0, true
	}
}

// admissions are what Kyverno decided at the gate.
func (e *exporter) admissions() {
	if !measured(e.Service, checkSigned) || e.lacks("kyverno", 0.4, checkSigned) {
		return
	}
	policy := []string{
		"resource_namespace", namespace(e.Service), "resource_kind", "Pod", "rule_result", "pass", "policy_validation_mode",
		"enforce", "cluster", cluster,
	}
	e.put(
		"kyverno_policy_results_total", 0, e.every(9*time.Hour, e.roll("admission")),
		append(policy, "policy_name", "require-labels", "rule_type", "validate")...,
	)
	if e.Does(checkSigned) {
		e.put(
			"kyverno_policy_results_total", overAMonth, e.every(9*time.Hour, e.roll("admission")),
			append(policy, "policy_name", "verify-images", "rule_type", "imageVerify")...,
		)
	}
}

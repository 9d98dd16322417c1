package project

import (
	"math"
	"strconv"
	"time"

	"github.com/prodready/collector/demo/prometheus"
)

const (
	checkMetrics    = "obs.metrics-collected"
	checkGolden     = "obs.golden-signals"
	checkObjective  = "obs.slo-defined"
	checkBudget     = "rel.slo-met"
	checkOutside    = "obs.outside-in"
	checkTraces     = "obs.traces"
	checkTLS        = "sec.certificates-valid"
	checkEncrypted  = "sec.encrypted-in-transit"
	checkEnvApart   = "data.environments-apart"
	objectiveTarget = 99.5
)

// load is how many requests a second the service serves.
func (e *exporter) load() float64 {
	return e.between("load", 0.5, 2) * 40 / math.Pow(2, float64(e.Tier))
}

// failing is the share of requests that fail.
func (e *exporter) failing() float64 {
	if e.Does(checkObjective) && !e.Does(checkBudget) {
		return e.between("failing", 0.006, 0.01)
	}
	return e.between("failing", 0.0001, 0.002)
}

// published reports whether the service's own metrics are collected.
func (e *exporter) published() bool { return !refutes(e.Service, checkMetrics) }

// signals are the service's own metrics, as OpenTelemetry names them. Where the
// golden signals are incomplete the latency is missing, which is the usual gap:
// an average needs no histogram.
func (e *exporter) signals() {
	if !e.published() {
		return
	}
	at := []string{"job", e.Name, "namespace", namespace(e.Service), "instance", e.Name + ":8080", "cluster", cluster}
	e.put("up", overAWeek, prometheus.Constant(1), at...)
	request := append(at, "http_request_method", "GET", "http_route", "/")
	load, failing := e.load(), e.failing()
	const name = "http_server_request_duration_seconds"
	count := func(perSecond float64, name string, labels ...string) {
		e.put(name, 0, e.grows(perSecond), append(request, labels...)...)
	}
	count(load*(1-failing), name+"_count", "http_response_status_code", "200")
	count(load*failing, name+"_count", "http_response_status_code", "500")
	count(load*e.between("mean latency", 0.02, 0.2), name+"_sum", "http_response_status_code", "200")
	if !e.Does(checkGolden) {
		return
	}
	fast := e.between("fast", 0.9, 0.999)
	for _, b := range []struct {
		le    string
		share float64
	}{{"0.1", fast * 0.8}, {"0.5", fast}, {"2.5", 1 - failing/2}, {"+Inf", 1}} {
		count(load*b.share, name+"_bucket", "http_response_status_code", "200", "le", b.le)
	}
}

// disk is what the host says of its disk, outside Kubernetes.
func (e *exporter) disk() {
	if e.Runtime == "vm" {
		free := e.between("disk", 2e10, 9e10)
		e.put(
			"node_filesystem_avail_bytes", 0, wave(free*0.9, free, 24*time.Hour, e.roll("disk")), "job", e.Name, "instance",
			e.Name+":9100", "mountpoint", "/data", "cluster", cluster,
		)
	}
}

// objectives are what Sloth records.
func (e *exporter) objectives() {
	if !proves(e.Service, checkObjective) {
		return
	}
	slo := []string{
		"sloth_id", e.Name + "-availability", "sloth_service", e.Name, "sloth_slo", "availability", "cluster", cluster,
	}
	e.put(
		"sloth_slo_info", 0, prometheus.Constant(1),
		append(
			slo, "sloth_objective", strconv.FormatFloat(objectiveTarget, 'f', -1, 64), "sloth_mode", "cli-gen-prom",
			"sloth_spec", "prometheus/v1", "sloth_version", "v0.12.0",
		)...,
	)
	e.put("slo:objective:ratio", 0, prometheus.Constant(objectiveTarget/100), slo...)
	budget := e.between("budget", 0.3, 0.9)
	if !e.Does(checkBudget) {
		budget = -e.between("budget", 0.2, 1.2)
	}
	e.put(
		"slo:period_error_budget_remaining:ratio", 0, wave(budget-0.05, budget+0.05, 30*24*time.Hour, e.roll("budget")),
		slo...,
	)
}

// probes are what the blackbox exporter sees of external services.
func (e *exporter) probes() {
	if e.Exposure != "external" {
		return
	}
	url := address(e.Service)
	proven := []string{checkOutside, checkTLS}
	if e.Runtime == "kubernetes" {
		proven = proven[:1] // cert-manager exports the certificate
	}
	if !e.lacks("probe", 0.8, proven...) {
		at := []string{"job", "blackbox", "instance", url}
		up := prometheus.Constant(1)
		if !e.Does(checkOutside) {
			up = daily(2*time.Hour, e.roll("probe"), 1, 0)
		}
		if measured(e.Service, checkOutside) {
			e.put("probe_success", overAWeek, up, at...)
			e.put("probe_duration_seconds", 0, wave(0.05, 0.4, 3*time.Hour, e.roll("probe")), at...)
		}
		if measured(e.Service, checkTLS) {
			e.put("probe_ssl_earliest_cert_expiry", 0, e.expiry(), at...)
		}
	}
	if e.Runtime == "kubernetes" && measured(e.Service, checkTLS) {
		// The chart of cert-manager leaves honor_labels off.
		e.put("certmanager_certificate_expiration_timestamp_seconds", 0, e.expiry(), "job", "cert-manager", "namespace",
			"cert-manager",
			"exported_namespace", namespace(e.Service), "name", e.Name+"-tls", "issuer_name", "letsencrypt", "cluster", cluster)
	}
}

// expiry is when the certificate ends: 90 days after it was made, which is done
// 30 days before, or forgotten.
func (e *exporter) expiry() func(time.Time) (float64, bool) {
	if !e.Does(checkTLS) {
		return e.ago(-time.Duration(e.between("certificate", 3, 11) * 24 * float64(time.Hour)))
	}
	phase := e.roll("certificate")
	return func(t time.Time) (float64, bool) {
		made, _ := latest(60*24*time.Hour, phase)(t)
		return made + (90 * 24 * time.Hour).Seconds(), true
	}
}

// spans are counted by the OpenTelemetry collector, or by Tempo.
func (e *exporter) spans() {
	if !measured(e.Service, checkTraces) || e.lacks("tracing", 0.6, checkTraces) {
		return
	}
	at := e.grows(e.load())
	if !e.Does(checkTraces) {
		// Somebody turned it off.
		at = prometheus.Constant(math.Floor(e.between("spans", 1e3, 1e6)))
	}
	if e.chance("tempo", 0.3) {
		e.put(
			"traces_spanmetrics_calls_total", 0, at, "service", e.Name, "span_kind", "SPAN_KIND_SERVER", "span_name", "GET /",
			"status_code", "STATUS_CODE_UNSET", "cluster", cluster,
		)
		return
	}
	e.put(
		"traces_span_metrics_calls_total", 0, at, "service_name", e.Name, "span_kind", "SPAN_KIND_SERVER", "span_name",
		"GET /", "status_code", "STATUS_CODE_UNSET", "cluster", cluster,
	)
}

// mesh is what Istio sees arrive.
func (e *exporter) mesh() {
	to := []string{
		"reporter", "destination", "destination_workload", e.Name, "destination_workload_namespace", namespace(e.Service),
		"cluster", cluster,
	}
	from := func(where, policy string) []string {
		return append(
			to, "source_workload", "api-gateway", "source_workload_namespace", where, "connection_security_policy", policy,
		)
	}
	staging := !e.Does(checkEnvApart)
	// The mesh counts requests too, so it is silent where nothing counts them.
	if e.published() && measured(e.Service, checkEncrypted) && !e.lacks("mesh", 0.3, checkEncrypted, checkEnvApart) {
		e.put(
			"istio_requests_total", overAWeek, e.grows(e.load()*0.6),
			append(from("api-gateway", "mutual_tls"), "response_code", "200")...,
		)
		if !e.Does(checkEncrypted) {
			e.put(
				"istio_requests_total", overAWeek, e.grows(e.load()*0.4),
				append(from("unknown", "none"), "response_code", "200")...,
			)
		}
		if staging {
			e.put(
				"istio_requests_total", overAWeek, e.grows(0.01),
				append(from(e.Team.Name+"-staging", "mutual_tls"), "response_code", "200")...,
			)
		}
		return
	}
	if !measured(e.Service, checkEnvApart) || e.lacks("mesh for connections", 0.5, checkEnvApart) {
		return
	}
	e.put("istio_tcp_connections_opened_total", overAWeek, e.grows(0.2), from("api-gateway", "mutual_tls")...)
	if staging {
		e.put("istio_tcp_connections_opened_total", overAWeek, e.grows(0.001), from(e.Team.Name+"-staging", "mutual_tls")...)
	}
}

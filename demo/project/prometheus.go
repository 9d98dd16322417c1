package project

import (
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/demo/prometheus"
	"github.com/prodready/collector/framework"
)

// Retention is how long the company's Prometheus keeps data: the half year that the
// dashboards show.
const Retention = 200 * 24 * time.Hour

// How far back series are written, by what the questions about them look back
// over, with room for a demo that runs on.
const (
	overAWeek  = 8 * 24 * time.Hour
	overAMonth = 32 * 24 * time.Hour
)

// cluster is where all of it runs.
const cluster = "prod-1"

// Series are what the company's exporters publish. A service's habits decide
// what is there and what it says: what is fulfilled can be measured, what is
// not shows up as a bad value or, where teams lack an exporter, not at all.
// What can only be attested is not measured.
func Series(c *company.Company) iter.Seq[prometheus.Series] {
	return func(yield func(prometheus.Series) bool) {
		going := true
		w := writer{start: c.Now, yield: func(s prometheus.Series) { going = going && yield(s) }}
		fleet(&w)
		alerts(c, &w)
		for _, s := range c.Services {
			if !going {
				return
			}
			e := &exporter{writer: w, Service: s, luck: luck{c.Seed, s.Name}}
			e.signals()
			e.objectives()
			e.probes()
			e.spans()
			e.sources()
			e.backups()
			e.disk()
			if s.Runtime == "kubernetes" {
				e.pods()
				e.scaling()
				e.delivery()
				e.rollouts()
				e.secrets()
				e.scans()
				e.admissions()
				e.mesh()
				e.jobs()
				e.experiments()
			}
		}
	}
}

// fleet are the series that belong to no service: the machines, and what tells
// that an exporter is there at all.
func fleet(w *writer) {
	// What is seen of one minute has to be known to be seen of it.
	w.yield(prometheus.Series{
		Name: "up", Reach: overAMonth, Every: time.Minute, At: prometheus.Constant(1),
		Labels: map[string]string{"job": "prometheus", "instance": "localhost:9090", "cluster": cluster},
	})
	w.put(
		"up", overAWeek, prometheus.Constant(1), "job", "kube-state-metrics", "namespace", "monitoring", "instance",
		"kube-state-metrics:8080", "cluster", cluster,
	)
	for i := range nodes {
		w.put(
			"kube_node_labels", 0, prometheus.Constant(1), "node", nodeName(i), "label_topology_kubernetes_io_zone", zoneOf(i),
			"cluster", cluster,
		)
	}
	// Lower environments share the mesh, so that a call from one would be seen.
	w.put("istio_requests_total", overAWeek, w.grows(2), "reporter", "destination", "cluster", cluster,
		"source_workload", "load-generator", "source_workload_namespace", "sandbox-staging",
		"destination_workload", "echo", "destination_workload_namespace", "sandbox-staging",
		"connection_security_policy", "mutual_tls", "response_code", "200")
	w.put(
		"rollout_info", 0, prometheus.Constant(1), "namespace", "sandbox-staging", "name", "echo", "strategy", "canary",
		"phase", "Healthy", "cluster", cluster,
	)
	w.put(
		"sloth_slo_info", 0, prometheus.Constant(1), "sloth_id", "platform-ingress", "sloth_service", "ingress", "sloth_slo",
		"ingress", "sloth_objective", "99.9", "sloth_mode", "cli-gen-prom", "cluster", cluster,
	)
	w.put(
		"up", 0, prometheus.Constant(1), "job", "sloth", "namespace", "monitoring", "instance", "sloth:8081", "cluster",
		cluster,
	)
}

// writer makes series.
type writer struct {
	start time.Time
	yield func(prometheus.Series)
}

// put makes a series; labels are name and value in turn, and are copied. Empty
// values are left out.
func (w *writer) put(name string, reach time.Duration, at func(time.Time) (float64, bool), labels ...string) {
	m := make(map[string]string, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		if labels[i+1] != "" {
			m[labels[i]] = labels[i+1]
		}
	}
	w.yield(prometheus.Series{Name: name, Labels: m, Reach: reach, At: at})
}

// origin is when all counters were zero.
func (w *writer) origin() time.Time { return w.start.Add(-Retention) }

// grows is a counter that counts so many a second.
func (w *writer) grows(perSecond float64) func(time.Time) (float64, bool) {
	origin := w.origin()
	return func(t time.Time) (float64, bool) { return math.Floor(t.Sub(origin).Seconds() * perSecond), true }
}

// every is a counter that counts one every so often.
func (w *writer) every(period time.Duration, phase float64) func(time.Time) (float64, bool) {
	origin := w.origin().Add(-time.Duration(phase * float64(period)))
	return func(t time.Time) (float64, bool) { return math.Floor(float64(t.Sub(origin)) / float64(period)), true }
}

// ago is a moment that stays where it is, as seconds since 1970.
func (w *writer) ago(age time.Duration) func(time.Time) (float64, bool) {
	return prometheus.Constant(float64(w.start.Add(-age).Unix()))
}

// latest is the last turn of something that happens every so often, as seconds
// since 1970.
func latest(period time.Duration, phase float64) func(time.Time) (float64, bool) {
	return func(t time.Time) (float64, bool) {
		return float64(t.Unix()) - since(t, period, phase).Seconds(), true
	}
}

// since is how long the last turn is ago.
func since(t time.Time, period time.Duration, phase float64) time.Duration {
	seconds := int64(period / time.Second)
	return time.Duration((t.Unix()+int64(phase*float64(seconds)))%seconds) * time.Second
}

// daily is low, but high for so long every day.
func daily(high time.Duration, phase, low, peak float64) func(time.Time) (float64, bool) {
	return func(t time.Time) (float64, bool) {
		if since(t, 24*time.Hour, phase) < high {
			return peak, true
		}
		return low, true
	}
}

// wave goes up and down between two values over a period.
func wave(low, high float64, period time.Duration, phase float64) func(time.Time) (float64, bool) {
	return func(t time.Time) (float64, bool) {
		turn := 2 * math.Pi * (since(t, period, phase).Seconds() / period.Seconds())
		return low + (high-low)*(1+math.Sin(turn))/2, true
	}
}

// luck is the chance of one service. It does not depend on what else is asked.
type luck struct {
	seed    uint64
	service string
}

// roll is uniform in [0, 1) for a subject.
func (l luck) roll(subject string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("prometheus\x00" + l.service + "\x00" + subject))
	return rand.New(rand.NewPCG(l.seed, h.Sum64())).Float64()
}

// chance is true with probability p for a subject.
func (l luck) chance(subject string, p float64) bool { return l.roll(subject) < p }

// between is uniform in [low, high) for a subject.
func (l luck) between(subject string, low, high float64) float64 {
	return low + (high-low)*l.roll(subject)
}

// exporter writes what one service publishes.
type exporter struct {
	writer
	*company.Service
	luck
}

// measured reports whether machines look at the habit at all.
func measured(s *company.Service, check string) bool {
	return s.Practice[check].Shown == framework.ByMachine
}

// proves reports whether a machine shows that the service fulfils the check.
func proves(s *company.Service, check string) bool {
	return measured(s, check) && s.Does(check)
}

// refutes reports whether a machine shows that it does not.
func refutes(s *company.Service, check string) bool {
	return measured(s, check) && !s.Does(check)
}

// lacks reports whether the team lacks an exporter: never one that proves any
// of the checks.
func (e *exporter) lacks(what string, p float64, checks ...string) bool {
	for _, check := range checks {
		if proves(e.Service, check) {
			return false
		}
	}
	return e.chance("has no "+what, p)
}

// namespace is where the service runs: each has its own, since much of what is
// measured is known by namespace alone. It is empty outside Kubernetes.
func namespace(s *company.Service) string {
	if s.Runtime != "kubernetes" {
		return ""
	}
	return s.Name
}

// address is where users reach an external service.
func address(s *company.Service) string { return "https://" + s.Name + ".example.com" }

// database is how the service's database is known to its exporter.
func database(s *company.Service) string { return s.Name + "-db:9187" }

// repository is the service's project slug; empty when its code is nowhere to be
// found.
func repository(s *company.Service) string {
	if !s.Does("cicd.source-in-version-control") && s.Odd != company.Orphaned {
		return ""
	}
	return "example/" + s.Name
}

// splitSlug divides a project slug.
func splitSlug(slug string) (owner, name string) {
	owner, name, _ = strings.Cut(slug, "/")
	return owner, name
}

// quality is the key of the service's project in SonarQube.
func quality(s *company.Service) string { return "example_" + s.Name }

// schedule is the Velero schedule of the service's backups; empty when they are
// made by pgBackRest.
func schedule(seed uint64, s *company.Service) string {
	if s.Runtime != "kubernetes" || !(luck{seed, s.Name}).chance("velero", 0.35) {
		return ""
	}
	return s.Name + "-daily"
}

// cronJob is a scheduled job that a check rests on.
type cronJob struct {
	// role is what the catalog calls it, name its name in the cluster.
	role, name string
	// every is how often it runs; a neglected one last did so long ago.
	every     time.Duration
	neglected bool
	// unknown is one that the catalog names and the cluster does not know.
	unknown bool
}

// cronJobs are the scheduled jobs of the service that the catalog knows.
func cronJobs(seed uint64, s *company.Service) []cronJob {
	if s.Runtime != "kubernetes" {
		return nil
	}
	const assurance, clean = "data.continuous-assurance", "data.lower-environments-clean"
	const retention = "data.retention-enforced"
	if s.Odd == company.Unwatched {
		return []cronJob{
			{role: "retention", name: s.Name + "-purge", unknown: true},
			{role: "masking", name: s.Name + "-masked-refresh", unknown: true},
			{role: "restore_check", name: s.Name + "-restore-check", unknown: true},
		}
	}
	l := luck{seed, s.Name}
	var jobs []cronJob
	add := func(role, name string, every time.Duration, runs bool, refuted bool) {
		if runs || refuted && l.chance("a neglected job for "+role, 0.5) {
			jobs = append(jobs, cronJob{role: role, name: s.Name + "-" + name, every: every, neglected: !runs})
		}
	}
	if s.Stateful {
		add("retention", "purge", 24*time.Hour, proves(s, retention), refutes(s, retention))
		add("restore_check", "restore-check", 3*24*time.Hour, proves(s, assurance), refutes(s, assurance))
	}
	// The refresh of lower environments proves two checks; neglect is only shown
	// where it contradicts neither.
	add("masking", "masked-refresh", 14*24*time.Hour, proves(s, clean) || proves(s, assurance), refutes(s, clean))
	return jobs
}

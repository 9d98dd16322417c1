package prometheus

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/catalog"
)

// join says how the labels of a series lead to a service of the catalog.
type join struct {
	name string
	// needs are the labels that a series must have, each with its possible names; a
	// name may also have the prefix exported_.
	needs [][]string
	// everywhere marks joins by something that exists once for all servers, such as a
	// repository. They ignore where the service runs.
	everywhere bool
	// selective marks joins that look for a few among many: an unmatched series of
	// theirs is no gap in the catalog.
	selective bool
	// clues say which services an unmatched series may be about; nil for joins whose keys
	// are exact.
	clues *clues
	// read makes the possible keys of a series from the values of needs, the most
	// certain first.
	read func(values []string) []string
	// all makes the possible keys of a series of all its labels, in place of needs and
	// read; nil for most joins.
	all func(m model.Metric) []string
	// keys are the keys of the service in the catalog; nil when it has none, or when
	// entry makes them.
	keys func(*catalog.Service) []string
	// entry are the values of the catalog entry that make the key, joined by a slash.
	entry []reference
}

// reference is a value of a catalog entry by which series are found.
type reference struct {
	// key is its place in the entry: kubernetes.workload.
	key   string
	value func(*catalog.Service) string
}

// known are the keys of the service in the catalog; nil when it lacks a value.
func (j *join) known(s *catalog.Service) []string {
	if j.keys != nil {
		return j.keys(s)
	}
	values := make([]string, len(j.entry))
	for i, r := range j.entry {
		if values[i] = r.value(s); values[i] == "" {
			return nil
		}
	}
	return []string{strings.Join(values, "/")}
}

// keyMatchers is where a catalog entry has the labels of its series.
const keyMatchers = "prometheus.matchers"

// lacks names the keys of the catalog entry that the join needs and that have
// no value, or "".
func (j *join) lacks(s *catalog.Service) string {
	if j.byMatchers() {
		if len(s.Prometheus) == 0 {
			return keyMatchers
		}
		return ""
	}
	var lacking []string
	for _, r := range j.entry {
		if r.value(s) == "" {
			lacking = append(lacking, r.key)
		}
	}
	return strings.Join(lacking, " and ")
}

// The labels with which exporters name a namespace and a workload.
var (
	namespaceLabels = []string{"namespace", "destination_workload_namespace", "resource_namespace", "app_namespace"}
	workloadLabels  = []string{"workload", "deployment", "statefulset", "daemonset", "destination_workload",
		"scaletargetref_name", "name"}
)

// joins lists every named join. A new one is an entry here.
func joins() map[string]*join {
	namespace := reference{"kubernetes.namespace", namespaceOf}
	workload := []reference{namespace, {"kubernetes.workload",
		func(s *catalog.Service) string { return s.Kubernetes.Workload }}}
	postgres := reference{"backup.postgres_instance", func(s *catalog.Service) string { return s.Backup.PostgresInstance }}
	one := func(key string, value func(*catalog.Service) string) []reference { return []reference{{key, value}} }
	all := []*join{
		// By the label matchers of the catalog's prometheus entries. It is
		// looked up by what each service matches on; see matcherIndex.
		{name: "job", keys: func(*catalog.Service) []string { return nil }},
		// By the cluster alone: the series belongs to every service of the cluster.
		{name: "cluster", keys: func(*catalog.Service) []string { return []string{""} },
			read: func([]string) []string { return []string{""} }},
		{name: "namespace", needs: [][]string{namespaceLabels}, read: slash, entry: []reference{namespace}},
		{name: "workload", needs: [][]string{namespaceLabels, workloadLabels}, read: slash, entry: workload,
			clues: byWorkload()},
		// By a name that begins with the workload's: checkout-7d9f-2.
		{name: "workload_prefix", needs: [][]string{namespaceLabels, workloadLabels}, entry: workload,
			read: func(v []string) []string { return prefixes(v[0], v[1]) }},
		{name: "disruption_budget", needs: [][]string{namespaceLabels, {"poddisruptionbudget"}}, entry: workload,
			clues: byNamespace(), read: func(v []string) []string {
				name := strings.TrimPrefix(v[1], "pdb-")
				for _, suffix := range []string{"-pdb", "-poddisruptionbudget", "-disruption-budget", "-budget"} {
					name = strings.TrimSuffix(name, suffix)
				}
				return []string{v[0] + "/" + v[1], v[0] + "/" + name}
			}},
		{name: "service", needs: [][]string{{"service", "service_name", "sloth_service", "app"}}, read: slash,
			keys: serviceNames, clues: byName()},
		// A Jenkins job has the name of the service, with folders and a branch or without:
		// shop/checkout/main.
		{name: "jenkins_job", everywhere: true, needs: [][]string{{"jenkins_job"}}, keys: serviceNames,
			clues: byName(), read: func(v []string) []string {
				job := strings.TrimSuffix(strings.TrimSuffix(v[0], "/main"), "/master")
				return []string{v[0], job, job[strings.LastIndexByte(job, '/')+1:]}
			}},
		// By an objective that the catalog names, or by the service of the objective. A
		// filled-in key narrows the service's objectives to those that it names.
		{name: "slo", needs: [][]string{append(slices.Clone(objectiveServiceLabels), objectiveLabels...)}, read: slash,
			keys: objectiveNames, all: objectiveCandidates, clues: byObjective()},
		{name: "github", everywhere: true, needs: [][]string{{"owner"}, {"repo", "name"}}, read: lower,
			entry: one("github", func(s *catalog.Service) string { return strings.ToLower(s.GitHub) })},
		{name: "gitlab", everywhere: true, needs: [][]string{{"project"}}, read: lower,
			entry: one("gitlab", func(s *catalog.Service) string { return strings.ToLower(s.GitLab) })},
		{name: "sonarqube", everywhere: true, needs: [][]string{{"key"}}, read: slash, clues: byName(),
			entry: one("sonarqube", func(s *catalog.Service) string { return s.SonarQube })},
		{name: "argocd", everywhere: true, needs: [][]string{{"name"}}, read: slash, clues: byName(),
			entry: one("argocd", func(s *catalog.Service) string { return s.ArgoCD })},
		{name: "public_url", everywhere: true, needs: [][]string{{"instance", "target"}}, keys: publicURLs,
			entry: one("public_urls", firstURL), clues: byHost(), read: func(v []string) []string {
				return given(address(v[0]))
			}},
		{name: "velero_schedule", needs: [][]string{{"schedule"}}, read: slash, clues: byName(),
			entry: one("backup.velero_schedule", func(s *catalog.Service) string { return s.Backup.VeleroSchedule })},
		{name: "pgbackrest_stanza", needs: [][]string{{"stanza"}}, read: slash, clues: byName(),
			entry: one("backup.pgbackrest_stanza", func(s *catalog.Service) string { return s.Backup.PgBackRestStanza })},
		{name: "postgres_instance", needs: [][]string{{"server", "instance"}}, clues: byName(), read: func(v []string) []string {
			host, _, _ := strings.Cut(v[0], ":")
			return []string{v[0], host}
		}, entry: []reference{postgres}},
		// CloudNativePG names the pods of a cluster NAME-1, NAME-2.
		{name: "postgres_pod", needs: [][]string{namespaceLabels, {"pod"}}, read: func(v []string) []string {
			if at := strings.LastIndexByte(v[1], '-'); at > 0 {
				return []string{v[0] + "/" + v[1][:at]}
			}
			return nil
		}, entry: []reference{namespace, postgres}},
		{name: "litmus", needs: [][]string{{"app_namespace"}, {"app_label"}}, entry: workload,
			read: func(v []string) []string {
				_, value, found := strings.Cut(v[1], "=")
				if !found {
					value = v[1]
				}
				return []string{v[0] + "/" + value}
			}},
	}
	for _, role := range catalog.JobRoles {
		all = append(all, &join{name: role + "_job", selective: true, needs: [][]string{namespaceLabels, {"cronjob"}},
			read: slash, entry: []reference{namespace,
				{"jobs." + role, func(s *catalog.Service) string { return s.Jobs[role] }}}})
	}
	byName := make(map[string]*join, len(all))
	for _, j := range all {
		byName[j.name] = j
	}
	return byName
}

// byMatchers reports whether series are found through the label matchers of
// the catalog.
func (j *join) byMatchers() bool { return j.read == nil }

// fits says which label the series of a query lack for this join. added are the
// labels that relabelling may add.
func (j *join) fits(e parser.Expr, added []string) error {
	names, known := outputLabels(e)
	if !known {
		return nil
	}
	if j.byMatchers() && len(names) == 0 {
		return fmt.Errorf(
			"its series have no labels: join %s needs those that the catalog matches on; group by (cluster, namespace, job)",
			j.name,
		)
	}
	if extra := slices.DeleteFunc(slices.Clone(names),
		func(name string) bool { return name == "cluster" }); j.name == "cluster" && len(extra) > 0 {
		return fmt.Errorf("its series differ by %s, and join cluster takes each for every service: group by (cluster)",
			strings.Join(extra, ", "))
	}
	names = append(slices.Clone(names), added...)
	for _, alternatives := range j.needs {
		if !slices.ContainsFunc(names, func(name string) bool {
			return slices.Contains(alternatives, strings.TrimPrefix(name, exported))
		}) {
			return fmt.Errorf("its series have no label %s, which join %s needs", strings.Join(alternatives, " or "), j.name)
		}
	}
	return nil
}

// candidates are the possible keys of a series; nil when it lacks a label.
func (j *join) candidates(m model.Metric) []string {
	if j.all != nil {
		return j.all(m)
	}
	values := make([]string, len(j.needs))
	for i, alternatives := range j.needs {
		if values[i] = firstLabel(m, alternatives); values[i] == "" {
			return nil
		}
	}
	return j.read(values)
}

// exported is the prefix that a scrape adds to a label of the exporter when the
// target has a label of that name.
const exported = "exported_"

// label reads a label. The exporter's value is preferred to that of the target.
func label(m model.Metric, name string) string {
	if v := m[model.LabelName(exported+name)]; v != "" {
		return string(v)
	}
	return string(m[model.LabelName(name)])
}

// firstLabel reads the first of the labels that the series has.
func firstLabel(m model.Metric, names []string) string {
	for _, name := range names {
		if value := label(m, name); value != "" {
			return value
		}
	}
	return ""
}

func slash(values []string) []string { return []string{strings.Join(values, "/")} }

func lower(values []string) []string { return []string{strings.ToLower(strings.Join(values, "/"))} }

// prefixes are the name and its beginnings before a dash, longest first, so that
// checkout-worker-7d9f belongs to checkout-worker rather than to checkout.
func prefixes(namespace, name string) []string {
	keys := []string{namespace + "/" + name}
	for at := strings.LastIndexByte(name, '-'); at > 0; at = strings.LastIndexByte(name[:at], '-') {
		keys = append(keys, namespace+"/"+name[:at])
	}
	return keys
}

func given(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// namespaceOf is the namespace of the service: as declared, or that of all its label
// matchers.
func namespaceOf(s *catalog.Service) string {
	if s.Kubernetes.Namespace != "" {
		return s.Kubernetes.Namespace
	}
	namespace := ""
	for _, ref := range s.Prometheus {
		named := ref.Matchers["namespace"]
		if named == "" || namespace != "" && named != namespace {
			return ""
		}
		namespace = named
	}
	return namespace
}

func serviceNames(s *catalog.Service) []string {
	return append([]string{s.Name}, s.Aliases...)
}

// The labels with which Sloth and Pyrra name an objective, and the service of one.
var (
	objectiveLabels        = []string{"sloth_id", "slo"}
	objectiveServiceLabels = []string{"sloth_service", "service", "service_name"}
)

// objectiveKinds are what names of objectives commonly end in: checkout-availability.
var objectiveKinds = []string{"-availability", "-latency", "-errors", "-error-rate", "-requests", "-success-rate",
	"-slo"}

// objectiveCandidates are the objective of a series, the service that it names, and the
// service whose name the objective begins with.
func objectiveCandidates(m model.Metric) []string {
	var keys []string
	for _, name := range append(slices.Clone(objectiveLabels), objectiveServiceLabels...) {
		keys = append(keys, given(label(m, name))...)
	}
	for _, kind := range objectiveKinds {
		if service, ok := strings.CutSuffix(label(m, "slo"), kind); ok {
			keys = append(keys, given(service)...)
		}
	}
	return keys
}

func objectiveNames(s *catalog.Service) []string {
	if len(s.SLO) > 0 {
		return s.SLO
	}
	return serviceNames(s)
}

func publicURLs(s *catalog.Service) []string {
	var keys []string
	for _, u := range s.PublicURLs {
		keys = append(keys, address(u))
	}
	return keys
}

func firstURL(s *catalog.Service) string {
	return strings.Join(s.PublicURLs[:min(1, len(s.PublicURLs))], "")
}

// address writes a web address in one way: the scheme and host in lower case,
// no slash at the end.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return strings.TrimSuffix(u.String(), "/")
}

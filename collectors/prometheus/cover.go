package prometheus

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/catalog"
)

// A rule covers a service when its labels name the service, or when every
// selector of its expression fits the service and at least one pins it down.
// Rules for a whole fleet fit everybody and pin nobody, so they cover nobody.

// The labels that tell one service from another.
const (
	labelService   = "service"
	labelNamespace = "namespace"
)

// identityLabels are the labels that can pin a service.
func identityLabels() []string {
	return []string{labelService, "service_name", "job", labelNamespace, "workload", "sloth_service"}
}

// identity is what the labels of a service's series are known to be: values by
// label name. A label that is not in it is not known.
type identity map[string][]string

func (id identity) add(label string, values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(id[label], v) {
			id[label] = append(id[label], v)
		}
	}
}

// identityOf is what the catalog says about a service's series on a server.
func identityOf(s *catalog.Service, server string) identity {
	id := identity{}
	refs, all := onServer(s, server)
	if !all && len(refs) == 0 {
		return id
	}
	for _, ref := range refs {
		for name, value := range ref.Matchers {
			id.add(name, value)
		}
	}
	if clusters := clusters(refs); clusters[0] != "" {
		id.add("cluster", clusters...)
	}
	names := serviceNames(s)
	id.add(labelService, names...)
	id.add("service_name", names...)
	id.add("sloth_service", objectiveNames(s)...)
	id.add(labelNamespace, namespaceOf(s))
	for _, name := range []string{"workload", "deployment", "statefulset", "daemonset", "destination_workload"} {
		id.add(name, s.Kubernetes.Workload)
	}
	return id
}

// identifiable reports whether rules of a server can be told to be about the
// service: by what the catalog says beyond its bare name.
func identifiable(s *catalog.Service, server string) bool {
	refs, all := onServer(s, server)
	return len(refs) > 0 || all && (namespaceOf(s) != "" || s.Kubernetes.Workload != "" || len(s.SLO) > 0)
}

// sight knows the identities of all services.
type sight struct {
	identities []identity
	// pins are the services by the values that pin them: label, value.
	pins map[string]map[string][]int
}

func newSight(s *scope, server string) *sight {
	out := &sight{pins: map[string]map[string][]int{}}
	for i, service := range s.services {
		id := identity{}
		if identifiable(service, server) {
			id = identityOf(service, server)
		}
		out.identities = append(out.identities, id)
		own := ownLabels(service, server)
		for name, values := range id {
			if !slices.Contains(identityLabels(), name) && !slices.Contains(own, name) {
				continue
			}
			if out.pins[name] == nil {
				out.pins[name] = map[string][]int{}
			}
			for _, v := range values {
				out.pins[name][v] = append(out.pins[name][v], i)
			}
		}
	}
	return out
}

// ownLabels are the labels that the catalog matches the service on. Whatever
// they are called, they tell it from others; only the cluster does not.
func ownLabels(s *catalog.Service, server string) []string {
	refs, _ := onServer(s, server)
	var names []string
	for _, ref := range refs {
		for name := range ref.Matchers {
			if name != "cluster" && name != "environment" && name != "env" {
				names = append(names, name)
			}
		}
	}
	return names
}

// covered are the indexes of the services that a rule covers, ascending. e is
// nil when the expression cannot be read. everybody is true for a rule that pins
// no service, though its series may be of any: it is for a whole fleet.
func (s *sight) covered(rule ruleRecord, e parser.Expr) (list []int, everybody bool) {
	found := map[int]bool{}
	for name, value := range rule.Labels {
		for _, i := range s.pins[name][value] {
			if s.labelsAgree(i, rule.Labels) {
				found[i] = true
			}
		}
	}
	if e != nil {
		all := selectors(e)
		for i := range s.pinned(all) {
			if !found[i] && !slices.ContainsFunc(all,
				func(v *parser.VectorSelector) bool { return !fitsSelector(s.identities[i], v) }) {
				found[i] = true
			}
		}
	}
	for i := range found {
		list = append(list, i)
	}
	slices.Sort(list)
	return list, len(list) == 0 && e != nil && !slices.ContainsFunc(selectors(e), pinsSomebody)
}

// labelsAgree reports whether no label of a rule says that it is somebody
// else's. Templates are filled in when the alert fires and say nothing before.
func (s *sight) labelsAgree(i int, ruleLabels map[string]string) bool {
	for name, value := range ruleLabels {
		known := s.identities[i][name]
		if len(known) > 0 && !strings.Contains(value, "{{") && !slices.Contains(known, value) {
			return false
		}
	}
	return true
}

// pinned are the services that a selector's matcher pins down.
func (s *sight) pinned(all []*parser.VectorSelector) map[int]bool {
	found := map[int]bool{}
	for _, v := range all {
		for _, m := range v.LabelMatchers {
			values := s.pins[m.Name]
			if len(values) == 0 || foreignJob(v, m) {
				continue
			}
			switch {
			case m.Type == labels.MatchEqual && m.Value != "":
				for _, i := range values[m.Value] {
					found[i] = true
				}
			case m.Type == labels.MatchRegexp && !m.Matches(nobody) && !m.Matches(""):
				for value, services := range values {
					if m.Matches(value) {
						for _, i := range services {
							found[i] = true
						}
					}
				}
			}
		}
	}
	return found
}

// pinsSomebody reports whether a selector names one or some of many.
func pinsSomebody(v *parser.VectorSelector) bool {
	return slices.ContainsFunc(v.LabelMatchers, func(m *labels.Matcher) bool {
		return slices.Contains(identityLabels(), m.Name) && !foreignJob(v, m) && !m.Matches(nobody) && !m.Matches("")
	})
}

// nobody is no service's name: an expression that matches it, matches anything.
const nobody = "\x01nobody\x01"

// fitsSelector reports whether the series of a selector can be the service's. A
// label by which services are told apart and that the catalog does not know of
// this one, is taken as another's.
func fitsSelector(id identity, v *parser.VectorSelector) bool {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel || foreignJob(v, m) {
			continue
		}
		known := id[m.Name]
		if len(known) == 0 {
			if slices.Contains(identityLabels(), m.Name) && !m.Matches(nobody) && !m.Matches("") {
				return false
			}
			continue
		}
		if !slices.ContainsFunc(known, m.Matches) {
			return false
		}
	}
	return true
}

// foreignJob reports whether a matcher is about the exporter that speaks of the
// service, and not about the service: kube_pod_info{job="kube-state-metrics"}.
func foreignJob(v *parser.VectorSelector, m *labels.Matcher) bool {
	if m.Name != "job" && m.Name != "service" {
		return false
	}
	return slices.ContainsFunc([]string{"kube_", "container_", "kubelet_", "probe_", "istio_", "node_"},
		func(prefix string) bool {
			return strings.HasPrefix(v.Name, prefix)
		})
}

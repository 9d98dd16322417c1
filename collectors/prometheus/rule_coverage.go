package prometheus

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/catalog"
)

// A rule covers a service when its labels name the service, or when every
// selector of its expression fits the service and at least one identifies it.
// Rules for a whole fleet fit every service and identify none, so they cover none.

// Labels that identify a service.
const (
	labelService   = "service"
	labelNamespace = "namespace"
)

// identityLabels are the labels that can identify a service.
func identityLabels() []string {
	return []string{labelService, "service_name", "service.name", "job", labelNamespace, "workload", "sloth_service",
		"sloth_id", "slo"}
}

// identity has the known values of the labels of a service's series, by the name of
// the label. A label that is not in it is unknown.
type identity map[string][]string

func (id identity) add(label string, values ...string) {
	for _, v := range values {
		if v != "" && !slices.Contains(id[label], v) {
			id[label] = append(id[label], v)
		}
	}
}

// identityOf is what the catalog says about a service's series on a server.
func identityOf(s *catalog.Service, server serverName) identity {
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
	id.add("service.name", names...)
	id.add("sloth_service", append(names, s.SLO...)...)
	id.add("sloth_id", s.SLO...)
	id.add("slo", objectiveNames(s)...)
	if len(s.SLO) == 0 {
		for _, kind := range objectiveKinds {
			id.add("slo", s.Name+kind)
		}
	}
	id.add(labelNamespace, namespaceOf(s))
	for _, name := range []string{"workload", "deployment", "statefulset", "daemonset", "destination_workload"} {
		id.add(name, s.Kubernetes.Workload)
	}
	return id
}

// identifiable reports whether rules and alerts of a server can be matched to the
// service: the catalog must have more of it than the name.
func identifiable(s *catalog.Service, server serverName) bool {
	refs, all := onServer(s, server)
	return len(refs) > 0 || all && (namespaceOf(s) != "" || s.Kubernetes.Workload != "" || len(s.SLO) > 0)
}

// identities are the identities of all services.
type identities struct {
	// of are the identities, by the index of the service.
	of []identity
	// byLabel are the services by the labels that identify them: name, value.
	byLabel map[string]map[string][]int
	// byClue are the services by what a rule of no service may have in common with them.
	byClue *clueIndex[int]
}

func newIdentities(s *scope, server serverName) *identities {
	out := &identities{byLabel: map[string]map[string][]int{}, byClue: newClueIndex[int](s)}
	for i, service := range s.services {
		id := identity{}
		if identifiable(service, server) {
			id = identityOf(service, server)
			out.addClues(i, id, service.Team)
		}
		out.of = append(out.of, id)
		own := ownLabels(service, server)
		for name, values := range id {
			if !slices.Contains(identityLabels(), name) && !slices.Contains(own, name) {
				continue
			}
			if out.byLabel[name] == nil {
				out.byLabel[name] = map[string][]int{}
			}
			for _, v := range values {
				out.byLabel[name][v] = append(out.byLabel[name][v], i)
			}
		}
	}
	return out
}

// ownLabels are the labels that the catalog matches the service on. Each of them
// identifies it, whatever its name; only the cluster and the environment do not.
func ownLabels(s *catalog.Service, server serverName) []string {
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

// covered are the indexes of the services that a rule covers, ascending.
// isFleetWide is true for a rule that identifies no service, though its series may be
// those of any.
func (s *identities) covered(rule ruleRecord, text ruleText) (list []int, isFleetWide bool) {
	found := s.named(rule.Labels)
	all := text.selectors
	for i := range s.selected(all) {
		if !slices.ContainsFunc(all, func(v *parser.VectorSelector) bool { return !fitsSelector(s.of[i], v) }) {
			found[i] = true
		}
	}
	list = slices.Sorted(maps.Keys(found))
	isSpecific := slices.ContainsFunc(all, func(v *parser.VectorSelector) bool {
		return slices.ContainsFunc(v.LabelMatchers, func(m *labels.Matcher) bool { return isSpecific(v, m) })
	})
	return list, len(list) == 0 && text.complete && !isSpecific
}

// named are the services that the static labels of a rule name.
func (s *identities) named(ruleLabels map[string]string) map[int]bool {
	found := map[int]bool{}
	for name, value := range ruleLabels {
		for _, i := range s.byLabel[name][value] {
			if s.labelsAgree(i, ruleLabels) {
				found[i] = true
			}
		}
	}
	return found
}

// quoted are the services that an expression may be about which cannot be read: those
// of which a quoted text is a value that identifies them, or else all that rules
// can be matched to.
func (s *identities) quoted(text ruleText) []int {
	found := map[int]bool{}
	for _, values := range s.byLabel {
		for _, quoted := range text.strings {
			for _, i := range values[quoted] {
				found[i] = true
			}
		}
	}
	if len(found) > 0 {
		return slices.Sorted(maps.Keys(found))
	}
	var all []int
	for i, id := range s.of {
		if len(id) > 0 {
			all = append(all, i)
		}
	}
	return all
}

// unknown names the service that a rule is about and that the catalog does not have,
// by the label with which the rule names it; empty when it names none.
func (s *identities) unknown(rule ruleRecord, text ruleText) string {
	for _, name := range identityLabels() {
		if value := rule.Labels[name]; value != "" && !strings.Contains(value, "{{") {
			return fmt.Sprintf("%s=%q", name, value)
		}
	}
	for _, v := range text.selectors {
		for _, m := range v.LabelMatchers {
			if isSpecific(v, m) {
				return m.String()
			}
		}
	}
	return ""
}

// labelsAgree reports whether no label of a rule contradicts the identity of a
// service. Templates get their values when the alert fires, and are ignored.
func (s *identities) labelsAgree(i int, ruleLabels map[string]string) bool {
	for name, value := range ruleLabels {
		known := s.of[i][name]
		if namesObjectiveOf(s.of[i], name, func(label string) string { return ruleLabels[label] }) {
			continue
		}
		if len(known) > 0 && !strings.Contains(value, "{{") && !slices.Contains(known, value) {
			return false
		}
	}
	return true
}

// namesObjectiveOf reports whether a label names one of several objectives of a service
// that another label names. Those that the catalog does not list are the service's,
// too. value returns the value of a label.
func namesObjectiveOf(id identity, name string, value func(label string) string) bool {
	return slices.Contains(objectiveLabels, name) && slices.ContainsFunc(objectiveServiceLabels,
		func(label string) bool { return slices.Contains(id[label], value(label)) })
}

// selected are the services that a matcher of a selector identifies.
func (s *identities) selected(all []*parser.VectorSelector) map[int]bool {
	found := map[int]bool{}
	for _, v := range all {
		for _, m := range v.LabelMatchers {
			services := s.byLabel[m.Name]
			var values []string
			switch {
			case isExporterLabel(v, m):
			case m.Type == labels.MatchEqual && m.Value != "":
				values = []string{m.Value}
			case m.Type == labels.MatchRegexp && !matchesAny(m):
				values = slices.Collect(maps.Keys(services))
			}
			for _, value := range values {
				if !m.Matches(value) {
					continue
				}
				for _, i := range services[value] {
					found[i] = true
				}
			}
		}
	}
	return found
}

// matchesAny reports whether a matcher accepts any value, or none.
func matchesAny(m *labels.Matcher) bool {
	const noService = "\x01no service has this name\x01"
	return m.Matches(noService) || m.Matches("")
}

// isSpecific reports whether a matcher selects some of all services.
func isSpecific(v *parser.VectorSelector, m *labels.Matcher) bool {
	return slices.Contains(identityLabels(), m.Name) && !isExporterLabel(v, m) && !matchesAny(m)
}

// fitsSelector reports whether the series of a selector can be the service's. An
// identity label that the catalog does not have for the service means another one.
func fitsSelector(id identity, v *parser.VectorSelector) bool {
	value := func(label string) string {
		for _, m := range v.LabelMatchers {
			if m.Name == label && m.Type == labels.MatchEqual {
				return m.Value
			}
		}
		return ""
	}
	return !slices.ContainsFunc(v.LabelMatchers, func(m *labels.Matcher) bool {
		known := id[m.Name]
		switch {
		case m.Name == model.MetricNameLabel || isExporterLabel(v, m) || namesObjectiveOf(id, m.Name, value):
			return false
		case len(known) == 0:
			return isSpecific(v, m)
		}
		return !slices.ContainsFunc(known, m.Matches)
	})
}

// isExporterLabel reports whether a matcher is about the exporter that has the
// series, and not about the service: kube_pod_info{job="kube-state-metrics"}.
func isExporterLabel(v *parser.VectorSelector, m *labels.Matcher) bool {
	if m.Name != "job" && m.Name != "service" {
		return false
	}
	begins := func(prefix string) bool { return strings.HasPrefix(v.Name, prefix) }
	// What an exporter exports about itself is about the exporter.
	own := []string{"kube_state_metrics_", "node_exporter_", "node_scrape_collector_", "container_scrape_error",
		"istio_agent_", "istio_build"}
	others := []string{"kube_", "container_", "kubelet_volume_stats_", "probe_", "istio_", "node_"}
	return slices.ContainsFunc(others, begins) && !slices.ContainsFunc(own, begins)
}

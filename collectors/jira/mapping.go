package jira

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

// mapping finds the catalog's services of issues. It ignores letter case, as
// Jira's queries do.
type mapping struct {
	// referring are the names of services with a reference to this site, in
	// catalog order, and projects those of each.
	referring []string
	projects  map[string][]string
	// targets are the references by project.
	targets map[string][]target
	// names are the services by name and alias.
	names map[string][]string
	// keys are the projects, sorted, as the catalog writes them.
	keys []string
	// hash changes when an issue may belong to other services than before.
	hash string
}

// target is a reference to a project, of the issues that have the component and
// the label. Each is empty where it does not narrow.
type target struct{ service, component, label string }

// accepts reports whether the issue, which is in the project, has the component and
// the label.
func (t target) accepts(i *issue) bool {
	hasComponent := slices.ContainsFunc(i.components, func(c string) bool { return fold(c) == t.component })
	return (t.component == "" || hasComponent) && t.acceptsLabels(i)
}

// acceptsLabels reports whether the issue has the label.
func (t target) acceptsLabels(i *issue) bool { return t.label == "" || i.has(t.label) }

func newMapping(s *Source, services []*catalog.Service) *mapping {
	m := &mapping{projects: map[string][]string{}, targets: map[string][]target{}, names: map[string][]string{}}
	sum := fnv.New64a()
	for _, service := range services {
		for _, name := range append([]string{service.Name}, service.Aliases...) {
			if folded := fold(name); folded != "" && !slices.Contains(m.names[folded], service.Name) {
				m.names[folded] = append(m.names[folded], service.Name)
			}
			_, _ = fmt.Fprintf(sum, "%q", name)
		}
		refs := s.references(service)
		if len(refs) == 0 {
			continue
		}
		m.referring = append(m.referring, service.Name)
		for _, ref := range refs {
			_, _ = fmt.Fprintf(sum, "%q%q", ref.Project, ref.Component)
			if ref.Label != "" {
				_, _ = fmt.Fprintf(sum, "label%q", ref.Label)
			}
			project := fold(ref.Project)
			if m.targets[project] == nil {
				m.keys = append(m.keys, ref.Project)
			}
			label := strings.TrimSpace(ref.Label)
			m.targets[project] = append(m.targets[project], target{service.Name, fold(ref.Component), label})
			m.projects[service.Name] = append(m.projects[service.Name], project)
		}
	}
	slices.Sort(m.keys)
	m.hash = fmt.Sprintf("%016x", sum.Sum64())
	return m
}

// fold makes names comparable that differ in letter case or outer blanks.
func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// foldedSet is the set of the names, without regard to letter case and outer blanks.
func foldedSet(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[fold(name)] = true
	}
	return set
}

// owners are the services with a reference to the issue's project that accepts the
// issue.
func (m *mapping) owners(i *issue) []string {
	return m.matching(i.project, func(t target) bool { return t.accepts(i) })
}

// ofProject are the services that refer to a project, or to some of its issues.
func (m *mapping) ofProject(project string) []string {
	return m.matching(project, func(target) bool { return true })
}

// matching are the services of the references to a project that isMatch accepts.
func (m *mapping) matching(project string, isMatch func(target) bool) []string {
	var services []string
	for _, t := range m.targets[fold(project)] {
		if isMatch(t) {
			services = append(services, t.service)
		}
	}
	return unique(services)
}

// services are those that the issue names in the way of the link, sorted.
func (m *mapping) services(link ServiceLink, i *issue) []string {
	var found []string
	switch link.By {
	case config.ByProject:
		return m.matching(i.project, func(t target) bool { return t.acceptsLabels(i) })
	case config.ByLabel:
		for _, rest := range withoutPrefix(i.labels, strings.TrimSpace(link.Prefix)) {
			found = append(found, m.names[fold(rest)]...)
		}
	case config.ByField:
		for _, word := range words(i.fields[link.Field]) {
			found = append(found, m.names[fold(word)]...)
		}
	default:
		return m.owners(i)
	}
	return unique(found)
}

// affected are the services that an issue may be about of which not enough is
// known.
type affected struct {
	services []string
	// any means every service that refers to the site.
	any bool
	// why is set when the issue is unknown for another reason than its form.
	why evidence.Missing
}

// affected are the services that an issue that could not be decoded may be about.
func (m *mapping) affected(link ServiceLink, i *issue) affected {
	byProject := link.By == "" || link.By == config.ByComponent || link.By == config.ByProject
	switch {
	case byProject && i.project != "":
		return affected{services: m.ofProject(i.project)}
	case byProject || i.fields == nil:
		return affected{any: true}
	}
	services := m.services(link, i)
	return affected{services: services, any: len(services) == 0}
}

package scaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/report"
)

// draft is a starting configuration before it is written.
type draft struct {
	options Options
	found   findings
	// services are by name.
	services []draftService
	teams    []catalog.Team
	// notes are what a reader should know of the catalog as a whole.
	notes []string
	// names are what series are called, by key; see prometheus.Source.Names.
	names map[string][]string
}

// draftService is an entry with what could not be found out for it.
type draftService struct {
	catalog.Service
	missing []string
	// Chosen says that a person chose the tier.
	Chosen bool
	// Suggested was found and has to be confirmed.
	Suggested []suggestion
	// LinkedInJira says that GitHub or GitLab is from a link of Jira.
	LinkedInJira bool
	// repositories were found, and at most one of them is that of the service.
	repositories []repository
	// links are the web addresses that Jira has for it, and projectLinks those that it
	// has for a project of which the service is one component.
	links, projectLinks []string
	// gaps are the keys that the entry lacks.
	gaps []report.Gap
}

// newDraft makes the entries of the catalog and links them by name: what is
// called the same in two sources is taken for the same.
func newDraft(o Options, f findings) *draft {
	d := &draft{options: o, found: f, names: f.names}
	var made catalog.Discovered
	switch {
	case f.pagerDuty != nil:
		made = d.fromPagerDuty()
	case f.jira != nil:
		made = d.fromComponents()
	}
	for _, refused := range made.Refused {
		for _, text := range refused.Lines() {
			d.notes = append(d.notes, "Left out: "+text+".")
		}
	}
	if len(made.Services) == 0 {
		d.notes = append(d.notes, "No source names services. Write each below services, as config.example.yaml shows, "+
			"or read them from Backstage: backstage: [catalog/*/catalog-info.yaml]")
	}
	d.teams = made.Teams
	slices.SortFunc(d.teams, func(a, b catalog.Team) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(made.Services, func(a, b catalog.Service) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range made.Services {
		entry := draftService{Service: s}
		if f.jira != nil {
			d.linkJira(&entry)
		}
		if f.prometheus != nil {
			d.linkPrometheus(&entry)
			d.fillFromSeries(&entry)
		}
		entry.fillRepository()
		d.services = append(d.services, entry)
	}
	d.fillTeams()
	for i := range d.services {
		if s := &d.services[i]; s.Team == "" {
			s.missing = append([]string{"team"}, s.missing...)
		}
	}
	d.noteUnused()
	return d
}

// fromPagerDuty makes a service of every PagerDuty service that is in use.
func (d *draft) fromPagerDuty() catalog.Discovered {
	survey := d.found.pagerDuty
	var list []catalog.PagerDutyService
	var disabled []string
	for _, s := range survey.Services {
		if s.Status == "disabled" {
			disabled = append(disabled, s.Name+" ("+s.ID+")")
			continue
		}
		in := catalog.PagerDutyService{Account: d.options.PagerDuty.Name, ID: s.ID, Name: s.Name}
		for _, team := range s.Teams {
			in.Teams = append(in.Teams, team.Name)
		}
		list = append(list, in)
	}
	made, err := catalog.Discover(d.everyService(), list)
	if err != nil {
		// The one rule is a constant and compiles.
		d.notes = append(d.notes, err.Error())
	}
	slices.Sort(disabled)
	d.note("Left out, since they are disabled in PagerDuty", disabled)
	d.note("Left out, since their records could not be read", survey.Unreadable)
	if survey.Nameless > 0 {
		d.notes = append(d.notes, fmt.Sprintf("Left out, since the record could not be read at all: %s.",
			report.Plural(survey.Nameless, "service")))
	}
	if survey.TeamsError != nil {
		d.notes = append(d.notes, "Teams could not be listed; those here are what the services say: "+
			survey.TeamsError.Error())
	}
	owning := map[string]bool{}
	for _, t := range made.Teams {
		owning[t.Name] = true
	}
	var idle []string
	for _, t := range survey.Teams {
		if name := catalog.NameOf(t.Name); name != "" && !owning[name] {
			idle = append(idle, t.Name)
		}
	}
	slices.Sort(idle)
	d.note("Teams of PagerDuty that own none of these services", slices.Compact(idle))
	return made
}

// everyService is the rule that makes a service of everything that is found.
func (d *draft) everyService() []catalog.Discovery {
	return []catalog.Discovery{{Name: `(?s).*`, Entry: catalog.Service{Tier: d.options.Tier}}}
}

// fromComponents makes a service of every component of Jira, where PagerDuty gave
// none.
func (d *draft) fromComponents() catalog.Discovered {
	var list []catalog.PagerDutyService
	for _, p := range d.found.jira.Projects {
		for _, c := range p.Components {
			list = append(list, catalog.PagerDutyService{ID: p.Key + "/" + c.Name, Name: c.Name})
		}
	}
	made, err := catalog.Discover(d.everyService(), list)
	if err != nil {
		d.notes = append(d.notes, err.Error())
	}
	for i := range made.Services {
		made.Services[i].PagerDuty = nil
	}
	made.Refused = nil
	if len(made.Services) > 0 {
		d.notes = append(d.notes, "PagerDuty gave no services, so these are the components of Jira.")
	}
	return made
}

// linkJira refers to the components that are called like the service, else to
// the project.
func (d *draft) linkJira(s *draftService) {
	for _, p := range d.found.jira.Projects {
		for _, c := range p.Components {
			if catalog.NameOf(c.Name) == s.Name {
				s.Jira = append(s.Jira, catalog.JiraRef{Project: p.Key, Component: c.Name})
				s.links, s.projectLinks = append(s.links, c.Links...), append(s.projectLinks, p.Links...)
			}
		}
	}
	if len(s.Jira) == 0 {
		for _, p := range d.found.jira.Projects {
			if catalog.NameOf(p.Name) == s.Name || catalog.NameOf(p.Key) == s.Name {
				s.Jira = append(s.Jira, catalog.JiraRef{Project: p.Key})
				s.links = append(s.links, p.Links...)
			}
		}
	}
	if len(s.Jira) == 0 {
		s.missing = append(s.missing, "jira")
	}
}

// linkPrometheus selects series by a job that is called like the service, else
// by the namespace. An operator puts the namespace before the job: shop/cart.
func (d *draft) linkPrometheus(s *draftService) {
	found := d.found.prometheus
	for _, job := range found.Jobs {
		if catalog.NameOf(job) == s.Name || catalog.NameOf(job[strings.LastIndexByte(job, '/')+1:]) == s.Name {
			s.Prometheus = append(s.Prometheus, catalog.PrometheusRef{Matchers: map[string]string{"job": job}})
		}
	}
	for _, namespace := range found.Namespaces {
		if namespace != s.Name {
			continue
		}
		s.Kubernetes.Namespace = namespace
		if len(s.Prometheus) == 0 {
			s.Prometheus = append(s.Prometheus, catalog.PrometheusRef{Matchers: map[string]string{"namespace": namespace}})
		}
	}
	if len(s.Prometheus) == 0 {
		s.missing = append(s.missing, "prometheus")
	}
}

// noteUnused lists what was seen and belongs to no service yet, so that the
// missing links can be written by hand.
func (d *draft) noteUnused() {
	components, projects, matchers := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range d.services {
		for _, ref := range s.Jira {
			components[ref.Project+"/"+ref.Component] = true
			projects[ref.Project] = true
		}
		for _, ref := range s.Prometheus {
			for _, value := range ref.Matchers {
				matchers[value] = true
			}
		}
		matchers[s.Kubernetes.Namespace] = true
	}
	if found := d.found.jira; found != nil {
		var unused []string
		for _, p := range found.Projects {
			for _, c := range p.Components {
				if name := p.Key + "/" + c.Name; !components[name] {
					unused = append(unused, name)
				}
			}
			if len(p.Components) == 0 && !projects[p.Key] {
				unused = append(unused, p.Key)
			}
		}
		d.note("Projects and components of Jira that no service refers to", unused)
	}
	if found := d.found.prometheus; found != nil {
		d.note("Jobs of Prometheus that no service refers to", without(found.Jobs, matchers))
		d.note("Namespaces that no service refers to", without(found.Namespaces, matchers))
		if len(found.Clusters) > 1 {
			d.note("The server has several clusters; where two run a service of one name, add cluster to "+
				"its prometheus entry", found.Clusters)
		}
	}
}

// moreTeams are names of teams that are no team of an entry yet: teams of PagerDuty that
// own no service, else namespaces; TEAM where there is neither.
func (d *draft) moreTeams() []string {
	var names []string
	add := func(name string) {
		known := func(t catalog.Team) bool { return t.Name == name }
		if name != "" && !slices.Contains(names, name) && !slices.ContainsFunc(d.teams, known) {
			names = append(names, name)
		}
	}
	if d.found.pagerDuty != nil {
		for _, t := range d.found.pagerDuty.Teams {
			add(catalog.NameOf(t.Name))
		}
	}
	if len(names)+len(d.teams) == 0 && d.found.prometheus != nil {
		for _, namespace := range d.found.prometheus.Namespaces {
			add(catalog.NameOf(namespace))
		}
	}
	if len(names) == 0 {
		return []string{"TEAM"}
	}
	slices.Sort(names)
	return names[:min(len(names), noteAtMost)]
}

// candidates are the services that the jobs of Prometheus, else its namespaces, could
// be. There are none where a source names services.
func (d *draft) candidates() []catalog.Service {
	if len(d.services) > 0 || d.found.prometheus == nil {
		return nil
	}
	label, values := "job", d.found.prometheus.Jobs
	if len(values) == 0 {
		label, values = "namespace", d.found.prometheus.Namespaces
	}
	var found []catalog.Service
	for _, value := range values {
		name := catalog.NameOf(value[strings.LastIndexByte(value, '/')+1:])
		known := func(s catalog.Service) bool { return s.Name == name }
		if name == "" || slices.ContainsFunc(found, known) {
			continue
		}
		found = append(found, catalog.Service{Name: name,
			Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{label: value}}}})
	}
	return found[:min(len(found), noteAtMost)]
}

// noteAtMost bounds how many names a note lists.
const noteAtMost = 40

func (d *draft) note(what string, names []string) {
	if len(names) == 0 {
		return
	}
	more := ""
	if n := len(names) - noteAtMost; n > 0 {
		names, more = names[:noteAtMost], fmt.Sprintf(" and %d more", n)
	}
	d.notes = append(d.notes, what+": "+strings.Join(names, ", ")+more+".")
}

func without(all []string, used map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return used[name] })
}

// incidentsJQL and reviewsJQL guess which tickets are incidents and readiness
// reviews from the types that there are; empty when there is no such type.
func incidentsJQL(types []string) string {
	return jqlOfType(types, func(name string) bool {
		return name == "incident" || name == "[system] incident" || name == "major incident"
	})
}

func reviewsJQL(types []string) string {
	return jqlOfType(types, func(name string) bool {
		return name == "prr" || strings.Contains(name, "readiness")
	})
}

func jqlOfType(types []string, is func(lower string) bool) string {
	var quoted []string
	for _, t := range types {
		if is(strings.ToLower(t)) {
			quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(t)+`"`)
		}
	}
	switch len(quoted) {
	case 0:
		return ""
	case 1:
		return "issuetype = " + quoted[0]
	}
	return "issuetype in (" + strings.Join(quoted, ", ") + ")"
}

// presetsOf are the presets that a server can answer.
func presetsOf(f findings) []string {
	if f.prometheus == nil {
		return nil
	}
	var names []string
	for _, p := range f.prometheus.Presets {
		if p.Recognised() {
			names = append(names, p.Name)
		}
	}
	return names
}

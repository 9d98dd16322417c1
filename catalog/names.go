package catalog

import (
	"slices"
	"strings"
)

// NamesShort and NamesQualified are how a component of Backstage is called: by its
// name where no other namespace has it, or always as namespace/name.
const (
	NamesShort     = "short"
	NamesQualified = "qualified"
)

// Namings are the known words for EntityRules.Names.
var Namings = [...]string{NamesShort, NamesQualified}

// qualified is the name with its namespace.
func qualified(namespace, name string) string { return namespace + "/" + name }

// shared finds names that are given in several namespaces.
type shared map[string][]string

func (n shared) add(namespace, name string) {
	if !slices.Contains(n[name], namespace) {
		n[name] = append(n[name], namespace)
	}
}

// name is what an entity is called. Where several namespaces have the name, that
// of the default namespace keeps the short one.
func (n shared) name(naming, namespace, name string) string {
	if naming == NamesQualified || namespace != DefaultNamespace && len(n[name]) > 1 {
		return qualified(namespace, name)
	}
	return name
}

// Qualify gives entities that are called the same in several namespaces different
// names, and finds the teams that components name as their owners. It changes
// entries once.
func (r Rules) Qualify(e Entries) Entries {
	if e.qualified {
		return e
	}
	e.qualified = true
	e.Services, e.Teams, e.Notes = slices.Clone(e.Services), slices.Clone(e.Teams), slices.Clone(e.Notes)
	services, teams := shared{}, shared{}
	for i := range e.Services {
		services.add(e.Services[i].namespace(), e.Services[i].short())
	}
	for i := range e.Teams {
		teams.add(e.Teams[i].namespace(), e.Teams[i].short())
	}
	owners := owners{called: map[string]string{}, users: e.Users, teams: teams}
	for i := range e.Teams {
		t := &e.Teams[i]
		full := qualified(t.namespace(), t.short())
		if t.Source == SourceBackstage {
			t.Name = teams.name(r.Entities.Names, t.namespace(), t.short())
		}
		owners.called[full] = t.Name
	}
	for i := range e.Services {
		s := &e.Services[i]
		if s.source() != SourceBackstage {
			continue
		}
		s.Name = services.name(r.Entities.Names, s.namespace(), s.short())
		for _, owner := range []*string{&s.Team, &s.DataOwner} {
			found, person := owners.find(*owner, s.namespace())
			if person {
				e.Notes = append(e.Notes, Note{s.Origin, s.subject(), "the owner is a person, who is not taken for a team; " +
					"name a group"})
			}
			*owner = found
		}
	}
	return e
}

func (s *Service) short() string { return strings.TrimPrefix(s.Name, s.namespace()+"/") }

func (t *Team) short() string { return strings.TrimPrefix(t.Name, t.namespace()+"/") }

func (s *Service) subject() string {
	if s.Source == SourceBackstage {
		return `component "` + s.Name + `"`
	}
	return `service "` + s.Name + `"`
}

// owners finds teams by what components write.
type owners struct {
	// called are the names of teams by namespace/name.
	called map[string]string
	teams  shared
	// users are people, as namespace/name.
	users []string
}

// find is the name of the team that a component of a namespace means. It is the
// word itself where no team is found, and empty for a person.
func (o owners) find(ref, namespace string) (team string, person bool) {
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	places := []string{qualified(namespace, ref), qualified(DefaultNamespace, ref)}
	if name != ref {
		places = []string{ref}
	}
	for _, place := range places {
		if called, ok := o.called[place]; ok {
			return called, false
		}
	}
	for _, place := range places {
		if slices.Contains(o.users, place) {
			return "", true
		}
	}
	if in := o.teams[name]; len(in) == 1 {
		return o.called[qualified(in[0], name)], false
	}
	return name, false
}

package correlation

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
)

// Scope is a way of grouping services. The set is closed.
type Scope string

// The scopes of groups, from the widest.
const (
	ScopeFleet Scope = "fleet"
	ScopeOrg   Scope = "org"
	ScopeTeam  Scope = "team"
	ScopeTier  Scope = "tier"
)

// Scopes lists the closed set.
func Scopes() []Scope { return []Scope{ScopeFleet, ScopeOrg, ScopeTeam, ScopeTier} }

// FleetGroup is the name of the one group of ScopeFleet.
const FleetGroup = "all"

// GroupFigures are what is known of the incidents of a group of services. An
// incident that happened to several of them is one.
type GroupFigures struct {
	Scope Scope
	// Group is the team, org or tier, or FleetGroup.
	Group string
	// Services is the number of services in the group.
	Services int
	Figures
}

// PerService measures each service of the catalog that ever had an incident,
// by name. Incidents must be those of Link since Options.Since.
func PerService(incidents []Incident, services []*catalog.Service, o Options, now time.Time) map[string]Figures {
	o = o.withDefaults()
	by := byService(incidents)
	out := make(map[string]Figures, len(by))
	for _, service := range services {
		if f, known := by[service.Name].figures(o, now); known {
			out[service.Name] = f
		}
	}
	return out
}

// PerGroup measures each group of services of the catalog that ever had an
// incident, by scope and group. A service without a team or org is in no group
// of that scope. Incidents must be those of Link since Options.Since.
func PerGroup(incidents []Incident, services []*catalog.Service, o Options, now time.Time) []GroupFigures {
	o = o.withDefaults()
	type key struct {
		scope Scope
		group string
	}
	members := map[key]int{}
	keysOf := make(map[string][]key, len(services))
	for _, s := range services {
		keys := []key{{ScopeFleet, FleetGroup}}
		if s.Org != "" {
			keys = append(keys, key{ScopeOrg, s.Org})
		}
		if s.Team != "" {
			keys = append(keys, key{ScopeTeam, s.Team})
		}
		keys = append(keys, key{ScopeTier, strconv.Itoa(s.Tier)})
		for _, k := range keys {
			members[k]++
		}
		keysOf[s.Name] = keys
	}
	subjects := map[key]subject{}
	for i := range incidents {
		in := &incidents[i]
		for _, service := range in.Services {
			for _, k := range keysOf[service] {
				// Its other services come right after this one.
				if s := subjects[k]; len(s) == 0 || s[len(s)-1] != in {
					subjects[k] = append(s, in)
				}
			}
		}
	}
	var out []GroupFigures
	for k, s := range subjects {
		if f, known := s.figures(o, now); known {
			out = append(out, GroupFigures{Scope: k.scope, Group: k.group, Services: members[k], Figures: f})
		}
	}
	slices.SortFunc(out, func(a, b GroupFigures) int {
		return cmp.Or(slices.Index(Scopes(), a.Scope)-slices.Index(Scopes(), b.Scope), strings.Compare(a.Group, b.Group))
	})
	return out
}

func byService(incidents []Incident) map[string]subject {
	by := map[string]subject{}
	for i := range incidents {
		for _, service := range incidents[i].Services {
			by[service] = append(by[service], &incidents[i])
		}
	}
	return by
}

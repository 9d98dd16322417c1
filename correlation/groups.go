package correlation

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
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

// Severities marks the severities of incidents: 1 to 5, and 0 for unknown.
type Severities [6]bool

// Seen are the severities that the incidents of each service ever had, by service.
type Seen map[string]Severities

// Add marks a severity of a service's incidents. One that is none counts as unknown.
func (s Seen) Add(service string, severity int) {
	marked := s[service]
	marked[knownSeverity(severity)] = true
	s[service] = marked
}

// PerService measures each service of the catalog that ever had an incident, or may
// have had one, by name. Incidents must be those of Link since Options.Since; seen are those of
// all time.
func PerService(
	incidents []Incident, seen Seen, services []*catalog.Service, o Options, now time.Time,
) map[string]Figures {
	o = o.withDefaults()
	by := byService(incidents)
	out := make(map[string]Figures, len(by))
	for _, service := range services {
		var doubts []evidence.IncidentDoubt
		if d, doubted := o.Doubts[service.Name]; doubted {
			doubts = append(doubts, d)
		}
		if f, known := by[service.Name].figures(seen[service.Name], doubts, o, now); known {
			out[service.Name] = f
		}
	}
	return out
}

// PerGroup measures each group of services of the catalog that ever had an incident,
// or may have had one, by scope and group. A service without a team or org is in no group
// of that scope. Incidents must be those of Link since Options.Since; seen are those
// of all time.
func PerGroup(
	incidents []Incident, seen Seen, services []*catalog.Service, o Options, now time.Time,
) []GroupFigures {
	o = o.withDefaults()
	members, keysOf := groupsOf(services)
	subjects := map[groupKey]subject{}
	seenBy, doubtsBy := map[groupKey]Severities{}, map[groupKey][]evidence.IncidentDoubt{}
	for _, service := range services {
		severities, known := seen[service.Name]
		doubt, doubted := o.Doubts[service.Name]
		for _, k := range keysOf[service.Name] {
			if known {
				subjects[k], seenBy[k] = nil, severities.union(seenBy[k])
			}
			if doubted {
				subjects[k], doubtsBy[k] = nil, append(doubtsBy[k], doubt)
			}
		}
	}
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
	for _, k := range sortedGroups(subjects) {
		if f, known := subjects[k].figures(seenBy[k], doubtsBy[k], o, now); known {
			out = append(out, GroupFigures{Scope: k.scope, Group: k.group, Services: members[k], Figures: f})
		}
	}
	return out
}

// groupKey names one group.
type groupKey struct {
	scope Scope
	group string
}

// groupsOf are the groups of each service, and how many services each has.
func groupsOf(services []*catalog.Service) (members map[groupKey]int, keysOf map[string][]groupKey) {
	members, keysOf = map[groupKey]int{}, make(map[string][]groupKey, len(services))
	for _, s := range services {
		keys := []groupKey{{ScopeFleet, FleetGroup}}
		if s.Org != "" {
			keys = append(keys, groupKey{ScopeOrg, s.Org})
		}
		if s.Team != "" {
			keys = append(keys, groupKey{ScopeTeam, s.Team})
		}
		keys = append(keys, groupKey{ScopeTier, strconv.Itoa(s.Tier)})
		for _, k := range keys {
			members[k]++
		}
		keysOf[s.Name] = keys
	}
	return members, keysOf
}

// sortedGroups are the groups of a map from the widest scope, by name.
func sortedGroups[V any](groups map[groupKey]V) []groupKey {
	return slices.SortedFunc(maps.Keys(groups), func(a, b groupKey) int {
		return cmp.Or(slices.Index(Scopes(), a.scope)-slices.Index(Scopes(), b.scope), strings.Compare(a.group, b.group))
	})
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

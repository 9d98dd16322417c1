package correlation

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

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

// Severities marks the severities of incidents: 1 to 5, and 0 for unknown.
type Severities [6]bool

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

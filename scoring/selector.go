package scoring

import (
	"slices"

	"github.com/prodready/collector/catalog"
)

// Selector says for which services something of the configuration is: for those that all
// lists with entries select. One without any entry selects no service. It is the one
// matcher of exemptions, pins and targets.
type Selector struct {
	// Services, Teams and Orgs are names of the catalog, Tiers are 1 to 4. Services may be
	// patterns (catalog.MatchName).
	Services []string
	Tiers    []int
	Teams    []string `json:",omitempty"`
	Orgs     []string `json:",omitempty"`
}

// Selects reports whether the selector is for the service.
func (s *Selector) Selects(subject *Subject) bool {
	return len(s.Services)+len(s.Tiers)+len(s.Teams)+len(s.Orgs) > 0 &&
		s.names(subject.Name) && allows(s.Tiers, int(subject.Tier)) &&
		allows(s.Teams, subject.Team) && allows(s.Orgs, subject.Org)
}

func (s *Selector) names(service string) bool {
	return len(s.Services) == 0 ||
		slices.ContainsFunc(s.Services, func(p string) bool { return catalog.MatchName(p, service) })
}

// specificity orders selectors that are for one service: the higher says more exactly which
// services it is for. One that has the name of the service is before one with patterns of
// names, then come teams, orgs and tiers; selectors that have the same lists are equal.
func (s *Selector) specificity(service string) int {
	rank := 0
	for _, given := range []bool{
		slices.Contains(s.Services, service), len(s.Services) > 0, len(s.Teams) > 0, len(s.Orgs) > 0, len(s.Tiers) > 0,
	} {
		rank *= 2
		if given {
			rank++
		}
	}
	return rank
}

// allows reports whether the value is wanted; a list that is empty wants every value.
func allows[T comparable](wanted []T, value T) bool {
	return len(wanted) == 0 || slices.Contains(wanted, value)
}

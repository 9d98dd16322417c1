package scoring

import "slices"

// Selector says for which services something of the configuration is: for those that all
// lists with entries select. One without any entry selects no service. It is the one
// matcher of exemptions and pins.
type Selector struct {
	// Services, Teams and Orgs are names of the catalog, Tiers are 1 to 4.
	Services []string
	Tiers    []int
	Teams    []string `json:",omitempty"`
	Orgs     []string `json:",omitempty"`
}

// Selects reports whether the selector is for the service.
func (s *Selector) Selects(subject *Subject) bool {
	return len(s.Services)+len(s.Tiers)+len(s.Teams)+len(s.Orgs) > 0 &&
		allows(s.Services, subject.Name) && allows(s.Tiers, int(subject.Tier)) &&
		allows(s.Teams, subject.Team) && allows(s.Orgs, subject.Org)
}

// allows reports whether the value is wanted; a list that is empty wants every value.
func allows[T comparable](wanted []T, value T) bool {
	return len(wanted) == 0 || slices.Contains(wanted, value)
}

package pagerduty

import "slices"

// Groups are the names of all groups of facts, in order.
func Groups() []string {
	var names []string
	for _, l := range listings() {
		for _, g := range l.groups {
			names = append(names, g.name)
		}
	}
	slices.Sort(names)
	return names
}

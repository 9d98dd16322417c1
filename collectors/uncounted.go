package collectors

import (
	"maps"
	"slices"

	"github.com/prodready/collector/evidence"
)

const (
	// maxNamed is how many groups of uncounted records are named.
	maxNamed = 10
	// maxGroups bounds the groups that are kept in memory; records of further groups
	// are counted and not named.
	maxGroups = 50_000
	// maxName bounds the name of a group, in bytes.
	maxName = 200
)

// Uncounted counts what a source has found and could not use, by reason, and names
// the largest groups. Its zero value is empty.
type Uncounted struct {
	reasons map[evidence.UncountedReason]int
	groups  map[uncountedGroup]int
}

type uncountedGroup struct {
	name   string
	reason evidence.UncountedReason
}

// Add counts n records with the name that could not be used for the reason.
func (u *Uncounted) Add(reason evidence.UncountedReason, name string, n int) {
	if n <= 0 {
		return
	}
	if u.groups == nil {
		u.reasons, u.groups = map[evidence.UncountedReason]int{}, map[uncountedGroup]int{}
	}
	u.reasons[reason] += n
	group := uncountedGroup{evidence.Clean(name, maxName), reason}
	if _, known := u.groups[group]; known || len(u.groups) < maxGroups {
		u.groups[group] += n
	}
}

// Merge adds what another has counted.
func (u *Uncounted) Merge(other Uncounted) {
	unnamed := maps.Clone(other.reasons)
	for group, n := range other.groups {
		u.Add(group.reason, group.name, n)
		unnamed[group.reason] -= n
	}
	for reason, n := range unnamed {
		if n > 0 {
			u.reasons[reason] += n
		}
	}
}

// Report returns the counts of records of the kind, with the largest groups.
func (u *Uncounted) Report(kind evidence.UncountedKind) evidence.Uncounted {
	out := evidence.Uncounted{
		Kind: kind, Reasons: map[evidence.UncountedReason]int{}, Largest: []evidence.UncountedGroup{},
	}
	for reason, n := range u.reasons {
		out.Total += n
		out.Reasons[reason] = n
	}
	for g, n := range u.groups {
		out.Largest = append(out.Largest, evidence.UncountedGroup{Name: g.name, Reason: g.reason, Count: n})
	}
	slices.SortFunc(out.Largest, evidence.UncountedGroup.Compare)
	out.Largest = out.Largest[:min(len(out.Largest), maxNamed)]
	return out
}

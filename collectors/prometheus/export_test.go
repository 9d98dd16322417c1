package prometheus

import (
	"maps"
	"slices"
)

// DistinctQueries counts the different queries of a set.
func DistinctQueries(f *Facts) int {
	queries := map[string]bool{}
	for _, fact := range f.facts {
		for _, q := range fact.queries() {
			queries[q.text] = true
		}
	}
	return len(queries)
}

// JoinNames lists the joins.
func JoinNames() []string { return slices.Sorted(maps.Keys(joins())) }

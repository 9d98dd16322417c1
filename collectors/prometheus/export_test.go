package prometheus

// DistinctQueries counts the different queries of a set.
func DistinctQueries(f *Facts) int {
	queries := map[string]bool{}
	for _, fact := range f.facts {
		for _, p := range fact.providers {
			queries[p.query] = true
		}
		if fact.absent != nil {
			queries[fact.absent.witness.query] = true
		}
	}
	return len(queries)
}

// JoinNames lists the joins.
func JoinNames() []string { return sortedNames(joins()) }

package prometheus

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/prodready/collector/collectors"
)

// Names lists, by the keys of a catalog entry, what series of the server are called:
// kubernetes.namespace/kubernetes.workload gives shop/checkout, github gives
// org/repository. It asks for what Recognise has found metrics of, whichever presets
// the source was made with, with at most some queries for each key, whatever the size
// of the server. remarks say what could not be asked, and why.
func (s *Source) Names(ctx context.Context, found Recognition) (
	names map[string][]string, remarks []string, err error,
) {
	library, err := embedded()
	if err != nil {
		return nil, nil, err
	}
	var facts []fact
	for _, p := range library {
		for _, f := range p.facts {
			facts = append(facts, f.fact)
		}
	}
	names = map[string][]string{}
	queries := queriesByKey(facts)
	for _, what := range slices.Sorted(maps.Keys(queries)) {
		seen := map[string]bool{}
		answerable := slices.DeleteFunc(slices.Clone(queries[what]), func(q query) bool { return !found.answers(q) })
		for _, q := range answerable[:min(len(answerable), queriesPerKey)] {
			err := s.seeKeys(ctx, q, seen)
			if collectors.EndsRound(ctx, err) {
				return names, remarks, err
			}
			if err != nil {
				remarks = append(remarks, fmt.Sprintf("the names for %s may be incomplete: %v", what, err))
			}
		}
		if len(seen) > 0 {
			names[what] = slices.Sorted(maps.Keys(seen))
		}
	}
	return names, remarks, nil
}

// answers reports whether the server has the metrics of a query.
func (r Recognition) answers(q query) bool {
	e, err := parseQuery(q.text)
	return err == nil && len(lacking(e, r.known)) == 0
}

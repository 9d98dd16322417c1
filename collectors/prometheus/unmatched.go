package prometheus

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
)

// A series that no service of the catalog owns is a gap in the catalog more
// often than not. They are counted, and the largest groups of them are named.

const (
	// namedStrangers is how many groups are named.
	namedStrangers = 10
	// maxStrangers bounds the groups that are told apart; series of further
	// ones are counted and not named.
	maxStrangers = 50_000
)

// strangers are series of no service, by the key that they would have had.
type strangers struct {
	series int
	groups map[string]int
}

func (s *strangers) add(name string, n int) {
	s.series += n
	if s.groups == nil {
		s.groups = map[string]int{}
	}
	if _, known := s.groups[name]; known || len(s.groups) < maxStrangers {
		s.groups[name] += n
	}
}

// merge adds what another answer has.
func (s *strangers) merge(other strangers) {
	named := 0
	for name, n := range other.groups {
		s.add(name, n)
		named += n
	}
	s.series += other.series - named
}

// unmatched is what is told of them.
func (s *strangers) unmatched() *evidence.Unmatched {
	names := slices.Collect(maps.Keys(s.groups))
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.groups[b], s.groups[a]), strings.Compare(a, b))
	})
	out := &evidence.Unmatched{Series: s.series}
	for _, name := range names[:min(len(names), namedStrangers)] {
		out.Largest = append(out.Largest, evidence.UnmatchedGroup{Name: name, Series: s.groups[name]})
	}
	return out
}

// stranger names a series in the words of the first join that might have found
// it. ok is false when the series need not belong to anybody: most CronJobs of a
// namespace delete no data.
func stranger(readings []reading, m model.Metric) (name string, ok bool) {
	for _, how := range readings {
		if how.join.selective {
			continue
		}
		relabelled, _ := how.relabel.apply(m)
		if !how.join.byMatchers() {
			if keys := how.join.candidates(relabelled); len(keys) > 0 {
				return how.join.name + " " + evidence.Clean(keys[0], 100), true
			}
		}
		return how.join.name + " " + evidence.Clean(relabelled.String(), 100), true
	}
	return "", false
}

// noteStrangers logs the largest groups when they are others than in the last
// round.
func (s *Source) noteStrangers(found *evidence.Unmatched) {
	var largest []string
	for _, g := range found.Largest {
		largest = append(largest, g.Name)
	}
	slices.Sort(largest)
	if names := strings.Join(largest, ", "); names != s.notedStrangers {
		s.notedStrangers = names
		if found.Series > 0 {
			var sizes []string
			for _, g := range found.Largest {
				sizes = append(sizes, fmt.Sprintf("%s (%d)", g.Name, g.Series))
			}
			s.log.Info("series of no service in the catalog", "series", found.Series, "largest", strings.Join(sizes, ", "))
		}
	}
}

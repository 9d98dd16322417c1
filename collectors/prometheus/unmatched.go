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

// Most unmatched series show a gap in the catalog. They are counted, and the
// largest groups of them are named.

const (
	// maxNamed is how many groups are named.
	maxNamed = 10
	// maxGroups bounds the groups that are kept; series of further groups are counted
	// and not named.
	maxGroups = 50_000
	// noticeUnmatched is the subject of the notice about them.
	noticeUnmatched = "unmatched series"
)

// unmatched are series of no service, by the key of the service that they would
// belong to.
type unmatched struct {
	series int
	groups map[string]int
}

func (u *unmatched) add(name string, n int) {
	u.series += n
	if u.groups == nil {
		u.groups = map[string]int{}
	}
	if _, known := u.groups[name]; known || len(u.groups) < maxGroups {
		u.groups[name] += n
	}
}

// merge adds those of another answer.
func (u *unmatched) merge(other unmatched) {
	named := 0
	for name, n := range other.groups {
		u.add(name, n)
		named += n
	}
	u.series += other.series - named
}

// report is their number, with the largest groups.
func (u *unmatched) report() *evidence.Unmatched {
	names := slices.SortedFunc(maps.Keys(u.groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(u.groups[b], u.groups[a]), strings.Compare(a, b))
	})
	out := &evidence.Unmatched{Series: u.series}
	for _, name := range names[:min(len(names), maxNamed)] {
		out.Largest = append(out.Largest, evidence.UnmatchedGroup{Name: name, Series: u.groups[name]})
	}
	return out
}

// unmatchedName names a series by the first join that could have found its
// service. ok is false when the series need not belong to a service: most CronJobs
// of a namespace delete no data.
func unmatchedName(readings []reading, m model.Metric) (name string, ok bool) {
	for _, how := range readings {
		if how.join.selective {
			continue
		}
		relabelled, _ := how.relabel.apply(m)
		key := relabelled.String()
		if !how.join.byMatchers() {
			key = append(how.join.candidates(relabelled), key)[0]
		}
		return how.join.name + " " + evidence.Clean(key, 100), true
	}
	return "", false
}

// logUnmatched logs the largest groups when they differ from those of the last
// round.
func (r *round) logUnmatched(found *evidence.Unmatched) {
	var names, sizes []string
	for _, g := range found.Largest {
		names = append(names, g.Name)
		sizes = append(sizes, fmt.Sprintf("%s (%d)", g.Name, g.Series))
	}
	slices.Sort(names)
	if r.notices.Add(noticeUnmatched, strings.Join(names, ", ")) && found.Series > 0 {
		r.log.Info("series of no service in the catalog", "series", found.Series, "largest", strings.Join(sizes, ", "))
	}
}

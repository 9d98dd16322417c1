package prometheus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
)

// Most unmatched series show a gap in the catalog. They are counted, and the
// largest groups of them are named.

// noticeUnmatched is the subject of the notice about unmatched series.
const noticeUnmatched = "unmatched series"

// unmatchedName names a series by the first join that could have found its
// service, and says why it did not. The name is empty when the series need not
// belong to a service: most CronJobs of a namespace delete no data.
func unmatchedName(readings []reading, m model.Metric) (string, evidence.UncountedReason) {
	for _, how := range readings {
		if how.join.selective {
			continue
		}
		relabelled, _ := how.relabel.apply(m)
		if !how.join.byMatchers() {
			if candidates := how.join.candidates(relabelled); len(candidates) > 0 {
				return how.join.name + " " + candidates[0], evidence.UncountedUnknownService
			}
		}
		return how.join.name + " " + relabelled.String(), evidence.UncountedNoReference
	}
	return "", ""
}

// logUnmatched logs the largest groups when they differ from those of the last
// round.
func (r *round) logUnmatched(found *evidence.Uncounted) {
	var names, sizes []string
	for _, g := range found.Largest {
		names = append(names, g.Name)
		sizes = append(sizes, fmt.Sprintf("%s (%d)", g.Name, g.Count))
	}
	slices.Sort(names)
	if r.notices.Add(noticeUnmatched, strings.Join(names, ", ")) && found.Total > 0 {
		r.log.Info("series of no service, or that cannot be used", "series", found.Total,
			"largest", strings.Join(sizes, ", "))
	}
}

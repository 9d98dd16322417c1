package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/snapshot"
)

// SourceUncounted is what one source has found and could not use.
type SourceUncounted struct {
	Source string `json:"source"`
	evidence.Uncounted
}

// Uncounted lists what all sources could not use, by source and kind; kinds without
// any are left out.
func Uncounted(s *snapshot.Snapshot) []SourceUncounted {
	out := []SourceUncounted{}
	s.EachUncounted(func(source string, u *evidence.Uncounted) {
		if u.Total > 0 {
			out = append(out, SourceUncounted{source, *u})
		}
	})
	return out
}

// Title says what could not be used and why: 7 tickets of jira/main could not be
// used, or only in part: 6 of no service in the catalog, 1 ends before it begins.
func (u SourceUncounted) Title() string {
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(u.Reasons)) {
		reasons = append(reasons, thousands(u.Reasons[reason])+" "+reason.Text())
	}
	return fmt.Sprintf("%s of %s could not be used, or only in part: %s", counted(u.Total, u.Kind), u.Source,
		strings.Join(reasons, ", "))
}

// writeUncounted writes the largest groups of records that could not be used, and
// below them how many there are by reason.
func writeUncounted(p *prose, found []SourceUncounted) {
	for _, u := range found {
		if u.Total == 0 {
			continue
		}
		p.section(&grid{columns: []column{
			{head: "NOT COUNTED", min: 24, wrap: true}, {head: "RECORDS", right: true}, {head: "REASON", min: 16, wrap: true},
		}}, len(u.Largest), func(i int) []string {
			g := u.Largest[i]
			return []string{clean(g.Name), clean(thousands(g.Count)), clean(g.Reason.Text())}
		})
		p.indented(clean(u.Title()) + ".")
		p.blank()
	}
}

// counted counts records of a kind: 1 ticket, 7 tickets, 7 series.
func counted(n int, kind evidence.UncountedKind) string {
	switch {
	case kind == evidence.UncountedSeries:
		return thousands(n) + " series"
	case kind == evidence.UncountedEntry && n != 1:
		return thousands(n) + " entries"
	case kind == evidence.UncountedEntity && n != 1:
		return thousands(n) + " entities"
	}
	return Plural(n, string(kind))
}

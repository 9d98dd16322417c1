package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/prodready/collector/evidence"
)

// uncountedRow is how many records of a kind a source could not use for a reason:
// all of them, or those of one group.
type uncountedRow struct {
	source string
	kind   evidence.UncountedKind
	reason evidence.UncountedReason
	// name of the group; empty for all.
	name  string
	count int
}

func (r *uncountedRow) table() table {
	return table{
		name: "uncounted",
		key:  columns{{"source_id", sourceID(&r.source)}, {"kind", &r.kind}, {"reason", &r.reason}, {"name", &r.name}},
		data: columns{{"records", &r.count}},
	}
}

// uncounted replaces what the source could not use, kind by kind.
func (c *commit) uncounted(ctx context.Context, found []evidence.Uncounted) error {
	for _, u := range found {
		var wanted []uncountedRow
		for reason, n := range u.Reasons {
			wanted = append(wanted, uncountedRow{c.source, u.Kind, reason, "", n})
		}
		for _, g := range u.Largest {
			if name := text(g.Name); name != "" {
				wanted = append(wanted, uncountedRow{c.source, u.Kind, g.Reason, name, g.Count})
			}
		}
		if _, _, err := replace(ctx, c.tx, c.ofSource().and(`kind = ?`, u.Kind), wanted, nil); err != nil {
			return err
		}
	}
	return nil
}

// Uncounted is what each source has found and could not use, by source and by
// kind.
func (s *Store) Uncounted(ctx context.Context) (map[string][]evidence.Uncounted, error) {
	found := map[string][]evidence.Uncounted{}
	err := s.view(ctx, "reading uncounted records", func(v *view) error {
		return read(ctx, v, condition{}, func(r uncountedRow) error {
			found[r.source] = r.addTo(found[r.source])
			return nil
		})
	})
	for _, kinds := range found {
		slices.SortFunc(kinds, func(a, b evidence.Uncounted) int { return cmp.Compare(a.Kind, b.Kind) })
		for i := range kinds {
			slices.SortFunc(kinds[i].Largest, evidence.UncountedGroup.Compare)
		}
	}
	return found, err
}

func (r uncountedRow) addTo(kinds []evidence.Uncounted) []evidence.Uncounted {
	i := slices.IndexFunc(kinds, func(u evidence.Uncounted) bool { return u.Kind == r.kind })
	if i < 0 {
		i = len(kinds)
		kinds = append(kinds, evidence.Uncounted{Kind: r.kind, Reasons: map[evidence.UncountedReason]int{}})
	}
	u := &kinds[i]
	if r.name != "" {
		u.Largest = append(u.Largest, evidence.UncountedGroup{Name: r.name, Reason: r.reason, Count: r.count})
		return kinds
	}
	u.Total += r.count
	u.Reasons[r.reason] = r.count
	return kinds
}

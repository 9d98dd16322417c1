package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// Key names one current value.
type Key struct{ Service, Fact, Source string }

// HistoryRow is one entry of the history of a fact about a service: the value
// that began, or the withdrawal that ended one.
type HistoryRow struct {
	Source string
	From   time.Time
	// Value is invalid in a withdrawal.
	Value     evidence.Value
	Withdrawn evidence.Missing
}

// historyRow is a point of the history of a fact.
type historyRow struct {
	fact, service, source string
	point
}

func (r *historyRow) table() table {
	return table{
		name: "fact_history",
		key: columns{
			{"fact_id", factID(&r.fact)}, {"service_id", serviceID(&r.service)}, {"source_id", sourceID(&r.source)},
			{"from_at", &r.from},
		},
		data: append(valueOf(&r.value), column{"withdrawn", &r.withdrawn}, column{"since", &r.since}),
	}
}

// keepHistory writes the present values of the keys to history if they are not in
// it yet.
func keepHistory(ctx context.Context, t *tx, keys []Key) error {
	type group struct{ source, fact string }
	services := map[group][]string{}
	for _, k := range keys {
		g := group{k.Source, k.Fact}
		services[g] = append(services[g], k.Service)
	}
	var rows []valueRow
	var points []historyRow
	for g, list := range services {
		slices.Sort(list)
		unlogged := ofSource(g.source).and(`NOT logged AND fact_id = ?`, nameIn{factNames, g.fact}).
			in("service_id", namesIn(serviceNames, slices.Compact(list)))
		err := read(ctx, t, unlogged, func(r valueRow) error {
			points = append(points, r.history(r.point()))
			r.logged, r.loggedAt = true, sql.NullInt64{Int64: r.changed, Valid: true}
			rows = append(rows, r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := put(ctx, t, rows...); err != nil {
		return err
	}
	return put(ctx, t, points...)
}

// History lists what a fact about a service was at a time and has been since,
// the oldest first, up to the present value. Doubles are thinned to the fact's
// resolution.
func (s *Store) History(ctx context.Context, service, fact string, since time.Time) ([]HistoryRow, error) {
	var found []HistoryRow
	add := func(source string, p point) {
		row := HistoryRow{Source: source, From: instant(p.from), Withdrawn: p.withdrawn}
		if p.withdrawn == "" {
			row.Value = p.value
		}
		found = append(found, row)
	}
	err := s.view(ctx, "reading the history of "+fact, func(v *view) error {
		about := where(`fact_id = ? AND service_id = ?`, nameIn{factNames, fact}, nameIn{serviceNames, service})
		// The list begins with the value at that time, and the present value
		// closes it where it is not in history: it came too soon, or its row
		// was too old to keep.
		begun := about.and(`from_at >= COALESCE((SELECT MAX(b.from_at) FROM fact_history b
			WHERE b.fact_id = fact_history.fact_id AND b.service_id = fact_history.service_id
				AND b.source_id = fact_history.source_id AND b.from_at <= ?), ?)`, since, since)
		err := read(ctx, v, begun, func(r historyRow) error {
			add(r.source, r.point)
			return nil
		})
		if err != nil {
			return err
		}
		unlogged := about.and(`NOT EXISTS (SELECT 1 FROM fact_history h WHERE h.fact_id = fact_values.fact_id
			AND h.service_id = fact_values.service_id AND h.source_id = fact_values.source_id
			AND h.from_at >= changed_at)`)
		return read(ctx, v, unlogged, func(r valueRow) error {
			add(r.source, r.point())
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b HistoryRow) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Source, b.Source))
	})
	return distinct(found), nil
}

// distinct leaves out rows of which the value is that of the row before: it was made or
// observed again.
func distinct(rows []HistoryRow) []HistoryRow {
	last := map[string]HistoryRow{}
	return slices.DeleteFunc(rows, func(r HistoryRow) bool {
		before, known := last[r.Source]
		last[r.Source] = r
		return known && before.Value == r.Value && before.Withdrawn == r.Withdrawn
	})
}

// String names the key for messages.
func (k Key) String() string { return fmt.Sprintf("%s of %s from %s", k.Fact, k.Service, k.Source) }

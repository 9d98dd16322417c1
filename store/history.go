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
	fact, service, source int64
	scalar                scalar
	point
}

func newHistoryRow(fact, service, source int64, p point) historyRow {
	return historyRow{fact: fact, service: service, source: source, scalar: scalarOf(p.value), point: p}
}

func (r *historyRow) table() table {
	return table{
		name: "fact_history",
		key:  columns{{"fact_id", &r.fact}, {"service_id", &r.service}, {"source_id", &r.source}, {"from_at", &r.from}},
		data: append(r.scalar.columns(), columns{{"withdrawn", &r.withdrawn}}...),
	}
}

// PinHistory makes sure that the present values of the keys are in history,
// whatever the resolution of their facts: those that flipped a check. Unknown
// keys are left out.
func (s *Store) PinHistory(ctx context.Context, keys []Key) error {
	if len(keys) == 0 {
		return nil
	}
	return s.inTx(ctx, "pinning history", func(t *tx) error {
		var sources, facts, services []string
		for _, k := range keys {
			sources, facts = append(sources, text(k.Source)), append(facts, text(k.Fact))
			services = append(services, text(k.Service))
		}
		sourceIDs, err := t.intern(ctx, sourceNames, sources)
		if err != nil {
			return err
		}
		factIDs, err := t.intern(ctx, factNames, facts)
		if err != nil {
			return err
		}
		serviceIDs, err := t.intern(ctx, serviceNames, services)
		if err != nil {
			return err
		}
		type group struct{ source, fact int64 }
		about := map[group][]int64{}
		for i := range keys {
			g := group{sourceIDs[sources[i]], factIDs[facts[i]]}
			about[g] = append(about[g], serviceIDs[services[i]])
		}
		var rows []valueRow
		var points []historyRow
		for g, list := range about {
			slices.Sort(list)
			err := readIn(ctx, t, `WHERE NOT logged AND source_id = $1 AND fact_id = $2 AND service_id IN`,
				[]any{g.source, g.fact},
				slices.Compact(list), func(r valueRow) (err error) {
					if r.value, err = r.scalar.value(); err != nil {
						return err
					}
					points = append(points, newHistoryRow(r.fact, r.service, r.source, point{r.changed, r.value, r.withdrawn}))
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
	})
}

// History lists what a fact about a service was at a time and has been since,
// the oldest first, up to the present value. Doubles are thinned to the fact's resolution.
func (s *Store) History(ctx context.Context, service, fact string, since time.Time) ([]HistoryRow, error) {
	var found []HistoryRow
	err := s.view(ctx, "reading the history of "+fact, func(t *sql.Tx) error {
		factID, ok := s.names.id(factNames, text(fact))
		if !ok {
			return nil
		}
		serviceID, ok := s.names.id(serviceNames, text(service))
		if !ok {
			return nil
		}
		add := func(source int64, p point) error {
			row := HistoryRow{From: instant(p.from), Withdrawn: p.withdrawn}
			if p.withdrawn == "" {
				row.Value = p.value
			}
			var err error
			row.Source, err = s.names.name(sourceNames, source)
			found = append(found, row)
			return err
		}
		// The list begins with the value at that time, and the present value
		// closes it where it is not in history: it came too soon, or its row
		// was too old to keep.
		err := read(ctx, t, `h WHERE h.fact_id = $1 AND h.service_id = $2 AND h.from_at >= COALESCE((SELECT MAX(b.from_at)
			FROM fact_history b WHERE b.fact_id = $1 AND b.service_id = $2 AND b.source_id = h.source_id
				AND b.from_at <= $3), $3)`,
			[]any{factID, serviceID, micros(since)}, func(r historyRow) (err error) {
				if r.value, err = r.scalar.value(); err != nil {
					return err
				}
				return add(r.source, r.point)
			})
		if err != nil {
			return err
		}
		return readValues(ctx, t, `v WHERE v.fact_id = $1 AND v.service_id = $2 AND NOT EXISTS (SELECT 1 FROM fact_history h
			WHERE h.fact_id = $1 AND h.service_id = $2 AND h.source_id = v.source_id AND h.from_at >= v.changed_at)`,
			[]any{factID, serviceID}, func(r valueRow) error { return add(r.source, point{r.changed, r.value, r.withdrawn}) })
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b HistoryRow) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Source, b.Source))
	})
	return found, nil
}

// String names the key for messages.
func (k Key) String() string { return fmt.Sprintf("%s of %s from %s", k.Fact, k.Service, k.Source) }

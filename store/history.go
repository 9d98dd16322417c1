package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
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

func historyRow(fact, service, source int64, p point) []any {
	return []any{fact, service, source, p.from, int64(p.value.Kind()), p.value.IsInstant(), p.value.Number(), string(p.withdrawn)}
}

func (t *tx) putHistory(ctx context.Context, rows [][]any) error {
	return t.insert(ctx, `INSERT INTO fact_history (fact_id, service_id, source_id, from_at, kind, instant, num, withdrawn)`,
		`ON CONFLICT (fact_id, service_id, source_id, from_at) DO UPDATE SET kind = excluded.kind,
		instant = excluded.instant, num = excluded.num, withdrawn = excluded.withdrawn`, rows)
}

// PinHistory makes sure that the present values of the keys are in history,
// whatever the resolution of their facts: those that flipped a check. Unknown
// keys are left out.
func (s *Store) PinHistory(ctx context.Context, keys []Key) error {
	if len(keys) == 0 {
		return nil
	}
	return s.inTx(ctx, "pinning history", func(t *tx) error {
		var fields [3][]string
		for _, k := range keys {
			for i, name := range [3]string{k.Source, k.Fact, k.Service} {
				fields[i] = append(fields[i], text(name))
			}
		}
		var ids [3]map[string]int64
		for i, table := range [3]nameTable{sourceNames, factNames, serviceNames} {
			var err error
			if ids[i], err = t.intern(ctx, table, fields[i]); err != nil {
				return err
			}
		}
		for i := range keys {
			key := []any{ids[0][fields[0][i]], ids[1][fields[1][i]], ids[2][fields[2][i]]}
			const unlogged = ` FROM fact_values WHERE source_id = $1 AND fact_id = $2 AND service_id = $3 AND NOT logged`
			err := t.exec(ctx, `INSERT INTO fact_history (fact_id, service_id, source_id, from_at, kind, instant, num, withdrawn)
				SELECT fact_id, service_id, source_id, changed_at, kind, instant, num, withdrawn`+unlogged+`
				ON CONFLICT (fact_id, service_id, source_id, from_at) DO NOTHING`, key...)
			if err != nil {
				return err
			}
			err = t.exec(ctx, `UPDATE fact_values SET logged = TRUE, logged_at = changed_at
				WHERE source_id = $1 AND fact_id = $2 AND service_id = $3 AND NOT logged`, key...)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// History lists what a fact about a service was at a time and has been since,
// the oldest first, up to the present value. Doubles are thinned to the fact's resolution.
func (s *Store) History(ctx context.Context, service, fact string, since time.Time) ([]HistoryRow, error) {
	var found []HistoryRow
	err := s.view(ctx, "reading the history of "+fact, func(t *sql.Tx) error {
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		factID, ok := s.names.id(factNames, text(fact))
		if !ok {
			return nil
		}
		serviceID, ok := s.names.id(serviceNames, text(service))
		if !ok {
			return nil
		}
		// The list begins with the value at that time, and the present value
		// closes it where it is not in history: it came too soon, or its row
		// was too old to keep.
		return each(ctx, t, `SELECT h.source_id, h.from_at, h.kind, h.instant, h.num, h.withdrawn FROM fact_history h
				WHERE h.fact_id = $1 AND h.service_id = $2 AND h.from_at >= COALESCE((SELECT MAX(b.from_at) FROM fact_history b
					WHERE b.fact_id = $1 AND b.service_id = $2 AND b.source_id = h.source_id AND b.from_at <= $3), $3)
			UNION ALL SELECT v.source_id, v.changed_at, v.kind, v.instant, v.num, v.withdrawn FROM fact_values v
				WHERE v.fact_id = $1 AND v.service_id = $2 AND NOT EXISTS (SELECT 1 FROM fact_history h
					WHERE h.fact_id = $1 AND h.service_id = $2 AND h.source_id = v.source_id AND h.from_at >= v.changed_at)
			ORDER BY 2`, []any{factID, serviceID, micros(since)}, func(rows *sql.Rows) error {
			var source, from, kind int64
			var isInstant bool
			var num float64
			var row HistoryRow
			if err := rows.Scan(&source, &from, &kind, &isInstant, &num, &row.Withdrawn); err != nil {
				return err
			}
			row.From = instant(from)
			var err error
			if row.Withdrawn == "" {
				if row.Value, err = evidence.Stored(evidence.Kind(kind), isInstant, num); err != nil {
					return err
				}
			}
			row.Source, err = s.names.name(sourceNames, source)
			found = append(found, row)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	sort.SliceStable(found, func(i, j int) bool {
		if !found[i].From.Equal(found[j].From) {
			return found[i].From.Before(found[j].From)
		}
		return found[i].Source < found[j].Source
	})
	return found, nil
}

// String names the key for messages.
func (k Key) String() string { return fmt.Sprintf("%s of %s from %s", k.Fact, k.Service, k.Source) }

package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/prodready/collector/evidence"
)

// SetFacts puts other definitions in force, as after a reload. The records of a
// fact whose definition has changed in meaning are withdrawn: they answered
// another question. Facts that are no longer defined keep their records. A
// store of an earlier release holds the shape of a definition alone, without
// its query: those records are kept, and the whole hash is stored.
func (s *Store) SetFacts(ctx context.Context, facts *evidence.Facts) error {
	stored := map[string]string{}
	err := each(ctx, s.read, `SELECT name, definition_hash FROM facts`, nil, func(rows *sql.Rows) error {
		var name, hash string
		if err := rows.Scan(&name, &hash); err != nil {
			return err
		}
		stored[name] = hash
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the facts of the store: %w", err)
	}
	var stale, names []string
	hashes := map[string]string{}
	for i := range facts.Len() {
		d := facts.At(i)
		hash, known := stored[d.Name]
		if known && hash == d.Hash() {
			continue
		}
		names = append(names, d.Name)
		hashes[d.Name] = d.Hash()
		if known && hash != "" && hash != d.Shape() {
			stale = append(stale, d.Name)
		}
	}
	if len(names) > 0 {
		err = s.inTx(ctx, "storing changed fact definitions", func(t *tx) error {
			ids, err := t.intern(ctx, factNames, names)
			if err != nil {
				return err
			}
			for _, name := range names {
				if err := t.exec(ctx, `UPDATE facts SET definition_hash = $1 WHERE id = $2`, hashes[name], ids[name]); err != nil {
					return err
				}
			}
			for _, name := range stale {
				if err := t.withdrawAll(ctx, ids[name]); err != nil {
					return fmt.Errorf("withdrawing the records of %s: %w", name, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	s.facts.Store(facts)
	return nil
}

// withdrawAll withdraws every record of a fact, remembered values too.
func (t *tx) withdrawAll(ctx context.Context, fact int64) error {
	if err := t.exec(ctx, `DELETE FROM fact_days WHERE fact_id = $1`, fact); err != nil {
		return err
	}
	var rows []valueRow
	var points []historyRow
	now := micros(t.store.now())
	err := readValues(ctx, t, `WHERE fact_id = $1`, []any{fact}, func(old valueRow) error {
		if old.withdrawn == evidence.MissingNotCollected && old.value == (evidence.Value{}) {
			return nil
		}
		in := observed{withdrawn: evidence.MissingNotCollected, seen: now}
		row, history, changed := next(&old.current, in, evidence.Definition{}, t.store.memory)
		if !changed {
			row = old.current
		}
		row.value = evidence.Value{}
		rows = append(rows, t.valueRow(old.source, fact, old.service, row))
		for _, p := range history {
			points = append(points, newHistoryRow(fact, old.service, old.source, p))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := put(ctx, t, rows...); err != nil {
		return err
	}
	return put(ctx, t, points...)
}

package store

import (
	"context"
	"fmt"

	"github.com/prodready/collector/evidence"
)

// factRow is a fact with the hash of its definition, which is empty for one that
// was never defined.
type factRow struct{ name, hash string }

func (r *factRow) table() table {
	return table{
		name:  "facts",
		key:   columns{{"id", factID(&r.name)}},
		fixed: columns{{"name", &r.name}},
		data:  columns{{"definition_hash", &r.hash}},
	}
}

// SetFacts replaces the definitions of facts, as after a reload. The records of a
// fact whose definition has changed in meaning are withdrawn, because they were made
// by the old definition. Facts that are no longer defined keep their records. A
// store of an earlier release holds the shape of a definition alone, without
// its query: those records are kept, and the whole hash is stored.
func (s *Store) SetFacts(ctx context.Context, facts *evidence.Facts) error {
	rows, err := collect(ctx, s, "reading the facts of the store", condition{}, func(r factRow) factRow { return r })
	if err != nil {
		return err
	}
	stored := map[string]string{}
	for _, r := range rows {
		stored[r.name] = r.hash
	}
	var changed []factRow
	var stale []string
	for i := range facts.Len() {
		d := facts.At(i)
		hash, known := stored[d.Name]
		if known && hash == d.Hash() {
			continue
		}
		changed = append(changed, factRow{d.Name, d.Hash()})
		if hash != "" && hash != d.Shape() {
			stale = append(stale, d.Name)
		}
	}
	if len(changed) > 0 {
		err = s.inTx(ctx, "storing changed fact definitions", func(t *tx) error {
			if err := put(ctx, t, changed...); err != nil {
				return err
			}
			for _, fact := range stale {
				if err := t.withdrawAll(ctx, fact); err != nil {
					return fmt.Errorf("withdrawing the records of %s: %w", fact, err)
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
func (t *tx) withdrawAll(ctx context.Context, fact string) error {
	ofFact := where(`fact_id = ?`, nameIn{factNames, fact})
	if err := t.execWhere(ctx, `DELETE FROM fact_days`, nil, ofFact); err != nil {
		return err
	}
	var rows []valueRow
	var points []historyRow
	in := observed{withdrawn: evidence.MissingNotCollected, seen: micros(t.store.now())}
	err := read(ctx, t, ofFact, func(r valueRow) error {
		if r.withdrawn == in.withdrawn && r.value == (evidence.Value{}) {
			return nil
		}
		row, history, changed := next(&r.current, in, evidence.Definition{}, t.store.memory)
		if changed {
			r.current = row
		}
		r.value = evidence.Value{}
		rows = append(rows, r)
		for _, p := range history {
			points = append(points, r.history(p))
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

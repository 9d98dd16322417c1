package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// CorrelationKey identifies what was estimated once a month: the effects of reviews, and
// what goes together with readiness.
type CorrelationKey struct {
	// Month is as 2026-11, and Configuration the hash of the configuration.
	Month, Configuration string
	MadeAt               time.Time
}

// MonthOf is the month of a time, in UTC.
func MonthOf(t time.Time) string { return t.UTC().Format("2006-01") }

// correlationKeyRow is a result without its body.
type correlationKeyRow struct{ CorrelationKey }

func (r *correlationKeyRow) table() table {
	return table{
		name: "correlations",
		key:  columns{{"month", &r.Month}, {"configuration", &r.Configuration}},
		data: columns{{"made_at", timeOf(&r.MadeAt)}},
	}
}

// correlationRow is a result with its body.
type correlationRow struct {
	correlationKeyRow
	body []byte
}

func (r *correlationRow) table() table {
	t := r.correlationKeyRow.table()
	t.data = append(t.data, columns{{"body", &r.body}}...)
	return t
}

// SaveCorrelation stores what was estimated, in the place of one with the same month and
// configuration, and deletes the oldest so that at most so many are kept.
func (s *Store) SaveCorrelation(ctx context.Context, key CorrelationKey, body []byte, keep int) error {
	if key.Month == "" || keep < 1 {
		return fmt.Errorf("storing the effects of reviews of the month %q, and %d of them: there is no month, or none is to "+
			"be kept", key.Month, keep)
	}
	return s.inTx(ctx, "storing the effects of reviews of "+key.Month, func(t *tx) error {
		if err := put(ctx, t, correlationRow{correlationKeyRow{key}, body}); err != nil {
			return err
		}
		var kept []correlationKeyRow
		err := read(ctx, t, condition{}, func(r correlationKeyRow) error {
			kept = append(kept, r)
			return nil
		})
		if err != nil {
			return err
		}
		slices.SortFunc(kept, func(a, b correlationKeyRow) int {
			return compareCorrelations(a.CorrelationKey, b.CorrelationKey)
		})
		return remove(ctx, t, kept[min(keep, len(kept)):]...)
	})
}

// compareCorrelations orders the newest first.
func compareCorrelations(a, b CorrelationKey) int {
	return cmp.Or(b.MadeAt.Compare(a.MadeAt), cmp.Compare(b.Month, a.Month), cmp.Compare(a.Configuration, b.Configuration))
}

// CurrentCorrelation selects, of keys with the newest first, what is shown at a time: what
// was made in its month by a configuration, or else what was made last. What was stored
// later than that time is not selected, so that processes that share a store show the same.
func CurrentCorrelation(keys []CorrelationKey, configuration string, at time.Time) (key CorrelationKey, found bool) {
	month := MonthOf(at)
	for _, k := range keys {
		if k.MadeAt.After(at) {
			continue
		}
		if k.Month == month && k.Configuration == configuration {
			return k, true
		}
		if !found {
			key, found = k, true
		}
	}
	return key, found
}

// Correlations lists what was estimated and stored, the newest first.
func (s *Store) Correlations(ctx context.Context) ([]CorrelationKey, error) {
	keys, err := collect(ctx, s, "reading when the effects of reviews were estimated", condition{},
		func(r correlationKeyRow) CorrelationKey { return r.CorrelationKey })
	slices.SortFunc(keys, compareCorrelations)
	return keys, err
}

// CorrelationBody is what was stored under a key, nil if there is nothing.
func (s *Store) CorrelationBody(ctx context.Context, key CorrelationKey) ([]byte, error) {
	found, err := collect(ctx, s, "reading the effects of reviews",
		where(`month = ? AND configuration = ?`, key.Month, key.Configuration),
		func(r correlationRow) []byte { return r.body })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

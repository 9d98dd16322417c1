package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/scoring"
)

// transitionRow is one change of a badge.
type transitionRow struct {
	seq, ord, service int64
	direction         string
	scoring.Transition
}

func (r *transitionRow) table() table {
	return table{
		name: "transitions",
		key:  columns{{"seq", &r.seq}, {"ord", &r.ord}},
		data: columns{
			{"service_id", &r.service}, {"at", timeOf(&r.At)}, {"from_badge", &r.From}, {"to_badge", &r.To},
			{"direction", &r.direction}, {"cause", &r.Cause}, {"contributing", asJSON(&r.Contributing)},
			{"announced", &r.Announced}, {"flips", asJSON(&r.Flips)},
		},
	}
}

// transitionCountRow is how many changes of one kind there have been.
type transitionCountRow struct{ TransitionCount }

func (r *transitionCountRow) table() table {
	return table{
		name: "transition_counts",
		key:  columns{{"direction", &r.Direction}, {"cause", &r.Cause}},
		data: columns{{"total", &r.Count}},
	}
}

// transitions appends badge changes and counts them.
func (w *judging) transitions(ctx context.Context, list []scoring.Transition) error {
	if len(list) == 0 {
		return nil
	}
	type kind struct {
		direction string
		cause     scoring.Cause
	}
	counts := map[kind]int64{}
	err := read(ctx, w, ``, nil, func(r transitionCountRow) error {
		counts[kind{r.Direction, r.Cause}] = r.Count
		return nil
	})
	if err != nil {
		return err
	}
	var services []string
	for _, t := range list {
		services = append(services, text(t.Service))
	}
	ids, err := w.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}
	var rows []transitionRow
	for i, t := range list {
		counts[kind{t.Direction(), t.Cause}]++
		rows = append(rows, transitionRow{seq: w.seq, ord: int64(i), service: ids[services[i]], direction: t.Direction(),
			Transition: t})
	}
	if err := put(ctx, w.tx, rows...); err != nil {
		return err
	}
	var totals []transitionCountRow
	for k, n := range counts {
		totals = append(totals, transitionCountRow{TransitionCount{k.direction, k.cause, n}})
	}
	return put(ctx, w.tx, totals...)
}

// LoadTransitions lists the badge changes since a time, in the order in which
// they were stored.
func (s *Store) LoadTransitions(ctx context.Context, since time.Time) ([]scoring.Transition, error) {
	var list []scoring.Transition
	err := s.view(ctx, "reading transitions", func(t *sql.Tx) error {
		return read(ctx, t, `WHERE at >= $1 ORDER BY seq, ord`, []any{micros(since)}, func(r transitionRow) (err error) {
			r.Service, err = s.names.name(serviceNames, r.service)
			list = append(list, r.Transition)
			return err
		})
	})
	return list, err
}

// TransitionCount is how many badge changes of one kind there have been.
type TransitionCount struct {
	// Direction is award or regress.
	Direction string
	Cause     scoring.Cause
	Count     int64
}

// TransitionCounts counts every badge change there has ever been, whether or
// not it is still kept, by direction and cause.
func (s *Store) TransitionCounts(ctx context.Context) ([]TransitionCount, error) {
	var list []TransitionCount
	err := read(ctx, s.read, ``, nil, func(r transitionCountRow) error {
		list = append(list, r.TransitionCount)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting transitions: %w", err)
	}
	slices.SortFunc(list, func(a, b TransitionCount) int {
		return cmp.Or(cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Cause, b.Cause))
	})
	return list, nil
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
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
	return table{"transitions", []column{
		{"seq", &r.seq, key}, {"ord", &r.ord, key},
		{"service_id", &r.service, replaced},
		{"at", timeOf(&r.At), replaced},
		{"from_badge", &r.From, replaced},
		{"to_badge", &r.To, replaced},
		{"direction", &r.direction, replaced},
		{"cause", &r.Cause, replaced},
		{"contributing", asJSON(&r.Contributing), replaced},
		{"announced", &r.Announced, replaced},
		{"flips", asJSON(&r.Flips), replaced},
	}}
}

// transitionCountRow is how many changes of one kind there have been.
type transitionCountRow struct{ TransitionCount }

func (r *transitionCountRow) table() table {
	return table{"transition_counts", []column{
		{"direction", &r.Direction, key}, {"cause", &r.Cause, key}, {"total", &r.Count, replaced},
	}}
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
		t.Cause = scoring.Cause(text(string(t.Cause)))
		counts[kind{t.Direction(), t.Cause}]++
		rows = append(rows, transitionRow{seq: w.seq, ord: int64(i), service: ids[services[i]], direction: t.Direction(), Transition: t})
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
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
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
	sort.Slice(list, func(i, j int) bool {
		if list[i].Direction != list[j].Direction {
			return list[i].Direction < list[j].Direction
		}
		return list[i].Cause < list[j].Cause
	})
	return list, nil
}

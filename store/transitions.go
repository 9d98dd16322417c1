package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// transitions appends badge changes and counts them.
func (w *judging) transitions(ctx context.Context, list []scoring.Transition) error {
	if len(list) == 0 {
		return nil
	}
	type kind struct{ direction, cause string }
	counts := map[kind]int64{}
	var services []string
	for _, t := range list {
		services = append(services, text(t.Service))
	}
	ids, err := w.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}
	var rows [][]any
	for i, t := range list {
		contributing, err := json.Marshal(t.Contributing)
		if err != nil {
			return err
		}
		flips, err := json.Marshal(t.Flips)
		if err != nil {
			return err
		}
		k := kind{t.Direction(), text(string(t.Cause))}
		counts[k]++
		rows = append(rows, []any{w.seq, int64(i), ids[services[i]], micros(t.At), int64(t.From), int64(t.To), k.direction, k.cause,
			text(string(contributing)), t.Announced, text(string(flips))})
	}
	err = w.insert(ctx, `INSERT INTO transitions (seq, ord, service_id, at, from_badge, to_badge, direction, cause, contributing, announced, flips)`, "", rows)
	if err != nil {
		return err
	}
	var totals [][]any
	for k, n := range counts {
		totals = append(totals, []any{k.direction, k.cause, n})
	}
	return w.insert(ctx, `INSERT INTO transition_counts (direction, cause, total)`,
		`ON CONFLICT (direction, cause) DO UPDATE SET total = transition_counts.total + excluded.total`, totals)
}

// LoadTransitions lists the badge changes since a time, in the order in which
// they were stored.
func (s *Store) LoadTransitions(ctx context.Context, since time.Time) ([]scoring.Transition, error) {
	var list []scoring.Transition
	err := s.view(ctx, "reading transitions", func(t *sql.Tx) error {
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		return each(ctx, t, `SELECT service_id, at, from_badge, to_badge, cause, contributing, announced, flips
			FROM transitions WHERE at >= $1 ORDER BY seq, ord`, []any{micros(since)}, func(rows *sql.Rows) error {
			var found scoring.Transition
			var service, at, from, to int64
			var contributing, flips string
			if err := rows.Scan(&service, &at, &from, &to, &found.Cause, &contributing, &found.Announced, &flips); err != nil {
				return err
			}
			var err error
			if found.Service, err = s.names.name(serviceNames, service); err != nil {
				return err
			}
			found.At, found.From, found.To = instant(at), framework.Badge(from), framework.Badge(to)
			if err := json.Unmarshal([]byte(contributing), &found.Contributing); err != nil {
				return fmt.Errorf("causes of a transition of %s: %w", found.Service, err)
			}
			if err := json.Unmarshal([]byte(flips), &found.Flips); err != nil {
				return fmt.Errorf("flips of a transition of %s: %w", found.Service, err)
			}
			list = append(list, found)
			return nil
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
	err := each(ctx, s.read, `SELECT direction, cause, total FROM transition_counts`, nil, func(rows *sql.Rows) error {
		var c TransitionCount
		err := rows.Scan(&c.Direction, &c.Cause, &c.Count)
		list = append(list, c)
		return err
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

package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/prodready/collector/scoring"
)

// transitionRow is one change of a badge.
type transitionRow struct {
	seq       transactionNumber
	ord       int64
	direction string
	scoring.Transition
}

func (r *transitionRow) table() table {
	return table{
		name: "transitions",
		key:  columns{{"seq", &r.seq}, {"ord", &r.ord}},
		data: columns{
			{"service_id", serviceID(&r.Service)}, {"at", timeOf(&r.At)}, {"from_badge", &r.From}, {"to_badge", &r.To},
			{"direction", &r.direction}, {"cause", &r.Cause}, {"contributing", asJSON(&r.Contributing)},
			{"announced", &r.Announced}, {"framework", &r.Framework}, {"flips", asJSON(&r.Flips)},
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

// transitions appends badge changes and counts them, and appends the holds that have ended.
func (w *judging) transitions(ctx context.Context, j Judgement) error {
	if err := w.holds(ctx, j.Holds); err != nil {
		return err
	}
	var rows []transitionRow
	var counts []transitionCountRow
	for i, t := range j.Transitions {
		rows = append(rows, transitionRow{ord: int64(i), direction: t.Direction(), Transition: t})
		counts = append(counts, transitionCountRow{TransitionCount{t.Direction(), t.Cause, 1}})
	}
	if len(rows) == 0 {
		return nil
	}
	_, _, err := upsert(ctx, w.tx, condition{}, counts, func(old, now transitionCountRow) transitionCountRow {
		now.Count += old.Count
		return now
	})
	if err != nil {
		return err
	}
	return put(ctx, w.tx, rows...)
}

// LoadTransitions lists the badge changes since a time that judgements after the
// transaction with the given number have stored, in the order in which they were
// stored; 0 is before all. It returns the number to ask with the next time.
func (s *Store) LoadTransitions(
	ctx context.Context, after int64, since time.Time,
) (changes []scoring.Transition, next int64, err error) {
	next = after
	changes, err = collect(ctx, s, "reading transitions", where(`seq > ? AND at >= ?`, after, since).ordered(`seq, ord`),
		func(r transitionRow) scoring.Transition {
			next = max(next, int64(r.seq))
			return r.Transition
		})
	return changes, next, err
}

// TransitionsOf lists the badge changes of a service since a time, the oldest first.
func (s *Store) TransitionsOf(ctx context.Context, service string, since time.Time) ([]scoring.Transition, error) {
	return collect(ctx, s, "reading the badge changes of "+service,
		where(`service_id = ? AND at >= ?`, nameIn{serviceNames, service}, since).ordered(`at, seq, ord`),
		func(r transitionRow) scoring.Transition { return r.Transition })
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
	found, err := collect(ctx, s, "counting transitions", condition{},
		func(r transitionCountRow) TransitionCount { return r.TransitionCount })
	slices.SortFunc(found, func(a, b TransitionCount) int {
		return cmp.Or(cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Cause, b.Cause))
	})
	return found, err
}

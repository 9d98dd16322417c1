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

// RunID identifies one round of a source. 0 is no run.
type RunID int64

// interrupted is the error of a run whose process ended before it did.
const interrupted = "interrupted: the process ended during the run"

// runRow is a round of a source.
type runRow struct {
	id, source        int64
	started, finished time.Time
	reason            evidence.Reason
	err               string
	counts            map[string]int64
}

func (r *runRow) table() table {
	return table{
		name: "runs",
		key:  columns{{"id", &r.id}},
		data: columns{
			{"source_id", &r.source}, {"started_at", timeOf(&r.started)},
			{"finished_at", timeOrNull(&r.finished)}, {"reason", &r.reason}, {"error", &r.err},
			{"counts", asJSON(&r.counts)},
		},
	}
}

// StartRun notes that a round of a source has begun. A round of the source that
// never finished is closed as interrupted: two never run at once.
func (s *Store) StartRun(ctx context.Context, source string, started time.Time) (RunID, error) {
	var run RunID
	err := s.inTx(ctx, "starting a run of "+source, func(t *tx) error {
		id, err := t.internOne(ctx, sourceNames, text(source))
		if err != nil {
			return err
		}
		run = RunID(t.seq)
		rows := []runRow{{id: t.seq, source: id, started: started, counts: map[string]int64{}}}
		err = read(ctx, t, `WHERE source_id = $1 AND finished_at IS NULL`, []any{id}, func(r runRow) error {
			r.finished, r.reason, r.err = started, evidence.ReasonCanceled, interrupted
			rows = append(rows, r)
			return nil
		})
		if err != nil {
			return err
		}
		return put(ctx, t, rows...)
	})
	return run, err
}

// RunResult is how a run ended.
type RunResult struct {
	Finished time.Time
	// Reason is empty for a success.
	Reason evidence.Reason
	// Error is what happened, for people; without credentials.
	Error string
	// Counts are numbers worth keeping: records, requests, skipped.
	Counts map[string]int64
}

// FinishRun notes how a run has ended.
func (s *Store) FinishRun(ctx context.Context, run RunID, result RunResult) error {
	return s.inTx(ctx, "finishing a run", func(t *tx) error {
		row, found, err := oneRun(ctx, t, `WHERE id = $1`, int64(run))
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("there is no run %d", run)
		}
		row.finished, row.reason, row.err = result.Finished, evidence.Reason(text(string(result.Reason))), text(result.Error)
		row.counts = result.Counts
		if row.counts == nil {
			row.counts = map[string]int64{}
		}
		return put(ctx, t, row)
	})
}

func oneRun(ctx context.Context, q queryer, rest string, args ...any) (row runRow, found bool, err error) {
	err = read(ctx, q, rest, args, func(r runRow) error {
		row, found = r, true
		return nil
	})
	return row, found, err
}

// LastRun is how a source is doing.
type LastRun struct {
	Source string
	// Started and Finished are those of the newest run that has ended.
	Started, Finished time.Time
	// LastSuccess is when a run last ended well; zero when none has.
	LastSuccess time.Time
	// Reason and Error are those of the newest run, empty after a success.
	Reason evidence.Reason
	Error  string
	Counts map[string]int64
}

// LastRuns tells how every source that has ended a run is doing, in name order.
func (s *Store) LastRuns(ctx context.Context) ([]LastRun, error) {
	var found []LastRun
	err := s.view(ctx, "reading the last runs", func(t *sql.Tx) error {
		const newest = ` ORDER BY id DESC LIMIT 1`
		for id, name := range s.names.all(sourceNames) {
			ended := `WHERE source_id = $1 AND finished_at IS NOT NULL`
			r, ran, err := oneRun(ctx, t, ended+newest, id)
			if err != nil {
				return err
			}
			if !ran {
				continue
			}
			success, _, err := oneRun(ctx, t, ended+` AND reason = ''`+newest, id)
			if err != nil {
				return err
			}
			found = append(found, LastRun{Source: name, Started: r.started, Finished: r.finished, LastSuccess: success.finished,
				Reason: r.reason, Error: r.err, Counts: r.counts})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b LastRun) int { return cmp.Compare(a.Source, b.Source) })
	return found, nil
}

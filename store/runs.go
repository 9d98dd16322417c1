package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
	id      RunID
	source  string
	started time.Time
	RunResult
}

func (r *runRow) table() table {
	return table{
		name: "runs",
		key:  columns{{"id", &r.id}},
		data: columns{
			{"source_id", sourceID(&r.source)}, {"started_at", timeOf(&r.started)},
			{"finished_at", timeOrNull(&r.Finished)}, {"reason", &r.Reason}, {"error", &r.Error},
			{"counts", asJSON(&r.Counts)},
		},
	}
}

// StartRun stores that a round of a source has begun. A round of the source that
// never finished is closed as interrupted: two never run at once.
func (s *Store) StartRun(ctx context.Context, source string, started time.Time) (RunID, error) {
	var run RunID
	err := s.inTx(ctx, "starting a run of "+source, func(t *tx) error {
		run = RunID(t.seq)
		rows := []runRow{{id: run, source: source, started: started, RunResult: RunResult{Counts: map[string]int64{}}}}
		err := read(ctx, t, ofSource(source).and(`finished_at IS NULL`), func(r runRow) error {
			r.Finished, r.Reason, r.Error = started, evidence.ReasonCanceled, interrupted
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

// FinishRun stores how a run has ended.
func (s *Store) FinishRun(ctx context.Context, run RunID, result RunResult) error {
	if result.Counts == nil {
		result.Counts = map[string]int64{}
	}
	return s.inTx(ctx, "finishing a run", func(t *tx) error {
		var found []runRow
		err := read(ctx, t, where(`id = ?`, run), func(r runRow) error {
			r.RunResult = result
			found = append(found, r)
			return nil
		})
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("there is no run %d", run)
		}
		if err != nil {
			return err
		}
		return put(ctx, t, found...)
	})
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

// LastRuns is how every source that has ended a run is doing, in name order.
func (s *Store) LastRuns(ctx context.Context) ([]LastRun, error) {
	bySource := map[string]LastRun{}
	err := s.view(ctx, "reading the last runs", func(v *view) error {
		newest := `id IN (SELECT MAX(id) FROM runs WHERE finished_at IS NOT NULL%s GROUP BY source_id)`
		succeeded := fmt.Sprintf(newest, ` AND reason = ''`)
		return read(ctx, v, where(`(`+fmt.Sprintf(newest, "")+` OR `+succeeded+`)`).ordered("id"), func(r runRow) error {
			last := LastRun{Source: r.source, Started: r.started, Finished: r.Finished, Reason: r.Reason, Error: r.Error,
				Counts: r.Counts, LastSuccess: bySource[r.source].LastSuccess}
			if r.Reason == "" {
				last.LastSuccess = r.Finished
			}
			bySource[r.source] = last
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(bySource), func(a, b LastRun) int { return cmp.Compare(a.Source, b.Source) }), nil
}

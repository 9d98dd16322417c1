package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	version string
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
			{"counts", asJSON(&r.Counts)}, {"version", &r.version},
		},
	}
}

// ErrRunEnded is the error of a write for a round that has ended already: another
// process has begun the next round of the source, because this one had not finished.
// Nothing was written.
var ErrRunEnded = errors.New("the round was ended by another process, which has begun the next one")

// StartRun stores that a round of a source has begun. A round of the source that has
// not finished is closed as interrupted, because two never run at once. If its process
// still runs, later writes of that round are refused with ErrRunEnded. version
// identifies what the source asks and for which services; see LastRound.
func (s *Store) StartRun(ctx context.Context, source, version string, started time.Time) (RunID, error) {
	var run RunID
	err := s.inTx(ctx, "starting a run of "+source, func(t *tx) error {
		run = RunID(t.seq)
		rows := []runRow{{
			id: run, source: source, version: version, started: started, RunResult: RunResult{Counts: map[string]int64{}},
		}}
		// Only the newest one can be unfinished, since each closes the one before.
		err := read(ctx, t, newestRun(source), func(r runRow) error {
			if r.Finished.IsZero() {
				r.Finished, r.Reason, r.Error = started, evidence.ReasonCanceled, interrupted
				rows = append(rows, r)
			}
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
			if !r.Finished.IsZero() {
				return ErrRunEnded
			}
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

// LastRound is when the newest round of a source with this version was begun, by
// whichever process. It is zero if there was none, or if it was cut off: its process has
// ended, or it runs and the caller knows that it does not.
func (s *Store) LastRound(ctx context.Context, source, version string) (started time.Time, err error) {
	err = s.view(ctx, "looking for the last round of "+source, func(v *view) error {
		return read(ctx, v, newestRun(source), func(r runRow) error {
			if r.version == text(version) && !r.Finished.IsZero() && r.Reason != evidence.ReasonCanceled {
				started = r.started
			}
			return nil
		})
	})
	return started, err
}

// newestRun selects the newest run of a source.
func newestRun(source string) condition { return ofSource(source).ordered("id DESC LIMIT 1") }

// runs reports an error if the round that a batch belongs to has ended.
func (c *commit) runs(ctx context.Context) error {
	if c.run == 0 {
		return nil
	}
	return read(ctx, c, where(`id = ?`, c.run), func(r runRow) error {
		if !r.Finished.IsZero() {
			return ErrRunEnded
		}
		return nil
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
		sources := v.store.names.all(sourceNames)
		if len(sources) == 0 {
			return nil
		}
		// Each source is asked for by its id, so that the index gives its rows: grouped by
		// source, all runs would be read.
		const newest = `(SELECT id FROM runs WHERE source_id = ? AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1)`
		const succeeded = `(SELECT id FROM runs WHERE source_id = ? AND finished_at IS NOT NULL AND reason = ''
			ORDER BY id DESC LIMIT 1)`
		ids := strings.Repeat(newest+`, `+succeeded+`, `, len(sources))
		var args []any
		for _, source := range namesIn(sourceNames, sources) {
			args = append(args, source, source)
		}
		either := where(`id IN (`+strings.TrimSuffix(ids, ", ")+`)`, args...)
		return read(ctx, v, either.ordered("id"), func(r runRow) error {
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

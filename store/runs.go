package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/prodready/collector/evidence"
)

// RunID identifies one round of a source. 0 is no run.
type RunID int64

// interrupted is the error of a run whose process ended before it did.
const interrupted = "interrupted: the process ended during the run"

// StartRun notes that a round of a source has begun. A round of the source that
// never finished is closed as interrupted: two never run at once.
func (s *Store) StartRun(ctx context.Context, source string, started time.Time) (RunID, error) {
	var run RunID
	err := s.inTx(ctx, "starting a run of "+source, func(t *tx) error {
		id, err := t.internOne(ctx, sourceNames, text(source))
		if err != nil {
			return err
		}
		err = t.exec(ctx, `UPDATE runs SET finished_at = $1, reason = $2, error = $3 WHERE source_id = $4 AND finished_at IS NULL`,
			micros(started), string(evidence.ReasonCanceled), interrupted, id)
		if err != nil {
			return err
		}
		run = RunID(t.seq)
		return t.exec(ctx, `INSERT INTO runs (id, source_id, started_at) VALUES ($1, $2, $3)`, t.seq, id, micros(started))
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
	counts := result.Counts
	if counts == nil {
		counts = map[string]int64{}
	}
	list, err := json.Marshal(counts)
	if err != nil {
		return fmt.Errorf("finishing a run: %w", err)
	}
	return s.inTx(ctx, "finishing a run", func(t *tx) error {
		before := t.written
		err := t.exec(ctx, `UPDATE runs SET finished_at = $1, reason = $2, error = $3, counts = $4 WHERE id = $5`,
			micros(result.Finished), text(string(result.Reason)), text(result.Error), text(string(list)), int64(run))
		if err == nil && t.written == before {
			err = fmt.Errorf("there is no run %d", run)
		}
		return err
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

// LastRuns tells how every source that has ended a run is doing, in name order.
func (s *Store) LastRuns(ctx context.Context) ([]LastRun, error) {
	var found []LastRun
	err := s.view(ctx, "reading the last runs", func(t *sql.Tx) error {
		sources := map[int64]string{}
		err := each(ctx, t, `SELECT id, name FROM sources`, nil, func(rows *sql.Rows) error {
			var id int64
			var name string
			if err := rows.Scan(&id, &name); err != nil {
				return err
			}
			sources[id] = name
			return nil
		})
		if err != nil {
			return err
		}
		for id, name := range sources {
			last := LastRun{Source: name}
			var started, finished int64
			var counts string
			err := t.QueryRowContext(ctx, `SELECT started_at, finished_at, reason, error, counts FROM runs
				WHERE source_id = $1 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`, id).
				Scan(&started, &finished, &last.Reason, &last.Error, &counts)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(counts), &last.Counts); err != nil {
				return fmt.Errorf("counts of the last run of %s: %w", name, err)
			}
			last.Started, last.Finished = instant(started), instant(finished)
			err = t.QueryRowContext(ctx, `SELECT finished_at FROM runs
				WHERE source_id = $1 AND finished_at IS NOT NULL AND reason = '' ORDER BY id DESC LIMIT 1`, id).Scan(&finished)
			switch {
			case err == nil:
				last.LastSuccess = instant(finished)
			case !errors.Is(err, sql.ErrNoRows):
				return err
			}
			found = append(found, last)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Source < found[j].Source })
	return found, nil
}

// Cursors are what a source stored with its batches, by name. A source that
// stored none has an empty map.
func (s *Store) Cursors(ctx context.Context, source string) (map[string]string, error) {
	found := map[string]string{}
	err := each(ctx, s.read, `SELECT c.name, c.value FROM cursors c JOIN sources s ON s.id = c.source_id WHERE s.name = $1`,
		[]any{text(source)}, func(rows *sql.Rows) error {
			var name, value string
			if err := rows.Scan(&name, &value); err != nil {
				return err
			}
			found[name] = value
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("reading the cursors of %s: %w", source, err)
	}
	return found, nil
}

// cursors stores a batch's cursors, change-only. An empty value deletes one.
func (c *commit) cursors(ctx context.Context, cursors map[string]string) error {
	clean := make(map[string]string, len(cursors))
	for name, value := range cursors {
		clean[text(name)] = text(value)
	}
	var rows [][]any
	for name, value := range clean {
		if value == "" {
			if err := c.exec(ctx, `DELETE FROM cursors WHERE source_id = $1 AND name = $2`, c.source, name); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []any{c.source, name, value})
	}
	return c.insert(ctx, `INSERT INTO cursors (source_id, name, value)`,
		`ON CONFLICT (source_id, name) DO UPDATE SET value = excluded.value WHERE cursors.value IS DISTINCT FROM excluded.value`, rows)
}

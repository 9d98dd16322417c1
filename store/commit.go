package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

// Changes tells what a commit has changed. What was already known counts
// nowhere.
type Changes struct {
	// Seq is the number of the transaction.
	Seq int64
	// Records and Withdrawals are the current values that are new or changed,
	// Incidents and Reviews likewise.
	Records, Withdrawals, Incidents, Reviews int
	// Alerts are the firings that are new or changed.
	Alerts int
	// Rows is the number of rows written, all tables taken together.
	Rows int64
}

// Commit stores one batch of a source in one transaction, its cursors with it.
// at is the time of the batch; records and coverage that say no time of their
// own get it.
//
// A record equal to the one before (value, detail and, where the record says
// it, since) writes nothing. A covered group counts as observed for every
// service that is not excepted, so a source withdraws what it no longer finds.
// Of two records with one key in a batch the last counts, and a record counts
// before a withdrawal.
func (s *Store) Commit(
	ctx context.Context, source string, run RunID, at time.Time, batch evidence.Batch,
) (Changes, error) {
	source = text(source)
	var changes Changes
	err := s.inTx(ctx, "storing a batch of "+source, func(t *tx) error {
		changes = Changes{Seq: t.seq}
		sourceID, err := t.internOne(ctx, sourceNames, source)
		if err != nil {
			return err
		}
		c := commit{tx: t, source: sourceID, sourceName: source, run: run, at: at, changes: &changes}
		if err := c.records(ctx, batch.Records, batch.Withdrawals); err != nil {
			return fmt.Errorf("records: %w", err)
		}
		if err := c.coverage(ctx, batch.Covered); err != nil {
			return fmt.Errorf("coverage: %w", err)
		}
		if err := c.incidents(ctx, batch.Incidents); err != nil {
			return fmt.Errorf("incidents: %w", err)
		}
		if err := c.logEntries(ctx, batch.LogEntries); err != nil {
			return fmt.Errorf("log entries: %w", err)
		}
		if err := c.reviews(ctx, batch.Reviews); err != nil {
			return fmt.Errorf("reviews: %w", err)
		}
		if err := c.alerts(ctx, batch.Alerts); err != nil {
			return fmt.Errorf("alerts: %w", err)
		}
		if err := c.watchCoverage(ctx, batch.AlertSight); err != nil {
			return fmt.Errorf("watching for alerts: %w", err)
		}
		if err := c.feedback(ctx, batch.Feedback); err != nil {
			return fmt.Errorf("feedback: %w", err)
		}
		if err := c.cursors(ctx, batch.Cursors); err != nil {
			return fmt.Errorf("cursors: %w", err)
		}
		changes.Rows = t.written
		return nil
	})
	if err != nil {
		return Changes{}, err
	}
	return changes, nil
}

// commit is one batch on its way into the database.
type commit struct {
	*tx
	source     int64
	sourceName string
	run        RunID
	at         time.Time
	changes    *Changes
}

// definition is what is known of a fact; its zero value has every default.
func (s *Store) definition(fact string) evidence.Definition {
	facts := s.facts.Load()
	if facts == nil {
		return evidence.Definition{}
	}
	if i, ok := facts.Index(fact); ok {
		return facts.At(i)
	}
	return evidence.Definition{}
}

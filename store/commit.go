package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

// Changes are what a commit has changed. What was stored already is not counted.
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
// at is the time of the batch; records and coverage without a time get it.
//
// A record equal to the one before (value, detail and, where the record says
// it, since) writes nothing. A covered group counts as observed for every
// service that is not excepted, so a source withdraws what it no longer finds.
// Of two records with one key in a batch the last counts, and a record counts
// before a withdrawal.
//
// run is the round that the batch belongs to, 0 for none. The error is ErrRunEnded if it
// has ended.
func (s *Store) Commit(
	ctx context.Context, source string, run RunID, at time.Time, batch evidence.Batch,
) (Changes, error) {
	source = text(source)
	c := commit{source: source, run: run, at: at}
	err := s.inTx(ctx, "storing a batch of "+source, func(t *tx) error {
		c.tx, c.changes.Seq = t, t.seq
		for _, part := range []struct {
			name  string
			store func() error
		}{
			{"the round", func() error { return c.runs(ctx) }},
			{"records", func() error { return c.records(ctx, batch.Records, batch.Withdrawals) }},
			{"coverage", func() error { return c.coverage(ctx, batch.Covered) }},
			{"incidents", func() error { return c.incidents(ctx, batch.Incidents) }},
			{"log entries", func() error { return c.logEntries(ctx, batch.LogEntries) }},
			{"doubts about incidents", func() error { return c.incidentDoubts(ctx, batch.IncidentDoubts) }},
			{"doubts about alerts", func() error { return c.alertDoubts(ctx, batch.AlertDoubts) }},
			{"reviews", func() error { return c.reviews(ctx, batch.Reviews) }},
			{"alerts", func() error { return c.alerts(ctx, batch.Alerts) }},
			{"watching for alerts", func() error { return c.watchCoverage(ctx, batch.AlertSight) }},
			{"exemptions", func() error { return c.exemptions(ctx, batch.Exemptions) }},
			{"feedback", func() error { return c.feedback(ctx, batch.Feedback) }},
			{"uncounted records", func() error { return c.uncounted(ctx, batch.Uncounted) }},
			{"cursors", func() error { return c.cursors(ctx, batch.Cursors) }},
		} {
			if err := part.store(); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
		}
		return nil
	})
	if err != nil {
		return Changes{}, err
	}
	c.changes.Rows = c.written
	return c.changes, nil
}

// commit is the batch of one source in its transaction.
type commit struct {
	*tx
	source  string
	run     RunID
	at      time.Time
	changes Changes
}

// isOther reports whether a member of the batch says it is from another source.
func (c *commit) isOther(source string) bool { return source != "" && text(source) != c.source }

func (c *commit) ofSource() condition { return ofSource(c.source) }

// ofSource selects the rows of a source.
func ofSource(source string) condition { return where(`source_id = ?`, nameIn{sourceNames, source}) }

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

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// feedback replaces what the source has counted, if it is another count. Nil
// says nothing.
func (c *commit) feedback(ctx context.Context, counted []evidence.Feedback) error {
	if counted == nil {
		return nil
	}
	next := make([]evidence.Feedback, 0, len(counted))
	var checks []string
	for _, f := range counted {
		f.Check, f.Kind = text(f.Check), evidence.FeedbackKind(text(string(f.Kind)))
		if f.Count < 1 {
			return fmt.Errorf("check %s: %d issues say %s", f.Check, f.Count, f.Kind)
		}
		next, checks = append(next, f), append(checks, f.Check)
	}
	slices.SortFunc(next, evidence.Feedback.Compare)
	if err := c.store.names.load(ctx, c); err != nil {
		return err
	}
	before, err := c.store.readFeedback(ctx, c, `source_id = $1`, []any{c.source})
	if err != nil || slices.Equal(before, next) {
		return err
	}
	ids, err := c.intern(ctx, checkNames, checks)
	if err != nil {
		return err
	}
	if err := c.exec(ctx, `DELETE FROM feedback WHERE source_id = $1`, c.source); err != nil {
		return err
	}
	var rows [][]any
	for _, f := range next {
		rows = append(rows, []any{c.source, ids[f.Check], string(f.Kind), int64(f.Count)})
	}
	return c.insert(ctx, `INSERT INTO feedback (source_id, check_id, kind, issues)`, "", rows)
}

// Feedback is what the issues of all sources say about checks, by check and
// kind.
func (s *Store) Feedback(ctx context.Context) ([]evidence.Feedback, error) {
	var list []evidence.Feedback
	err := s.view(ctx, "reading feedback", func(t *sql.Tx) error {
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		var err error
		list, err = s.readFeedback(ctx, t, `1 = 1`, nil)
		return err
	})
	return list, err
}

// readFeedback sums the counts of a condition, by check and kind. The names must
// be loaded.
func (s *Store) readFeedback(ctx context.Context, q queryer, where string, args []any) ([]evidence.Feedback, error) {
	var list []evidence.Feedback
	err := each(ctx, q, `SELECT check_id, kind, CAST(SUM(issues) AS BIGINT) FROM feedback WHERE `+where+` GROUP BY check_id, kind`, args, func(rows *sql.Rows) error {
		var f evidence.Feedback
		var check int64
		if err := rows.Scan(&check, &f.Kind, &f.Count); err != nil {
			return err
		}
		var err error
		f.Check, err = s.names.name(checkNames, check)
		list = append(list, f)
		return err
	})
	slices.SortFunc(list, evidence.Feedback.Compare)
	return list, err
}

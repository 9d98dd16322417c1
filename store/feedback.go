package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// feedbackRow is how many issues of a source say one thing about a check.
type feedbackRow struct {
	source, check int64
	kind          evidence.FeedbackKind
	issues        int
}

func (r *feedbackRow) table() table {
	return table{
		name: "feedback",
		key:  columns{{"source_id", &r.source}, {"check_id", &r.check}, {"kind", &r.kind}},
		data: columns{{"issues", &r.issues}},
	}
}

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
	var rows []feedbackRow
	for _, f := range next {
		rows = append(rows, feedbackRow{c.source, ids[f.Check], f.Kind, f.Count})
	}
	return put(ctx, c.tx, rows...)
}

// Feedback is what the issues of all sources say about checks, by check and
// kind.
func (s *Store) Feedback(ctx context.Context) ([]evidence.Feedback, error) {
	return s.feedbackWhere(ctx, `1 = 1`)
}

// FeedbackOf is what the issues of one source say about checks.
func (s *Store) FeedbackOf(ctx context.Context, source string) ([]evidence.Feedback, error) {
	return s.feedbackWhere(ctx, `source_id IN (SELECT id FROM sources WHERE name = $1)`, text(source))
}

func (s *Store) feedbackWhere(ctx context.Context, where string, args ...any) ([]evidence.Feedback, error) {
	var list []evidence.Feedback
	err := s.view(ctx, "reading feedback", func(t *sql.Tx) error {
		var err error
		list, err = s.readFeedback(ctx, t, where, args)
		return err
	})
	return list, err
}

// readFeedback sums the counts of a condition, by check and kind. The names must
// be loaded.
func (s *Store) readFeedback(ctx context.Context, q queryer, where string, args []any) ([]evidence.Feedback, error) {
	counts := map[evidence.Feedback]int{}
	err := read(ctx, q, `WHERE `+where, args, func(r feedbackRow) error {
		check, err := s.names.name(checkNames, r.check)
		counts[evidence.Feedback{Check: check, Kind: r.kind}] += r.issues
		return err
	})
	var list []evidence.Feedback
	for f, n := range counts {
		f.Count = n
		list = append(list, f)
	}
	slices.SortFunc(list, evidence.Feedback.Compare)
	return list, err
}

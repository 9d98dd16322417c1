package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// feedbackRow is how many issues of a source say one thing about a check.
type feedbackRow struct {
	source string
	evidence.Feedback
}

func (r *feedbackRow) table() table {
	return table{
		name: "feedback",
		key:  columns{{"source_id", sourceID(&r.source)}, {"check_id", checkID(&r.Check)}, {"kind", &r.Kind}},
		data: columns{{"issues", &r.Count}},
	}
}

// feedback replaces what the source has counted. Nil leaves it.
func (c *commit) feedback(ctx context.Context, counted []evidence.Feedback) error {
	if counted == nil {
		return nil
	}
	var wanted []feedbackRow
	for _, f := range counted {
		if f.Count < 1 {
			return fmt.Errorf("check %s: %d issues say %s", f.Check, f.Count, f.Kind)
		}
		wanted = append(wanted, feedbackRow{c.source, f})
	}
	_, _, err := replace(ctx, c.tx, c.ofSource(), wanted, nil)
	return err
}

// Feedback is what the issues of all sources say about checks, by check and
// kind.
func (s *Store) Feedback(ctx context.Context) ([]evidence.Feedback, error) {
	return s.feedback(ctx, condition{})
}

// FeedbackOf is what the issues of one source say about checks.
func (s *Store) FeedbackOf(ctx context.Context, source string) ([]evidence.Feedback, error) {
	return s.feedback(ctx, ofSource(source))
}

// feedback sums the counts that a condition selects, by check and kind.
func (s *Store) feedback(ctx context.Context, c condition) ([]evidence.Feedback, error) {
	counts := map[evidence.Feedback]int{}
	err := s.view(ctx, "reading feedback", func(v *view) error {
		return read(ctx, v, c, func(r feedbackRow) error {
			counts[evidence.Feedback{Check: r.Check, Kind: r.Kind}] += r.Count
			return nil
		})
	})
	var found []evidence.Feedback
	for f, n := range counts {
		f.Count = n
		found = append(found, f)
	}
	slices.SortFunc(found, evidence.Feedback.Compare)
	return found, err
}

package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// OperationalReview is the review of a period as it was made.
type OperationalReview struct {
	// Name is that of the period, and Kind how long it is.
	Name, Kind string
	// From is the begin of the period, MadeAt when the review was made.
	From, MadeAt time.Time
	// Body is the review as JSON; absent in lists.
	Body []byte
}

// operationalReviewRow is a review with its body.
type operationalReviewRow struct{ OperationalReview }

func (r *operationalReviewRow) table() table {
	return table{
		name: "operational_reviews",
		key:  columns{{"name", &r.Name}},
		data: columns{{"kind", &r.Kind}, {"from_at", timeOf(&r.From)}, {"made_at", timeOf(&r.MadeAt)}, {"body", &r.Body}},
	}
}

// SaveOperationalReview stores a review, in the place of one with the same name, and
// deletes the oldest of its kind so that at most so many are kept.
func (s *Store) SaveOperationalReview(ctx context.Context, review OperationalReview, keep int) error {
	if review.Name == "" || keep < 1 {
		return fmt.Errorf("storing the review %q, and %d of its kind: it has no name, or none is to be kept", review.Name, keep)
	}
	return s.inTx(ctx, "storing the review "+review.Name, func(t *tx) error {
		if err := put(ctx, t, operationalReviewRow{review}); err != nil {
			return err
		}
		var kept []operationalReviewRow
		err := read(ctx, t, where(`kind = ?`, review.Kind), func(r operationalReviewRow) error {
			kept = append(kept, r)
			return nil
		})
		if err != nil {
			return err
		}
		slices.SortFunc(kept, func(a, b operationalReviewRow) int { return b.From.Compare(a.From) })
		return remove(ctx, t, kept[min(keep, len(kept)):]...)
	})
}

// OperationalReviews lists the stored reviews, the newest period first, without their
// bodies.
func (s *Store) OperationalReviews(ctx context.Context) ([]OperationalReview, error) {
	found, err := s.operationalReviews(ctx, condition{})
	for i := range found {
		found[i].Body = nil
	}
	return found, err
}

// OperationalReview returns the review of a name, nil if no review has it.
func (s *Store) OperationalReview(ctx context.Context, name string) (*OperationalReview, error) {
	found, err := s.operationalReviews(ctx, where(`name = ?`, name))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func (s *Store) operationalReviews(ctx context.Context, c condition) ([]OperationalReview, error) {
	found, err := collect(ctx, s, "reading operational reviews", c,
		func(r operationalReviewRow) OperationalReview { return r.OperationalReview })
	slices.SortFunc(found, func(a, b OperationalReview) int {
		return cmp.Or(b.From.Compare(a.From), cmp.Compare(a.Name, b.Name))
	})
	return found, err
}

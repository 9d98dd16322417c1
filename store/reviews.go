package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// reviewRow is a review as it concerns one service. Its id is in the column review_key,
// which had its key before.
type reviewRow struct {
	seq transactionNumber
	evidence.Review
}

func (r *reviewRow) table() table {
	return table{
		name: "reviews",
		key:  columns{{"source_id", sourceID(&r.Source)}, {"review_key", &r.ID}, {"service_id", serviceID(&r.Service)}},
		data: columns{
			{"status", &r.Status}, {"created_at", timeOf(&r.CreatedAt)},
			{"completed_at", timeOrNull(&r.CompletedAt)}, {"gone", &r.Gone}, {"issue_key", &r.Key},
			{"seq", &r.seq},
		},
	}
}

// reviews stores what has changed among a batch's reviews. A batch names every
// service of the tickets in it: a ticket that no longer names a service is gone
// for that service.
func (c *commit) reviews(ctx context.Context, reviews []evidence.Review) error {
	var wanted []reviewRow
	var ids []string
	for _, r := range reviews {
		if c.isOther(r.Source) {
			return fmt.Errorf("review %s says it is from %s", r.ID, r.Source)
		}
		if r.CreatedAt.IsZero() {
			return fmt.Errorf("review %s has no time of creation", r.ID)
		}
		r.Source = c.source
		wanted, ids = append(wanted, reviewRow{Review: r}), append(ids, r.ID)
	}
	slices.Sort(ids)
	written, others, err := upsert(ctx, c.tx, c.ofSource().in("review_key", anys(slices.Compact(ids))), wanted, nil)
	if err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(r reviewRow) bool { return r.Gone })
	for i := range others {
		others[i].Gone = true
	}
	c.changes.Reviews = len(written) + len(others)
	return put(ctx, c.tx, others...)
}

// Reviews lists every review that is still listed by its source, by creation,
// source, id and service.
func (s *Store) Reviews(ctx context.Context) ([]evidence.Review, error) {
	return s.reviews(ctx, where(`gone = ?`, false))
}

// ReviewsAfter lists, in the same order, the reviews that a transaction after
// the one with the given number has changed, those that are gone among them.
func (s *Store) ReviewsAfter(ctx context.Context, after int64) ([]evidence.Review, error) {
	return s.reviews(ctx, where(`seq > ?`, after))
}

func (s *Store) reviews(ctx context.Context, c condition) ([]evidence.Review, error) {
	found, err := collect(ctx, s, "reading reviews", c, func(r reviewRow) evidence.Review { return r.Review })
	slices.SortFunc(found, func(a, b evidence.Review) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Service, b.Service))
	})
	return found, err
}

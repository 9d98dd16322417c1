package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// reviewRow is a review as it concerns one service.
type reviewRow struct {
	source, service, seq int64
	evidence.Review
}

func (r *reviewRow) table() table {
	return table{
		name: "reviews",
		key:  columns{{"source_id", &r.source}, {"review_key", &r.Key}, {"service_id", &r.service}},
		data: columns{
			{"status", &r.Status}, {"created_at", timeOf(&r.CreatedAt)},
			{"completed_at", timeOrNull(&r.CompletedAt)}, {"gone", &r.Gone}, {"seq", &r.seq},
		},
	}
}

// reviewKey is one ticket as far as it concerns one service.
type reviewKey struct{ key, service string }

// reviews stores what has changed among a batch's reviews. A batch names every
// service of the tickets in it: a ticket that no longer names a service is gone
// for that service.
func (c *commit) reviews(ctx context.Context, reviews []evidence.Review) error {
	if len(reviews) == 0 {
		return nil
	}
	wanted := map[reviewKey]evidence.Review{}
	var order []reviewKey
	var keys, services []string
	seen := map[string]bool{}
	for _, r := range reviews {
		if r.Source != "" && text(r.Source) != c.sourceName {
			return fmt.Errorf("review %s says it is from %s", r.Key, r.Source)
		}
		if r.CreatedAt.IsZero() {
			return fmt.Errorf("review %s has no time of creation", r.Key)
		}
		r.Source, r.Key, r.Service = c.sourceName, text(r.Key), text(r.Service)
		id := reviewKey{r.Key, r.Service}
		if _, dup := wanted[id]; !dup {
			order = append(order, id)
		}
		wanted[id] = r
		services = append(services, r.Service)
		if !seen[r.Key] {
			seen[r.Key] = true
			keys = append(keys, r.Key)
		}
	}
	serviceIDs, err := c.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}
	if err := c.store.names.load(ctx, c); err != nil {
		return err
	}
	existing := map[reviewKey]evidence.Review{}
	err = chunks(keys, func(part []string) error {
		list, err := c.store.readReviews(ctx, c, `source_id = $1 AND review_key IN (`+placeholders(2, len(part))+`)`,
			with([]any{c.source}, part))
		for _, r := range list {
			existing[reviewKey{r.Key, r.Service}] = r
		}
		return err
	})
	if err != nil {
		return err
	}
	for id, r := range existing {
		if _, still := wanted[id]; !still && !r.Gone {
			r.Gone = true
			wanted[id] = r
			order = append(order, id)
			if serviceIDs[r.Service], err = c.internOne(ctx, serviceNames, r.Service); err != nil {
				return err
			}
		}
	}

	var rows []reviewRow
	for _, id := range order {
		r := wanted[id]
		if old, known := existing[id]; known && same(reviewRow{Review: r}, reviewRow{Review: old}) {
			continue
		}
		c.changes.Reviews++
		rows = append(rows, reviewRow{source: c.source, service: serviceIDs[r.Service], seq: c.seq, Review: r})
	}
	return put(ctx, c.tx, rows...)
}

// Reviews lists every review that is still listed by its source, by creation,
// source, key and service.
func (s *Store) Reviews(ctx context.Context) ([]evidence.Review, error) {
	return s.reviewsWhere(ctx, `gone = $1`, false)
}

// ReviewsAfter lists, in the same order, the reviews that a transaction after
// the one with the given number has changed, those that are gone among them.
func (s *Store) ReviewsAfter(ctx context.Context, after int64) ([]evidence.Review, error) {
	return s.reviewsWhere(ctx, `seq > $1`, after)
}

func (s *Store) reviewsWhere(ctx context.Context, where string, args ...any) ([]evidence.Review, error) {
	var list []evidence.Review
	err := s.view(ctx, "reading reviews", func(t *sql.Tx) error {
		var err error
		list, err = s.readReviews(ctx, t, where, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b evidence.Review) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Key, b.Key),
			cmp.Compare(a.Service, b.Service))
	})
	return list, nil
}

// readReviews reads the reviews of a condition. The names must be loaded.
func (s *Store) readReviews(ctx context.Context, q queryer, where string, args []any) ([]evidence.Review, error) {
	var list []evidence.Review
	err := read(ctx, q, `WHERE `+where, args, func(r reviewRow) (err error) {
		if r.Source, err = s.names.name(sourceNames, r.source); err != nil {
			return err
		}
		r.Service, err = s.names.name(serviceNames, r.service)
		list = append(list, r.Review)
		return err
	})
	return list, err
}

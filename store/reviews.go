package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"

	"github.com/prodready/collector/evidence"
)

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
		r.Status = evidence.ReviewStatus(text(string(r.Status)))
		r.CreatedAt, r.CompletedAt = storedTime(r.CreatedAt), storedTime(r.CompletedAt)
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
		list, err := c.store.readReviews(ctx, c, `source_id = $1 AND review_key IN (`+placeholders(2, len(part))+`)`, with([]any{c.source}, part))
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

	var rows [][]any
	for _, id := range order {
		r := wanted[id]
		if old, known := existing[id]; known && sameReview(r, old) {
			continue
		}
		c.changes.Reviews++
		rows = append(rows, []any{c.source, r.Key, serviceIDs[r.Service], string(r.Status), micros(r.CreatedAt), optional(r.CompletedAt), r.Gone, c.seq})
	}
	return c.insert(ctx, `INSERT INTO reviews (source_id, review_key, service_id, status, created_at, completed_at, gone, seq)`,
		`ON CONFLICT (source_id, review_key, service_id) DO UPDATE SET status = excluded.status, created_at = excluded.created_at,
		completed_at = excluded.completed_at, gone = excluded.gone, seq = excluded.seq`, rows)
}

func sameReview(a, b evidence.Review) bool {
	return a.Status == b.Status && a.CreatedAt.Equal(b.CreatedAt) && a.CompletedAt.Equal(b.CompletedAt) && a.Gone == b.Gone
}

// Reviews lists every review that is still listed by its source, by creation,
// source, key and service.
func (s *Store) Reviews(ctx context.Context) ([]evidence.Review, error) {
	var list []evidence.Review
	err := s.view(ctx, "reading reviews", func(t *sql.Tx) error {
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		var err error
		list, err = s.readReviews(ctx, t, `gone = $1`, []any{false})
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if !a.CreatedAt.Equal(b.CreatedAt) {
			return a.CreatedAt.Before(b.CreatedAt)
		}
		if a.Source != b.Source {
			return a.Source < b.Source
		}
		if a.Key != b.Key {
			return a.Key < b.Key
		}
		return a.Service < b.Service
	})
	return list, nil
}

// readReviews reads the reviews of a condition. The names must be loaded.
func (s *Store) readReviews(ctx context.Context, q queryer, where string, args []any) ([]evidence.Review, error) {
	var list []evidence.Review
	err := each(ctx, q, `SELECT source_id, review_key, service_id, status, created_at, completed_at, gone FROM reviews WHERE `+where, args, func(rows *sql.Rows) error {
		var r evidence.Review
		var source, service, created int64
		var completed sql.NullInt64
		if err := rows.Scan(&source, &r.Key, &service, &r.Status, &created, &completed, &r.Gone); err != nil {
			return err
		}
		r.CreatedAt, r.CompletedAt = instant(created), instantOf(completed)
		var err error
		if r.Source, err = s.names.name(sourceNames, source); err != nil {
			return err
		}
		r.Service, err = s.names.name(serviceNames, service)
		list = append(list, r)
		return err
	})
	return list, err
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"time"

	"github.com/prodready/collector/evidence"
)

// alertPage is how many firings are in memory at once when they are walked.
const alertPage = 1000

// AlertFilter selects firings of alerts.
type AlertFilter struct {
	// Since keeps those that had not ended before it.
	Since time.Time
	// After keeps those that a transaction after this one has changed; see
	// AlertSequence.
	After int64
}

// EachAlert hands on the firings that a filter selects, in the order in which
// they were first stored. It reads page by page and holds no transaction open
// while each runs. An error of each ends it and is returned as it is.
func (s *Store) EachAlert(ctx context.Context, filter AlertFilter, each func(evidence.AlertFiring) error) error {
	last := int64(0)
	for {
		var page []*storedFiring
		err := s.view(ctx, "reading alerts", func(t *sql.Tx) error {
			if err := s.names.load(ctx, t); err != nil {
				return err
			}
			var err error
			page, err = s.readFirings(ctx, t, fmt.Sprintf(`f.num IN (SELECT f.num FROM alert_firings f WHERE f.num > $1 AND f.seq > $2
				AND (f.ended_at IS NULL OR f.ended_at >= $3) ORDER BY f.num LIMIT %d)`, alertPage),
				[]any{last, filter.After, micros(filter.Since)})
			return err
		})
		if err != nil {
			return err
		}
		sort.Slice(page, func(i, j int) bool { return page[i].num < page[j].num })
		for _, f := range page {
			last = f.num
			if err := each(f.AlertFiring); err != nil {
				return err
			}
		}
		if len(page) < alertPage {
			return nil
		}
	}
}

// AlertSequence numbers the transaction that last changed a firing; 0 when there
// is none.
func (s *Store) AlertSequence(ctx context.Context) (int64, error) {
	var seq int64
	if err := s.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), 0) FROM alert_firings`).Scan(&seq); err != nil {
		return 0, fmt.Errorf("reading when alerts last changed: %w", err)
	}
	return seq, nil
}

// AlertSight is what is known of one source's watching.
type AlertSight struct {
	// Spans are when it was watching, by start; they neither overlap nor touch.
	Spans []evidence.Span
	// Services tells since when each service's alerts have been looked for.
	Services map[string]time.Time
}

// AlertSights tells of each source that ever watched when it did, as far as
// spans that ended at or after since, and for whom.
func (s *Store) AlertSights(ctx context.Context, since time.Time) (map[string]AlertSight, error) {
	sights := map[string]AlertSight{}
	at := func(source int64) (string, AlertSight, error) {
		name, err := s.names.name(sourceNames, source)
		sight := sights[name]
		if sight.Services == nil {
			sight.Services = map[string]time.Time{}
		}
		return name, sight, err
	}
	err := s.view(ctx, "reading when alerts were watched", func(t *sql.Tx) error {
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		err := each(ctx, t, `SELECT source_id, from_at, until_at FROM alert_spans WHERE until_at >= $1 ORDER BY source_id, from_at`, []any{micros(since)}, func(rows *sql.Rows) error {
			var source, from, until int64
			if err := rows.Scan(&source, &from, &until); err != nil {
				return err
			}
			name, sight, err := at(source)
			sight.Spans = append(sight.Spans, evidence.Span{From: instant(from), Until: instant(until)})
			sights[name] = sight
			return err
		})
		if err != nil {
			return err
		}
		return each(ctx, t, `SELECT source_id, service_id, since_at FROM alert_services`, nil, func(rows *sql.Rows) error {
			var source, service, since int64
			if err := rows.Scan(&source, &service, &since); err != nil {
				return err
			}
			name, sight, err := at(source)
			if err != nil {
				return err
			}
			known, err := s.names.name(serviceNames, service)
			sight.Services[known] = instant(since)
			sights[name] = sight
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return sights, nil
}

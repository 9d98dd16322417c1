package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// alertSpanRow is a span in which a source was watching for alerts.
type alertSpanRow struct {
	source, from, until int64
}

func (r *alertSpanRow) table() table {
	return table{
		name: "alert_spans",
		key:  columns{{"source_id", &r.source}, {"from_at", &r.from}},
		data: columns{{"until_at", &r.until}},
	}
}

// alertServiceRow is a service whose alerts a source looks for.
type alertServiceRow struct {
	source, service int64
	knownBy         string
	since           time.Time
}

func (r *alertServiceRow) table() table {
	return table{
		name: "alert_services",
		key:  columns{{"source_id", &r.source}, {"service_id", &r.service}},
		data: columns{{"known_by", &r.knownBy}, {"since_at", timeOf(&r.since)}},
	}
}

// watchCoverage stores when the source was watching for alerts, and of which
// services.
func (c *commit) watchCoverage(ctx context.Context, sight *evidence.AlertSight) error {
	if sight == nil {
		return nil
	}
	for _, span := range sight.Spans {
		if !span.Until.After(span.From) {
			return fmt.Errorf("the span from %s has no end after it", span.From.UTC().Format(time.RFC3339))
		}
		if err := c.span(ctx, micros(span.From), micros(span.Until)); err != nil {
			return err
		}
	}
	return c.watched(ctx, sight)
}

// span adds a span to those of the source. Spans that touch become one, under
// the earliest beginning.
func (c *commit) span(ctx context.Context, from, until int64) error {
	var touching []alertSpanRow
	err := read(ctx, c, `WHERE source_id = $1 AND from_at <= $2 AND until_at >= $3`, []any{c.source, until, from},
		func(r alertSpanRow) error {
			touching = append(touching, r)
			return nil
		})
	if err != nil {
		return err
	}
	whole := alertSpanRow{c.source, from, until}
	for _, r := range touching {
		whole.from, whole.until = min(whole.from, r.from), max(whole.until, r.until)
	}
	for _, r := range touching {
		if r == whole {
			return nil
		}
		if r.from > whole.from {
			if err := c.exec(ctx, `DELETE FROM alert_spans WHERE source_id = $1 AND from_at = $2`, c.source,
				r.from); err != nil {
				return err
			}
		}
	}
	return put(ctx, c.tx, whole)
}

// watched stores which services are looked for. A service that is no longer
// among them is deleted, so that it begins anew if it comes back.
func (c *commit) watched(ctx context.Context, sight *evidence.AlertSight) error {
	before := map[int64]string{}
	err := read(ctx, c, `WHERE source_id = $1`, []any{c.source}, func(r alertServiceRow) error {
		before[r.service] = r.knownBy
		return nil
	})
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(sight.Services))
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = text(name)
	}
	ids, err := c.intern(ctx, serviceNames, clean)
	if err != nil {
		return err
	}
	now := map[int64]alertServiceRow{}
	for i, name := range names {
		id := ids[clean[i]]
		now[id] = alertServiceRow{c.source, id, text(sight.Services[name]), sight.Since}
	}
	var gone []int64
	for id := range before {
		if _, listed := now[id]; !listed {
			gone = append(gone, id)
		}
	}
	var rows []alertServiceRow
	for id, r := range now {
		if knownBy, known := before[id]; !known || knownBy != r.knownBy {
			rows = append(rows, r)
		}
	}
	if err := execIn(ctx, c.tx, `DELETE FROM alert_services WHERE source_id = $1 AND service_id IN`, []any{c.source},
		gone); err != nil {
		return err
	}
	return put(ctx, c.tx, rows...)
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
		err := read(ctx, t, `WHERE until_at >= $1 ORDER BY source_id, from_at`, []any{micros(since)},
			func(r alertSpanRow) error {
				name, sight, err := at(r.source)
				sight.Spans = append(sight.Spans, evidence.Span{From: instant(r.from), Until: instant(r.until)})
				sights[name] = sight
				return err
			})
		if err != nil {
			return err
		}
		return read(ctx, t, ``, nil, func(r alertServiceRow) error {
			name, sight, err := at(r.source)
			if err != nil {
				return err
			}
			service, err := s.names.name(serviceNames, r.service)
			sight.Services[service] = r.since
			sights[name] = sight
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return sights, nil
}

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

// alertSpanRow is a span in which a source was watching for alerts.
type alertSpanRow struct {
	source string
	evidence.Span
}

func (r *alertSpanRow) table() table {
	return table{
		name: "alert_spans",
		key:  columns{{"source_id", sourceID(&r.source)}, {"from_at", timeOf(&r.From)}},
		data: columns{{"until_at", timeOf(&r.Until)}},
	}
}

// alertServiceRow is a service whose alerts a source looks for.
type alertServiceRow struct {
	source, service, knownBy string
	since                    time.Time
}

func (r *alertServiceRow) table() table {
	return table{
		name: "alert_services",
		key:  columns{{"source_id", sourceID(&r.source)}, {"service_id", serviceID(&r.service)}},
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
		if err := c.span(ctx, span); err != nil {
			return err
		}
	}
	// A service that is no longer looked for is deleted, so that it begins anew
	// if it comes back.
	var wanted []alertServiceRow
	for service, knownBy := range sight.Services {
		wanted = append(wanted, alertServiceRow{c.source, service, text(knownBy), sight.Since})
	}
	_, _, err := replace(ctx, c.tx, c.ofSource(), wanted, func(old, now alertServiceRow) alertServiceRow {
		if old.knownBy == now.knownBy {
			return old
		}
		return now
	})
	return err
}

// span adds a span to those of the source. Spans that touch become one, under
// the earliest beginning.
func (c *commit) span(ctx context.Context, span evidence.Span) error {
	touching, whole := c.ofSource().and(`from_at <= ? AND until_at >= ?`, span.Until, span.From), span
	err := read(ctx, c, touching, func(r alertSpanRow) error {
		if r.From.Before(whole.From) {
			whole.From = r.From
		}
		if r.Until.After(whole.Until) {
			whole.Until = r.Until
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, _, err = replace(ctx, c.tx, touching, []alertSpanRow{{c.source, whole}}, nil)
	return err
}

// AlertSight is what is known of one source's watching.
type AlertSight struct {
	// Spans are when it was watching, by start; they neither overlap nor touch.
	Spans []evidence.Span
	// Services are the services it looks for, with the time since when.
	Services map[string]time.Time
}

// AlertSights are, for each source that ever watched, the spans that ended at or
// after since, and the services.
func (s *Store) AlertSights(ctx context.Context, since time.Time) (map[string]AlertSight, error) {
	sights := map[string]AlertSight{}
	of := func(source string) AlertSight {
		sight, known := sights[source]
		if !known {
			sight.Services = map[string]time.Time{}
		}
		return sight
	}
	err := s.view(ctx, "reading when alerts were watched", func(v *view) error {
		err := read(ctx, v, where(`until_at >= ?`, since).ordered(`from_at`), func(r alertSpanRow) error {
			sight := of(r.source)
			sight.Spans = append(sight.Spans, r.Span)
			sights[r.source] = sight
			return nil
		})
		if err != nil {
			return err
		}
		return read(ctx, v, condition{}, func(r alertServiceRow) error {
			sight := of(r.source)
			sight.Services[r.service] = r.since
			sights[r.source] = sight
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return sights, nil
}

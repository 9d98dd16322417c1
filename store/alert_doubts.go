package store

import (
	"context"
	"maps"
	"slices"
	"time"
)

// alertDoubtRow says that more alerts of a service may have fired than a source has
// matched to it.
type alertDoubtRow struct {
	source, service string
	newest          time.Time
}

func (r *alertDoubtRow) table() table {
	return table{
		name: "alert_doubts",
		key:  columns{{"source_id", sourceID(&r.source)}, {"service_id", serviceID(&r.service)}},
		data: columns{{"newest_at", timeOf(&r.newest)}},
	}
}

// alertDoubts replaces what the source does not know. Nil leaves it.
func (c *commit) alertDoubts(ctx context.Context, doubts map[string]time.Time) error {
	if doubts == nil {
		return nil
	}
	var wanted []alertDoubtRow
	for _, service := range slices.Sorted(maps.Keys(doubts)) {
		wanted = append(wanted, alertDoubtRow{c.source, service, storedTime(doubts[service])})
	}
	_, _, err := replace(ctx, c.tx, c.ofSource(), wanted, nil)
	return err
}

// AlertDoubts are the services of which more alerts may have fired, with when the newest of
// them did, all given sources taken together.
func (s *Store) AlertDoubts(ctx context.Context, sources []string) (map[string]time.Time, error) {
	found := map[string]time.Time{}
	err := s.view(ctx, "reading whose alerts are not all known", func(v *view) error {
		return read(ctx, v, condition{}, func(r alertDoubtRow) error {
			if slices.Contains(sources, r.source) && r.newest.After(found[r.service]) {
				found[r.service] = r.newest
			}
			return nil
		})
	})
	return found, err
}

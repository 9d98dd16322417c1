package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// firingKey is what identifies a firing of one source.
type firingKey struct {
	fingerprint string
	started     int64
}

// firingRow is a firing with its row number.
type firingRow struct {
	num, source, seq int64
	evidence.AlertFiring
}

func (r *firingRow) table() table {
	return table{
		name: "alert_firings",
		key: columns{
			{"source_id", &r.source}, {"fingerprint", &r.Fingerprint}, {"started_at", timeOf(&r.StartedAt)},
		},
		fixed: columns{{"num", &r.num}},
		data: columns{
			{"ended_at", timeOrNull(&r.EndedAt)}, {"alert", &r.Alert}, {"severity", &r.Severity},
			{"paging", &r.Paging}, {"seq", &r.seq},
		},
	}
}

// firingServiceRow is a service that a firing is about.
type firingServiceRow struct{ firing, service int64 }

func (r *firingServiceRow) table() table {
	return table{name: "alert_firing_services", key: columns{{"firing_num", &r.firing}, {"service_id", &r.service}}}
}

// alerts stores what has changed among a batch's firings.
func (c *commit) alerts(ctx context.Context, firings []evidence.AlertFiring) error {
	if len(firings) == 0 {
		return nil
	}
	newest := map[firingKey]evidence.AlertFiring{}
	var order []firingKey
	var fingerprints, services []string
	for _, f := range firings {
		switch {
		case f.Source != "" && text(f.Source) != c.sourceName:
			return fmt.Errorf("firing of %s says it is from %s", f.Alert, f.Source)
		case f.StartedAt.IsZero() || f.Fingerprint == "":
			return fmt.Errorf("firing of %s has no start or no fingerprint", f.Alert)
		case len(f.Services) == 0:
			return fmt.Errorf("firing of %s is of no service", f.Alert)
		}
		f.Source, f.Fingerprint, f.Services = c.sourceName, text(f.Fingerprint), cleanList(f.Services)
		key := firingKey{f.Fingerprint, micros(f.StartedAt)}
		if _, dup := newest[key]; !dup {
			order = append(order, key)
			fingerprints = append(fingerprints, f.Fingerprint)
		}
		newest[key] = f
		services = append(services, f.Services...)
	}
	serviceIDs, err := c.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}
	existing, err := c.existingFirings(ctx, fingerprints)
	if err != nil {
		return err
	}
	last, err := greatest(ctx, c, "num", "alert_firings")
	if err != nil {
		return err
	}
	var rows []firingRow
	var links []firingServiceRow
	var relinked []int64
	for _, key := range order {
		f := newest[key]
		old, known := existing[key]
		if known && same(firingRow{AlertFiring: f}, *old) && slices.Equal(f.Services, old.Services) {
			continue
		}
		if !known {
			last++
			old = &firingRow{num: last}
		}
		c.changes.Alerts++
		rows = append(rows, firingRow{num: old.num, source: c.source, seq: c.seq, AlertFiring: f})
		if slices.Equal(f.Services, old.Services) {
			continue
		}
		if known {
			relinked = append(relinked, old.num)
		}
		for _, service := range f.Services {
			links = append(links, firingServiceRow{old.num, serviceIDs[service]})
		}
	}
	if err := put(ctx, c.tx, rows...); err != nil {
		return err
	}
	if err := execIn(ctx, c.tx, `DELETE FROM alert_firing_services WHERE firing_num IN`, nil, relinked); err != nil {
		return err
	}
	return put(ctx, c.tx, links...)
}

// existingFirings reads the stored firings of the source with the fingerprints.
func (c *commit) existingFirings(ctx context.Context, fingerprints []string) (map[firingKey]*firingRow, error) {
	if err := c.store.names.load(ctx, c); err != nil {
		return nil, err
	}
	slices.Sort(fingerprints)
	found := map[firingKey]*firingRow{}
	err := chunks(slices.Compact(fingerprints), func(part []string) error {
		list, err := c.store.readFirings(ctx, c, `f.source_id = $1 AND f.fingerprint IN (`+placeholders(2, len(part))+`)`,
			with([]any{c.source}, part))
		for _, f := range list {
			found[firingKey{f.Fingerprint, micros(f.StartedAt)}] = f
		}
		return err
	})
	return found, err
}

// readFirings reads the firings of a condition on f, with their services. The
// names must be loaded.
func (s *Store) readFirings(ctx context.Context, q queryer, where string, args []any) ([]*firingRow, error) {
	var list []*firingRow
	byNum := map[int64]*firingRow{}
	err := read(ctx, q, `f WHERE `+where, args, func(f firingRow) (err error) {
		f.Source, err = s.names.name(sourceNames, f.source)
		list, byNum[f.num] = append(list, &f), &f
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	err = read(ctx, q, `WHERE firing_num IN (SELECT f.num FROM alert_firings f WHERE `+where+`)`, args,
		func(l firingServiceRow) error {
			service, err := s.names.name(serviceNames, l.service)
			if f := byNum[l.firing]; f != nil {
				f.Services = append(f.Services, service)
			}
			return err
		})
	for _, f := range list {
		slices.Sort(f.Services)
	}
	return list, err
}

// OpenAlerts lists the firings of a source that had not ended when it was last
// asked, by start.
func (s *Store) OpenAlerts(ctx context.Context, source string) ([]evidence.AlertFiring, error) {
	var list []evidence.AlertFiring
	err := s.view(ctx, "reading open alerts of "+source, func(t *sql.Tx) error {
		id, ok := s.names.id(sourceNames, text(source))
		if !ok {
			return nil
		}
		found, err := s.readFirings(ctx, t, `f.source_id = $1 AND f.ended_at IS NULL`, []any{id})
		for _, f := range found {
			list = append(list, f.AlertFiring)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b evidence.AlertFiring) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return list, nil
}

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
		var page []*firingRow
		err := s.view(ctx, "reading alerts", func(t *sql.Tx) error {
			var err error
			page, err = s.readFirings(ctx, t, fmt.Sprintf(`f.num > $1 AND f.seq > $2
				AND (f.ended_at IS NULL OR f.ended_at >= $3) ORDER BY f.num LIMIT %d`, alertPage),
				[]any{last, filter.After, micros(filter.Since)})
			return err
		})
		if err != nil {
			return err
		}
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
	seq, err := greatest(ctx, s.read, "seq", "alert_firings")
	if err != nil {
		return 0, fmt.Errorf("reading when alerts last changed: %w", err)
	}
	return seq, nil
}

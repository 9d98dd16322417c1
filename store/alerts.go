package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/prodready/collector/evidence"
)

// firingKey is what identifies a firing of one source.
type firingKey struct {
	fingerprint string
	started     int64
}

// storedFiring is a firing with its row number.
type storedFiring struct {
	num int64
	evidence.AlertFiring
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
		f = cleanFiring(c.sourceName, f)
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
	var last int64
	if err := c.QueryRowContext(ctx, `SELECT COALESCE(MAX(num), 0) FROM alert_firings`).Scan(&last); err != nil {
		return err
	}
	var rows, links [][]any
	var relinked []int64
	for _, key := range order {
		f := newest[key]
		old, known := existing[key]
		if known && sameFiring(f, old.AlertFiring) {
			continue
		}
		if !known {
			last++
			old = &storedFiring{num: last}
		}
		c.changes.Alerts++
		rows = append(rows, []any{old.num, c.source, f.Fingerprint, micros(f.StartedAt), optional(f.EndedAt), f.Alert, f.Severity, f.Paging, c.seq})
		if slices.Equal(f.Services, old.Services) {
			continue
		}
		if known {
			relinked = append(relinked, old.num)
		}
		for _, service := range f.Services {
			links = append(links, []any{old.num, serviceIDs[service]})
		}
	}
	err = c.insert(ctx, `INSERT INTO alert_firings (num, source_id, fingerprint, started_at, ended_at, alert, severity, paging, seq)`,
		`ON CONFLICT (source_id, fingerprint, started_at) DO UPDATE SET ended_at = excluded.ended_at, alert = excluded.alert,
		severity = excluded.severity, paging = excluded.paging, seq = excluded.seq`, rows)
	if err != nil {
		return err
	}
	err = chunks(relinked, func(part []int64) error {
		return c.exec(ctx, `DELETE FROM alert_firing_services WHERE firing_num IN (`+placeholders(1, len(part))+`)`, with(nil, part)...)
	})
	if err != nil {
		return err
	}
	return c.insert(ctx, `INSERT INTO alert_firing_services (firing_num, service_id)`, "", links)
}

// existingFirings reads the stored firings of the source with the fingerprints.
func (c *commit) existingFirings(ctx context.Context, fingerprints []string) (map[firingKey]*storedFiring, error) {
	if err := c.store.names.load(ctx, c); err != nil {
		return nil, err
	}
	slices.Sort(fingerprints)
	found := map[firingKey]*storedFiring{}
	err := chunks(slices.Compact(fingerprints), func(part []string) error {
		list, err := c.store.readFirings(ctx, c, `f.source_id = $1 AND f.fingerprint IN (`+placeholders(2, len(part))+`)`, with([]any{c.source}, part))
		for _, f := range list {
			found[firingKey{f.Fingerprint, micros(f.StartedAt)}] = f
		}
		return err
	})
	return found, err
}

// cleanFiring brings a firing into the form it has when it is read back.
func cleanFiring(source string, f evidence.AlertFiring) evidence.AlertFiring {
	f.Source, f.Fingerprint, f.Alert, f.Severity = source, text(f.Fingerprint), text(f.Alert), text(f.Severity)
	f.Services = cleanList(f.Services)
	f.StartedAt, f.EndedAt = storedTime(f.StartedAt), storedTime(f.EndedAt)
	return f
}

func sameFiring(a, b evidence.AlertFiring) bool {
	return a.EndedAt.Equal(b.EndedAt) && a.Alert == b.Alert && a.Severity == b.Severity && a.Paging == b.Paging && slices.Equal(a.Services, b.Services)
}

// sight stores when the source was watching, and for whom.
func (c *commit) sight(ctx context.Context, sight *evidence.AlertSight) error {
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

// span adds one span to those of the source. Spans that touch become one, under
// the earliest beginning.
func (c *commit) span(ctx context.Context, from, until int64) error {
	var earliest, latest, n int64
	err := c.QueryRowContext(ctx, `SELECT COALESCE(MIN(from_at), 0), COALESCE(MAX(until_at), 0), COUNT(*) FROM alert_spans
		WHERE source_id = $1 AND from_at <= $2 AND until_at >= $3`, c.source, until, from).Scan(&earliest, &latest, &n)
	if err != nil {
		return err
	}
	first, last := from, until
	if n > 0 {
		first, last = min(earliest, from), max(latest, until)
	}
	if n == 1 && first == earliest && last == latest {
		return nil
	}
	if n > 1 || n == 1 && first < earliest {
		err := c.exec(ctx, `DELETE FROM alert_spans WHERE source_id = $1 AND from_at > $2 AND from_at <= $3`, c.source, first, until)
		if err != nil {
			return err
		}
	}
	return c.exec(ctx, `INSERT INTO alert_spans (source_id, from_at, until_at) VALUES ($1, $2, $3)
		ON CONFLICT (source_id, from_at) DO UPDATE SET until_at = excluded.until_at`, c.source, first, last)
}

// watched stores which services are looked for. Who is no longer among them is
// forgotten, so that they begin anew if they come back.
func (c *commit) watched(ctx context.Context, sight *evidence.AlertSight) error {
	type row struct {
		service int64
		knownBy string
	}
	before := map[string]row{}
	if err := c.store.names.load(ctx, c); err != nil {
		return err
	}
	err := each(ctx, c, `SELECT service_id, known_by FROM alert_services WHERE source_id = $1`, []any{c.source}, func(rows *sql.Rows) error {
		var r row
		if err := rows.Scan(&r.service, &r.knownBy); err != nil {
			return err
		}
		name, err := c.store.names.name(serviceNames, r.service)
		before[name] = r
		return err
	})
	if err != nil {
		return err
	}
	var names []string
	now := map[string]string{}
	for name, knownBy := range sight.Services {
		name = text(name)
		now[name] = text(knownBy)
		names = append(names, name)
	}
	slices.Sort(names)
	var gone []int64
	for name, r := range before {
		if _, still := now[name]; !still {
			gone = append(gone, r.service)
		}
	}
	ids, err := c.intern(ctx, serviceNames, names)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, name := range slices.Compact(names) {
		if r, known := before[name]; !known || r.knownBy != now[name] {
			rows = append(rows, []any{c.source, ids[name], now[name], micros(sight.Since)})
		}
	}
	err = chunks(gone, func(part []int64) error {
		return c.exec(ctx, `DELETE FROM alert_services WHERE source_id = $1 AND service_id IN (`+placeholders(2, len(part))+`)`, with([]any{c.source}, part)...)
	})
	if err != nil {
		return err
	}
	return c.insert(ctx, `INSERT INTO alert_services (source_id, service_id, known_by, since_at)`,
		`ON CONFLICT (source_id, service_id) DO UPDATE SET known_by = excluded.known_by, since_at = excluded.since_at`, rows)
}

// readFirings reads the firings of a condition on f, with their services. The
// names must be loaded.
func (s *Store) readFirings(ctx context.Context, q queryer, where string, args []any) ([]*storedFiring, error) {
	var list []*storedFiring
	byNum := map[int64]*storedFiring{}
	err := each(ctx, q, `SELECT f.num, f.source_id, f.fingerprint, f.started_at, f.ended_at, f.alert, f.severity, f.paging FROM alert_firings f WHERE `+where, args, func(rows *sql.Rows) error {
		f := &storedFiring{}
		var source, started int64
		var ended sql.NullInt64
		if err := rows.Scan(&f.num, &source, &f.Fingerprint, &started, &ended, &f.Alert, &f.Severity, &f.Paging); err != nil {
			return err
		}
		f.StartedAt, f.EndedAt = instant(started), instantOf(ended)
		list = append(list, f)
		byNum[f.num] = f
		var err error
		f.Source, err = s.names.name(sourceNames, source)
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	err = s.eachService(ctx, q, `SELECT l.firing_num, l.service_id FROM alert_firing_services l JOIN alert_firings f ON f.num = l.firing_num WHERE `+where, args, func(num int64, service string) {
		if f := byNum[num]; f != nil {
			f.Services = append(f.Services, service)
		}
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
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
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
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if !a.StartedAt.Equal(b.StartedAt) {
			return a.StartedAt.Before(b.StartedAt)
		}
		return a.Fingerprint < b.Fingerprint
	})
	return list, nil
}

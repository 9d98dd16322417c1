package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"time"

	"github.com/prodready/collector/evidence"
)

const valueColumns = `kind, instant, num, detail, since, changed_at, seen_at, held_at, withdrawn, logged_at, logged`

// records stores what has changed among the records and withdrawals.
func (c *commit) records(ctx context.Context, records []evidence.Record, withdrawals []evidence.Withdrawal) error {
	byFact, err := c.gather(records, withdrawals)
	if err != nil {
		return err
	}
	if len(byFact) == 0 {
		return nil
	}
	facts := make([]string, 0, len(byFact))
	serviceSet := map[string]bool{}
	for fact, in := range byFact {
		facts = append(facts, fact)
		for service := range in {
			serviceSet[service] = true
		}
	}
	sort.Strings(facts)
	services := make([]string, 0, len(serviceSet))
	for service := range serviceSet {
		services = append(services, service)
	}
	sort.Strings(services)
	factIDs, err := c.intern(ctx, factNames, facts)
	if err != nil {
		return err
	}
	serviceIDs, err := c.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}

	var rows, points [][]any
	var excepted map[exceptionKey]bool
	for _, fact := range facts {
		in, def, factID := byFact[fact], c.store.definition(fact), factIDs[fact]
		ids := make([]int64, 0, len(in))
		for service := range in {
			ids = append(ids, serviceIDs[service])
		}
		existing, err := c.existing(ctx, factID, ids)
		if err != nil {
			return err
		}
		if def.Remember == evidence.RememberMean {
			if err := c.average(ctx, factID, def, in, serviceIDs, existing); err != nil {
				return fmt.Errorf("averaging %s: %w", fact, err)
			}
		}
		for _, service := range services {
			observation, ok := in[service]
			if !ok {
				continue
			}
			id := serviceIDs[service]
			old := existing[id]
			row, history, changed := next(old, observation, def, c.store.memory)
			if !changed {
				continue
			}
			if old == nil {
				// Rows of an excepted service are held already; a new one
				// has to be told.
				if excepted == nil {
					if excepted, err = c.exceptions(ctx); err != nil {
						return err
					}
				}
				row.isHeld, row.held = excepted[exceptionKey{fact, id}], row.seen
			}
			if row.withdrawn != "" {
				c.changes.Withdrawals++
			} else {
				c.changes.Records++
			}
			rows = append(rows, c.valueRow(c.source, factID, id, row))
			for _, p := range history {
				points = append(points, historyRow(factID, id, c.source, p))
			}
		}
	}
	if err := c.putValues(ctx, rows); err != nil {
		return err
	}
	return c.putHistory(ctx, points)
}

// gather indexes a batch by fact and service.
func (c *commit) gather(records []evidence.Record, withdrawals []evidence.Withdrawal) (map[string]map[string]observed, error) {
	byFact := map[string]map[string]observed{}
	put := func(fact, service string, o observed) {
		fact = text(fact)
		if byFact[fact] == nil {
			byFact[fact] = map[string]observed{}
		}
		byFact[fact][text(service)] = o
	}
	for _, w := range withdrawals {
		reason := w.Reason
		if reason == "" {
			reason = evidence.MissingNoData
		}
		put(w.Fact, w.Service, observed{withdrawn: evidence.Missing(text(string(reason))), seen: micros(c.at)})
	}
	for _, r := range records {
		if r.Source != "" && text(r.Source) != c.sourceName {
			return nil, fmt.Errorf("the record of %s for %s says it is from %s", r.Fact, r.Service, r.Source)
		}
		if r.Value.Kind() == evidence.KindInvalid {
			return nil, fmt.Errorf("the record of %s for %s has no value: withdraw it, or leave it out", r.Fact, r.Service)
		}
		o := observed{value: r.Value, detail: text(r.Detail), seen: micros(c.at)}
		if !r.ObservedAt.IsZero() {
			o.seen = micros(r.ObservedAt)
		}
		if !r.Since.IsZero() {
			o.since = micros(r.Since)
		}
		put(r.Fact, r.Service, o)
	}
	return byFact, nil
}

// existing reads the current rows of one fact for some services.
func (c *commit) existing(ctx context.Context, fact int64, services []int64) (map[int64]*current, error) {
	found := make(map[int64]*current, len(services))
	scan := func(rows *sql.Rows) error {
		var service int64
		row, err := scanCurrent(rows, &service)
		if err != nil {
			return err
		}
		found[service] = &row
		return nil
	}
	query := `SELECT service_id, ` + valueColumns + ` FROM fact_values WHERE source_id = $1 AND fact_id = $2`
	args := []any{c.source, fact}
	if len(services) > keysPerQuery {
		return found, each(ctx, c, query, args, scan)
	}
	return found, each(ctx, c, query+` AND service_id IN (`+placeholders(3, len(services))+`)`, with(args, services), scan)
}

// scanCurrent reads valueColumns after the columns given.
func scanCurrent(rows *sql.Rows, before ...any) (current, error) {
	var row current
	var kind int64
	var isInstant bool
	var num float64
	var held, logged sql.NullInt64
	err := rows.Scan(append(before, &kind, &isInstant, &num, &row.detail, &row.since, &row.changed, &row.seen,
		&held, &row.withdrawn, &logged, &row.loggedThis)...)
	if err != nil {
		return current{}, err
	}
	row.held, row.isHeld = held.Int64, held.Valid
	row.loggedAt, row.hasLogged = logged.Int64, logged.Valid
	if kind == int64(evidence.KindInvalid) {
		return row, nil
	}
	row.value, err = evidence.Stored(evidence.Kind(kind), isInstant, num)
	return row, err
}

func (t *tx) valueRow(source, fact, service int64, row current) []any {
	var held, logged any
	if row.isHeld {
		held = row.held
	}
	if row.hasLogged {
		logged = row.loggedAt
	}
	return []any{source, fact, service, int64(row.value.Kind()), row.value.IsInstant(), row.value.Number(),
		row.detail, row.since, row.changed, row.seen, held, string(row.withdrawn), logged, row.loggedThis, t.seq}
}

func (t *tx) putValues(ctx context.Context, rows [][]any) error {
	return t.insert(ctx, `INSERT INTO fact_values (source_id, fact_id, service_id, `+valueColumns+`, seq)`,
		`ON CONFLICT (source_id, fact_id, service_id) DO UPDATE SET kind = excluded.kind, instant = excluded.instant,
		num = excluded.num, detail = excluded.detail, since = excluded.since, changed_at = excluded.changed_at,
		seen_at = excluded.seen_at, held_at = excluded.held_at, withdrawn = excluded.withdrawn,
		logged_at = excluded.logged_at, logged = excluded.logged, seq = excluded.seq`, rows)
}

// Row is one current value, or the tombstone of one.
type Row struct {
	// Record is the value; ObservedAt is resolved as of the load.
	evidence.Record
	// Withdrawn is the reason of a tombstone, which has no Value; else empty.
	Withdrawn evidence.Missing
	// SeenAt is when the row was last written.
	SeenAt time.Time
	// HeldAt is when it was last observed while its service is excepted from
	// the group; zero otherwise.
	HeldAt time.Time
}

// Observed is when the row was last observed, given when its group was. A
// reader that keeps rows from load to load asks it again with every newer
// coverage, since a steady round changes the coverage and no row.
func (r Row) Observed(group time.Time) time.Time {
	switch {
	case !r.HeldAt.IsZero():
		return r.HeldAt
	case group.After(r.SeenAt):
		return group
	}
	return r.SeenAt
}

// Coverage is the newest complete answer of a group of facts.
type Coverage struct {
	// Source is the instance that answered.
	Source string
	evidence.Coverage
}

// Evidence is what LoadRecords returns.
type Evidence struct {
	// Seq is the number to load after the next time.
	Seq int64
	// Rows are the current values and tombstones written after the number
	// asked for, ordered by source, fact and service.
	Rows []Row
	// Coverage is all coverage, ordered by source and group.
	Coverage []Coverage
}

// LoadRecords reads the values and tombstones written after the transaction
// with the given number, 0 for all, together with all coverage, as of one
// moment.
func (s *Store) LoadRecords(ctx context.Context, after int64) (Evidence, error) {
	var found Evidence
	err := s.view(ctx, "reading records", func(t *sql.Tx) error {
		var err error
		if found.Seq, err = sequence(ctx, t); err != nil {
			return err
		}
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		if found.Coverage, err = s.loadCoverage(ctx, t); err != nil {
			return err
		}
		groupAt := map[[2]string]time.Time{}
		for _, c := range found.Coverage {
			for _, fact := range c.Facts {
				if key := [2]string{c.Source, fact}; c.At.After(groupAt[key]) {
					groupAt[key] = c.At
				}
			}
		}
		// A whole load is written in key order; asking for it through the
		// index on seq would visit the table row by row.
		query, args := `SELECT source_id, fact_id, service_id, `+valueColumns+` FROM fact_values`, []any(nil)
		if after > 0 {
			query, args = query+` WHERE seq > $1`, []any{after}
		}
		return each(ctx, t, query, args, func(rows *sql.Rows) error {
			row, err := s.scanRow(rows)
			if err != nil {
				return err
			}
			row.ObservedAt = row.Observed(groupAt[[2]string{row.Source, row.Fact}])
			found.Rows = append(found.Rows, row)
			return nil
		})
	})
	if err != nil {
		return Evidence{}, err
	}
	sort.Slice(found.Rows, func(i, j int) bool {
		a, b := &found.Rows[i], &found.Rows[j]
		if a.Source != b.Source {
			return a.Source < b.Source
		}
		if a.Fact != b.Fact {
			return a.Fact < b.Fact
		}
		return a.Service < b.Service
	})
	return found, nil
}

func (s *Store) scanRow(rows *sql.Rows) (Row, error) {
	var source, fact, service int64
	from, err := scanCurrent(rows, &source, &fact, &service)
	if err != nil {
		return Row{}, err
	}
	row := Row{Withdrawn: from.withdrawn, SeenAt: instant(from.seen)}
	row.Detail, row.Since = from.detail, instant(from.since)
	if from.withdrawn == "" {
		row.Value = from.value
	}
	if from.isHeld {
		row.HeldAt = instant(from.held)
	}
	if row.Source, err = s.names.name(sourceNames, source); err != nil {
		return Row{}, err
	}
	if row.Fact, err = s.names.name(factNames, fact); err != nil {
		return Row{}, err
	}
	row.Service, err = s.names.name(serviceNames, service)
	return row, err
}

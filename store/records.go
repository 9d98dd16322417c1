package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/prodready/collector/evidence"
)

// valueRow is the current value of a fact.
type valueRow struct {
	source, fact, service, seq int64
	scalar                     scalar
	current
}

func (r *valueRow) table() table {
	return table{
		name: "fact_values",
		key:  columns{{"source_id", &r.source}, {"fact_id", &r.fact}, {"service_id", &r.service}},
		data: append(r.scalar.columns(), columns{
			{"detail", &r.detail}, {"since", &r.since}, {"changed_at", &r.changed}, {"seen_at", &r.seen},
			{"held_at", &r.held}, {"withdrawn", &r.withdrawn}, {"logged_at", &r.loggedAt}, {"logged", &r.logged},
			{"seq", &r.seq},
		}...),
	}
}

func (t *tx) valueRow(source, fact, service int64, row current) valueRow {
	return valueRow{source: source, fact: fact, service: service, seq: t.seq, scalar: scalarOf(row.value), current: row}
}

// readValues is read for current values.
func readValues(ctx context.Context, q queryer, rest string, args []any, fn func(valueRow) error) error {
	return read(ctx, q, rest, args, func(r valueRow) (err error) {
		if r.value, err = r.scalar.value(); err != nil {
			return err
		}
		return fn(r)
	})
}

// records stores what has changed among the records and withdrawals.
func (c *commit) records(ctx context.Context, records []evidence.Record, withdrawals []evidence.Withdrawal) error {
	byFact, byService, err := c.gather(records, withdrawals)
	if err != nil {
		return err
	}
	if len(byFact) == 0 {
		return nil
	}
	facts := slices.Sorted(maps.Keys(byFact))
	services := slices.Sorted(maps.Keys(byService))
	factIDs, err := c.intern(ctx, factNames, facts)
	if err != nil {
		return err
	}
	serviceIDs, err := c.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}

	var rows []valueRow
	var points []historyRow
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
				row.held = sql.NullInt64{Int64: row.seen, Valid: excepted[exceptionKey{fact, id}]}
			}
			if row.withdrawn != "" {
				c.changes.Withdrawals++
			} else {
				c.changes.Records++
			}
			rows = append(rows, c.valueRow(c.source, factID, id, row))
			for _, p := range history {
				points = append(points, newHistoryRow(factID, id, c.source, p))
			}
		}
	}
	if err := put(ctx, c.tx, rows...); err != nil {
		return err
	}
	return put(ctx, c.tx, points...)
}

// gather indexes a batch by fact and service, and names its services.
func (c *commit) gather(
	records []evidence.Record, withdrawals []evidence.Withdrawal,
) (byFact map[string]map[string]observed, services map[string]bool, err error) {
	byFact, services = map[string]map[string]observed{}, map[string]bool{}
	put := func(fact, service string, o observed) {
		fact = text(fact)
		if byFact[fact] == nil {
			byFact[fact] = map[string]observed{}
		}
		service = text(service)
		byFact[fact][service], services[service] = o, true
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
			return nil, nil, fmt.Errorf("the record of %s for %s says it is from %s", r.Fact, r.Service, r.Source)
		}
		if r.Value.Kind() == evidence.KindInvalid {
			return nil, nil, fmt.Errorf("the record of %s for %s has no value: withdraw it, or leave it out", r.Fact, r.Service)
		}
		o := observed{value: r.Value, detail: text(r.Detail), seen: micros(c.at)}
		if !r.ObservedAt.IsZero() {
			o.seen = micros(r.ObservedAt)
			o.dated = o.seen != micros(c.at)
		}
		if !r.Since.IsZero() {
			o.since = micros(r.Since)
		}
		put(r.Fact, r.Service, o)
	}
	return byFact, services, nil
}

// existing reads the current rows of one fact for some services.
func (c *commit) existing(ctx context.Context, fact int64, services []int64) (map[int64]*current, error) {
	found := make(map[int64]*current, len(services))
	add := func(r valueRow) error {
		found[r.service] = &r.current
		return nil
	}
	rest, args := `WHERE source_id = $1 AND fact_id = $2`, []any{c.source, fact}
	if len(services) > keysPerQuery {
		return found, readValues(ctx, c, rest, args, add)
	}
	services = padded(services)
	return found, readValues(ctx, c, rest+` AND service_id IN (`+placeholders(3, len(services))+`)`,
		with(args, services), add)
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
		if found.Coverage, err = s.loadCoverage(ctx, t); err != nil {
			return err
		}
		groupAt, dated := map[[2]string]time.Time{}, map[[2]string]bool{}
		for _, c := range found.Coverage {
			for _, fact := range c.Facts {
				key := [2]string{c.Source, fact}
				if dated[key] = c.Dated; c.At.After(groupAt[key]) {
					groupAt[key] = c.At
				}
			}
		}
		// A whole load is written in key order; asking for it through the
		// index on seq would visit the table row by row.
		rest, args := ``, []any(nil)
		if after > 0 {
			rest, args = `WHERE seq > $1`, []any{after}
		}
		return readValues(ctx, t, rest, args, func(from valueRow) error {
			row, err := s.row(from)
			if err != nil {
				return err
			}
			row.ObservedAt = row.SeenAt
			if key := [2]string{row.Source, row.Fact}; !dated[key] {
				row.ObservedAt = row.Observed(groupAt[key])
			}
			found.Rows = append(found.Rows, row)
			return nil
		})
	})
	if err != nil {
		return Evidence{}, err
	}
	sort.Slice(found.Rows, func(i, j int) bool {
		a, b := &found.Rows[i], &found.Rows[j]
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Service, b.Service)) < 0
	})
	return found, nil
}

// row is a stored row with the names of what it is about.
func (s *Store) row(from valueRow) (row Row, err error) {
	row = Row{Withdrawn: from.withdrawn, SeenAt: instant(from.seen), HeldAt: instantOf(from.held)}
	row.Detail, row.Since = from.detail, instant(from.since)
	if from.withdrawn == "" {
		row.Value = from.value
	}
	if row.Source, err = s.names.name(sourceNames, from.source); err != nil {
		return Row{}, err
	}
	if row.Fact, err = s.names.name(factNames, from.fact); err != nil {
		return Row{}, err
	}
	row.Service, err = s.names.name(serviceNames, from.service)
	return row, err
}

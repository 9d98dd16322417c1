package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// valueRow is the current value of a fact.
type valueRow struct {
	source, fact, service string
	seq                   transactionNumber
	current
}

func (r *valueRow) table() table {
	return table{
		name: "fact_values",
		key: columns{
			{"source_id", sourceID(&r.source)}, {"fact_id", factID(&r.fact)}, {"service_id", serviceID(&r.service)},
		},
		data: append(valueOf(&r.value), columns{
			{"detail", &r.detail}, {"since", &r.since}, {"changed_at", &r.changed}, {"seen_at", &r.seen},
			{"held_at", &r.held}, {"withdrawn", &r.withdrawn}, {"logged_at", &r.loggedAt}, {"logged", &r.logged},
			{"seq", &r.seq},
		}...),
	}
}

// point is the present value as a point of history.
func (r valueRow) point() point {
	return point{from: r.changed, value: r.value, withdrawn: r.withdrawn, since: begun(r.since)}
}

// history is a point of the history of the same fact.
func (r valueRow) history(p point) historyRow { return historyRow{r.fact, r.service, r.source, p} }

// records stores what has changed among the records and withdrawals.
func (c *commit) records(ctx context.Context, records []evidence.Record, withdrawals []evidence.Withdrawal) error {
	byFact, err := c.gather(records, withdrawals)
	if err != nil {
		return err
	}
	var rows []valueRow
	var points []historyRow
	var excepted map[exception]bool
	for _, fact := range slices.Sorted(maps.Keys(byFact)) {
		in, def := byFact[fact], c.store.definition(fact)
		services := slices.Sorted(maps.Keys(in))
		existing, err := c.existing(ctx, fact, services)
		if err != nil {
			return err
		}
		if def.Remember == evidence.RememberMean {
			if err := c.average(ctx, fact, def, in, existing); err != nil {
				return fmt.Errorf("averaging %s: %w", fact, err)
			}
		}
		for _, service := range services {
			old := existing[service]
			now, history, changed := next(old, in[service], def, c.store.memory)
			if !changed {
				continue
			}
			if old == nil {
				// Rows of an excepted service are held already; a new one is not.
				if excepted == nil {
					if excepted, err = c.exceptions(ctx); err != nil {
						return err
					}
				}
				now.held = sql.NullInt64{Int64: now.seen, Valid: excepted[exception{fact, service}]}
			}
			if now.withdrawn != "" {
				c.changes.Withdrawals++
			} else {
				c.changes.Records++
			}
			row := valueRow{source: c.source, fact: fact, service: service, current: now}
			rows = append(rows, row)
			for _, p := range history {
				points = append(points, row.history(p))
			}
		}
	}
	if err := put(ctx, c.tx, rows...); err != nil {
		return err
	}
	return put(ctx, c.tx, points...)
}

// gather indexes a batch by fact and service.
func (c *commit) gather(
	records []evidence.Record, withdrawals []evidence.Withdrawal,
) (map[string]map[string]observed, error) {
	byFact := map[string]map[string]observed{}
	add := func(fact, service string, o observed) {
		fact = text(fact)
		if byFact[fact] == nil {
			byFact[fact] = map[string]observed{}
		}
		byFact[fact][text(service)] = o
	}
	for _, w := range withdrawals {
		reason := cmp.Or(w.Reason, evidence.MissingNoData)
		add(w.Fact, w.Service, observed{withdrawn: evidence.Missing(text(string(reason))), seen: micros(c.at)})
	}
	for _, r := range records {
		if c.isOther(r.Source) {
			return nil, fmt.Errorf("the record of %s for %s says it is from %s", r.Fact, r.Service, r.Source)
		}
		if r.Value.Kind() == evidence.KindInvalid {
			return nil, fmt.Errorf("the record of %s for %s has no value: withdraw it, or leave it out", r.Fact, r.Service)
		}
		o := observed{value: r.Value, detail: text(r.Detail), seen: micros(c.at)}
		if !r.ObservedAt.IsZero() {
			o.seen = micros(r.ObservedAt)
			o.dated = o.seen != micros(c.at)
		}
		if !r.Since.IsZero() {
			o.since = micros(r.Since)
		}
		add(r.Fact, r.Service, o)
	}
	return byFact, nil
}

// existing reads the current rows of one fact for some services.
func (c *commit) existing(ctx context.Context, fact string, services []string) (map[string]*current, error) {
	stored := c.ofServices(c.ofSource().and(`fact_id = ?`, nameIn{factNames, fact}), services)
	found := make(map[string]*current, len(services))
	return found, read(ctx, c, stored, func(r valueRow) error {
		found[r.service] = &r.current
		return nil
	})
}

// ofServices narrows rows of which a service has one at most to those of some services.
// For most of all services the rows are not narrowed: reading the rest with them is
// quicker than naming so many.
func (c *commit) ofServices(rows condition, services []string) condition {
	if most := c.store.names.lastID(serviceNames) / 2; len(services) > keysPerQuery && int64(len(services)) > most {
		return rows
	}
	return rows.in("service_id", namesIn(serviceNames, services))
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
// reader that keeps rows calls it again for every newer coverage, since a steady
// round changes the coverage and no row.
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

// Evidence is what is known of all services, or what has changed of it.
type Evidence struct {
	// Seq is the number to load after the next time.
	Seq int64
	// Rows are the current values and tombstones written after the number
	// asked for, ordered by source, fact and service.
	Rows []Row
	// Coverage is all coverage, ordered by source and group.
	Coverage []Coverage
	// Exemptions are all that tickets ask for, as Store.Exemptions lists them.
	Exemptions []evidence.TicketExemption
}

// LoadRecords is EachRecord with all rows in memory, in their order.
func (s *Store) LoadRecords(ctx context.Context, after int64) (Evidence, error) {
	var rows []Row
	found, err := s.EachRecord(ctx, after, func(r Row) { rows = append(rows, r) })
	if err != nil {
		return Evidence{}, err
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Service, b.Service))
	})
	found.Rows = rows
	return found, nil
}

// EachRecord calls fn with each value and tombstone written after the transaction
// with the given number, 0 for all, in any order, and returns the rest of the evidence:
// all as of one moment. One row is in memory at a time. fn must not use the store: the
// rows are read while it runs. After an error fn has had a part of the rows, which are
// true; the caller asks again with the same number.
func (s *Store) EachRecord(ctx context.Context, after int64, fn func(Row)) (Evidence, error) {
	var found Evidence
	err := s.view(ctx, "reading records", func(v *view) (err error) {
		if found.Seq, err = number(ctx, v, newestSequence); err != nil {
			return err
		}
		if found.Coverage, err = v.loadCoverage(ctx); err != nil {
			return err
		}
		if found.Exemptions, err = v.exemptions(ctx); err != nil {
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
		// A whole load is read as the table is written; asking for it through the
		// index on seq would visit the table row by row.
		var newer condition
		if after > 0 {
			newer = where(`seq > ?`, after)
		}
		return read(ctx, v, newer, func(r valueRow) error {
			row := r.row()
			row.ObservedAt = row.SeenAt
			if key := [2]string{row.Source, row.Fact}; !dated[key] {
				row.ObservedAt = row.Observed(groupAt[key])
			}
			fn(row)
			return nil
		})
	})
	if err != nil {
		return Evidence{}, err
	}
	return found, nil
}

func (r valueRow) row() Row {
	row := Row{Withdrawn: r.withdrawn, SeenAt: instant(r.seen)}
	row.Source, row.Fact, row.Service, row.Detail, row.Since = r.source, r.fact, r.service, r.detail, instant(r.since)
	if r.withdrawn == "" {
		row.Value = r.value
	}
	if r.held.Valid {
		row.HeldAt = instant(r.held.Int64)
	}
	return row
}

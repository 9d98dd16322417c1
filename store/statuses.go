package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/scoring"
)

// cell is one check for one service.
type cell struct{ service, check string }

func (c *cell) key(more ...column) columns {
	return append(columns{{"service_id", serviceID(&c.service)}, {"check_id", checkID(&c.check)}}, more...)
}

// statusRow is the present status of a check for a service.
type statusRow struct {
	cell
	seq    transactionNumber
	status string
	since  time.Time
}

func (r *statusRow) table() table {
	return table{
		name: "check_statuses",
		key:  r.key(),
		data: columns{{"status", &r.status}, {"since", timeOf(&r.since)}, {"seq", &r.seq}},
	}
}

// pastStatusRow is a status that another one has replaced.
type pastStatusRow struct {
	cell
	since, until time.Time
	status       string
}

func (r *pastStatusRow) table() table {
	return table{
		name: "check_status_history",
		key:  r.key(column{"since", timeOf(&r.since)}),
		data: columns{{"until", timeOf(&r.until)}, {"status", &r.status}},
	}
}

// invalidatedRow is when a machine last said no to a check of a service. The zero
// time is that of the last judgement, so that a no that is repeated needs no new row
// for every judgement.
type invalidatedRow struct {
	cell
	at time.Time
}

func (r *invalidatedRow) table() table {
	return table{name: "voids", key: r.key(), data: columns{{"at", timeOf(&r.at)}}}
}

// statuses writes the check statuses that differ from the stored ones and moves
// those they replace to history.
func (w *judging) statuses(ctx context.Context, changes []CheckStatus) error {
	var wanted []statusRow
	services := map[string]bool{}
	for _, s := range changes {
		if s.Status < scoring.Pass || s.Status > scoring.Scheduled {
			return fmt.Errorf("%s of %s has no status", s.Check, s.Service)
		}
		if s.Since.IsZero() {
			s.Since = w.at
		}
		wanted = append(wanted, statusRow{cell{s.Service, s.Check}, 0, s.Status.String(), s.Since})
		services[s.Service] = true
	}
	stored := condition{}.in("service_id", namesIn(serviceNames, slices.Sorted(maps.Keys(services))))
	var past []pastStatusRow
	_, _, err := upsert(ctx, w.tx, stored, wanted, func(old, now statusRow) statusRow {
		if old.status == now.status {
			return old
		}
		past = append(past, pastStatusRow{old.cell, old.since, now.since, old.status})
		return now
	})
	if err != nil {
		return err
	}
	return put(ctx, w.tx, past...)
}

// StatusSpan is a status that a check had for a while.
type StatusSpan struct {
	Status scoring.Status
	Since  time.Time
	// Until is zero for the present status.
	Until time.Time
}

// StatusHistory lists the statuses a check has had for a service, the oldest
// first, the present one last.
func (s *Store) StatusHistory(ctx context.Context, service, check string) ([]StatusSpan, error) {
	var found []StatusSpan
	add := func(name string, since, until time.Time) error {
		status, err := parseStatus(name)
		found = append(found, StatusSpan{status, since, until})
		return err
	}
	err := s.view(ctx, "reading the status history of "+check, func(v *view) error {
		of := where(`service_id = ? AND check_id = ?`, nameIn{serviceNames, service}, nameIn{checkNames, check})
		err := read(ctx, v, of, func(r pastStatusRow) error { return add(r.status, r.since, r.until) })
		if err != nil {
			return err
		}
		return read(ctx, v, of, func(r statusRow) error { return add(r.status, r.since, time.Time{}) })
	})
	slices.SortStableFunc(found, func(a, b StatusSpan) int { return a.Since.Compare(b.Since) })
	return found, err
}

// CheckSpan is a status that a check had for a service for a while.
type CheckSpan struct {
	Service, Check string
	StatusSpan
}

// StatusesSince lists the statuses that ended after a time, and the present ones that
// began after it. A check of which there is none has had its status since before.
func (s *Store) StatusesSince(ctx context.Context, since time.Time) ([]CheckSpan, error) {
	return s.statusesSince(ctx, condition{}, since)
}

// StatusesOf is StatusesSince of one service.
func (s *Store) StatusesOf(ctx context.Context, service string, since time.Time) ([]CheckSpan, error) {
	return s.statusesSince(ctx, where(`service_id = ?`, nameIn{serviceNames, service}), since)
}

func (s *Store) statusesSince(ctx context.Context, of condition, since time.Time) ([]CheckSpan, error) {
	var found []CheckSpan
	add := func(c cell, name string, began, until time.Time) error {
		status, err := parseStatus(name)
		found = append(found, CheckSpan{c.service, c.check, StatusSpan{status, began, until}})
		return err
	}
	err := s.view(ctx, "reading the statuses of checks", func(v *view) error {
		err := read(ctx, v, of.and(`until > ?`, since),
			func(r pastStatusRow) error { return add(r.cell, r.status, r.since, r.until) })
		if err != nil {
			return err
		}
		return read(ctx, v, of.and(`since > ?`, since),
			func(r statusRow) error { return add(r.cell, r.status, r.since, time.Time{}) })
	})
	return found, err
}

func parseStatus(name string) (scoring.Status, error) {
	for _, status := range scoring.Statuses() {
		if status.String() == name {
			return status, nil
		}
	}
	return 0, fmt.Errorf("unknown stored status %q", name)
}

// invalidations are those of a judgement beside the stored ones.
type invalidations struct {
	// now are those of the services that were judged, as they are stored then.
	now scoring.Invalidations
	// changed are new, or differ from the stored ones; ended are stored and not there
	// any more.
	changed, ended []invalidatedRow
}

// compareInvalidated compares the invalidations of the services of a judgement with the
// stored ones.
func (w *judging) compareInvalidated(j Judgement, stored scoring.Invalidations) invalidations {
	i := invalidations{now: scoring.Invalidations{}}
	compare := func(service string) {
		if _, done := i.now[service]; done {
			return
		}
		i.now[service] = make(map[string]time.Time, len(j.Invalidated[service]))
		for check, at := range j.Invalidated[service] {
			at = w.dated(at)
			i.now[service][check] = at
			if before, known := stored[service][check]; !known || !before.Equal(at) {
				i.changed = append(i.changed, invalidatedRow{cell{service, check}, at})
			}
		}
		for check := range stored[service] {
			if _, found := i.now[service][check]; !found {
				i.ended = append(i.ended, invalidatedRow{cell: cell{service, check}})
			}
		}
	}
	for service := range j.Badges {
		compare(service)
	}
	for service := range j.Invalidated {
		compare(service)
	}
	return i
}

// services are those whose invalidations change.
func (i invalidations) services() map[string]bool {
	found := map[string]bool{}
	for _, rows := range [][]invalidatedRow{i.changed, i.ended} {
		for _, row := range rows {
			found[row.service] = true
		}
	}
	return found
}

func (i invalidations) write(ctx context.Context, w *judging) error {
	if err := put(ctx, w.tx, i.changed...); err != nil {
		return err
	}
	return remove(ctx, w.tx, i.ended...)
}

// readInvalidated reads the invalidations that a condition selects as they are stored.
func readInvalidated(ctx context.Context, r reader, c condition) (scoring.Invalidations, error) {
	found := scoring.Invalidations{}
	return found, read(ctx, r, c, func(row invalidatedRow) error {
		if found[row.service] == nil {
			found[row.service] = map[string]time.Time{}
		}
		found[row.service][row.check] = row.at
		return nil
	})
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/scoring"
)

// cell is one check for one service.
type cell struct{ service, check int64 }

// statusRow is the present status of a check for a service.
type statusRow struct {
	cell
	seq    int64
	status string
	since  time.Time
}

func (r *statusRow) table() table {
	return table{
		name: "check_statuses",
		key:  columns{{"service_id", &r.service}, {"check_id", &r.check}},
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
		key:  columns{{"service_id", &r.service}, {"check_id", &r.check}, {"since", timeOf(&r.since)}},
		data: columns{{"until", timeOf(&r.until)}, {"status", &r.status}},
	}
}

// voidRow is a contradicted attestation of a check for a service.
type voidRow struct {
	cell
	at time.Time
}

func (r *voidRow) table() table {
	return table{
		name: "voids",
		key:  columns{{"service_id", &r.service}, {"check_id", &r.check}},
		data: columns{{"at", timeOf(&r.at)}},
	}
}

// named are the names of the service and the check. The names must be loaded.
func (s *Store) named(c cell) (service, check string, err error) {
	if service, err = s.names.name(serviceNames, c.service); err != nil {
		return "", "", err
	}
	check, err = s.names.name(checkNames, c.check)
	return service, check, err
}

// cells are the ids of pairs of a service and a check, in their order.
func (w *judging) cells(ctx context.Context, pairs [][2]string) ([]cell, error) {
	services, checks := make([]string, len(pairs)), make([]string, len(pairs))
	for i, pair := range pairs {
		services[i], checks[i] = text(pair[0]), text(pair[1])
	}
	serviceIDs, err := w.intern(ctx, serviceNames, services)
	if err != nil {
		return nil, err
	}
	checkIDs, err := w.intern(ctx, checkNames, checks)
	if err != nil {
		return nil, err
	}
	cells := make([]cell, len(pairs))
	for i := range pairs {
		cells[i] = cell{serviceIDs[services[i]], checkIDs[checks[i]]}
	}
	return cells, nil
}

// statuses writes the check statuses that differ from the stored ones and moves
// those they replace to history.
func (w *judging) statuses(ctx context.Context, list []CheckStatus) error {
	if len(list) == 0 {
		return nil
	}
	var pairs [][2]string
	for _, s := range list {
		if s.Status < scoring.Pass || s.Status > scoring.Scheduled {
			return fmt.Errorf("%s of %s has no status", s.Check, s.Service)
		}
		pairs = append(pairs, [2]string{s.Service, s.Check})
	}
	cells, err := w.cells(ctx, pairs)
	if err != nil {
		return err
	}
	newest, services := map[cell]CheckStatus{}, map[int64]bool{}
	for i, s := range list {
		newest[cells[i]], services[cells[i].service] = s, true
	}
	old := map[cell]statusRow{}
	err = readIn(ctx, w, `WHERE service_id IN`, nil, slices.Sorted(maps.Keys(services)), func(r statusRow) error {
		old[r.cell] = r
		return nil
	})
	if err != nil {
		return err
	}
	var rows []statusRow
	var past []pastStatusRow
	for key, s := range newest {
		was, known := old[key]
		if known && was.status == s.Status.String() {
			continue
		}
		since := s.Since
		if since.IsZero() {
			since = w.at
		}
		if known {
			past = append(past, pastStatusRow{key, was.since, since, was.status})
		}
		rows = append(rows, statusRow{key, w.seq, s.Status.String(), since})
	}
	if err := put(ctx, w.tx, past...); err != nil {
		return err
	}
	return put(ctx, w.tx, rows...)
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
	var list []StatusSpan
	err := s.view(ctx, "reading the status history of "+check, func(t *sql.Tx) error {
		serviceID, ok := s.names.id(serviceNames, text(service))
		if !ok {
			return nil
		}
		checkID, ok := s.names.id(checkNames, text(check))
		if !ok {
			return nil
		}
		add := func(status string, since, until time.Time) (err error) {
			span := StatusSpan{Since: since, Until: until}
			span.Status, err = parseStatus(status)
			list = append(list, span)
			return err
		}
		of, args := `WHERE service_id = $1 AND check_id = $2`, []any{serviceID, checkID}
		err := read(ctx, t, of, args, func(r pastStatusRow) error { return add(r.status, r.since, r.until) })
		if err != nil {
			return err
		}
		return read(ctx, t, of, args, func(r statusRow) error { return add(r.status, r.since, time.Time{}) })
	})
	slices.SortStableFunc(list, func(a, b StatusSpan) int { return a.Since.Compare(b.Since) })
	return list, err
}

func parseStatus(name string) (scoring.Status, error) {
	for _, status := range scoring.Statuses() {
		if status.String() == name {
			return status, nil
		}
	}
	return 0, fmt.Errorf("unknown stored status %q", name)
}

// voids stores exactly the given invalidated attestations.
func (w *judging) voids(ctx context.Context, voids scoring.InvalidatedAttestations) error {
	var pairs [][2]string
	var times []time.Time
	for service, byCheck := range voids {
		for check, at := range byCheck {
			pairs, times = append(pairs, [2]string{service, check}), append(times, storedTime(at))
		}
	}
	cells, err := w.cells(ctx, pairs)
	if err != nil {
		return err
	}
	wanted := map[cell]time.Time{}
	for i, key := range cells {
		wanted[key] = times[i]
	}
	var over []cell
	err = read(ctx, w, ``, nil, func(r voidRow) error {
		switch want, listed := wanted[r.cell]; {
		case !listed:
			over = append(over, r.cell)
		case want.Equal(r.at):
			delete(wanted, r.cell)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range over {
		if err := w.exec(ctx, `DELETE FROM voids WHERE service_id = $1 AND check_id = $2`, key.service,
			key.check); err != nil {
			return err
		}
	}
	var rows []voidRow
	for key, at := range wanted {
		rows = append(rows, voidRow{key, at})
	}
	return put(ctx, w.tx, rows...)
}

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

// invalidatedRow is a contradicted attestation of a check for a service.
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

func parseStatus(name string) (scoring.Status, error) {
	for _, status := range scoring.Statuses() {
		if status.String() == name {
			return status, nil
		}
	}
	return 0, fmt.Errorf("unknown stored status %q", name)
}

// invalidated stores exactly the given invalidated attestations.
func (w *judging) invalidated(ctx context.Context, all scoring.InvalidatedAttestations) error {
	var wanted []invalidatedRow
	for service, byCheck := range all {
		for check, at := range byCheck {
			wanted = append(wanted, invalidatedRow{cell{service, check}, at})
		}
	}
	_, _, err := replace(ctx, w.tx, condition{}, wanted, nil)
	return err
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"time"

	"github.com/prodready/collector/scoring"
)

// cell is one check for one service.
type cell struct{ service, check int64 }

// statuses writes the check statuses that differ from the stored ones and moves
// those they replace to history.
func (w *judging) statuses(ctx context.Context, list []CheckStatus) error {
	if len(list) == 0 {
		return nil
	}
	var services, checks []string
	for _, s := range list {
		if s.Status < scoring.Pass || s.Status > scoring.Scheduled {
			return fmt.Errorf("%s of %s has no status", s.Check, s.Service)
		}
		services = append(services, text(s.Service))
		checks = append(checks, text(s.Check))
	}
	serviceIDs, err := w.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}
	checkIDs, err := w.intern(ctx, checkNames, checks)
	if err != nil {
		return err
	}
	old, err := w.oldStatuses(ctx, serviceIDs)
	if err != nil {
		return err
	}
	newest := map[cell]CheckStatus{}
	var order []cell
	for i, s := range list {
		key := cell{serviceIDs[services[i]], checkIDs[checks[i]]}
		if _, dup := newest[key]; !dup {
			order = append(order, key)
		}
		newest[key] = s
	}
	var rows, past [][]any
	for _, key := range order {
		s := newest[key]
		was, known := old[key]
		if known && was.status == s.Status.String() {
			continue
		}
		since := s.Since
		if since.IsZero() {
			since = w.at
		}
		if known {
			past = append(past, []any{key.service, key.check, was.since, micros(since), was.status})
		}
		rows = append(rows, []any{key.service, key.check, s.Status.String(), micros(since), w.seq})
	}
	err = w.insert(ctx, `INSERT INTO check_status_history (service_id, check_id, since, until, status)`,
		`ON CONFLICT (service_id, check_id, since) DO UPDATE SET until = excluded.until, status = excluded.status`, past)
	if err != nil {
		return err
	}
	return w.insert(ctx, `INSERT INTO check_statuses (service_id, check_id, status, since, seq)`,
		`ON CONFLICT (service_id, check_id) DO UPDATE SET status = excluded.status, since = excluded.since, seq = excluded.seq`, rows)
}

type oldStatus struct {
	status string
	since  int64
}

// oldStatuses reads the stored statuses of some services.
func (w *judging) oldStatuses(ctx context.Context, services map[string]int64) (map[cell]oldStatus, error) {
	old := map[cell]oldStatus{}
	err := chunks(values(services), func(part []int64) error {
		return each(ctx, w, `SELECT service_id, check_id, status, since FROM check_statuses WHERE service_id IN (`+
			placeholders(1, len(part))+`)`, with(nil, part), func(rows *sql.Rows) error {
			var key cell
			var was oldStatus
			err := rows.Scan(&key.service, &key.check, &was.status, &was.since)
			old[key] = was
			return err
		})
	})
	return old, err
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
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		serviceID, ok := s.names.id(serviceNames, text(service))
		if !ok {
			return nil
		}
		checkID, ok := s.names.id(checkNames, text(check))
		if !ok {
			return nil
		}
		return each(ctx, t, `SELECT status, since, until FROM check_status_history WHERE service_id = $1 AND check_id = $2
			UNION ALL SELECT status, since, NULL FROM check_statuses WHERE service_id = $1 AND check_id = $2`,
			[]any{serviceID, checkID}, func(rows *sql.Rows) error {
				var status string
				var since int64
				var until sql.NullInt64
				if err := rows.Scan(&status, &since, &until); err != nil {
					return err
				}
				span := StatusSpan{Since: instant(since), Until: instantOf(until)}
				var err error
				span.Status, err = parseStatus(status)
				list = append(list, span)
				return err
			})
	})
	sort.SliceStable(list, func(i, j int) bool { return list[i].Since.Before(list[j].Since) })
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

// voids makes the stored contradictions those given.
func (w *judging) voids(ctx context.Context, voids scoring.Voids) error {
	var services, checks []string
	for service, byCheck := range voids {
		services = append(services, text(service))
		for check := range byCheck {
			checks = append(checks, text(check))
		}
	}
	serviceIDs, err := w.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}
	checkIDs, err := w.intern(ctx, checkNames, checks)
	if err != nil {
		return err
	}
	wanted := map[cell]int64{}
	for service, byCheck := range voids {
		for check, at := range byCheck {
			wanted[cell{serviceIDs[text(service)], checkIDs[text(check)]}] = micros(at)
		}
	}
	var over []cell
	err = each(ctx, w, `SELECT service_id, check_id, at FROM voids`, nil, func(rows *sql.Rows) error {
		var key cell
		var at int64
		if err := rows.Scan(&key.service, &key.check, &at); err != nil {
			return err
		}
		switch want, still := wanted[key]; {
		case !still:
			over = append(over, key)
		case want == at:
			delete(wanted, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range over {
		if err := w.exec(ctx, `DELETE FROM voids WHERE service_id = $1 AND check_id = $2`, key.service, key.check); err != nil {
			return err
		}
	}
	var rows [][]any
	for key, at := range wanted {
		rows = append(rows, []any{key.service, key.check, at})
	}
	return w.insert(ctx, `INSERT INTO voids (service_id, check_id, at)`, `ON CONFLICT (service_id, check_id) DO UPDATE SET at = excluded.at`, rows)
}

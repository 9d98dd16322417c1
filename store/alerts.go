package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// firingRow is one firing of an alert.
type firingRow struct {
	numbered
	seq transactionNumber
	evidence.AlertFiring
}

func (r *firingRow) table() table {
	return table{
		name: "alert_firings",
		key: columns{
			{"source_id", sourceID(&r.Source)}, {"fingerprint", &r.Fingerprint}, {"started_at", timeOf(&r.StartedAt)},
		},
		fixed: columns{{"num", &r.num}},
		data: columns{
			{"ended_at", timeOrNull(&r.EndedAt)}, {"alert", &r.Alert}, {"severity", &r.Severity},
			{"paging", &r.Paging}, {"seq", &r.seq},
		},
		services: r.list("alert_firing_services", "firing_num", &r.Services),
	}
}

// alerts stores what has changed among a batch's firings.
func (c *commit) alerts(ctx context.Context, firings []evidence.AlertFiring) error {
	var wanted []firingRow
	var fingerprints []string
	for _, f := range firings {
		switch {
		case c.isOther(f.Source):
			return fmt.Errorf("firing of %s says it is from %s", f.Alert, f.Source)
		case f.StartedAt.IsZero() || f.Fingerprint == "":
			return fmt.Errorf("firing of %s has no start or no fingerprint", f.Alert)
		case len(f.Services) == 0:
			return fmt.Errorf("firing of %s is of no service", f.Alert)
		}
		f.Source, f.Services = c.source, cleanList(f.Services)
		fingerprints = append(fingerprints, f.Fingerprint)
		wanted = append(wanted, firingRow{AlertFiring: f})
	}
	slices.Sort(fingerprints)
	stored := c.ofSource().in("fingerprint", anys(slices.Compact(fingerprints)))
	written, _, err := upsert(ctx, c.tx, stored, wanted, nil)
	c.changes.Alerts = len(written)
	return err
}

// OpenAlerts lists the firings of a source that had not ended when it was last
// asked, by start.
func (s *Store) OpenAlerts(ctx context.Context, source string) ([]evidence.AlertFiring, error) {
	found, err := collect(ctx, s, "reading open alerts of "+source, ofSource(source).and(`ended_at IS NULL`),
		func(r firingRow) evidence.AlertFiring { return r.AlertFiring })
	slices.SortFunc(found, func(a, b evidence.AlertFiring) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return found, err
}

// AlertFilter selects firings of alerts.
type AlertFilter struct {
	// Since keeps those that had not ended before it.
	Since time.Time
	// After keeps those that a transaction after this one has changed; see
	// AlertSequence.
	After int64
}

// EachAlert calls each with the firings that a filter selects, in the order in
// which they were first stored. It reads page by page and holds no transaction
// open while each runs. An error of each ends it and is returned as it is.
func (s *Store) EachAlert(ctx context.Context, filter AlertFilter, each func(evidence.AlertFiring) error) error {
	selected := where(`seq > ? AND (ended_at IS NULL OR ended_at >= ?)`, filter.After, filter.Since)
	return readPages(ctx, s, "reading alerts", selected, []string{"num"}, func(r firingRow) error {
		return each(r.AlertFiring)
	})
}

// AlertSequence numbers the transaction that last changed a firing; 0 when there
// is none.
func (s *Store) AlertSequence(ctx context.Context) (int64, error) {
	return s.queryNumber(ctx, "reading when alerts last changed", `SELECT MAX(seq) FROM alert_firings`)
}

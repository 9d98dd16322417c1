package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// BadgeHold is a time in which a badge was on hold: neither proved nor contradicted.
type BadgeHold struct {
	Service string
	Since   time.Time
	// Until is when proof came back, or the badge changed.
	Until time.Time
	// Reason names the first checks that were not proved.
	Reason string
}

// badgeHoldRow is a hold that has ended.
type badgeHoldRow struct{ BadgeHold }

func (r *badgeHoldRow) table() table {
	return table{
		name: "badge_holds",
		key:  columns{{"service_id", serviceID(&r.Service)}, {"since", timeOf(&r.Since)}},
		data: columns{{"until", timeOf(&r.Until)}, {"reason", &r.Reason}},
	}
}

// holds appends the holds that have ended.
func (w *judging) holds(ctx context.Context, ended []BadgeHold) error {
	var rows []badgeHoldRow
	for _, h := range ended {
		rows = append(rows, badgeHoldRow{h})
	}
	return put(ctx, w.tx, rows...)
}

// BadgeHolds lists the holds of a service that ended after a time, the oldest first. The
// present one is in the state of the badge.
func (s *Store) BadgeHolds(ctx context.Context, service string, since time.Time) ([]BadgeHold, error) {
	found, err := collect(ctx, s, "reading the holds of the badge of "+service,
		where(`service_id = ? AND until > ?`, nameIn{serviceNames, service}, since),
		func(r badgeHoldRow) BadgeHold { return r.BadgeHold })
	slices.SortFunc(found, func(a, b BadgeHold) int { return a.Since.Compare(b.Since) })
	return found, err
}

// FrameworkChange is when judging by other criteria began: criteria of another meaning.
type FrameworkChange struct {
	At                  time.Time
	Name, Version, Hash string
}

// frameworkChangeRow is a change of the criteria.
type frameworkChangeRow struct{ FrameworkChange }

func (r *frameworkChangeRow) table() table {
	return table{
		name: "framework_changes",
		key:  columns{{"at", timeOf(&r.At)}},
		data: columns{{"name", &r.Name}, {"version", &r.Version}, {"hash", &r.Hash}},
	}
}

// FrameworkChanges lists when other criteria came into force since a time, the oldest
// first.
func (s *Store) FrameworkChanges(ctx context.Context, since time.Time) ([]FrameworkChange, error) {
	found, err := collect(ctx, s, "reading the changes of the criteria", where(`at >= ?`, since),
		func(r frameworkChangeRow) FrameworkChange { return r.FrameworkChange })
	slices.SortFunc(found, func(a, b FrameworkChange) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Hash, b.Hash))
	})
	return found, err
}

package store

import (
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

// CriteriaOf lists when a service began to be judged by other criteria since a time, the
// oldest first: those of the fleet, and those that it was pinned to.
func (s *Store) CriteriaOf(ctx context.Context, service string, since time.Time) (found []FrameworkChange, err error) {
	err = s.view(ctx, "reading the changes of the criteria", func(v *view) error {
		found, err = criteriaOf(ctx, v, service)
		return err
	})
	return slices.DeleteFunc(found, func(c FrameworkChange) bool { return c.At.Before(since) }), err
}

func criteriaOf(ctx context.Context, v *view, service string) ([]FrameworkChange, error) {
	var ofFleet []FrameworkChange
	err := read(ctx, v, condition{}.ordered(`at`), func(r frameworkChangeRow) error {
		ofFleet = append(ofFleet, r.FrameworkChange)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var pinned []FrameworkChange // one without a hash goes back to those of the fleet
	err = read(ctx, v, where(`service_id = ?`, nameIn{serviceNames, service}).ordered(`from_at`), func(r subjectRow) error {
		pinned = append(pinned, FrameworkChange{At: r.from, Hash: r.subject.PinnedTo})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range pinned {
		err := read(ctx, v, where(`hash = ?`, pinned[i].Hash), func(r frameworkRow) error {
			pinned[i].Name, pinned[i].Version = r.Name, r.Version
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return judgedBy(ofFleet, pinned), nil
}

// judgedBy are the changes of what a service was judged by.
func judgedBy(ofFleet, pinned []FrameworkChange) []FrameworkChange {
	var out []FrameworkChange
	var fleet, pin FrameworkChange
	for len(ofFleet)+len(pinned) > 0 {
		var at FrameworkChange
		if len(pinned) == 0 || len(ofFleet) > 0 && !pinned[0].At.Before(ofFleet[0].At) {
			at, ofFleet = ofFleet[0], ofFleet[1:]
			fleet = at
		} else {
			at, pinned = pinned[0], pinned[1:]
			pin = at
		}
		now := fleet
		if pin.Hash != "" {
			now = pin
		}
		now.At = at.At
		if now.Hash == "" {
			continue // before the first change of the fleet that is stored
		}
		n := len(out)
		switch {
		case n > 0 && out[n-1].At.Equal(now.At):
			out[n-1] = now
			if n > 1 && out[n-2].Hash == now.Hash {
				out = out[:n-1]
			}
		case n == 0 || out[n-1].Hash != now.Hash:
			out = append(out, now)
		}
	}
	return out
}

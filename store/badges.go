package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// badgeRow is the badge state of a service. What queries ask for is in columns of
// its own beside the JSON.
type badgeRow struct {
	service            string
	seq                transactionNumber
	badge              framework.Badge
	since, firstJudged time.Time
	onHold             bool
	frameworkHash      string
	judgedAt           time.Time
	state              scoring.BadgeState
}

func (r *badgeRow) table() table {
	return table{
		name: "badges",
		key:  columns{{"service_id", serviceID(&r.service)}},
		data: columns{
			{"badge", &r.badge}, {"since", timeOf(&r.since)}, {"first_judged", timeOf(&r.firstJudged)},
			{"on_hold", &r.onHold}, {"framework_hash", &r.frameworkHash}, {"judged_at", timeOrNull(&r.judgedAt)},
			{"state", asJSON(&r.state)}, {"seq", &r.seq},
		},
	}
}

// supportRow is what last proved a badge, and the grounds of those between it and
// the one that is being proved.
type supportRow struct {
	service       string
	seq           transactionNumber
	frameworkHash string
	judgedAt      time.Time
	basis, before string
}

func (r *supportRow) table() table {
	return table{
		name: "badge_support",
		key:  columns{{"service_id", serviceID(&r.service)}},
		data: columns{
			{"framework_hash", &r.frameworkHash}, {"judged_at", timeOrNull(&r.judgedAt)}, {"basis", &r.basis},
			{"before", &r.before}, {"seq", &r.seq},
		},
	}
}

func (r supportRow) checksum() checksum { return sha256.Sum256([]byte(r.basis + r.before)) }

// supportOf is the row of a badge that has a support.
func (w *judging) supportOf(service string, b scoring.BadgeState) (supportRow, error) {
	row := supportRow{service: service, judgedAt: w.dated(b.Support.At)}
	if b.Support.Framework != nil {
		row.frameworkHash = b.Support.Framework.Hash
	}
	basis, err := json.Marshal(b.Support.Dated(row.judgedAt))
	if err != nil {
		return supportRow{}, err
	}
	before, err := json.Marshal(b.Before)
	row.basis, row.before = string(basis), string(before)
	return row, err
}

// storedBadge is the badge state of a service as its rows contain it.
type storedBadge struct {
	// state has neither Support nor Before. Its At is zero if the service was
	// part of the last judgement.
	state scoring.BadgeState
	// support is the checksum of the row of badge_support; zero without a row.
	support checksum
	// at is when the state was written.
	at time.Time
}

type checksum [sha256.Size]byte

// storedBadges are the rows of badges and badge_support as this process last
// wrote or read them. They are valid while the last judgement in the database is
// number seq: another process may have judged since.
type storedBadges struct {
	mu  sync.Mutex
	seq int64
	by  map[string]storedBadge
}

// rowOf is a state in the form in which it is stored and compared.
func (w *judging) rowOf(b scoring.BadgeState) scoring.BadgeState {
	b.At, b.Support, b.Before = w.dated(b.At), nil, nil
	return b
}

// dated is the zero time for what belongs to this judgement: it is read back
// with the time of the last judgement, so that a service whose state does not
// change needs no new row for every judgement.
func (w *judging) dated(at time.Time) time.Time {
	if micros(at) == micros(w.at) {
		return time.Time{}
	}
	return at
}

// changed is the one decision whether a state is written again: at once if it
// differs in more than its running clocks, and for these if the stored state is
// as old as clocksEvery.
func (s storedBadge) changed(now scoring.BadgeState, at time.Time, clocksEvery time.Duration) bool {
	if at.Sub(s.at) >= clocksEvery {
		return !reflect.DeepEqual(now, s.state)
	}
	return !reflect.DeepEqual(normalizeForCompare(now), normalizeForCompare(s.state))
}

// normalizeForCompare is a badge state without what moves with every judgement.
func normalizeForCompare(b scoring.BadgeState) scoring.BadgeState {
	b.Awards = maps.Clone(b.Awards)
	for badge, clock := range b.Awards {
		clock.Observations = min(clock.Observations, 2) // an award needs two
		b.Awards[badge] = clock
	}
	b.Contradictions = slices.Clone(b.Contradictions)
	for i := range b.Contradictions {
		b.Contradictions[i].Ran = 0
	}
	b.Failing = maps.Clone(b.Failing)
	for check := range b.Failing {
		b.Failing[check] = 0
	}
	if b.Hold != nil {
		hold := *b.Hold
		hold.Ran, hold.LapseAt = 0, time.Time{}
		b.Hold = &hold
	}
	return b
}

// badges writes the states and supports that have changed, and returns them as
// they are stored then.
func (w *judging) badges(
	ctx context.Context, j Judgement, stored map[string]storedBadge,
) (map[string]storedBadge, error) {
	written := map[string]storedBadge{}
	var states []badgeRow
	var supports, unsupported []supportRow
	for _, service := range slices.Sorted(maps.Keys(j.Badges)) {
		badge := j.Badges[service]
		before, known := stored[service]
		next := storedBadge{state: w.rowOf(badge), at: w.at}
		changed := !known || before.changed(next.state, w.at, j.ClocksEvery)
		if !changed && j.ClocksEvery > 0 {
			continue // its support is kept as it was stored with the state
		}
		if changed {
			states = append(states, badgeRow{service, 0, badge.Badge, badge.Since, badge.FirstJudged, badge.Hold != nil,
				badge.FrameworkHash, next.state.At, next.state})
		}
		if badge.Support == nil {
			if !known || before.support != next.support {
				unsupported = append(unsupported, supportRow{service: service})
			}
		} else {
			row, err := w.supportOf(service, badge)
			if err != nil {
				return nil, fmt.Errorf("support of %s: %w", service, err)
			}
			if next.support = row.checksum(); !known || before.support != next.support {
				supports = append(supports, row)
			}
		}
		written[service] = next
	}
	if err := put(ctx, w.tx, states...); err != nil {
		return nil, err
	}
	if err := put(ctx, w.tx, supports...); err != nil {
		return nil, err
	}
	return written, remove(ctx, w.tx, unsupported...)
}

func (r *stateReader) badges(ctx context.Context) error {
	return read(ctx, r, condition{}, func(row badgeRow) error {
		badge := row.state
		badge.At = row.judgedAt
		stored := storedBadge{state: badge, at: badge.At}
		if badge.At.IsZero() {
			badge.At, stored.at = r.at, r.at
		}
		r.state.Badges[row.service], r.stored[row.service] = badge, stored
		return nil
	})
}

// supports reads what the badges were last proved by. Where the criteria cannot
// be compiled any more the badge has no support.
func (r *stateReader) supports(ctx context.Context, frameworks map[string]Framework, lookup FrameworkLookup) error {
	compiled := map[string]*framework.Framework{}
	err := each(ctx, r, `SELECT DISTINCT framework_hash FROM badge_support`, nil, func(rows *sql.Rows) error {
		var hash string
		err := rows.Scan(&hash)
		compiled[hash] = nil
		return err
	})
	if err != nil || lookup == nil {
		return err
	}
	for hash := range compiled {
		if compiled[hash], err = lookup(frameworks[hash]); err != nil {
			return fmt.Errorf("criteria %s: %w", hash, err)
		}
	}
	return read(ctx, r, condition{}, func(row supportRow) error {
		badge, ok := r.state.Badges[row.service]
		if compiled[row.frameworkHash] == nil || !ok {
			return nil
		}
		if err := json.Unmarshal([]byte(row.basis), &badge.Support); err != nil {
			return fmt.Errorf("support of %s: %w", row.service, err)
		}
		badge.Support.Framework, badge.Support.At = compiled[row.frameworkHash], row.judgedAt
		if row.judgedAt.IsZero() {
			badge.Support.At = r.at
		}
		if err := json.Unmarshal([]byte(row.before), &badge.Before); err != nil {
			return fmt.Errorf("earlier supports of %s: %w", row.service, err)
		}
		for _, b := range badge.Before {
			if f := compiled[b.Framework.Hash]; f != nil {
				b.Framework = f
			}
		}
		if len(badge.Before) == 0 {
			badge.Before = nil
		}
		stored := r.stored[row.service]
		stored.support = row.checksum()
		r.state.Badges[row.service], r.stored[row.service] = badge, stored
		return nil
	})
}

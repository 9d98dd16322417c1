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
func (w *judging) badges(ctx context.Context, j Judgement, stored map[string]storedBadge) (map[string]storedBadge, error) {
	services := slices.Sorted(maps.Keys(j.Badges))
	names := make([]string, len(services))
	for i, service := range services {
		names[i] = text(service)
	}
	ids, err := w.intern(ctx, serviceNames, names)
	if err != nil {
		return nil, err
	}
	written := map[string]storedBadge{}
	var states, supports [][]any
	var unsupported []int64
	for i, service := range services {
		badge, id := j.Badges[service], ids[names[i]]
		before, known := stored[service]
		next := storedBadge{state: w.rowOf(badge), at: w.at}
		changed := !known || before.changed(next.state, w.at, j.ClocksEvery)
		if !changed && j.ClocksEvery > 0 {
			continue // its support is kept as it was stored with the state
		}
		if changed {
			body, err := json.Marshal(next.state)
			if err != nil {
				return nil, fmt.Errorf("state of %s: %w", service, err)
			}
			states = append(states, []any{id, int64(badge.Badge), micros(badge.Since), micros(badge.FirstJudged), badge.Hold != nil,
				text(badge.FrameworkHash), optional(next.state.At), string(body), w.seq})
		}
		if badge.Support == nil {
			if !known || before.support != next.support {
				unsupported = append(unsupported, id)
			}
		} else {
			support := *badge.Support.Dated(w.dated(badge.Support.At))
			basis, err := json.Marshal(&support)
			if err != nil {
				return nil, fmt.Errorf("support of %s: %w", service, err)
			}
			earlier, err := json.Marshal(badge.Before)
			if err != nil {
				return nil, fmt.Errorf("earlier supports of %s: %w", service, err)
			}
			next.support = supportChecksum(string(basis), string(earlier))
			if !known || before.support != next.support {
				var hash string
				if support.Framework != nil {
					hash = support.Framework.Hash
				}
				supports = append(supports, []any{id, text(hash), optional(support.At), string(basis), string(earlier), w.seq})
			}
		}
		written[service] = next
	}
	err = w.insert(ctx, `INSERT INTO badges (service_id, badge, since, first_judged, on_hold, framework_hash, judged_at, state, seq)`,
		`ON CONFLICT (service_id) DO UPDATE SET badge = excluded.badge, since = excluded.since,
		first_judged = excluded.first_judged, on_hold = excluded.on_hold, framework_hash = excluded.framework_hash,
		judged_at = excluded.judged_at, state = excluded.state, seq = excluded.seq`, states)
	if err != nil {
		return nil, err
	}
	err = w.insert(ctx, `INSERT INTO badge_support (service_id, framework_hash, judged_at, basis, before, seq)`,
		`ON CONFLICT (service_id) DO UPDATE SET framework_hash = excluded.framework_hash, judged_at = excluded.judged_at,
		basis = excluded.basis, before = excluded.before, seq = excluded.seq`, supports)
	if err != nil {
		return nil, err
	}
	return written, chunks(unsupported, func(part []int64) error {
		return w.exec(ctx, `DELETE FROM badge_support WHERE service_id IN (`+placeholders(1, len(part))+`)`, with(nil, part)...)
	})
}

func supportChecksum(basis, before string) checksum { return sha256.Sum256([]byte(basis + before)) }

func (r *stateReader) badges(ctx context.Context) error {
	return each(ctx, r.tx, `SELECT service_id, judged_at, state FROM badges`, nil, func(rows *sql.Rows) error {
		var id int64
		var at sql.NullInt64
		var body string
		if err := rows.Scan(&id, &at, &body); err != nil {
			return err
		}
		name, err := r.store.names.name(serviceNames, id)
		if err != nil {
			return err
		}
		var badge scoring.BadgeState
		if err := json.Unmarshal([]byte(body), &badge); err != nil {
			return fmt.Errorf("state of %s: %w", name, err)
		}
		badge.At = instantOf(at)
		stored := storedBadge{state: badge, at: badge.At}
		if !at.Valid {
			badge.At, stored.at = r.at, r.at
		}
		r.state.Badges[name], r.stored[name] = badge, stored
		return nil
	})
}

// supports reads what the badges were last proved by. Where the criteria cannot
// be compiled any more the badge has no support.
func (r *stateReader) supports(ctx context.Context, frameworks map[string]Framework, lookup FrameworkLookup) error {
	compiled := map[string]*framework.Framework{}
	err := each(ctx, r.tx, `SELECT DISTINCT framework_hash FROM badge_support`, nil, func(rows *sql.Rows) error {
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
	return each(ctx, r.tx, `SELECT service_id, framework_hash, judged_at, basis, before FROM badge_support`, nil, func(rows *sql.Rows) error {
		var id int64
		var hash, basis, before string
		var at sql.NullInt64
		if err := rows.Scan(&id, &hash, &at, &basis, &before); err != nil {
			return err
		}
		name, err := r.store.names.name(serviceNames, id)
		if err != nil {
			return err
		}
		badge, ok := r.state.Badges[name]
		if compiled[hash] == nil || !ok {
			return nil
		}
		if err := json.Unmarshal([]byte(basis), &badge.Support); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		badge.Support.Framework, badge.Support.At = compiled[hash], instantOf(at)
		if !at.Valid {
			badge.Support.At = r.at
		}
		if err := json.Unmarshal([]byte(before), &badge.Before); err != nil {
			return fmt.Errorf("earlier supports of %s: %w", name, err)
		}
		for _, b := range badge.Before {
			if f := compiled[b.Framework.Hash]; f != nil {
				b.Framework = f
			}
		}
		stored := r.stored[name]
		stored.support = supportChecksum(basis, before)
		r.state.Badges[name], r.stored[name] = badge, stored
		return nil
	})
}

package store

import (
	"context"
	"crypto/sha256"
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
	// supportAt is the time in that row: zero if the support belongs to the last
	// judgement.
	supportAt time.Time
	// basis is the support as it was written, but for its facts; without one nil.
	basis *scoring.Basis
}

type checksum [sha256.Size]byte

// storedJudgement is the stored state of badges and invalidations as this process last
// wrote or read it. It is valid while the last judgement in the database is number seq,
// since another process may have stored a later one.
type storedJudgement struct {
	mu          sync.Mutex
	seq         int64
	badges      map[string]storedBadge
	invalidated scoring.Invalidations
	// inputs are what the services were and which exemptions there were, nil if that is
	// to be read.
	inputs *inputs
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

// supportChanged is the one decision whether the support of a badge is written
// again although the state is as it was stored: if it differs in more than the
// values of facts. These change with every round of a source, and a support that is
// late with them names the same cause.
func (s storedBadge) supportChanged(now scoring.BadgeState) bool {
	return !s.basis.EqualButFacts(now.Support)
}

// badges writes the states and supports that have changed, and returns them as
// they are stored then. The state of a service of which anything else changes, its
// support or its invalidations, is written, too: its number says so to a process that
// reads what has changed.
func (w *judging) badges(
	ctx context.Context, j Judgement, stored map[string]storedBadge, touched map[string]bool,
) (map[string]storedBadge, error) {
	written := map[string]storedBadge{}
	var states []badgeRow
	var supports, unsupported []supportRow
	for _, service := range slices.Sorted(maps.Keys(j.Badges)) {
		badge := j.Badges[service]
		before, known := stored[service]
		next := storedBadge{state: w.rowOf(badge), basis: badge.Support.WithoutFacts()}
		if known && !touched[service] && reflect.DeepEqual(next.state, before.state) && !before.supportChanged(badge) {
			continue
		}
		states = append(states, badgeRow{service, 0, badge.Badge, badge.Since, badge.FirstJudged, badge.Hold != nil,
			badge.FrameworkHash, next.state.At, next.state})
		if badge.Support == nil {
			if !known || before.support != next.support {
				unsupported = append(unsupported, supportRow{service: service})
			}
		} else {
			row, err := w.supportOf(service, badge)
			if err != nil {
				return nil, fmt.Errorf("support of %s: %w", service, err)
			}
			next.support, next.supportAt = row.checksum(), row.judgedAt
			if !known || before.support != next.support {
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

// badges reads the states that were written. Of the others those that belong to the
// last judgement get its time.
func (r *stateReader) badges(ctx context.Context) error {
	for service, stored := range r.stored {
		badge, ok := r.state.Badges[service]
		if !ok {
			continue
		}
		if stored.state.At.IsZero() {
			badge.At = r.state.At
		}
		if badge.Support != nil && stored.supportAt.IsZero() {
			support := *badge.Support
			support.At, badge.Support = r.state.At, &support
		}
		r.state.Badges[service] = badge
	}
	return read(ctx, r, r.sinceThen(), func(row badgeRow) error {
		badge := row.state
		badge.At = row.judgedAt
		stored := storedBadge{state: badge}
		if badge.At.IsZero() {
			badge.At = r.state.At
		}
		r.changed[row.service] = true
		r.state.Badges[row.service], r.stored[row.service] = badge, stored
		return nil
	})
}

// supports reads what the badges that were read were last proved by. Where the
// criteria cannot be compiled any more the badge has no support.
func (r *stateReader) supports(ctx context.Context, lookup FrameworkLookup) error {
	if lookup == nil {
		return nil
	}
	var all []storedSupport
	hashes := map[string]bool{}
	err := read(ctx, r, r.ofChanged(), func(row supportRow) error {
		support, err := row.decode()
		if err != nil {
			return fmt.Errorf("support of %s: %w", row.service, err)
		}
		hashes[row.frameworkHash] = true
		for _, b := range support.before {
			hashes[b.Framework.Hash] = true
		}
		all = append(all, support)
		return nil
	})
	if err != nil || len(all) == 0 {
		return err
	}
	frameworks, err := r.frameworks(ctx, slices.Sorted(maps.Keys(hashes))...)
	if err != nil {
		return err
	}
	compiled := map[string]*framework.Framework{}
	for hash, f := range frameworks {
		if compiled[hash], err = lookup(f); err != nil {
			return fmt.Errorf("criteria %s: %w", hash, err)
		}
	}
	for _, support := range all {
		r.support(support, compiled)
	}
	return nil
}

// storedSupport is a row of badge_support and what is in it.
type storedSupport struct {
	row    supportRow
	basis  *scoring.Basis
	before map[framework.Badge]*scoring.Basis
}

func (r supportRow) decode() (storedSupport, error) {
	s := storedSupport{row: r}
	if err := json.Unmarshal([]byte(r.basis), &s.basis); err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(r.before), &s.before); err != nil {
		return s, fmt.Errorf("earlier supports: %w", err)
	}
	return s, nil
}

func (r *stateReader) support(s storedSupport, compiled map[string]*framework.Framework) {
	badge, ok := r.state.Badges[s.row.service]
	if compiled[s.row.frameworkHash] == nil || !ok {
		return
	}
	s.basis.Framework, s.basis.At = compiled[s.row.frameworkHash], s.row.judgedAt
	if s.row.judgedAt.IsZero() {
		s.basis.At = r.state.At
	}
	for _, b := range s.before {
		if f := compiled[b.Framework.Hash]; f != nil {
			b.Framework = f
		}
	}
	badge.Support = s.basis
	if len(s.before) > 0 {
		badge.Before = s.before
	}
	stored := r.stored[s.row.service]
	stored.support, stored.supportAt, stored.basis = s.row.checksum(), s.row.judgedAt, s.basis.WithoutFacts()
	r.state.Badges[s.row.service], r.stored[s.row.service] = badge, stored
}

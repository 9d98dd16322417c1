package store

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/prodready/collector/scoring"
)

// Framework is a set of criteria as it was read.
type Framework struct {
	Name, Version, Hash string
	// Text is what the criteria are compiled from.
	Text []byte
	// ActivatedAt is when judging by them began. It is kept until other
	// criteria are judged by.
	ActivatedAt time.Time
}

// CheckStatus is the status of one check for one service.
type CheckStatus struct {
	Service, Check string
	Status         scoring.Status
	// Since is when the status began.
	Since time.Time
}

// Judgement is what one evaluation leaves behind.
type Judgement struct {
	// At is the time of the evaluation.
	At time.Time
	// Framework is what was judged by.
	Framework Framework
	// Badges is the state after the judgement. Giving all of it is fine: only
	// what differs from the last judgement in more than its time is written.
	// A service that is left out keeps its state.
	Badges map[string]scoring.BadgeState
	// Transitions are the badge changes of this judgement.
	Transitions []scoring.Transition
	// Statuses are the checks whose status has changed.
	Statuses []CheckStatus
	// Voids are all contradicted attestations.
	Voids scoring.Voids
}

// judgedCache is the state as this process last saved or loaded it. It counts
// only while no other process has judged since.
type judgedCache struct {
	mu     sync.Mutex
	seq    int64
	badges map[string]scoring.BadgeState
}

// SaveJudgement stores a judgement in one transaction.
func (s *Store) SaveJudgement(ctx context.Context, j Judgement) error {
	s.judged.mu.Lock()
	defer s.judged.mu.Unlock()
	var seq int64
	var fresh bool
	err := s.inTx(ctx, "storing a judgement", func(t *tx) error {
		seq = t.seq
		last, err := lastJudgement(ctx, t)
		if err != nil {
			return err
		}
		fresh = last.seq == s.judged.seq && last.seq != 0
		saved := s.judged.badges
		if !fresh {
			saved = nil
		}
		w := judging{tx: t, at: stored(j.At), lastAt: last.at, saved: saved}
		if err := w.framework(ctx, j.Framework, last); err != nil {
			return fmt.Errorf("framework: %w", err)
		}
		if err := w.badges(ctx, j.Badges); err != nil {
			return fmt.Errorf("badges: %w", err)
		}
		if err := w.transitions(ctx, j.Transitions); err != nil {
			return fmt.Errorf("transitions: %w", err)
		}
		if err := w.statuses(ctx, j.Statuses); err != nil {
			return fmt.Errorf("check statuses: %w", err)
		}
		if err := w.voids(ctx, j.Voids); err != nil {
			return fmt.Errorf("voids: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !fresh || s.judged.badges == nil {
		s.judged.badges = map[string]scoring.BadgeState{}
	}
	for service, state := range j.Badges {
		s.judged.badges[service] = state
	}
	s.judged.seq = seq
	return nil
}

// judging is one judgement on its way into the database.
type judging struct {
	*tx
	at time.Time
	// lastAt is the time of the judgement before, in microseconds.
	lastAt int64
	saved  map[string]scoring.BadgeState
}

// framework notes the judgement and what it was judged by.
func (w *judging) framework(ctx context.Context, f Framework, last judgementRow) error {
	activated := f.ActivatedAt
	if activated.IsZero() {
		activated = w.at
	}
	if last.seq != 0 && last.frameworkHash == f.Hash {
		activated = instant(last.activatedAt)
	}
	body := f.Text
	if body == nil {
		body = []byte{}
	}
	err := w.exec(ctx, `INSERT INTO frameworks (hash, name, version, body) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING`,
		text(f.Hash), text(f.Name), text(f.Version), body)
	if err != nil {
		return err
	}
	return w.exec(ctx, `INSERT INTO judgement (id, at, framework_hash, activated_at, seq) VALUES (1, $1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET at = excluded.at, framework_hash = excluded.framework_hash,
		activated_at = excluded.activated_at, seq = excluded.seq`, micros(w.at), text(f.Hash), micros(activated), w.seq)
}

// badges writes the states and supports that have changed.
func (w *judging) badges(ctx context.Context, badges map[string]scoring.BadgeState) error {
	services := make([]string, 0, len(badges))
	for service := range badges {
		services = append(services, service)
	}
	sort.Strings(services)
	var changed []string
	states, supports := map[string]bool{}, map[string]bool{}
	for _, service := range services {
		state := badges[service]
		saved, known := w.saved[service]
		if !known || !w.sameState(state, saved) {
			states[service] = true
		}
		if !known || !w.sameSupport(state.Support, saved.Support) {
			supports[service] = true
		}
		if states[service] || supports[service] {
			changed = append(changed, service)
		}
	}
	clean := make([]string, len(changed))
	for i, service := range changed {
		clean[i] = text(service)
	}
	ids, err := w.intern(ctx, serviceNames, clean)
	if err != nil {
		return err
	}
	var rows, supportRows [][]any
	var unsupported []int64
	for i, service := range changed {
		state, id := badges[service], ids[clean[i]]
		if states[service] {
			body, err := json.Marshal(state)
			if err != nil {
				return fmt.Errorf("state of %s: %w", service, err)
			}
			rows = append(rows, []any{id, int64(state.Badge), micros(state.Since), micros(state.FirstJudged), state.Hold != nil,
				text(state.FrameworkHash), w.judgedAt(state.At), text(string(body)), w.seq})
		}
		switch {
		case !supports[service]:
		case state.Support == nil:
			unsupported = append(unsupported, id)
		default:
			hash, body, err := encodeBasis(state.Support)
			if err != nil {
				return fmt.Errorf("support of %s: %w", service, err)
			}
			before, err := json.Marshal(state.Before)
			if err != nil {
				return fmt.Errorf("earlier supports of %s: %w", service, err)
			}
			supportRows = append(supportRows, []any{id, text(hash), w.judgedAt(state.Support.At), text(string(body)), text(string(before)), w.seq})
		}
	}
	err = w.insert(ctx, `INSERT INTO badges (service_id, badge, since, first_judged, on_hold, framework_hash, judged_at, state, seq)`,
		`ON CONFLICT (service_id) DO UPDATE SET badge = excluded.badge, since = excluded.since,
		first_judged = excluded.first_judged, on_hold = excluded.on_hold, framework_hash = excluded.framework_hash,
		judged_at = excluded.judged_at, state = excluded.state, seq = excluded.seq`, rows)
	if err != nil {
		return err
	}
	err = w.insert(ctx, `INSERT INTO badge_support (service_id, framework_hash, judged_at, basis, before, seq)`,
		`ON CONFLICT (service_id) DO UPDATE SET framework_hash = excluded.framework_hash, judged_at = excluded.judged_at,
		basis = excluded.basis, before = excluded.before, seq = excluded.seq`, supportRows)
	if err != nil {
		return err
	}
	return chunks(unsupported, func(part []int64) error {
		return w.exec(ctx, `DELETE FROM badge_support WHERE service_id IN (`+placeholders(1, len(part))+`)`, with(nil, part)...)
	})
}

// judgedAt is NULL for what belongs to this judgement: it is then read back
// with the time of the last one, whichever that will be. While a state is part
// of every judgement and does not change, its clocks stand still, so its time
// is all that moves.
func (w *judging) judgedAt(at time.Time) any {
	if micros(at) == micros(w.at) {
		return nil
	}
	return micros(at)
}

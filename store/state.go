package store

import (
	"context"
	"fmt"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// State is what the next judgement needs after a start.
type State struct {
	// State holds the badges and invalidated attestations; its Options are the caller's business.
	scoring.State
	// At is the time of the last judgement, zero when there was none.
	At time.Time
	// Seq numbers the transaction of the last judgement; see LastJudgement.
	Seq int64
	// Framework is what was judged by last.
	Framework Framework
	// Statuses are the status of each check and since when it has had it, by
	// service and check.
	Statuses map[string]map[string]StatusSpan
}

// FrameworkLookup finds or compiles criteria that were judged by before. A nil
// framework without an error means that they cannot be had any more: badges
// that they supported have no base of attribution then.
type FrameworkLookup func(Framework) (*framework.Framework, error)

// LastJudgement is when the last judgement was and the number of its
// transaction, so that a replica notices one it has not seen. Both are zero
// when there was none.
func (s *Store) LastJudgement(ctx context.Context) (at time.Time, seq int64, err error) {
	err = s.view(ctx, "reading the last judgement", func(v *view) error {
		last, err := lastJudgement(ctx, v)
		at, seq = last.at, int64(last.seq)
		return err
	})
	return at, seq, err
}

// LoadState reads what the next judgement needs. lookup is asked once for each set
// of criteria that supports a badge.
func (s *Store) LoadState(ctx context.Context, lookup FrameworkLookup) (State, error) {
	s.judged.mu.Lock()
	defer s.judged.mu.Unlock()
	state := State{Statuses: map[string]map[string]StatusSpan{}}
	state.Badges, state.Invalidated = map[string]scoring.BadgeState{}, scoring.InvalidatedAttestations{}
	stored := map[string]storedBadge{}
	err := s.view(ctx, "reading the state of the badges", func(v *view) error {
		last, err := lastJudgement(ctx, v)
		if err != nil || last.seq == 0 {
			return err
		}
		state.At, state.Seq = last.at, int64(last.seq)
		r := stateReader{view: v, at: state.At, state: &state, stored: stored}
		frameworks, err := r.frameworks(ctx)
		if err != nil {
			return fmt.Errorf("frameworks: %w", err)
		}
		state.Framework = frameworks[last.frameworkHash]
		state.Framework.ActivatedAt = last.activatedAt
		if err := r.badges(ctx); err != nil {
			return fmt.Errorf("badges: %w", err)
		}
		if err := r.supports(ctx, frameworks, lookup); err != nil {
			return fmt.Errorf("support of badges: %w", err)
		}
		if err := r.statuses(ctx); err != nil {
			return fmt.Errorf("check statuses: %w", err)
		}
		return r.invalidated(ctx)
	})
	if err != nil {
		return State{}, err
	}
	s.judged.seq, s.judged.by = state.Seq, stored
	return state, nil
}

// stateReader reads the parts of a State in one transaction.
type stateReader struct {
	*view
	at    time.Time
	state *State
	// stored are the rows of the badges.
	stored map[string]storedBadge
}

func (r *stateReader) frameworks(ctx context.Context) (map[string]Framework, error) {
	found := map[string]Framework{}
	err := read(ctx, r, condition{}, func(f frameworkRow) error {
		found[f.Hash] = f.Framework
		return nil
	})
	return found, err
}

func (r *stateReader) statuses(ctx context.Context) error {
	return read(ctx, r, condition{}, func(row statusRow) error {
		status, err := parseStatus(row.status)
		if r.state.Statuses[row.service] == nil {
			r.state.Statuses[row.service] = map[string]StatusSpan{}
		}
		r.state.Statuses[row.service][row.check] = StatusSpan{Status: status, Since: row.since}
		return err
	})
}

func (r *stateReader) invalidated(ctx context.Context) error {
	return read(ctx, r, condition{}, func(row invalidatedRow) error {
		if r.state.Invalidated[row.service] == nil {
			r.state.Invalidated[row.service] = map[string]time.Time{}
		}
		r.state.Invalidated[row.service][row.check] = row.at
		return nil
	})
}

// JudgementChanges counts the badge states, their supports and the check
// statuses that judgements after the transaction with the given number wrote.
func (s *Store) JudgementChanges(ctx context.Context, after int64) (int, error) {
	n, err := s.queryNumber(ctx, "counting the changes of judgements",
		`SELECT (SELECT COUNT(*) FROM badges WHERE seq > ?) + (SELECT COUNT(*) FROM badge_support WHERE seq > ?)
		+ (SELECT COUNT(*) FROM check_statuses WHERE seq > ?)`, after, after, after)
	return int(n), err
}

package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// State is what the next judgement needs after a start.
type State struct {
	// State holds the badges and invalidations; its Options are the caller's business.
	scoring.State
	// At is the time of the last judgement, zero when there was none.
	At time.Time
	// Seq numbers the transaction of the last judgement.
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

// LastJudgement is the last judgement that is stored.
type LastJudgement struct {
	// At is its time, and Seq numbers its transaction. Both are zero when there was none.
	At  time.Time
	Seq int64
	// Configuration is what it was made by.
	Configuration Configuration
}

// LastJudgement reads which judgement is the last one, so that a replica notices one
// that it has not seen.
func (s *Store) LastJudgement(ctx context.Context) (LastJudgement, error) {
	var found LastJudgement
	err := s.view(ctx, "reading the last judgement", func(v *view) error {
		last, err := lastJudgement(ctx, v)
		found = LastJudgement{At: last.at, Seq: int64(last.seq), Configuration: last.configuration}
		return err
	})
	return found, err
}

// LoadState reads what the next judgement needs. lookup is asked once for each set
// of criteria that supports a badge.
//
// from is what this Store has loaded or stored before: what judgements after from.Seq
// have changed is read, and nothing else, so that a replica can follow another one
// each second. The zero State, or one that this Store did not handle last, reads
// everything. The maps of from are not touched.
func (s *Store) LoadState(ctx context.Context, from State, lookup FrameworkLookup) (State, error) {
	s.judged.mu.Lock()
	defer s.judged.mu.Unlock()
	r := newStateReader(from, &s.judged)
	err := s.view(ctx, "reading the state of the badges", func(v *view) error {
		last, err := lastJudgement(ctx, v)
		if err != nil || last.seq == 0 {
			return err
		}
		r.view = v
		return r.read(ctx, last, lookup)
	})
	if err != nil {
		return State{}, err
	}
	s.judged.seq, s.judged.badges, s.judged.invalidated, s.judged.inputs = r.state.Seq, r.stored, r.invalidated, nil
	return r.state, nil
}

// stateReader reads the parts of a State in one transaction.
type stateReader struct {
	*view
	// after is the judgement that state was loaded from before; 0 reads all.
	after int64
	state State
	// stored and invalidated are the rows of the badges and of the invalidations.
	stored      map[string]storedBadge
	invalidated scoring.Invalidations
	// changed are the services whose row of badges was read. A judgement that changes
	// the support or the invalidations of a service writes that row, too.
	changed map[string]bool
}

// newStateReader makes a reader that continues from a State if the rows behind it are
// known, and else one that reads everything.
func newStateReader(from State, known *storedJudgement) *stateReader {
	r := &stateReader{
		state:  State{Statuses: map[string]map[string]StatusSpan{}},
		stored: map[string]storedBadge{}, invalidated: scoring.Invalidations{}, changed: map[string]bool{},
	}
	r.state.Badges, r.state.Invalidated = map[string]scoring.BadgeState{}, scoring.Invalidations{}
	if from.Seq == 0 || from.Seq != known.seq {
		return r
	}
	r.after, r.state = from.Seq, from
	r.state.Badges, r.state.Statuses = maps.Clone(from.Badges), maps.Clone(from.Statuses)
	r.stored, r.invalidated = maps.Clone(known.badges), maps.Clone(known.invalidated)
	return r
}

func (r *stateReader) read(ctx context.Context, last judgementRow, lookup FrameworkLookup) error {
	r.state.At, r.state.Seq = last.at, int64(last.seq)
	if err := r.framework(ctx, last); err != nil {
		return fmt.Errorf("frameworks: %w", err)
	}
	if err := r.badges(ctx); err != nil {
		return fmt.Errorf("badges: %w", err)
	}
	if err := r.supports(ctx, lookup); err != nil {
		return fmt.Errorf("support of badges: %w", err)
	}
	if err := r.statuses(ctx); err != nil {
		return fmt.Errorf("check statuses: %w", err)
	}
	if err := r.readInvalidated(ctx); err != nil {
		return fmt.Errorf("invalidations: %w", err)
	}
	return nil
}

// sinceThen selects the rows that judgements have written since the State before.
func (r *stateReader) sinceThen() condition {
	if r.after == 0 {
		return condition{}
	}
	return where(`seq > ?`, r.after)
}

// ofChanged selects the rows of the services whose badge state was read.
func (r *stateReader) ofChanged() condition {
	if r.after == 0 {
		return condition{}
	}
	return condition{}.in("service_id", namesIn(serviceNames, slices.Sorted(maps.Keys(r.changed))))
}

func (r *stateReader) framework(ctx context.Context, last judgementRow) error {
	if r.state.Framework.Hash != last.frameworkHash || r.after == 0 {
		found, err := r.frameworks(ctx, last.frameworkHash)
		if err != nil {
			return err
		}
		r.state.Framework = found[last.frameworkHash]
	}
	r.state.Framework.ActivatedAt = last.activatedAt
	return nil
}

func (r *stateReader) frameworks(ctx context.Context, hashes ...string) (map[string]Framework, error) {
	found := map[string]Framework{}
	err := read(ctx, r, condition{}.in("hash", anys(hashes)), func(f frameworkRow) error {
		found[f.Hash] = f.Framework
		return nil
	})
	return found, err
}

func (r *stateReader) statuses(ctx context.Context) error {
	own := map[string]bool{} // services whose map is this reader's
	return read(ctx, r, r.sinceThen(), func(row statusRow) error {
		status, err := parseStatus(row.status)
		if !own[row.service] {
			spans := maps.Clone(r.state.Statuses[row.service])
			if spans == nil {
				spans = map[string]StatusSpan{}
			}
			r.state.Statuses[row.service], own[row.service] = spans, true
		}
		r.state.Statuses[row.service][row.check] = StatusSpan{Status: status, Since: row.since}
		return err
	})
}

func (r *stateReader) readInvalidated(ctx context.Context) error {
	for service := range r.changed {
		delete(r.invalidated, service)
	}
	found, err := readInvalidated(ctx, r, r.ofChanged())
	maps.Copy(r.invalidated, found)
	r.state.Invalidated = scoring.Invalidations{}
	for service, stored := range r.invalidated {
		byCheck := maps.Clone(stored)
		for check, at := range byCheck {
			if at.IsZero() {
				byCheck[check] = r.state.At
			}
		}
		if len(byCheck) > 0 {
			r.state.Invalidated[service] = byCheck
		}
	}
	return err
}

// JudgementChanges counts the badge states, their supports and the check
// statuses that judgements after the transaction with the given number wrote.
func (s *Store) JudgementChanges(ctx context.Context, after int64) (int, error) {
	n, err := s.queryNumber(ctx, "counting the changes of judgements",
		`SELECT (SELECT COUNT(*) FROM badges WHERE seq > ?) + (SELECT COUNT(*) FROM badge_support WHERE seq > ?)
		+ (SELECT COUNT(*) FROM check_statuses WHERE seq > ?)`, after, after, after)
	return int(n), err
}

package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// frameworkRow is a set of criteria by the hash of its text. It never changes.
type frameworkRow struct{ Framework }

func (r *frameworkRow) table() table {
	return table{
		name:  "frameworks",
		key:   columns{{"hash", &r.Hash}},
		fixed: columns{{"name", &r.Name}, {"version", &r.Version}, {"body", &r.Text}},
	}
}

// judgementRow is the last judgement. There is one row, with id 1.
type judgementRow struct {
	id              int64
	seq             transactionNumber
	at, activatedAt time.Time
	frameworkHash   string
	configuration   Configuration
	// judgingSince is when the present span of judgements began.
	judgingSince time.Time
}

func (r *judgementRow) table() table {
	return table{
		name: "judgement",
		key:  columns{{"id", &r.id}},
		data: columns{
			{"at", timeOf(&r.at)}, {"framework_hash", &r.frameworkHash},
			{"activated_at", timeOf(&r.activatedAt)}, {"seq", &r.seq},
			{"configuration", &r.configuration.Hash}, {"configured_at", timeOf(&r.configuration.LoadedAt)},
			{"judging_since", timeOrNull(&r.judgingSince)},
		},
	}
}

// lastJudgement is zero when there was none.
func lastJudgement(ctx context.Context, r reader) (last judgementRow, err error) {
	err = read(ctx, r, condition{}, func(r judgementRow) error {
		last = r
		return nil
	})
	return last, err
}

// CheckStatus is the status of one check for one service.
type CheckStatus struct {
	Service, Check string
	Status         scoring.Status
	// Since is when the status began.
	Since time.Time
}

// ErrStaleJudgement is the error of SaveJudgement if the last judgement in the
// store is not the one that the new one continues from: another process has
// judged, or the commit of an earlier judgement succeeded and its answer was
// lost. Nothing was written. The caller loads the state and judges again.
var ErrStaleJudgement = errors.New("another judgement was stored in between")

// ErrOlderConfiguration is the error of SaveJudgement if the last judgement was made by
// a configuration that was loaded later, and is still fresh. Nothing was written: two
// configurations that judge in turn would move badges to and fro.
var ErrOlderConfiguration = errors.New("a configuration that was loaded later judges")

// Configuration is the configuration that a judgement was made by.
type Configuration struct {
	// Hash is the same for processes that judge alike. Empty means unknown.
	Hash string
	// LoadedAt is when the process that judges has loaded it.
	LoadedAt time.Time
}

// Judgement is the result of one evaluation.
type Judgement struct {
	// After is the Seq of the State that this judgement continues from, 0 for the
	// first. It is stored only if that is still the last judgement.
	After int64
	// At is the time of the evaluation.
	At time.Time
	// Framework is what was judged by, but for services that are pinned to other criteria.
	Framework Framework
	// Pinned are such criteria that this Store may not have yet.
	Pinned []Framework
	// Configuration is what the process judges by. The judgement is refused if the last
	// one was made by another configuration that was loaded later, and is younger than
	// FreshFor.
	Configuration Configuration
	FreshFor      time.Duration
	// Badges are the states after the judgement: those that differ from the
	// stored ones in more than the time of the judgement are written, and what
	// supports a badge if it differs in more than the values of facts. A service
	// that is left out keeps its state, and what is stored without a time of its own
	// belongs to this judgement then: a service that has left the catalog is not left out.
	Badges map[string]scoring.BadgeState
	// Transitions are the badge changes of this judgement.
	Transitions []scoring.Transition
	// Holds are the times on hold that have ended with this judgement.
	Holds []BadgeHold
	// Statuses are the checks whose status has changed.
	Statuses []CheckStatus
	// Invalidated are the times at which a machine last said no. They replace those of
	// the services that are named here or in Badges.
	Invalidated scoring.Invalidations
	// Subjects are the services that were judged, Exemptions all that there are, in their
	// order: what has changed of them is kept for judging the past again.
	Subjects   []JudgedSubject
	Exemptions []scoring.Exemption
	// DecidedBy are the records that flipped a check. Their present values stay in
	// history, whatever the resolution of their facts. Unknown keys are left out.
	DecidedBy []Key
}

// SaveJudgement stores a judgement in one transaction and returns the number of
// that transaction, which the next one is After. After any error the caller does
// not know what the last judgement is and has to load the state again: a commit
// whose answer was lost may have succeeded.
func (s *Store) SaveJudgement(ctx context.Context, j Judgement) (seq int64, err error) {
	s.judged.mu.Lock()
	defer s.judged.mu.Unlock()
	known := &s.judged
	var written map[string]storedBadge
	var invalidated invalidations
	var inputs *inputs
	whole := true // known has the services that the judgement leaves out
	err = s.inTx(ctx, "storing a judgement", func(t *tx) error {
		seq = t.seq
		last, err := lastJudgement(ctx, t)
		if err != nil {
			return err
		}
		if int64(last.seq) != j.After {
			return fmt.Errorf("it continues from judgement %d, the last is %d: %w", j.After, last.seq, ErrStaleJudgement)
		}
		if err := last.admits(j); err != nil {
			return err
		}
		if known = &s.judged; known.seq != j.After || j.After == 0 {
			// The last judgement was neither stored nor loaded by this Store.
			whole = j.After == 0
			known = &storedJudgement{badges: map[string]storedBadge{}}
			if known.invalidated, err = readInvalidated(ctx, t, condition{}); err != nil {
				return fmt.Errorf("invalidations: %w", err)
			}
		}
		w := judging{tx: t, at: storedTime(j.At)}
		if err := w.framework(ctx, j, last); err != nil {
			return fmt.Errorf("framework: %w", err)
		}
		invalidated = w.compareInvalidated(j, known.invalidated)
		if written, err = w.badges(ctx, j, known.badges, invalidated.services()); err != nil {
			return fmt.Errorf("badges: %w", err)
		}
		if err := w.transitions(ctx, j); err != nil {
			return fmt.Errorf("transitions: %w", err)
		}
		if err := w.statuses(ctx, j.Statuses); err != nil {
			return fmt.Errorf("check statuses: %w", err)
		}
		if err := invalidated.write(ctx, &w); err != nil {
			return fmt.Errorf("invalidations: %w", err)
		}
		inputs, err = w.judged(ctx, j, known.inputs)
		return err
	})
	if err != nil {
		s.judged.inputs = nil
		return 0, err
	}
	maps.Copy(known.badges, written)
	maps.Copy(known.invalidated, invalidated.now)
	s.judged.seq, s.judged.badges, s.judged.invalidated, s.judged.inputs = seq, known.badges, known.invalidated, inputs
	if !whole {
		s.judged.seq = 0
	}
	return seq, nil
}

// judged stores what was judged: what has changed of services and exemptions, and the
// evidence behind changed checks.
func (w *judging) judged(ctx context.Context, j Judgement, known *inputs) (*inputs, error) {
	stored, err := w.inputs(ctx, j, known)
	if err != nil {
		return nil, fmt.Errorf("what was judged: %w", err)
	}
	if err := keepHistory(ctx, w.tx, j.DecidedBy); err != nil {
		return nil, fmt.Errorf("the evidence behind a changed check: %w", err)
	}
	return stored, nil
}

// judging is one judgement in its transaction.
type judging struct {
	*tx
	at time.Time
}

// admits refuses a judgement by an older configuration while the last judgement is fresh.
// A last judgement dated FreshFor or more after the new one was made with a wrong clock.
// It is not fresh either, because it would block every other process until that date.
func (r judgementRow) admits(j Judgement) error {
	c := r.configuration
	if c.Hash == "" || c.Hash == text(j.Configuration.Hash) || !j.Configuration.LoadedAt.Before(c.LoadedAt) ||
		j.At.Sub(r.at).Abs() >= j.FreshFor {
		return nil
	}
	return fmt.Errorf("configuration %.8s was loaded at %s, %.8s at %s: %w", j.Configuration.Hash,
		j.Configuration.LoadedAt.Format(time.RFC3339), c.Hash, c.LoadedAt.Format(time.RFC3339), ErrOlderConfiguration)
}

// framework stores the judgement and what it was judged by.
func (w *judging) framework(ctx context.Context, j Judgement, last judgementRow) error {
	f, configuration := j.Framework, j.Configuration
	activated := f.ActivatedAt
	if activated.IsZero() {
		activated = w.at
	}
	if last.seq != 0 && last.frameworkHash == text(f.Hash) {
		activated = last.activatedAt
	} else if err := put(ctx, w.tx, frameworkChangeRow{FrameworkChange{
		At: w.at, Name: f.Name, Version: f.Version, Hash: f.Hash,
	}}); err != nil {
		return err
	}
	if last.configuration.Hash == text(configuration.Hash) && last.configuration.LoadedAt.After(configuration.LoadedAt) {
		// All processes with one configuration count as loaded when the last one loaded it.
		configuration.LoadedAt = last.configuration.LoadedAt
	}
	since, err := w.judgingSpan(ctx, j, last)
	if err != nil {
		return err
	}
	rows := []frameworkRow{{f}}
	for _, pinned := range j.Pinned {
		rows = append(rows, frameworkRow{pinned})
	}
	for i := range rows {
		if rows[i].Text == nil {
			rows[i].Text = []byte{}
		}
	}
	if err := put(ctx, w.tx, rows...); err != nil {
		return err
	}
	return put(ctx, w.tx, judgementRow{
		id: 1, at: w.at, activatedAt: activated, frameworkHash: f.Hash, configuration: configuration,
		judgingSince: since,
	})
}

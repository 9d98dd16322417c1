package store

import (
	"context"
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
}

func (r *judgementRow) table() table {
	return table{
		name: "judgement",
		key:  columns{{"id", &r.id}},
		data: columns{
			{"at", timeOf(&r.at)}, {"framework_hash", &r.frameworkHash},
			{"activated_at", timeOf(&r.activatedAt)}, {"seq", &r.seq},
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

// Judgement is the result of one evaluation.
type Judgement struct {
	// At is the time of the evaluation.
	At time.Time
	// Framework is what was judged by.
	Framework Framework
	// Badges are all states after the judgement: those that differ from the
	// stored ones in more than the time of the judgement are written. A service
	// that is left out keeps its state.
	Badges map[string]scoring.BadgeState
	// ClocksEvery is how old the stored form of a running clock may get: until
	// then a state that differs in its clocks alone, or in what supports it, is
	// not written again. Zero writes every difference.
	ClocksEvery time.Duration
	// Transitions are the badge changes of this judgement.
	Transitions []scoring.Transition
	// Statuses are the checks whose status has changed.
	Statuses []CheckStatus
	// Invalidated are all invalidated attestations.
	Invalidated scoring.InvalidatedAttestations
}

// SaveJudgement stores a judgement in one transaction.
func (s *Store) SaveJudgement(ctx context.Context, j Judgement) error {
	s.judged.mu.Lock()
	defer s.judged.mu.Unlock()
	var seq int64
	var stored, written map[string]storedBadge
	err := s.inTx(ctx, "storing a judgement", func(t *tx) error {
		seq = t.seq
		last, err := lastJudgement(ctx, t)
		if err != nil {
			return err
		}
		stored = map[string]storedBadge{}
		if int64(last.seq) == s.judged.seq && last.seq != 0 {
			stored = s.judged.by
		}
		w := judging{tx: t, at: storedTime(j.At)}
		if err := w.framework(ctx, j.Framework, last); err != nil {
			return fmt.Errorf("framework: %w", err)
		}
		if written, err = w.badges(ctx, j, stored); err != nil {
			return fmt.Errorf("badges: %w", err)
		}
		if err := w.transitions(ctx, j.Transitions); err != nil {
			return fmt.Errorf("transitions: %w", err)
		}
		if err := w.statuses(ctx, j.Statuses); err != nil {
			return fmt.Errorf("check statuses: %w", err)
		}
		if err := w.invalidated(ctx, j.Invalidated); err != nil {
			return fmt.Errorf("invalidated attestations: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	maps.Copy(stored, written)
	s.judged.seq, s.judged.by = seq, stored
	return nil
}

// judging is one judgement in its transaction.
type judging struct {
	*tx
	at time.Time
}

// framework stores the judgement and what it was judged by.
func (w *judging) framework(ctx context.Context, f Framework, last judgementRow) error {
	activated := f.ActivatedAt
	if activated.IsZero() {
		activated = w.at
	}
	if last.seq != 0 && last.frameworkHash == text(f.Hash) {
		activated = last.activatedAt
	}
	if f.Text == nil {
		f.Text = []byte{}
	}
	if err := put(ctx, w.tx, frameworkRow{f}); err != nil {
		return err
	}
	return put(ctx, w.tx, judgementRow{id: 1, at: w.at, activatedAt: activated, frameworkHash: f.Hash})
}

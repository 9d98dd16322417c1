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
	// Voids are all contradicted attestations.
	Voids scoring.Voids
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
		if last.seq == s.judged.seq && last.seq != 0 {
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
		if err := w.voids(ctx, j.Voids); err != nil {
			return fmt.Errorf("voids: %w", err)
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

// judging is one judgement on its way into the database.
type judging struct {
	*tx
	at time.Time
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

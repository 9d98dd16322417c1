package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// regression is one badge change, as the judgement that continues from another
// would store it.
func regression(after int64, at int) store.Judgement {
	return store.Judgement{
		After: after, At: minute(at),
		Badges: map[string]scoring.BadgeState{"shop": {Badge: framework.Bronze, Since: minute(at), At: minute(at)}},
		Transitions: []scoring.Transition{
			{Service: "shop", At: minute(at), From: framework.Gold, To: framework.Bronze, Cause: scoring.CauseEvidence},
		},
	}
}

// changes are the badge changes that are stored, and how many are counted.
func changes(t *testing.T, s *store.Store) (stored, counted int) {
	t.Helper()
	list, _, err := s.LoadTransitions(context.Background(), 0, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.TransitionCounts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		counted += int(c.Count)
	}
	return len(list), counted
}

// staleJudgement stores judgements that continue from another than the last one.
func staleJudgement(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	first := judge(t, s, regression(0, 0))
	last := judge(t, s, regression(first, 1))
	for name, after := range map[string]int64{"the first judgement": 0, "an earlier one": first, "a later one": last + 1} {
		if _, err := s.SaveJudgement(ctx, regression(after, 2)); !errors.Is(err, store.ErrStaleJudgement) {
			t.Errorf("a judgement after %s: %v, want ErrStaleJudgement", name, err)
		}
	}
	if stored, counted := changes(t, s); stored != 2 || counted != 2 {
		t.Errorf("%d changes are stored and %d counted, want 2", stored, counted)
	}
	if found, err := s.LastJudgement(ctx); err != nil || found.Seq != last || !found.At.Equal(minute(1)) {
		t.Errorf("the last judgement is %+v, %v, want %d at %s", found, err, last, minute(1))
	}
	if _, err := s.SaveJudgement(ctx, regression(last, 3)); err != nil {
		t.Errorf("a judgement after the last one: %v", err)
	}
}

// racingJudgements stores eight judgements at once, each after the same one.
func racingJudgements(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	var last int64
	const rounds, judges = 5, 8
	for round := range rounds {
		var group sync.WaitGroup
		results := make([]error, judges)
		seqs := make([]int64, judges)
		for i := range judges {
			group.Go(func() { seqs[i], results[i] = s.SaveJudgement(ctx, regression(last, round)) })
		}
		group.Wait()
		saved := 0
		for i, err := range results {
			switch {
			case err == nil:
				saved++
				last = seqs[i]
			case !errors.Is(err, store.ErrStaleJudgement):
				t.Errorf("round %d: %v", round, err)
			}
		}
		if saved != 1 {
			t.Errorf("round %d: %d judgements were stored, want 1", round, saved)
		}
	}
	if stored, counted := changes(t, s); stored != rounds || counted != rounds {
		t.Errorf("%d changes are stored and %d counted, want %d", stored, counted, rounds)
	}
}

// judgementIsWhole makes the last part of a judgement fail: the history of the
// evidence that changed a check.
func judgementIsWhole(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	put := func(at int, v float64) {
		commit(t, s, minute(at), evidence.Batch{Records: []evidence.Record{record("shop", "a.ratio", double(t, v))}})
	}
	put(0, 0.1)
	put(10, 0.2)
	last := judge(t, s, store.Judgement{At: minute(11)})
	db.execute(t, `ALTER TABLE fact_history RENAME TO elsewhere`)
	j := regression(last, 12)
	j.DecidedBy = []store.Key{{Service: "shop", Fact: "a.ratio", Source: "test/main"}}
	_, err := s.SaveJudgement(ctx, j)
	if err == nil || errors.Is(err, store.ErrStaleJudgement) || !strings.Contains(err.Error(), "changed check") {
		t.Errorf("the evidence could not be kept: %v", err)
	}
	if stored, counted := changes(t, s); stored != 0 || counted != 0 {
		t.Errorf("%d changes are stored and %d counted, want none", stored, counted)
	}
	db.execute(t, `ALTER TABLE elsewhere RENAME TO fact_history`)
	if _, err := s.SaveJudgement(ctx, j); err != nil {
		t.Fatal(err)
	}
	if stored, counted := changes(t, s); stored != 1 || counted != 1 {
		t.Errorf("%d changes are stored and %d counted, want 1", stored, counted)
	}
	put(20, 0.3)
	if got, want := told(t, s, "shop", "a.ratio", time.Time{}), "0:0.1 10:0.2 20:0.3 "; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
}

// execute runs a statement beside the store.
func (db database) execute(t *testing.T, statement string) {
	t.Helper()
	driver, address := "pgx", string(db)
	if path, ok := strings.CutPrefix(address, "sqlite://"); ok {
		driver, address = "sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()
	}
	opened, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = opened.ExecContext(context.Background(), statement)
	if err := errors.Join(err, opened.Close()); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", statement, err))
	}
}

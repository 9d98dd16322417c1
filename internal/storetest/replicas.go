package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// startRun begins a round of test/main.
func startRun(t *testing.T, s *store.Store, version string, at int) store.RunID {
	t.Helper()
	run, err := s.StartRun(context.Background(), "test/main", version, minute(at))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// takenOver lets a process go on with a round after another one has begun the next.
func takenOver(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	batch := func(n int) evidence.Batch {
		return evidence.Batch{
			Records: []evidence.Record{record("shop", "a.count", evidence.Int(int64(n)))},
			Cursors: map[string]string{"page": string(rune('0' + n))},
		}
	}
	slow := startRun(t, s, "1", 0)
	if _, err := s.Commit(ctx, "test/main", slow, minute(1), batch(1)); err != nil {
		t.Fatal(err)
	}
	other, err := s.StartRun(ctx, "test/other", "1", minute(1))
	if err != nil {
		t.Fatal(err)
	}
	next := startRun(t, s, "1", 2)
	before := load(t, s, 0)
	if _, err := s.Commit(ctx, "test/main", slow, minute(3), batch(2)); !errors.Is(err, store.ErrRunEnded) {
		t.Errorf("a batch of a round that was taken over: %v, want ErrRunEnded", err)
	}
	if err := s.FinishRun(ctx, slow, store.RunResult{Finished: minute(3)}); !errors.Is(err, store.ErrRunEnded) {
		t.Errorf("the end of a round that was taken over: %v, want ErrRunEnded", err)
	}
	cursors, err := s.Cursors(ctx, "test/main")
	if err != nil || cursors["page"] != "1" || one(t, s, "shop", "a.count").Value != evidence.Int(1) ||
		load(t, s, 0).Seq != before.Seq {
		t.Errorf("what was refused has changed the store: cursors %v, %v", cursors, err)
	}
	last, err := s.LastRuns(ctx)
	if err != nil || len(last) != 1 || last[0].Reason != evidence.ReasonCanceled || !last[0].Finished.Equal(minute(2)) {
		t.Errorf("the round that was taken over is %+v, %v", last, err)
	}
	for source, run := range map[string]store.RunID{"test/main": next, "test/other": other} {
		page := evidence.Batch{Cursors: map[string]string{"page": "3"}}
		if _, err := s.Commit(ctx, source, run, minute(4), page); err != nil {
			t.Errorf("a batch of the round of %s that runs: %v", source, err)
		}
		if err := s.FinishRun(ctx, run, store.RunResult{Finished: minute(5)}); err != nil {
			t.Errorf("the end of the round of %s that runs: %v", source, err)
		}
		if _, err := s.Commit(ctx, source, run, minute(6), evidence.Batch{}); !errors.Is(err, store.ErrRunEnded) {
			t.Errorf("a batch after the end of the round of %s: %v, want ErrRunEnded", source, err)
		}
	}
}

// lastRound is zero until a round has ended of its own.
func lastRound(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	want := func(what, version string, at time.Time) {
		t.Helper()
		got, err := s.LastRound(ctx, "test/main", version)
		if err != nil || !got.Equal(at) {
			t.Errorf("%s: the last round of version %s began at %s, %v, want %s", what, version, got, err, at)
		}
	}
	finish := func(run store.RunID, at int, reason evidence.Reason) {
		t.Helper()
		if err := s.FinishRun(ctx, run, store.RunResult{Finished: minute(at), Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
	never := time.Time{}
	want("never", "1", never)
	run := startRun(t, s, "1", 0)
	want("while it runs", "1", never)
	finish(run, 1, "")
	want("after a success", "1", minute(0))
	want("after a success", "2", never)
	startRun(t, s, "1", 10)
	want("while the next one runs", "1", never)
	closeStore(t, s)
	s = db.open(t, store.Options{Facts: facts(t)})
	want("after the process ended", "1", never)
	run = startRun(t, s, "1", 20) // ends the one before as interrupted
	finish(run, 21, evidence.ReasonUnreachable)
	want("after a failure", "1", minute(20))
	finish(startRun(t, s, "1", 30), 31, evidence.ReasonCanceled)
	want("after it was canceled", "1", never)
	finish(startRun(t, s, "2", 40), 41, "")
	want("after another version", "1", never)
	want("after another version", "2", minute(40))
	other, err := s.StartRun(ctx, "test/other", "2", minute(50))
	if err != nil {
		t.Fatal(err)
	}
	want("beside another source", "2", minute(40))
	finish(other, 51, "")
	want("after another source", "2", minute(40))
}

// olderConfigurations lets processes with different configurations judge in turn.
func olderConfigurations(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	const fresh = 3 * time.Minute
	var last store.LastJudgement
	for i, step := range []struct {
		name   string
		at     int
		hash   string
		loaded int
		want   error
		// age is when the configuration of the last judgement was loaded, if that is not
		// loaded.
		age int
	}{
		{"an unknown configuration, before any other", 0, "", 50, nil, 50},
		{"any after an unknown one", 1, "a", 10, nil, 10},
		{"a newer one", 2, "b", 20, nil, 20},
		{"an older one", 3, "a", 10, store.ErrOlderConfiguration, 0},
		{"an unknown one that is older", 3, "", 10, store.ErrOlderConfiguration, 0},
		{"an older one, just before the last judgement is old", 4, "a", 19, store.ErrOlderConfiguration, 0},
		{"an older one, when the last judgement is old", 5, "a", 10, nil, 10},
		{"one loaded at the same time", 6, "c", 10, nil, 10},
		{"the same, loaded later", 7, "c", 30, nil, 30},
		{"the same, loaded earlier by another process", 8, "c", 10, nil, 30},
		{"an older one than the later of the two", 9, "a", 20, store.ErrOlderConfiguration, 0},
	} {
		j := store.Judgement{
			After: last.Seq, At: minute(step.at), FreshFor: fresh,
			Configuration: store.Configuration{Hash: step.hash, LoadedAt: minute(step.loaded)},
			Badges:        map[string]scoring.BadgeState{"shop": {Badge: framework.Badge(1 + i%4), At: minute(step.at)}},
		}
		_, err := s.SaveJudgement(ctx, j)
		if !errors.Is(err, step.want) || err != nil && step.want == nil {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
		now, err := s.LastJudgement(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if step.want != nil {
			if now != last {
				t.Errorf("%s: it was refused, and the last judgement is %+v", step.name, now)
			}
			continue
		}
		want := store.Configuration{Hash: step.hash, LoadedAt: minute(step.age)}
		if now.Configuration != want || !now.At.Equal(minute(step.at)) || now.Seq == last.Seq {
			t.Errorf("%s: the last judgement is %+v, want %+v", step.name, now, want)
		}
		last = now
	}
}

// clockOffsets compares the clock of the process, and one that is an hour ahead, with
// that of the database, if it has one.
func clockOffsets(t *testing.T, db database) {
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		s := db.open(t, store.Options{Now: func() time.Time { return time.Now().Add(ahead) }})
		want, exact := ahead, time.Minute
		if !s.Shared() {
			want, exact = 0, 0 // SQLite has no clock
		}
		got, err := s.ClockOffset(context.Background())
		if err != nil || (got-want).Abs() > exact {
			t.Errorf("a clock that is %s ahead is %s off, %v, want %s", ahead, got, err, want)
		}
		closeStore(t, s)
	}
}

// followed loads what judgements have changed after the last load, and all of it for
// comparison.
func followed(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	follower, err := store.OpenReadOnly(context.Background(), store.Options{URL: string(db)})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, follower)
	f := &framework.Framework{Hash: "h1"}
	lookup := func(store.Framework) (*framework.Framework, error) { return f, nil }
	var after int64
	var from store.State
	for i, step := range []store.Judgement{
		{Badges: map[string]scoring.BadgeState{"shop": badge(t, f, minute(0)), "bank": badge(t, f, minute(0))},
			Statuses:    []store.CheckStatus{{Service: "shop", Check: "c1", Status: scoring.Pass}},
			Invalidated: scoring.Invalidations{"shop": {"c1": minute(-1)}, "bank": {"c1": minute(-1)}}},
		{}, // time alone
		{Badges: map[string]scoring.BadgeState{"bank": {Badge: framework.Gold, Since: minute(2), At: minute(2)}},
			Statuses: []store.CheckStatus{{Service: "bank", Check: "c2", Status: scoring.Fail},
				{Service: "shop", Check: "c1", Status: scoring.Unknown}}},
		{Badges: map[string]scoring.BadgeState{"mail": badge(t, f, minute(3))},
			Statuses: []store.CheckStatus{{Service: "mail", Check: "c1", Status: scoring.Exempt}}},
	} {
		step.At, step.After, step.Framework.Hash = minute(i), after, "h1"
		for _, service := range []string{"shop", "bank", "mail"} {
			if b, known := from.Badges[service]; known && step.Badges[service].At.IsZero() {
				if step.Badges == nil {
					step.Badges = map[string]scoring.BadgeState{}
				}
				b.At = step.At
				step.Badges[service] = b
			}
		}
		if step.Invalidated == nil {
			step.Invalidated = scoring.Invalidations{"shop": {"c1": minute(-1)}}
		}
		if after, err = s.SaveJudgement(context.Background(), step); err != nil {
			t.Fatal(err)
		}
		all, err := s.LoadState(context.Background(), store.State{}, lookup)
		if err != nil {
			t.Fatal(err)
		}
		before := from
		if from, err = follower.LoadState(context.Background(), from, lookup); err != nil {
			t.Fatal(err)
		}
		if from.Seq != after {
			t.Errorf("step %d: judgement %d is loaded, want %d", i, from.Seq, after)
		}
		if !reflect.DeepEqual(from, all) {
			t.Errorf("step %d: what has changed, loaded after what was there before, gives\n%+v, want\n%+v", i, from, all)
		}
		if i > 0 && before.Seq == from.Seq {
			t.Errorf("step %d: the state of before has number %d", i, before.Seq)
		}
		if at := from.Badges["shop"].At; !at.Equal(step.At) {
			t.Errorf("step %d: shop was judged at %s, want %s", i, at, step.At)
		}
	}
	if s := from.Statuses["shop"]["c1"]; s.Status != scoring.Unknown || from.Badges["bank"].Badge != framework.Gold {
		t.Errorf("the last state is %+v", from)
	}
}

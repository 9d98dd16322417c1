package storetest

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// judge stores a judgement after the last one.
func judge(t *testing.T, s *store.Store, j store.Judgement) int64 {
	t.Helper()
	last, err := s.LastJudgement(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	j.After = last.Seq
	seq, err := s.SaveJudgement(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func state(t *testing.T, s *store.Store, lookup store.FrameworkLookup) store.State {
	t.Helper()
	found, err := s.LoadState(context.Background(), store.State{}, lookup)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// basis is a base of attribution with everything a basis can hold.
func basis(t *testing.T, f *framework.Framework, at time.Time) *scoring.Basis {
	t.Helper()
	return &scoring.Basis{
		Framework: f,
		Subject: scoring.Subject{Name: "shop", Attributes: framework.Attributes{Tier: 2, Runtime: "vm", Stateful: true,
			CoverageTarget: 0.8}},
		Exempt: map[string]*scoring.Exemption{"c1": {Check: "c1",
			Selector: scoring.Selector{Services: []string{"shop"}}, Reason: "legacy",
			Approver: "board", Expires: minute(9999)}},
		Scheduled: map[string]bool{"c2": true},
		Facts: map[string]scoring.BasisFact{
			"a.flag":  {Value: evidence.Bool(true), Fresh: true, Since: minute(-5)},
			"a.ratio": {Value: double(t, 0.1)},
			"a.never": {Value: evidence.Never(), Fresh: true},
			"a.least": {Value: double(t, math.Inf(-1))},
			"a.age":   {Value: evidence.Instant(minute(-77))},
		},
		Invalidated: map[string]time.Time{"c3": minute(-1)},
		At:          at,
	}
}

func badge(t *testing.T, f *framework.Framework, at time.Time) scoring.BadgeState {
	t.Helper()
	return scoring.BadgeState{
		Badge: framework.Silver, Since: minute(-100), FirstJudged: minute(-200), At: at,
		Awards: map[framework.Badge]scoring.AwardClock{framework.Gold: {Since: minute(-3), Observations: 2}},
		Contradictions: []scoring.ContradictionClock{
			{Badge: framework.Silver, Dwell: time.Hour, Ran: scoring.Stopped(7 * time.Minute)},
		},
		Hold: &scoring.Hold{Since: minute(-10), Reason: "a.flag is stale", Ran: scoring.Running(time.Minute, minute(-2)),
			Left: scoring.Stopped(5000 * time.Minute)},
		FrameworkHash: f.Hash,
		LastTransition: &scoring.Transition{Service: "shop", At: minute(-100), To: framework.Silver,
			Cause: scoring.CauseInitial},
		Support: basis(t, f, at),
	}
}

func stateSurvives(t *testing.T, db database) {
	f := &framework.Framework{Name: "default", Version: "1.0", Hash: "h1"}
	s := db.open(t, store.Options{Facts: facts(t)})
	if got := state(t, s, nil); !got.At.IsZero() || got.Seq != 0 || len(got.Badges) != 0 {
		t.Errorf("before the first judgement: %+v", got)
	}
	j := store.Judgement{
		At:        minute(0),
		Framework: store.Framework{Name: "default", Version: "1.0", Hash: "h1", Text: []byte("modules:\x00\xff")},
		Badges: map[string]scoring.BadgeState{"shop": badge(t, f, minute(0)),
			"bank": {Since: minute(0), FirstJudged: minute(0), At: minute(0)}},
		Statuses: []store.CheckStatus{
			{Service: "shop", Check: "c1", Status: scoring.Exempt, Since: minute(-50)},
			{Service: "shop", Check: "c2", Status: scoring.Pass, Since: minute(-40)},
		},
		Invalidated: scoring.Invalidations{"shop": {"c3": minute(-1)}},
	}
	judge(t, s, j)
	closeStore(t, s)

	s = db.open(t, store.Options{Facts: facts(t)})
	var asked []store.Framework
	got := state(t, s, func(stored store.Framework) (*framework.Framework, error) {
		asked = append(asked, stored)
		return f, nil
	})
	if !reflect.DeepEqual(got.Badges, j.Badges) {
		t.Errorf("badges\n%+v, want\n%+v", got.Badges, j.Badges)
	}
	if !reflect.DeepEqual(got.Invalidated, j.Invalidated) {
		t.Errorf("voids %+v, want %+v", got.Invalidated, j.Invalidated)
	}
	wantFramework := j.Framework
	wantFramework.ActivatedAt = minute(0)
	if !reflect.DeepEqual(got.Framework, wantFramework) || !got.At.Equal(minute(0)) {
		t.Errorf("framework %+v at %s, want %+v", got.Framework, got.At, wantFramework)
	}
	if len(asked) != 1 || asked[0].Hash != "h1" || string(asked[0].Text) != "modules:\x00\xff" {
		t.Errorf("asked for %+v", asked)
	}
	want := map[string]map[string]store.StatusSpan{"shop": {
		"c1": {Status: scoring.Exempt, Since: minute(-50)}, "c2": {Status: scoring.Pass, Since: minute(-40)},
	}}
	if !reflect.DeepEqual(got.Statuses, want) {
		t.Errorf("statuses %+v, want %+v", got.Statuses, want)
	}
	last, err := s.LastJudgement(context.Background())
	if err != nil || last.Seq != got.Seq || !last.At.Equal(minute(0)) {
		t.Errorf("last judgement %+v, %v", last, err)
	}

	// Criteria that cannot be had any more leave the badge without a base.
	if got := state(t, s, func(store.Framework) (*framework.Framework, error) {
		return nil,
			nil
	}); got.Badges["shop"].Support != nil || got.Badges["shop"].Badge != framework.Silver {
		t.Errorf("without criteria: %+v", got.Badges["shop"])
	}
	// Other criteria, then the first again: activated anew.
	judge(t, s, store.Judgement{At: minute(10), Framework: store.Framework{Hash: "h2"},
		Invalidated: scoring.Invalidations{"bank": {"c1": minute(2)}, "shop": nil}})
	judge(t, s, store.Judgement{At: minute(20), Framework: store.Framework{Hash: "h1"},
		Invalidated: scoring.Invalidations{"bank": {"c1": minute(3)}}})
	judge(t, s, store.Judgement{At: minute(30), Framework: store.Framework{Hash: "h1", ActivatedAt: minute(30)},
		Invalidated: scoring.Invalidations{"bank": {"c1": minute(3)}}})
	got = state(t, s, nil)
	if !got.Framework.ActivatedAt.Equal(minute(20)) || got.Framework.Version != "1.0" {
		t.Errorf("framework %+v, want activated at %s", got.Framework, minute(20))
	}
	if want := (scoring.Invalidations{"bank": {"c1": minute(3)}}); !reflect.DeepEqual(got.Invalidated, want) {
		t.Errorf("voids %+v, want %+v", got.Invalidated, want)
	}
}

// judgementChangeOnly follows the clock of states that do not change through
// judgements, other processes and restarts.
func judgementChangeOnly(t *testing.T, db database) {
	f := &framework.Framework{Hash: "h1"}
	lookup := func(store.Framework) (*framework.Framework, error) { return f, nil }
	s := db.open(t, store.Options{Facts: facts(t)})
	judgement := func(at int, change func(map[string]scoring.BadgeState)) map[string]scoring.BadgeState {
		badges := map[string]scoring.BadgeState{"shop": badge(t, f, minute(at)), "bank": badge(t, f, minute(at)),
			"gone": badge(t, f, minute(-9))}
		if change != nil {
			change(badges)
		}
		judge(t, s, store.Judgement{At: minute(at), Framework: store.Framework{Hash: "h1"}, Badges: badges})
		return badges
	}
	changed := func(after int64) int {
		t.Helper()
		n, err := s.JudgementChanges(context.Background(), after)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	judgement(0, nil)
	seq := state(t, s, lookup).Seq
	for at := 1; at < 4; at++ {
		want := judgement(at, nil)
		if n := changed(seq); n != 0 {
			t.Errorf("a judgement without changes wrote %d states", n)
		}
		if got := state(t, s, lookup); !reflect.DeepEqual(got.Badges, want) {
			t.Errorf("at %d: badges\n%+v, want\n%+v", at, got.Badges["shop"], want["shop"])
		}
	}
	closeStore(t, s)
	s = db.open(t, store.Options{Facts: facts(t)})
	if got := state(t, s, lookup); !got.Badges["shop"].At.Equal(minute(3)) || !got.Badges["gone"].At.Equal(minute(-9)) {
		t.Errorf("after a restart: shop at %s, gone at %s", got.Badges["shop"].At, got.Badges["gone"].At)
	}
	judgement(5, nil)
	if n := changed(seq); n != 0 {
		t.Errorf("the first judgement after a restart wrote %d states", n)
	}
	judgement(6, func(b map[string]scoring.BadgeState) {
		b["bank"].Support.Facts["a.ratio"] = scoring.BasisFact{Value: double(t, 0.2)}
	})
	if n := changed(seq); n != 0 {
		t.Errorf("another value of a fact behind the badge wrote %d states", n)
	}
	for i, change := range []func(map[string]scoring.BadgeState){
		func(b map[string]scoring.BadgeState) { // the badge alone
			state := b["shop"]
			state.Hold.Ran = scoring.Stopped(time.Second)
			b["shop"] = state
		},
		func(b map[string]scoring.BadgeState) { // the support alone: an attribute of the service
			state := b["bank"]
			state.Support.Subject.Tier = 1
			b["bank"] = state
		},
		func(b map[string]scoring.BadgeState) { // the support alone: an exemption that has ended
			state := b["bank"]
			state.Support.Exempt = nil
			b["bank"] = state
		},
		func(b map[string]scoring.BadgeState) { // the support alone: a check that has passed since
			state := b["bank"]
			state.Support.Outdated = map[string]string{"c1": "h"}
			b["bank"] = state
		},
		func(b map[string]scoring.BadgeState) { // a service that is not judged, at another time
			state := b["gone"]
			state.At, state.Support.At = minute(-8), minute(-8)
			b["gone"] = state
		},
		func(b map[string]scoring.BadgeState) { // a service that is judged no more
			state := b["shop"]
			state.At, state.Support.At = minute(2), minute(2)
			b["shop"] = state
		},
		func(b map[string]scoring.BadgeState) { // no support
			state := b["bank"]
			state.Support = nil
			b["bank"] = state
		},
	} {
		seq := state(t, s, lookup).Seq
		want := judgement(10+i, change)
		if n := changed(seq); n == 0 || n > 4 {
			t.Errorf("change %d wrote %d states", i, n)
		}
		if got := state(t, s, lookup); !reflect.DeepEqual(got.Badges, want) {
			t.Errorf("change %d: badges\n%+v, want\n%+v", i, got.Badges, want)
		}
	}
}

// leftBadges deletes what judgements have left of a service when it has been out of
// the catalog for as long as history is kept, and nothing of one that is judged.
func leftBadges(t *testing.T, db database) {
	f := &framework.Framework{Hash: "h1"}
	s := db.open(t, store.Options{Facts: facts(t)})
	judgeBoth := func(at int, gone scoring.BadgeState) {
		t.Helper()
		judge(t, s, store.Judgement{At: minute(at), Framework: store.Framework{Hash: "h1"},
			Badges: map[string]scoring.BadgeState{"gone": gone, "shop": badge(t, f, minute(at))},
			Statuses: []store.CheckStatus{
				{Service: "gone", Check: "c1", Status: scoring.Pass}, {Service: "shop", Check: "c1", Status: scoring.Pass},
			},
			Invalidated: scoring.Invalidations{"gone": {"c1": minute(-1)}, "shop": {"c1": minute(-1)}}})
	}
	left := badge(t, f, minute(0))
	judgeBoth(0, left)
	judgeBoth(60, left)
	prune := func(at int) scoring.State {
		t.Helper()
		if _, err := s.Prune(context.Background(), minute(at), store.Retention{History: 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		found := state(t, s, func(store.Framework) (*framework.Framework, error) { return f, nil })
		if n := len(found.Statuses); n != len(found.Badges) || n != len(found.Invalidated) {
			t.Errorf("statuses of %d services, badges %v, invalidations %v", n, found.Badges, found.Invalidated)
		}
		return found.State
	}
	if got := prune(24 * 60); len(got.Badges) != 2 || !reflect.DeepEqual(got.Badges["gone"], left) {
		t.Errorf("badges %+v, want that of the service that has left, too", got.Badges)
	}
	if got := prune(24*60 + 1); len(got.Badges) != 1 || got.Badges["shop"].Badge != framework.Silver {
		t.Errorf("badges %+v, want one", got.Badges)
	}
}

func transitions(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	list := []scoring.Transition{
		{Service: "shop", At: minute(0), To: framework.Gold, Cause: scoring.CauseInitial},
		{Service: "shop", At: minute(60), From: framework.Gold, To: framework.Bronze, Cause: scoring.CauseCriteria,
			Contributing: []scoring.Cause{scoring.CauseEvidence, scoring.CauseService}, Announced: true,
			Flips: []scoring.Flip{{Check: "c1", Before: "pass", After: "fail",
				FactsBefore: map[string]string{"a.flag": "true"}}}},
		{Service: "bank", At: minute(60), From: framework.Bronze, To: framework.NoBadge, Cause: scoring.CauseCriteria},
	}
	for _, transition := range list {
		judge(t, s, store.Judgement{At: transition.At, Transitions: []scoring.Transition{transition}})
	}
	judge(t, s, store.Judgement{At: minute(70), Transitions: list[1:]})
	list = append(list, list[1:]...)

	got, next, err := s.LoadTransitions(ctx, 0, time.Time{})
	if err != nil || !reflect.DeepEqual(got, list) {
		t.Errorf("transitions\n%+v, %v, want\n%+v", got, err, list)
	}
	got, _, err = s.LoadTransitions(ctx, 0, minute(1))
	if err != nil || !reflect.DeepEqual(got, list[1:]) {
		t.Errorf("transitions since 1\n%+v, %v, want\n%+v", got, err, list[1:])
	}
	if got, again, err := s.LoadTransitions(ctx, next, time.Time{}); err != nil || len(got) != 0 || again != next {
		t.Errorf("after all: %+v, %d, %v", got, again, err)
	}
	judge(t, s, store.Judgement{At: minute(80), Transitions: list[:1]})
	if got, again, err := s.LoadTransitions(ctx, next, time.Time{}); err != nil || len(got) != 1 || again <= next {
		t.Errorf("one more: %+v, %d, %v", got, again, err)
	}
	want := []store.TransitionCount{{Direction: "award", Cause: scoring.CauseInitial, Count: 2},
		{Direction: "regress", Cause: scoring.CauseCriteria, Count: 4}}
	for _, when := range []string{"before", "after"} {
		counts, err := s.TransitionCounts(ctx)
		if err != nil || !reflect.DeepEqual(counts, want) {
			t.Errorf("counts %s pruning %+v, %v, want %+v", when, counts, err, want)
		}
		if _, err := s.Prune(ctx, minute(5000), store.Retention{Transitions: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	if got, _, err := s.LoadTransitions(ctx, 0, time.Time{}); err != nil || len(got) != 0 {
		t.Errorf("after pruning: %+v, %v", got, err)
	}
}

func statuses(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	put := func(at int, status scoring.Status) {
		t.Helper()
		judge(t, s, store.Judgement{At: minute(at), Statuses: []store.CheckStatus{
			{Service: "shop", Check: "c1", Status: status, Since: minute(at)},
			{Service: "shop", Check: "c2", Status: scoring.Pass}, // since the judgement
		}})
	}
	put(0, scoring.Pass)
	put(1, scoring.Pass)
	put(2, scoring.Unknown)
	put(3, scoring.Fail)
	want := []store.StatusSpan{
		{Status: scoring.Pass, Since: minute(0), Until: minute(2)},
		{Status: scoring.Unknown, Since: minute(2), Until: minute(3)},
		{Status: scoring.Fail, Since: minute(3)},
	}
	if got, err := s.StatusHistory(ctx, "shop", "c1"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("history %+v, %v, want %+v", got, err, want)
	}
	if got := state(t, s, nil).Statuses["shop"]["c2"]; !got.Since.Equal(minute(0)) || got.Status != scoring.Pass {
		t.Errorf("c2 is %+v", got)
	}
	since, err := s.StatusesSince(ctx, minute(2))
	slices.SortFunc(since, func(a, b store.CheckSpan) int { return a.Since.Compare(b.Since) })
	wantSince := []store.CheckSpan{{Service: "shop", Check: "c1", StatusSpan: want[1]}, {Service: "shop", Check: "c1",
		StatusSpan: want[2]}}
	if err != nil || !reflect.DeepEqual(since, wantSince) {
		t.Errorf("since the second minute %+v, %v, want %+v", since, err, wantSince)
	}
	last, err := s.LastJudgement(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SaveJudgement(ctx, store.Judgement{At: minute(4), After: last.Seq,
		Statuses: []store.CheckStatus{{Service: "shop", Check: "c1"}}}); err == nil {
		t.Error("a status that is none was accepted")
	}
}

func retention(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	const steps = 30
	for i := range steps {
		commit(t, s, minute(i*60), evidence.Batch{
			Records: []evidence.Record{record("shop", "a.count", evidence.Int(int64(i))),
				record("shop", "a.flag", evidence.Bool(true))},
			Incidents: []evidence.Incident{
				{ID: "ended" + string(rune('a'+i)), StartedAt: minute(i * 60), ResolvedAt: minute(i*60 + 1),
					Services: []string{"shop"}},
				{ID: "open", StartedAt: minute(0), Services: []string{"shop"}},
			}})
		run, err := s.StartRun(ctx, "test/main", "", minute(i*60))
		if err != nil {
			t.Fatal(err)
		}
		reason := evidence.ReasonTimeout
		if i == 1 {
			reason = ""
		}
		if err := s.FinishRun(ctx, run, store.RunResult{Finished: minute(i*60 + 1), Reason: reason}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Prune(ctx, minute(steps*60), store.Retention{}); err != nil || n != 0 {
		t.Errorf("keeping for ever deleted %d, %v", n, err)
	}
	keep := 10 * time.Hour
	n, err := s.Prune(ctx, minute(steps*60), store.Retention{History: keep, Incidents: keep, Runs: keep,
		Transitions: keep})
	// 20 counts and the flag; 20 incidents; 20 runs but the only success.
	if err != nil || n != 21+20+19 {
		t.Errorf("deleted %d, %v", n, err)
	}
	if got, want := told(t, s, "shop", "a.count", time.Time{}), 10; len(splitWords(got)) != want {
		t.Errorf("history %q, want %d entries", got, want)
	}
	if got, want := told(t, s, "shop", "a.flag", time.Time{}), "0:true "; got != want {
		t.Errorf("history of a value that never changed %q, want %q", got, want)
	}
	if got := len(load(t, s, 0).Rows); got != 2 {
		t.Errorf("%d current values, want 2", got)
	}
	if got := listed(t, s, store.IncidentFilter{}); len(got) != 11 || got[0].ID != "open" || len(got[0].Services) != 1 {
		t.Errorf("%d incidents, the first %+v", len(got), got[0])
	}
	last, err := s.LastRuns(ctx)
	if err != nil || !last[0].LastSuccess.Equal(minute(61)) {
		t.Errorf("last runs %+v, %v", last, err)
	}
}

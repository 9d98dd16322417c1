package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// TestBasesOfTheFirstForms reads rows as they were written when the two columns
// of badge_support had different forms of a basis, and writes them in one.
func TestBasesOfTheFirstForms(t *testing.T) {
	const (
		state = `{"badge":2,"since":"2026-03-02T07:20:00Z","first_judged":"2026-03-02T05:40:00Z","at":"2026-03-02T09:00:00Z",
			"awards":{"3":{"since":"2026-03-02T08:57:00Z","observations":2}},"failing":{"c4":60000000000},
			"contradictions":[{"badge":2,"dwell":3600000000000,"ran":420000000000}],
			"hold":{"since":"2026-03-02T08:50:00Z","reason":"a.flag is stale","ran":60000000000,"lapse_at":"2026-03-05T20:20:00Z"},
			"framework_hash":"h1","support_hash":"h1","last_transition":{"Service":"shop","At":"2026-03-02T07:20:00Z","From":0,"To":2,
			"Cause":"initial","Contributing":null,"Announced":false,"Flips":null}}`
		subject = `"subject":{"Name":"shop","Tier":2,"Runtime":"vm","Exposure":"","Stateful":true,"DataClass":"","CoverageTarget":0.8,"RPOMinutes":0}`
		basis   = `{` + subject + `,"exempt":{"c1":{"Check":"c1","Services":["shop"],"Tiers":null,"Reason":"legacy","Approver":"board",
			"Expires":"2026-03-09T07:39:00Z"}},"scheduled":["c2"],"facts":{"a.age":{"k":3,"i":true,"n":"1.77243738e+09"},
			"a.count":{"k":2,"n":"3"},"a.flag":{"k":1,"n":"1","f":true,"s":"2026-03-02T08:55:00Z"},"a.never":{"k":3,"n":"+Inf","f":true}},
			"voids":{"c3":"2026-03-02T08:59:00Z"},"at":"2026-03-02T09:00:00Z"}`
		before = `{"3":{"framework":{"name":"default","version":"1.0","hash":"h1"},` + subject +
			`,"exempt":["c1"],"scheduled":["c2"],
			"facts":{"a.age":{"kind":"double","number":"1.77243738e+09","instant":true,"since":"0001-01-01T00:00:00Z"},
			"a.count":{"kind":"int","number":"3","since":"0001-01-01T00:00:00Z"},
			"a.flag":{"kind":"bool","number":"1","fresh":true,"since":"2026-03-02T08:55:00Z"},
			"a.never":{"kind":"double","number":"+Inf","fresh":true,"since":"0001-01-01T00:00:00Z"}},
			"voids":{"c3":"2026-03-02T08:59:00Z"},"at":"2026-03-02T08:00:00Z"}}`
	)
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "readiness.db")
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	judgement := store.Judgement{At: at, Framework: store.Framework{Name: "default", Version: "1.0", Hash: "h1"}}
	reopen := func() *store.Store {
		t.Helper()
		s, err := store.Open(ctx, store.Options{URL: path})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := reopen()
	judgement.Badges = map[string]scoring.BadgeState{"shop": {}}
	if _, err := s.SaveJudgement(ctx, judgement); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, path, fmt.Sprintf(`UPDATE badges SET judged_at = NULL, state = '%s'`, state),
		fmt.Sprintf(
			`INSERT INTO badge_support (service_id, framework_hash, basis, before, seq) VALUES (1, 'h1', '%s', '%s', 1)`, basis,
			before,
		))

	f := &framework.Framework{Name: "default", Version: "1.0", Hash: "h1"}
	support := scoring.Basis{
		Framework: f,
		Subject: scoring.Subject{Name: "shop", Attributes: framework.Attributes{Tier: 2, Runtime: "vm", Stateful: true,
			CoverageTarget: 0.8}},
		Exempt: map[string]*scoring.Exemption{"c1": {Check: "c1",
			Selector: scoring.Selector{Services: []string{"shop"}}, Reason: "legacy",
			Approver: "board",
			Expires:  time.Date(2026, 3, 9, 7, 39, 0, 0, time.UTC)}},
		Scheduled: map[string]bool{"c2": true},
		Facts: map[string]scoring.BasisFact{
			"a.flag":  {Value: evidence.Bool(true), Fresh: true, Since: at.Add(-5 * time.Minute)},
			"a.count": {Value: evidence.Int(3)},
			"a.never": {Value: evidence.Never(), Fresh: true},
			"a.age":   {Value: evidence.Instant(at.Add(-77 * time.Minute))},
		},
		Invalidated: map[string]time.Time{"c3": at.Add(-time.Minute)}, At: at,
	}
	earlier := support
	earlier.At, earlier.Exempt = at.Add(-time.Hour), map[string]*scoring.Exemption{"c1": {Check: "c1"}}
	want := scoring.BadgeState{
		Badge: framework.Silver, Since: at.Add(-100 * time.Minute), FirstJudged: at.Add(-200 * time.Minute), At: at,
		Awards: map[framework.Badge]scoring.AwardClock{framework.Gold: {Since: at.Add(-3 * time.Minute),
			Observations: 2}},
		Contradictions: []scoring.ContradictionClock{
			{Badge: framework.Silver, Dwell: time.Hour, Ran: scoring.Stopped(7 * time.Minute)},
		},
		Hold: &scoring.Hold{
			Since: at.Add(-10 * time.Minute), Reason: "a.flag is stale", Ran: scoring.Stopped(time.Minute),
		},
		Failing: map[string]scoring.Stopwatch{"c4": scoring.Stopped(time.Minute)}, FrameworkHash: "h1", SupportHash: "h1",
		LastTransition: &scoring.Transition{Service: "shop", At: at.Add(-100 * time.Minute), To: framework.Silver,
			Cause: scoring.CauseInitial},
		Support: &support, Before: map[framework.Badge]*scoring.Basis{framework.Gold: &earlier},
	}
	for _, form := range []string{"first", "present"} {
		s := reopen()
		got, err := s.LoadState(ctx, store.State{}, func(store.Framework) (*framework.Framework, error) { return f, nil })
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Badges, map[string]scoring.BadgeState{"shop": want}) {
			t.Errorf("the %s form is read as\n%+v, want\n%+v", form, got.Badges["shop"], want)
		}
		if form == "first" {
			// A state that has changed is written with its support.
			want.Settling = true
			got.Badges["shop"] = want
		}
		judgement.Badges, judgement.After = got.Badges, got.Seq
		if _, err := s.SaveJudgement(ctx, judgement); err != nil {
			t.Fatal(err)
		}
		if n, err := s.JudgementChanges(ctx, got.Seq); err != nil || n != map[string]int{"first": 2, "present": 0}[form] {
			t.Errorf("saving what was read in the %s form wrote %d rows, %v", form, n, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// badgeWalk changes badge states at random, as judgements might.
type badgeWalk struct {
	*rand.Rand
	framework *framework.Framework
	at        time.Time
	states    map[string]scoring.BadgeState
	refused   scoring.Invalidations
}

// step is the next judgement. The states of the one before are not touched.
func (w *badgeWalk) step() map[string]scoring.BadgeState {
	w.at = w.at.Add(time.Duration(1+w.IntN(4)) * time.Minute)
	next := map[string]scoring.BadgeState{}
	for i := range 6 {
		name := fmt.Sprintf("service-%d", i)
		b, known := w.states[name]
		if !known {
			b = scoring.BadgeState{Since: w.at, FirstJudged: w.at, Support: w.basis()}
		}
		if known && w.IntN(8) == 0 {
			next[name] = b // not judged this time
			continue
		}
		b.At = w.at
		switch w.IntN(16) {
		case 0:
			b.Badge, b.Since = framework.Badge(w.IntN(5)), w.at
		case 1:
			b.Hold, b.Failing = nil, nil
		case 2:
			b.Hold = &scoring.Hold{Since: w.at, Reason: "a.count is stale", Ran: scoring.Running(0, w.at),
				Left: scoring.Stopped(time.Hour)}
			b.Failing = map[string]scoring.Stopwatch{"c1": scoring.Running(0, w.at)}
		case 3:
			b.Awards = map[framework.Badge]scoring.AwardClock{b.Badge + 1: {Since: w.at, Observations: 1 + w.IntN(2)}}
			b.Before = map[framework.Badge]*scoring.Basis{b.Badge: w.basis(), b.Badge + 1: w.basis()}
		case 4:
			b.Awards, b.Before = nil, nil
		case 5:
			b.Contradictions = []scoring.ContradictionClock{{Badge: framework.Bronze, Dwell: time.Hour,
				Ran: scoring.Stopped(time.Duration(w.IntN(9)) * time.Minute)}}
		case 6:
			b.FrameworkHash = []string{"h1", "h2"}[w.IntN(2)]
		case 7, 8, 9:
			b.Support = w.basis()
		case 10:
			b.Support = nil
		}
		if b.Support == nil {
			b.Before = nil
		}
		if b.Support != nil && w.IntN(3) > 0 {
			b.Support = b.Support.Dated(w.at)
		}
		next[name] = b
	}
	w.states = next
	return next
}

// statuses are changes of some checks.
func (w *badgeWalk) statuses() []store.CheckStatus {
	if w.IntN(2) == 0 {
		return nil
	}
	return []store.CheckStatus{{
		Service: fmt.Sprintf("service-%d", w.IntN(6)), Check: fmt.Sprintf("c%d", w.IntN(3)),
		Status: scoring.Status(1 + w.IntN(3)), Since: w.at,
	}}
}

// invalidated are the invalidations of a judgement, some of which last, have begun or
// have ended.
func (w *badgeWalk) invalidated() scoring.Invalidations {
	service := fmt.Sprintf("service-%d", w.IntN(6))
	switch w.IntN(4) {
	case 0:
		w.refused[service] = map[string]time.Time{"c1": w.at}
	case 1:
		delete(w.refused, service)
	}
	return maps.Clone(w.refused)
}

func (w *badgeWalk) basis() *scoring.Basis {
	subject := scoring.Subject{Name: "shop", Attributes: framework.Attributes{Tier: int64(1 + w.IntN(2))}}
	return &scoring.Basis{Framework: w.framework, Subject: subject, Scheduled: map[string]bool{},
		At:    w.at,
		Facts: map[string]scoring.BasisFact{"a.count": {Value: evidence.Int(int64(w.IntN(3))), Fresh: w.IntN(2) == 0}}}
}

// TestOnlyChangesAreSaved judges at random, saving only what the store calls
// changed, with restarts in between: what is loaded is what saving everything
// would have left, but for the values of facts that support a badge.
func TestOnlyChangesAreSaved(t *testing.T) {
	race.Skip(t, "it uses the store in one goroutine")
	for seed := range uint64(5) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			ctx, path := context.Background(), filepath.Join(t.TempDir(), "readiness.db")
			f := &framework.Framework{Hash: "h1"}
			walk := badgeWalk{Rand: rand.New(rand.NewPCG(seed, 1)), framework: f, refused: scoring.Invalidations{},
				at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
			load := func(s *store.Store, from store.State) store.State {
				t.Helper()
				state, err := s.LoadState(ctx, from, func(store.Framework) (*framework.Framework, error) { return f, nil })
				if err != nil {
					t.Fatal(err)
				}
				return state
			}
			written := 0
			const steps = 60
			for step := 0; step < steps; {
				s, err := store.Open(ctx, store.Options{URL: path})
				if err != nil {
					t.Fatal(err)
				}
				reader, err := store.OpenReadOnly(ctx, store.Options{URL: path})
				if err != nil {
					t.Fatal(err)
				}
				follower, err := store.OpenReadOnly(ctx, store.Options{URL: path})
				if err != nil {
					t.Fatal(err)
				}
				loaded := load(s, store.State{})
				var followed store.State
				seq := loaded.Seq
				walk.states = loaded.Badges // as the next process continues
				for restart := false; step < steps && !restart; restart = walk.IntN(8) == 0 {
					step++
					want := walk.step()
					_, err = s.SaveJudgement(ctx, store.Judgement{After: seq, At: walk.at,
						Framework: store.Framework{Hash: "h1"}, Badges: want,
						Statuses: walk.statuses(), Invalidated: walk.invalidated()})
					if err != nil {
						t.Fatal(err)
					}
					n, err := s.JudgementChanges(ctx, seq)
					if err != nil {
						t.Fatal(err)
					}
					written += n
					got := load(reader, store.State{})
					if walk.IntN(3) > 0 {
						followed = load(follower, followed)
						if !reflect.DeepEqual(followed, got) {
							t.Fatalf("step %d: what has changed, read after what was there before, gives\n%+v, want\n%+v",
								step, followed, got)
						}
					}
					seq = got.Seq
					for name, b := range want {
						checkLoaded(t, name, got.Badges[name], b)
					}
				}
				if err := errors.Join(s.Close(), reader.Close(), follower.Close()); err != nil {
					t.Fatal(err)
				}
			}
			if all := steps * 6 * 2; written == 0 || written > all*3/4 {
				t.Errorf("%d of %d rows were written", written, all)
			}
		})
	}
}

func checkLoaded(t *testing.T, name string, got, want scoring.BadgeState) {
	t.Helper()
	same := (*scoring.Basis).EqualButFacts
	if !same(got.Support, want.Support) || !maps.EqualFunc(got.Before, want.Before, same) {
		t.Errorf("%s is loaded with the support\n%+v, want\n%+v", name, got.Support, want.Support)
	}
	got.Support, got.Before, want.Support, want.Before = nil, nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is loaded as\n%+v, want\n%+v", name, got, want)
	}
}

package project

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	ledger "github.com/prodready/collector/store"
)

// remembered is a company with its past.
func remembered(t *testing.T, seed uint64) (*company.Company, []ledger.Judgement) {
	t.Helper()
	c := simulated(t, seed)
	criteria, err := inForce(c)
	if err != nil {
		t.Fatal(err)
	}
	judgements, err := Past(c, criteria)
	if err != nil {
		t.Fatal(err)
	}
	return c, judgements
}

func TestThePastLeadsToThePresent(t *testing.T) {
	levels := map[string]int{}
	checks, err := company.Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		levels[c.ID] = c.Level
	}
	causes := map[scoring.Cause]int{}
	for seed := range uint64(4) {
		c, judgements := remembered(t, seed)
		held := map[string]scoring.BadgeState{}
		var before time.Time
		for _, j := range judgements {
			if !j.At.After(before) || j.At.After(c.Now) {
				t.Fatalf("seed %d: a judgement of %s after %s", seed, j.At, before)
			}
			before = j.At
			for _, change := range j.Transitions {
				causes[change.Cause]++
				was, known := held[change.Service]
				after := change.At.Sub(was.FirstJudged)
				switch {
				case !change.At.Equal(j.At):
					t.Errorf("a change of %s in a judgement of %s", change.At, j.At)
				case known == (change.Cause == scoring.CauseInitial), change.From == change.To, change.From != was.Badge:
					t.Errorf("seed %d: %+v, and held was %s", seed, change, was.Badge)
				case known && change.Announced != (after >= scoring.DefaultObserveFor), known && after < 24*time.Hour:
					t.Errorf("seed %d: %+v, %s after the first judgement", seed, change, after)
				case known && len(change.Flips) == 0:
					t.Errorf("seed %d: no check explains %+v", seed, change)
				}
				for _, flip := range change.Flips {
					if levels[flip.Check] != int(max(change.From, change.To)) || flip.Before == flip.After {
						t.Errorf("seed %d: %+v explains %s to %s", seed, flip, change.From, change.To)
					}
				}
				if last := j.Badges[change.Service].LastTransition; last == nil || !reflect.DeepEqual(*last, change) {
					t.Errorf("seed %d: the state of %s does not know its change", seed, change.Service)
				}
			}
			maps.Copy(held, j.Badges)
		}
		fallen := 0
		for _, s := range c.Services {
			badge, ok := held[s.Name]
			if !ok || badge.Badge != s.Goal || badge.Since.After(c.Now) || badge.FirstJudged.After(badge.Since) {
				t.Errorf("seed %d: %s ends with %+v, want %s", seed, s.Name, badge, s.Goal)
			}
			last := badge.LastTransition
			if last == nil || c.Now.Sub(last.At) > 24*time.Hour {
				continue
			}
			fallen++
			if last.Direction() != "regress" || last.Cause != scoring.CauseEvidence || !last.Announced {
				t.Errorf("seed %d: the last change of %s is no news: %+v", seed, s.Name, last)
			}
			for _, flip := range last.Flips {
				if s.Does(flip.Check) {
					t.Errorf("seed %d: %s lost its badge by %s, which it does", seed, s.Name, flip.Check)
				}
			}
		}
		if fallen != 2 {
			t.Errorf("seed %d: %d services lost a badge within the last day, want 2", seed, fallen)
		}
	}
	for _, cause := range []scoring.Cause{
		scoring.CauseInitial, scoring.CauseEvidence, scoring.CauseLapse, scoring.CauseCriteria, scoring.CauseExemption,
	} {
		if causes[cause] == 0 {
			t.Errorf("nothing changed by %s: %v", cause, causes)
		}
	}
	if causes[scoring.CauseEvidence] < causes[scoring.CauseInitial]/2 {
		t.Errorf("hardly anything happened: %v", causes)
	}
}

func TestOnePastForOneSeed(t *testing.T) {
	_, one := remembered(t, 3)
	_, same := remembered(t, 3)
	_, other := remembered(t, 4)
	if !reflect.DeepEqual(one, same) || reflect.DeepEqual(one, other) {
		t.Error("the past is not that of the seed")
	}
}

func TestSmallCompaniesHaveAPast(t *testing.T) {
	for n := 1; n <= 4; n++ {
		c, err := company.New(company.Plan{Seed: 1, Services: n, Now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		criteria, err := inForce(c)
		if err != nil {
			t.Fatal(err)
		}
		judgements, err := Past(c, criteria)
		if err != nil {
			t.Fatal(err)
		}
		if last := judgements[len(judgements)-1]; len(last.Badges) != n {
			t.Errorf("%d badges of %d services", len(last.Badges), n)
		}
	}
}

func TestTheStoreRemembers(t *testing.T) {
	c, judgements := remembered(t, 2)
	file := filepath.Join(t.TempDir(), "readiness.db")
	if err := Remember(t.Context(), file, c); err != nil {
		t.Fatal(err)
	}
	s, err := ledger.Open(t.Context(), ledger.Options{URL: file})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	state, err := s.LoadState(t.Context(), ledger.State{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := judgements[len(judgements)-1]
	if !state.At.Equal(last.At) || state.Framework.Hash != last.Framework.Hash ||
		!state.Framework.ActivatedAt.Equal(last.Framework.ActivatedAt) || len(state.Framework.Text) == 0 {
		t.Errorf("the last judgement is of %s by %s of %s", state.At, state.Framework.Hash, state.Framework.ActivatedAt)
	}
	if _, err := framework.Restore(state.Framework.Text); err != nil {
		t.Errorf("the criteria cannot be read again: %v", err)
	}
	for name, want := range last.Badges {
		got := state.Badges[name]
		if got.Badge != want.Badge || !got.Since.Equal(want.Since) || !got.FirstJudged.Equal(want.FirstJudged) ||
			got.FrameworkHash != want.FrameworkHash || (got.LastTransition == nil) != (want.LastTransition == nil) {
			t.Errorf("%s is remembered with %+v, want %+v", name, got, want)
		}
	}
	changes, _, err := s.LoadTransitions(t.Context(), 0, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, j := range judgements {
		want += len(j.Transitions)
	}
	inOrder := slices.IsSortedFunc(changes, func(a, b scoring.Transition) int { return a.At.Compare(b.At) })
	if len(changes) != want || !inOrder {
		t.Errorf("%d changes are remembered, want %d; in order: %t", len(changes), want, inOrder)
	}
}

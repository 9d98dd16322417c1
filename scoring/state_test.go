package scoring

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/prodready/collector/framework"
)

// TestBelowSince holds what a state remembers of lost badges against all changes of the
// badge.
func TestBelowSince(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		badges := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 12).Draw(t, "badges")
		state := BadgeState{FirstJudged: start}
		type fall struct {
			at   time.Time
			held bool
		}
		below := map[framework.Badge]fall{}
		for b := framework.Bronze; b <= framework.Diamond; b++ {
			below[b] = fall{start, false}
		}
		for i, to := range badges {
			at, before := start.Add(time.Duration(i)*time.Hour), state
			kept := len(before.Lost)
			for b := framework.Badge(to) + 1; b <= state.Badge; b++ {
				below[b] = fall{at, true}
			}
			state.Become(framework.Badge(to), at)
			if len(before.Lost) != kept {
				t.Fatal("the state before has changed")
			}
			for b := framework.Bronze; b <= framework.Diamond; b++ {
				since, held := state.BelowSince(b)
				want := below[b]
				if b <= state.Badge {
					want = fall{held: true}
				}
				// A badge that is held again and lost later has only the later time.
				if !since.Equal(want.at) || held != want.held {
					t.Fatalf("%s after %v: below since %s (held %t), want %s (%t)", b, badges[:i+1], since, held, want.at, want.held)
				}
			}
		}
	})
}

func TestBelowSinceOfAnOlderState(t *testing.T) {
	t.Parallel()
	first, fell := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	state := BadgeState{Badge: framework.Bronze, FirstJudged: first,
		LastTransition: &Transition{At: fell, From: framework.Gold, To: framework.Bronze}}
	if since, held := state.BelowSince(framework.Silver); !since.Equal(fell) || !held {
		t.Errorf("silver: %s, %t", since, held)
	}
	if since, held := state.BelowSince(framework.Platinum); !since.Equal(first) || held {
		t.Errorf("platinum: %s, %t", since, held)
	}
}

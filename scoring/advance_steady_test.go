package scoring_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// TestASteadyStateDoesNotChange: while the evidence says the same, the state of a
// badge is the same value from one judgement to the next, although its clocks run.
func TestASteadyStateDoesNotChange(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *simulation){
		"proved":        func(*simulation) {},
		"contradicted":  func(w *simulation) { w.truth["m.a2"] = false },
		"on hold":       func(w *simulation) { delete(w.truth, "m.a2") },
		"source down":   func(w *simulation) { w.down["pd"] = true },
		"being awarded": func(w *simulation) { w.passAll(framework.Diamond) },
		"proved again": func(w *simulation) {
			w.truth["m.a2"] = false
			w.want(w.run(20 * time.Hour))
			w.truth["m.a2"] = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := settled(t, framework.Gold)
			begin(w)
			w.want(w.run(4 * time.Hour)) // what was fresh is stale now
			want := steady(w.badge())
			for range 12 {
				w.want(w.run(time.Hour))
				if got := steady(w.badge()); !reflect.DeepEqual(got, want) {
					t.Fatalf("the state was\n%+v, is\n%+v", want, got)
				}
			}
		})
	}
}

// steady is a state without what every judgement replaces.
func steady(b scoring.BadgeState) scoring.BadgeState {
	b.At, b.Support, b.Before = time.Time{}, nil, nil
	return b
}

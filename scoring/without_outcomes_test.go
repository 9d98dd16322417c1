package scoring_test

import (
	"testing"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// TestACardWithoutOutcomes: the check that reads incidents fails, and the badge that it
// costs is there without it.
func TestACardWithoutOutcomes(t *testing.T) {
	w := newWorld(t, "x.few-incidents 1: machine m.a", "x.runbook 1: machine m.b").is("!m.a", "m.b")
	w.framework.Checks[0].Outcome = true
	card := w.judge()
	got := card.WithoutOutcomes()
	if card.Score.Lower != 0.5 || card.Badge.Lower != framework.NoBadge || card.Checks[0].Status != scoring.Fail {
		t.Errorf("the card itself is %+v", card)
	}
	if got.Score.Lower != 1 || got.Badge.Lower != framework.Bronze || got.Checks[0].Status != scoring.NotApplicable {
		t.Errorf("without outcomes it is score %v, badge %v, %v", got.Score, got.Badge, got.Checks[0].Status)
	}
}

package report

import (
	"math"
	"testing"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/statistics"
)

// TestWhatACheckIsWorth for every kind of feedback, and everything that can be known of
// what the check predicts.
func TestWhatACheckIsWorth(t *testing.T) {
	t.Parallel()
	var (
		related   = &Prediction{Ratio: 2.8, Lower: 2.1, Upper: 3.6, Related: true}
		unrelated = &Prediction{Ratio: 1, Lower: 0.9, Upper: 1.15, NoRelation: true}
		wide      = &Prediction{Ratio: 1.3, Lower: 0.7, Upper: 2.4}
	)
	const (
		more    = "services that fail it have more incidents than those that pass it: rate ratio 2.80 (2.10 to 3.60); "
		noMore  = "services that fail it have no more incidents than those that pass it: rate ratio 1.00 (0.90 to 1.15); "
		untold  = "whether it predicts incidents cannot be told: rate ratio 1.30 (0.70 to 2.40); "
		unknown = "whether it predicts incidents is not known; "
		but     = "; a candidate, unless it is asked for other reasons"
	)
	type kinds = map[evidence.FeedbackKind]int
	overkill, unclear := evidence.FeedbackOverkill, evidence.FeedbackUnclear
	for _, c := range []struct {
		said     kinds
		predicts *Prediction
		verdict  CheckVerdict
		why      string
	}{
		{nil, nil, Keep, unknown + "no issue is about it"},
		{nil, related, Keep, more + "no issue is about it"},
		{nil, wide, Keep, untold + "no issue is about it"},
		{nil, unrelated, Drop, noMore + "no issue is about it" + but},
		{kinds{overkill: 5}, nil, Keep, unknown + "5 issues call it overkill"},
		{kinds{overkill: 1}, related, Keep, more + "1 issue calls it overkill"},
		{kinds{overkill: 5}, wide, Keep, untold + "5 issues call it overkill"},
		{kinds{overkill: 5}, unrelated, Drop, noMore + "5 issues call it overkill" + but},
		{kinds{unclear: 1}, nil, Clarify, unknown + "1 issue questions its text, evidence or documentation (1 unclear)"},
		{kinds{evidence.FeedbackWrongEvidence: 2, evidence.FeedbackMissingDocs: 1}, related, Clarify,
			more + "3 issues question its text, evidence or documentation (2 wrong evidence, 1 missing docs)"},
		{kinds{unclear: 2}, unrelated, Clarify, noMore + "2 issues question its text, evidence or documentation (2 unclear)"},
		{kinds{unclear: 2, overkill: 3}, unrelated, Drop, noMore +
			"2 issues question its text, evidence or documentation (2 unclear), and 3 issues call it overkill" + but},
		{kinds{unclear: 2, overkill: 3}, wide, Clarify, untold +
			"2 issues question its text, evidence or documentation (2 unclear), and 3 issues call it overkill"},
	} {
		var said []Feedback
		for kind, n := range c.said {
			said = append(said, Feedback{string(kind), n})
		}
		got := Weigh(&framework.Check{}, said, c.predicts)
		if got.Verdict != c.verdict || got.Why != c.why || got.Predicts != c.predicts {
			t.Errorf("%v, %+v:\ngot  %s: %s\nwant %s: %s", c.said, c.predicts, got.Verdict, got.Why, c.verdict, c.why)
		}
	}
	if got := Weigh(&framework.Check{Outcome: true}, nil, nil); got.Verdict != Keep ||
		got.Why != "it is judged by incidents, so that it is not compared with them; no issue is about it" {
		t.Errorf("a check that reads facts of incidents: %+v", got)
	}
}

// TestWhatASnapshotKnowsOfACheck is weighed, and of no other check.
func TestWhatASnapshotKnowsOfACheck(t *testing.T) {
	t.Parallel()
	estimate := func(check string, upper float64, none bool) correlation.CheckAssociation {
		return correlation.CheckAssociation{Check: check, Known: true, NoRelation: none, Adjusted: 0.9,
			Ratio: statistics.Interval{Value: 1, Lower: 0.9, Upper: upper}}
	}
	s := &snapshot.Snapshot{
		Feedback: []evidence.Feedback{
			{Check: "a.asked", Kind: evidence.FeedbackUnclear, Count: 2}, {Check: "a.other", Kind: evidence.FeedbackOverkill, Count: 9},
		},
		Correlated: &correlation.Result{},
	}
	s.Correlated.Compared.Checks = []correlation.CheckAssociation{
		estimate("a.nothing", 1.1, true), estimate("a.open", math.Inf(1), false),
	}
	for check, want := range map[string]CheckVerdict{
		"a.asked": Clarify, "a.other": Keep, "a.nothing": Drop, "a.open": Keep, "a.silent": Keep,
	} {
		got := WorthOf(s, &framework.Check{ID: check})
		if got.Verdict != want || (got.Predicts != nil) != (check == "a.nothing") {
			t.Errorf("%s: %+v, want %s", check, got, want)
		}
	}
}

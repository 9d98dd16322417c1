package scoring_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

func TestAnnouncedChanges(t *testing.T) {
	t.Run("exemption expiry needs no dwell", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.exempt("a.three", 5*day)
		w.run(time.Hour)
		w.truth["m.a3"] = false
		w.want(w.run(4 * day))
		w.want(w.run(day), "gold→silver exemption")
	})
	t.Run("an exemption gives at once", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.truth["m.a3"] = false
		w.judge()
		w.run(2 * day)
		w.exempt("a.three", 5*day)
		w.want(w.run(time.Hour), "silver→gold exemption")
		w.want(w.run(5*day), "gold→silver exemption")
	})
	t.Run("enforcement dates need no dwell", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.reword("{id: a.three, level: 3,", "{id: a.three, level: 3, enforce_from: 2026-03-12,")
		w.truth["m.a3"] = false
		w.judge()
		w.run(9 * day)
		w.want(w.log, "none→gold initial")
		w.want(w.run(day), "gold→silver criteria")
		if !w.log[1].Announced {
			t.Error("a regress by criteria is not announced")
		}
		if at := w.log[1].At; !at.Equal(time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("regressed at %s", at)
		}
	})
	t.Run("reclassification needs no dwell, in either direction", func(t *testing.T) {
		w := newSimulation(t, framework.Platinum)
		w.truth["m.a4"] = false
		w.subject.Stateful = false
		w.judge()
		w.run(2 * day)
		w.want(w.log, "none→platinum initial")
		w.subject.Stateful = true
		w.want(w.run(time.Hour), "platinum→gold service")
		w.subject.Stateful = false
		w.want(w.run(time.Hour), "gold→platinum service")
	})
	t.Run("a framework change needs the dwell", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.reword("title: x, proofs: [{by: machine, pass: m.a3}]", "title: x, proofs: [{by: machine, pass: m.extra}]")
		w.want(w.run(24 * time.Hour))
		w.want(w.run(2*time.Hour), "gold→silver criteria")
	})
	t.Run("a source that is configured is not an announcement", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.notMeasurable = map[string]bool{"a.three": true}
		w.truth["m.a3"] = false
		w.judge()
		w.run(2 * day)
		w.notMeasurable = nil
		w.want(w.run(24 * time.Hour))
		w.want(w.run(2*time.Hour), "gold→silver criteria")
	})
	t.Run("an exemption elsewhere does not shorten a dwell", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.run(time.Hour)
		w.exempt("a.five", 60*day)
		w.want(w.run(22 * time.Hour))
		w.want(w.run(2*time.Hour), "silver→gold evidence")
		w.truth["m.a3"] = false
		w.run(time.Hour)
		w.exempt("b.five", 60*day)
		w.want(w.run(23 * time.Hour))
		w.want(w.run(2*time.Hour), "gold→silver evidence")
	})
}

func TestCause(t *testing.T) {
	t.Run("the first step that reaches the final badge is the cause, other moving steps are contributing",
		func(t *testing.T) {
			// Two checks stand in the way of Platinum; a reclassification takes the
			// one away and evidence mends the other.
			w := newSimulation(t, framework.Platinum)
			w.truth["m.a4"], w.truth["m.a3"] = false, false
			w.judge()
			w.run(2 * day)
			w.subject.Stateful = false
			w.truth["m.a3"] = true
			w.want(w.run(2*day), "silver→platinum evidence")

			// Down: the reclassification alone costs Platinum, criteria cost Gold.
			// While other criteria wait for their dwell, nothing is announced.
			w = newSimulation(t, framework.Platinum)
			w.subject.Stateful = false
			w.truth["m.a4"] = false
			w.judge()
			w.run(2 * day)
			w.reword("title: x, proofs: [{by: machine, pass: m.a3}]", "title: x, proofs: [{by: machine, pass: m.extra}]")
			w.run(20 * time.Hour)
			w.subject.Stateful = true
			w.want(w.run(4 * time.Hour))
			got := w.run(time.Hour)
			w.want(got, "platinum→silver criteria")
			if !slices.Equal(got[0].Contributing, []scoring.Cause{scoring.CauseService}) {
				t.Errorf("contributing %v", got[0].Contributing)
			}
		})
	t.Run("contributing steps are named", func(t *testing.T) {
		w := newSimulation(t, framework.Diamond)
		w.subject.Stateful = false
		w.truth["m.a4"] = false
		w.judge()
		w.run(2 * day)
		// The failure reaches its dwell in the judgement that reclassifies.
		w.truth["m.a3"] = false
		w.run(24 * time.Hour)
		w.subject.Stateful = true
		got := w.run(time.Hour)
		w.want(got, "diamond→silver evidence")
		if !slices.Equal(got[0].Contributing, []scoring.Cause{scoring.CauseService}) {
			t.Errorf("contributing %v", got[0].Contributing)
		}
	})
	t.Run("every transition names the flipped checks with evidence before and after", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		got := w.run(2 * day)
		w.want(got, "gold→silver evidence")
		want := []scoring.Flip{{
			Check: "a.three", Before: "pass", After: "fail",
			FactsBefore: map[string]string{"m.a3": "true"}, FactsAfter: map[string]string{"m.a3": "false"},
		}}
		if !reflect.DeepEqual(got[0].Flips, want) {
			t.Errorf("flips %+v", got[0].Flips)
		}
	})
	t.Run("an award names the checks whose proof has come back", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.truth["pd.b4"] = true
		w.run(time.Hour)
		// m.a3 and m.slo are stale, the first to come back is m.slo.
		w.silent = map[string]bool{"m.a3": true, "m.slo": true, "pd.b4": true}
		w.run(4 * time.Hour)
		delete(w.silent, "m.slo")
		w.run(time.Hour)
		clear(w.silent)
		got := w.run(2 * day)
		w.want(got, "silver→gold evidence")
		want := []scoring.Flip{{
			Check: "a.three", Before: "unknown", After: "pass",
			FactsBefore: map[string]string{"m.a3": "true"}, FactsAfter: map[string]string{"m.a3": "true"},
		}}
		if !reflect.DeepEqual(got[0].Flips, want) {
			t.Errorf("flips %+v", got[0].Flips)
		}
	})
	t.Run("an award after a regress to a badge that was contradicted, too", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(20 * time.Hour)
		w.truth["m.a1"] = false
		w.want(w.run(10*time.Hour), "gold→silver evidence")
		w.truth["m.a1"], w.truth["m.a3"] = true, true
		got := w.run(2 * day)
		w.want(got, "silver→gold evidence")
		if flips := got[0].Flips; len(flips) != 2 || flips[0].Check != "a.one" || flips[1].Check != "a.three" {
			t.Errorf("flips %+v", flips)
		}
	})
	t.Run("a regress names no check whose proof has become too old meanwhile", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.silent = map[string]bool{"m.a2": true}
		got := w.run(2 * day)
		w.want(got, "gold→silver evidence")
		if flips := got[0].Flips; len(flips) != 1 || flips[0].Check != "a.three" {
			t.Errorf("flips %+v", flips)
		}
	})
	t.Run("a regress names the checks that failed long ago and fail now", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"], w.truth["m.a2"] = false, false
		w.run(10 * time.Hour)
		w.silent = map[string]bool{"m.a2": true}
		w.want(w.run(16*time.Hour), "gold→silver evidence")
		clear(w.silent)
		got := w.run(2 * day)
		w.want(got, "silver→bronze evidence")
		want := []scoring.Flip{{
			Check: "a.two", Before: "unknown", After: "fail",
			FactsBefore: map[string]string{"m.a2": "false"}, FactsAfter: map[string]string{"m.a2": "false"},
		}}
		if !reflect.DeepEqual(got[0].Flips, want) {
			t.Errorf("flips %+v", got[0].Flips)
		}
	})
	t.Run("an award names the checks that pass by more than attestation now", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.reword("modules:", "requirements: {gold: {max_attested: 0}}\nmodules:")
		delete(w.truth, "m.b3")
		w.truth["attest.b_claim"] = true
		w.judge()
		w.run(2 * day)
		w.truth["m.b3"] = true
		got := w.run(2 * day)
		w.want(w.log, "none→silver initial", "silver→gold evidence")
		want := []scoring.Flip{{
			Check: "b.claim", Before: "unknown", After: "pass",
			FactsBefore: map[string]string{"attest.b_claim": "true"},
			FactsAfter:  map[string]string{"attest.b_claim": "true", "m.b3": "true"},
		}}
		if !reflect.DeepEqual(got[0].Flips, want) {
			t.Errorf("flips %+v", got[0].Flips)
		}
	})
	t.Run("an award names a check that failed and is attested within the bound", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.reword("modules:", "requirements: {gold: {max_attested: 1}}\nmodules:")
		w.truth["m.b3"] = false
		w.judge()
		w.run(2 * day)
		w.silent = map[string]bool{"m.b3": true}
		w.run(4 * time.Hour)
		w.truth["attest.b_claim"] = true
		got := w.run(2 * day)
		w.want(w.log, "none→silver initial", "silver→gold evidence")
		if flips := got[0].Flips; len(flips) != 1 || flips[0].Check != "b.claim" || flips[0].After != "pass" {
			t.Errorf("flips %+v", flips)
		}
	})
	t.Run("a lapse names the checks whose proof is too old", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(29 * day)
		w.silent = map[string]bool{"m.a3": true}
		got := w.run(2 * day)
		w.want(got, "gold→bronze lapse")
		want := []scoring.Flip{
			{Check: "a.two", Before: "pass", After: "unknown", FactsBefore: map[string]string{"m.a2": "true"}},
			{Check: "a.three", Before: "pass", After: "unknown",
				FactsBefore: map[string]string{"m.a3": "true"}, FactsAfter: map[string]string{"m.a3": "true"}},
		}
		if !reflect.DeepEqual(got[0].Flips, want) {
			t.Errorf("flips %+v", got[0].Flips)
		}
	})
	t.Run("checks that criteria take away or bring are flips", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.reword(
			"id: a.three, level: 3, title: x, proofs: [{by: machine, pass: m.a3}]",
			"id: a.other, level: 3, title: x, proofs: [{by: machine, pass: m.extra}]",
		)
		got := w.run(2 * day)
		w.want(got, "gold→silver criteria")
		flips := got[0].Flips
		if len(flips) != 2 || flips[0].Check != "a.other" || flips[0].Before != "not_applicable" ||
			flips[0].After != "fail" ||
			flips[1].Check != "a.three" || flips[1].Before != "pass" || flips[1].After != "not_applicable" {
			t.Errorf("flips %+v", flips)
		}
	})
	t.Run("a changed fact definition invalidates the old records: criteria", func(t *testing.T) {
		w := settled(t, framework.Gold)
		definitions := ladderDefinitions()
		for i := range definitions {
			if definitions[i].Name == "m.a3" {
				definitions[i].Window = day
			}
		}
		w.framework = compileLadder(t, ladder, definitions)
		w.truth["m.a3"] = false
		w.want(w.run(2*day), "gold→silver criteria")
	})
	t.Run("an edited query is a changed definition", func(t *testing.T) {
		w := settled(t, framework.Gold)
		definitions := ladderDefinitions()
		for i := range definitions {
			if definitions[i].Name == "m.a3" {
				definitions[i].Query = "up == 1"
			}
		}
		w.framework = compileLadder(t, ladder, definitions)
		w.truth["m.a3"] = false
		w.want(w.run(2*day), "gold→silver criteria")
	})
	t.Run("an award is attributed from what gave exactly the old badge", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.truth["m.a3"] = false
		w.judge()
		w.run(2 * day)
		w.reword("title: x, proofs: [{by: machine, pass: m.a3}]", "title: x, proofs: [{by: machine, pass: m.a2}]")
		w.want(w.run(2*day), "silver→gold criteria")
	})
	t.Run("an award that came to nothing is no base", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.run(time.Hour)
		w.truth["m.slo"] = false
		w.run(time.Hour)
		w.exempt("a.slo", 60*day)
		w.want(w.run(time.Hour), "silver→gold exemption")
	})
	t.Run("awards one after the other keep their causes apart", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Platinum)
		w.truth["m.a4"] = false
		w.run(time.Hour)
		w.reword("proofs: [{by: machine, pass: m.a4}]", "proofs: [{by: machine, pass: m.a1}]")
		w.want(w.run(23 * time.Hour))
		w.want(w.run(time.Hour), "silver→gold evidence")
		w.want(w.run(time.Hour), "gold→platinum criteria")
	})
	t.Run("an announced change waits for the evidence below it, and then comes with it", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Platinum)
		w.truth["m.a4"] = false
		w.run(time.Hour)
		w.exempt("a.four", 60*day)
		w.want(w.run(23 * time.Hour))
		w.want(w.run(time.Hour), "silver→platinum evidence")
		if again := w.judge(); again != nil {
			t.Errorf("judging again gives %+v", again)
		}
	})
	t.Run("an announced change excuses no evidence that was away in between", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.passAll(framework.Platinum)
		w.truth["m.a4"] = false
		w.run(time.Hour)
		delete(w.truth, "m.a3")
		w.run(4 * day)
		w.exempt("a.four", 60*day)
		w.want(w.run(4 * time.Hour))
		w.truth["m.a3"] = true
		w.want(w.run(23 * time.Hour))
		w.want(w.run(2*time.Hour), "gold→platinum exemption")
	})
	t.Run("an announced change takes nothing for a check that has passed since", func(t *testing.T) {
		for _, restarts := range []bool{false, true} {
			w := newSimulation(t, framework.Silver)
			w.subject.Tier, w.truth["m.launch"] = 4, false
			w.judge()
			w.run(2 * day)
			delete(w.truth, "m.a1") // on hold
			w.run(time.Hour)
			w.truth["m.launch"] = true
			w.run(time.Hour)
			w.subject.Tier = 1
			w.run(time.Hour)
			delete(w.truth, "m.launch")
			w.run(2 * day)
			if restarts {
				w.restart(true)
			}
			w.truth["m.launch"] = false
			w.want(w.run(24 * time.Hour))
			w.want(w.run(2*time.Hour), "silver→bronze evidence")
		}
	})
	t.Run("nor for one that has passed since under other criteria, and these are not the cause", func(t *testing.T) {
		w := settled(t, framework.Silver)
		delete(w.truth, "m.a1") // on hold
		w.run(time.Hour)
		w.truth["m.slo"] = true
		w.reword("title: x, proofs: [{by: machine, pass: m.a2}]", "title: x, proofs: [{by: machine, pass: m.slo}]")
		w.run(time.Hour)
		w.truth["m.slo"] = false
		w.want(w.run(24 * time.Hour))
		w.want(w.run(2*time.Hour), "silver→bronze evidence")
	})
	t.Run("a check that has passed since may ask for more, and that is the cause", func(t *testing.T) {
		w := newSimulation(t, framework.Silver)
		w.subject.Tier, w.truth["m.launch"] = 4, false
		w.judge()
		w.run(2 * day)
		delete(w.truth, "m.a1") // on hold
		w.run(time.Hour)
		w.subject.Tier, w.truth["m.launch"] = 1, true
		w.run(time.Hour)
		w.reword("proofs: [{by: machine, pass: m.launch}]", "proofs: [{by: machine, pass: m.extra}]")
		w.want(w.run(24 * time.Hour))
		w.want(w.run(2*time.Hour), "silver→bronze criteria")
	})
	t.Run("an exemption that ends while its check is unknown takes when it fails", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.exempt("a.three", 5*day)
		w.truth["m.a3"] = false
		w.run(time.Hour)
		delete(w.truth, "m.a3")
		delete(w.truth, "m.a2") // on hold
		w.want(w.run(6 * day))
		w.truth["m.a3"] = false
		w.want(w.run(time.Hour), "gold→silver exemption")
	})
	t.Run("and so does a second one, although the check has passed after the first", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.exempt("a.three", 2*day)
		w.truth["m.a3"] = false
		w.run(time.Hour)
		delete(w.truth, "m.a2") // on hold
		w.truth["m.a3"] = true
		w.run(3 * day)
		w.exempt("a.three", 2*day)
		w.truth["m.a3"] = false
		w.want(w.run(2*day - time.Hour))
		w.want(w.run(time.Hour), "gold→silver exemption")
	})
	t.Run("but it takes nothing for another check, and is not the cause", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.exempt("a.three", 5*day)
		w.truth["m.a3"] = false
		w.run(time.Hour)
		delete(w.truth, "m.a3")
		delete(w.truth, "m.a2") // on hold
		w.want(w.run(6 * day))
		w.truth["m.b3"] = false
		w.want(w.run(24 * time.Hour))
		w.want(w.run(2*time.Hour), "gold→silver evidence")
	})
	t.Run("after a restart with what the badge rested on", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.exempt("a.three", 5*day)
		w.run(time.Hour)
		w.truth["m.a3"] = false
		w.run(4 * day)
		w.restart(true)
		w.want(w.run(day), "gold→silver exemption")
	})
	t.Run("a second transition starts from what the first one found", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.exempt("a.three", 5*day)
		w.run(time.Hour)
		w.truth["m.a3"] = false
		w.run(4 * day)
		delete(w.truth, "m.a2")
		w.want(w.run(day), "gold→silver exemption")
		w.truth["m.a1"] = false
		got := w.run(2 * day)
		w.want(got, "silver→none evidence")
		if flips := got[0].Flips; len(flips) != 1 || flips[0].Check != "a.one" {
			t.Errorf("flips %+v", flips)
		}
	})
	t.Run("after a restart in doubt, without what the badge rested on", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.exempt("a.three", 5*day)
		w.run(time.Hour)
		w.truth["m.a3"] = false
		delete(w.truth, "m.a2")
		w.run(4 * day)
		w.restart(false)
		w.want(w.run(day), "gold→silver exemption")
	})
	t.Run("after a restart that brings new criteria", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.restart(true)
		w.reword("title: x, proofs: [{by: machine, pass: m.a3}]", "title: x, proofs: [{by: machine, pass: m.extra}]")
		got := w.run(2 * day)
		w.want(got, "gold→silver criteria")
		// The old criteria are gone, and by the new ones the old evidence fails
		// too: no check has flipped.
		if len(got[0].Flips) != 0 {
			t.Errorf("flips %+v", got[0].Flips)
		}
	})
	t.Run("after a restart that brings new criteria, evidence is still told apart", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.restart(true)
		w.reword("version: 1.0.0", "version: 1.0.1")
		w.truth["m.a3"] = false
		w.want(w.run(2*day), "gold→silver evidence")
	})
	t.Run("after a restart without what the badge rested on", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.restart(false)
		w.truth["m.a3"] = false
		w.want(w.run(2*day), "gold→silver evidence")

		w = settled(t, framework.Gold)
		w.restart(false)
		w.reword("title: x, proofs: [{by: machine, pass: m.a3}]", "title: x, proofs: [{by: machine, pass: m.extra}]")
		w.want(w.run(2*day), "gold→silver criteria")
	})
}

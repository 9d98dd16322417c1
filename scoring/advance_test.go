package scoring_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// settled is a simulation whose service has held the badge for two days.
func settled(t *testing.T, badge framework.Badge) *simulation {
	t.Helper()
	w := newSimulation(t, badge)
	w.judge()
	w.run(2 * day)
	if got := w.badge().Badge; got != badge {
		t.Fatalf("badge is %s, want %s", got, badge)
	}
	return w
}

func TestFirstJudgement(t *testing.T) {
	t.Run("first judgement of a service: cause initial, no dwell, no alert, no kudos", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		transition := w.judge()
		w.want(w.log, "none→gold initial")
		if transition.Announced || len(transition.Flips) != 0 {
			t.Errorf("an initial transition is announced or has flips: %+v", transition)
		}
	})
	t.Run("it lasts until every source has answered", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.down["pd"] = true
		w.judge()
		w.want(w.log)
		w.down["pd"] = false
		w.want(w.run(time.Hour), "none→gold initial")
	})
	t.Run("but not longer than an award takes", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.down["pd"] = true
		w.judge()
		w.run(25 * time.Hour)
		w.down["pd"] = false
		w.want(w.run(23 * time.Hour))
		w.want(w.run(2*time.Hour), "none→gold evidence")
	})
	t.Run("and is over when evidence has spoken", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.down["attest"] = true
		delete(w.truth, "m.b3")
		w.judge()
		w.want(w.log, "none→silver initial")
		w.truth["pd.oncall"] = false
		w.want(w.run(2*time.Hour), "silver→none evidence")
		w.truth["pd.oncall"] = true
		w.want(w.run(20 * time.Hour))
	})
	t.Run("a service that a source does not know is judged", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		delete(w.truth, "pd.oncall")
		w.judge()
		w.truth["pd.oncall"] = true
		w.want(w.run(20 * time.Hour))
		w.want(w.run(6*time.Hour), "none→gold evidence")
	})
	t.Run("a new service is in observe for 14 days: shown, never announced", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		w.state.Options.ObserveFor = scoring.DefaultObserveFor
		w.judge()
		w.truth["m.a3"] = false
		w.run(13 * day)
		w.truth["m.a3"] = true
		w.run(2 * day)
		w.truth["m.a3"] = false
		w.run(2 * day)
		w.want(w.log, "none→gold initial", "gold→silver evidence", "silver→gold evidence", "gold→silver evidence")
		if w.log[1].Announced || w.log[2].At.Sub(midday) < 14*day == w.log[2].Announced || !w.log[3].Announced {
			t.Errorf("announced: %v %v %v", w.log[1].Announced, w.log[2].Announced, w.log[3].Announced)
		}
	})
	t.Run("a service that left the catalog comes back as it was", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.state.Options.ObserveFor, w.state.Options.KeepFor = scoring.DefaultObserveFor, 30*day
		w.run(20 * day)
		left := w.badge()
		w.state.Invalidated = scoring.Invalidations{"checkout": {"b.claim": w.now}}
		w.subject.Name = "another"
		w.want(w.run(29*day), "none→gold initial")
		if got := w.state.Badges["checkout"]; !reflect.DeepEqual(got, left) || w.state.Invalidated["checkout"] == nil {
			t.Errorf("away: %+v, want %+v", got, left)
		}
		w.subject.Name = "checkout"
		w.truth["m.a3"] = false
		log := w.run(2 * day)
		w.want(log, "gold→silver evidence")
		if !log[0].Announced {
			t.Error("it is observed anew and nothing is announced")
		}
	})
	t.Run("a service that is away for too long is forgotten", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.state.Options.KeepFor = 30 * day
		w.state.Invalidated = scoring.Invalidations{"checkout": {"b.claim": w.now}}
		w.subject.Name = "another"
		w.run(31 * day)
		if len(w.state.Badges) != 1 || w.state.Invalidated["checkout"] != nil {
			t.Errorf("badges %v, invalidated %v", w.state.Badges, w.state.Invalidated)
		}
	})
}

func TestAward(t *testing.T) {
	t.Run("award when lower has proved it for award_dwell", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.want(w.run(24 * time.Hour))
		w.want(w.run(time.Hour), "silver→gold evidence")
		if !w.log[1].Announced {
			t.Error("an award by evidence is announced")
		}
	})
	t.Run("over at least two observations", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.state.Options.MaxStep = 48 * time.Hour
		w.passAll(framework.Gold)
		w.step = 30 * time.Hour
		w.want(w.run(30 * time.Hour))
		w.want(w.run(30*time.Hour), "silver→gold evidence")
	})
	t.Run("the same moment twice is one observation", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.judge()
		w.judge()
		w.judge()
		if got := w.badge().Awards[framework.Gold].Observations; got != 1 {
			t.Errorf("%d observations at one moment", got)
		}
	})
	t.Run("one observation is not enough even without a dwell", func(t *testing.T) {
		w := settled(t, framework.Silver)
		f := *w.framework
		f.AwardDwell = 0
		w.framework = &f
		w.passAll(framework.Gold)
		w.want(w.run(time.Hour))
		w.want(w.run(time.Hour), "silver→gold evidence")
		if len(w.badge().Awards) != 0 {
			t.Errorf("clocks of badges that are held: %v", w.badge().Awards)
		}
	})
	t.Run("missing evidence restarts the clock", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.run(20 * time.Hour)
		delete(w.truth, "m.a3")
		w.run(time.Hour)
		w.truth["m.a3"] = true
		w.want(w.run(24 * time.Hour))
		w.want(w.run(time.Hour), "silver→gold evidence")
	})
	t.Run("stale evidence can only hold", func(t *testing.T) {
		w := settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.run(time.Hour)
		w.down["m"] = true
		w.want(w.run(6 * day))
	})
	t.Run("the highest proved badge is given at once", func(t *testing.T) {
		w := settled(t, framework.Bronze)
		w.passAll(framework.Diamond)
		w.want(w.run(2*day), "bronze→diamond evidence")
	})
}

func TestContradiction(t *testing.T) {
	t.Run("at dwell the badge regresses to the highest that upper supports", func(t *testing.T) {
		w := settled(t, framework.Diamond)
		w.truth["m.a3"] = false
		w.want(w.run(24 * time.Hour))
		w.want(w.run(time.Hour), "diamond→silver evidence")
		if len(w.badge().Contradictions) != 0 {
			t.Errorf("clocks of badges that are not held: %v", w.badge().Contradictions)
		}
	})
	t.Run("dwell is per check", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["pd.oncall"] = false
		w.want(w.run(time.Hour))
		w.want(w.run(time.Hour), "gold→none evidence")

		w = settled(t, framework.Gold)
		w.truth["m.slo"] = false
		w.want(w.run(7 * day))
		w.want(w.run(time.Hour), "gold→silver evidence")
	})
	t.Run("a long dwell does not make the others wait, nor the other way round", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.slo"] = false
		w.run(3 * day)
		w.truth["m.a3"] = false
		w.want(w.run(24 * time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")
	})
	t.Run("checks that fail in turn are one contradiction", func(t *testing.T) {
		w := settled(t, framework.Gold)
		for range 13 {
			w.truth["m.a3"], w.truth["m.a2"] = false, true
			w.run(time.Hour)
			w.truth["m.a3"], w.truth["m.a2"] = true, false
			w.run(time.Hour)
		}
		w.want(w.log[1:], "gold→silver evidence")
	})
	t.Run("a check with a long dwell joins what the others began, and does not carry them on", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(21 * time.Hour)
		w.truth["m.a3"], w.truth["m.slo"] = true, false
		w.run(3 * day)
		w.truth["m.a3"] = false
		w.want(w.run(3 * time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")

		w = settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(21 * time.Hour)
		w.truth["m.a3"], w.truth["m.slo"] = true, false
		w.want(w.run(7*day - 21*time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")
	})
	t.Run("a failure that is no longer fresh does not shorten the dwell of one that is", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["pd.oncall"] = false
		w.run(time.Hour)
		w.down["pd"] = true
		w.seen["pd.oncall"].FreshUntil = w.now
		w.truth["m.slo"] = false
		w.want(w.run(day))
	})
	t.Run("a level whose own contradiction has not lasted is kept", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(20 * time.Hour)
		w.truth["m.a2"] = false
		w.want(w.run(5*time.Hour), "gold→silver evidence")
		w.want(w.run(15 * time.Hour))
		w.want(w.run(5*time.Hour), "silver→bronze evidence")
	})
	t.Run("backward, not below 0, while proved", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(21 * time.Hour)
		w.truth["m.a3"] = true
		w.run(10 * time.Hour)
		w.truth["m.a3"] = false
		w.want(w.run(13 * time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")

		w = settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(2 * time.Hour)
		w.truth["m.a3"] = true
		w.run(10 * time.Hour)
		w.truth["m.a3"] = false
		w.want(w.run(24 * time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")
	})
	t.Run("paused while undecided", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(20 * time.Hour)
		w.down["m"] = true
		w.want(w.run(5 * day))
		w.down["m"] = false
		// Stale one hour after the last answer, so that hour still counted.
		w.want(w.run(3 * time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")
	})
	t.Run("a process that was down does not count the time it did not look", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(2 * time.Hour)
		w.now = w.now.Add(10 * day)
		w.restart(true)
		w.want(w.run(22 * time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")

		w = settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.run(2 * time.Hour)
		w.now = w.now.Add(10 * day)
		w.want(w.run(22 * time.Hour))
		w.want(w.run(time.Hour), "silver→gold evidence")
	})
	t.Run("a clock that goes backwards adds nothing", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a3"] = false
		w.run(2 * time.Hour)
		w.now = w.now.Add(-day)
		w.judge()
		w.want(w.run(22 * time.Hour))
		w.want(w.run(time.Hour), "gold→silver evidence")

		w = settled(t, framework.Silver)
		w.passAll(framework.Gold)
		w.run(2 * time.Hour)
		w.now = w.now.Add(-5 * day)
		w.judge()
		w.want(w.run(22 * time.Hour))
		w.want(w.run(time.Hour), "silver→gold evidence")
	})
	t.Run("an outage costs nobody a badge and earns none", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.down["pd"], w.down["m"] = true, true
		w.truth["m.a1"] = false
		w.want(w.run(60 * day))
		if !w.badge().OnHold() || !strings.Contains(w.badge().Hold.Reason, "not answering") {
			t.Errorf("hold %+v", w.badge().Hold)
		}
	})
}

func TestInvalidations(t *testing.T) {
	w := newSimulation(t, framework.Gold)
	delete(w.truth, "m.b3")
	w.truth["attest.b_claim"] = true
	w.judge()
	w.want(w.log, "none→gold initial")
	w.run(2 * day)

	// The machine sees the opposite: what was claimed until now is invalid, and
	// stays so when the machine falls silent.
	w.truth["m.b3"] = false
	for range 2 {
		w.run(5 * time.Hour)
		if got := w.state.Invalidated["checkout"]["b.claim"]; !got.Equal(w.now) {
			t.Fatalf("the machine said no at %s, remembered is %s", w.now, got)
		}
	}
	since := w.now
	delete(w.truth, "m.b3")
	w.run(time.Hour)
	if got := w.state.Invalidated["checkout"]["b.claim"]; !got.Equal(since) {
		t.Errorf("the machine said no at %s, remembered is %s", since, got)
	}
	if w.card.FreshBadge.Lower >= framework.Gold {
		t.Error("an invalidated claim proves again once the machine is silent")
	}

	// Made again it counts, until the machine contradicts it again.
	w.now = w.now.Add(w.step)
	w.seen["attest.b_claim"].Value = evidence.Bool(false)
	w.run(time.Hour)
	if w.card.FreshBadge.Lower != framework.Gold {
		t.Errorf("lower %s: a claim made again counts", w.card.FreshBadge.Lower)
	}
	w.truth["m.b3"] = false
	before := w.state
	w.run(time.Hour)
	if got := before.Invalidated["checkout"]["b.claim"]; !got.Equal(since) {
		t.Errorf("Advance changed its argument: %s, was %s", got, since)
	}
	if got := w.state.Invalidated["checkout"]["b.claim"]; !got.Equal(w.now) {
		t.Errorf("the machine said no at %s, remembered is %s", w.now, got)
	}

	// A time that a wrong clock has left in the future counts as now: what is made
	// later than this judgement counts.
	delete(w.truth, "m.b3")
	w.state.Invalidated = scoring.Invalidations{"checkout": {"b.claim": w.now.AddDate(3, 0, 0)}}
	w.run(time.Hour)
	if got := w.state.Invalidated["checkout"]["b.claim"]; !got.Equal(w.now) {
		t.Errorf("remembered is %s, in the future of %s", got, w.now)
	}
	w.now = w.now.Add(w.step)
	w.seen["attest.b_claim"].Value = evidence.Bool(false)
	w.run(time.Hour)
	if w.card.FreshBadge.Lower != framework.Gold {
		t.Errorf("lower %s: a claim made after the clock was mended counts", w.card.FreshBadge.Lower)
	}
}

func TestBoundsOfABadge(t *testing.T) {
	w := newSimulation(t, framework.Gold)
	w.reword("lapse_after:", "requirements: {gold: {max_exempt: 0}}\nlapse_after:")
	w.judge()
	w.run(2 * day)
	w.exempt("a.one", 60*day)
	w.want(w.run(time.Hour), "gold→silver exemption")
}

func TestAdvanceLeavesItsArgumentAsItWas(t *testing.T) {
	w := settled(t, framework.Gold)
	w.passAll(framework.Diamond)
	w.truth["m.a3"] = false
	delete(w.truth, "pd.b4")
	w.run(3 * time.Hour)
	w.truth["m.a3"] = true
	w.run(3 * time.Hour)
	for range 40 {
		data := reread[scoring.BadgeState](t, w.badge())
		before := w.state
		w.run(time.Hour)
		if got := reread[scoring.BadgeState](t, before.Badges["checkout"]); !reflect.DeepEqual(got, data) {
			t.Fatalf("Advance changed its argument:\n%+v\n%+v", data, got)
		}
	}
}

// A state knows since when each badge above the one held is lost, until it is given again.
func TestWhenABadgeWasLost(t *testing.T) {
	w := settled(t, framework.Gold)
	lost := func(badge framework.Badge) time.Time {
		state := w.badge()
		since, held := state.BelowSince(badge)
		if !held {
			t.Errorf("%s was never held", badge)
		}
		return since
	}
	w.truth["m.a3"] = false
	w.want(w.run(2*day), "gold→silver evidence")
	fell := w.log[len(w.log)-1].At
	w.truth["pd.oncall"] = false
	w.want(w.run(2*day), "silver→none evidence")
	if got := lost(framework.Gold); !got.Equal(fell) {
		t.Errorf("gold is lost since %s, want %s", got, fell)
	}
	if got := lost(framework.Bronze); !got.Equal(w.log[len(w.log)-1].At) {
		t.Errorf("bronze is lost since %s", got)
	}
	w.truth["m.a3"], w.truth["pd.oncall"] = true, true
	w.run(2 * day)
	if state := w.badge(); state.Badge != framework.Gold || state.Lost != nil {
		t.Errorf("after the award: %s, lost %v", state.Badge, state.Lost)
	}
}

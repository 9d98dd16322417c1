package scoring_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
)

func TestHold(t *testing.T) {
	t.Run("between proof and contradiction the badge stays, marked on hold with the reason", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.want(w.run(day))
		hold := w.badge().Hold
		if !w.badge().OnHold() || !strings.Contains(hold.Reason, "a.two") || strings.Contains(hold.Reason, "answering") {
			t.Fatalf("hold %+v", hold)
		}
		if left := w.badge().LapseAt().Sub(w.now); left > 29*day+time.Hour || left < 29*day-2*time.Hour {
			t.Errorf("lapse in %s", left)
		}
	})
	t.Run("at lapse_after it lapses to the highest badge lower proves", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.want(w.run(30 * day))
		w.want(w.run(2*time.Hour), "gold→bronze lapse")

		w = settled(t, framework.Platinum)
		delete(w.truth, "m.a4")
		w.want(w.run(14 * day))
		w.want(w.run(2*time.Hour), "platinum→gold lapse")
	})
	t.Run("the hold clock runs only while the responsible source is healthy", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "pd.b2")
		w.run(10 * day)
		w.down["pd"] = true
		w.want(w.run(40 * day))
		w.down["pd"] = false
		w.want(w.run(19 * day))
		w.want(w.run(2*day), "gold→bronze lapse")
	})
	t.Run("resets after proof for award_dwell", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(25 * day)
		w.truth["m.a2"] = true
		w.run(23 * time.Hour)
		if w.badge().Hold == nil || w.badge().OnHold() {
			t.Fatalf("hold %+v: want one that ends", w.badge().Hold)
		}
		delete(w.truth, "m.a2")
		w.run(4 * day)
		w.want(w.run(2*day), "gold→bronze lapse")

		w = settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(25 * day)
		w.truth["m.a2"] = true
		w.run(25 * time.Hour)
		if w.badge().Hold != nil {
			t.Fatalf("hold %+v: want none", w.badge().Hold)
		}
		delete(w.truth, "m.a2")
		w.want(w.run(29 * day))
	})
	t.Run("valid_for if the now-unknown check was last seen failing", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a2"] = false
		w.run(10 * time.Hour)
		delete(w.truth, "m.a2")
		w.want(w.run(7 * day))
		w.want(w.run(2*time.Hour), "gold→bronze lapse")
	})
	t.Run("but not before, when another check is unknown for longer", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(10 * day)
		w.truth["m.a3"] = false
		w.run(10 * time.Hour)
		delete(w.truth, "m.a3")
		w.want(w.run(7*day - time.Hour))
		w.want(w.run(2*time.Hour), "gold→bronze lapse")
	})
	t.Run("each check by its own valid_for", func(t *testing.T) {
		w := newSimulation(t, framework.Gold)
		definitions := ladderDefinitions()
		for i := range definitions {
			if definitions[i].Name == "pd.b2" {
				definitions[i].ValidFor = day
			}
		}
		w.framework = compileLadder(t, ladder, definitions)
		w.judge()
		w.run(2 * day)
		w.truth["m.a3"] = false
		w.run(10 * time.Hour)
		delete(w.truth, "m.a3")
		w.run(3 * day)
		w.truth["pd.b2"] = false
		w.run(10 * time.Hour)
		if left := w.badge().LapseAt().Sub(w.now); left < 3*day {
			t.Errorf("lapse in %s while b.two is contradicted", left)
		}
		delete(w.truth, "pd.b2")
		w.want(w.run(day - time.Hour))
		w.want(w.run(2*time.Hour), "gold→bronze lapse")
	})
	t.Run("nor while the source of any check in doubt is down", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(29*day + 23*time.Hour)
		w.truth["m.a3"] = false
		w.run(time.Hour)
		delete(w.truth, "m.a3")
		w.down["pd"] = true
		w.seen["pd.b2"].FreshUntil = w.now
		w.seen["pd.b2"].HealthyUntil = w.now
		w.want(w.run(10 * day))
		w.down["pd"] = false
		w.want(w.run(3*time.Hour), "gold→bronze lapse")
	})
	t.Run("but a failure that was mended is forgotten", func(t *testing.T) {
		w := settled(t, framework.Gold)
		w.truth["m.a2"] = false
		w.run(10 * time.Hour)
		w.truth["m.a2"] = true
		w.run(2 * day)
		delete(w.truth, "m.a2")
		w.want(w.run(29 * day))
	})
	t.Run("contradiction stops the hold clock", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(25 * day)
		w.truth["m.slo"] = false
		w.run(6 * day)
		w.truth["m.slo"] = true
		w.want(w.run(4 * day))
		w.want(w.run(2*day), "gold→bronze lapse")
	})
	t.Run("a changed check restarts the hold clock of a badge that lacks it", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(29 * day)
		w.reword("pass: m.a2", "pass: m.a2 && m.a1")
		w.want(w.run(29 * day))
		w.want(w.run(2*day), "gold→bronze lapse")

		w = settled(t, framework.Gold)
		w.truth["m.a2"] = false
		w.run(10 * time.Hour)
		delete(w.truth, "m.a2")
		w.run(6 * day)
		w.reword("pass: m.a2", "pass: m.a2 && m.a1")
		w.want(w.run(6 * day))
		w.want(w.run(2*day), "gold→bronze lapse")
	})
	t.Run("once in 90 days", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(25 * day)
		w.reword("pass: m.a2", "pass: m.a2 && m.a1")
		w.run(25 * day)
		w.reword("pass: m.a2", "pass: m.a2 && m.b1")
		w.restart(true)
		w.want(w.run(4 * day))
		w.want(w.run(2*day), "gold→bronze lapse")
	})
	t.Run("but again afterwards", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(25 * day)
		w.reword("pass: m.a2", "pass: m.a2 && m.a1")
		w.run(day)
		w.truth["m.a2"] = true
		w.run(70 * day)
		delete(w.truth, "m.a2")
		w.run(25 * day)
		w.reword("pass: m.a2", "pass: m.a2 && m.b1")
		w.want(w.run(29 * day))
		w.want(w.run(2*day), "gold→bronze lapse")
	})
	for name, edit := range map[string][2]string{
		"another wording": {
			"id: a.two, level: 2, title: x", "id: a.two, level: 2, title: other words",
		},
		"another version": {"version: 1.0.0", "version: 1.0.1"},
		"another weight": {
			"id: a.two, level: 2, title: x", "id: a.two, level: 2, title: x, weight: 9",
		},
		"a check of another level":              {"pass: m.a5", "pass: m.a5 && m.a1"},
		"a check of another module that passes": {"pass: m.b1", "pass: m.b1 && m.a1"},
		"a check that is not for the service": {
			"scope: {tiers: [1, 2, 3]}, proofs: [{by: machine, pass: m.launch}]",
			"scope: {tiers: [4]}, proofs: [{by: machine, pass: m.extra}]",
		},
		"the requirements of another badge": {"lapse_after:", "requirements: {silver: {max_exempt: 1}}\nlapse_after:"},
		"a module that is needed from diamond on": {
			"  - id: b\n",
			"  - {id: c, scale: pass_fail, required_from: diamond, checks: [{id: c.one, level: 1, title: x, proofs: [{by: machine, pass: m.extra}]}]}\n  - id: b\n",
		},
	} {
		t.Run(name+" does not restart it", func(t *testing.T) {
			w := settled(t, framework.Gold)
			delete(w.truth, "m.a2")
			w.run(29 * day)
			w.reword(edit[0], edit[1])
			w.want(w.run(2*day), "gold→bronze lapse")
		})
	}
	t.Run("other requirements of the badge restart it", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(29 * day)
		w.reword("lapse_after:", "requirements: {gold: {max_exempt: 1}}\nlapse_after:")
		w.want(w.run(29 * day))
		w.want(w.run(2*day), "gold→bronze lapse")
	})
	t.Run("a reworded remediation every 20 days holds nothing", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		for n := range 12 {
			w.reword("title: x", fmt.Sprintf("title: x, remediation: [Step %d.]", n))
			w.run(20 * day)
		}
		w.want(w.log[1:], "gold→bronze lapse")
		if held := w.log[1].At.Sub(midday); held > 33*day {
			t.Errorf("Gold was held for %s", held)
		}
	})
	t.Run("a changed check every 20 days holds for a bounded time", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		for n := range 12 {
			w.reword("pass: m.a2", "pass: m.a2"+strings.Repeat(" && m.a1", n+1))
			w.run(20 * day)
		}
		w.want(w.log[1:], "gold→bronze lapse")
		if held := w.log[1].At.Sub(midday); held > 63*day {
			t.Errorf("Gold was held for %s", held)
		}
	})
	t.Run("a record that is late in the minute of the lapse costs nothing more", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a3")
		w.run(30 * day)
		w.down["pd"] = true
		w.seen["pd.b2"].FreshUntil = w.now
		w.want(w.run(2*time.Hour), "gold→silver lapse")
	})
}

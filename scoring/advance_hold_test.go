package scoring_test

import (
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
		if left := hold.LapseAt.Sub(w.now); left > 29*day+time.Hour || left < 29*day-2*time.Hour {
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
	t.Run("but not before, when other doubts are older", func(t *testing.T) {
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
		if left := w.badge().Hold.LapseAt.Sub(w.now); left < 3*day {
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
	t.Run("a framework change restarts the hold clock", func(t *testing.T) {
		w := settled(t, framework.Gold)
		delete(w.truth, "m.a2")
		w.run(29 * day)
		w.reword("version: 1.0.0", "version: 1.0.1")
		w.want(w.run(29 * day))
		w.want(w.run(2*day), "gold→bronze lapse")

		w = settled(t, framework.Gold)
		w.truth["m.a2"] = false
		w.run(10 * time.Hour)
		delete(w.truth, "m.a2")
		w.run(6 * day)
		w.reword("version: 1.0.0", "version: 1.0.1")
		w.want(w.run(6 * day))
		w.want(w.run(2*day), "gold→bronze lapse")
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

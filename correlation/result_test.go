package correlation

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/statistics"
)

var update = flag.Bool("update", false, "write the golden files")

// storedResult has every field that is stored.
func storedResult() *Result {
	interval := statistics.Interval{Value: 0.6, Lower: 0.4, Upper: 0.9}
	fit := effect.Fit{
		Gap: 30 * day, Known: true, Log: statistics.Interval{Value: -0.5, Lower: -0.9, Upper: math.Inf(1)},
		StandardError: 0.2, DegreesOfFreedom: 9.5, P: 0.01, Services: 40, Treated: 20, Comparison: 39,
		EventsBefore: 300, EventsAfter: 120, Expected: 1.5,
	}
	e := Effect{
		Outcome: ResolutionTime, Scope: ScopeTier, Group: "1", Estimate: effect.Estimate{
			Ratio: interval, Known: true, P: 0.01, Adjusted: 0.02, Verdict: effect.Improved,
			Missing: effect.Missing{Treated: 1, Comparison: 2, Before: 3, After: 4, Months: 5}, Withdrawn: true,
			FollowsBadMonths: true,
			Fits:             [2]effect.Fit{fit, {Log: statistics.Interval{Lower: math.Inf(-1), Upper: math.Inf(1)}}},
			Leads:            [3]effect.Lead{{From: 180 * day, To: 90 * day, Fit: fit}},
			Placebo:          effect.Placebo{Shuffles: 200, Usable: 190, Improved: 3, Worsened: 2},
			Before:           [6]int{1, 2, 3, 4, 5, 6}, After: [6]int{6, 5, 4, 3, 2, 1},
		},
	}
	return &Result{
		At: noon, IncidentsSince: ago(700 * day), NoIncidents: "why",
		Effects: Effects{
			At: noon, Verdicts: []Effect{e}, Teams: []Effect{e},
			LeftOut: LeftOut{Maintenance: 1, TimedOut: 2, FalseAlarm: 3, NotHandled: 4, Unknown: 5, Counted: 6, Unclassified: 7},
		},
		Gold: e,
		Compared: CrossSection{
			Since: ago(180 * day), Until: noon,
			Badges: []BadgeOutcome{{
				Tier: 1, Badge: framework.Gold, Services: 3, ServiceDays: 400.5, Episodes: 9, Resolution: Summary{
					Ended: 8, Censored: 1, TimedOut: 1, P50: Estimate{Value: time.Hour, Known: true},
				},
			}},
			Correlations: []Correlation{{Outcome: NoiseShare, Spearman: interval, Services: 30}},
			Checks: []CheckAssociation{{
				Check: "inc.runbook", FailingServices: 11, PassingServices: 12, FailingEpisodes: 40, PassingEpisodes: 20, Known: true,
				Ratio: interval, P: 0.01, Adjusted: 0.02, Dispersion: 1.5, NoRelation: true,
			}},
		},
	}
}

// TestAStoredResultIsReadBack as it was, and what is stored stays readable: another name
// of a field would leave it empty.
func TestAStoredResultIsReadBack(t *testing.T) {
	want := storedResult()
	text, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	place := filepath.Join("testdata", "result.json")
	if *update {
		if err := os.WriteFile(place, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(place)
	if err != nil {
		t.Fatal(err)
	}
	if string(stored) != string(text)+"\n" {
		t.Errorf("it is written as\n%s\nand was as\n%s", text, stored)
	}
	got, err := DecodeResult(stored)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read back as\n%+v\nwant\n%+v", got, want)
	}
	later := strings.Replace(string(text), `{"Format":1`, `{"Format":2`, 1)
	if _, err := DecodeResult([]byte(later)); err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("what a later version has written: %v", err)
	}
	if _, err := DecodeResult([]byte("{")); err == nil {
		t.Error("half of a result was read")
	}
}

// TestAResultOfLittleIsStored: of no service, of no incident, and of one of each. No
// estimate there has a number that JSON does not have.
func TestAResultOfLittleIsStored(t *testing.T) {
	one := []*catalog.Service{{Name: "checkout", Team: "payments", Org: "shop", Tier: 1}}
	handled := lasted("checkout", 20*day, 2*time.Hour)
	reviewed := []effect.Treatment{{Service: "checkout", From: ago(60 * day), Until: ago(40 * day)}}
	for name, in := range map[string]EffectInput{
		"nothing": {}, "no incident": {Services: one, Treatments: reviewed},
		"one incident": {Services: one, Treatments: reviewed, Incidents: []*Incident{&handled}},
	} {
		r := Result{
			Effects: EstimateEffects(in, noon), Gold: EstimatePrimary(in, noon),
			Compared: CompareServices(CrossInput{
				Services: in.Services, Incidents: in.Incidents, Since: ago(100 * day),
				Standings: []Standing{{Service: "checkout", Since: ago(90 * day), Failing: []string{"inc.runbook"}}},
			}, noon),
		}
		text, err := r.Encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := DecodeResult(text)
		if err != nil || !reflect.DeepEqual(again, &r) {
			t.Errorf("%s: read back as\n%+v, %v\nwant\n%+v", name, again, err, r)
		}
		if len(in.Services) > 0 && r.Effects.Verdicts[0].Verdict != effect.InsufficientData {
			t.Errorf("%s: the verdict is %s", name, r.Effects.Verdicts[0].Verdict)
		}
	}
}

package exporter

import (
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/snapshot"
)

// The name is written here and there.
func TestTheGapIsAFactOfPagerDuty(t *testing.T) {
	for _, d := range pagerduty.Definitions() {
		if d.Name == nextGapFact && d.Clock == evidence.Remaining {
			return
		}
	}
	t.Errorf("%s is no fact that counts down", nextGapFact)
}

func TestTheNextOnCallGap(t *testing.T) {
	definition := evidence.Definition{
		Name: nextGapFact, Kind: evidence.KindDouble, Clock: evidence.Remaining, Unit: "hours", Help: "Time to the next gap.",
	}
	zero, _ := evidence.Double(0)
	since := now.Add(-3 * time.Hour)
	late := observed(evidence.Instant(now.Add(time.Hour)), since)
	late[0].FreshUntil = now.Add(-time.Minute)
	expired := observed(evidence.Instant(now.Add(time.Hour)), since)
	expired[0].ValidUntil = now.Add(-time.Minute)
	for name, tc := range map[string]struct {
		row  evidence.Row
		want time.Time
	}{
		"a gap to come":                 {observed(evidence.Instant(now.Add(time.Hour)), since), now.Add(time.Hour)},
		"a gap that has come meanwhile": {observed(evidence.Instant(now.Add(-time.Minute)), since), now.Add(-time.Minute)},
		"nobody is on call":             {observed(zero, since), since},
		"nobody is, since just now":     {observed(zero, time.Time{}), now},
		"no gap":                        {observed(evidence.Never(), since), time.Time{}},
		"what is known is stale":        {late, now.Add(time.Hour)},
		"what was known is too old":     {expired, time.Time{}},
		"nothing is known":              {evidencetest.Row{{Missing: evidence.MissingNoReference}}, time.Time{}},
		"not asked yet":                 {evidencetest.Row{nil}, time.Time{}},
		"no evidence":                   {nil, time.Time{}},
	} {
		s := &snapshot.Snapshot{
			At: now, Framework: compiled(definition),
			Services: []snapshot.Service{{Entry: &catalog.Service{Name: "api"}, Evidence: tc.row}},
		}
		var got []float64
		collectOnCallGap(s, Options{}, func(v float64, labels ...string) {
			if got = append(got, v); len(labels) != 1 || labels[0] != "api" {
				t.Errorf("%s: labels %q", name, labels)
			}
		})
		if want := !tc.want.IsZero(); want != (len(got) == 1) || want && got[0] != unixSeconds(tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	// No source gives the fact.
	collectOnCallGap(&snapshot.Snapshot{
		At: now, Framework: compiled(), Services: []snapshot.Service{{Evidence: observed(zero, since)}},
	}, Options{}, func(float64, ...string) {
		t.Error("a gap of a fact that does not exist")
	})
}

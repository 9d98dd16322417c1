package report

import (
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

func TestHowAServiceStandsToItsTarget(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	for want, c := range map[string]snapshot.Target{
		"Gold: on target":                           {Status: snapshot.OnTarget},
		"Gold by 2026-12-31: on target":             {Status: snapshot.OnTarget, Target: scoring.Target{By: day(12, 31)}},
		"Gold: due, without a date; 3 checks to go": {Status: snapshot.Due, Missing: 3},
		"Gold: due, without a date; lost on 2026-10-02; 1 check to go": {Status: snapshot.Due, Missing: 1, Lost: true,
			BelowSince: day(10, 2)},
		"Gold by 2026-12-31: due, 31 days left; 1 check to go. Why: the auditors come.": {Status: snapshot.Due, Missing: 1,
			Target:   scoring.Target{By: day(12, 31), Reason: "the auditors come."},
			LateFrom: day(12, 31).Add(24 * time.Hour)},
		"Gold by 2026-01-31: due, 4 days left, since the service is new; 1 check to go": {Status: snapshot.Due, Missing: 1,
			Target: scoring.Target{By: day(1, 31)}, LateFrom: at.Add(100 * time.Hour), Grace: true},
		"Gold by 2026-10-31: late since 2026-11-01 (29 days); 2 checks to go": {Status: snapshot.Late, Missing: 2,
			Target: scoring.Target{By: day(10, 31)}, LateFrom: day(11, 1), LateSince: day(11, 1), BelowSince: day(3, 1)},
		"Gold: late since it was lost on 2026-11-10 (20 days); 2 checks to go": {Status: snapshot.Late, Missing: 2,
			LateFrom: day(3, 1), LateSince: day(11, 10), BelowSince: day(11, 10), Lost: true},
		"Gold: due, without a date; every check passes, and it is awarded after its dwell": {Status: snapshot.Due},
		"Gold: due, without a date; out of reach: too few modules have checks for this service": {Status: snapshot.Due,
			Missing: 1, Blocked: snapshot.BlockedByCeiling},
		"Gold: due, without a date; every check passes, but more are exempt or attested than Gold allows": {
			Status: snapshot.Due, Blocked: snapshot.BlockedByLimits},
	} {
		c.Badge = framework.Gold
		card := Scorecard{At: at}
		card.Summary.setTarget(&c)
		if got := card.TargetWords(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := (Scorecard{Summary: FleetRow{OnTarget: targetNone}}).TargetWords(); got != "" {
		t.Errorf("without a target: %s", got)
	}
}

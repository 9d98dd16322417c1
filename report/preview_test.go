package report

import (
	"slices"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// TestPreviewAhead: a badge that the present criteria contradict, too, or that missing
// evidence leaves open, is no difference between the criteria.
func TestPreviewAhead(t *testing.T) {
	t.Parallel()
	module := &framework.Module{ID: "inc", Scale: framework.Maturity}
	check := &framework.Check{ID: "inc.escalates", Level: 2, Module: module}
	all := func(lower, upper framework.Badge, status scoring.Status) *scoring.Scorecard {
		return &scoring.Scorecard{Badge: scoring.Bounds[framework.Badge]{Lower: lower, Upper: upper},
			Checks: []scoring.CheckResult{{Check: check, Status: status}}}
	}
	of := func(held framework.Badge, card *scoring.Scorecard) *snapshot.Snapshot {
		return &snapshot.Snapshot{Services: []snapshot.Service{{Entry: &catalog.Service{Name: "cart", Tier: 1}, Card: card,
			Badge: scoring.BadgeState{Badge: held}}}}
	}
	const none, bronze, silver, gold = framework.NoBadge, framework.Bronze, framework.Silver, framework.Gold
	for what, c := range map[string]struct {
		held       framework.Badge
		now, other *scoring.Scorecard
		want       string
		checks     int
	}{
		"the same":             {silver, all(silver, silver, scoring.Pass), all(silver, silver, scoring.Pass), "", 0},
		"a check fails":        {silver, all(silver, silver, scoring.Pass), all(bronze, bronze, scoring.Fail), "bronze", 1},
		"it failed before":     {silver, all(bronze, bronze, scoring.Fail), all(bronze, bronze, scoring.Fail), "", 0},
		"evidence is missing":  {silver, all(silver, silver, scoring.Pass), all(bronze, silver, scoring.Unknown), "", 0},
		"a check passes":       {bronze, all(bronze, bronze, scoring.Fail), all(silver, silver, scoring.Pass), "silver", 1},
		"it is proved already": {bronze, all(silver, silver, scoring.Pass), all(silver, silver, scoring.Pass), "", 0},
		"of a higher badge":    {bronze, all(bronze, gold, scoring.Unknown), all(bronze, gold, scoring.Unknown), "", 0},
		"all is lost":          {gold, all(gold, gold, scoring.Pass), all(none, none, scoring.Fail), "none", 1},
	} {
		got := NewPreviewAhead(of(c.held, c.now), of(c.held, c.other))
		switch {
		case c.want == "" && len(got) == 0:
		case len(got) != 1 || got[0].Becomes != c.want || got[0].Loses != (c.held > badgeNamed(c.want)) ||
			len(got[0].Checks) != c.checks:
			t.Errorf("%s: %+v, want %q", what, got, c.want)
		}
	}
}

// TestWhoLosesIsCountedOnce: a service that lost a badge and will lose another is one.
func TestWhoLosesIsCountedOnce(t *testing.T) {
	t.Parallel()
	p := Preview{Known: true, Changes: []PreviewChange{
		{Service: "a", Loses: true, Why: WhyEvidence}, {Service: "a", Loses: true, Why: WhyUnknown},
		{Service: "b", Loses: true, Why: WhyUnknown}, {Service: "c", Why: WhyEvidence},
	}, Ahead: []PreviewAhead{{Service: "a", Loses: true}, {Service: "d", Loses: true}, {Service: "e"}}}
	proved, all := p.Losing()
	got := []Verdict{p.Verdict(1), p.Verdict(2), p.Verdict(3)}
	if proved != 2 || all != 3 || !slices.Equal(got, []Verdict{Beyond, CannotTell, Within}) {
		t.Errorf("%d of %d, %v", proved, all, got)
	}
	p.Known = false
	if v := p.Verdict(3); v != CannotTell {
		t.Errorf("without history: %v", v)
	}
}

// TestATeamIsToldByWhichAlerts: each alert with how often it fires.
func TestATeamIsToldByWhichAlerts(t *testing.T) {
	t.Parallel()
	told := PreviewTold{Notices: []PreviewEvent{
		{Alert: AlertBadgeWithdrawn}, {}, {Alert: AlertBadgeRegressed}, {Alert: AlertBadgeWithdrawn},
	}}
	const want = "4 changes of a badge, 1 as ReadinessBadgeRegressed, 2 as ReadinessBadgeWithdrawn"
	if got := told.words(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (&PreviewTold{Notices: []PreviewEvent{{}}}).words(); got != "1 change of a badge, no alert" {
		t.Errorf("%q", got)
	}
}

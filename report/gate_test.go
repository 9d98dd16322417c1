package report

import (
	"strings"
	"testing"
	"time"
)

// card is a scorecard with a check of each kind, all of Bronze but one of Silver.
func gateCard(now time.Time) Scorecard {
	check := func(id, status string, ageMinutes int64, change ...func(*Check)) Check {
		c := Check{ID: id, Module: "inc", Title: "Title of " + id, Status: status, Verdict: status, NeededFor: "bronze",
			Observed: []Fact{{Name: "f." + id, State: "fresh", Source: "s/main", Asked: true, AgeSeconds: 60 * ageMinutes,
				ObservedAt: now.Add(-time.Duration(ageMinutes) * time.Minute)}}}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	return Scorecard{
		At: now, Summary: FleetRow{Service: "cart"},
		Badge:   BadgeDetail{Held: "bronze", Lower: "bronze", Upper: "gold", Ceiling: "gold"},
		Modules: []ModuleDetail{{ModuleLevel: ModuleLevel{ID: "inc"}}, {ModuleLevel: ModuleLevel{ID: "rel"}}},
		Checks: []Check{
			check("inc.passes", "pass", 5),
			check("inc.old", "pass", 50),
			check("inc.exempt", "exempt", 5, func(c *Check) { c.Exemption = &Exemption{Reason: "r", Expires: now.Add(48 * time.Hour)} }),
			check("inc.later", "scheduled", 5, func(c *Check) { c.Verdict = "fail" }),
			check("inc.nothing", "not_applicable", 5),
			check("rel.fails", "fail", 5, func(c *Check) { c.Module, c.NeededFor = "rel", "silver" }),
			check("rel.stale", "fail", 5, func(c *Check) { c.Module, c.NeededFor, c.Observed[0].State = "rel", "gold", "stale" }),
			check("rel.unknown", "unknown", 0, func(c *Check) { c.Module, c.NeededFor, c.Observed[0].State = "rel", "gold", "missing" }),
		},
	}
}

// TestOnlyWhatIsAskedDecides: a failing check of another badge, module or id does not
// matter, and missing, stale or old evidence is neither a yes nor a no.
func TestOnlyWhatIsAskedDecides(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		query GateQuery
		want  GateVerdict
		says  string
	}{
		"bronze":                     {GateQuery{Badge: "bronze"}, GateProven, "3 checks, of which 1 exempt"},
		"silver":                     {GateQuery{Badge: "silver"}, GateNotProven, "1 check failing"},
		"silver in inc":              {GateQuery{Badge: "silver", Modules: []string{"inc"}}, GateProven, "Silver in inc"},
		"gold in rel":                {GateQuery{Badge: "gold", Modules: []string{"rel"}}, GateNotProven, "1 check failing"},
		"beyond what can be reached": {GateQuery{Badge: "platinum", Modules: nil}, GateNotProven, "failing"},
		"evidence of half an hour":   {GateQuery{Badge: "bronze", MaxAge: 30 * time.Minute}, GateUnknown, "1 check without"},
		"evidence of an hour":        {GateQuery{Badge: "bronze", MaxAge: time.Hour}, GateProven, "Bronze"},
		"a stale no":                 {GateQuery{Checks: []string{"rel.stale"}}, GateUnknown, "rel.stale"},
		"an unknown check":           {GateQuery{Checks: []string{"rel.unknown"}}, GateUnknown, "rel.unknown"},
		"a check of another badge": {
			GateQuery{Badge: "bronze", Checks: []string{"rel.fails"}}, GateNotProven, "rel.fails",
		},
		"a scheduled check, by name":  {GateQuery{Checks: []string{"inc.later"}}, GateNotProven, "inc.later"},
		"a check that does not apply": {GateQuery{Checks: []string{"inc.nothing"}}, GateUnknown, "inc.nothing"},
		"no check of the module":      {GateQuery{Badge: "bronze", Modules: []string{"rel"}}, GateUnknown, "no check of"},
	} {
		got, err := NewGate(gateCard(now), c.query, now)
		if err != nil || got.Verdict != c.want || !strings.Contains(got.Words, c.says) {
			t.Errorf("%s: %s, %q, %v; want %s with %q", what, got.Verdict, got.Words, err, c.want, c.says)
		}
	}
	late, err := NewGate(gateCard(now), GateQuery{Badge: "bronze"}, now.Add(2*time.Hour))
	if err != nil || late.Verdict != GateUnknown || !strings.Contains(late.Words, "was judged 2 h ago") {
		t.Errorf("a collector that does not judge: %s, %q, %v", late.Verdict, late.Words, err)
	}
	limited := gateCard(now)
	limited.Badge.Upper, limited.Summary.Blocked, limited.Summary.NextBadge = "none", blockedLimits, "bronze"
	refused, err := NewGate(limited, GateQuery{Badge: "bronze"}, now)
	if err != nil || refused.Verdict != GateNotProven || !strings.Contains(refused.Words, "exempt or attested") {
		t.Errorf("more exempt checks than the badge allows: %s, %q, %v", refused.Verdict, refused.Words, err)
	}
}

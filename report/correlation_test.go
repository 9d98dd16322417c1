package report

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/statistics"
)

// effects are estimates of a fleet whose reviews work, and of a tier of which too few
// services were reviewed.
func effects() CorrelationInput {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	fit := func(ratio float64) effect.Fit {
		l := math.Log(ratio)
		return effect.Fit{
			Known: true, Log: statistics.Interval{Value: l, Lower: l - 0.2, Upper: l + 0.2}, Treated: 60, Comparison: 58,
			EventsBefore: 1834, EventsAfter: 512,
		}
	}
	one := func(outcome correlation.Outcome, v effect.Verdict, value, lower, upper float64) correlation.Effect {
		return correlation.Effect{Outcome: outcome, Scope: correlation.ScopeFleet, Group: correlation.FleetGroup,
			Estimate: effect.Estimate{
				Known: true, Ratio: statistics.Interval{Value: value, Lower: lower, Upper: upper}, Verdict: v,
				P: 0.2, Adjusted: 0.4,
				Fits:    [2]effect.Fit{fit(value), fit(value)},
				Placebo: effect.Placebo{Shuffles: 200, Usable: 198, Improved: 3, Worsened: 2},
				Leads: [3]effect.Lead{
					{From: 180 * day, To: 90 * day, Fit: fit(0.95)}, {From: 90 * day, To: 30 * day, Fit: fit(1.1)},
					{From: 30 * day, To: 0, Fit: fit(1.42)},
				},
				Before: [6]int{12, 100, 300, 700, 22, 0}, After: [6]int{3, 20, 89, 400, 0, 0},
			}}
	}
	in := CorrelationInput{
		Result: correlation.Result{At: at, IncidentsSince: at.Add(-700 * day)}, Scope: correlation.ScopeFleet,
	}
	primary := one(correlation.ResolutionTime, effect.Improved, 0.62, 0.41, 0.93)
	primary.FollowsBadMonths = true
	noise := one(correlation.NoiseShare, effect.InsufficientData, 1, 0, math.Inf(1))
	noise.Missing, noise.Known, noise.Placebo = effect.Missing{Treated: 6, Months: 5}, false, effect.Placebo{}
	noise.Leads = [3]effect.Lead{}
	rate := one(correlation.IncidentRate, effect.Inconclusive, 0.8, 0.7, 0.9)
	rate.Withdrawn = true
	few := noise
	few.Scope, few.Group, few.Outcome = correlation.ScopeTier, "2", correlation.ResolutionTime
	team := one(correlation.ResolutionTime, "", 0.5, 0.2, 1.3)
	team.Scope, team.Group, team.Placebo = correlation.ScopeTeam, "payments", effect.Placebo{}
	in.Effects = correlation.Effects{
		At: at, Teams: []correlation.Effect{team},
		Verdicts: []correlation.Effect{
			primary, one(correlation.AcknowledgementTime, effect.Inconclusive, 0.97, 0.81, 1.17), rate, noise, few,
		},
		LeftOut: correlation.LeftOut{Counted: 2346, TimedOut: 4},
	}
	in.Gold = few
	known := func(id string, ratio, lower, upper, p float64, drop bool) correlation.CheckAssociation {
		return correlation.CheckAssociation{
			Check: id, Known: true, Ratio: statistics.Interval{Value: ratio, Lower: lower, Upper: upper}, P: p, Adjusted: p,
			FailingServices: 24, PassingServices: 96, FailingEpisodes: 210, PassingEpisodes: 400, NoRelation: drop,
		}
	}
	in.Compared = correlation.CrossSection{
		Since: at.Add(-180 * day), Until: at,
		Badges: []correlation.BadgeOutcome{
			{Tier: 1, Badge: framework.NoBadge, Services: 10, ServiceDays: 900, Episodes: 90},
			{Tier: 2, Badge: framework.Gold, Services: 3, ServiceDays: 0.5},
		},
		Correlations: []correlation.Correlation{
			{
				Outcome: correlation.IncidentRate, Spearman: statistics.Interval{Value: -0.31, Lower: -0.47, Upper: -0.13},
				Services: 120,
			},
		},
		Checks: []correlation.CheckAssociation{
			known("inc.rollback", 2.1, 1.6, 2.8, 0.0004, false), known("inc.wiki", 1.02, 0.84, 1.24, 0.83, true),
			{Check: "x.few"},
		},
	}
	in.Feedback = []evidence.Feedback{{Check: "inc.wiki", Kind: evidence.FeedbackOverkill, Count: 4}}
	return in
}

// TestCorrelationLooksAsItDid, within 80 columns.
func TestCorrelationLooksAsItDid(t *testing.T) {
	for name, scope := range map[string]correlation.Scope{
		"correlation.txt": correlation.ScopeFleet, "correlation-tier.txt": correlation.ScopeTier,
		"correlation-team.txt": correlation.ScopeTeam,
	} {
		in := effects()
		in.Scope = scope
		var out bytes.Buffer
		if err := NewCorrelation(in).WriteTable(&out, Style{}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if len([]rune(strings.TrimRight(line, "\n"))) > 80 {
				t.Errorf("%s: longer than 80 columns: %s", name, line)
			}
		}
		golden(t, name, out.Bytes())
	}
	var out bytes.Buffer
	if err := NewCorrelation(effects()).WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "correlation.json", out.Bytes())
}

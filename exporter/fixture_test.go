package exporter

import (
	"fmt"
	"math"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/internal/evidencetest"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/statistics"
)

// nextGapFact is the fact that families_oncall.go shows.
const nextGapFact = "pagerduty.next_gap_hours"

// now is the time of the hand-built snapshot.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// hostileName is a service name with everything that needs escaping.
const hostileName = "zahlung \"groß\"\\eins\nzwei 💳"

// smallFramework has two modules with three checks.
func smallFramework() *framework.Framework {
	cicd := &framework.Module{ID: "cicd", Name: "CI/CD", Scale: framework.Maturity}
	security := &framework.Module{
		ID: "security", Name: "Security", Scale: framework.PassFail, RequiredFrom: framework.Silver,
	}
	f := compiled(evidence.Definition{
		Name: nextGapFact, Kind: evidence.KindDouble, Clock: evidence.Remaining, Unit: "hours", Help: "Time to the next gap.",
	})
	f.Name, f.Version, f.Hash = "default", "1.2.0", "0f1e2d3c4b5a6978"
	f.Modules, f.Checks = []*framework.Module{cicd, security}, nil
	f.Targets = []framework.Target{
		{Tiers: []int{1}, Badge: framework.Gold, Due: now.AddDate(0, 6, 0)},
		{Tiers: []int{2}, Badge: framework.Bronze},
	}
	for i, c := range []*framework.Check{
		{ID: "cicd-pipeline", Module: cicd, Level: 1, Weight: 1},
		{ID: "cicd-rollback", Module: cicd, Level: 2, Weight: 2},
		{ID: "security-scan", Module: security, Level: 1, Weight: 1},
	} {
		c.Index = i
		f.Checks = append(f.Checks, c)
		c.Module.Checks = append(c.Module.Checks, c)
	}
	return f
}

// compiled is a framework over the facts.
func compiled(definitions ...evidence.Definition) *framework.Framework {
	if len(definitions) == 0 {
		definitions = []evidence.Definition{{Name: "m.hours", Kind: evidence.KindDouble, Help: "Hours."}}
	}
	text := `{apiVersion: readiness/v1, kind: Framework, name: f, version: 1.0.0, modules: [
  {id: m, name: M, checks: [{id: m.c, title: C, level: 1, proofs: [{by: machine, pass: ` + definitions[0].Name + ` > 0.0}]}]}]}`
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		panic(err)
	}
	doc, err := framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(text)}})
	if err != nil {
		panic(err)
	}
	f, err := framework.Compile(doc, facts)
	if err != nil {
		panic(err)
	}
	return f
}

// observed is one fact as a service's evidence.
func observed(v evidence.Value, since time.Time) evidencetest.Row {
	return evidencetest.Row{{
		Value: v, Since: since, ObservedAt: now, FreshUntil: now.Add(time.Hour), ValidUntil: now.Add(time.Hour),
	}}
}

// smallSnapshot has a judged service with every kind of series, one with a
// hostile name and nothing that applies, and one that was not judged yet.
func smallSnapshot() *snapshot.Snapshot {
	f := smallFramework()
	results := func(statuses ...scoring.Status) []scoring.CheckResult {
		var checks []scoring.CheckResult
		for i, status := range statuses {
			checks = append(checks, scoring.CheckResult{Check: f.Checks[i], Status: status})
		}
		return checks
	}
	cicd := scoring.ModuleResult{
		Module: f.Modules[0], Applies: true, Counted: 2, Gap: 1,
		Level: scoring.Bounds[int]{Lower: 1, Upper: 2}, Score: scoring.Bounds[float64]{Lower: 1.0 / 3, Upper: 1},
	}
	cicd.Count[scoring.Pass], cicd.Count[scoring.Unknown] = 1, 1
	security := scoring.ModuleResult{Module: f.Modules[1], Applies: true}
	security.Count[scoring.Exempt] = 1
	idle := []scoring.ModuleResult{{Module: f.Modules[0]}, {Module: f.Modules[1]}}
	idle[0].Count[scoring.NotApplicable], idle[1].Count[scoring.Scheduled] = 2, 1
	changed := now.Add(-48 * time.Hour)
	s := &snapshot.Snapshot{
		Sources: []snapshot.SourceStatus{{ID: "jira/main", Uncounted: []evidence.Uncounted{{
			Kind: evidence.UncountedTicket, Total: 7,
			Reasons: map[evidence.UncountedReason]int{evidence.UncountedUnknownService: 6, evidence.UncountedEndBeforeStart: 1},
			Largest: []evidence.UncountedGroup{
				{Name: "component Checkout \"Service\"", Reason: evidence.UncountedUnknownService, Count: 6},
				{Name: "OPS-1", Reason: evidence.UncountedEndBeforeStart, Count: 1},
			},
		}}}},
		At: now, Framework: f, ActivatedAt: now.AddDate(0, -1, 0), ObserveFor: 14 * 24 * time.Hour,
		Services: []snapshot.Service{
			{
				Entry: &catalog.Service{Name: "checkout", Team: "payments", Org: "shop", Tier: 1},
				Card: &scoring.Scorecard{
					Service: "checkout", At: now, HasScore: true, Coverage: 0.5,
					Checks:  results(scoring.Pass, scoring.Unknown, scoring.Exempt),
					Modules: []scoring.ModuleResult{cicd, security},
					Score:   scoring.Bounds[float64]{Lower: 1.0 / 3, Upper: 1},
					Ceiling: framework.Silver,
					Basis: &scoring.Basis{Exempt: map[string]*scoring.Exemption{
						"security-scan": {Check: "security-scan",
							Selector: scoring.Selector{Services: []string{"checkout"}}, Expires: now.AddDate(0, 2, 0)},
					}},
				},
				Badge: scoring.BadgeState{
					Badge: framework.Bronze, Since: changed, FirstJudged: changed.AddDate(0, -1, 0), At: now,
					Hold: &scoring.Hold{Since: changed, Left: scoring.Stopped(28 * 24 * time.Hour)},
					LastTransition: &scoring.Transition{
						At: changed, From: framework.Silver, To: framework.Bronze, Cause: scoring.CauseEvidence, Announced: true,
					},
				},
				Evidence: observed(evidence.Instant(now.Add(50*time.Hour)), changed),
			},
			{
				Entry: &catalog.Service{Name: "new", Team: "payments", Org: "shop", Tier: 2},
			},
			{
				Entry: &catalog.Service{Name: hostileName, Tier: 4},
				Card: &scoring.Scorecard{
					Service: hostileName, At: now, Modules: idle,
					Checks: results(scoring.NotApplicable, scoring.NotApplicable, scoring.Scheduled),
				},
				Badge: scoring.BadgeState{Since: now, FirstJudged: now, At: now},
			},
		},
		Transitions: []snapshot.TransitionCount{
			{Direction: "award", Cause: scoring.CauseInitial, Count: 2},
			{Direction: "regress", Cause: scoring.CauseEvidence, Count: 1},
		},
	}
	s.Feedback = []evidence.Feedback{
		{Check: "cicd-pipeline", Kind: evidence.FeedbackOverkill, Count: 1},
		{Check: "cicd-pipeline", Kind: evidence.FeedbackUnclear, Count: 3},
		{Check: "gone-since", Kind: evidence.FeedbackUnclear, Count: 9},
	}
	doubts := evidence.Doubts{hostileName: {Service: hostileName, Newest: now.AddDate(0, 0, -2), Open: true}}
	s.Measure(smallHistory(), correlation.Options{Doubts: doubts})
	s.Services[0].Card.Checks[0].Contradicts = true
	s.Services[0].ReviewDue = now.AddDate(0, 5, 0)
	s.Correlated = smallResult()
	return s
}

// smallHistory is a year in which checkout had every kind of incident, the
// service with the hostile name one without much known of it, and the new one
// none.
func smallHistory() snapshot.History {
	incident := func(service string, days int, took time.Duration) *correlation.Incident {
		at := now.AddDate(0, 0, -days)
		return &correlation.Incident{
			Services: []string{service}, StartedAt: at, ResolvedAt: at.Add(took), Resolver: evidence.ResolverPerson,
			Urgent: true, AcksKnown: true, AcknowledgedAt: at.Add(took / 10), Severity: 2,
		}
	}
	noisy := incident("checkout", 3, 4*time.Minute)
	noisy.Resolver, noisy.AcknowledgedAt, noisy.Severity = evidence.ResolverIntegration, time.Time{}, 0
	open := incident(hostileName, 1, 0)
	open.ResolvedAt, open.Resolver, open.AcksKnown, open.AcknowledgedAt = time.Time{}, "", false, time.Time{}
	old := incident("checkout", 60, time.Hour)
	old.Severity = 1
	incidents := correlation.NewMeter()
	incidents.Change(nil, []*correlation.Incident{
		old, incident("checkout", 20, time.Hour), incident("checkout", 10, 4*time.Hour), noisy, open,
	})
	return snapshot.History{
		Incidents: incidents,
		Alerts:    smallAlerts(),
		Transitions: []scoring.Transition{
			{
				Service: "checkout", At: now.Add(-48 * time.Hour), From: framework.Silver, To: framework.Bronze,
				Cause: scoring.CauseEvidence,
			},
		},
		Reviews: []evidence.Review{
			{
				Source: "jira/main", ID: "101", Key: "PRR-1", Service: "checkout", Status: evidence.ReviewDone,
				CreatedAt: now.AddDate(0, -2, 0), CompletedAt: now.AddDate(0, -1, 0),
			},
			{Source: "jira/main", ID: "102", Key: "PRR-2", Service: "new", Status: evidence.ReviewOpen, CreatedAt: now.AddDate(0, 0, -2)},
		},
	}
}

// smallResult is of reviews that make the fleet faster, of a tier with too few, of a team,
// and of two checks, of which one has too little to be compared.
func smallResult() *correlation.Result {
	interval := func(value, lower, upper float64) statistics.Interval {
		return statistics.Interval{Value: value, Lower: lower, Upper: upper}
	}
	of := func(scope correlation.Scope, group string, o correlation.Outcome, e effect.Estimate) correlation.Effect {
		return correlation.Effect{Outcome: o, Scope: scope, Group: group, Estimate: e}
	}
	faster := effect.Estimate{
		Known: true, Ratio: interval(0.6, 0.4, 0.9), Verdict: effect.Improved,
		Placebo: effect.Placebo{Shuffles: 200, Usable: 200, Improved: 3, Worsened: 1},
	}
	faster.Fits[0].Treated = 12
	known := effect.Fit{Known: true, Log: interval(0, math.Log(0.5), math.Log(2))}
	faster.Leads = [3]effect.Lead{
		{From: 180 * 24 * time.Hour, To: 90 * 24 * time.Hour, Fit: known},
		{From: 90 * 24 * time.Hour, To: 30 * 24 * time.Hour},
		{From: 30 * 24 * time.Hour, Fit: known},
	}
	wide := effect.Estimate{Known: true, Ratio: interval(0.8, 0, math.Inf(1)), Verdict: effect.Inconclusive}
	few := effect.Estimate{
		Known: true, Ratio: interval(0.5, 0.1, 3), Verdict: effect.InsufficientData, Missing: effect.Missing{Treated: 6},
	}
	few.Fits[0].Treated = 4
	team := faster
	team.Verdict, team.Placebo = "", effect.Placebo{}
	return &correlation.Result{
		At: now.AddDate(0, 0, -1),
		Effects: correlation.Effects{
			Verdicts: []correlation.Effect{
				of(correlation.ScopeFleet, correlation.FleetGroup, correlation.ResolutionTime, faster),
				of(correlation.ScopeFleet, correlation.FleetGroup, correlation.NoiseShare, wide),
				of(correlation.ScopeTier, "1", correlation.ResolutionTime, few),
			},
			Teams: []correlation.Effect{of(correlation.ScopeTeam, "payments", correlation.ResolutionTime, team)},
		},
		Compared: correlation.CrossSection{
			Correlations: []correlation.Correlation{{
				Outcome: correlation.IncidentRate, Spearman: interval(-0.4, -0.6, -0.1), Services: 40,
			}},
			Checks: []correlation.CheckAssociation{
				{Check: "cicd-pipeline", Known: true, Ratio: interval(1.5, 1.1, math.Inf(1))}, {Check: "cicd-rollback"},
			},
		},
	}
}

// smallAlerts are those of checkout, which has been watched for long enough, and
// the hostile service, which was watched from yesterday on.
func smallAlerts() correlation.Alerts {
	const source = "prometheus/main"
	firing := func(alert string, hours int, took time.Duration) evidence.AlertFiring {
		at := now.Add(-time.Duration(hours) * time.Hour)
		return evidence.AlertFiring{
			Source: source, Fingerprint: alert, Alert: alert, Services: []string{"checkout"}, StartedAt: at,
			EndedAt: at.Add(took), Paging: alert == "a",
		}
	}
	again := firing("a", 5, 20*time.Minute)
	again.StartedAt, again.EndedAt = again.EndedAt.Add(10*time.Minute), again.EndedAt.Add(40*time.Minute)
	return correlation.Alerts{
		Doubts: map[string]time.Time{"checkout": now.AddDate(0, 0, -1)},
		// The first is beside an incident.
		Firings: []evidence.AlertFiring{
			firing("a", 20*24, time.Hour), firing("a", 5, 20*time.Minute), again, firing("b", 7, 10*time.Minute),
		},
		Sights: map[string]correlation.AlertSight{source: {
			Spans:    []evidence.Span{{From: now.AddDate(0, 0, -40), Until: now.Add(-6 * time.Minute)}},
			Services: map[string]time.Time{"checkout": now.AddDate(0, 0, -40), hostileName: now.AddDate(0, 0, -1)},
		}},
		Watchers: map[string][]string{"checkout": {source}, hostileName: {source}},
		Paged:    map[string]bool{"checkout": true},
	}
}

// largeSnapshot has the given number of services with 60 checks each, all of
// them shown, so that a page has about 110 series for each.
func largeSnapshot(services int) *snapshot.Snapshot {
	f := &framework.Framework{
		Name: "large", Version: "1", Hash: "h", Targets: []framework.Target{{Badge: framework.Gold, Due: now}},
	}
	for m := range 6 {
		module := &framework.Module{ID: fmt.Sprintf("module_%d", m)}
		f.Modules = append(f.Modules, module)
		for c := range 10 {
			check := &framework.Check{
				Index: len(f.Checks), ID: fmt.Sprintf("module_%d-check_%d", m, c), Module: module, Level: c%5 + 1,
			}
			module.Checks = append(module.Checks, check)
			f.Checks = append(f.Checks, check)
		}
	}
	s := &snapshot.Snapshot{At: now, Framework: f, ActivatedAt: now}
	for i := range services {
		name := fmt.Sprintf("service-%05d", i)
		card := &scoring.Scorecard{Service: name, At: now, HasScore: true, Coverage: float64(i%101) / 100}
		card.Score = scoring.Bounds[float64]{Lower: float64(i%97) / 97, Upper: 1}
		for j, check := range f.Checks {
			card.Checks = append(card.Checks, scoring.CheckResult{Check: check, Status: scoring.Statuses()[(i+j)%3]})
		}
		for _, module := range f.Modules {
			m := scoring.ModuleResult{Module: module, Applies: true, Counted: 10, Gap: i % 7}
			m.Level.Lower, m.Score.Lower = i%6, float64(i%89)/89
			m.Count[scoring.Pass], m.Count[scoring.Fail], m.Count[scoring.Unknown] = 4, 3, 3
			card.Modules = append(card.Modules, m)
		}
		s.Services = append(s.Services, snapshot.Service{
			Entry: &catalog.Service{Name: name, Team: fmt.Sprintf("team-%d", i%40), Org: "org", Tier: i%4 + 1},
			Card:  card,
			Badge: scoring.BadgeState{Badge: framework.Badge(i % 6), Since: now, At: now, FirstJudged: now},
		})
	}
	return s
}

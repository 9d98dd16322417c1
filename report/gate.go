package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/nearest"
)

// GateVerdict is the answer of a gate. The set is closed.
type GateVerdict string

// The verdicts. Missing, stale and too old evidence is neither a yes nor a no.
const (
	GateProven    GateVerdict = "proven"
	GateNotProven GateVerdict = "not_proven"
	GateUnknown   GateVerdict = "cannot_tell"
)

// GateQuery is what a gate asks of a service. Only what is asked decides.
type GateQuery struct {
	// Badge is the badge whose checks are asked for; empty with Checks alone. Without either
	// it is the target of the service, and OwnTarget is true.
	Badge     string `json:"badge,omitempty"`
	OwnTarget bool   `json:"own_target,omitempty"`
	// Modules narrow the checks of the badge; none means all modules.
	Modules []string `json:"modules,omitempty"`
	// Checks are asked for besides, whichever badge needs them.
	Checks []string `json:"checks,omitempty"`
	// MaxAge bounds the age of the evidence; 0 is what the facts say.
	MaxAge time.Duration `json:"-"`
	// MaxAgeSeconds is MaxAge.
	MaxAgeSeconds int64 `json:"max_age_seconds,omitempty"`
}

// Gate is what a service proves of what was asked: the answer of `collector gate`, and the
// verdict file that a pipeline keeps.
type Gate struct {
	Version int    `json:"version"`
	Service string `json:"service"`
	// At is the time of the gate, and JudgedAt that of the judgement that it rests on.
	At time.Time `json:"at"`
	// Without a judgement, which is then said in Words, it is absent, as are Framework and
	// Held.
	JudgedAt  time.Time   `json:"judged_at,omitzero"`
	Framework Framework   `json:"framework,omitzero"`
	Asked     GateQuery   `json:"asked"`
	Verdict   GateVerdict `json:"verdict"`
	// Words say the verdict in a sentence.
	Words string `json:"words"`
	// Held is the badge held, which may differ from what is proved now by its dwell.
	Held string `json:"badge_held,omitempty"`
	// Target says how the service stands to its target; absent without one.
	Target string `json:"target,omitempty"`
	// Checks are those that were asked for, in framework order.
	Checks []GateCheck `json:"checks"`
	// Launch is there for a service that is not in production yet.
	Launch *Launch `json:"launch,omitempty"`
}

// GateCheck is one check of a gate.
type GateCheck struct {
	ID     string `json:"id"`
	Module string `json:"module"`
	Title  string `json:"title"`
	// Status is that of the scorecard. An exempt check does not stand in the way.
	Status  string      `json:"status"`
	Verdict GateVerdict `json:"verdict"`
	// Why says why it is not proven or cannot be told, and what to do.
	Why []string `json:"why,omitempty"`
	// Evidence is what the verdict rests on.
	Evidence []GateEvidence `json:"evidence"`
	Link     string         `json:"link,omitempty"`
	// Line is where a team has answered, in the file of a launch.
	Line int `json:"line,omitempty"`
}

// GateEvidence is a fact behind a check.
type GateEvidence struct {
	Fact       string    `json:"fact"`
	Value      Value     `json:"value"`
	Source     string    `json:"source,omitempty"`
	State      string    `json:"state"`
	ObservedAt time.Time `json:"observed_at,omitzero"`
	AgeSeconds int64     `json:"age_seconds"`
}

// oldJudgement is how old a judgement may be without MaxAge: a daemon judges at least
// every few minutes.
const oldJudgement = time.Hour

// NewGate decides what was asked of the service of a card, as known at a time. The error
// names a badge, module or check that the framework does not have, or says that nothing is
// asked and the service has no target.
func NewGate(card Scorecard, q GateQuery, now time.Time) (Gate, error) {
	return newGate(card, q, nil, now)
}

// newGate decides; launch is nil for a service that is in the catalog.
func newGate(card Scorecard, q GateQuery, launch *Launch, now time.Time) (Gate, error) {
	q.MaxAgeSeconds = seconds(q.MaxAge)
	if q.OwnTarget = q.Badge == "" && len(q.Checks) == 0; q.OwnTarget {
		q.Badge = card.Summary.Target
	}
	g := Gate{Version: 1, Service: card.Summary.Service, At: stamp(now), JudgedAt: card.At, Framework: card.Framework,
		Asked: q, Held: card.Badge.Held, Target: card.TargetWords(), Checks: []GateCheck{}, Launch: launch}
	if launch != nil {
		g.Target = "" // what it says of checks is without those of after the launch
	}
	if q.OwnTarget && !card.Summary.HasTarget() {
		return g, fmt.Errorf("nothing is asked, and %s has no target: give a badge, or the id of a check", g.Service)
	}
	wanted, err := q.selects(card)
	if err != nil {
		return g, err
	}
	counts := map[GateVerdict]int{}
	for _, check := range card.Checks {
		if launch != nil && launch.left(card, q, &check) || !wanted(&check) {
			continue
		}
		judged := gateCheck(card, check, q.MaxAge)
		if launch != nil {
			launch.judge(&judged, &check)
		}
		counts[judged.Verdict]++
		g.Checks = append(g.Checks, judged)
	}
	g.decide(card, counts, now)
	return g, nil
}

// selects returns which checks are asked for.
func (q GateQuery) selects(card Scorecard) (func(*Check) bool, error) {
	var modules, checks []string
	for _, m := range card.Modules {
		modules = append(modules, m.ID)
	}
	for _, c := range card.Checks {
		checks = append(checks, c.ID)
	}
	for _, m := range q.Modules {
		if !slices.Contains(modules, m) {
			return nil, fmt.Errorf("no module %q in the framework%s", m, nearest.Suggest(m, modules))
		}
	}
	for _, c := range q.Checks {
		if !slices.Contains(checks, c) {
			return nil, fmt.Errorf("no check %q in the framework%s", c, nearest.Suggest(c, checks))
		}
	}
	badge := framework.NoBadge
	if q.Badge != "" {
		var err error
		if badge, err = framework.ParseBadge(q.Badge); err != nil {
			return nil, err
		}
	}
	return func(c *Check) bool {
		if slices.Contains(q.Checks, c.ID) {
			return true
		}
		counts := c.Status != "not_applicable" && c.Status != "scheduled"
		return counts && badgeNamed(c.NeededFor) <= badge && (len(q.Modules) == 0 || slices.Contains(q.Modules, c.Module))
	}, nil
}

// gateCheck judges one check by evidence that is fresh and not older than asked.
func gateCheck(card Scorecard, c Check, maxAge time.Duration) GateCheck {
	out := GateCheck{ID: c.ID, Module: c.Module, Title: c.Title, Status: c.Status, Evidence: []GateEvidence{}}
	if len(c.Links) > 0 {
		out.Link = c.Links[0]
	}
	old := tooOld(c, maxAge)
	for _, f := range c.Observed {
		if f.Asked {
			out.Evidence = append(out.Evidence, GateEvidence{Fact: f.Name, Value: f.Value, Source: f.Source, State: f.State,
				ObservedAt: f.ObservedAt, AgeSeconds: f.AgeSeconds})
		}
	}
	switch status := c.Status; {
	case status == "exempt":
		out.Verdict = GateProven
		if c.Exemption != nil {
			out.Why = []string{"exempt until " + card.ExemptionWords(c.Exemption)}
		}
	case status == "not_applicable":
		out.Verdict, out.Why = GateUnknown, []string{"it does not apply to this service"}
	case len(old) > 0:
		out.Verdict, out.Why = GateUnknown, old
	case status == "pass", status == "scheduled" && c.Verdict == "pass":
		out.Verdict = GateProven
	case status == "fail", status == "scheduled" && c.Verdict == "fail":
		out.Verdict, out.Why = GateNotProven, append(c.againstWanted(), c.inShort(c.remedy())...)
	default:
		out.Verdict, out.Why = GateUnknown, []string{c.unknownBecause()}
	}
	return out
}

// againstWanted says what was observed of the facts that decide, where no part of the proof
// does, and what was wanted.
func (c Check) againstWanted() []string {
	if len(c.Unmet) > 0 || c.Contradicted || !c.RefusedAt.IsZero() {
		return nil
	}
	var observed []string
	for _, f := range c.Observed {
		if f.Asked && f.observed() {
			observed = append(observed, f.Name+" is "+f.Value.Text(f.Unit))
		}
	}
	if len(observed) == 0 {
		return nil
	}
	return []string{strings.Join(observed, ", ") + "; wanted " + c.Wanted.Expression}
}

// tooOld names the evidence behind a check that is stale, or older than asked.
func tooOld(c Check, maxAge time.Duration) []string {
	var old []string
	for _, f := range c.Observed {
		age := time.Duration(f.AgeSeconds) * time.Second
		switch {
		case !f.Asked || !f.observed():
		case f.State == "stale":
			old = append(old, fmt.Sprintf("%s is stale: %s by %s", f.Name, ago(age), f.Source))
		case maxAge > 0 && age > maxAge:
			old = append(old, fmt.Sprintf("%s is older than %s: %s by %s", f.Name, lasting(maxAge), ago(age), f.Source))
		}
	}
	return old
}

// decide makes one verdict of those of the checks.
func (g *Gate) decide(card Scorecard, counts map[GateVerdict]int, now time.Time) {
	badge := badgeNamed(g.Asked.Badge)
	whole := g.Asked.Badge != "" && len(g.Asked.Modules) == 0
	asked := g.asked()
	limit := oldJudgement
	if g.Asked.MaxAge > 0 {
		limit = g.Asked.MaxAge
	}
	switch age := now.Sub(g.JudgedAt); {
	case age > limit:
		g.Verdict, g.Words = GateUnknown, fmt.Sprintf("%s was judged %s: the collector does not judge", g.Service, ago(age))
	case counts[GateNotProven] > 0:
		g.Verdict, g.Words = GateNotProven, fmt.Sprintf("%s does not prove %s: %s %s", g.Service, asked,
			Plural(counts[GateNotProven], "check"), g.said("failing", "answered with no"))
	case whole && badgeNamed(card.Badge.Upper) < badge:
		g.Verdict, g.Words = GateNotProven, fmt.Sprintf("%s cannot have %s: %s", g.Service, titled(g.Asked.Badge),
			card.whyNotAbove())
	case counts[GateUnknown] > 0:
		g.Verdict, g.Words = GateUnknown, fmt.Sprintf("whether %s proves %s cannot be told: %s without %s",
			g.Service, asked, Plural(counts[GateUnknown], "check"), g.said("fresh evidence", "an answer that counts"))
	case len(g.Checks) == 0:
		g.Verdict, g.Words = GateUnknown, "no check of "+asked+" counts for "+g.Service
	case whole && badgeNamed(card.Badge.Lower) < badge:
		// Every check passes, too many of them by attestation while a machine is silent.
		g.Verdict, g.Words = GateUnknown, fmt.Sprintf("whether %s proves %s cannot be told: %s", g.Service, asked,
			card.whyNotAbove())
	default:
		g.Verdict, g.Words = GateProven, fmt.Sprintf("%s proves %s%s: %s", g.Service, asked,
			g.said("", " as far as answers can"), Plural(len(g.Checks), "check"))
		if exempt := g.exempt(); exempt > 0 {
			g.Words += fmt.Sprintf(", of which %d %s", exempt, g.said("exempt", "exempt or not applicable"))
		}
	}
	if g.Launch != nil && len(g.Launch.After) > 0 {
		g.Words += fmt.Sprintf("; after the launch %s more", Plural(len(g.Launch.After), "check"))
	}
}

// said is the first of two words, or the second for a service that is not in production yet.
func (g *Gate) said(usual, atLaunch string) string {
	if g.Launch != nil {
		return atLaunch
	}
	return usual
}

func (g *Gate) exempt() int {
	n := 0
	for _, c := range g.Checks {
		if c.Status == "exempt" {
			n++
		}
	}
	return n
}

// whyNotAbove says what keeps a badge out of reach although no check fails.
func (c Scorecard) whyNotAbove() string {
	if text := c.nextText(); text != "" {
		return text
	}
	return "its ceiling is " + titled(c.Badge.Ceiling)
}

// asked says in words what was asked for.
func (g *Gate) asked() string {
	var parts []string
	if g.Asked.Badge != "" {
		text := titled(g.Asked.Badge)
		if g.Asked.OwnTarget {
			text = "its target " + text
		}
		if len(g.Asked.Modules) > 0 {
			text += " in " + strings.Join(g.Asked.Modules, ", ")
		}
		parts = append(parts, text)
	}
	return strings.Join(append(parts, g.Asked.Checks...), ", ")
}

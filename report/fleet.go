package report

import (
	"slices"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Fleet is every service at one moment: the answer of /api/v1/services and of
// `collector score`.
type Fleet struct {
	// At is the time of the evaluation.
	At        time.Time `json:"at"`
	Framework Framework `json:"framework"`
	// Modules are the areas that services are judged in, in framework order.
	Modules []Module `json:"modules"`
	// Services in name order.
	Services []FleetRow `json:"services"`
}

// Framework identifies the criteria.
type Framework struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Hash identifies the meaning of the criteria.
	Hash string `json:"hash"`
}

// Module is one readiness area of the framework.
type Module struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Scale is maturity (levels 0 to 5) or pass_fail (level 1 means passed).
	Scale string `json:"scale"`
}

// FleetRow is one service in short.
type FleetRow struct {
	Service     string `json:"service"`
	Title       string `json:"title"`
	Team        string `json:"team"`
	Org         string `json:"org"`
	Tier        int    `json:"tier"`
	Environment string `json:"environment"`
	// PinnedTo is the name and version of the framework that the service is pinned to;
	// absent from one that is judged by the framework of the fleet.
	PinnedTo string `json:"pinned_to,omitempty"`
	// Badge is the badge held: none, bronze, silver, gold, platinum or diamond.
	Badge string `json:"badge"`
	// NoBadge says why there is none: not_judged (evidence is missing),
	// not_yet_bronze (even what is unknown could not make it Bronze) or awarding (proved, but not for
	// long enough). Empty with a badge.
	NoBadge string `json:"no_badge,omitempty"`
	// Awarding are the badges above the one held that are proved, but not for long
	// enough, the lowest first.
	Awarding []Awarding `json:"awarding"`
	// OnHold is true while the badge held is neither proved nor contradicted.
	OnHold     bool   `json:"on_hold"`
	HoldReason string `json:"hold_reason,omitempty"`
	// Target is the badge the service should reach, none without a target.
	Target string `json:"target"`
	// TargetDue is the last day of the target, absent when it has none.
	TargetDue time.Time `json:"target_due,omitzero"`
	// OnTarget is on_target, due (below, and not late), late or none.
	OnTarget string `json:"on_target"`
	// TargetGapChecks is the number of checks missing to the target, 0 on target.
	TargetGapChecks int `json:"target_gap_checks"`
	// TargetBlocked says as Blocked does what besides checks is in the way of the target.
	TargetBlocked string `json:"target_blocked,omitempty"`
	// BelowTargetSince is since when the service is below its target; TargetLost is true if
	// it lost the badge then, and false if it never had it.
	BelowTargetSince time.Time `json:"below_target_since,omitzero"`
	TargetLost       bool      `json:"target_lost,omitempty"`
	// LateFrom is when a service below its target becomes late, absent for one that cannot
	// be; LateSince is since when it is late. GracePeriod is true if LateFrom is the end of
	// the grace period of a new service, and not the day of the target.
	LateFrom    time.Time `json:"late_from,omitzero"`
	LateSince   time.Time `json:"late_since,omitzero"`
	GracePeriod bool      `json:"grace_period,omitempty"`
	// TargetReason is why the configuration sets the target.
	TargetReason string `json:"target_reason,omitempty"`
	// Score is the weighted share of passing checks; null when nothing counts.
	Score *Bounds `json:"score"`
	// Coverage is the share of counted checks with a definite verdict from
	// fresh evidence, 0 to 1; null when nothing counts.
	Coverage *float64 `json:"coverage"`
	// Modules are in the order of Fleet.Modules.
	Modules []ModuleLevel `json:"modules"`
	// NextBadge is the badge after the one that all evidence proves; it is the
	// badge held while that is in doubt. none at the top, at the ceiling, and
	// when nothing counts.
	NextBadge string `json:"next_badge"`
	// GapChecks is the number of checks missing to NextBadge.
	GapChecks int `json:"gap_checks"`
	// Blocked says what besides checks is in the way: ceiling (too few modules
	// apply for a higher badge) or limits (more exempt or attested checks than
	// NextBadge allows). Empty when nothing is.
	Blocked    string     `json:"blocked,omitempty"`
	Qualifiers Qualifiers `json:"qualifiers"`
}

// Bounds are the two readings of missing evidence: Lower takes unknown as
// fail, Upper as pass. Both are 0 to 1.
type Bounds struct {
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

// ModuleLevel is how far one service is in one module.
type ModuleLevel struct {
	ID string `json:"id"`
	// Applies is false when the module asks nothing of the service.
	Applies bool `json:"applies"`
	// Level and LevelUpper are 0 to 5, with unknown taken as fail and as pass;
	// in a pass_fail module 1 means passed.
	Level      int `json:"level"`
	LevelUpper int `json:"level_upper"`
	// HighestLevel is the highest level at which a check counts for the
	// service, 0 without one.
	HighestLevel int `json:"highest_level"`
	// Score is the weighted share of passing checks, 0 to 1; null when nothing
	// counts.
	Score *float64 `json:"score"`
}

// Qualifiers are what a badge is always shown with: how many of the checks
// behind it are exempt, and how many pass by attestation alone.
type Qualifiers struct {
	Exempt   int `json:"exempt"`
	Attested int `json:"attested"`
}

// The words of FleetRow.NoBadge, OnTarget and Blocked.
const (
	noBadgeNotJudged    = "not_judged"
	noBadgeNotYetBronze = "not_yet_bronze"
	noBadgeAwarding     = "awarding"

	onTarget   = string(snapshot.OnTarget)
	targetDue  = string(snapshot.Due)
	targetLate = string(snapshot.Late)
	targetNone = string(snapshot.NoTarget)

	blockedCeiling = string(snapshot.BlockedByCeiling)
	blockedLimits  = string(snapshot.BlockedByLimits)
)

// NewFleet is the view of all services of a snapshot. It is pure.
func NewFleet(s *snapshot.Snapshot) Fleet {
	fleet := Fleet{At: stamp(s.At), Framework: frameworkOf(s.Framework), Modules: modulesOf(s.Framework),
		Services: make([]FleetRow, len(s.Services))}
	for _, f := range s.Frameworks() {
		for _, m := range modulesOf(f) {
			if !slices.ContainsFunc(fleet.Modules, func(o Module) bool { return o.ID == m.ID }) {
				fleet.Modules = append(fleet.Modules, m)
			}
		}
	}
	for i := range s.Services {
		fleet.Services[i] = rowOf(s, &s.Services[i])
		fleet.Services[i].Modules = inOrder(fleet.Services[i].Modules, fleet.Modules)
	}
	return fleet
}

// inOrder are the levels of a service in the order of the modules of the fleet. A module
// that its criteria do not have does not apply to it.
func inOrder(levels []ModuleLevel, modules []Module) []ModuleLevel {
	same := func(l ModuleLevel, m Module) bool { return l.ID == m.ID }
	if slices.EqualFunc(levels, modules, same) {
		return levels
	}
	out := make([]ModuleLevel, len(modules))
	for i, m := range modules {
		out[i].ID = m.ID
		if at := slices.IndexFunc(levels, func(l ModuleLevel) bool { return l.ID == m.ID }); at >= 0 {
			out[i] = levels[at]
		}
	}
	return out
}

func frameworkOf(f *framework.Framework) Framework {
	return Framework{Name: f.Name, Version: f.Version, Hash: f.Hash}
}

func modulesOf(f *framework.Framework) []Module {
	modules := make([]Module, len(f.Modules))
	for i, m := range f.Modules {
		modules[i] = Module{ID: m.ID, Name: m.Name, Scale: string(m.Scale)}
	}
	return modules
}

func rowOf(s *snapshot.Snapshot, service *snapshot.Service) FleetRow {
	entry, card, held := service.Entry, service.Card, service.Badge.Badge
	row := FleetRow{
		Service: entry.Name, Title: entry.Title, Team: entry.Team, Org: entry.Org, Tier: entry.Tier,
		Environment: entry.Environment,
		Badge:       held.String(), Target: framework.NoBadge.String(), OnTarget: targetNone,
		Modules: make([]ModuleLevel, len(card.Modules)), NextBadge: framework.NoBadge.String(),
	}
	if row.Title == "" {
		row.Title = entry.Name
	}
	if pin := s.PinOf(service); pin != nil {
		row.PinnedTo = pin.Framework.Title()
	}
	if hold := service.Badge.Hold; service.Badge.OnHold() {
		row.OnHold, row.HoldReason = true, hold.Reason
	}
	if target, ok := s.TargetOf(service); ok {
		row.setTarget(&target)
	}
	if card.HasScore {
		row.Score = &Bounds{card.Score.Lower, card.Score.Upper}
		coverage := card.Coverage
		row.Coverage = &coverage
	}
	if held == framework.NoBadge {
		row.NoBadge = noBadgeOf(card)
	}
	for i, m := range card.Modules {
		row.Modules[i] = ModuleLevel{ID: m.Module.ID, Applies: m.Applies, Level: m.Level.Lower, LevelUpper: m.Level.Upper,
			HighestLevel: highestLevel(card, m.Module)}
		if m.Counted > 0 {
			score := m.Score.Lower
			row.Modules[i].Score = &score
		}
	}
	row.Awarding = awardingOf(s.CriteriaOf(service), service)
	row.next(card)
	row.Qualifiers = qualifiersOf(card, held)
	return row
}

// highestLevel is the highest level of the module with a check that counts.
func highestLevel(card *scoring.Scorecard, m *framework.Module) int {
	highest := 0
	for _, c := range m.Checks {
		if card.Checks[c.Index].Status.Counted() {
			highest = max(highest, c.Level)
		}
	}
	return highest
}

// noBadgeOf says whether evidence is missing or is against a badge: the two need
// different work.
func noBadgeOf(card *scoring.Scorecard) string {
	switch {
	case card.HasScore && card.Badge.Lower >= framework.Bronze:
		return noBadgeAwarding
	case card.HasScore && card.Badge.Upper < framework.Bronze:
		return noBadgeNotYetBronze
	}
	return noBadgeNotJudged
}

// next fills in what is missing to the next badge.
func (row *FleetRow) next(card *scoring.Scorecard) {
	if !card.HasScore || card.Badge.Lower >= framework.Diamond {
		return
	}
	next := card.Badge.Lower + 1
	if next > card.Ceiling {
		row.Blocked = blockedCeiling
		return
	}
	row.NextBadge = next.String()
	for _, m := range card.Modules {
		if m.Applies {
			row.GapChecks += m.Gap
		}
	}
	if row.GapChecks == 0 {
		row.Blocked = blockedLimits
	}
}

// qualifiersOf counts the exempt and the attested checks behind a badge.
func qualifiersOf(card *scoring.Scorecard, badge framework.Badge) Qualifiers {
	var q Qualifiers
	for i := range card.Checks {
		r := &card.Checks[i]
		if r.Check.NeededFor() > badge {
			continue
		}
		switch {
		case r.Status == scoring.Exempt:
			q.Exempt++
		case r.Status == scoring.Pass && r.By == framework.ByAttested:
			q.Attested++
		}
	}
	return q
}

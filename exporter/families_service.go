package exporter

import (
	"strconv"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/scoring"
)

// serviceGroup is what one service is and how it scores.
func serviceGroup() Group {
	return Group{
		Title: "Services and scores",
		Intro: "Join `readiness_service_info` to any other family to select by team, org or tier. " +
			"A score counts missing evidence as failing, its upper bound counts it as passing.",
		Families: []Family{
			{
				Name: "service_info", Labels: []string{ServiceLabel, "team", "org", "tier"},
				Help:    "A service of the catalog with its attributes; always 1.",
				Collect: perEntry(collectServiceInfo),
			},
			{
				Name: "score_ratio", Labels: []string{ServiceLabel},
				Help:     "Weighted share of passing checks among the counted ones, 0 to 1; unknown counts as failing.",
				Presence: "at least one check counts",
				Collect:  collectScore(func(c *scoring.Scorecard) float64 { return c.Score.Lower }),
			},
			{
				Name: "score_upper_ratio", Labels: []string{ServiceLabel},
				Help:     "The score if every unknown check passed, 0 to 1.",
				Presence: "at least one check counts",
				Collect:  collectScore(func(c *scoring.Scorecard) float64 { return c.Score.Upper }),
			},
			{
				Name: "evidence_coverage_ratio", Labels: []string{ServiceLabel},
				Help:     "Share of the counted checks whose verdict is definite from fresh evidence alone, 0 to 1.",
				Presence: "at least one check counts",
				Collect:  collectScore(func(c *scoring.Scorecard) float64 { return c.Coverage }),
			},
			{
				Name: "module_score_ratio", Labels: []string{ServiceLabel, "module"},
				Help:     "Score within one module, 0 to 1; unknown counts as failing.",
				Presence: "at least one check of the module counts",
				Collect:  perModule(collectModuleScore),
			},
			{
				Name: "module_level", Labels: []string{ServiceLabel, "module"},
				Help:     "Level reached in one module, 0 to 5; of a pass or fail module 1 means passed.",
				Presence: "the module applies to the service",
				Collect:  perModule(collectModuleLevel),
			},
			{
				Name: "module_checks", Labels: []string{ServiceLabel, "module", "status"},
				Help: "Number of checks of one module in each status.",
				Presence: "pass where the module applies: count the failing and unknown ones from `readiness_check_status`; with " +
					"`exposition.detail: full` fail and unknown, too, and the other statuses where they occur",
				Collect: perModule(collectModuleChecks),
			},
		},
	}
}

func collectServiceInfo(s *catalog.Service, emit Emit) {
	emit(1, s.Name, s.Team, s.Org, strconv.Itoa(s.Tier))
}

func collectScore(read func(*scoring.Scorecard) float64) Collect {
	return perCard(func(name string, card *scoring.Scorecard, _ Options, emit Emit) {
		if card.HasScore {
			emit(read(card), name)
		}
	})
}

func collectModuleScore(name string, m *scoring.ModuleResult, _ Options, emit Emit) {
	if m.Counted > 0 {
		emit(m.Score.Lower, name, m.Module.ID)
	}
}

func collectModuleLevel(name string, m *scoring.ModuleResult, _ Options, emit Emit) {
	if m.Applies {
		emit(float64(m.Level.Lower), name, m.Module.ID)
	}
}

// collectModuleChecks writes the three counted statuses at zero too, because a
// share made of them would be lost where one is absent. The others would only
// double the number of series. A compact page has the passing ones alone: each of the
// others has a series of check_status.
func collectModuleChecks(name string, m *scoring.ModuleResult, o Options, emit Emit) {
	for _, status := range scoring.Statuses() {
		n := m.Count[status]
		if o.Detail != Full && (status != scoring.Pass || !m.Applies) {
			continue
		}
		if n > 0 || m.Applies && status.Counted() {
			emit(float64(n), name, m.Module.ID, status.String())
		}
	}
}

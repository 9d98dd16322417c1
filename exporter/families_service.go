package exporter

import (
	"strconv"

	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
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
				Collect: perService(collectServiceInfo),
			},
			{
				Name: "score_ratio", Labels: []string{ServiceLabel},
				Help:     "Weighted share of passing checks among the counted ones, 0 to 1; unknown counts as failing.",
				Presence: "at least one check counts",
				Collect:  perService(collectScore(func(c *scoring.Scorecard) float64 { return c.Score.Lower })),
			},
			{
				Name: "score_upper_ratio", Labels: []string{ServiceLabel},
				Help:     "The score if every unknown check passed, 0 to 1.",
				Presence: "at least one check counts",
				Collect:  perService(collectScore(func(c *scoring.Scorecard) float64 { return c.Score.Upper })),
			},
			{
				Name: "evidence_coverage_ratio", Labels: []string{ServiceLabel},
				Help:     "Share of the counted checks whose verdict is definite from fresh evidence alone, 0 to 1.",
				Presence: "at least one check counts",
				Collect:  perService(collectScore(func(c *scoring.Scorecard) float64 { return c.Coverage })),
			},
			{
				Name: "module_score_ratio", Labels: []string{ServiceLabel, "module"},
				Help:     "Score within one module, 0 to 1; unknown counts as failing.",
				Presence: "at least one check of the module counts",
				Collect:  perService(collectModuleScore),
			},
			{
				Name: "module_level", Labels: []string{ServiceLabel, "module"},
				Help:     "Level reached in one module, 0 to 5; of a pass or fail module 1 means passed.",
				Presence: "the module applies to the service",
				Collect:  perService(collectModuleLevel),
			},
			{
				Name: "module_checks", Labels: []string{ServiceLabel, "module", "status"},
				Help:     "Number of checks of one module in each status.",
				Presence: "pass, fail and unknown where the module applies; the other statuses where they occur",
				Collect:  perService(collectModuleChecks),
			},
		},
	}
}

func collectServiceInfo(s *snapshot.Service, emit Emit) {
	emit(1, s.Entry.Name, s.Entry.Team, s.Entry.Org, strconv.Itoa(s.Entry.Tier))
}

func collectScore(read func(*scoring.Scorecard) float64) func(*snapshot.Service, Emit) {
	return func(s *snapshot.Service, emit Emit) {
		if s.Card != nil && s.Card.HasScore {
			emit(read(s.Card), s.Entry.Name)
		}
	}
}

// eachModule calls visit for the modules of a judged service.
func eachModule(s *snapshot.Service, visit func(*scoring.ModuleResult)) {
	if s.Card == nil {
		return
	}
	for i := range s.Card.Modules {
		visit(&s.Card.Modules[i])
	}
}

func collectModuleScore(s *snapshot.Service, emit Emit) {
	eachModule(s, func(m *scoring.ModuleResult) {
		if m.Counted > 0 {
			emit(m.Score.Lower, s.Entry.Name, m.Module.ID)
		}
	})
}

func collectModuleLevel(s *snapshot.Service, emit Emit) {
	eachModule(s, func(m *scoring.ModuleResult) {
		if m.Applies {
			emit(float64(m.Level.Lower), s.Entry.Name, m.Module.ID)
		}
	})
}

// collectModuleChecks writes the three counted statuses at zero too, because a
// share made of them would be lost where one is absent. The others would only
// double the number of series.
func collectModuleChecks(s *snapshot.Service, emit Emit) {
	eachModule(s, func(m *scoring.ModuleResult) {
		for _, status := range scoring.Statuses() {
			n := m.Count[status]
			if n > 0 || m.Applies && status.Counted() {
				emit(float64(n), s.Entry.Name, m.Module.ID, status.String())
			}
		}
	})
}

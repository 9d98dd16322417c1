package exporter

import (
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// checkGroup is the verdicts on checks, of one service and of the fleet.
func checkGroup() Group {
	return Group{
		Title: "Checks",
		Intro: "The statuses are `pass`, `fail`, `unknown`, `exempt`, `not_applicable` and `scheduled`.",
		Families: []Family{
			{
				Name: "check_status", Labels: []string{ServiceLabel, "module", "check", "status"},
				Help:     "The current status of one check for one service; always 1.",
				Presence: "every status but pass; pass too if it is configured, since passes are most of the series",
				Collect:  collectCheckStatus,
			},
			{
				Name: "checks", Labels: []string{"module", "check", "status"},
				Help:    "Number of services of the fleet for which the check has the status.",
				Collect: collectChecks,
			},
			{
				Name: "check_feedback", Labels: []string{"check", "kind"},
				Help:     "Number of issues with feedback about the check, by kind.",
				Presence: "an issue with the label readiness-feedback says so",
				Collect:  collectFeedback,
			},
			{
				Name: "exemption_expiry_timestamp_seconds", Labels: []string{ServiceLabel, "check"},
				Help:     "When the exemption of the check ends, as a Unix time; the latest where there are several.",
				Presence: "an exemption of the check covers the service",
				Collect:  collectExemptions,
			},
		},
	}
}

func collectCheckStatus(s *snapshot.Snapshot, o Options, emit Emit) {
	for i := range s.Services {
		service := &s.Services[i]
		if service.Card == nil {
			continue
		}
		for j := range service.Card.Checks {
			result := &service.Card.Checks[j]
			if result.Status != scoring.Pass || o.CheckStatusPass {
				emit(1, service.Entry.Name, result.Check.Module.ID, result.Check.ID, result.Status.String())
			}
		}
	}
}

// collectChecks writes every status of every check: here a zero is a number of
// services that was counted, not missing data.
func collectChecks(s *snapshot.Snapshot, _ Options, emit Emit) {
	if s.Framework == nil {
		return
	}
	counts := make([]map[scoring.Status]int, len(s.Framework.Checks))
	for i := range counts {
		counts[i] = map[scoring.Status]int{}
	}
	for i := range s.Services {
		if s.Services[i].Card == nil {
			continue
		}
		for _, result := range s.Services[i].Card.Checks {
			if index := result.Check.Index; index < len(counts) {
				counts[index][result.Status]++
			}
		}
	}
	for i, check := range s.Framework.Checks {
		for _, status := range scoring.Statuses() {
			emit(float64(counts[i][status]), check.Module.ID, check.ID, status.String())
		}
	}
}

// collectFeedback leaves out checks that the framework does not have any more.
func collectFeedback(s *snapshot.Snapshot, _ Options, emit Emit) {
	if s.Framework == nil {
		return
	}
	known := map[string]bool{}
	for _, check := range s.Framework.Checks {
		known[check.ID] = true
	}
	for _, f := range s.Feedback {
		if known[f.Check] {
			emit(float64(f.Count), f.Check, string(f.Kind))
		}
	}
}

func collectExemptions(s *snapshot.Snapshot, _ Options, emit Emit) {
	if s.Framework == nil {
		return
	}
	for i := range s.Services {
		service := &s.Services[i]
		if service.Card == nil || service.Card.Basis == nil {
			continue
		}
		for _, check := range s.Framework.Checks {
			if exemption := service.Card.Basis.Exempt[check.ID]; exemption != nil {
				emit(float64(exemption.Expires.Unix()), service.Entry.Name, check.ID)
			}
		}
	}
}

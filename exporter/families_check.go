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
				Help: "The current status of one check for one service; always 1.",
				Presence: "the check fails or is unknown; with `exposition.detail: full` in every status but pass; pass too if " +
					"`exposition.check_status_pass` is configured, since passes are most of the series",
				Collect: perCard(collectCheckStatus),
			},
			{
				Name: "checks", Labels: []string{"module", "check", "status"},
				Help:    "Number of services of the fleet for which the check has the status.",
				Collect: ofCheckCounts(collectChecks),
			},
			{
				Name: "check_feedback", Labels: []string{"check", "kind"},
				Help:     "Number of issues with feedback about the check, by kind.",
				Presence: "an issue with the label readiness-feedback says so",
				Collect:  ofSnapshot(collectFeedback),
			},
			{
				Name: "exemption_expiry_timestamp_seconds", Labels: []string{ServiceLabel, "check"},
				Help:     "When the exemption of the check ends, as a Unix time; the latest where there are several.",
				Presence: "an exemption of the check covers the service",
				Collect:  perCard(collectExemptions),
			},
		},
	}
}

func collectCheckStatus(name string, card *scoring.Scorecard, o Options, emit Emit) {
	for i := range card.Checks {
		if result := &card.Checks[i]; o.shows(result.Status) {
			emit(1, name, result.Check.Module.ID, result.Check.ID, result.Status.String())
		}
	}
}

// shows reports whether checks in a status have a series. What applies and is not proved
// has; how many others there are is counted by module_checks and checks.
func (o Options) shows(s scoring.Status) bool {
	switch s {
	case scoring.Fail, scoring.Unknown:
		return true
	case scoring.Pass:
		return o.CheckStatusPass
	}
	return o.Detail == Full
}

// collectChecks writes every status of every check: here a zero is a number of
// services that was counted, not missing data.
func collectChecks(counts []snapshot.CheckCount, emit Emit) {
	for _, count := range counts {
		for _, status := range scoring.Statuses() {
			emit(float64(count.Services[status]), count.Check.Module.ID, count.Check.ID, status.String())
		}
	}
}

// collectFeedback leaves out checks that the framework does not have any more.
func collectFeedback(s *snapshot.Snapshot, _ Options, emit Emit) {
	if s.Framework == nil {
		return
	}
	known := map[string]bool{}
	for _, check := range s.Checks() {
		known[check.ID] = true
	}
	for _, f := range s.Feedback {
		if known[f.Check] {
			emit(float64(f.Count), f.Check, string(f.Kind))
		}
	}
}

func collectExemptions(name string, card *scoring.Scorecard, _ Options, emit Emit) {
	if card.Basis == nil || len(card.Basis.Exempt) == 0 {
		return
	}
	for i := range card.Checks {
		id := card.Checks[i].Check.ID
		if exemption := card.Basis.Exempt[id]; exemption != nil {
			emit(float64(exemption.Expires.Unix()), name, id)
		}
	}
}

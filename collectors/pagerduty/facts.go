package pagerduty

import (
	"time"

	"github.com/prodready/collector/evidence"
)

// group names facts that are answered by the same listings, and so together.
type group string

const (
	groupSetup         group = "setup"
	groupGrouping      group = "grouping"
	groupEscalation    group = "escalation"
	groupOnCall        group = "oncall"
	groupIncidents     group = "incidents"
	groupUrgency       group = "urgency"
	groupResponse      group = "response"
	groupChanges       group = "changes"
	groupChangeFailure group = "change_failure"
	groupSleep         group = "sleep"
	groupWorkflows     group = "workflows"
	groupAutomation    group = "automation"
)

// fact is one fact and how it is observed once its group's listings are
// complete. Exactly one of the two functions is set.
type fact struct {
	evidence.Definition
	group group
	// part observes one PagerDuty service; the parts of a catalog service are
	// merged as the definition says.
	part func(r *round, s *serviceRecord) answer
	// whole observes all PagerDuty services of one catalog service at once,
	// for statistics that cannot be merged.
	whole func(r *round, all []*serviceRecord) answer
	// gone is the answer for a PagerDuty service that a complete listing does
	// not have; nil when the fact then has none.
	gone *evidence.Value
}

// answer is what a fact's function found.
type answer struct {
	value evidence.Value
	// detail is the provenance, without the id of the service.
	detail string
	// missing is set instead of value when the service is looked at and there
	// is nothing to say about it.
	missing evidence.Missing
}

func yes(v bool, detail string) answer  { return answer{value: evidence.Bool(v), detail: detail} }
func count(v int, detail string) answer { return answer{value: evidence.Int(int64(v)), detail: detail} }

// double rounds as the definition says.
func double(d evidence.Definition, v float64, detail string) answer {
	value, ok := d.Observe(v, time.Time{})
	if !ok {
		return answer{missing: evidence.MissingNaN}
	}
	return answer{value: value, detail: detail}
}

// facts lists every fact. A new fact is a function in the file of its subject
// and a line here.
func facts() []fact {
	return []fact{
		serviceExists(),
		serviceEnabled(),
		integrations(),
		ackTimeout(),
		autoResolveTimeout(),
		autoPause(),
		teams(),
		urgencyVaries(),
		urgencyCanBeHigh(),
		adaptiveAlerting(),

		escalationLevels(),

		onCallNow(),
		escalationPeople(),
		loneLevels(),
		coverageRatio14d(),
		coverageRatio30d(),
		rotationPeople(),
		level2Coverage30d(),
		leastLevelCoverage30d(),
		minPeoplePerLevel(),
		nextGap(),
		coverageGaps30d(),
		longestGap30d(),
		longestShift(),
		endsWithoutHuman(),
		permanentOnCall(),

		highUrgency90d(),
		machineDetectedRatio90d(),
		repeatManualTemplates90d(),
		pageLoadPerWeek(),

		mttaP90Seconds90d(),
		unacknowledgedRatio90d(),
		noiseRatio30d(),
		sleepInterruptions30d(),

		changeEvents30d(),
		changeFailureRatio90d(),

		automaticWorkflows(),
		orchestratedActions(),
	}
}

// Definitions lists the facts that a PagerDuty account can give.
func Definitions() []evidence.Definition {
	var definitions []evidence.Definition
	for _, f := range facts() {
		definitions = append(definitions, f.Definition)
	}
	return definitions
}

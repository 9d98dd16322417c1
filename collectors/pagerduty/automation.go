package pagerduty

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// actionsSpan is the time in which an action must have run to count as used.
const actionsSpan = 90 * day

// workflowTrigger starts an incident workflow.
type workflowTrigger struct {
	ID   string `json:"id"`
	Type string `json:"trigger_type"`
	// Disabled is the older of two flags. Enabled is that of the trigger or its
	// workflow; nil where they do not have it.
	Disabled bool  `json:"is_disabled"`
	Enabled  *bool `json:"is_enabled"`
	Workflow struct {
		Enabled *bool `json:"is_enabled"`
	} `json:"workflow"`
	All      bool        `json:"is_subscribed_to_all_services"`
	Services []reference `json:"services"`
}

func (t *workflowTrigger) check() error {
	known := t.Type == "conditional" || t.Type == "incident_type" || t.Type == "manual"
	return cmp.Or(
		lacks("id", t.ID), lacks("trigger_type", t.Type),
		// It may start a workflow without a person, or not.
		wrong(!known, "a trigger_type that is not known"),
	)
}

// automatic reports whether the trigger starts its workflow without a person: when
// an incident has some property or type.
func (t *workflowTrigger) automatic() bool {
	off := func(enabled *bool) bool { return enabled != nil && !*enabled }
	return t.Type != "manual" && !t.Disabled && !off(t.Enabled) && !off(t.Workflow.Enabled)
}

// automationAction is an action of PagerDuty Automation.
type automationAction struct {
	ID           string      `json:"id"`
	Orchestrated bool        `json:"allow_invocation_from_event_orchestration"`
	All          bool        `json:"map_to_all_services"`
	LastRun      instant     `json:"last_run"`
	Services     []reference `json:"services"`
}

func (a *automationAction) check() error { return lacks("id", a.ID) }

// triggersListing declares the list of triggers of incident workflows.
func triggersListing() listing {
	var triggers []*workflowTrigger
	var bad undecodable
	// automatic counts the triggers that start a workflow for one of the services
	// without a person.
	automatic := func(services ...*serviceRecord) int {
		return countIf(triggers, func(t *workflowTrigger) bool {
			return t.automatic() && (t.All || namesAny(t.Services, services))
		})
	}
	return listing{
		path: "incident_workflows/triggers", scope: "incident_workflows.read", records: "triggers",
		cursor: "cursor", every: slowEvery,
		read: decoded("workflow_trigger", func(t *workflowTrigger) { triggers = append(triggers, t) }, bad.add),
		groups: []group{{
			name: "workflows",
			facts: []fact{together(evidence.Definition{
				Name: "pagerduty.automatic_workflows", Kind: evidence.KindInt,
				Help: "Triggers in GET /incident_workflows/triggers that start an incident workflow for the service or for " +
					"all services without a person, by a condition or by the type of the incident, and neither they nor " +
					"their workflow is disabled.",
				Absent: "0 when a complete listing has none",
			}, func(_ *round, all []*serviceRecord) answer {
				return count(automatic(all...), "triggers that start incident workflows without a person")
			})},
			unknown: func(_ *round, s *serviceRecord) evidence.Missing { return bad.about(s, automatic(s) > 0) },
		}},
	}
}

// actionsListing declares the list of automation actions. PagerDuty documents no
// scope for it.
func actionsListing() listing {
	var actions []*automationAction
	var bad undecodable
	// inUse counts the actions that ran lately and that event orchestration may
	// invoke for one of the services.
	inUse := func(now time.Time, services ...*serviceRecord) int {
		return countIf(actions, func(a *automationAction) bool {
			return a.Orchestrated && (a.All || namesAny(a.Services, services)) && !a.LastRun.Before(now.Add(-actionsSpan))
		})
	}
	return listing{
		path: "automation_actions/actions", records: "actions", cursor: "cursor", every: slowEvery,
		read: decoded("automation_action", func(a *automationAction) { actions = append(actions, a) }, bad.add),
		groups: []group{{
			name: "automation",
			facts: []fact{together(evidence.Definition{
				Name: "pagerduty.orchestrated_actions", Kind: evidence.KindInt, Window: actionsSpan,
				Help: "Automation actions in GET /automation_actions/actions that event orchestration may invoke for " +
					"the service or for all services and that ran in the last 90 days.",
				Needs:  "a credential that may list automation actions, for which no scope is documented",
				Absent: "0 when a complete listing has none",
			}, func(r *round, all []*serviceRecord) answer {
				return count(inUse(r.now, all...), "actions that orchestration may invoke and that ran in 90 days")
			})},
			unknown: func(r *round, s *serviceRecord) evidence.Missing { return bad.about(s, inUse(r.now, s) > 0) },
		}},
	}
}

// namesAny reports whether the list refers to one of the services.
func namesAny(list []reference, services []*serviceRecord) bool {
	return slices.ContainsFunc(list, func(ref reference) bool {
		return slices.ContainsFunc(services, func(s *serviceRecord) bool { return s.ID == ref.ID })
	})
}

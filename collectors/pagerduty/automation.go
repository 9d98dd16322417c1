package pagerduty

import (
	"errors"
	"fmt"
	"time"

	"github.com/prodready/collector/evidence"
)

// actionsSpan is the time in which an action must have run to count as used.
const actionsSpan = 90 * day

// workflowTrigger starts an incident workflow.
type workflowTrigger struct {
	ID       string       `json:"id"`
	Type     string       `json:"trigger_type"`
	Disabled bool         `json:"is_disabled"`
	All      bool         `json:"is_subscribed_to_all_services"`
	Services []*reference `json:"services"`
}

func (t *workflowTrigger) check() error {
	switch {
	case t.ID == "":
		return errors.New("no id")
	case t.Type == "":
		return errors.New("no trigger_type")
	}
	return nil
}

// automationAction is an action of PagerDuty Automation.
type automationAction struct {
	ID           string       `json:"id"`
	Orchestrated bool         `json:"allow_invocation_from_event_orchestration"`
	All          bool         `json:"map_to_all_services"`
	LastRun      instant      `json:"last_run"`
	Services     []*reference `json:"services"`
}

func (a *automationAction) check() error {
	if a.ID == "" {
		return errors.New("no id")
	}
	return nil
}

// listedTriggers is the complete list of the account's workflow triggers.
type listedTriggers struct {
	all         []*workflowTrigger
	undecodable undecodable
}

// triggersListing declares the list of triggers of incident workflows.
func triggersListing() listing {
	listed := &listedTriggers{}
	return listing{
		path: "incident_workflows/triggers", scope: "incident_workflows.read", records: "triggers",
		cursor: "cursor", every: slowEvery,
		read: decoded("workflow_trigger", func(t *workflowTrigger) {
			listed.all = append(listed.all, t)
		}, listed.undecodable.add),
		groups: []group{{
			name: "workflows", facts: []fact{automaticWorkflows(listed)},
			unknown: func(_ *round, s *serviceRecord) evidence.Missing {
				return listed.undecodable.about(s, listed.automatic(s) > 0)
			},
		}},
	}
}

// listedActions is the complete list of the account's automation actions.
type listedActions struct {
	all         []*automationAction
	undecodable undecodable
}

// actionsListing declares the list of automation actions. PagerDuty documents no
// scope for it.
func actionsListing() listing {
	listed := &listedActions{}
	return listing{
		path: "automation_actions/actions", records: "actions", cursor: "cursor", every: slowEvery,
		read: decoded("automation_action", func(a *automationAction) {
			listed.all = append(listed.all, a)
		}, listed.undecodable.add),
		groups: []group{{
			name: "automation", facts: []fact{orchestratedActions(listed)},
			unknown: func(r *round, s *serviceRecord) evidence.Missing {
				return listed.undecodable.about(s, listed.inUse(r.now, s) > 0)
			},
		}},
	}
}

// namesAny reports whether the list refers to one of the services.
func namesAny(list []*reference, services []*serviceRecord) bool {
	for _, ref := range list {
		for _, s := range services {
			if ref != nil && ref.ID == s.ID {
				return true
			}
		}
	}
	return false
}

// automatic counts the triggers that start a workflow for one of the services
// without a person.
func (l *listedTriggers) automatic(services ...*serviceRecord) int {
	n := 0
	for _, t := range l.all {
		if t.Type == "conditional" && !t.Disabled && (t.All || namesAny(t.Services, services)) {
			n++
		}
	}
	return n
}

// inUse counts the actions that ran lately and that event orchestration may
// invoke for one of the services.
func (l *listedActions) inUse(now time.Time, services ...*serviceRecord) int {
	n := 0
	for _, a := range l.all {
		if a.Orchestrated && (a.All || namesAny(a.Services, services)) && !a.LastRun.Before(now.Add(-actionsSpan)) {
			n++
		}
	}
	return n
}

func automaticWorkflows(listed *listedTriggers) fact {
	d := evidence.Definition{
		Name: "pagerduty.automatic_workflows", Kind: evidence.KindInt, Pack: "pagerduty",
		Help: "Conditional triggers in GET /incident_workflows/triggers that are not disabled and start an " +
			"incident workflow for the service or for all services.",
		FreshAtLeast: slowFresh,
		Absent:       "0 when a complete listing has none",
	}
	return fact{Definition: d, whole: func(_ *round, all []*serviceRecord) answer {
		return count(listed.automatic(all...), "conditional triggers of incident workflows")
	}}
}

func orchestratedActions(listed *listedActions) fact {
	d := evidence.Definition{
		Name: "pagerduty.orchestrated_actions", Kind: evidence.KindInt, Pack: "pagerduty",
		Help: "Automation actions in GET /automation_actions/actions that event orchestration may invoke for " +
			"the service or for all services and that ran in the last 90 days.",
		Needs:        "a credential that may list automation actions, for which no scope is documented",
		Window:       actionsSpan,
		FreshAtLeast: slowFresh,
		Absent:       "0 when a complete listing has none",
	}
	return fact{Definition: d, whole: func(r *round, all []*serviceRecord) answer {
		return count(listed.inUse(r.now, all...), fmt.Sprintf("actions that orchestration may invoke and that ran in "+
			"%.0f days", actionsSpan.Hours()/24))
	}}
}

package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/prodready/collector/evidence"
)

// actionsSpan is how long ago an action may have run last to count as used.
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

// automationAction is something that automation can run.
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

// listTriggers lists the triggers of incident workflows and observes the facts
// of the workflows group.
func (r *round) listTriggers(ctx context.Context) error {
	if r.services == nil || !r.due(listingTriggers, slowEvery) {
		return nil
	}
	var list []workflowTrigger
	var unsure doubt
	err := r.api.follow(ctx, "incident_workflows/triggers", "cursor", func(raw json.RawMessage) {
		t, err := decode[workflowTrigger](raw)
		if err != nil {
			r.skip("workflow_trigger", idOf(raw, "id"), err)
			unsure.add(raw)
			return
		}
		list = append(list, t)
	})
	if err != nil {
		return err
	}
	r.triggers = list
	return r.done(listingTriggers, r.observe(groupWorkflows, func(s *serviceRecord) evidence.Missing {
		return unsure.about(s, r.automatic([]*serviceRecord{s}) > 0)
	}))
}

// listActions lists the automation actions and observes the facts of the
// automation group.
func (r *round) listActions(ctx context.Context) error {
	if r.services == nil || !r.due(listingActions, slowEvery) {
		return nil
	}
	var list []automationAction
	var unsure doubt
	err := r.api.follow(ctx, "automation_actions/actions", "cursor", func(raw json.RawMessage) {
		a, err := decode[automationAction](raw)
		if err != nil {
			r.skip("automation_action", idOf(raw, "id"), err)
			unsure.add(raw)
			return
		}
		list = append(list, a)
	})
	if err != nil {
		return err
	}
	r.actions = list
	return r.done(listingActions, r.observe(groupAutomation, func(s *serviceRecord) evidence.Missing {
		return unsure.about(s, r.orchestrated([]*serviceRecord{s}) > 0)
	}))
}

// names reports whether one of the services is referred to.
func names(list []*reference, services []*serviceRecord) bool {
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
// by themselves.
func (r *round) automatic(services []*serviceRecord) int {
	n := 0
	for _, t := range r.triggers {
		if t.Type == "conditional" && !t.Disabled && (t.All || names(t.Services, services)) {
			n++
		}
	}
	return n
}

// orchestrated counts the actions in use that orchestration may invoke for one
// of the services.
func (r *round) orchestrated(services []*serviceRecord) int {
	n := 0
	for _, a := range r.actions {
		if a.Orchestrated && (a.All || names(a.Services, services)) && !a.LastRun.Before(r.now.Add(-actionsSpan)) {
			n++
		}
	}
	return n
}

func automaticWorkflows() fact {
	d := evidence.Definition{
		Name: "pagerduty.automatic_workflows", Kind: evidence.KindInt, Pack: "pagerduty",
		Help:         "Conditional triggers in GET /incident_workflows/triggers that are not disabled and start an incident workflow for the service or for all services.",
		Permissions:  []string{"services.read", "incident_workflows.read"},
		FreshAtLeast: slowFresh,
		Absent:       "0 when a complete listing has none",
	}
	return fact{Definition: d, group: groupWorkflows, whole: func(r *round, all []*serviceRecord) answer {
		return count(r.automatic(all), "conditional triggers of incident workflows")
	}}
}

func orchestratedActions() fact {
	d := evidence.Definition{
		Name: "pagerduty.orchestrated_actions", Kind: evidence.KindInt, Pack: "pagerduty",
		Help:         "Automation actions in GET /automation_actions/actions that event orchestration may invoke for the service or for all services and that ran in the last 90 days.",
		Permissions:  []string{"services.read"},
		Needs:        "a credential that may list automation actions, for which no scope is documented",
		Window:       actionsSpan,
		FreshAtLeast: slowFresh,
		Absent:       "0 when a complete listing has none",
	}
	return fact{Definition: d, group: groupAutomation, whole: func(r *round, all []*serviceRecord) answer {
		return count(r.orchestrated(all), fmt.Sprintf("actions that orchestration may invoke and that ran in %.0f days", actionsSpan.Hours()/24))
	}}
}

package pagerdutytest

import (
	"cmp"
	"sort"
	"time"
)

// User is a person with a login.
type User struct {
	ID string
	// TimeZone is a name such as Europe/Berlin.
	TimeZone string
}

// ChangeEvent is a change that a deployment has reported.
type ChangeEvent struct {
	ID, Summary string
	At          time.Time
	// Services are the ids of the services that were changed.
	Services []string
}

// AlertGrouping is a setting that groups the alerts of services.
type AlertGrouping struct {
	ID string
	// Type is content_based, content_based_intelligent, intelligent or time.
	Type     string
	Services []string
}

// WorkflowTrigger starts an incident workflow.
type WorkflowTrigger struct {
	ID string
	// Type is conditional, manual or incident_type; conditional when empty.
	Type     string
	Disabled bool
	// WorkflowDisabled says that its workflow is not enabled. The answer then has no
	// is_disabled, which is deprecated.
	WorkflowDisabled bool
	AllServices      bool
	Services         []string
}

// AutomationAction is something that automation can run.
type AutomationAction struct {
	ID, Name string
	// FromOrchestration says that event orchestration may invoke it.
	FromOrchestration bool
	AllServices       bool
	Services          []string
	// LastRun is null in the answer when it is zero.
	LastRun time.Time
}

// allUsers are the account's users and those that its policies, schedules and
// on-call entries name, each once.
func (x *index) allUsers() []User {
	list := append([]User(nil), x.Users...)
	seen := map[string]bool{}
	for _, u := range list {
		seen[u.ID] = true
	}
	var others []string
	add := func(ids ...string) {
		for _, id := range ids {
			if id != "" && !seen[id] {
				seen[id] = true
				others = append(others, id)
			}
		}
	}
	for _, p := range x.EscalationPolicies {
		for _, level := range p.Levels {
			add(level.Users...)
		}
	}
	for _, s := range x.Schedules {
		add(s.Users...)
	}
	for _, o := range x.OnCalls {
		add(o.User)
	}
	sort.Strings(others)
	for _, id := range others {
		list = append(list, User{ID: id, TimeZone: "Etc/UTC"})
	}
	return list
}

func user(u User) object {
	return object{
		"id": u.ID, "type": "user", "summary": "Somebody " + u.ID, "name": "Somebody " + u.ID,
		"email": u.ID + "@example.com", "time_zone": u.TimeZone, "role": "user",
	}
}

func (x *index) references(services []string) []object {
	list := []object{}
	for _, id := range services {
		list = append(list, reference(id, "service", x.services[id].Name))
	}
	return list
}

func (x *index) change(c ChangeEvent) object {
	return object{
		"id": c.ID, "type": "change_event", "summary": c.Summary, "timestamp": timeOrNull(c.At),
		"services": x.references(c.Services), "integration": nil, "links": []object{}, "custom_details": nil,
	}
}

// listChanges are the change events of a window, newest first.
func (s *Server) listChanges(q query, account *index, now time.Time) ([]ChangeEvent, *refusal) {
	from, to, refused := s.window(q, now)
	if refused != nil {
		return nil, refused
	}
	var list []ChangeEvent
	for _, c := range account.ChangeEvents {
		if !c.At.Before(from) && c.At.Before(to) && !c.At.After(now) {
			list = append(list, c)
		}
	}
	return list, nil
}

func (x *index) alertGrouping(g AlertGrouping) object {
	return object{"id": g.ID, "type": g.Type, "name": g.ID, "config": object{}, "services": x.references(g.Services)}
}

func (x *index) trigger(t WorkflowTrigger) object {
	o := object{
		"id": t.ID, "type": "workflow_trigger", "trigger_type": cmp.Or(t.Type, "conditional"), "is_disabled": t.Disabled,
		"is_subscribed_to_all_services": t.AllServices, "services": x.references(t.Services),
		"workflow": reference("W"+t.ID, "incident_workflow", "Workflow"),
	}
	if t.WorkflowDisabled {
		delete(o, "is_disabled")
		o["workflow"] = object{"id": "W" + t.ID, "type": "incident_workflow", "is_enabled": false}
	}
	return o
}

func (x *index) action(a AutomationAction) object {
	o := object{
		"id": a.ID, "type": "action", "name": a.Name, "action_type": "script",
		"allow_invocation_from_event_orchestration": a.FromOrchestration,
		"map_to_all_services":                       a.AllServices,
		"last_run":                                  timeOrNull(a.LastRun),
	}
	// As the vendor does: there is no list where it would be empty.
	if len(a.Services) > 0 {
		o["services"] = x.references(a.Services)
	}
	return o
}

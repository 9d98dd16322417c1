package pagerdutytest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
)

// Account is everything a simulated PagerDuty account holds. Answers are
// computed from it and from the server's clock: an incident is open until its
// ResolvedAt has come, and shifts follow from the schedules.
type Account struct {
	Services           []Service
	EscalationPolicies []EscalationPolicy
	Schedules          []Schedule
	// OnCalls are further on-call entries, beside those that follow from the
	// policies and schedules.
	OnCalls   []OnCall
	Incidents []Incident
	// Users are known beside those of policies and schedules, whose time zone
	// is Etc/UTC unless they are here.
	Users []User
	// ChangeEvents are changes that deployments have reported.
	ChangeEvents []ChangeEvent
	// AlertGroupings are settings that group the alerts of several services.
	AlertGroupings []AlertGrouping
	// WorkflowTriggers start incident workflows.
	WorkflowTriggers []WorkflowTrigger
	// MaintenanceWindows are times in which services notify no one.
	MaintenanceWindows []MaintenanceWindow
	// AutomationActions are what automation can run.
	AutomationActions []AutomationAction
	// Teams own services, and Tags label teams and escalation policies.
	Teams []Team
	Tags  []Tag
	// Others are the records, as JSON, of calls that package pagerduty declares and
	// this package has no type for, by call: GET /schedules.
	Others map[string][]map[string]any
}

// endpoint is what the vendor's reference says about one call.
type endpoint struct {
	list, scope string
	parameters  []string
	includes    []string
	// cursor is the parameter that pages the listing, instead of the offset;
	// empty for classic pagination. more says that its answers say whether
	// there is more.
	cursor string
	more   bool
	// find finds the records that a query selects.
	find func(s *Server, q query, account *index, now time.Time) (records, *refusal)
}

// records are the records of an answer, of all its pages. Each is rendered when
// its page is asked for.
type records struct {
	count  int
	record func(i int) object
}

func recordsOf[T any](list []T, render func(T) object) records {
	return records{len(list), func(i int) object { return render(list[i]) }}
}

// endpoints are the calls that are known: those of the vendor's reference, and
// those that package pagerduty declares and are not among them. All of them take a
// limit, and an offset where they are not paged by a cursor.
func endpoints() map[string]endpoint {
	all := vendorEndpoints()
	for _, call := range pagerduty.Calls() {
		if _, known := all[call.Name]; !known {
			all[call.Name] = declaredEndpoint(call)
		}
	}
	return all
}

// declaredEndpoint answers with all records of the call in Account.Others. A call
// whose parameters select records is an entry of vendorEndpoints.
func declaredEndpoint(call pagerduty.Call) endpoint {
	return endpoint{
		list: call.Name[strings.LastIndex(call.Name, "/")+1:], scope: call.Scope, cursor: call.Cursor, includes: call.Include,
		find: func(_ *Server, _ query, x *index, _ time.Time) (records, *refusal) {
			return recordsOf(x.Others[call.Name], func(o object) object { return o }), nil
		},
	}
}

// vendorEndpoints are the calls as the vendor's reference describes them.
func vendorEndpoints() map[string]endpoint {
	return map[string]endpoint{
		"GET /services": {
			list: "services", scope: "services.read",
			parameters: []string{"query", "team_ids[]", "time_zone", "sort_by", "name"},
			includes:   []string{"escalation_policies", "teams", "integrations", "auto_pause_notifications_parameters"},
			find: func(_ *Server, q query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.servicesLike(q), func(v Service) object { return x.service(v, q.include) }), nil
			},
		},
		"GET /escalation_policies": {
			list: "escalation_policies", scope: "escalation_policies.read",
			parameters: []string{"query", "user_ids[]", "team_ids[]", "sort_by"},
			includes:   []string{"services", "teams", "targets"},
			find: func(_ *Server, _ query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.EscalationPolicies, x.policy), nil
			},
		},
		"GET /oncalls": {
			list: "oncalls", scope: "oncalls.read",
			parameters: []string{
				"time_zone", "user_ids[]", "escalation_policy_ids[]", "schedule_ids[]", "since", "until", "earliest",
			},
			includes: []string{"users", "schedules", "escalation_policies"},
			find: func(s *Server, q query, x *index, now time.Time) (records, *refusal) {
				list, refused := s.listOnCalls(q, x, now)
				return recordsOf(list, x.onCall), refused
			},
		},
		"GET /incidents": {
			list: "incidents", scope: "incidents.read",
			parameters: []string{
				"date_range", "incident_key", "service_ids[]", "since", "until", "sort_by", "statuses[]", "team_ids[]", "time_zone",
				"urgencies[]", "user_ids[]",
			},
			includes: []string{
				"acknowledgers", "agents", "assignees", "conference_bridge", "escalation_policies",
				"first_trigger_log_entries", "priorities", "services", "teams", "users",
				// Not in the reference; the vendor's own application asks for it.
				"custom_fields", "external_references",
			},
			find: func(s *Server, q query, x *index, now time.Time) (records, *refusal) {
				list, refused := s.listIncidents(q, x, now)
				return recordsOf(list, func(in *Incident) object { return x.incident(in, q.include, now) }), refused
			},
		},
		"GET /log_entries": {
			list: "log_entries", scope: "incidents.read",
			parameters: []string{"time_zone", "since", "until", "is_overview", "team_ids[]"},
			includes:   []string{"incidents", "services", "channels", "teams"},
			find: func(s *Server, q query, x *index, now time.Time) (records, *refusal) {
				list, refused := s.listLog(q, x, now)
				return recordsOf(list, func(e *logEntry) object { return x.logEntry(e, q.include, now) }), refused
			},
		},
		"GET /change_events": {
			list: "change_events", scope: "change_events.read",
			parameters: []string{"team_ids[]", "integration_ids[]", "since", "until"},
			find: func(s *Server, q query, x *index, now time.Time) (records, *refusal) {
				list, refused := s.listChanges(q, x, now)
				return recordsOf(list, x.change), refused
			},
		},
		"GET /teams": {
			list: "teams", scope: "teams.read", parameters: []string{"query"},
			find: func(_ *Server, _ query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.Teams, func(t Team) object { return x.team(t.ID) }), nil
			},
		},
		"GET /tags": {
			list: "tags", scope: "tags.read", parameters: []string{"query"},
			find: func(_ *Server, q query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.tagsLike(q.values.Get("query")), tag), nil
			},
		},
		"GET /tags/{id}/teams":               {list: "teams", scope: "tags.read", find: tagged(taggedTeams)},
		"GET /tags/{id}/escalation_policies": {list: "escalation_policies", scope: "tags.read", find: tagged(taggedPolicies)},
		"GET /maintenance_windows": {
			list: "maintenance_windows", scope: "services.read",
			parameters: []string{"query", "team_ids[]", "service_ids[]", "filter"},
			includes:   []string{"teams", "services", "users"},
			find: func(_ *Server, q query, x *index, now time.Time) (records, *refusal) {
				list, refused := listMaintenance(q, x, now)
				return recordsOf(list, x.maintenance), refused
			},
		},
		"GET /users": {
			list: "users", scope: "users.read",
			parameters: []string{"query", "team_ids[]"},
			includes:   []string{"contact_methods", "notification_rules", "teams", "subdomains"},
			find: func(_ *Server, _ query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.Users, user), nil
			},
		},
		"GET /alert_grouping_settings": {
			list: "alert_grouping_settings", scope: "services.read", cursor: "after",
			parameters: []string{"before", "service_ids[]"},
			find: func(_ *Server, _ query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.AlertGroupings, x.alertGrouping), nil
			},
		},
		"GET /incident_workflows/triggers": {
			list: "triggers", scope: "incident_workflows.read", cursor: "cursor", more: true,
			parameters: []string{
				"workflow_id", "incident_id", "service_id", "trigger_type", "workflow_name_contains", "sort_by",
			},
			find: func(_ *Server, _ query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.WorkflowTriggers, x.trigger), nil
			},
		},
		callPriorities: declaredEndpoint(pagerduty.Call{Name: callPriorities, Scope: "priorities.read"}),
		"GET /automation_actions/actions": {
			// The vendor documents no scope; the fake needs one to refuse it.
			list: "actions", scope: "automation_actions.read", cursor: "cursor",
			parameters: []string{"name", "runner_id", "classification", "team_id", "service_id", "action_type"},
			find: func(_ *Server, _ query, x *index, _ time.Time) (records, *refusal) {
				return recordsOf(x.AutomationActions, x.action), nil
			},
		},
	}
}

// callPriorities lists an account's priorities, from most to least severe.
const callPriorities = "GET /priorities"

// Calls lists the calls that the server knows, GET /services and so on, without that
// of priorities, which rounds make only for accounts whose incidents have some.
func Calls() []string {
	all := endpoints()
	delete(all, callPriorities)
	return slices.Collect(maps.Keys(all))
}

package pagerdutytest

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// Service is one PagerDuty service.
type Service struct {
	ID, Name, Description string
	// Teams are the ids of the teams that own it.
	Teams []string
	// Status is active when empty; else warning, critical, maintenance or
	// disabled.
	Status string
	// EscalationPolicy is the id of the policy; empty for none.
	EscalationPolicy string
	// Integrations are the types of the integrations, such as
	// events_api_v2_inbound_integration or generic_email_inbound_integration.
	Integrations []string
	// IntegrationKeys are the keys of the integrations, in their order. Others have one
	// that is made of their id; those by e-mail have an address and no key.
	IntegrationKeys []string
	// AckTimeout and AutoResolve are null in the answer when 0.
	AckTimeout, AutoResolve time.Duration
	// AlertGrouping is the type of the grouping; null in the answer when empty.
	AlertGrouping string
	// AutoPause says whether transient alerts are paused.
	AutoPause bool
	// Urgency is the rule of its incidents: high when empty, low, severity_based,
	// support_hours for high within them and low outside, or none for null.
	Urgency string
}

func (s Service) urgencyRule() any {
	constant := func(urgency string) object { return object{"type": "constant", "urgency": urgency} }
	switch s.Urgency {
	case "none":
		return nil
	case "support_hours":
		return object{
			"type": "use_support_hours", "during_support_hours": constant("high"), "outside_support_hours": constant("low"),
		}
	case "":
		return constant("high")
	}
	return constant(s.Urgency)
}

// EscalationPolicy is a list of levels, the first to be paged first.
type EscalationPolicy struct {
	ID, Name string
	Levels   []Level
}

// Level names who is paged together.
type Level struct {
	// Users are on call permanently, Schedules by their rotation.
	Users, Schedules []string
}

// Schedule is a rotation of users.
type Schedule struct {
	ID, Name string
	Users    []string
	// Start is the begin of the first shift, Shift the length of each; a week
	// when 0.
	Start time.Time
	Shift time.Duration
	// From and To bound the hours of the day (UTC) that are covered; all of
	// them when both are 0.
	From, To int
	// Gaps are times without a person on call.
	Gaps []Span
	// V3 says that it is of the vendor's newer kind, which has other references.
	V3 bool
}

func (s Schedule) reference() object {
	o := reference(s.ID, "schedule", s.Name)
	if s.V3 {
		o["type"] = "schedule_v3_reference"
	}
	return o
}

// Span is the time from Start until before End.
type Span struct{ Start, End time.Time }

// OnCall is an explicit on-call entry. Zero times are null: permanent.
type OnCall struct {
	Policy, User, Schedule string
	Level                  int
	Start, End             time.Time
}

// Incident is one incident.
type Incident struct {
	ID     string
	Number int
	Title  string
	// Service is the id of the service, Policy the one that was paged; the
	// service's when empty.
	Service, Policy string
	// Urgency is high when empty.
	Urgency string
	// Priority is a name such as P2; null in the answer when empty. Its id is that of
	// the account's priority of the name.
	Priority string
	// Type is the name of its type; null in the answer when empty.
	Type string
	// CreatedAt, AcknowledgedAt and ResolvedAt are its life; the latter two
	// are zero for never.
	CreatedAt, AcknowledgedAt, ResolvedAt time.Time
	// ResolvedBy is the type of reference behind the resolution: user_reference,
	// service_reference and so on. ResolvedByID is its id.
	ResolvedBy, ResolvedByID string
	// AcknowledgedBy is the id of the user who acknowledged it; PUSER when empty.
	AcknowledgedBy string
	// AssignedTo are the ids of the users it was assigned to at its start, which
	// has a log entry for each.
	AssignedTo []string
	// Moves are when it was escalated or assigned to whom.
	Moves []Move
	// Notes are what was written to it.
	Notes []Note
	// CustomFields are the fields of the account's own, by name. Only a listing of
	// incidents that includes them has them, with the names; nil for an account without.
	CustomFields map[string]any
	// Notifications are when whom it notified.
	Notifications []Notification
	// Channel is the type of the channel that opened it; null when empty.
	Channel string
	// OpenedBy is the type of reference of the agent that opened it. When it is empty,
	// it is a user for the channels web_trigger, website and email, null without a
	// channel, and the service for all others; none is null.
	OpenedBy string
	// MachineAcknowledgedAt is when automation acknowledged it; zero for never.
	MachineAcknowledgedAt time.Time
	// MergedInto is the id of the incident that it was merged into when it was
	// resolved; empty for none.
	MergedInto string
	// ExternalReferences are links to tickets elsewhere, which only a listing of
	// incidents that includes them has.
	ExternalReferences []ExternalReference
}

// ExternalReference is an incident's link to a ticket elsewhere.
type ExternalReference struct{ ID, URL string }

// index is an account made ready for answering.
type index struct {
	Account
	policies  map[string]EscalationPolicy
	services  map[string]Service
	schedules map[string]Schedule
	// log is everything that happened to incidents, newest first.
	log []logEntry
}

func newIndex(a Account) *index {
	x := &index{
		Account:   a,
		policies:  map[string]EscalationPolicy{},
		services:  map[string]Service{},
		schedules: map[string]Schedule{},
	}
	for _, p := range a.EscalationPolicies {
		x.policies[p.ID] = p
	}
	for _, s := range a.Services {
		x.services[s.ID] = s
	}
	for _, s := range a.Schedules {
		x.schedules[s.ID] = s
	}
	x.Incidents = slices.Clone(a.Incidents)
	sort.SliceStable(x.Incidents, func(i, j int) bool { return x.Incidents[i].CreatedAt.Before(x.Incidents[j].CreatedAt) })
	x.log = x.newLog()
	x.Users = x.allUsers()
	x.ChangeEvents = slices.Clone(a.ChangeEvents)
	sort.SliceStable(x.ChangeEvents, func(i, j int) bool { return x.ChangeEvents[i].At.After(x.ChangeEvents[j].At) })
	return x
}

// object is a JSON object of an answer.
type object = map[string]any

func reference(id, kind, summary string) object {
	return object{
		"id": id, "type": kind + "_reference", "summary": summary, "self": "https://api.pagerduty.com/" + kind + "s/" + id,
	}
}

// nullable makes null of a zero value.
func nullable[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// integrations are those of the service, with their keys only where they are included.
func (s Service) integrations(included bool) []object {
	list := []object{}
	for i, kind := range s.Integrations {
		id := s.ID + "I" + string(rune('A'+i%26))
		if !included {
			list = append(list, reference(id, kind, kind))
			continue
		}
		o := object{"id": id, "type": kind, "summary": kind, "name": kind, "service": reference(s.ID, "service", s.Name)}
		if strings.Contains(kind, "email") {
			o["integration_email"] = strings.ToLower(id) + "@example.pagerduty.com"
		} else {
			o["integration_key"] = s.integrationKey(i, id)
		}
		list = append(list, o)
	}
	return list
}

// integrationKey is the key of the i-th integration, 32 characters as the vendor's.
func (s Service) integrationKey(i int, id string) string {
	if i < len(s.IntegrationKeys) {
		return s.IntegrationKeys[i]
	}
	sum := md5.Sum([]byte(id))
	return hex.EncodeToString(sum[:])
}

func (x *index) service(s Service, include map[string]bool) object {
	o := object{
		"id": s.ID, "type": "service", "name": s.Name, "summary": s.Name, "status": cmp.Or(s.Status, "active"),
		"description":             nullable(s.Description),
		"acknowledgement_timeout": nullable(int(s.AckTimeout / time.Second)),
		"auto_resolve_timeout":    nullable(int(s.AutoResolve / time.Second)),
		"alert_creation":          "create_alerts_and_incidents",
		"integrations":            s.integrations(include["integrations"]),
		"incident_urgency_rule":   s.urgencyRule(),
		"teams":                   x.teams(s.Teams, include["teams"]),
		"escalation_policy":       nil,
		"alert_grouping_parameters": object{
			"type": nullable(s.AlertGrouping), "config": nil,
		},
	}
	if p, ok := x.policies[s.EscalationPolicy]; ok && include["escalation_policies"] {
		o["escalation_policy"] = x.policy(p)
	} else if s.EscalationPolicy != "" {
		o["escalation_policy"] = reference(s.EscalationPolicy, "escalation_policy", p.Name)
	}
	if include["auto_pause_notifications_parameters"] {
		o["auto_pause_notifications_parameters"] = object{
			"enabled": s.AutoPause, "timeout": nullable(map[bool]int{true: 300}[s.AutoPause]),
		}
	}
	return o
}

func (x *index) scheduleOf(id string) object {
	s := x.schedules[id]
	s.ID = id
	return s.reference()
}

func (x *index) policy(p EscalationPolicy) object {
	rules := []object{}
	for i, level := range p.Levels {
		targets := []object{}
		for _, u := range level.Users {
			targets = append(targets, reference(u, "user", "Somebody "+u))
		}
		for _, s := range level.Schedules {
			targets = append(targets, x.scheduleOf(s))
		}
		rules = append(
			rules, object{"id": p.ID + "R" + string(rune('A'+i%26)), "escalation_delay_in_minutes": 30, "targets": targets},
		)
	}
	services := []object{}
	for _, s := range x.Services {
		if s.EscalationPolicy == p.ID {
			services = append(services, reference(s.ID, "service", s.Name))
		}
	}
	return object{
		"id": p.ID, "type": "escalation_policy", "name": p.Name, "summary": p.Name,
		"escalation_rules": rules, "services": services, "num_loops": 2, "teams": []object{},
		"on_call_handoff_notifications": "if_has_services",
	}
}

func (x *index) incident(in *Incident, include map[string]bool, now time.Time) object {
	policy := cmp.Or(in.Policy, x.services[in.Service].EscalationPolicy)
	changedAt, changedBy := in.CreatedAt, reference(in.Service, "service", x.services[in.Service].Name)
	var resolvedAt any
	switch in.status(now) {
	case "acknowledged":
		changedAt, changedBy = in.AcknowledgedAt, in.acknowledger()
	case "resolved":
		changedAt, resolvedAt = in.ResolvedAt, timeOrNull(in.ResolvedAt)
		changedBy = object{"id": in.ResolvedByID, "type": in.ResolvedBy, "summary": "Somebody"}
	}
	o := object{
		"id": in.ID, "type": "incident", "incident_number": in.Number,
		"title": in.Title, "summary": in.Title, "description": in.Title,
		"html_url": "https://example.pagerduty.com/incidents/" + in.ID,
		"status":   in.status(now), "urgency": in.urgency(),
		"created_at": timeOrNull(in.CreatedAt), "updated_at": timeOrNull(changedAt),
		"resolved_at": resolvedAt, "last_status_change_at": timeOrNull(changedAt), "last_status_change_by": changedBy,
		"service":                 reference(in.Service, "service", x.services[in.Service].Name),
		"escalation_policy":       reference(policy, "escalation_policy", x.policies[policy].Name),
		"priority":                nil,
		"first_trigger_log_entry": reference(in.ID+"L", "trigger_log_entry", "Triggered"),
		"assignments":             []object{}, "acknowledgements": []object{}, "teams": []object{},
	}
	o["resolve_reason"], o["incident_type"] = nil, nil
	if in.Type != "" {
		o["incident_type"] = object{"name": in.Type}
	}
	if in.MergedInto != "" && in.status(now) == "resolved" {
		o["resolve_reason"] = object{
			"type": "merge_resolve_reason", "incident": object{"id": in.MergedInto, "type": "incident_reference"},
		}
	}
	if in.Priority != "" {
		o["priority"] = object{"id": "PRIO" + in.Priority, "type": "priority", "name": in.Priority, "summary": in.Priority}
	}
	if include["first_trigger_log_entries"] {
		o["first_trigger_log_entry"] = object{
			"id": in.ID + "L", "type": "trigger_log_entry", "created_at": timeOrNull(in.CreatedAt),
			"channel": object{"type": nullable(in.Channel)}, "agent": in.opener(),
		}
	}
	if include["custom_fields"] {
		fields := []object{}
		for _, name := range slices.Sorted(maps.Keys(in.CustomFields)) {
			fields = append(fields, object{
				"id": "F" + name, "name": strings.ReplaceAll(strings.ToLower(name), " ", "_"), "display_name": name,
				"type": "field_value", "value": in.CustomFields[name],
			})
		}
		o["custom_fields"] = fields
	}
	if include["external_references"] {
		references := []object{}
		for _, r := range in.ExternalReferences {
			references = append(references, object{"type": "external_reference", "external_id": r.ID, "external_url": r.URL})
		}
		o["external_references"] = references
	}
	return o
}

// opener is the agent of the trigger.
func (in *Incident) opener() any {
	kind := in.OpenedBy
	switch {
	case kind == "none":
		return nil
	case kind == "" && (in.Channel == "web_trigger" || in.Channel == "website" || in.Channel == "email"):
		kind = "user_reference"
	case kind == "" && in.Channel == "":
		return nil
	case kind == "":
		kind = "service_reference"
	}
	return object{"id": in.Service, "type": kind, "summary": "Somebody"}
}

// status is the state of the incident.
func (in *Incident) status(now time.Time) string {
	switch {
	case !in.ResolvedAt.IsZero() && !in.ResolvedAt.After(now):
		return "resolved"
	case !in.AcknowledgedAt.IsZero() && !in.AcknowledgedAt.After(now):
		return "acknowledged"
	}
	return "triggered"
}

func (in *Incident) urgency() string { return cmp.Or(in.Urgency, "high") }

// onCalls are the entries that overlap the time from since until until.
func (x *index) onCalls(since, until time.Time) []OnCall {
	var entries []OnCall
	for _, p := range x.EscalationPolicies {
		for i, level := range p.Levels {
			for _, user := range level.Users {
				entries = append(entries, OnCall{Policy: p.ID, User: user, Level: i + 1})
			}
			for _, id := range level.Schedules {
				for _, shift := range x.schedules[id].shifts(since, until) {
					shift.Policy, shift.Level = p.ID, i+1
					entries = append(entries, shift)
				}
			}
		}
	}
	for _, e := range x.OnCalls {
		if (e.Start.IsZero() || e.Start.Before(until) || e.Start.Equal(since)) && (e.End.IsZero() || e.End.After(since)) {
			entries = append(entries, e)
		}
	}
	return entries
}

// shifts are the on-call entries of a rotation that overlap the window.
func (s Schedule) shifts(since, until time.Time) []OnCall {
	length := s.Shift
	if length <= 0 {
		length = 7 * 24 * time.Hour
	}
	if len(s.Users) == 0 {
		return nil
	}
	if !until.After(since) {
		until = since.Add(time.Second)
	}
	first := int(since.Sub(s.Start) / length)
	if since.Before(s.Start) {
		first = 0
	}
	var entries []OnCall
	for n := first; ; n++ {
		shift := Span{Start: s.Start.Add(time.Duration(n) * length), End: s.Start.Add(time.Duration(n+1) * length)}
		if !shift.Start.Before(until) {
			return entries
		}
		for _, part := range subtract(s.hours(shift), s.Gaps) {
			if part.Start.Before(until) && part.End.After(since) {
				entries = append(entries, OnCall{User: s.Users[n%len(s.Users)], Schedule: s.ID, Start: part.Start, End: part.End})
			}
		}
	}
}

// hours cuts a shift down to the hours of the day that are covered.
func (s Schedule) hours(shift Span) []Span {
	if s.From == 0 && s.To == 0 {
		return []Span{shift}
	}
	var parts []Span
	for day := shift.Start.UTC().Truncate(24 * time.Hour); day.Before(shift.End); day = day.Add(24 * time.Hour) {
		part := Span{Start: day.Add(time.Duration(s.From) * time.Hour), End: day.Add(time.Duration(s.To) * time.Hour)}
		if part.Start.Before(shift.Start) {
			part.Start = shift.Start
		}
		if part.End.After(shift.End) {
			part.End = shift.End
		}
		if part.Start.Before(part.End) {
			parts = append(parts, part)
		}
	}
	return parts
}

func subtract(parts, gaps []Span) []Span {
	for _, gap := range gaps {
		var left []Span
		for _, p := range parts {
			if !gap.Start.Before(p.End) || !p.Start.Before(gap.End) {
				left = append(left, p)
				continue
			}
			if p.Start.Before(gap.Start) {
				left = append(left, Span{p.Start, gap.Start})
			}
			if gap.End.Before(p.End) {
				left = append(left, Span{gap.End, p.End})
			}
		}
		parts = left
	}
	return parts
}

func (x *index) onCall(e OnCall) object {
	var schedule any
	if e.Schedule != "" {
		schedule = x.scheduleOf(e.Schedule)
	}
	return object{
		"escalation_policy": reference(e.Policy, "escalation_policy", x.policies[e.Policy].Name),
		"escalation_level":  e.Level, "schedule": schedule,
		"user":  reference(e.User, "user", "Somebody "+e.User),
		"start": timeOrNull(e.Start), "end": timeOrNull(e.End),
	}
}

// encode makes raw JSON of a record; the types above always can be.
func encode(o object) json.RawMessage {
	data, err := json.Marshal(o)
	if err != nil {
		return json.RawMessage(`null`)
	}
	return data
}

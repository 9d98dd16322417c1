// Package project turns the simulated company into what each upstream would
// say about it, one file for each, and into the collector's configuration.
package project

import (
	"fmt"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
)

// browse is where the company's tickets are read.
const browse = jiraSite + "/browse/"

// The channels that opened an incident, as PagerDuty calls them.
const (
	channelMonitoring = "api"
	channelPerson     = "web_trigger"
)

// PagerDuty is the company as its PagerDuty account knows it.
func PagerDuty(c *company.Company) pagerdutytest.Account {
	a := pagerdutytest.Account{}
	ids := map[string]string{}
	for _, s := range c.Services {
		if s.PagerID == "" || s.Registration == company.DanglingID {
			continue
		}
		ids[s.Name] = s.PagerID
		a.Services = append(a.Services, pagerService(s))
	}
	a.EscalationPolicies, a.Schedules = pagerPolicies(c), pagerSchedules(c)
	for _, t := range c.Teams {
		for _, p := range t.People {
			a.Users = append(a.Users, pagerdutytest.User{ID: p.ID, TimeZone: t.Zone})
		}
	}
	paging := rotations(c)
	for _, in := range c.Incidents {
		incident := pagerIncident(in, ids[in.Service])
		paging.tell(&incident, in)
		a.Incidents = append(a.Incidents, incident)
	}
	for _, change := range c.Changes {
		if id := ids[change.Service]; id != "" && change.Announced {
			a.ChangeEvents = append(
				a.ChangeEvents,
				pagerdutytest.ChangeEvent{ID: change.ID, Summary: change.Summary, At: change.At, Services: []string{id}},
			)
		}
	}
	for _, s := range c.Services {
		if id := ids[s.Name]; id != "" {
			for i, window := range s.Maintenance {
				a.MaintenanceWindows = append(a.MaintenanceWindows, pagerdutytest.MaintenanceWindow{
					ID: fmt.Sprintf("M%s%d", id, i), Span: pagerdutytest.Span{Start: window.Start, End: window.End},
					Services: []string{id},
				})
			}
			automate(&a, c, s, id)
		}
	}
	return a
}

func pagerPolicies(c *company.Company) (out []pagerdutytest.EscalationPolicy) {
	for _, p := range c.Policies {
		policy := pagerdutytest.EscalationPolicy{ID: p.ID, Name: p.Name}
		for _, l := range p.Levels {
			policy.Levels = append(policy.Levels, pagerdutytest.Level{Users: l.People, Schedules: l.Schedules})
		}
		out = append(out, policy)
	}
	return out
}

func pagerSchedules(c *company.Company) (out []pagerdutytest.Schedule) {
	for _, s := range c.Schedules {
		schedule := pagerdutytest.Schedule{ID: s.ID, Name: s.Name, Users: s.People, Start: s.Start, Shift: s.Shift}
		for _, gap := range s.Gaps {
			schedule.Gaps = append(schedule.Gaps, pagerdutytest.Span{Start: gap.Start, End: gap.End})
		}
		out = append(out, schedule)
	}
	return out
}

// automate adds what PagerDuty starts when the service has an incident: a
// workflow that gathers people, and an action that mends what is known.
func automate(a *pagerdutytest.Account, c *company.Company, s *company.Service, id string) {
	response := s.Practice["inc.automated-response"]
	started := response.Done && response.Shown == framework.ByMachine
	if started {
		a.WorkflowTriggers = append(a.WorkflowTriggers, pagerdutytest.WorkflowTrigger{ID: "W" + id, Services: []string{id}})
	}
	if started || s.Does("rel.self-healing") {
		a.AutomationActions = append(a.AutomationActions, pagerdutytest.AutomationAction{
			ID: "A" + id, Name: "Restart " + s.Title, FromOrchestration: true, Services: []string{id},
			LastRun: c.Now.Add(-time.Duration(1+varied(id, 30)) * 24 * time.Hour),
		})
	}
}

// paging tells who is on call first for a service.
type paging struct {
	policies  map[string]*company.Policy // by service
	schedules map[string]*company.Schedule
}

func rotations(c *company.Company) *paging {
	p := &paging{policies: map[string]*company.Policy{}, schedules: map[string]*company.Schedule{}}
	byID := map[string]*company.Policy{}
	for _, policy := range c.Policies {
		byID[policy.ID] = policy
	}
	for _, s := range c.Services {
		p.policies[s.Name] = byID[s.PolicyID]
	}
	for _, s := range c.Schedules {
		p.schedules[s.ID] = s
	}
	return p
}

// first is the person who is paged first at a time; empty for none.
func (p *paging) first(service string, at time.Time) string {
	policy := p.policies[service]
	if policy == nil {
		return ""
	}
	for _, level := range policy.Levels {
		for _, id := range level.Schedules {
			if who := onCall(p.schedules[id], at); who != "" {
				return who
			}
		}
		if len(level.People) > 0 {
			return level.People[0]
		}
	}
	return ""
}

// onCall is whose turn it is in a rotation; empty in its gaps.
func onCall(s *company.Schedule, at time.Time) string {
	if s == nil || len(s.People) == 0 || at.Before(s.Start) {
		return ""
	}
	for _, gap := range s.Gaps {
		if gap.Holds(at) {
			return ""
		}
	}
	return s.People[int(at.Sub(s.Start)/s.Shift)%len(s.People)]
}

// tell adds whom an incident notified, and who acknowledged it.
func (p *paging) tell(incident *pagerdutytest.Incident, in *company.Incident) {
	if !in.Urgent {
		return
	}
	const delivery = 8 * time.Second
	if who := p.first(in.Service, in.Start); who != "" {
		incident.Notifications = []pagerdutytest.Notification{{At: in.Start.Add(delivery), User: who}}
		incident.AcknowledgedBy = who
	}
}

func pagerService(s *company.Service) pagerdutytest.Service {
	service := pagerdutytest.Service{
		ID: s.PagerID, Name: s.Title, EscalationPolicy: s.PolicyID,
		AckTimeout: s.AckTimeout, AutoResolve: s.AutoResolve,
		Integrations: []string{"events_api_v2_inbound_integration"},
	}
	switch s.Registration {
	case company.Disabled:
		service.Status = "disabled"
	case company.NoIntegration:
		service.Integrations = nil
	}
	switch {
	case s.Does("obs.predictive"):
		service.AlertGrouping, service.AutoPause = "intelligent", true
	case s.Does("obs.noise-bounded"):
		service.AlertGrouping = "time"
	}
	return service
}

func pagerIncident(in *company.Incident, service string) pagerdutytest.Incident {
	out := pagerdutytest.Incident{
		ID: in.ID, Number: in.Number, Title: in.Title, Service: service, Urgency: "low",
		CreatedAt: in.Start, AcknowledgedAt: in.Ack, ResolvedAt: in.End, Channel: channelMonitoring,
		Priority: [...]string{"", "P1", "P2", "P3", "P4", "P5"}[in.Severity],
	}
	if in.Urgent {
		out.Urgency = "high"
	}
	if in.Reported {
		out.Channel = channelPerson
	}
	switch in.Resolver {
	case company.ByPerson:
		out.ResolvedBy, out.ResolvedByID = "user_reference", in.Responder
	case company.ByIntegration, company.ByTimeout:
		// What tells a time-out is that it came exactly when it was due.
		out.ResolvedBy, out.ResolvedByID = "service_reference", service
	}
	if in.Ticket != "" {
		out.ExternalReferences = []pagerdutytest.ExternalReference{{ID: in.Ticket, URL: browse + in.Ticket}}
	}
	return out
}

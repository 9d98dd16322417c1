// Package project turns the simulated company into what each upstream would
// say about it, one file for each, and into the collector's configuration.
package project

import (
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/demo/company"
)

// browse is where the company's tickets are read.
const browse = "https://jira.example.com/browse/"

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
	for _, p := range c.Policies {
		policy := pagerdutytest.EscalationPolicy{ID: p.ID, Name: p.Name}
		for _, l := range p.Levels {
			policy.Levels = append(policy.Levels, pagerdutytest.Level{Users: l.People, Schedules: l.Schedules})
		}
		a.EscalationPolicies = append(a.EscalationPolicies, policy)
	}
	for _, s := range c.Schedules {
		schedule := pagerdutytest.Schedule{ID: s.ID, Name: s.Name, Users: s.People, Start: s.Start, Shift: s.Shift}
		for _, gap := range s.Gaps {
			schedule.Gaps = append(schedule.Gaps, pagerdutytest.Span{Start: gap.Start, End: gap.End})
		}
		a.Schedules = append(a.Schedules, schedule)
	}
	for _, in := range c.Incidents {
		a.Incidents = append(a.Incidents, pagerIncident(in, ids[in.Service]))
	}
	return a
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

package jira

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/config"
)

// Incidents says which tickets are incidents, and how to read them. Empty values
// mean the defaults of the configuration; History is at least MinHistory.
type Incidents = config.JiraIncidents

// Moment says where a time in the life of a ticket is read.
type Moment = config.JiraMoment

// Severity says where the severity of an incident ticket is.
type Severity = config.JiraSeverity

// Reviews says which tickets are production readiness reviews.
type Reviews = config.JiraReviews

// ServiceLink says how a ticket names the services it is about.
type ServiceLink = config.ServiceLink

// withDefaults fills in what is not set.
func withDefaults(o Incidents) Incidents {
	if o.Started.IsZero() {
		o.Started.Field = "created"
	}
	if o.Resolved.IsZero() {
		o.Resolved.Field = "resolutiondate"
	}
	o.Severity.By = cmp.Or(o.Severity.By, config.SeverityByField)
	if o.Severity.By == config.SeverityByField {
		o.Severity.Field = cmp.Or(o.Severity.Field, "priority")
	}
	if o.Urgent == nil {
		o.Urgent = []int{1, 2}
	}
	o.History = max(cmp.Or(o.History, config.Duration(DefaultHistory)), config.Duration(MinHistory))
	if o.NotIncidents == nil {
		o.NotIncidents = config.JiraNotIncidents()
	}
	if o.FalseAlarms.Resolutions == nil {
		o.FalseAlarms.Resolutions = config.DefaultJiraFalseAlarms().Resolutions
	}
	if o.FalseAlarms.Labels == nil {
		o.FalseAlarms.Labels = config.DefaultJiraFalseAlarms().Labels
	}
	if o.DuplicateLinks == nil {
		o.DuplicateLinks = config.JiraDuplicateLinks()
	}
	words := o.Severities
	if words == nil {
		words = map[string]int{"Highest": 1, "High": 2, "Medium": 3, "Low": 4, "Lowest": 5}
	}
	o.Severities = map[string]int{}
	for word, severity := range words {
		o.Severities[fold(word)] = severity
	}
	return o
}

func checkIncidents(o Incidents) error {
	places := []config.SeverityBy{config.SeverityByField, config.SeverityByLabel, config.SeverityByComponent}
	if !slices.Contains(places, o.Severity.By) {
		return fmt.Errorf("the severity is read by %q: want field, label or component", o.Severity.By)
	}
	for _, severity := range append(slices.Collect(maps.Values(o.Severities)), o.Urgent...) {
		if severity < 1 || severity > 5 {
			return fmt.Errorf("severity %d: want 1 to 5", severity)
		}
	}
	for _, m := range moments(o) {
		if slices.ContainsFunc(m.Statuses, func(s string) bool { return fold(s) == "" }) {
			return errors.New("a status has no name")
		}
	}
	return nil
}

func checkLink(l ServiceLink) error {
	switch l.By {
	case "", config.ByComponent, config.ByProject, config.ByLabel:
	case config.ByField:
		if l.Field == "" {
			return fmt.Errorf("services are linked by %s and no field is named", l.By)
		}
	default:
		return fmt.Errorf("services are linked by %q: want component, project, label or field", l.By)
	}
	return nil
}

func moments(o Incidents) []Moment {
	return []Moment{o.Started, o.Detected, o.Acknowledged, o.Resolved}
}

// needsChangelog reports whether the moment may have to be read from the changelog.
func needsChangelog(m Moment) bool { return len(m.Statuses) > 0 || m.Label != "" }

// incidentFields are the fields that reading an incident needs.
func incidentFields(o Incidents) []string {
	fields := []string{
		"project", "components", "labels", "status", "resolution", "summary", "created", "updated", "resolutiondate",
		"description", "creator", "issuelinks",
	}
	for _, m := range moments(o) {
		if m.Field != "" {
			fields = append(fields, m.Field)
		}
	}
	if o.Severity.By == config.SeverityByField {
		fields = append(fields, o.Severity.Field)
	}
	fields = append(fields, o.LinkFields...)
	if o.Services.By == config.ByField {
		fields = append(fields, o.Services.Field)
	}
	return unique(fields)
}

// hashIncidents changes when the options read incidents in another way than before.
// It is stored with the cursor, so that its text must not change.
func hashIncidents(o Incidents, browseURL string, automation []string) string {
	text := fmt.Sprintf("with false alarms, by id and agent {%s %s %v %v %v %v %v %v %v %v %v %v %v %v}%s%v",
		o.JQL, time.Duration(o.History), o.Started, o.Detected,
		o.Acknowledged, o.Resolved, o.Severity, o.Severities, o.Urgent, o.LinkFields, o.Services,
		o.NotIncidents, o.FalseAlarms, o.DuplicateLinks, browseURL, automation)
	return fmt.Sprintf("%016x", fingerprint(fmt.Sprintf("%q", text)))
}

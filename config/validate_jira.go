package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// atlassianAPI is the host of Cloud's API for tokens with scopes and for OAuth.
// Its addresses cannot be opened in a browser.
const atlassianAPI = "api.atlassian.com"

func (v *validator) jiraAddresses(path string, j *Jira) {
	if j.APIURL == "" {
		j.APIURL = j.URL
	} else {
		v.address(path+".api_url", "the address", &j.APIURL)
	}
	if j.BrowseURL != "" {
		v.address(path+".browse_url", "the address", &j.BrowseURL)
		return
	}
	if site, err := url.Parse(j.URL); err == nil && strings.EqualFold(site.Host, atlassianAPI) {
		v.add(path+".url",
			"this is the address of the API, which people cannot open; move it to api_url and write the site's "+
				"address here, such as https://example.atlassian.net")
	}
	j.BrowseURL = j.URL
}

func (v *validator) jiraIncidents(path string, i *JiraIncidents) {
	v.history(path+".history", i.History, 24*time.Hour)
	if h := i.History; h > 0 && time.Duration(h) < minJiraHistory {
		v.add(path+".history", "%s is too short: facts about incidents look back 190d", h)
	}
	v.required(path+".started", "the field, status or label", i.Started.source())
	v.required(path+".resolved", "the field, status or label", i.Resolved.source())
	moments := [...]JiraMoment{i.Started, i.Detected, i.Acknowledged, i.Resolved}
	for m, name := range [...]string{"started", "detected", "acknowledged", "resolved"} {
		for n, status := range moments[m].Statuses {
			v.required(fmt.Sprintf("%s.%s.statuses[%d]", path, name, n), "the name or id of the status", status)
		}
	}
	v.jiraSeverities(path, i)
	v.serviceLink(path+".services", i.Services)
	v.closings(path+".not_incidents", i.NotIncidents)
	v.closings(path+".false_alarms.resolutions", i.FalseAlarms.Resolutions)
	for n, label := range i.FalseAlarms.Labels {
		v.required(fmt.Sprintf("%s.false_alarms.labels[%d]", path, n), "the label", label)
	}
	for n, name := range i.DuplicateLinks {
		v.required(fmt.Sprintf("%s.duplicate_links[%d]", path, n), "the name, id or description of the type of link", name)
	}
}

// closings checks names of resolutions and statuses.
func (v *validator) closings(path string, names []string) {
	for n, name := range names {
		v.required(fmt.Sprintf("%s[%d]", path, n), "the name or id of the resolution or status", name)
	}
}

func (v *validator) jiraSeverities(path string, i *JiraIncidents) {
	v.word(path+".severity.by", string(i.Severity.By),
		string(SeverityByField), string(SeverityByLabel), string(SeverityByComponent))
	byField := i.Severity.By == SeverityByField
	if byField && i.Severity.Field == "" {
		i.Severity.Field = "priority"
	}
	if byField && i.Severity.Prefix != "" {
		v.add(path+".severity.prefix", "the prefix is not used; set by to label or component, or remove it")
	}
	if !byField && i.Severity.Field != "" {
		v.add(path+".severity.field", "the field is not used; set by to field or remove it")
	}
	for _, word := range slices.Sorted(maps.Keys(i.Severities)) {
		if severity := i.Severities[word]; severity < 1 || severity > 5 {
			v.add(path+".severities."+word, "severity %d does not exist; use 1 (worst) to 5", severity)
		}
	}
	for n, severity := range i.Urgent {
		at := fmt.Sprintf("%s.urgent[%d]", path, n)
		if severity < 1 || severity > 5 {
			v.add(at, "severity %d does not exist; use 1 (worst) to 5", severity)
		}
		if slices.Index(i.Urgent, severity) < n {
			v.add(at, "severity %d is given twice; remove one of them", severity)
		}
	}
}

// source is what the time is read from; empty when nothing is configured.
func (m JiraMoment) source() string {
	return m.Field + strings.Join(m.Statuses, "") + m.Label
}

package config

import "time"

// JiraIncidents says which tickets are incidents, and how to read them.
type JiraIncidents struct {
	// JQL selects the tickets; empty means that the site has none.
	JQL string `yaml:"jql"`
	// History is how far back incidents are collected. Facts look back 190 days,
	// so that less is refused.
	History Duration `yaml:"history"`
	// Started is when it began, by default the creation of the ticket, which
	// also serves where nothing else says it. Detected is when it was noticed and
	// Acknowledged when somebody took it up; neither is known unless said here.
	// Resolved is when it ended, by default the date of resolution; where nothing
	// says it, the time when the ticket entered a done status.
	Started      JiraMoment `yaml:"started"`
	Detected     JiraMoment `yaml:"detected"`
	Acknowledged JiraMoment `yaml:"acknowledged"`
	Resolved     JiraMoment `yaml:"resolved"`
	// Severity is where the severity is, Severities turns its words into 1
	// (worst) to 5. Words that are not listed have no severity.
	Severity   JiraSeverity   `yaml:"severity"`
	Severities map[string]int `yaml:"severities"`
	// Urgent are the severities that page somebody.
	Urgent []int `yaml:"urgent"`
	// LinkFields are fields that hold the id or address of the same incident
	// elsewhere.
	LinkFields []string `yaml:"link_fields"`
	// Services says how a ticket names its services.
	Services ServiceLink `yaml:"services"`
	// NotIncidents are the names or ids of the resolutions and statuses of tickets that
	// are not counted as incidents, such as duplicates. Letter case and outer blanks do
	// not matter.
	NotIncidents []string `yaml:"not_incidents"`
	// FalseAlarms say how people mark incidents in which nothing was wrong.
	FalseAlarms JiraFalseAlarms `yaml:"false_alarms"`
	// DuplicateLinks are the types of links from a duplicate to the ticket that it
	// repeats: names, ids, or descriptions as seen from the duplicate. Letter case and
	// outer blanks do not matter.
	DuplicateLinks []string `yaml:"duplicate_links"`
}

// JiraMoment is a time in the life of a ticket. Of several ways that are given
// the first that says it counts, in the order of the fields here.
type JiraMoment struct {
	// Field is the id of a field that holds the time.
	Field string `yaml:"field"`
	// Statuses are names or ids of statuses: the time the ticket entered one of
	// them.
	Statuses []string `yaml:"statuses"`
	// Label is a label: the time it was first added.
	Label string `yaml:"label"`
}

// IsZero reports whether the moment is said in no way.
func (m JiraMoment) IsZero() bool { return m.Field == "" && len(m.Statuses) == 0 && m.Label == "" }

// SetDefaults removes the default way to find the time: another way replaces it.
func (m *JiraMoment) SetDefaults() { *m = JiraMoment{} }

// SeverityBy is where the severity of an incident ticket is.
type SeverityBy string

// Where severities are.
const (
	// SeverityByField reads Field.
	SeverityByField SeverityBy = "field"
	// SeverityByLabel reads labels that are Prefix and a word.
	SeverityByLabel SeverityBy = "label"
	// SeverityByComponent reads names of components that are Prefix and a word.
	SeverityByComponent SeverityBy = "component"
)

// JiraSeverity says where the severity of an incident ticket is.
type JiraSeverity struct {
	// By is field, label or component.
	By SeverityBy `yaml:"by"`
	// Field is a field's id; priority when empty. Only with SeverityByField.
	Field string `yaml:"field"`
	// Prefix is what labels and components begin with.
	Prefix string `yaml:"prefix"`
}

// minJiraHistory is how far back the facts about incident tickets look.
const minJiraHistory = 190 * 24 * time.Hour

func defaultJiraIncidents() JiraIncidents {
	return JiraIncidents{
		History:    Duration(760 * 24 * time.Hour),
		Started:    JiraMoment{Field: "created"},
		Resolved:   JiraMoment{Field: "resolutiondate"},
		Severity:   JiraSeverity{By: SeverityByField},
		Severities: map[string]int{"Highest": 1, "High": 2, "Medium": 3, "Low": 4, "Lowest": 5},
		Urgent:     []int{1, 2},
		Services:   ServiceLink{By: ByComponent},

		NotIncidents:   JiraNotIncidents(),
		FalseAlarms:    DefaultJiraFalseAlarms(),
		DuplicateLinks: JiraDuplicateLinks(),
	}
}

// JiraNotIncidents are the resolutions and statuses that Jira and its usual workflows
// have for a ticket that repeats another one.
func JiraNotIncidents() []string {
	return []string{"Duplicate", "Duplicated", "Closed as Duplicate", "Merged"}
}

// JiraFalseAlarms say how people mark incidents in which nothing was wrong.
type JiraFalseAlarms struct {
	// Resolutions are the names or ids of the resolutions and statuses that such a ticket
	// is closed with, and Labels the labels it has. Letter case does not matter.
	Resolutions []string `yaml:"resolutions"`
	Labels      []string `yaml:"labels"`
}

// DefaultJiraFalseAlarms are usual names.
func DefaultJiraFalseAlarms() JiraFalseAlarms {
	return JiraFalseAlarms{
		Resolutions: []string{"False Alarm", "False Positive"}, Labels: []string{"false-alarm", "false-positive"},
	}
}

// JiraDuplicateLinks are the name of Jira's own type of link for duplicates, and its
// description.
func JiraDuplicateLinks() []string { return []string{"Duplicate", "duplicates"} }

package jira

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Incidents says which tickets are incidents, and how to read them.
type Incidents struct {
	// JQL selects the tickets, without an order; empty means that the site has
	// none.
	JQL string
	// History is how far back incidents are collected, by default DefaultHistory and
	// at least MinHistory, since incident facts look back that far.
	History time.Duration
	// Started is when it began, by default the creation, which is also used where
	// the ticket does not say it.
	Started Moment
	// Detected is when it was noticed, and Acknowledged when a person acknowledged
	// it; without them that is unknown.
	Detected, Acknowledged Moment
	// Resolved is when it ended, by default the date of resolution. Where the ticket
	// does not say it, the change to a done status counts.
	Resolved Moment
	// Severity is where the severity is. Severities maps its words, in any case, to
	// 1 (worst) to 5; other words have no severity. Nil means Jira's own priorities,
	// with Highest 1 to Lowest 5.
	Severity   Severity
	Severities map[string]int
	// Urgent are the severities that page somebody; nil means 1 and 2.
	Urgent []int
	// LinkFields are ids of fields that hold the id or address of the same
	// incident elsewhere. Addresses of PagerDuty incidents in the description
	// are found without.
	LinkFields []string
	// Services says how a ticket names the services it is about.
	Services ServiceLink
}

// Moment says where a time in the life of a ticket is read. Of several places that
// are given the first that has a time counts, in the order of the fields here. The
// zero value is no place.
type Moment struct {
	// Field is the id of a field that holds the time.
	Field string
	// Statuses are names or ids of statuses: the time the ticket first entered
	// one of them, or, of an end, last entered them without leaving them since.
	Statuses []string
	// Label is a label: the time it was first added.
	Label string
}

func (m Moment) isZero() bool { return m.Field == "" && !m.fromLog() }

// fromLog reports whether the moment may have to be read from the changelog.
func (m Moment) fromLog() bool { return len(m.Statuses) > 0 || m.Label != "" }

// SeverityBy is where severities are.
type SeverityBy string

// Where severities are. The empty one means SeverityByField.
const (
	SeverityByField     SeverityBy = "field"
	SeverityByLabel     SeverityBy = "label"
	SeverityByComponent SeverityBy = "component"
)

// Severity says where the severity of an incident ticket is.
type Severity struct {
	// By is one of the places above.
	By SeverityBy
	// Field is the id of the field, with SeverityByField; priority when empty.
	Field string
	// Prefix is what labels or components begin with before the word.
	Prefix string
}

// withDefaults fills in what is not set.
func (o Incidents) withDefaults() Incidents {
	if o.Started.isZero() {
		o.Started.Field = "created"
	}
	if o.Resolved.isZero() {
		o.Resolved.Field = "resolutiondate"
	}
	o.Severity.By = cmp.Or(o.Severity.By, SeverityByField)
	if o.Severity.By == SeverityByField {
		o.Severity.Field = cmp.Or(o.Severity.Field, "priority")
	}
	if o.Urgent == nil {
		o.Urgent = []int{1, 2}
	}
	o.History = max(cmp.Or(o.History, DefaultHistory), MinHistory)
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

func (o Incidents) check() error {
	if !slices.Contains([]SeverityBy{SeverityByField, SeverityByLabel, SeverityByComponent}, o.Severity.By) {
		return fmt.Errorf("the severity is read by %q: want field, label or component", o.Severity.By)
	}
	for _, severity := range append(slices.Collect(maps.Values(o.Severities)), o.Urgent...) {
		if severity < 1 || severity > 5 {
			return fmt.Errorf("severity %d: want 1 to 5", severity)
		}
	}
	for _, m := range o.moments() {
		if slices.ContainsFunc(m.Statuses, func(s string) bool { return fold(s) == "" }) {
			return errors.New("a status has no name")
		}
	}
	return nil
}

func (o Incidents) moments() []Moment {
	return []Moment{o.Started, o.Detected, o.Acknowledged, o.Resolved}
}

// fields are those that reading an incident needs.
func (o Incidents) fields() []string {
	fields := []string{
		"project", "components", "labels", "status", "summary", "created", "updated", "resolutiondate", "description",
		"creator",
	}
	for _, m := range o.moments() {
		if m.Field != "" {
			fields = append(fields, m.Field)
		}
	}
	if o.Severity.By == SeverityByField {
		fields = append(fields, o.Severity.Field)
	}
	fields = append(fields, o.LinkFields...)
	if o.Services.By == ByField {
		fields = append(fields, o.Services.Field)
	}
	return unique(fields)
}

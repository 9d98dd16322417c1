package jira

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The status categories, which are Jira's own and the same on every site.
const (
	categoryNew        = "new"
	categoryInProgress = "indeterminate"
	categoryDone       = "done"
)

// issue is one issue as far as evidence needs it. Fields that were not asked
// for are zero. People are ids only.
type issue struct {
	id, key string
	// project is the key of the project.
	project            string
	summary            string
	components, labels []string
	// status is the id of the status, with its name and category.
	status, statusName, category string
	created, updated, resolved   time.Time
	assignee, reporter           string
	// creatorKind is the type of the account that opened it: atlassian, customer
	// or app; empty on Data Center.
	creatorKind string
	// parent is the key of the parent; empty for none.
	parent string
	// linked are the keys of linked issues.
	linked []string
	// changes are its history, oldest first. cut says that the server may have
	// kept back some.
	changes []change
	cut     bool
	// fields are all fields that were answered.
	fields map[string]json.RawMessage
}

// decodeIssue reads one issue. With an error the parts that could be read are
// filled in, the key among them if there is one.
func decodeIssue(raw json.RawMessage, cloud bool) (*issue, error) {
	var outer struct {
		ID        json.RawMessage            `json:"id"`
		Key       string                     `json:"key"`
		Fields    map[string]json.RawMessage `json:"fields"`
		Changelog json.RawMessage            `json:"changelog"`
	}
	i := &issue{}
	if err := json.Unmarshal(raw, &outer); err != nil {
		i.key = keyOf(raw)
		i.project = projectOf(i.key)
		return i, err
	}
	i.id, i.key = strings.Trim(string(outer.ID), `"`), strings.TrimSpace(outer.Key)
	i.project, i.fields = projectOf(i.key), outer.Fields
	switch {
	case i.key == "":
		return i, errors.New("no key")
	case i.project == "":
		return i, errors.New("the key names no project")
	case i.fields == nil:
		return i, errors.New("no fields")
	}
	var errs []error
	read := func(name string, into any) {
		if value, ok := i.fields[name]; ok {
			if err := json.Unmarshal(value, into); err != nil {
				errs = append(errs, fmt.Errorf("field %s: %w", name, err))
			}
		}
	}
	var project struct {
		Key string `json:"key"`
	}
	var components []struct {
		Name string `json:"name"`
	}
	var labels []*string
	var status *struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Category *struct {
			Key string `json:"key"`
		} `json:"statusCategory"`
	}
	var parent struct {
		Key string `json:"key"`
	}
	var links []struct {
		Inward  *struct{ Key string } `json:"inwardIssue"`
		Outward *struct{ Key string } `json:"outwardIssue"`
	}
	var assignee, reporter, creator person
	var summary *string
	read("project", &project)
	read("summary", &summary)
	read("components", &components)
	read("labels", &labels)
	read("status", &status)
	read("parent", &parent)
	read("issuelinks", &links)
	read("assignee", &assignee)
	read("reporter", &reporter)
	read("creator", &creator)
	i.summary = text(summary)
	if project.Key != "" {
		i.project = project.Key
	}
	for _, c := range components {
		if c.Name != "" {
			i.components = append(i.components, c.Name)
		}
	}
	for _, l := range labels {
		if l != nil {
			i.labels = append(i.labels, *l)
		}
	}
	if status != nil {
		i.status, i.statusName = status.ID, status.Name
		if status.Category != nil {
			i.category = status.Category.Key
		}
	}
	if _, asked := i.fields["status"]; asked && i.category == "" {
		errs = append(errs, errors.New("field status: no category"))
	}
	i.parent, i.assignee, i.reporter, i.creatorKind = parent.Key, assignee.id(), reporter.id(), creator.AccountType
	for _, l := range links {
		for _, end := range [...]*struct{ Key string }{l.Inward, l.Outward} {
			if end != nil && end.Key != "" {
				i.linked = append(i.linked, end.Key)
			}
		}
	}
	for name, into := range map[string]*time.Time{"created": &i.created, "updated": &i.updated,
		"resolutiondate": &i.resolved} {
		at, err := i.time(name)
		if err != nil {
			errs = append(errs, err)
		}
		*into = at
	}
	if _, asked := i.fields["created"]; asked && i.created.IsZero() {
		errs = append(errs, errors.New("field created: no time"))
	}
	if len(outer.Changelog) > 0 {
		changes, cut, err := decodeChangelog(outer.Changelog, cloud)
		if err != nil {
			errs = append(errs, err)
		}
		i.changes, i.cut = changes, cut
	}
	return i, errors.Join(errs...)
}

// time reads a field that holds a time. It is zero when the field is absent,
// null or empty.
func (i *issue) time(name string) (time.Time, error) {
	raw, ok := i.fields[name]
	if !ok {
		return time.Time{}, nil
	}
	at, err := decodeTime(raw)
	if err != nil {
		return time.Time{}, fmt.Errorf("field %s: %w", name, err)
	}
	return at, nil
}

// has reports whether the issue carries a label, in whatever case.
func (i *issue) has(label string) bool {
	for _, l := range i.labels {
		if strings.EqualFold(l, label) {
			return true
		}
	}
	return false
}

// person is an account. Cloud has account ids, Data Center keys and names.
type person struct {
	AccountID   string `json:"accountId"`
	AccountType string `json:"accountType"`
	Key         string `json:"key"`
	Name        string `json:"name"`
}

// id is opaque, and compared only with others of the same site.
func (p person) id() string {
	switch {
	case p.AccountID != "":
		return p.AccountID
	case p.Key != "":
		return p.Key
	}
	return p.Name
}

// timeForms are the forms in which Jira and its apps write times, Jira's own
// first.
var timeForms = [...]string{
	"2006-01-02T15:04:05.000-0700",
	time.RFC3339Nano,
	"2006-01-02T15:04:05-0700",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02",
}

// decodeTime reads a time in any form that is known: text, or the seconds or
// milliseconds since 1970. Null and empty text are the zero time. A form without
// a time zone is read as UTC.
func decodeTime(raw json.RawMessage) (time.Time, error) {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return time.Time{}, err
	}
	switch v := value.(type) {
	case nil:
		return time.Time{}, nil
	case string:
		if v = strings.TrimSpace(v); v == "" {
			return time.Time{}, nil
		}
		for _, form := range timeForms {
			if at, err := time.Parse(form, v); err == nil {
				return plausible(at)
			}
		}
		return time.Time{}, fmt.Errorf("%.40q is not a time", v)
	case float64:
		if !(v >= 0 && v < 1e15) {
			return time.Time{}, fmt.Errorf("%g is not a time", v)
		}
		if v < 1e11 {
			v *= 1000
		}
		return plausible(time.UnixMilli(int64(v)))
	}
	return time.Time{}, errors.New("a value that is not a time")
}

// plausible refuses years that no store can hold.
func plausible(at time.Time) (time.Time, error) {
	if at = at.UTC(); at.Year() < 1970 || at.Year() > 9000 {
		return time.Time{}, fmt.Errorf("the year %d is not plausible", at.Year())
	}
	return at, nil
}

// keyOf finds the key of an issue that could not be decoded.
func keyOf(raw json.RawMessage) string {
	var fields map[string]json.RawMessage
	var key string
	if json.Unmarshal(raw, &fields) != nil || json.Unmarshal(orNull(fields["key"]), &key) != nil {
		return ""
	}
	return strings.TrimSpace(key)
}

// projectOf is the project in a key: SHOP of SHOP-12.
func projectOf(key string) string {
	at := strings.LastIndexByte(key, '-')
	if at <= 0 {
		return ""
	}
	return key[:at]
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

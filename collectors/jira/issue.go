package jira

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	// formerKeys are those that it had before it was moved, as far as its changelog says.
	formerKeys []string
	// project is the key of the project.
	project            string
	summary            string
	components, labels []string
	// status is the id of the status, with its name and category.
	status, statusName, category string
	// resolution is what it was closed as; zero for none.
	resolution                 named
	created, updated, resolved time.Time
	assignee, reporter         string
	// creatorKind is the type of the account that opened it: atlassian, customer or app;
	// empty on Data Center if the configuration names no apps.
	creatorKind string
	// parent is the issue that this is a sub-task of; zero for none.
	parent related
	// linked are linked issues, and the parent; links are the links with their types.
	linked []related
	links  []issueLink
	// changes are its history, oldest first. cut reports that the server may have
	// left some out.
	changes []change
	cut     bool
	// fields are all fields of the answer.
	fields map[string]json.RawMessage
}

// keyed, named and related are objects of which the key, the name and the id are
// read.
type (
	keyed struct {
		Key string `json:"key"`
	}
	related struct {
		ID  string `json:"id"`
		Key string `json:"key"`
	}
	named struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
)

// issueFields are the fields that are read of every issue. A null is decoded to
// the zero value.
type issueFields struct {
	Project    keyed     `json:"project"`
	Summary    string    `json:"summary"`
	Components []named   `json:"components"`
	Labels     []*string `json:"labels"`
	Status     struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Category keyed  `json:"statusCategory"`
	} `json:"status"`
	Resolution named       `json:"resolution"`
	Parent     related     `json:"parent"`
	Links      []issueLink `json:"issuelinks"`
	Assignee   person      `json:"assignee"`
	Reporter   person      `json:"reporter"`
	Creator    person      `json:"creator"`
}

// decodeIssue reads one issue. With an error the parts that could be read are
// filled in, the key among them if there is one.
func decodeIssue(raw json.RawMessage, cloud bool, automation accounts) (*issue, error) {
	var outer struct {
		ID        json.RawMessage `json:"id"`
		Key       string          `json:"key"`
		Fields    json.RawMessage `json:"fields"`
		Changelog json.RawMessage `json:"changelog"`
	}
	// json.Unmarshal goes on after a value of the wrong type, so that the key of an
	// issue with a bad id is known.
	err := json.Unmarshal(raw, &outer)
	i := &issue{id: issueID(outer.ID), key: strings.TrimSpace(outer.Key)}
	i.project = projectOf(i.key)
	if err != nil {
		return i, err
	}
	if len(outer.Fields) > 0 {
		err = json.Unmarshal(outer.Fields, &i.fields)
	}
	switch {
	case err != nil:
		return i, err
	case i.key == "":
		return i, errors.New("no key")
	case i.id == "":
		return i, errors.New("no id")
	case i.project == "":
		return i, errors.New("the key names no project")
	case i.fields == nil:
		return i, errors.New("no fields")
	}
	var f issueFields
	errs := []error{json.Unmarshal(outer.Fields, &f)}
	i.fill(&f, automation)
	for name, into := range map[string]*time.Time{"created": &i.created, "updated": &i.updated,
		"resolutiondate": &i.resolved} {
		*into, err = i.time(name)
		errs = append(errs, err)
	}
	errs = append(errs, i.checkContent())
	if len(outer.Changelog) > 0 {
		i.changes, i.cut, err = decodeChangelog(outer.Changelog, cloud, automation)
		i.takeFormerKeys()
		errs = append(errs, err)
	}
	return i, errors.Join(errs...)
}

// issueID reads an id, a number or a text; empty for none.
func issueID(raw json.RawMessage) string {
	id := clean(strings.Trim(string(raw), `"`))
	if id == "null" {
		return ""
	}
	return id
}

// checkContent reports fields that are there without what they must have.
func (i *issue) checkContent() error {
	var errs []error
	if _, asked := i.fields["status"]; asked && i.category == "" {
		errs = append(errs, errors.New("field status: no category"))
	}
	if _, asked := i.fields["created"]; asked && i.created.IsZero() {
		errs = append(errs, errors.New("field created: no time"))
	}
	return errors.Join(errs...)
}

// fill takes over the fields that are there.
func (i *issue) fill(f *issueFields, automation accounts) {
	i.project = cmp.Or(f.Project.Key, i.project)
	i.summary, i.parent = f.Summary, f.Parent
	i.status, i.statusName, i.category = f.Status.ID, f.Status.Name, f.Status.Category.Key
	i.resolution = f.Resolution
	i.assignee, i.reporter, i.creatorKind = f.Assignee.id(), f.Reporter.id(), automation.typeOf(f.Creator)
	for _, c := range f.Components {
		if c.Name != "" {
			i.components = append(i.components, c.Name)
		}
	}
	for _, l := range f.Labels {
		if l != nil {
			i.labels = append(i.labels, *l)
		}
	}
	i.links = f.Links
	for _, l := range f.Links {
		for _, end := range [...]related{l.Inward, l.Outward} {
			if end.Key != "" {
				i.linked = append(i.linked, end)
			}
		}
	}
	if f.Parent.Key != "" {
		i.linked = append(i.linked, f.Parent)
	}
}

// idOrKey names an issue that may not have been decoded completely: by its id, or by
// its key where the id could not be read. It is empty without either.
func (i *issue) idOrKey() string { return cmp.Or(i.id, clean(i.key)) }

// time reads a field that holds a time. It is zero when the field is absent,
// null or empty.
func (i *issue) time(name string) (time.Time, error) {
	at, err := decodeTime(i.fields[name])
	if err != nil {
		return time.Time{}, fmt.Errorf("field %s: %w", name, err)
	}
	return at, nil
}

// has reports whether the issue has a label, in any case.
func (i *issue) has(label string) bool {
	return slices.ContainsFunc(i.labels, func(l string) bool { return strings.EqualFold(l, label) })
}

// person is an account. Cloud has account ids, Data Center keys and names.
type person struct {
	AccountID   string `json:"accountId"`
	AccountType string `json:"accountType"`
	Key         string `json:"key"`
	Name        string `json:"name"`
}

// id is opaque, and compared only with others of the same site.
func (p person) id() string { return cmp.Or(p.AccountID, p.Key, p.Name) }

// The types of accounts that are programs, and that are people of the site.
const (
	typeApp    = "app"
	typePerson = "atlassian"
)

// accounts are accounts by their id, key or name, without regard to letter case.
type accounts map[string]bool

// typeOf is the type of an account: app for those of a, else what Jira says. Data Center
// says nothing; there the others are people if the configuration names any.
func (a accounts) typeOf(p person) string {
	for _, name := range [...]string{p.AccountID, p.Key, p.Name} {
		if name != "" && a[fold(name)] {
			return typeApp
		}
	}
	if p.AccountType == "" && len(a) > 0 && p.id() != "" {
		return typePerson
	}
	return p.AccountType
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
// milliseconds since 1970. Nothing, null and empty text are the zero time. A form
// without a time zone is read as UTC.
func decodeTime(raw json.RawMessage) (time.Time, error) {
	if len(raw) == 0 {
		return time.Time{}, nil
	}
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

// isDay reports whether the value is a day without a time.
func isDay(raw json.RawMessage) bool {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return false
	}
	_, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	return err == nil
}

// plausible refuses years that no store can hold.
func plausible(at time.Time) (time.Time, error) {
	if at = at.UTC(); at.Year() < 1970 || at.Year() > 9000 {
		return time.Time{}, fmt.Errorf("the year %d is not plausible", at.Year())
	}
	return at, nil
}

// projectOf is the project in a key: SHOP of SHOP-12.
func projectOf(key string) string { return key[:max(strings.LastIndexByte(key, '-'), 0)] }

package jiratest

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Site is the content of a simulated Jira site. Answers are computed from it and
// from the server's clock: an issue does not exist before it is created, and is
// open until the time of its change to a done status.
type Site struct {
	// Projects are keys of projects without issues; those of issues are known.
	Projects []string
	// Components are components of projects without issues, by key; those of issues
	// are known.
	Components map[string][]string
	// Fields are the names of custom fields without issues, by id; those of issues
	// are known.
	Fields map[string]string
	// Categories are the names of projects' categories, by key.
	Categories map[string]string
	// Descriptions are those of projects by key, and of components as KEY/NAME.
	Descriptions map[string]string
	// Addresses are the addresses of projects, by key.
	Addresses map[string]string
	// Statuses are further statuses, beside To Do, In Progress, Done and Closed.
	Statuses []Status
	// Resolutions are the names of the resolutions, and LinkTypes those of the types of
	// links with their descriptions from the inward and the outward end; nil means Jira's
	// own.
	Resolutions []string
	LinkTypes   [][3]string
	Issues      []Issue
	// BrokenIssues are added to the answer of every search as they are.
	BrokenIssues []string
}

// Status is a status of the site.
type Status struct {
	ID, Name string
	// Was is the name it had before it was renamed, which changelogs still show;
	// empty for none.
	Was string
	// Category is new, indeterminate or done.
	Category string
}

// The statuses that every site has.
var builtIn = []Status{
	{ID: "10000", Name: "To Do", Category: "new"},
	{ID: "3", Name: "In Progress", Category: "indeterminate"},
	{ID: "10001", Name: "Done", Category: "done"},
	{ID: "6", Name: "Closed", Category: "done"},
}

// Issue is one issue. Its present state follows from Changes.
type Issue struct {
	// Key is PROJECT-number. A key names one issue.
	Key string
	// ID is its id, which stays when the issue is moved; one made of the key when 0.
	ID int
	// Type is Task when empty.
	Type    string
	Summary string
	// Components and Labels are those it has at the end of all changes; changes
	// of Labels say what was before.
	Components, Labels []string
	// Priority is a name; null in the answer when empty.
	Priority string
	Created  time.Time
	// Due is a day; null in the answer when zero.
	Due time.Time
	// Status is the name of the first status; To Do when empty.
	Status string
	// Done is when DoneBy moved it to Done, with a resolution unless NoResolution; zero
	// for never. It is added to Changes.
	Done         time.Time
	DoneBy       string
	NoResolution bool
	// Resolution is the name of the resolution that it gets when it becomes done; Done
	// when empty. KeepsResolution says that it keeps the resolution and its date when
	// it is reopened, as in a workflow that does not clear them.
	Resolution      string
	KeepsResolution bool
	// Assignee and Reporter are ids of people; so is Creator, who is the
	// reporter when empty.
	Assignee, Reporter, Creator string
	// Parent is the key of the issue that this is a sub-task of.
	Parent string
	// Links are keys of issues that this one is linked to. The others are
	// linked back.
	Links []string
	// Duplicates are keys of issues that this one duplicates. The others are linked back,
	// as duplicated by it.
	Duplicates []string
	// RemoteLinks are web links.
	RemoteLinks []string
	Description string
	// Changes are its history, in any order.
	Changes []Change
	// Fields are custom fields by id.
	Fields map[string]any
	// Raw replaces fields of the answer by JSON, valid or not.
	Raw map[string]string
}

// Change is one entry of an issue's history.
type Change struct {
	At time.Time
	// By is the id of a person; one that begins with app: is a program, and one with
	// customer: a customer. Empty is null in the answer.
	By string
	// Field is status, labels, assignee or any other. Of a status From and To are
	// names, of labels they are lists separated by blanks, of an assignee ids.
	Field, From, To string
}

// index is a site that is prepared for answers.
type index struct {
	projects map[string]bool
	category map[string]string
	// descriptions and addresses are as in Site.
	descriptions, addresses map[string]string
	// components are by project, and fields the names by id.
	components map[string]map[string]bool
	fields     map[string]string
	// resolutions and linkTypes are as in Site.
	resolutions []string
	linkTypes   [][3]string
	statuses    map[string]Status // by name
	list        []Status
	issues      []*Issue // by creation
	byKey       map[string]*Issue
	ids         map[string]int
	linked      map[string][]string
	// duplicated are the duplicates of an issue, by key.
	duplicated map[string][]string
	broken     []string

	// The last answer, since clients ask for one listing page by page.
	mu    sync.Mutex
	query string
	found []state
}

func newIndex(s Site) *index {
	x := &index{
		projects: map[string]bool{}, statuses: map[string]Status{}, byKey: map[string]*Issue{},
		ids: map[string]int{}, linked: map[string][]string{}, duplicated: map[string][]string{},
		broken: s.BrokenIssues, category: s.Categories,
		descriptions: s.Descriptions, addresses: s.Addresses,
	}
	x.components, x.fields = map[string]map[string]bool{}, maps.Clone(s.Fields)
	if x.fields == nil {
		x.fields = map[string]string{}
	}
	for _, p := range s.Projects {
		x.projects[p] = true
	}
	for project, names := range s.Components {
		x.addComponents(project, names)
	}
	if x.resolutions = s.Resolutions; x.resolutions == nil {
		x.resolutions = []string{"Done", "Won't Do", "Duplicate", "Cannot Reproduce"}
	}
	if x.linkTypes = s.LinkTypes; x.linkTypes == nil {
		x.linkTypes = [][3]string{{"Blocks", "is blocked by", "blocks"}, {"Cloners", "is cloned by", "clones"},
			{"Duplicate", "is duplicated by", "duplicates"}, {"Relates", "relates to", "relates to"}}
	}
	x.list = append(slices.Clone(builtIn), s.Statuses...)
	for _, st := range x.list {
		x.statuses[st.Name] = st
		if st.Was != "" {
			x.statuses[st.Was] = st
		}
	}
	for n := range s.Issues {
		i := s.Issues[n]
		if !i.Done.IsZero() {
			i.Changes = append(slices.Clone(i.Changes), Change{At: i.Done, By: i.DoneBy, Field: "status", From: "", To: "Done"})
		}
		slices.SortStableFunc(i.Changes, func(a, b Change) int { return a.At.Compare(b.At) })
		x.issues = append(x.issues, &i)
		x.byKey[i.Key] = &i
		x.projects[project(i.Key)] = true
		x.addComponents(project(i.Key), i.Components)
		for field := range i.Fields {
			x.fields[field] = cmp.Or(x.fields[field], field)
		}
		for _, to := range i.Duplicates {
			x.duplicated[to] = append(x.duplicated[to], i.Key)
		}
		for _, to := range i.Links {
			x.linked[i.Key] = append(x.linked[i.Key], to)
			x.linked[to] = append(x.linked[to], i.Key)
		}
	}
	slices.SortStableFunc(x.issues, func(a, b *Issue) int { return a.Created.Compare(b.Created) })
	for _, i := range x.issues {
		x.ids[i.Key] = cmp.Or(i.ID, id(i.Key))
	}
	return x
}

func (x *index) addComponents(project string, names []string) {
	x.projects[project] = true
	if x.components[project] == nil {
		x.components[project] = map[string]bool{}
	}
	for _, name := range names {
		x.components[project][name] = true
	}
}

// id is the same for a key on every site.
func id(key string) int {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(key))
	return int(sum.Sum64() % 1e12)
}

func project(key string) string {
	if at := strings.LastIndexByte(key, '-'); at > 0 {
		return key[:at]
	}
	return key
}

// state is an issue as it is at one time.
type state struct {
	*Issue
	status   Status
	labels   []string
	updated  time.Time
	resolved time.Time
	changes  []Change // oldest first, with From filled in
}

// at is the issue at a time; ok is false before its creation.
func (x *index) at(i *Issue, now time.Time) (state, bool) {
	if i.Created.After(now) {
		return state{}, false
	}
	st := state{Issue: i, labels: i.Labels, updated: i.Created}
	first := slices.IndexFunc(i.Changes, func(c Change) bool { return c.Field == "labels" })
	if first >= 0 && i.Changes[first].At.After(now) {
		st.labels = strings.Fields(i.Changes[first].From)
	}
	name := cmp.Or(i.Status, "To Do")
	for _, c := range i.Changes {
		if c.At.After(now) {
			continue
		}
		switch c.Field {
		case "status":
			c.From = cmp.Or(c.From, name)
			x.move(&st, name, c)
			name = c.To
		case "labels":
			st.labels = strings.Fields(c.To)
		}
		st.changes = append(st.changes, c)
		if c.At.After(st.updated) {
			st.updated = c.At
		}
	}
	st.status = x.statuses[name]
	if st.status.ID == "" {
		st.status = Status{ID: "999", Name: name, Category: "undefined"}
	}
	if st.status.Category == "done" && st.resolved.IsZero() && len(st.changes) == 0 && !i.NoResolution {
		st.resolved = i.Created
	}
	return st, true
}

// move sets or removes the resolution at a change of the status.
func (x *index) move(st *state, from string, c Change) {
	wasDone, isDone := x.statuses[from].Category == "done", x.statuses[c.To].Category == "done"
	switch {
	case !isDone && !st.KeepsResolution:
		st.resolved = time.Time{}
	case !isDone:
	case !wasDone && !st.NoResolution:
		st.resolved = c.At
	}
}

// object is a JSON object of an answer.
type object = map[string]any

// encode makes JSON; null of what cannot be encoded.
func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(`null`)
	}
	return data
}

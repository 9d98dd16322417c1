package jiratest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Jira's form of times.
const timeForm = "2006-01-02T15:04:05.000-0700"

func (s *Server) time(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.In(s.options.TimeZone).Format(timeForm)
}

func (s *Server) person(id string) any {
	switch {
	case id == "":
		return nil
	case s.options.DataCenter:
		return object{"key": "JIRAUSER" + id, "name": id, "displayName": "Somebody " + id,
			"emailAddress": id + "@example.com", "active": true}
	}
	kind := "atlassian"
	for _, other := range [...]string{"app", "customer"} {
		if strings.HasPrefix(id, other+":") {
			kind = other
		}
	}
	return object{"accountId": "557058:" + id, "accountType": kind, "displayName": "Somebody " + id, "active": true}
}

// account is the id of a person as changelogs have it.
func (s *Server) account(id string) any {
	switch {
	case id == "":
		return nil
	case s.options.DataCenter:
		return "JIRAUSER" + id
	}
	return "557058:" + id
}

func status(st Status) object {
	return object{
		"id": st.ID, "name": st.Name,
		"statusCategory": object{"id": 4, "key": st.Category, "name": strings.ToUpper(st.Category[:1]) + st.Category[1:]},
	}
}

// field renders one field; ok is false for one the site does not have.
func (s *Server) field(x *index, st state, name string) (value any, ok bool) {
	if raw, replaced := st.Raw[name]; replaced {
		return json.RawMessage(raw), true
	}
	if render, known := fieldRenderers[name]; known {
		return render(s, x, st), name != "parent" || st.Parent != ""
	}
	v, ok := st.Fields[name]
	return v, ok
}

// fieldRenderers render the fields of every site.
var fieldRenderers = map[string]func(*Server, *index, state) any{
	"project": func(_ *Server, _ *index, st state) any {
		return object{"id": "10000", "key": project(st.Key), "name": "Project " + project(st.Key)}
	},
	"components": func(_ *Server, x *index, st state) any {
		list := []object{}
		for n, c := range st.Components {
			component := object{"id": strconv.Itoa(100 + n), "name": c}
			if text := x.descriptions[project(st.Key)+"/"+c]; text != "" {
				component["description"] = text
			}
			list = append(list, component)
		}
		return list
	},
	"labels":  func(_ *Server, _ *index, st state) any { return append([]string{}, st.labels...) },
	"status":  func(_ *Server, _ *index, st state) any { return status(st.status) },
	"summary": func(_ *Server, _ *index, st state) any { return st.Summary },
	"issuetype": func(_ *Server, _ *index, st state) any {
		return object{"name": issueType(st.Issue), "subtask": st.Parent != ""}
	},
	"priority": func(_ *Server, _ *index, st state) any {
		return unless(st.Priority == "", object{"id": "1", "name": st.Priority})
	},
	"created": func(s *Server, _ *index, st state) any { return s.time(st.Created) },
	"updated": func(s *Server, _ *index, st state) any { return s.time(st.updated) },
	"resolution": func(_ *Server, _ *index, st state) any {
		return unless(st.resolved.IsZero(), object{"id": "10100", "name": cmp.Or(st.Resolution, "Done")})
	},
	"resolutiondate": func(s *Server, _ *index, st state) any { return s.time(st.resolved) },
	"duedate": func(_ *Server, _ *index, st state) any {
		return unless(st.Due.IsZero(), st.Due.Format(time.DateOnly))
	},
	"description": func(s *Server, _ *index, st state) any {
		if s.options.ADF && st.Description != "" {
			return document(st.Description)
		}
		return unless(st.Description == "", st.Description)
	},
	"assignee": func(s *Server, _ *index, st state) any { return s.person(st.Assignee) },
	"reporter": func(s *Server, _ *index, st state) any { return s.person(st.Reporter) },
	"creator":  func(s *Server, _ *index, st state) any { return s.person(cmp.Or(st.Creator, st.Reporter)) },
	"parent": func(_ *Server, x *index, st state) any {
		return object{"key": st.Parent, "id": strconv.Itoa(x.ids[st.Parent])}
	},
	"issuelinks": func(_ *Server, x *index, st state) any {
		list := x.duplicateLinks(st)
		for n, key := range x.linked[st.Key] {
			side := "outwardIssue"
			if !slices.Contains(st.Links, key) {
				side = "inwardIssue"
			}
			list = append(list, object{"id": strconv.Itoa(n), "type": object{"id": "10003", "name": "Relates",
				"inward": "relates to", "outward": "relates to"}, side: x.related(key)})
		}
		return list
	},
}

// related is an issue as a link to it shows it.
func (x *index) related(key string) object {
	return object{"key": key, "id": strconv.Itoa(cmp.Or(x.ids[key], id(key)))}
}

// duplicateLinks are the links of an issue to those that it duplicates and to its own
// duplicates.
func (x *index) duplicateLinks(st state) []object {
	list := []object{}
	add := func(side, key string) {
		list = append(list, object{"id": strconv.Itoa(1000 + len(list)), side: x.related(key), "type": object{
			"id": "10002", "name": "Duplicate", "inward": "is duplicated by", "outward": "duplicates"}})
	}
	for _, key := range st.Duplicates {
		add("outwardIssue", key)
	}
	for _, key := range x.duplicated[st.Key] {
		add("inwardIssue", key)
	}
	return list
}

// unless is the value, or null.
func unless(null bool, value any) any {
	if null {
		return nil
	}
	return value
}

func issueType(i *Issue) string {
	if i.Type == "" && i.Parent != "" {
		return "Sub-task"
	}
	return cmp.Or(i.Type, "Task")
}

// document is a text in the Atlassian Document Format, with its addresses as
// links.
func document(text string) object {
	content := []object{}
	for n, word := range strings.Fields(text) {
		node := object{"type": "text", "text": word + " "}
		if strings.HasPrefix(word, "http") {
			node = object{"type": "text", "text": "here", "marks": []object{{"type": "link", "attrs": object{"href": word}}}}
			if n%2 == 1 {
				node = object{"type": "inlineCard", "attrs": object{"url": word}}
			}
		}
		content = append(content, node)
	}
	return object{"type": "doc", "version": 1, "content": []object{{"type": "paragraph", "content": content}}}
}

// issue renders an issue with the fields asked for.
func (s *Server) issue(x *index, st state, fields []string, changelog bool) object {
	o := object{"id": strconv.Itoa(x.ids[st.Key])}
	if len(fields) == 0 && !s.options.DataCenter {
		return o // the default of Cloud is the id alone
	}
	o["key"] = st.Key
	o["self"] = "https://jira.example.com/rest/api/2/issue/" + strconv.Itoa(x.ids[st.Key])
	values := object{}
	for _, name := range fields {
		if v, ok := s.field(x, st, name); ok {
			values[name] = v
		}
	}
	o["fields"] = values
	if changelog {
		o["changelog"] = s.changelog(x, st)
	}
	return o
}

// changelog is what expand=changelog adds: on Cloud the newest first and at most
// ChangelogCap, with a total that does not count the others.
func (s *Server) changelog(x *index, st state) object {
	var histories []object
	for n, c := range st.changes {
		histories = append(histories, s.history(x, n, c, s.time(c.At)))
	}
	if histories == nil {
		histories = []object{}
	}
	if !s.options.DataCenter {
		slices.Reverse(histories)
		histories = histories[:min(len(histories), s.options.ChangelogCap)]
	}
	return object{"startAt": 0, "maxResults": len(histories), "total": len(histories), "histories": histories}
}

func (s *Server) history(x *index, n int, c Change, created any) object {
	item := object{"field": c.Field, "fieldtype": "jira", "from": nil, "fromString": c.From, "to": nil, "toString": c.To}
	if c.Field == "status" {
		item["from"], item["to"] = x.statusID(c.From), x.statusID(c.To)
	}
	if c.Field == "assignee" {
		item["from"], item["to"] = s.account(c.From), s.account(c.To)
		item["fromString"], item["toString"] = "Somebody "+c.From, "Somebody "+c.To
	}
	if !s.options.DataCenter {
		item["fieldId"] = c.Field
	}
	return object{"id": strconv.Itoa(30000 + n), "author": s.person(c.By), "created": created, "items": []object{item}}
}

func (x *index) statusID(name string) string {
	if st, ok := x.statuses[name]; ok {
		return st.ID
	}
	return "999"
}

// bulk answers a bulk fetch of changelogs.
func (s *Server) bulk(x *index, body []byte, now time.Time) (object, *refusal) {
	var request struct {
		Issues []string `json:"issueIdsOrKeys"`
		Fields []string `json:"fieldIds"`
		Max    int      `json:"maxResults"`
		Token  string   `json:"nextPageToken"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		s.options.Fail("bulkfetch: " + err.Error())
		return nil, invalid(err.Error())
	}
	if n := len(request.Issues); n < 1 || n > 1000 || len(request.Fields) > 10 || request.Max < 0 || request.Max > 10000 {
		s.options.Fail(fmt.Sprintf("bulkfetch of %d issues and %d fields, %d results", n, len(request.Fields), request.Max))
		return nil, invalid("Too many issues or fields.")
	}
	entries := s.bulkEntries(x, request.Issues, request.Fields, now)
	start, _ := strconv.Atoi(request.Token)
	limit := min(cmp.Or(request.Max, 1000), s.options.BulkPage)
	end := min(start+limit, len(entries))
	logs := []object{}
	for _, e := range entries[min(start, end):end] {
		logs = append(logs, object{"issueId": e.id, "changeHistories": []object{e.history}})
	}
	answer := object{"issueChangeLogs": logs}
	if end < len(entries) {
		answer["nextPageToken"] = strconv.Itoa(end)
	}
	return answer, nil
}

// bulkEntry is one entry of a changelog in the answer to a bulk fetch.
type bulkEntry struct {
	id      string
	history object
	at      time.Time
}

// bulkEntries are the changes of the fields of the issues, oldest first.
func (s *Server) bulkEntries(x *index, issues, fields []string, now time.Time) []bulkEntry {
	var entries []bulkEntry
	for _, i := range x.issues {
		id := strconv.Itoa(x.ids[i.Key])
		st, exists := x.at(i, now)
		if !exists || !slices.Contains(issues, id) && !slices.Contains(issues, i.Key) {
			continue
		}
		for n, c := range st.changes {
			if len(fields) > 0 && !slices.Contains(fields, c.Field) {
				continue
			}
			created := any(c.At.UnixMilli())
			if s.options.BulkTimesAsText {
				created = s.time(c.At)
			}
			entries = append(entries, bulkEntry{id, s.history(x, n, c, created), c.At})
		}
	}
	slices.SortStableFunc(entries, func(a, b bulkEntry) int { return a.at.Compare(b.at) })
	return entries
}

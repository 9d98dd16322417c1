package jiratest

import (
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

// account is the id of a person as changelogs give it.
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
	switch name {
	case "project":
		return object{"id": "10000", "key": project(st.Key), "name": "Project " + project(st.Key)}, true
	case "components":
		list := []object{}
		for n, c := range st.Components {
			list = append(list, object{"id": strconv.Itoa(100 + n), "name": c})
		}
		return list, true
	case "labels":
		return append([]string{}, st.labels...), true
	case "status":
		return status(st.status), true
	case "summary":
		return st.Summary, true
	case "issuetype":
		return object{"name": issueType(st.Issue), "subtask": st.Parent != ""}, true
	case "priority":
		if st.Priority == "" {
			return nil, true
		}
		return object{"id": "1", "name": st.Priority}, true
	case "created":
		return s.time(st.Created), true
	case "updated":
		return s.time(st.updated), true
	case "resolutiondate":
		return s.time(st.resolved), true
	case "duedate":
		if st.Due.IsZero() {
			return nil, true
		}
		return st.Due.Format(time.DateOnly), true
	case "description":
		if st.Description == "" {
			return nil, true
		}
		if s.options.ADF {
			return document(st.Description), true
		}
		return st.Description, true
	case "assignee":
		return s.person(st.Assignee), true
	case "reporter":
		return s.person(st.Reporter), true
	case "creator":
		if st.Creator != "" {
			return s.person(st.Creator), true
		}
		return s.person(st.Reporter), true
	case "parent":
		if st.Parent == "" {
			return nil, false
		}
		return object{"key": st.Parent, "id": strconv.Itoa(x.ids[st.Parent])}, true
	case "issuelinks":
		list := []object{}
		for n, key := range x.linked[st.Key] {
			side := "outwardIssue"
			if !slices.Contains(st.Links, key) {
				side = "inwardIssue"
			}
			list = append(list, object{"id": strconv.Itoa(n), "type": object{"name": "Relates"},
				side: object{"key": key, "id": strconv.Itoa(x.ids[key])}})
		}
		return list, true
	}
	v, ok := st.Fields[name]
	return v, ok
}

func issueType(i *Issue) string {
	switch {
	case i.Type != "":
		return i.Type
	case i.Parent != "":
		return "Sub-task"
	}
	return "Task"
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

// changelog is what expand=changelog brings: on Cloud the newest first and no
// more than the cap, with a total that does not count the others.
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
	type entry struct {
		id      string
		history object
		at      time.Time
	}
	var entries []entry
	for _, i := range x.issues {
		id := strconv.Itoa(x.ids[i.Key])
		st, there := x.at(i, now)
		if !there || !slices.Contains(request.Issues, id) && !slices.Contains(request.Issues, i.Key) {
			continue
		}
		for n, c := range st.changes {
			if len(request.Fields) > 0 && !slices.Contains(request.Fields, c.Field) {
				continue
			}
			created := any(c.At.UnixMilli())
			if s.options.BulkTimesAsText {
				created = s.time(c.At)
			}
			entries = append(entries, entry{id, s.history(x, n, c, created), c.At})
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return a.at.Compare(b.at) })
	start, _ := strconv.Atoi(request.Token)
	limit := 1000
	if request.Max > 0 {
		limit = request.Max
	}
	limit = min(limit, s.options.BulkPage)
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

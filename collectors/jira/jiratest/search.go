package jiratest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// asked is a search, checked.
type asked struct {
	jql       string
	fields    []string
	changelog bool
	limit     int
	found     []state
}

// knownFields are the fields of every site that can be asked for. Custom ones
// begin with customfield_.
var knownFields = []string{
	"project", "components", "labels", "status", "summary", "issuetype", "priority", "created", "updated",
	"resolutiondate", "duedate", "description", "assignee", "reporter", "creator", "parent", "issuelinks",
}

// search checks the parameters of a search and runs its query on what the index
// knows by then: relative times count from now all the same.
func (s *Server) search(values url.Values, site *index, now time.Time, parameters ...string) (*asked, *refusal) {
	unknown := func(format string, args ...any) *refusal {
		message := fmt.Sprintf(format, args...)
		s.options.Fail("search: " + message + " in " + values.Get("jql"))
		return invalid(message)
	}
	a := &asked{jql: values.Get("jql"), limit: 50}
	for name, list := range values {
		switch name {
		case "jql":
		case "fields":
			for field := range strings.SplitSeq(list[0], ",") {
				if !slices.Contains(knownFields, field) && !strings.HasPrefix(field, "customfield_") {
					return nil, unknown("field %q is not known", field)
				}
				a.fields = append(a.fields, field)
			}
		case "expand":
			if list[0] != "changelog" {
				return nil, unknown("expand %q is not known", list[0])
			}
			a.changelog = true
		case "maxResults":
			n, err := strconv.Atoi(list[0])
			if err != nil || n < 1 {
				return nil, unknown("maxResults %q is not a number above 0", list[0])
			}
			a.limit = n
		default:
			if !slices.Contains(parameters, name) {
				return nil, unknown("parameter %q is not known", name)
			}
		}
	}
	a.limit = min(a.limit, s.options.MaxPage)
	q, err := parse(a.jql, now, s.options.TimeZone)
	if err != nil {
		return nil, unknown("%v", err)
	}
	if !q.bounded && !s.options.DataCenter {
		return nil, unknown("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
	}
	var missing []string
	for _, p := range q.projects {
		if !site.projects[strings.ToUpper(p)] {
			missing = append(missing, fmt.Sprintf("The value '%s' does not exist for the field 'project'.", p))
		}
	}
	if len(missing) > 0 {
		return nil, invalid(missing...)
	}
	a.found = site.recall(a.jql, q, now.Add(-s.options.IndexLag))
	return a, nil
}

// page renders the issues from start until before end.
func (s *Server) page(a *asked, site *index, start, end int) []json.RawMessage {
	issues := []json.RawMessage{}
	if start == 0 {
		for _, raw := range site.broken {
			issues = append(issues, json.RawMessage(raw))
		}
	}
	for n := start; n < end; n++ {
		issues = append(issues, encode(s.issue(site, a.found[n], a.fields, a.changelog)))
	}
	return issues
}

func (s *Server) searchByToken(values url.Values, site *index, now time.Time) (any, *refusal) {
	a, refused := s.search(values, site, now, "nextPageToken")
	if refused != nil {
		return nil, refused
	}
	start := 0
	if token := values.Get("nextPageToken"); token == endless {
		start = len(a.found)
	} else if token != "" {
		text, err := base64.StdEncoding.DecodeString(token)
		at, jql, ok := strings.Cut(string(text), " ")
		start, _ = strconv.Atoi(at)
		if err != nil || !ok || jql != a.jql {
			s.options.Fail("a token of another search")
			return nil, invalid("The provided next page token is invalid.")
		}
	}
	start = min(start, len(a.found))
	end := min(start+a.limit, len(a.found))
	from := start
	if s.options.RepeatIssues && start > 0 {
		from--
	}
	answer := object{"issues": s.page(a, site, from, end), "isLast": end == len(a.found)}
	if end < len(a.found) {
		answer["nextPageToken"] = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(end) + " " + a.jql))
	}
	return answer, nil
}

func (s *Server) searchByOffset(values url.Values, site *index, now time.Time) (any, *refusal) {
	a, refused := s.search(values, site, now, "startAt", "validateQuery")
	if refused != nil {
		return nil, refused
	}
	start := 0
	if v := values.Get("startAt"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			s.options.Fail("startAt " + v)
			return nil, invalid("startAt is not a number")
		}
		start = n
	}
	total := len(a.found)
	start = min(start, total)
	end := min(start+a.limit, total)
	return object{
		"expand": "schema,names", "startAt": start, "maxResults": a.limit, "total": total,
		"issues": s.page(a, site, start, end),
	}, nil
}

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

// asked is a search that was checked.
type asked struct {
	jql       string
	fields    []string
	changelog bool
	limit     int
	found     []state
}

// search checks the parameters of a search and runs its query on what the index
// has by then; relative times count from now.
func (s *Server) search(values url.Values, site *index, now time.Time, parameters ...string) (*asked, *refusal) {
	refuse := func(message string) (*asked, *refusal) {
		s.options.Fail("search: " + message + " in " + values.Get("jql"))
		return nil, invalid(message)
	}
	a := &asked{jql: values.Get("jql"), limit: 50}
	for name, list := range values {
		if err := a.read(name, list[0], parameters); err != nil {
			return refuse(err.Error())
		}
	}
	a.limit = min(a.limit, s.options.MaxPage)
	q, err := parse(a.jql, now, s.options.TimeZone)
	if err != nil {
		return refuse(err.Error())
	}
	if !q.bounded && !s.options.DataCenter {
		return refuse("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
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
	a.found = site.cachedFind(a.jql, q, now.Add(-s.options.IndexLag))
	return a, nil
}

// read reads one parameter. others are those that the caller reads.
func (a *asked) read(name, value string, others []string) error {
	switch {
	case name == "jql" || slices.Contains(others, name):
	case name == "fields":
		a.fields = strings.Split(value, ",")
		for _, field := range a.fields {
			if fieldRenderers[field] == nil && !strings.HasPrefix(field, "customfield_") {
				return fmt.Errorf("field %q is not known", field)
			}
		}
	case name == "expand" && value == "changelog":
		a.changelog = true
	case name == "maxResults":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return fmt.Errorf("maxResults %q is not a number above 0", value)
		}
		a.limit = n
	default:
		return fmt.Errorf("parameter %s=%q is not known", name, value)
	}
	return nil
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

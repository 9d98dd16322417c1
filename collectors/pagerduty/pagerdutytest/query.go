package pagerdutytest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// query is a request's query, checked.
type query struct {
	values        url.Values
	include       map[string]bool
	limit, offset int
	total         bool
	// id is that of the tag in the path; empty for other calls.
	id string
}

// parse refuses what the vendor's reference does not know.
func (s *Server) parse(values url.Values, call string, e endpoint) (query, *refusal) {
	q := query{values: values, include: map[string]bool{}, limit: DefaultLimit}
	for name, list := range values {
		if problem := q.set(e, name, list); problem != "" {
			s.options.Fail(call + ": " + problem)
			return q, invalid("%s", problem)
		}
	}
	q.limit = min(q.limit, MaxLimit)
	if e.cursor == "" && q.offset+q.limit > s.options.MaxRecords {
		return q, &refusal{
			status: http.StatusBadRequest, code: 2002, message: "Arguments Caused Error",
			errors: []string{fmt.Sprintf("Offset plus limit must not be greater than %d", s.options.MaxRecords)},
		}
	}
	return q, nil
}

// set sets one parameter of the query. The result says what is wrong with it, or "".
func (q *query) set(e endpoint, name string, list []string) (problem string) {
	var err error
	switch {
	case name == "limit":
		q.limit, problem = number(name, list[0], 1)
	case name == "offset" && e.cursor == "":
		q.offset, problem = number(name, list[0], 0)
	case name == "total" && e.cursor != "cursor":
		q.total = list[0] == "true"
	case name == "include[]":
		for _, word := range list {
			if !slices.Contains(e.includes, word) {
				return fmt.Sprintf("include[] %q is unknown", word)
			}
			q.include[word] = true
		}
	case name == e.cursor:
		if q.offset, err = fromCursor(list[0]); err != nil {
			return fmt.Sprintf("%s %q is not one of ours", name, list[0])
		}
	case !slices.Contains(e.parameters, name):
		return fmt.Sprintf("parameter %q is unknown: the listing is paged by %q", name, cmp.Or(e.cursor, "offset"))
	}
	return problem
}

func number(name, text string, least int) (n int, problem string) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		problem = fmt.Sprintf("%s %q is not a number from %d on", name, text, least)
	}
	return n, problem
}

// toCursor and fromCursor hide an offset in a word.
func toCursor(offset int) string {
	return base64.URLEncoding.EncodeToString([]byte("at " + strconv.Itoa(offset)))
}

func fromCursor(cursor string) (int, error) {
	data, err := base64.URLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimPrefix(string(data), "at "))
}

// time reads a parameter as the vendor does: a time without a zone is in the
// account's.
func (s *Server) time(q query, name string) (time.Time, bool, *refusal) {
	v := q.values.Get(name)
	if v == "" {
		return time.Time{}, false, nil
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return at, true, nil
	}
	for _, form := range [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(form, v, s.options.TimeZone); err == nil {
			return at, true, nil
		}
	}
	return time.Time{}, false, invalid("%s is not a valid date", name)
}

// page answers a list call.
func (s *Server) page(q query, e endpoint, account *index, now time.Time) (object, *refusal) {
	found, refused := e.find(s, q, account, now)
	if refused != nil {
		return nil, refused
	}
	count := found.count
	limit := q.limit
	start := min(q.offset, count)
	end := min(start+limit, count)
	records := []json.RawMessage{}
	for i := start; i < end; i++ {
		records = append(records, encode(found.record(i)))
	}
	more := end < count
	if e.cursor != "" {
		return cursorPage(e, records, limit, end, more), nil
	}
	page := object{e.list: records, "limit": limit, "offset": q.offset, "more": more, "total": nil}
	if q.total {
		page["total"] = count
	}
	return page, nil
}

// cursorPage is a page that says where the next one begins, and not by its
// offset; next is null at the end.
func cursorPage(e endpoint, records []json.RawMessage, limit, end int, more bool) object {
	page := object{e.list: records, "limit": limit}
	next := any(nil)
	if more {
		next = toCursor(end)
	}
	if e.cursor == "after" {
		page["after"], page["before"], page["total"] = next, nil, nil
		return page
	}
	page["next_cursor"] = next
	if e.more {
		page["more"] = more
	}
	return page
}

func (s *Server) listOnCalls(q query, account *index, now time.Time) ([]OnCall, *refusal) {
	since, given, refused := s.time(q, "since")
	if refused != nil {
		return nil, refused
	}
	if !given {
		since = now
	}
	until, given, refused := s.time(q, "until")
	if refused != nil {
		return nil, refused
	}
	if !given {
		until = since
	}
	if until.Before(since) {
		return nil, invalid("until must not be before since")
	}
	// Shifts are computed at most 90 days ahead.
	if horizon := now.Add(90 * 24 * time.Hour); until.After(horizon) {
		until = horizon
	}
	computed := !until.Before(since)
	list := slices.DeleteFunc(account.onCalls(since, until), func(e OnCall) bool {
		return !computed && !e.Start.IsZero() ||
			!allows(q, "user_ids[]", e.User) || !allows(q, "escalation_policy_ids[]", e.Policy) ||
			!allows(q, "schedule_ids[]", e.Schedule)
	})
	if q.values.Get("earliest") == "true" {
		type key struct {
			policy, user string
			level        int
		}
		earliest := map[key]OnCall{}
		for _, e := range list {
			k := key{e.Policy, e.User, e.Level}
			if old, ok := earliest[k]; !ok || e.Start.Before(old.Start) {
				earliest[k] = e
			}
		}
		list = slices.DeleteFunc(list, func(e OnCall) bool { return earliest[key{e.Policy, e.User, e.Level}] != e })
	}
	return list, nil
}

func (s *Server) listIncidents(q query, account *index, now time.Time) ([]*Incident, *refusal) {
	from, to, refused := s.window(q, now)
	if refused != nil {
		return nil, refused
	}
	for _, status := range q.values["statuses[]"] {
		if !slices.Contains([]string{"triggered", "acknowledged", "resolved"}, status) {
			return nil, invalid("status %q is unknown", status)
		}
	}
	all := account.Incidents
	start := sort.Search(len(all), func(i int) bool { return !all[i].CreatedAt.Before(from) })
	end := sort.Search(len(all), func(i int) bool { return !all[i].CreatedAt.Before(to) || all[i].CreatedAt.After(now) })
	end = max(start, end)
	descending := false
	switch order := q.values.Get("sort_by"); order {
	case "created_at:asc", "created_at", "incident_number:asc", "incident_number":
	case "", "created_at:desc", "incident_number:desc":
		descending = true
	default:
		return nil, invalid("sort_by %q is unknown to the fake", order)
	}
	var list []*Incident
	for i := start; i < end; i++ {
		in := &all[i]
		if descending {
			in = &all[end-1-(i-start)]
		}
		if len(list) > q.offset+q.limit {
			break // what is beyond the page only says that there is more
		}
		if allows(q, "statuses[]", in.status(now)) && allows(q, "service_ids[]", in.Service) &&
			allows(q, "urgencies[]", in.urgency()) {
			list = append(list, in)
		}
	}
	return list, nil
}

// window is the time that incidents, their log and changes are listed for.
func (s *Server) window(q query, now time.Time) (from, to time.Time, refused *refusal) {
	if v := q.values.Get("date_range"); v == "all" {
		return time.Time{}, now.Add(time.Second), nil
	} else if v != "" {
		return from, to, invalid("date_range %q: only all is known", v)
	}
	from, since, refused := s.time(q, "since")
	if refused != nil {
		return from, to, refused
	}
	to, until, refused := s.time(q, "until")
	if refused != nil {
		return from, to, refused
	}
	switch {
	case since && until:
	case since:
		to = from.AddDate(0, 1, 0)
	case until:
		from = to.AddDate(0, -1, 0)
	default:
		from, to = now.AddDate(0, -1, 0), now.Add(time.Second)
	}
	if to.Before(from) {
		return from, to, invalid("until must not be before since")
	}
	if to.After(from.AddDate(0, 6, 0)) {
		return from, to, invalid("The date range must not be greater than 6 months")
	}
	return from, to, nil
}

// allows reports whether a filter is absent or names the value.
func allows(q query, filter, value string) bool {
	list := q.values[filter]
	return len(list) == 0 || slices.Contains(list, value)
}

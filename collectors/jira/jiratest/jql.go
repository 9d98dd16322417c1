package jiratest

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Only the JQL that this project sends is implemented; any other is refused.

// query is a parsed query.
type query struct {
	where func(*index, state) bool
	// order is created, updated or key; down reverses it.
	order string
	down  bool
	// projects are those that it names.
	projects []string
	// bounded reports that it has a restriction.
	bounded bool
}

// parser reads tokens from left to right.
type parser struct {
	tokens []token
	at     int
	now    time.Time
	zone   *time.Location
	query  *query
}

type token struct {
	text   string
	quoted bool
}

// parse reads a query as of a time, which its relative times count from.
func parse(jql string, now time.Time, zone *time.Location) (*query, error) {
	tokens, err := tokenize(jql)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, now: now, zone: zone,
		query: &query{where: func(*index, state) bool { return true }, order: "created"}}
	if !p.is("ORDER") && p.at < len(tokens) {
		if p.query.where, err = p.or(); err != nil {
			return nil, err
		}
		p.query.bounded = true
	}
	if p.take("ORDER") {
		if !p.take("BY") {
			return nil, errors.New("ORDER without BY")
		}
		p.query.order = strings.ToLower(p.next().text)
		if !slices.Contains([]string{"created", "updated", "key"}, p.query.order) {
			return nil, fmt.Errorf("order by %q is not known", p.query.order)
		}
		if p.query.down = p.take("DESC"); !p.query.down && !p.take("ASC") {
			return nil, errors.New("an order without ASC or DESC is not known")
		}
	}
	if p.at < len(tokens) {
		return nil, fmt.Errorf("%q was not expected", tokens[p.at].text)
	}
	return p.query, nil
}

// tokenPattern matches a quoted text, a sign, or a word.
var tokenPattern = regexp.MustCompile(
	`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[(),]|[=!<>]=?|[^\s"'(),=!<>]+`)

// escaped matches an escaped character of a quoted text.
var escaped = regexp.MustCompile(`\\(.)`)

func tokenize(jql string) ([]token, error) {
	var tokens []token
	rest := tokenPattern.ReplaceAllStringFunc(jql, func(text string) string {
		t := token{text: text}
		if text[0] == '"' || text[0] == '\'' {
			t = token{escaped.ReplaceAllString(text[1:len(text)-1], "$1"), true}
		}
		tokens = append(tokens, t)
		return ""
	})
	if strings.TrimSpace(rest) != "" {
		return nil, errors.New("a quotation is not closed")
	}
	return tokens, nil
}

func (p *parser) is(word string) bool {
	return p.at < len(p.tokens) && !p.tokens[p.at].quoted && strings.EqualFold(p.tokens[p.at].text, word)
}

func (p *parser) take(word string) bool {
	if p.is(word) {
		p.at++
		return true
	}
	return false
}

func (p *parser) next() token {
	if p.at == len(p.tokens) {
		return token{}
	}
	p.at++
	return p.tokens[p.at-1]
}

type condition = func(*index, state) bool

func (p *parser) or() (condition, error) {
	return p.joined("OR", p.and, func(a, b condition) condition {
		return func(x *index, s state) bool { return a(x, s) || b(x, s) }
	})
}

func (p *parser) and() (condition, error) {
	return p.joined("AND", p.clause, func(a, b condition) condition {
		return func(x *index, s state) bool { return a(x, s) && b(x, s) }
	})
}

func (p *parser) joined(word string, part func() (condition, error), join func(a, b condition) condition) (condition,
	error) {
	all, err := part()
	for err == nil && p.take(word) {
		var more condition
		if more, err = part(); err == nil {
			all = join(all, more)
		}
	}
	return all, err
}

func (p *parser) clause() (condition, error) {
	if p.take("(") {
		inner, err := p.or()
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return inner, err
	}
	field := strings.ToLower(p.next().text)
	operator := strings.ToLower(p.next().text)
	switch operator {
	case "in", "=", "!=":
		values, err := p.values(operator == "in")
		if err != nil {
			return nil, err
		}
		return p.equals(field, operator, values)
	case "<", "<=", ">", ">=":
		return p.compares(field, operator)
	case "is":
		if field == "component" && p.take("NOT") && p.take("EMPTY") {
			return func(_ *index, s state) bool { return len(s.Components) > 0 }, nil
		}
		if p.take("EMPTY") && (field == "due" || field == "duedate") {
			return func(_ *index, s state) bool { return s.Due.IsZero() }, nil
		}
	}
	return nil, fmt.Errorf("%s %s is not known", field, operator)
}

// values reads one value, or a list in parentheses. All of them have to be quoted:
// an unquoted word may be a keyword.
func (p *parser) values(list bool) ([]string, error) {
	var values []string
	read := func() error {
		t := p.next()
		if !t.quoted {
			return fmt.Errorf("the value %q is not quoted", t.text)
		}
		values = append(values, t.text)
		return nil
	}
	if !list {
		return values, read()
	}
	if !p.take("(") {
		return nil, errors.New("in without a list")
	}
	for {
		if err := read(); err != nil {
			return nil, err
		}
		if p.take(")") {
			return values, nil
		}
		if !p.take(",") {
			return nil, errors.New("a list is not closed")
		}
	}
}

func (p *parser) equals(field, operator string, values []string) (condition, error) {
	var of func(*index, state) []string
	switch field {
	case "project":
		p.query.projects = append(p.query.projects, values...)
		of = func(_ *index, s state) []string { return []string{project(s.Key)} }
	case "labels":
		of = func(_ *index, s state) []string { return s.labels }
	case "statuscategory":
		names := map[string]string{"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
		of = func(_ *index, s state) []string { return []string{names[s.status.Category]} }
	case "resolution":
		of = func(_ *index, s state) []string {
			if s.resolved.IsZero() {
				return nil
			}
			return []string{cmp.Or(s.Resolution, "Done")}
		}
	case "issuetype":
		of = func(_ *index, s state) []string { return []string{issueType(s.Issue)} }
	case "key", "issuekey":
		of = func(_ *index, s state) []string { return []string{s.Key} }
	case "parent":
		of = func(_ *index, s state) []string { return []string{s.Parent} }
	default:
		return nil, fmt.Errorf("field %q is not known", field)
	}
	want := operator != "!="
	return func(x *index, s state) bool {
		has := slices.ContainsFunc(of(x, s), func(v string) bool {
			return slices.ContainsFunc(values, func(w string) bool { return strings.EqualFold(v, w) })
		})
		return has == want
	}, nil
}

func (p *parser) compares(field, operator string) (condition, error) {
	value := p.next()
	var bound time.Time
	switch {
	case value.quoted:
		at, err := p.instant(value.text)
		if err != nil {
			return nil, err
		}
		// Jira compares by the minute.
		bound = at.Truncate(time.Minute)
		if bound.Before(at) {
			bound = bound.Add(time.Minute)
		}
	case strings.EqualFold(value.text, "startOfDay") && p.take("(") && p.take(")"):
		y, m, d := p.now.In(p.zone).Date()
		bound = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	default:
		return nil, fmt.Errorf("the time %q is not known", value.text)
	}
	var of func(state) time.Time
	switch field {
	case "created":
		of = func(s state) time.Time { return s.Created }
	case "updated":
		of = func(s state) time.Time { return s.updated.Truncate(time.Minute) }
	case "due", "duedate":
		of = func(s state) time.Time { return s.Due }
	default:
		return nil, fmt.Errorf("field %q cannot be compared", field)
	}
	return func(_ *index, s state) bool {
		at := of(s)
		if at.IsZero() {
			return false
		}
		n := at.Compare(bound)
		switch operator {
		case "<":
			return n < 0
		case "<=":
			return n <= 0
		case ">":
			return n > 0
		}
		return n >= 0
	}, nil
}

// instant reads a distance from now such as -20m, or a time, which is in the
// account's time zone.
func (p *parser) instant(text string) (time.Time, error) {
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if len(text) > 2 && text[0] == '-' && units[text[len(text)-1]] > 0 {
		if n, err := strconv.Atoi(text[1 : len(text)-1]); err == nil {
			return p.now.Add(-time.Duration(n) * units[text[len(text)-1]]), nil
		}
	}
	for _, form := range [...]string{"2006-01-02 15:04", "2006/01/02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(form, text, p.zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("the time %q is not known", text)
}

// cachedFind is find with a cache of the last answer.
func (x *index) cachedFind(jql string, q *query, now time.Time) []state {
	key := now.Format(time.RFC3339Nano) + jql
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.query != key {
		x.query, x.found = key, x.find(q, now)
	}
	return x.found
}

// find lists the issues that a query matches, as of a time.
func (x *index) find(q *query, now time.Time) []state {
	var found []state
	for _, i := range x.issues {
		if s, exists := x.at(i, now); exists && q.where(x, s) {
			found = append(found, s)
		}
	}
	if q.order == "updated" {
		slices.SortStableFunc(found, func(a, b state) int { return a.updated.Compare(b.updated) })
	}
	if q.down {
		slices.Reverse(found)
	}
	return found
}

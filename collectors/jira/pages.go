package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	// maxPages bounds a listing, and maxIdle how many of its pages in a row may
	// bring no issue that was not seen before. A server may grant pages of one
	// issue, so that the first bound is far.
	maxPages = 200_000
	maxIdle  = 50
	// maxShifts is how often a listing may change while it is read.
	maxShifts = 20
)

// search is one listing of issues.
type search struct {
	jql       string
	fields    []string
	changelog bool
}

func (a *api) searchCall() string {
	if a.cloud {
		return "GET /rest/api/2/search/jql"
	}
	return "GET /rest/api/2/search"
}

// all calls each with every page of a listing, without the issues that came
// before. The next page follows from the number of issues that came, because a
// server may send fewer than were asked for.
func (a *api) all(ctx context.Context, s search, each func([]json.RawMessage) error) error {
	query := url.Values{"jql": {s.jql}, "fields": {strings.Join(s.fields, ",")}, "maxResults": {strconv.Itoa(a.limit)}}
	if s.changelog {
		query.Set("expand", "changelog")
	}
	seen, idle := keySet{}, 0
	fresh := func(page []json.RawMessage) error {
		var news []json.RawMessage
		for _, raw := range page {
			if id := identity(raw); !seen.has(id) {
				seen.add(id)
				news = append(news, raw)
			}
		}
		if len(news) > 0 {
			idle = 0
			return each(news)
		}
		if idle++; idle == maxIdle {
			return incomplete(a.searchCall(), fmt.Errorf("%d pages without a new issue", idle))
		}
		return nil
	}
	if a.cloud {
		return a.byToken(ctx, query, fresh)
	}
	return a.byOffset(ctx, query, seen, fresh)
}

// byToken walks the pages of Cloud.
func (a *api) byToken(ctx context.Context, query url.Values, each func([]json.RawMessage) error) error {
	call, token := a.searchCall(), ""
	for n := 0; ; n++ {
		if n == maxPages {
			return incomplete(call, fmt.Errorf("no end after %d pages", n))
		}
		body, err := a.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/search/jql", call: call, query: query})
		if err != nil {
			return err
		}
		var page struct {
			Issues *[]json.RawMessage `json:"issues"`
			Token  string             `json:"nextPageToken"`
			IsLast bool               `json:"isLast"`
		}
		if err := json.Unmarshal(body, &page); err != nil || page.Issues == nil {
			return undecodable(call, errors.New(`the answer has no list "issues"`))
		}
		if err := each(*page.Issues); err != nil {
			return err
		}
		if page.IsLast || page.Token == "" {
			return nil
		}
		if page.Token == token {
			return incomplete(call, errors.New("the next page is the same page"))
		}
		token = page.Token
		query.Set("nextPageToken", token)
	}
}

// byOffset walks the pages of Data Center. Issues that leave the listing
// meanwhile, or move to its end, shift the others to the front, so that a page
// would begin after some that were never seen. Each page therefore repeats the
// last issue of the one before: if it does not begin with a known one, the walk
// goes back.
func (a *api) byOffset(ctx context.Context, query url.Values, seen keySet, each func([]json.RawMessage) error) error {
	call, start, shifts := a.searchCall(), 0, 0
	before := 0 // the length of the page before
	for n := 0; ; n++ {
		if n == maxPages {
			return incomplete(call, fmt.Errorf("no end after %d pages", n))
		}
		query.Set("startAt", strconv.Itoa(start))
		body, err := a.ask(ctx, request{method: http.MethodGet, path: "rest/api/2/search", call: call, query: query})
		if err != nil {
			return err
		}
		var page struct {
			Issues *[]json.RawMessage `json:"issues"`
			Start  *int               `json:"startAt"`
			Total  *int               `json:"total"`
		}
		if err := json.Unmarshal(body, &page); err != nil || page.Issues == nil || page.Total == nil {
			return undecodable(call, errors.New(`the answer has no list "issues" with its "total"`))
		}
		if page.Start != nil && *page.Start != start {
			return incomplete(call, fmt.Errorf("asked for the page at %d, the server answers with the one at %d", start,
				*page.Start))
		}
		issues, total := *page.Issues, *page.Total
		if len(issues) == 0 && start < total {
			return incomplete(call, fmt.Errorf("an empty page at %d of %d issues", start, total))
		}
		// A page of one issue repeats none.
		if start > 0 && before > 1 && (len(issues) == 0 || !seen.has(identity(issues[0]))) {
			if shifts++; shifts > maxShifts {
				return incomplete(call, errors.New("the listing changes faster than it can be read"))
			}
			start = max(start-before, 0)
			continue
		}
		if err := each(issues); err != nil {
			return err
		}
		if start+len(issues) >= total {
			return nil
		}
		start += max(len(issues)-1, 1)
		before = len(issues)
	}
}

// identity is what distinguishes an issue from the others of one listing.
func identity(raw json.RawMessage) string {
	var issue struct {
		ID  json.RawMessage `json:"id"`
		Key json.RawMessage `json:"key"`
	}
	if json.Unmarshal(raw, &issue) == nil {
		if len(issue.ID) > 0 {
			return string(issue.ID)
		}
		if len(issue.Key) > 0 {
			return string(issue.Key)
		}
	}
	return string(raw)
}

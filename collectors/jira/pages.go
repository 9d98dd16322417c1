package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// maxPages bounds a listing, and maxIdle how many of its pages in a row may
	// have no new issue. A server may send pages of one issue, so that the first
	// bound is high.
	maxPages = 200_000
	maxIdle  = 50
	// maxShifts is how often a listing may change while it is read.
	maxShifts = 20
)

// search is one query for issues, page by page.
type search struct {
	jql       string
	fields    []string
	changelog bool
	// facts are the names of the facts that the answer is used for.
	facts []string
}

func (s search) request(a *api) request {
	query := url.Values{"jql": {s.jql}, "fields": {strings.Join(s.fields, ",")}, "maxResults": {strconv.Itoa(a.limit)}}
	if s.changelog {
		query.Set("expand", "changelog")
	}
	if a.cloud {
		return request{path: pathSearchCloud, query: query}
	}
	return request{path: pathSearchDataCenter, query: query}
}

// page is one page of any listing. The list of records has the name of what is
// listed; the other fields are those of some listings.
type page struct {
	Issues   *[]json.RawMessage `json:"issues"`
	Logs     *[]json.RawMessage `json:"issueChangeLogs"`
	Projects *[]json.RawMessage `json:"values"`
	Token    string             `json:"nextPageToken"`
	IsLast   bool               `json:"isLast"`
	Start    *int               `json:"startAt"`
	Total    *int               `json:"total"`
}

func (p *page) records() []json.RawMessage { return *cmp.Or(p.Issues, p.Logs, p.Projects) }

// page asks for one page of a listing.
func (a *api) page(ctx context.Context, q request) (*page, error) {
	body, err := a.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	var p page
	if err := json.Unmarshal(body, &p); err != nil || cmp.Or(p.Issues, p.Logs, p.Projects) == nil {
		return nil, collectors.Failed(evidence.ReasonUndecodable, q.call(), "the answer has no list of records")
	}
	return &p, nil
}

// eachPage asks for page after page, until next reports the last one or fails.
// next may change the request for the page after.
func (a *api) eachPage(ctx context.Context, q *request, next func(*page) (last bool, err error)) error {
	for range maxPages {
		p, err := a.page(ctx, *q)
		if err != nil {
			return err
		}
		if last, err := next(p); last || err != nil {
			return err
		}
	}
	return incomplete(q.call(), "no end after %d pages", maxPages)
}

// byToken lists page by page, where the answer has a token for the next page,
// which setToken puts into the request.
func (a *api) byToken(ctx context.Context, q request, setToken func(string), each func([]json.RawMessage) error) error {
	token := ""
	return a.eachPage(ctx, &q, func(p *page) (last bool, err error) {
		if err := each(p.records()); err != nil {
			return false, err
		}
		switch {
		case p.IsLast || p.Token == "":
			return true, nil
		case p.Token == token:
			return false, incomplete(q.call(), "the next page is the same page")
		}
		token = p.Token
		setToken(token)
		return false, nil
	})
}

// all calls each with every page of a search, without the issues that were on an
// earlier page. A server may send shorter pages than were asked for.
func (a *api) all(ctx context.Context, s search, each func([]json.RawMessage) error) error {
	q := s.request(a)
	seen, idle := keySet{}, 0
	onlyNew := func(issues []json.RawMessage) error {
		var fresh []json.RawMessage
		for _, raw := range issues {
			if id := identity(raw); !seen.has(id) {
				seen.add(id)
				fresh = append(fresh, raw)
			}
		}
		if len(fresh) > 0 {
			idle = 0
			return each(fresh)
		}
		if idle++; idle == maxIdle {
			return incomplete(q.call(), "%d pages without a new issue", idle)
		}
		return nil
	}
	if a.cloud {
		return a.byToken(ctx, q, func(token string) { q.query.Set("nextPageToken", token) }, onlyNew)
	}
	return a.byOffset(ctx, q, seen, onlyNew)
}

// byOffset lists the pages of Data Center, which are asked for by the number of
// their first issue. Issues that leave the listing meanwhile, or move to its end,
// shift the others to the front, so that a page would skip some. Each page
// therefore repeats the last issue of the one before: if it does not begin with a
// known one, the page before is asked for again.
func (a *api) byOffset(ctx context.Context, q request, seen keySet, each func([]json.RawMessage) error) error {
	start, previous, shifts := 0, 0, 0 // previous is the length of the page before
	q.query.Set("startAt", "0")
	return a.eachPage(ctx, &q, func(p *page) (last bool, err error) {
		issues := p.records()
		if err := checkOffset(q.call(), p, start); err != nil {
			return false, err
		}
		defer func() { q.query.Set("startAt", strconv.Itoa(start)) }()
		// A page of one issue repeats none.
		if start > 0 && previous > 1 && (len(issues) == 0 || !seen.has(identity(issues[0]))) {
			if shifts++; shifts > maxShifts {
				return false, incomplete(q.call(), "the listing changes faster than it can be read")
			}
			start = max(start-previous, 0)
			return false, nil
		}
		if err := each(issues); err != nil {
			return false, err
		}
		if start+len(issues) >= *p.Total {
			return true, nil
		}
		start += max(len(issues)-1, 1)
		previous = len(issues)
		return false, nil
	})
}

// checkOffset reports what contradicts that the page is the one at start.
func checkOffset(call string, p *page, start int) error {
	switch {
	case p.Total == nil:
		return collectors.Failed(evidence.ReasonUndecodable, call, `the answer has no "total"`)
	case p.Start != nil && *p.Start != start:
		return incomplete(call, "asked for the page at %d, the server answers with the one at %d", start, *p.Start)
	case len(p.records()) == 0 && start < *p.Total:
		return incomplete(call, "an empty page at %d of %d issues", start, *p.Total)
	}
	return nil
}

// identity is what distinguishes an issue from the others of one listing.
func identity(raw json.RawMessage) string {
	var issue struct {
		ID  json.RawMessage `json:"id"`
		Key json.RawMessage `json:"key"`
	}
	if json.Unmarshal(raw, &issue) != nil || len(issue.ID)+len(issue.Key) == 0 {
		return string(raw)
	}
	if len(issue.ID) > 0 {
		return string(issue.ID)
	}
	return string(issue.Key)
}

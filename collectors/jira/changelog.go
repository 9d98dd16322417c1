package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
)

const (
	// mostHistories is how many entries of a changelog Cloud surely delivers
	// with an issue. A longer list may have been cut, without a word of it.
	mostHistories = 40
	// bulkIssues is how many issues one bulk fetch may name.
	bulkIssues = 1000
	// bulkPage is how many entries one page of a bulk fetch is asked for.
	bulkPage = 10000
)

// change is one change of the status, the labels or the assignee.
type change struct {
	at    time.Time
	field string // status, labels or assignee
	// from and to are ids of statuses or people, or labels divided by blanks.
	from, to string
	// fromName and toName are the names of statuses, as they were then.
	fromName, toName string
	// by is the account that did it, byApp says that it is no person.
	by    string
	byApp bool
}

// decodeChangelog reads what expand=changelog brings.
func decodeChangelog(raw json.RawMessage, cloud bool) (changes []change, cut bool, err error) {
	var log *struct {
		Total     int               `json:"total"`
		Histories []json.RawMessage `json:"histories"`
	}
	if err := json.Unmarshal(raw, &log); err != nil {
		return nil, false, fmt.Errorf("changelog: %w", err)
	}
	if log == nil {
		return nil, false, nil
	}
	for _, history := range log.Histories {
		more, err := decodeHistory(history)
		if err != nil {
			return nil, false, fmt.Errorf("changelog: %w", err)
		}
		changes = append(changes, more...)
	}
	inOrder(changes)
	n := len(log.Histories)
	return changes, log.Total > n || cloud && n >= mostHistories, nil
}

// inOrder sorts by time: Cloud lists the newest first, Data Center the oldest.
func inOrder(changes []change) {
	sort.SliceStable(changes, func(a, b int) bool { return changes[a].at.Before(changes[b].at) })
}

// decodeHistory reads one entry: what was changed at once by one account.
func decodeHistory(raw json.RawMessage) ([]change, error) {
	var history struct {
		Created json.RawMessage `json:"created"`
		Author  *person         `json:"author"`
		Items   []struct {
			Field   string  `json:"field"`
			FieldID string  `json:"fieldId"`
			From    *string `json:"from"`
			To      *string `json:"to"`
			FromStr *string `json:"fromString"`
			ToStr   *string `json:"toString"`
		} `json:"items"`
	}
	if err := json.Unmarshal(raw, &history); err != nil {
		return nil, err
	}
	var changes []change
	for _, item := range history.Items {
		c := change{field: strings.ToLower(item.FieldID)}
		if c.field == "" {
			c.field = strings.ToLower(item.Field) // Data Center has no ids
		}
		switch c.field {
		case "status":
			c.from, c.to = text(item.From), text(item.To)
			c.fromName, c.toName = text(item.FromStr), text(item.ToStr)
		case "assignee":
			c.from, c.to = text(item.From), text(item.To)
		case "labels":
			c.from, c.to = text(item.FromStr), text(item.ToStr)
		default:
			continue
		}
		if history.Author != nil {
			c.by, c.byApp = history.Author.id(), history.Author.AccountType == "app"
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	at, err := decodeTime(orNull(history.Created))
	if err == nil && at.IsZero() {
		err = errors.New("a change at no time")
	}
	for i := range changes {
		changes[i].at = at
	}
	return changes, err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// changelogs fetches the whole changelogs of issues by their ids, as far as
// they tell of the status, the labels and the assignee. Only Cloud has this call.
func (a *api) changelogs(ctx context.Context, ids []string) (map[string][]change, error) {
	const call = "POST /rest/api/2/changelog/bulkfetch"
	found := map[string][]change{}
	for start := 0; start < len(ids); start += bulkIssues {
		body := map[string]any{
			"issueIdsOrKeys": ids[start:min(start+bulkIssues, len(ids))],
			"fieldIds":       []string{"status", "labels", "assignee"},
			"maxResults":     bulkPage,
		}
		token := ""
		for n := 0; ; n++ {
			if n == maxPages {
				return nil, incomplete(call, fmt.Errorf("no end after %d pages", n))
			}
			answer, err := a.ask(ctx, request{method: http.MethodPost, path: "rest/api/2/changelog/bulkfetch", call: call, body: body})
			if err != nil {
				return nil, err
			}
			var page struct {
				Logs *[]struct {
					ID        json.RawMessage   `json:"issueId"`
					Histories []json.RawMessage `json:"changeHistories"`
				} `json:"issueChangeLogs"`
				Token string `json:"nextPageToken"`
			}
			if err := json.Unmarshal(answer, &page); err != nil || page.Logs == nil {
				return nil, undecodable(call, errors.New(`the answer has no list "issueChangeLogs"`))
			}
			for _, log := range *page.Logs {
				id := strings.Trim(string(log.ID), `"`)
				for _, raw := range log.Histories {
					changes, err := decodeHistory(raw)
					if err != nil {
						return nil, undecodable(call, err)
					}
					found[id] = append(found[id], changes...)
				}
			}
			if page.Token == "" {
				break
			}
			if page.Token == token {
				return nil, incomplete(call, errors.New("the next page is the same page"))
			}
			token = page.Token
			body["nextPageToken"] = token
		}
	}
	for _, changes := range found {
		inOrder(changes)
	}
	return found, nil
}

// completeLogs fetches what the server may have kept back of the changelogs of the
// issues.
func (r *round) completeLogs(ctx context.Context, issues []*issue) error {
	byID := map[string]*issue{}
	var ids []string
	for _, i := range issues {
		if i.cut && i.id != "" {
			byID[i.id] = i
			ids = append(ids, i.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if r.deployment != Cloud {
		return incomplete("GET /rest/api/2/search", errors.New("the server sends changelogs that are cut short"))
	}
	found, err := r.api.changelogs(ctx, ids)
	if err != nil {
		return err
	}
	for id, i := range byID {
		i.changes, i.cut = found[id], false
	}
	return nil
}

// finished is the change by which the issue came to be done, and whether it is.
// Moves from one done status to another are no new end.
func (r *round) finished(i *issue) (change, bool) {
	if i.category != categoryDone {
		return change{}, false
	}
	return i.stays(func(status, _ string) bool { return status == i.status || r.categories[status] == categoryDone })
}

// stays is the change by which the issue came into those statuses in which it
// has been since, by their ids and names. It must be in one of them.
func (i *issue) stays(in func(status, name string) bool) (change, bool) {
	var since, last *change
	for n := range i.changes {
		c := &i.changes[n]
		if c.field != "status" {
			continue
		}
		if last == nil && in(c.from, c.fromName) {
			since = &change{at: i.created} // it was so from the beginning
		}
		last = c
		switch {
		case !in(c.to, c.toName):
			since = nil
		case since == nil:
			since = c
		}
	}
	switch {
	case since != nil:
		return *since, true
	case last != nil:
		// The status was changed without an entry.
		return *last, true
	case !i.resolved.IsZero():
		return change{at: i.resolved}, true
	}
	return change{at: i.created}, !i.created.IsZero()
}

// labelled is when the label was last added; the creation when it always was
// there.
func labelled(i *issue, label string) time.Time {
	at := i.created
	for _, c := range i.changes {
		if c.labels(label) {
			at = c.at
		}
	}
	return at
}

// labels reports whether the change added the label.
func (c change) labels(label string) bool {
	return c.field == "labels" && holds(c.to, label) && !holds(c.from, label)
}

// holds reports whether a list divided by blanks has the label, in whatever
// case.
func holds(list, label string) bool {
	for l := range strings.FieldsSeq(list) {
		if strings.EqualFold(l, label) {
			return true
		}
	}
	return false
}

func incomplete(call string, err error) error {
	return &collectors.CallError{Reason: collectors.ReasonIncomplete, Call: call, Err: err}
}

func undecodable(call string, err error) error {
	return &collectors.CallError{Reason: collectors.ReasonUndecodable, Call: call, Err: err}
}

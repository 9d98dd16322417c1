package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// maxHistories is how many entries of a changelog Cloud surely delivers
	// with an issue. A longer list may have been cut, without a word of it.
	maxHistories = 40
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
	return changes, log.Total > n || cloud && n >= maxHistories, nil
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

// histories are whole changelogs by the ids of their issues, as far as they are
// of the status, the labels and the assignee.
type histories struct {
	changes map[string][]change
	// answered are the issues that the answer names, with or without such
	// changes, and lost those of whose changelog something could not be read.
	answered map[string]bool
	lost     map[string]error
}

// changelogs fetches whole changelogs, of which fields are the only ones wanted;
// none means all. Only Cloud has this call.
func (a *api) changelogs(ctx context.Context, ids, fields []string) (*histories, error) {
	found := &histories{changes: map[string][]change{}, answered: map[string]bool{}, lost: map[string]error{}}
	for part := range slices.Chunk(ids, bulkIssues) {
		if err := a.bulkFetch(ctx, part, fields, found); err != nil {
			return nil, err
		}
	}
	for _, changes := range found.changes {
		inOrder(changes)
	}
	return found, nil
}

// bulkFetch fetches the changelogs of as many issues as one call may name.
func (a *api) bulkFetch(ctx context.Context, ids, fields []string, found *histories) error {
	const call = "POST /rest/api/2/changelog/bulkfetch"
	body := map[string]any{"issueIdsOrKeys": ids, "maxResults": bulkPage}
	if len(fields) > 0 {
		body["fieldIds"] = fields
	}
	token := ""
	for n := 0; ; n++ {
		if n == maxPages {
			return incomplete(call, fmt.Errorf("no end after %d pages", n))
		}
		answer, err := a.ask(ctx, request{method: http.MethodPost, path: "rest/api/2/changelog/bulkfetch", call: call,
			body: body})
		if err != nil {
			return err
		}
		var page struct {
			Logs  *[]json.RawMessage `json:"issueChangeLogs"`
			Token string             `json:"nextPageToken"`
		}
		if err := json.Unmarshal(answer, &page); err != nil || page.Logs == nil {
			return undecodable(call, errors.New(`the answer has no list "issueChangeLogs"`))
		}
		for _, raw := range *page.Logs {
			found.read(raw, ids)
		}
		if page.Token == "" {
			return nil
		}
		if page.Token == token {
			return incomplete(call, errors.New("the next page is the same page"))
		}
		token = page.Token
		body["nextPageToken"] = token
	}
}

// read reads what a page has of one issue. An entry without a readable issue may
// be of any that was asked for.
func (h *histories) read(raw json.RawMessage, asked []string) {
	var log struct {
		ID        json.RawMessage    `json:"issueId"`
		Histories *[]json.RawMessage `json:"changeHistories"`
	}
	err := json.Unmarshal(raw, &log)
	id := strings.Trim(string(log.ID), `"`)
	if id == "" || id == "null" {
		for _, id := range asked {
			h.lost[id] = errors.New("a changelog that names no issue")
		}
		return
	}
	h.answered[id] = true
	if err != nil || log.Histories == nil {
		h.lost[id] = errors.New(`the changelog has no list "changeHistories"`)
		return
	}
	for _, raw := range *log.Histories {
		changes, err := decodeHistory(raw)
		if err != nil {
			h.lost[id] = fmt.Errorf("changelog: %w", err)
			return
		}
		h.changes[id] = append(h.changes[id], changes...)
	}
}

// fills reports whether the answer has the issue, with no less than is known of it.
func (h *histories) fills(i *issue) bool {
	return h.lost[i.id] != nil || h.answered[i.id] && len(h.changes[i.id]) >= len(i.changes)
}

// completeLogs fetches what the server may have kept back of the changelogs of the
// issues. Those of which it did not come are skipped and lost: what they would
// tell is not known.
func (r *round) completeLogs(ctx context.Context, kind string, issues []*issue) (lost []*issue, err error) {
	lose := func(i *issue, err error) {
		r.skip(kind, i.key, err)
		lost = append(lost, i)
	}
	var asked []*issue
	for _, i := range issues {
		if i.id == "" {
			lose(i, errors.New("the changelog was cut short, and the issue has no id to ask for it"))
			continue
		}
		asked = append(asked, i)
	}
	if len(issues) > 0 && r.deployment != Cloud {
		return nil, incomplete("GET /rest/api/2/search", errors.New("the server sends changelogs that are cut short"))
	}
	// An answer leaves out issues without a change of the fields, just like those
	// that it has lost. Without a choice of fields every one of them has changes.
	for _, fields := range [...][]string{{"status", "labels", "assignee"}, nil} {
		if len(asked) == 0 {
			break
		}
		found, err := r.api.changelogs(ctx, idsOf(asked), fields)
		if err != nil {
			return nil, err
		}
		var left []*issue
		for _, i := range asked {
			switch {
			case !found.fills(i):
				left = append(left, i)
			case found.lost[i.id] != nil:
				lose(i, found.lost[i.id])
			default:
				i.changes, i.cut = found.changes[i.id], false
			}
		}
		asked = left
	}
	for _, i := range asked {
		lose(i, errors.New("the answer lacks its changelog, or a part of it"))
	}
	return lost, nil
}

// idsOf are the ids of issues, each once.
func idsOf(issues []*issue) []string {
	ids := make([]string, len(issues))
	for n, i := range issues {
		ids[n] = i.id
	}
	return unique(ids)
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
	return &collectors.CallError{Reason: evidence.ReasonIncomplete, Call: call, Err: err}
}

func undecodable(call string, err error) error {
	return &collectors.CallError{Reason: evidence.ReasonUndecodable, Call: call, Err: err}
}

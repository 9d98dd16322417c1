package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// maxHistories is how many entries of a changelog Cloud surely sends with an
	// issue. It may have cut a longer list without saying so.
	maxHistories = 40
	// bulkIssues is how many issues one bulk fetch may name.
	bulkIssues = 1000
	// bulkPage is how many entries one page of a bulk fetch is asked for.
	bulkPage = 10000
)

// change is one change of the status, the labels, the assignee, the key, the due date or
// the components.
type change struct {
	at    time.Time
	field string // status, labels, assignee, key, duedate or components
	// from and to are ids of statuses or people, labels separated by blanks, or keys.
	from, to string
	// fromName and toName are the names that the statuses had at that time.
	fromName, toName string
	// by is the account that made the change, byApp that it is not a person's.
	by    string
	byApp bool
	// fault is why the time of a change is not known although the issue says it.
	fault evidence.UncountedReason
}

// decodeChangelog reads what expand=changelog adds to an issue. cut reports
// whether the server may have left entries out.
func decodeChangelog(
	raw json.RawMessage, cloud bool, automation accounts,
) (changes []change, cut bool, err error) {
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
	changes, err = decodeHistories(log.Histories, automation)
	n := len(log.Histories)
	return changes, log.Total > n || cloud && n >= maxHistories, err
}

// decodeHistories reads the entries of a changelog, and sorts the changes by
// time: Cloud lists the newest first, Data Center the oldest.
func decodeHistories(histories []json.RawMessage, automation accounts) ([]change, error) {
	var changes []change
	for _, raw := range histories {
		more, err := decodeHistory(raw, automation)
		if err != nil {
			return nil, fmt.Errorf("changelog: %w", err)
		}
		changes = append(changes, more...)
	}
	sortByTime(changes)
	return changes, nil
}

func sortByTime(changes []change) {
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
}

// decodeHistory reads one entry: what one account changed at one time.
func decodeHistory(raw json.RawMessage, automation accounts) ([]change, error) {
	var history struct {
		Created json.RawMessage `json:"created"`
		Author  person          `json:"author"`
		// A null is decoded to the empty text.
		Items []struct {
			Field    string `json:"field"`
			FieldID  string `json:"fieldId"`
			From     string `json:"from"`
			To       string `json:"to"`
			FromName string `json:"fromString"`
			ToName   string `json:"toString"`
		} `json:"items"`
	}
	if err := json.Unmarshal(raw, &history); err != nil {
		return nil, err
	}
	var changes []change
	byApp := automation.typeOf(history.Author) == typeApp
	for _, item := range history.Items {
		c := change{from: item.From, to: item.To, by: history.Author.id(), byApp: byApp}
		c.field = strings.ToLower(item.FieldID)
		if c.field == "" {
			c.field = strings.ToLower(item.Field) // Data Center has no ids
		}
		switch c.field {
		case "status":
			c.fromName, c.toName = item.FromName, item.ToName
		case "assignee", fieldDue:
		case fieldComponents, "component":
			c.field = fieldComponents
		case "labels", fieldKey:
			c.from, c.to = item.FromName, item.ToName
		default:
			continue
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	at, err := decodeTime(history.Created)
	if err == nil && at.IsZero() {
		err = errors.New("a change without a time")
	}
	for i := range changes {
		changes[i].at = at
	}
	return changes, err
}

// The names of further fields whose changes are read.
const (
	fieldDue        = "duedate"
	fieldComponents = "components"
)

// fieldKey is the name in changelogs of the key, which changes when the issue is moved.
const fieldKey = "key"

// takeFormerKeys takes the changes of the key out of the others, since a fetch of whole
// changelogs does not ask for them.
func (i *issue) takeFormerKeys() {
	i.changes = slices.DeleteFunc(i.changes, func(c change) bool {
		if c.field != fieldKey {
			return false
		}
		if key := clean(strings.TrimSpace(c.from)); key != "" && key != clean(i.key) {
			i.formerKeys = append(i.formerKeys, key)
		}
		return true
	})
	i.formerKeys = unique(i.formerKeys)
}

// histories are whole changelogs by the ids of their issues, as far as they are
// about the fields of a change.
type histories struct {
	changes map[string][]change
	// answered are the issues that the answer names, with or without such changes.
	// undecodable are those whose changelog could not be read.
	answered    map[string]bool
	undecodable map[string]error
}

// changelogs fetches whole changelogs. fields are the only ones wanted; none means
// all. Only Cloud has this call.
func (a *api) changelogs(ctx context.Context, ids, fields []string) (*histories, error) {
	found := &histories{changes: map[string][]change{}, answered: map[string]bool{}, undecodable: map[string]error{}}
	for part := range slices.Chunk(ids, bulkIssues) {
		body := map[string]any{"issueIdsOrKeys": part, "maxResults": bulkPage}
		if len(fields) > 0 {
			body["fieldIds"] = fields
		}
		next := func(token string) { body["nextPageToken"] = token }
		err := a.byToken(ctx, request{path: pathBulkFetch, body: body}, next, func(logs []json.RawMessage) error {
			for _, raw := range logs {
				found.read(raw, part, a.automation)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, changes := range found.changes {
		sortByTime(changes)
	}
	return found, nil
}

// read reads what a page has of one issue. An entry without a readable issue may
// belong to any that was asked for.
func (h *histories) read(raw json.RawMessage, asked []string, automation accounts) {
	var log struct {
		ID        json.RawMessage    `json:"issueId"`
		Histories *[]json.RawMessage `json:"changeHistories"`
	}
	err := json.Unmarshal(raw, &log)
	id := issueID(log.ID)
	if id == "" {
		for _, id := range asked {
			h.undecodable[id] = errors.New("a changelog that names no issue")
		}
		return
	}
	h.answered[id] = true
	if err != nil || log.Histories == nil {
		h.undecodable[id] = errors.New(`the changelog has no list "changeHistories"`)
		return
	}
	changes, err := decodeHistories(*log.Histories, automation)
	if err != nil {
		h.undecodable[id] = err
		return
	}
	h.changes[id] = append(h.changes[id], changes...)
}

// has reports whether the answer has the issue, with at least the changes that
// are known of it.
func (h *histories) has(i *issue) bool {
	return h.undecodable[i.id] != nil || h.answered[i.id] && len(h.changes[i.id]) >= len(i.changes)
}

// completeLogs fetches the whole changelogs of issues whose own may be cut. It
// skips and returns those whose changelog did not come: what it would say is
// unknown.
func (r *round) completeLogs(ctx context.Context, kind string, issues []*issue) (incompleteLogs []*issue, err error) {
	if len(issues) > 0 && r.deployment != Cloud {
		return nil, incomplete(request{path: pathSearchDataCenter}.call(), "the server sends changelogs that are cut short")
	}
	giveUp := func(i *issue, err error) {
		r.skip(kind, i.key, err)
		incompleteLogs = append(incompleteLogs, i)
	}
	var asked []*issue
	for _, i := range issues {
		if i.id == "" {
			giveUp(i, errors.New("the changelog was cut short, and the issue has no id to ask for it"))
			continue
		}
		asked = append(asked, i)
	}
	// An answer leaves out issues without a change of the fields, and those that it
	// has lost. Without a choice of fields every issue has changes.
	for _, fields := range [...][]string{{"status", "labels", "assignee", fieldDue, fieldComponents}, nil} {
		if len(asked) == 0 {
			break
		}
		found, err := r.api.changelogs(ctx, unique(mapSlice(asked, func(i *issue) string { return i.id })), fields)
		if err != nil {
			return nil, err
		}
		var left []*issue
		for _, i := range asked {
			switch {
			case !found.has(i):
				left = append(left, i)
			case found.undecodable[i.id] != nil:
				giveUp(i, found.undecodable[i.id])
			default:
				i.changes, i.cut = found.changes[i.id], false
				i.takeFormerKeys()
			}
		}
		asked = left
	}
	for _, i := range asked {
		giveUp(i, errors.New("the answer lacks its changelog, or a part of it"))
	}
	return incompleteLogs, nil
}

// labelAdded is when the label was last added: the creation if it always was
// there.
func (i *issue) labelAdded(label string) time.Time {
	at := i.created
	for _, c := range i.changes {
		if c.adds(label) {
			at = c.at
		}
	}
	return at
}

// adds reports whether the change added the label.
func (c change) adds(label string) bool {
	return c.field == "labels" && hasLabel(c.to, label) && !hasLabel(c.from, label)
}

// hasLabel reports whether a list separated by blanks has the label, in any case.
func hasLabel(list, label string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(l string) bool { return strings.EqualFold(l, label) })
}

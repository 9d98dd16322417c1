package jira

import (
	"encoding/json"
	"regexp"
	"strings"
)

// address matches web addresses in plain text and in wiki markup, where they are
// written as [title|https://…].
var address = regexp.MustCompile(`https?://[^\s<>"'|\]\[(){}\\^` + "`" + `]+`)

// pagerDutyIncident matches the address of an incident in PagerDuty, with its id.
var pagerDutyIncident = regexp.MustCompile(`^https?://(?:[A-Za-z0-9-]+\.)*pagerduty\.com/incidents/([A-Z0-9]{6,40})`)

// texts are the pieces of text of a value, in their order: a plain or wiki text
// is one, and a document in the Atlassian Document Format has many, with the
// addresses of its links and cards among them. Any other value has none.
func texts(raw json.RawMessage) []string {
	var found []string
	var add func(v any)
	add = func(v any) {
		switch v := v.(type) {
		case string:
			found = append(found, v)
		case map[string]any:
			if text, ok := v["text"].(string); ok {
				found = append(found, text)
			}
			for _, name := range [...]string{"attrs", "marks"} {
				walkLinks(v[name], &found)
			}
			for _, name := range [...]string{"value", "name", "key", "url", "content"} {
				eachIn(v[name], add)
			}
		}
	}
	eachIn(decoded(raw), add)
	return found
}

// decoded is the value of a field; nil for none, and for one that cannot be decoded.
func decoded(raw json.RawMessage) any {
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return nil
	}
	return value
}

// eachIn calls each with a value, or with those of a list and of the lists in it.
func eachIn(v any, each func(any)) {
	list, isList := v.([]any)
	if !isList {
		each(v)
	}
	for _, part := range list {
		eachIn(part, each)
	}
}

// walkLinks adds the addresses in attributes and marks of a document's node.
func walkLinks(v any, found *[]string) {
	eachIn(v, func(v any) {
		attributes, _ := v.(map[string]any) // anything else has no attributes
		for _, name := range [...]string{"href", "url"} {
			if link, ok := attributes[name].(string); ok {
				*found = append(*found, link)
			}
		}
		if more, ok := attributes["attrs"]; ok {
			walkLinks(more, found)
		}
	})
}

// urls are the web addresses in a value.
func urls(raw json.RawMessage) []string {
	var found []string
	for _, text := range texts(raw) {
		for _, url := range address.FindAllString(text, -1) {
			if url = strings.TrimRight(url, ".,;:!?*_"); !strings.HasSuffix(url, "://") {
				found = append(found, url)
			}
		}
	}
	return found
}

// firstURL is the first web address in a value; empty when there is none.
func firstURL(raw json.RawMessage) string {
	if all := urls(raw); len(all) > 0 {
		return all[0]
	}
	return ""
}

// words are the values of a field that holds one or several: text, a choice, a
// list of either. Plain text may hold several, divided by commas.
func words(raw json.RawMessage) []string {
	var found []string
	eachIn(decoded(raw), func(v any) {
		switch v := v.(type) {
		case string:
			for part := range strings.SplitSeq(v, ",") {
				if part = strings.TrimSpace(part); part != "" {
					found = append(found, part)
				}
			}
		case float64:
			if text, err := json.Marshal(v); err == nil {
				found = append(found, string(text))
			}
		case map[string]any:
			for _, name := range [...]string{"value", "name", "key"} {
				if text, ok := v[name].(string); ok && text != "" {
					found = append(found, text)
					return
				}
			}
		}
	})
	return found
}

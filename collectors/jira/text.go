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
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return nil
	}
	var found []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			found = append(found, v)
		case []any:
			for _, part := range v {
				walk(part)
			}
		case map[string]any:
			if text, ok := v["text"].(string); ok {
				found = append(found, text)
			}
			for _, name := range [...]string{"attrs", "marks"} {
				walkLinks(v[name], &found)
			}
			for _, name := range [...]string{"value", "name", "key", "url", "content"} {
				walk(v[name])
			}
		}
	}
	walk(value)
	return found
}

// walkLinks adds the addresses in attributes and marks of a document's node.
func walkLinks(v any, found *[]string) {
	switch v := v.(type) {
	case []any:
		for _, mark := range v {
			walkLinks(mark, found)
		}
	case map[string]any:
		for _, name := range [...]string{"href", "url"} {
			if link, ok := v[name].(string); ok {
				*found = append(*found, link)
			}
		}
		walkLinks(v["attrs"], found)
	}
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
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return nil
	}
	var found []string
	var walk func(v any)
	walk = func(v any) {
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
		case []any:
			for _, part := range v {
				walk(part)
			}
		case map[string]any:
			for _, name := range [...]string{"value", "name", "key"} {
				if text, ok := v[name].(string); ok && text != "" {
					found = append(found, text)
					return
				}
			}
		}
	}
	walk(value)
	return found
}

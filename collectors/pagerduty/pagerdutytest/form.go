package pagerdutytest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prodready/collector/collectors/sourcetest/fault"
)

// Form is how the vendor's requests and answers look.
func Form() fault.Form {
	return fault.Form{
		Refusal: func(status int, messages []string) (contentType, body string) {
			message := http.StatusText(status)
			if len(messages) > 0 {
				message = strings.Join(messages, " ")
			}
			r := (&refusal{status: status, code: 2000, message: message}).response(nil)
			return "application/json", string(r.body)
		},
		List:  func(call string) string { return endpoints[call].list },
		Limit: []string{"limit"}, Page: []string{"offset", "limit", "cursor", "after"},
		More: func(call string, answer map[string]any) {
			if field := endpoints[call].nextField(); field != "" {
				answer[field] = toCursor(0)
			} else {
				answer["more"] = true
			}
		},
		Next: nextRequest,
	}
}

// nextField is the field of the answer that says where the next page of a
// listing begins that is paged by a cursor; empty for others.
func (e endpoint) nextField() string {
	switch e.cursor {
	case "":
		return ""
	case "after":
		return "after"
	}
	return "next_cursor"
}

func nextRequest(call string, r *http.Request, answer map[string]any) *http.Request {
	e := endpoints[call]
	query := r.URL.Query()
	if field := e.nextField(); field != "" {
		next, _ := answer[field].(string)
		if next == "" {
			return nil
		}
		query.Set(e.cursor, next)
	} else {
		records, _ := answer[e.list].([]any)
		if more, _ := answer["more"].(bool); !more {
			return nil
		}
		offset, _ := strconv.Atoi(query.Get("offset"))
		query.Set("offset", strconv.Itoa(offset+len(records)))
	}
	next := r.Clone(r.Context())
	next.URL.RawQuery = query.Encode()
	return next
}

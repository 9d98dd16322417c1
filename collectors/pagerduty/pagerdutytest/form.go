package pagerdutytest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prodready/collector/internal/fault"
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
		List:  func(call string) string { return endpoints()[call].list },
		Limit: []string{"limit"}, Page: []string{"offset", "limit", "cursor", "after"},
		More: func(call string, answer map[string]any) {
			e := endpoints()[call]
			if field := e.nextField(); field != "" {
				answer[field] = toCursor(0)
			}
			if e.cursor == "" || e.more {
				answer["more"] = true
			}
		},
		Next: nextRequest,
		Shift: func(_ string, r *http.Request) *http.Request {
			offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
			if offset == 0 {
				return nil
			}
			return withQuery(r, "offset", strconv.Itoa(offset-1))
		},
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
	e := endpoints()[call]
	if field := e.nextField(); field != "" {
		next, _ := answer[field].(string)
		if next == "" {
			return nil
		}
		return withQuery(r, e.cursor, next)
	}
	records, _ := answer[e.list].([]any)
	if more, _ := answer["more"].(bool); !more {
		return nil
	}
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	return withQuery(r, "offset", strconv.Itoa(offset+len(records)))
}

// withQuery is the request with another value of a parameter.
func withQuery(r *http.Request, name, value string) *http.Request {
	copied := r.Clone(r.Context())
	query := r.URL.Query()
	query.Set(name, value)
	copied.URL.RawQuery = query.Encode()
	return copied
}

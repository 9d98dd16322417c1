package jiratest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prodready/collector/internal/fault"
)

// endless is the token of the page after the last, where a fault announces one.
const endless = "more"

// Form describes the vendor's requests and answers, of a site without a context
// path.
func Form() fault.Form {
	return fault.Form{
		Call: func(r *http.Request) string {
			path := r.URL.Path
			if strings.HasPrefix(path, "/rest/api/2/issue/") && strings.HasSuffix(path, "/remotelink") {
				path = "/rest/api/2/issue/{id}/remotelink"
			}
			return r.Method + " " + path
		},
		Refusal: func(status int, messages []string) (contentType, body string) {
			if messages == nil {
				messages = []string{http.StatusText(status)}
			}
			r := (&refusal{status: status, messages: messages}).response(nil)
			return "application/json;charset=UTF-8", string(r.body)
		},
		List: func(call string) string {
			switch call {
			case "GET /rest/api/2/search", "GET /rest/api/2/search/jql":
				return "issues"
			case "POST /rest/api/2/changelog/bulkfetch":
				return "issueChangeLogs"
			case "GET /rest/api/2/status", "GET /rest/api/2/issue/{id}/remotelink":
				return "."
			}
			return ""
		},
		Limit: []string{"maxResults"}, Page: []string{"startAt", "nextPageToken"},
		More: func(_ string, answer map[string]any) {
			if _, offset := answer["total"]; offset {
				answer["total"] = 1 << 20
			} else {
				answer["isLast"], answer["nextPageToken"] = false, endless
			}
		},
		Next: nextRequest,
		Shift: func(_ string, r *http.Request) *http.Request {
			start, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
			if start == 0 {
				return nil
			}
			return withQuery(r, "startAt", strconv.Itoa(start-1))
		},
	}
}

func nextRequest(_ string, r *http.Request, answer map[string]any) *http.Request {
	issues, _ := answer["issues"].([]any)
	if total, ok := answer["total"].(float64); ok {
		start, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
		if start += len(issues); start >= int(total) {
			return nil
		}
		return withQuery(r, "startAt", strconv.Itoa(start))
	}
	token, _ := answer["nextPageToken"].(string)
	if token == "" {
		return nil
	}
	return withQuery(r, "nextPageToken", token)
}

// withQuery is the request with another value of a parameter.
func withQuery(r *http.Request, name, value string) *http.Request {
	copied := r.Clone(r.Context())
	query := r.URL.Query()
	query.Set(name, value)
	copied.URL.RawQuery = query.Encode()
	return copied
}

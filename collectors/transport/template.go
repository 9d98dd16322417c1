package transport

import (
	"net/http"
	"strings"
)

// DefaultTemplate is the method and the path with every segment that holds a
// digit replaced by {id}, except versions such as 2 or v1.
func DefaultTemplate(req *http.Request) string {
	segments := strings.Split(req.URL.Path, "/")
	for i, s := range segments {
		if strings.ContainsAny(s, "0123456789") && !isVersion(s) {
			segments[i] = "{id}"
		}
	}
	return req.Method + " " + strings.Join(segments, "/")
}

func isVersion(segment string) bool {
	digits := strings.TrimPrefix(segment, "v")
	return len(digits) >= 1 && len(digits) <= 2 && strings.Trim(digits, "0123456789") == ""
}

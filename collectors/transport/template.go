package transport

import (
	"net/http"
	"net/url"
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

// TemplateBelow is DefaultTemplate of the path from root on, for upstreams that
// may be behind a path prefix. The segment after the one called parent is
// replaced by name.
func TemplateBelow(req *http.Request, root, parent, name string) string {
	path := req.URL.Path
	if at := strings.LastIndex(path, root); at >= 0 {
		path = path[at:]
	}
	segments := strings.Split(path, "/")
	for i := 1; i < len(segments); i++ {
		if segments[i-1] == parent {
			segments[i] = name
		}
	}
	return DefaultTemplate(&http.Request{Method: req.Method, URL: &url.URL{Path: strings.Join(segments, "/")}})
}

func isVersion(segment string) bool {
	digits := strings.TrimPrefix(segment, "v")
	return len(digits) >= 1 && len(digits) <= 2 && strings.Trim(digits, "0123456789") == ""
}

// IsAddress reports whether text is the address of a web server, without
// parameters.
func IsAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.RawQuery == ""
}

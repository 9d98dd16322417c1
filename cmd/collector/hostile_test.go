package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// hostile is PagerDuty, Jira, Prometheus, a token endpoint and a proxy at once.
// Whatever it is asked it fails in the way of the mode, and sends back all that
// it was sent.
type hostile struct {
	*httptest.Server
	other *httptest.Server // where redirects lead

	mu     sync.Mutex
	mode   string
	seen   map[string]map[string]bool // sources by mode
	tokens bool                       // the token endpoint gives tokens
	stolen []string
}

// issuedToken is the access token that the token endpoint gives out.
const issuedToken = "issued-access-s3cret/token+9"

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{mode: "404", seen: map[string]map[string]bool{}, tokens: true}
	h.other = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.stolen = append(h.stolen, fmt.Sprint(r.URL, r.Header))
	}))
	t.Cleanup(h.other.Close)
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// play changes what the server does.
func (h *hostile) play(mode string, tokens bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mode, h.tokens = mode, tokens
}

// asked lists the sources that met the mode.
func (h *hostile) asked(mode string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.seen[mode])
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	mode, tokens := h.mode, h.tokens
	if h.seen[mode] == nil {
		h.seen[mode] = map[string]bool{}
	}
	// Each source has a path of its own; the one behind the proxy has a host.
	source, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	h.seen[mode][r.URL.Host+source] = true
	h.mu.Unlock()

	credential := r.Header.Get("Authorization")
	_, bare, _ := strings.Cut(credential, " ")
	_, password, _ := r.BasicAuth()
	plain := fmt.Sprint(r.Method, r.URL, r.Header, string(body))
	all := strings.Join(
		[]string{plain, bare, strings.TrimPrefix(bare, "token="), password, base64.StdEncoding.EncodeToString([]byte(plain))},
		" ",
	)
	if strings.HasSuffix(r.URL.Path, "/oauth/token") && tokens {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": issuedToken, "token_type": "bearer", "expires_in": 1})
		return
	}
	status := http.StatusOK
	switch mode {
	case "reset":
		panic(http.ErrAbortHandler)
	case "no protocol":
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = fmt.Fprintf(conn, "%s\r\n\r\n", credential+" "+r.Header.Get("X-Api-Key"))
			_ = conn.Close()
		}
		return
	case "elsewhere":
		http.Redirect(w, r, h.other.URL+"/?sent="+url.QueryEscape(credential), http.StatusFound)
		return
	case "a page":
		w.Header().Set("Content-Type", "text/html; echo="+bare)
		_, _ = io.WriteString(w, "<html>"+all+"</html>")
		return
	case "garbage":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, all)
		return
	case "an error in a 200":
	default:
		_, _ = fmt.Sscan(mode, &status)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "0")
	w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATION_DENIED "+bare)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(inTheirWords(r.URL.Path, all))
}

// inTheirWords is an error object as the vendor writes it.
func inTheirWords(path, text string) any {
	switch {
	case strings.Contains(path, "/api/v1/"):
		return map[string]any{"status": "error", "errorType": "bad_data", "error": text, "warnings": []string{text}}
	case strings.Contains(path, "/rest/"):
		return map[string]any{"errorMessages": []string{text}, "errors": map[string]string{"jql": text}, "message": text}
	case strings.Contains(path, "/oauth/"):
		return map[string]any{"error": text, "error_description": text, "error_uri": text}
	}
	return map[string]any{"error": map[string]any{"code": 2001, "message": text, "errors": []string{text}}}
}

// secretForms are the ways that a secret may be written.
func secretForms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	return []string{
		secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), html.EscapeString(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
}

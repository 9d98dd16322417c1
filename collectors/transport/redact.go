package transport

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/config"
)

const (
	// redacted replaces a secret.
	redacted = "<secret>"
	// minSecret is the length of the shortest secret that is replaced in a failure,
	// and minInData in a good answer, in which a password such as "prometheus" may be
	// an ordinary word.
	minSecret, minInData = 4, 12
)

// secretHeaders are those whose values are secrets, beside the configured ones.
var secretHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// headersOf are the names of all headers that carry secrets.
func headersOf(client config.HTTPClientConfig) []string {
	names := slices.Clone(secretHeaders)
	if client.HTTPHeaders != nil {
		for name, header := range client.HTTPHeaders.Headers {
			if len(header.Secrets) > 0 || len(header.Files) > 0 {
				names = append(names, http.CanonicalHeaderKey(name))
			}
		}
	}
	return names
}

// proxySecrets are the credentials in the addresses of proxies.
func proxySecrets(client config.HTTPClientConfig) []string {
	var found []string
	add := func(u *url.URL) {
		if u == nil || u.User == nil {
			return
		}
		found = append(found, u.User.String())
		if password, set := u.User.Password(); set {
			found = append(found, password, u.User.Username()+":"+password)
		}
	}
	add(client.ProxyURL.URL)
	if client.ProxyFromEnvironment {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			if u, err := url.Parse(os.Getenv(name)); err == nil {
				add(u)
			}
		}
	}
	return found
}

// wire records the secrets that one attempt sends, so that they are removed from
// what the server sends back.
type wire struct {
	names []string

	mu      sync.Mutex
	secrets []string
}

func (c *chain) wire() *wire { return &wire{names: c.secretHeaders, secrets: slices.Clone(c.secrets)} }

// trace records the headers that are written, because only there those of all
// layers are known.
func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{WroteHeaderField: func(key string, values []string) {
		if !slices.Contains(w.names, http.CanonicalHeaderKey(key)) {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, value := range values {
			w.secrets = append(w.secrets, partsOf(value)...)
		}
	}}
}

// partsOf are the texts in the value of a header that reveal a credential.
func partsOf(value string) []string {
	parts := []string{value}
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok {
		return parts
	}
	parts = append(parts, rest)
	if key, found := strings.CutPrefix(rest, "token="); found {
		parts = append(parts, key)
	}
	if strings.EqualFold(scheme, "Basic") {
		if plain, err := base64.StdEncoding.DecodeString(rest); err == nil {
			parts = append(parts, string(plain))
			if _, password, found := strings.Cut(string(plain), ":"); found {
				parts = append(parts, password)
			}
		}
	}
	return parts
}

// forms are the ways that secrets of at least so many bytes may be written,
// longest first.
func (w *wire) forms(shortest int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var forms []string
	for _, secret := range w.secrets {
		if len(secret) < shortest {
			continue
		}
		quoted, _ := json.Marshal(secret)
		forms = append(forms, secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), html.EscapeString(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)))
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(forms)
}

// answer removes the secrets from an answer.
func (w *wire) answer(resp *http.Response, body []byte) []byte {
	shortest := minSecret
	if resp.StatusCode < 300 {
		shortest = minInData
	}
	for _, form := range w.forms(shortest) {
		if bytes.Contains(body, []byte(form)) {
			body = bytes.ReplaceAll(body, []byte(form), []byte(redacted))
		}
		resp.Status = strings.ReplaceAll(resp.Status, form, redacted)
		for _, values := range resp.Header {
			for i := range values {
				values[i] = strings.ReplaceAll(values[i], form, redacted)
			}
		}
	}
	return body
}

// failure removes the secrets from an error, which may quote the server.
func (w *wire) failure(err error) error {
	text := err.Error()
	clean := text
	for _, form := range w.forms(minSecret) {
		clean = strings.ReplaceAll(clean, form, redacted)
	}
	if clean == text {
		return err
	}
	return &scrubbed{text: clean, err: err}
}

// scrubbed is an error whose text had a secret.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string { return e.text }

// Unwrap returns the error for its kind; its text must not be shown.
func (e *scrubbed) Unwrap() error { return e.err }

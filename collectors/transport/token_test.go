package transport_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/collectors/transport"
)

// issuer is a fake token endpoint. It knows one app and gives out tokens that
// are numbered.
type issuer struct {
	*httptest.Server

	mu       sync.Mutex
	secret   string
	inBody   bool
	lifetime int
	answer   func(w http.ResponseWriter, r *http.Request) bool // true when it did
	asked    []string
	valid    string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{secret: "first-secret", inBody: true, lifetime: 3600}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.asked = append(i.asked, r.PostFormValue("scope"))
		if i.answer != nil && i.answer(w, r) {
			return
		}
		id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
		if !i.inBody {
			id, secret, _ = r.BasicAuth()
		}
		if r.Method != http.MethodPost || r.URL.Path != "/oauth/token" ||
			r.PostFormValue("grant_type") != "client_credentials" {
			t.Errorf("a token is asked for by %s %s %v", r.Method, r.URL, r.PostForm)
		}
		w.Header().Set("Content-Type", "application/json")
		if id != "app" || secret != i.secret {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"error":"invalid_client","error_description":"no app %s with %s"}`, id, secret)
			return
		}
		i.valid = fmt.Sprintf("token-%d", len(i.asked))
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":%d,"scope":"x"}`, i.valid, i.lifetime)
	}))
	t.Cleanup(i.Close)
	return i
}

// guarded answers only those who show the token that was given out last.
func (i *issuer) guarded(rw http.ResponseWriter, r *http.Request, _ int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.valid == "" || r.Header.Get("Authorization") != "Bearer "+i.valid {
		rw.WriteHeader(http.StatusUnauthorized)
	}
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.asked)
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// oauth is a client of the app whose secret is in a file.
func (i *issuer) oauth(t *testing.T) (transport.Config, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("first-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return transport.Config{TokenInBody: i.inBody, HTTP: config.HTTPClientConfig{OAuth2: &config.OAuth2{
		ClientID: "app", ClientSecretFile: file, TokenURL: i.URL + "/oauth/token",
		Scopes: []string{"as_account-us.shop", "services.read"},
	}}}, file
}

func TestTokensAreGotKeptAndRenewed(t *testing.T) {
	i := newIssuer(t)
	cfg, file := i.oauth(t)
	w := start(t, cfg, i.guarded)
	ask := func(want string, tokens int) {
		t.Helper()
		if got := w.get(t, t.Context(), "/services"); got != want || i.count() != tokens {
			t.Errorf("got %s with %d tokens asked for, want %s with %d", got, i.count(), want, tokens)
		}
	}
	ask("200", 1)
	ask("200", 1)
	if i.asked[0] != "as_account-us.shop services.read" {
		t.Errorf("asked for the scope %q", i.asked[0])
	}
	w.advance(58 * time.Minute)
	ask("200", 1)
	w.advance(90 * time.Second) // the last minute is not used
	ask("200", 2)
	// Taken back before its time.
	i.set(func() { i.valid = "another" })
	w.advance(time.Minute)
	ask("200", 3)
	// The secret is rotated: the token lasts, and the next comes with the new one.
	i.set(func() { i.secret = "second-secret" })
	if err := os.WriteFile(file, []byte("second-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask("200", 3)
	w.advance(time.Hour)
	ask("200", 4)
	var calls []string
	for _, o := range w.seen {
		calls = append(calls, o.Call+" "+o.Outcome)
	}
	if got, want := strings.Join(
		calls, ", ",
	), "POST /oauth/token ok, GET /services ok, GET /services ok, GET /services ok, "+
		"POST /oauth/token ok, GET /services ok, GET /services unauthorized, POST /oauth/token ok, GET /services ok, "+
		"GET /services ok, POST /oauth/token ok, GET /services ok"; got != want {
		t.Errorf("measured\n%s\nwant\n%s", got, want)
	}
}

func TestATokenThatNeverIsAcceptedIsNotAskedForAgain(t *testing.T) {
	i := newIssuer(t)
	cfg, _ := i.oauth(t)
	w := start(t, cfg, func(rw http.ResponseWriter, _ *http.Request, _ int) { rw.WriteHeader(http.StatusUnauthorized) })
	for range 5 {
		if got := w.get(t, t.Context(), "/services"); got != "401" {
			t.Errorf("got %s", got)
		}
	}
	if i.count() != 1 || len(w.requests) != 5 {
		t.Errorf("%d tokens for %d requests, want 1 for 5", i.count(), len(w.requests))
	}
	// Later it may have been taken back: one more, once for each call.
	w.advance(time.Minute)
	w.get(t, t.Context(), "/services")
	if i.count() != 2 || len(w.requests) != 7 {
		t.Errorf("%d tokens for %d requests, want 2 for 7", i.count(), len(w.requests))
	}
}

func TestTokenEndpointsThatDoNotGive(t *testing.T) {
	say := func(status int, kind, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			// What was sent comes back.
			_, _ = fmt.Fprintf(w, body, r.PostFormValue("client_secret"))
			return true
		}
	}
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   string
		asked  int
	}{
		"refuses the app": {
			say(401, "application/json", `{"error":"invalid_client","error_description":%q}`), "unauthorized", 1,
		},
		"refuses with a 400": {
			say(400, "application/json", `{"error":"invalid_client","error_description":%q}`), "unauthorized", 1,
		},
		"refuses with a 200": {
			say(200, "application/json", `{"error":"access_denied","error_description":%q}`), "unauthorized", 1,
		},
		"refuses the scope": {
			say(400, "application/json", `{"error":"invalid_scope","error_description":%q}`), "forbidden", 1,
		},
		"refuses the request":  {say(400, "application/json", `{"error":"invalid_request","error_uri":%q}`), "rejected", 1},
		"says something else":  {say(403, "text/html", "<h1>%s</h1>"), "forbidden", 1},
		"wants less":           {say(429, "application/json", `{"error":%q}`), "rate_limited", 4},
		"is broken":            {say(500, "text/plain", "oops %s"), "server_error", 4},
		"answers with a page":  {say(200, "text/html", "<h1>%s</h1>"), "undecodable", 1},
		"answers with nothing": {say(200, "application/json", `{"scope":%q}`), "undecodable", 1},
		"answers with no header": {
			say(200, "application/json", `{"access_token":"a\nb%s","token_type":"bearer"}`), "undecodable", 1,
		},
		"gives what is over": {
			say(200, "application/json", `{"access_token":%q,"token_type":"bearer","expires_in":-5}`), "undecodable", 1,
		},
		"sends elsewhere": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
			return true
		}, "undecodable", 1},
		"resets the connection": {
			func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, "unreachable", 4,
		},
		"is too slow": {
			func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }, "timeout", 2,
		},
		"answers without an end": {
			func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write(make([]byte, 2<<20)); return true }, "too_large",
			1,
		},
		"answers with half of it": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "99")
			_, _ = w.Write([]byte("{"))
			return true
		}, "unreachable", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // one of them waits
			i := newIssuer(t)
			i.answer = tc.answer
			cfg, _ := i.oauth(t)
			if tc.want == "timeout" {
				cfg.Timeout = 2 * time.Second
			}
			w := start(t, cfg, i.guarded)
			for range 3 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/services", nil)
				if err != nil {
					t.Fatal(err)
				}
				_, err = w.client.Do(req)
				text := fmt.Sprintf("%v %+v", err, err)
				if err == nil || strings.Contains(text, "first-secret") ||
					strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("first-secret"))) {
					t.Errorf("error: %s", text)
				}
				if !strings.Contains(text, "POST /oauth/token: "+tc.want) {
					t.Errorf("error: %s, want the reason %s of the token endpoint", text, tc.want)
				}
			}
			if len(w.requests) != 0 || i.count() != tc.asked {
				t.Errorf(
					"%d calls without a token, and %d tokens asked for by three of them, want 0 and %d", len(w.requests), i.count(),
					tc.asked,
				)
			}
			if o := w.seen[0]; o.Call != "POST /oauth/token" {
				t.Errorf("observed %+v", o)
			}
			i.set(func() { i.answer = nil })
			w.advance(2 * time.Minute)
			if got := w.get(t, t.Context(), "/services"); got != "200" {
				t.Errorf("when it gives again: %s", got)
			}
		})
	}
}

func TestTheSecretOfAnAppInTheHeader(t *testing.T) {
	i := newIssuer(t)
	i.inBody = false
	cfg, file := i.oauth(t)
	w := start(t, cfg, i.guarded)
	if got := w.get(t, t.Context(), "/x"); got != "200" || i.count() != 1 {
		t.Errorf("got %s after %d tokens", got, i.count())
	}
	t.Run("the file is gone", func(t *testing.T) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		w.advance(2 * time.Hour)
		if got := w.get(t, t.Context(), "/x"); got != "unauthorized" || i.count() != 1 {
			t.Errorf("got %s after %d tokens", got, i.count())
		}
	})
}

func TestWaitingForATokenCanBeGivenUp(t *testing.T) {
	i := newIssuer(t)
	i.answer = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	cfg, _ := i.oauth(t)
	w := start(t, cfg, i.guarded)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if got := w.get(t, ctx, "/x"); got != "timeout" {
		t.Errorf("got %s", got)
	}
	i.set(func() { i.answer = nil })
	if got := w.get(t, t.Context(), "/x"); got != "200" {
		t.Errorf("the next call: %s; that one gave up is no refusal", got)
	}
}

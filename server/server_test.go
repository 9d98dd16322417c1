package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/snapshot"
)

func TestProbes(t *testing.T) {
	var current atomic.Pointer[snapshot.Snapshot]
	o := options(nil)
	o.Current = current.Load
	overdue := false
	o.Overdue = func() bool { return overdue }
	h := newServer(t, o).Handler()

	ask(t, h, "GET", "/-/healthy").expect(t, "healthy without a snapshot", 200, "healthy")
	ask(t, h, "GET", "/-/ready").expect(t, "ready without a snapshot", 503, "first evaluation")
	ask(t, h, "GET", "/metrics").expect(t, "metrics without a snapshot", 200, "metric 1")
	ask(t, h, "GET", "/").expect(t, "first page without a snapshot", 200, "first evaluation")
	for _, path := range []string{"/api/v1/services", "/api/v1/services/checkout"} {
		a := ask(t, h, "GET", path)
		a.expect(t, path+" without a snapshot", 503, `"detail":"the first evaluation`)
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	current.Store(fleet())
	ask(t, h, "GET", "/-/ready").expect(t, "ready with an empty catalog", 503, "the catalog has no services")
	current.Store(fleet("checkout"))
	ask(t, h, "GET", "/-/ready").expect(t, "ready with a snapshot", 200, "ready")
	overdue = true
	ask(t, h, "GET", "/-/ready").expect(t, "ready with an old snapshot", 503, "services were last judged at ", "no metric")
	ask(t, h, "GET", "/-/healthy").expect(t, "healthy with an old snapshot", 200, "healthy")
	overdue = false
	ask(t, h, "GET", "/api/v1/services").expect(t, "services", 200, `"services":[{"service":"checkout"`)
}

func TestReload(t *testing.T) {
	var log bytes.Buffer
	var failure error
	var calls int
	o := options(fleet())
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	o.Reload = func(ctx context.Context) error {
		calls++
		return errors.Join(ctx.Err(), failure)
	}
	at := now
	o.Now = func() time.Time { at = at.Add(reloadEvery); return at }
	h := newServer(t, o).Handler()

	a := ask(t, h, "GET", "/-/reload")
	a.expect(t, "GET reload", 405, "use POST")
	if a.header.Get("Allow") != "POST" || calls != 0 {
		t.Errorf("GET reload: Allow %q, %d reloads", a.header.Get("Allow"), calls)
	}
	ask(t, h, "POST", "/-/reload").expect(t, "reload", 200, "reloaded")
	failure = errors.New(`config.yaml:7: unknown key "servces", did you mean "services"?`)
	ask(t, h, "POST", "/-/reload").expect(
		t, "bad reload", 500, "old configuration is kept",
	)
	if !strings.Contains(log.String(), "config.yaml:7") {
		t.Errorf("the failure is not logged: %s", &log)
	}

	failure = nil
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost/-/reload", nil).WithContext(gone))
	if w.Code != 200 {
		t.Errorf("a reload whose client went away: %d %s", w.Code, w.Body)
	}

	before := calls
	ask(t, h, "POST", "/-/reload", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example").expect(
		t, "reload by another site", 403,
	)
	if calls != before {
		t.Error("another site's page reloaded the configuration")
	}

	o.Reload = nil
	ask(t, newServer(t, o).Handler(), "POST", "/-/reload").expect(t, "reload that is not offered", 404)
}

func TestAPI(t *testing.T) {
	s := fleet("checkout", "checkout-eu", "a/b c", "payments")
	s.Services[3].Entry.Aliases = []string{"pay"}
	h := newServer(t, options(s)).Handler()

	ok := ask(t, h, "GET", "/api/v1/services/checkout")
	ok.expect(t, "service", 200, `"summary":{"service":"checkout"`)
	if got := ok.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	ask(t, h, "GET", "/api/v1/services/a%2Fb%20c").expect(t, "name with a slash", 200, `"a/b c"`)

	wrong := ask(t, h, "GET", "/api/v1/services/chekout")
	wrong.expect(t, "misspelt name", 404)
	var body struct {
		Status  int
		Detail  string
		Nearest []string
	}
	if err := json.Unmarshal([]byte(wrong.body), &body); err != nil {
		t.Fatal(err)
	}
	if got := wrong.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type of an error %q", got)
	}
	if body.Detail != `unknown service "chekout", did you mean "checkout"?` || body.Status != 404 || len(body.Nearest) != 1 ||
		body.Nearest[0] != "checkout" {
		t.Errorf("misspelt name: %+v", body)
	}
	ask(t, h, "GET", "/api/v1/services/checkout_eu-1").expect(
		t, "several near", 404, `"nearest":["checkout-eu","checkout"]`,
	)
	ask(t, h, "GET", "/api/v1/services/pay").expect(t, "alias", 404, `alias of \"payments\"`)
	ask(t, h, "GET", "/api/v1/services/"+strings.Repeat("x", 5000)).expect(t, "very long name", 404, "5000 bytes")
	ask(t, h, "GET", "/api/v1/services/"+hostile[:8]).expect(t, "hostile name", 404, `\u003cscript\u003e`)
	ask(t, h, "GET", "/api/v1/servces").expect(t, "unknown API path", 404, `"detail":`, "GET /api/v1/services")
	ask(t, h, "POST", "/api/v1/services").expect(t, "wrong API method", 405, `"detail":`, "use GET")
}

func TestPathsAndMethods(t *testing.T) {
	h := newServer(t, options(fleet("checkout"))).Handler()
	for _, path := range []string{
		"/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/services", "/api/v1/services/checkout",
	} {
		ask(t, h, "HEAD", path).expect(t, "HEAD "+path, 200)
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			a := ask(t, h, method, path)
			a.expect(t, method+" "+path, 405)
			if a.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: Allow %q", method, path, a.header.Get("Allow"))
			}
		}
	}
	unknown := ask(t, h, "GET", "/metric")
	unknown.expect(t, "unknown path", 404, "GET /,", "GET /metrics", "GET /-/healthy", "GET /-/ready", "POST /-/reload",
		"GET /api/v1/services,", "GET /api/v1/services/{name}")
	if got := unknown.header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("unknown path: Content-Type %q", got)
	}
	for _, path := range []string{"/", "/metrics", "/metric", "/api/v1/services"} {
		header := ask(t, h, "GET", path).header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if header.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, header.Get(name), want)
			}
		}
		if !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: Content-Security-Policy is %q", path, header.Get("Content-Security-Policy"))
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a server without anything to serve was made")
	}
	o := options(nil)
	o.WebConfigFile = "testdata/absent.yml"
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "absent.yml") {
		t.Errorf("a web configuration that is not there: %v", err)
	}
}

func TestNearestIsBounded(t *testing.T) {
	s := &snapshot.Snapshot{}
	for range 3 {
		for _, name := range []string{"checkout1", "checkout2", "checkout3", "checkout4"} {
			s.Services = append(s.Services, snapshot.Service{Entry: &catalog.Service{Name: name}})
		}
	}
	w := httptest.NewRecorder()
	unknownService(w, s, "checkout")
	var got problem
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Nearest) != maxHints {
		t.Errorf("%d near names, want %d: %+v, %v", len(got.Nearest), maxHints, got, err)
	}
}

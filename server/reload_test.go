package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReloadsAreRare(t *testing.T) {
	at, calls := now, 0
	o := options(fleet("checkout"))
	o.Now = func() time.Time { return at }
	o.Reload = func(context.Context) error { calls++; return nil }
	h := newServer(t, o).Handler()
	ask(t, h, "POST", "/-/reload").expect(t, "first", 200)
	at = at.Add(4500 * time.Millisecond)
	again := ask(t, h, "POST", "/-/reload")
	again.expect(t, "4.5 s later", 429, "ask again in 6 s")
	if got := again.header.Get("Retry-After"); got != "6" || calls != 1 {
		t.Errorf("Retry-After is %q after %d reloads", got, calls)
	}
	at = now.Add(10 * time.Second)
	ask(t, h, "POST", "/-/reload").expect(t, "10 s later", 200)
	at = now.Add(-time.Hour)
	ask(t, h, "POST", "/-/reload").expect(t, "by a clock that was set back", 200)
	if calls != 3 {
		t.Errorf("%d reloads", calls)
	}
}

func TestOneReloadAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		o := options(fleet("checkout"))
		o.Reload = func(context.Context) error { <-release; return nil }
		h := newServer(t, o).Handler()
		first := make(chan int)
		go func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost/-/reload", nil))
			first <- w.Code
		}()
		synctest.Wait()
		ask(t, h, "POST", "/-/reload").expect(t, "beside a running one", 429, "is running")
		close(release)
		if code := <-first; code != 200 {
			t.Errorf("the first reload: %d", code)
		}
	})
}

// TestAReloadKeepsItsFaultsToItself: they quote the configuration.
func TestAReloadKeepsItsFaultsToItself(t *testing.T) {
	o := options(fleet("checkout"))
	o.Reload = func(context.Context) error { return errors.New(`config.yaml:7: unknown key "servces"`) }
	a := ask(t, newServer(t, o).Handler(), "POST", "/-/reload")
	a.expect(t, "bad reload", 500, "the log says why")
	if strings.Contains(a.body, "servces") {
		t.Errorf("the answer quotes the configuration: %s", a.body)
	}
}

// TestOtherNamesCannotReload: a page whose name leads here is of the same origin.
func TestOtherNamesCannotReload(t *testing.T) {
	o := options(fleet("checkout"))
	at := now
	o.Now = func() time.Time { at = at.Add(time.Minute); return at }
	o.AllowedHosts = []string{"Readiness.example.com"}
	h := newServer(t, o).Handler()
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:9847": 200, "127.0.0.1:9847": 200, "[::1]:9847": 200, "[::1]": 200, "10.1.2.3": 200,
		"app.localhost": 200, "collector": 200, "collector:9847": 200, "collector.monitoring.svc:9847": 200,
		"collector.monitoring.svc.cluster.local": 200, "readiness.example.com": 200, "readiness.example.com.:443": 200,
		"evil.example": 421, "evil.example:9847": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
		"svc.evil.example": 421, "x.readiness.example.com": 421, "": 421,
	} {
		r := httptest.NewRequest(http.MethodPost, "/-/reload", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
	// What only reads is answered under every name: a Prometheus server and an Ingress
	// use the one that they have.
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Host = "readiness.other.example"
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("metrics under another name: %d", w.Code)
	}
}

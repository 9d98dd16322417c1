package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// TestWrongPasswordsAreLimited stands before a handler that knows one password.
func TestWrongPasswordsAreLimited(t *testing.T) {
	at, checked := now, 0
	p := newPasswords(func() time.Time { return at }, slog.New(slog.DiscardHandler))
	h := p.limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, given := r.BasicAuth()
		if given {
			checked++
		}
		if password != "right" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	ask := func(what, address, password string, want int) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = address
		if password != "" {
			r.SetBasicAuth("prometheus", password)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", what, w.Code, want)
		}
		if want == http.StatusTooManyRequests {
			if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 1 || after > 60 {
				t.Errorf("%s: Retry-After is %q", what, w.Header().Get("Retry-After"))
			}
		}
	}
	ask("a good client behind the proxy", "10.0.0.1:1", "right", 200)
	for range 100 {
		ask("without a password", "10.0.0.1:2", "", 401)
	}
	for n := range maxFailures {
		ask("a guess", "10.0.0.1:2", fmt.Sprint("guess ", n), 401)
	}
	before := checked
	for n := range 50 {
		ask("one guess too many", "10.0.0.1:3", fmt.Sprint("other guess ", n), 429)
	}
	ask("a right one that is new", "[::ffff:10.0.0.1]:3", "right ", 429)
	if checked != before {
		t.Errorf("%d passwords were checked in spite of the limit", checked-before)
	}
	ask("the good client", "10.0.0.1:1", "right", 200)
	ask("without a password", "10.0.0.1:2", "", 401)
	ask("another address", "10.0.0.2:1", "guess", 401)
	at = at.Add(failureWindow)
	ask("a minute later", "10.0.0.1:2", "guess", 401)

	for n := range maxFailures {
		ask("a guess from a network", fmt.Sprintf("[2001:db8:1:2::%x]:1", n), "guess", 401)
	}
	ask("the same network", "[2001:db8:1:2:ffff::1]:1", "guess", 429)
	ask("another network", "[2001:db8:1:3::1]:1", "guess", 401)
}

// TestGoodClientsAreNotLimited: right passwords do not count, however many are new.
func TestGoodClientsAreNotLimited(t *testing.T) {
	p := newPasswords(func() time.Time { return now }, slog.New(slog.DiscardHandler))
	h := p.limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for n := range 3 * maxFailures {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(fmt.Sprint("user ", n), "right")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 200 {
			t.Fatalf("user %d: %d", n, w.Code)
		}
	}
}

func TestPasswordsAtOnceAreLimited(t *testing.T) {
	p := newPasswords(func() time.Time { return now }, slog.New(slog.DiscardHandler))
	let := 0
	for n := range 5 * maxFailures {
		if p.begin(netip.MustParseAddr("10.0.0.1"), p.digest(strconv.Itoa(n))) == 0 {
			let++
		}
	}
	if let != maxFailures {
		t.Errorf("%d are checked at once", let)
	}
}

func TestPasswordsTakeBoundedMemory(t *testing.T) {
	at := now
	p := newPasswords(func() time.Time { return at }, slog.New(slog.DiscardHandler))
	for n := range maxAddresses + 100 {
		at = at.Add(time.Millisecond)
		address := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		p.begin(address, p.digest("wrong"))
		p.answered(address, p.digest(strconv.Itoa(n)), http.StatusOK)
		p.begin(address, p.digest("wrong"))
	}
	if len(p.failures) > maxAddresses || len(p.known) > maxKnown {
		t.Errorf("%d addresses and %d passwords are kept", len(p.failures), len(p.known))
	}
}

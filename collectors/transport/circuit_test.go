package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/transport"
)

// endpoints are what a round asks for, one after the other.
var endpoints = []string{"/services", "/escalation_policies", "/schedules", "/oncalls", "/incidents", "/users"}

// round asks for each endpoint and counts what came of it.
func (w *world) round(t *testing.T, paths []string) string {
	t.Helper()
	var words []string
	for _, path := range paths {
		words = append(words, w.get(t, t.Context(), path))
	}
	return strings.Join(words, " ")
}

func TestARoundAgainstADeadSourceEndsFast(t *testing.T) {
	for name, tc := range map[string]struct {
		dead     func(rw http.ResponseWriter)
		attempts int
		most     time.Duration
		want     string
	}{
		"answers that it cannot": {
			dead:     func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusServiceUnavailable) },
			attempts: 5, most: 7 * time.Second,
			want: "503 503 circuit_open circuit_open circuit_open circuit_open",
		},
		"resets every connection": {
			dead:     func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
			attempts: 5, most: 7 * time.Second,
			want: "unreachable unreachable circuit_open circuit_open circuit_open circuit_open",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, _ int) { tc.dead(rw) })
			if got := w.round(t, endpoints); got != tc.want {
				t.Errorf("the round: %s\nwant       %s", got, tc.want)
			}
			if len(w.requests) != tc.attempts || w.totalSlept() > tc.most {
				t.Errorf("%d attempts and %s of waiting, want %d and at most %s", len(w.requests), w.totalSlept(), tc.attempts,
					tc.most)
			}
			if got := fmt.Sprint(w.circuit); got != "[true]" {
				t.Errorf("the circuit was %s, want opened once", got)
			}
		})
	}
	t.Run("is not there", func(t *testing.T) {
		w := start(t, transport.Config{}, nil)
		w.Close()
		if got := w.round(t, endpoints); got != "unreachable"+strings.Repeat(" circuit_open", 5) {
			t.Errorf("the round: %s", got)
		}
		if len(w.seen) != 4+5 || w.totalSlept() > 7*time.Second {
			t.Errorf("%d observations and %s of waiting", len(w.seen), w.totalSlept())
		}
		for _, o := range w.seen {
			if o.Unsent != (o.Outcome == "circuit_open") || o.RateLimit != -1 {
				t.Errorf("observed %+v", o)
			}
		}
	})
	t.Run("hangs", func(t *testing.T) {
		t.Parallel() // it waits
		w := start(t, transport.Config{Timeout: time.Second},
			func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
		if got := w.round(t, endpoints); got != "timeout timeout"+strings.Repeat(" circuit_open", 4) {
			t.Errorf("the round: %s", got)
		}
		if sent := len(w.seen) - 4; sent != 4 {
			t.Errorf("%d attempts, want 4: each takes as long as one may", sent)
		}
	})
}

func TestOneBadEndpointCostsOnlyItself(t *testing.T) {
	w := start(t, transport.Config{}, func(rw http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/incidents" {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	})
	// Windows of one listing: many calls of the bad endpoint in a row.
	got := w.round(t, []string{"/incidents", "/incidents", "/incidents", "/incidents", "/services", "/oncalls",
		"/incidents"})
	if want := "500 500 500 circuit_open 200 200 circuit_open"; got != want {
		t.Errorf("the round: %s\nwant       %s", got, want)
	}
	if len(w.requests) != 10+2 || len(w.circuit) != 0 {
		t.Errorf("%d requests, want 12; the circuit of the source: %v, want untouched", len(w.requests), w.circuit)
	}
}

func TestRefusalsOpenNothing(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 422, 429, 501} {
		w := start(t, transport.Config{MaxAttempts: 1},
			func(rw http.ResponseWriter, _ *http.Request, _ int) { rw.WriteHeader(status) })
		for range 4 {
			w.round(t, endpoints)
		}
		if len(w.requests) != 24 || len(w.circuit) != 0 {
			t.Errorf("%d: %d requests of 24 were sent", status, len(w.requests))
		}
	}
}

func TestWhatWeEndedOurselvesOpensNothing(t *testing.T) {
	w := start(t, transport.Config{MaxAttempts: 1},
		func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
	for range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if got := w.get(t, ctx, "/services"); got != "timeout" {
			t.Fatalf("got %s", got)
		}
		cancel()
	}
	if len(w.circuit) != 0 {
		t.Errorf("the circuit was %v", w.circuit)
	}
}

func TestTheCircuitTriesAgainAndCloses(t *testing.T) {
	dead := true
	w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, _ int) {
		if dead {
			rw.WriteHeader(http.StatusBadGateway)
		}
	})
	w.round(t, endpoints)
	sent := len(w.requests)
	w.advance(9 * time.Second)
	if got := w.get(t, t.Context(), "/users"); got != "circuit_open" {
		t.Errorf("within the pause: %s", got)
	}
	w.advance(2 * time.Second)
	// A round against a source that is still dead is one attempt.
	if got := w.round(t, endpoints); got != "502"+strings.Repeat(" circuit_open", 5) {
		t.Errorf("still dead: %s", got)
	}
	if len(w.requests) != sent+1 {
		t.Errorf("%d attempts to see that it is still dead, want 1", len(w.requests)-sent)
	}
	w.advance(11 * time.Second)
	dead = false
	if got := w.round(t, endpoints); got != "200 200 200 200 200 200" {
		t.Errorf("alive again: %s", got)
	}
	if got := fmt.Sprint(w.circuit); got != "[true false]" {
		t.Errorf("the circuit was %s", got)
	}
	// It starts from the beginning: one failure does not open it again.
	dead = true
	if got := w.get(t, t.Context(), "/users"); got != "502" || len(w.circuit) != 2 {
		t.Errorf("the next failure: %s, %v", got, w.circuit)
	}
}

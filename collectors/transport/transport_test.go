package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server, a client on the chain, and a clock that only moves when
// the chain sleeps or the test says so.
type world struct {
	*httptest.Server
	client *http.Client

	mu       sync.Mutex
	now      time.Time
	slept    []time.Duration
	seen     []transport.Observation
	requests []*http.Request
	// circuit are the changes of the circuit breaker, in order.
	circuit []bool
}

func start(t *testing.T, cfg transport.Config, handle func(w http.ResponseWriter, r *http.Request, nth int)) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r)
		nth := len(w.requests)
		w.mu.Unlock()
		handle(rw, r, nth)
	}))
	t.Cleanup(w.Close)
	cfg.Source = "test/main"
	cfg.HTTP.FollowRedirects = true
	cfg.Now = func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	cfg.Sleep = func(ctx context.Context, d time.Duration) error {
		w.advance(d)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.slept = append(w.slept, d)
		return ctx.Err()
	}
	cfg.Observe = func(o transport.Observation) { w.mu.Lock(); defer w.mu.Unlock(); w.seen = append(w.seen, o) }
	cfg.Circuit = func(open bool) { w.mu.Lock(); defer w.mu.Unlock(); w.circuit = append(w.circuit, open) }
	client, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	w.client = client
	return w
}

func (w *world) advance(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func (w *world) totalSlept() (total time.Duration) {
	for _, d := range w.slept {
		total += d
	}
	return total
}

func (w *world) outcomes() string {
	var words []string
	for _, o := range w.seen {
		words = append(words, o.Outcome)
	}
	return strings.Join(words, " ")
}

// get returns the status, or the reason of the error.
func (w *world) get(t *testing.T, ctx context.Context, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.do(t, req)
}

func (w *world) do(t *testing.T, req *http.Request) string {
	t.Helper()
	resp, err := w.client.Do(req)
	if err != nil {
		var failed *collectors.CallError
		if !errors.As(err, &failed) {
			t.Fatalf("error %v (%T) is no CallError", err, err)
		}
		return string(failed.Reason)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatalf("body of an answer that was returned: %v", err)
	}
	return strconv.Itoa(resp.StatusCode)
}

func TestRetriesUntilAnswered(t *testing.T) {
	w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, nth int) {
		if nth < 3 {
			rw.WriteHeader(http.StatusBadGateway)
		}
	})
	if got := w.get(t, t.Context(), "/incidents"); got != "200" {
		t.Errorf("got %s, want 200", got)
	}
	if got := w.outcomes(); got != "server_error server_error ok" {
		t.Errorf("outcomes %q", got)
	}
	for i, o := range w.seen {
		if o.Call != "GET /incidents" || o.Source != "test/main" || o.Attempt != i+1 || o.RateLimit != -1 {
			t.Errorf("observation %d: %+v", i, o)
		}
	}
	if got := w.totalSlept(); got > 3*time.Second {
		t.Errorf("slept %s, want at most 1 s and then 2 s", got)
	}
}

func TestAnswersAreHandedOnAfterTheLastAttempt(t *testing.T) {
	for status, requests := range map[int]int{
		400: 1, 401: 1, 403: 1, 404: 1, 410: 1, 429: 4, 500: 4, 501: 1, 503: 4,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, _ int) { rw.WriteHeader(status) })
			if got := w.get(t, t.Context(), "/x"); got != strconv.Itoa(status) {
				t.Errorf("got %s, want %d", got, status)
			}
			if len(w.requests) != requests {
				t.Errorf("%d requests, want %d", len(w.requests), requests)
			}
			if got, want := w.seen[0].Outcome, string(collectors.ReasonOfStatus(status)); got != want {
				t.Errorf("outcome %s, want %s", got, want)
			}
		})
	}
}

func TestServersWaitIsHonoured(t *testing.T) {
	for name, tc := range map[string]struct {
		status       int
		header       http.Header
		least, most  time.Duration
		wantRequests int
	}{
		"Retry-After in seconds": {429, http.Header{"Retry-After": {"17"}}, 17 * time.Second, 18 * time.Second, 2},
		"Retry-After as a date": {429, http.Header{"Retry-After": {"Wed, 04 Mar 2026 12:00:40 GMT"}}, 40 * time.Second,
			41 * time.Second, 2},
		"Retry-After of a 503": {503, http.Header{"Retry-After": {"9"}}, 9 * time.Second, 10 * time.Second, 2},
		"PagerDuty's reset":    {429, http.Header{"Ratelimit-Reset": {"31"}}, 31 * time.Second, 32 * time.Second, 2},
		"Jira's reset": {429, http.Header{"X-Ratelimit-Reset": {"2026-03-04T12:01Z"}}, time.Minute,
			61 * time.Second, 2},
		"a reset as Unix time": {429, http.Header{"X-Ratelimit-Reset": {"1772625630"}}, 30 * time.Second,
			31 * time.Second, 2},
		"a date in the past": {429, http.Header{"Retry-After": {"Wed, 04 Mar 2020 12:00:40 GMT"}}, 0, time.Second,
			2},
		"nonsense": {429, http.Header{"Retry-After": {"soon"}, "Ratelimit-Reset": {"-3"}}, 0, time.Second,
			2},
		"a 500 is no refusal":         {500, http.Header{"Ratelimit-Reset": {"31"}}, 0, time.Second, 2},
		"longer than a call may wait": {429, http.Header{"Retry-After": {"121"}}, 0, 0, 1},
		"absurdly long":               {429, http.Header{"Retry-After": {"4000000000"}}, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, nth int) {
				if nth == 1 {
					maps.Copy(rw.Header(), tc.header)
					rw.WriteHeader(tc.status)
				}
			})
			w.get(t, t.Context(), "/x")
			if got := w.totalSlept(); got < tc.least || got > tc.most {
				t.Errorf("slept %s, want %s to %s", got, tc.least, tc.most)
			}
			if len(w.requests) != tc.wantRequests {
				t.Errorf("%d requests, want %d", len(w.requests), tc.wantRequests)
			}
		})
	}
}

// A quota holds for every call of an account. Only where the server says that the
// limit is that of one endpoint do the others go on.
func TestALongPauseFailsCallsUnsentUntilItIsOver(t *testing.T) {
	const quota, burst = "jira-quota-global-based", "jira-burst-based"
	for name, tc := range map[string]struct {
		oneQuota   bool
		status     int
		reason     string
		other      string
		afterwards int
	}{
		"a 429":                   {true, 429, "", "rate_limited", 3},
		"a quota":                 {true, 429, quota, "rate_limited", 3},
		"a limit of one endpoint": {true, 429, burst, "200", 4},
		"a 503":                   {true, 503, "", "200", 4},
		"no common quota":         {false, 429, "", "200", 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, transport.Config{OneQuota: tc.oneQuota}, func(rw http.ResponseWriter, _ *http.Request, nth int) {
				if nth == 1 {
					rw.Header().Set("RateLimit-Reason", tc.reason)
					rw.Header().Set("Retry-After", "1800")
					rw.WriteHeader(tc.status)
				}
			})
			if got := w.get(t, t.Context(), "/a"); got != strconv.Itoa(tc.status) {
				t.Fatalf("got %s", got)
			}
			if got := w.get(t, t.Context(), "/a"); got != "rate_limited" {
				t.Errorf("within the pause: %s", got)
			}
			if got := w.get(t, t.Context(), "/b"); got != tc.other {
				t.Errorf("another call: %s, want %s", got, tc.other)
			}
			w.advance(time.Hour)
			for _, path := range []string{"/a", "/b"} {
				if got := w.get(t, t.Context(), path); got != "200" {
					t.Errorf("%s after the pause: %s", path, got)
				}
			}
			if len(w.requests) != tc.afterwards {
				t.Errorf("%d requests, want %d", len(w.requests), tc.afterwards)
			}
		})
	}
}

func TestNoPauseIsForEver(t *testing.T) {
	w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, nth int) {
		if nth == 1 {
			rw.Header().Set("Retry-After", "4000000000")
			rw.WriteHeader(http.StatusTooManyRequests)
		}
	})
	w.get(t, t.Context(), "/a")
	w.advance(61 * time.Minute)
	if got := w.get(t, t.Context(), "/a"); got != "200" {
		t.Errorf("after an hour: %s", got)
	}
}

func TestOthersShareOfTheBudgetIsLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		remaining   string
		least, most time.Duration
	}{
		"plenty":          {"900", 0, 0},
		"little is left":  {"530", time.Second, 2 * time.Second}, // 50 of ours for 60 s
		"nothing of ours": {"480", time.Minute, time.Minute},
		"nothing at all":  {"0", time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, transport.Config{RatePerMinute: 960}, func(rw http.ResponseWriter, _ *http.Request, _ int) {
				rw.Header().Set("ratelimit-limit", "960")
				rw.Header().Set("ratelimit-remaining", tc.remaining)
				rw.Header().Set("ratelimit-reset", "60")
			})
			w.get(t, t.Context(), "/x")
			w.get(t, t.Context(), "/x")
			if got := w.totalSlept(); got < tc.least || got > tc.most {
				t.Errorf("slept %s, want %s to %s", got, tc.least, tc.most)
			}
			if o := w.seen[0]; o.RateLimit != 960 || fmt.Sprint(o.RateRemaining) != tc.remaining {
				t.Errorf("observed %+v", o)
			}
		})
	}
}

func TestWhatHeadersTellOfTheBudget(t *testing.T) {
	for name, tc := range map[string]struct {
		header           http.Header
		limit, remaining float64
	}{
		"PagerDuty": {http.Header{"Ratelimit-Limit": {"960"}, "Ratelimit-Remaining": {"959"},
			"Ratelimit-Reset": {"60"}}, 960, 959},
		"Jira": {http.Header{"X-Ratelimit-Limit": {"350"}, "X-Ratelimit-Remaining": {"12"},
			"X-Ratelimit-Reset": {"2026-03-04T12:01Z"}}, 350, 12},
		"nothing":             {nil, -1, -1},
		"what is left alone":  {http.Header{"X-Ratelimit-Remaining": {"0"}}, -1, 0},
		"no numbers":          {http.Header{"Ratelimit-Limit": {"lots"}, "Ratelimit-Remaining": {"-5"}}, -1, -1},
		"numbers beyond all":  {http.Header{"Ratelimit-Limit": {"1e300"}, "Ratelimit-Remaining": {"NaN"}}, -1, -1},
		"one that is refused": {http.Header{"Ratelimit-Limit": {"Inf"}, "X-Ratelimit-Limit": {"7"}}, 7, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, _ int) {
				maps.Copy(rw.Header(), tc.header)
			})
			w.get(t, t.Context(), "/x")
			if o := w.seen[0]; o.RateLimit != tc.limit || o.RateRemaining != tc.remaining {
				t.Errorf("observed %v of %v, want %v of %v", o.RateRemaining, o.RateLimit, tc.remaining, tc.limit)
			}
		})
	}
}

func TestTheShareOfTheBudgetSetsThePace(t *testing.T) {
	for share, want := range map[float64]time.Duration{1: 60 * time.Second, 0.5: 120 * time.Second,
		0.1: 600 * time.Second} {
		w := start(t, transport.Config{RatePerMinute: 60, BudgetShare: share},
			func(http.ResponseWriter, *http.Request, int) {})
		burst := max(1, int(share*5))
		for range 60 + burst {
			w.get(t, t.Context(), "/x")
		}
		if got := w.totalSlept(); got < want-time.Second || got > want+time.Second {
			t.Errorf("share %v: 60 requests beyond the burst took %s, want %s", share, got, want)
		}
	}
}

func TestRequestsKeepToTheRate(t *testing.T) {
	w := start(t, transport.Config{RatePerMinute: 120, BudgetShare: 0.5}, func(http.ResponseWriter, *http.Request, int) {})
	for range 65 {
		w.get(t, t.Context(), "/x")
	}
	if got := w.totalSlept(); got < 59*time.Second || got > 61*time.Second {
		t.Errorf("65 requests took %s, want a burst of 5 and one a second", got)
	}
}

func TestOnlyHarmlessRequestsAreRepeated(t *testing.T) {
	for name, tc := range map[string]struct {
		method, body string
		header       http.Header
		want         int
	}{
		"GET":                {"GET", "", nil, 4},
		"PUT":                {"PUT", "content", nil, 4},
		"POST":               {"POST", "content", nil, 1},
		"POST marked so":     {"POST", "content", http.Header{"Idempotency-Key": {}}, 4},
		"PATCH is not known": {"PATCH", "content", nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, transport.Config{}, func(rw http.ResponseWriter, r *http.Request, _ int) {
				if got, _ := io.ReadAll(r.Body); string(got) != tc.body {
					t.Errorf("body %q, want %q", got, tc.body)
				}
				rw.WriteHeader(http.StatusServiceUnavailable)
			})
			req, err := http.NewRequestWithContext(t.Context(), tc.method, w.URL, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(req.Header, tc.header)
			w.do(t, req)
			if len(w.requests) != tc.want {
				t.Errorf("sent %d times, want %d", len(w.requests), tc.want)
			}
		})
	}
}

func TestAnswersThatBreakOff(t *testing.T) {
	reset := func(rw http.ResponseWriter) {
		rw.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(rw, `{"half":`)
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	}
	t.Run("once", func(t *testing.T) {
		w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, nth int) {
			if nth == 1 {
				reset(rw)
			}
		})
		if got := w.get(t, t.Context(), "/x"); got != "200" {
			t.Errorf("got %s, want 200", got)
		}
		if got := w.outcomes(); got != "unreachable ok" {
			t.Errorf("outcomes %q", got)
		}
	})
	t.Run("always", func(t *testing.T) {
		w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, _ int) { reset(rw) })
		if got := w.get(t, t.Context(), "/x"); got != "unreachable" {
			t.Errorf("got %s", got)
		}
		if len(w.requests) != 4 {
			t.Errorf("%d requests, want 4", len(w.requests))
		}
	})
}

func TestAnswersBeyondTheLimit(t *testing.T) {
	for name, chunked := range map[string]bool{"announced": false, "not announced": true} {
		t.Run(name, func(t *testing.T) {
			w := start(t, transport.Config{MaxResponseBytes: 1000}, func(rw http.ResponseWriter, r *http.Request, _ int) {
				if chunked {
					_ = http.NewResponseController(rw).Flush()
				}
				size := 1000
				if r.URL.Path == "/large" {
					size++
				}
				_, _ = io.WriteString(rw, strings.Repeat("x", size))
			})
			if got := w.get(t, t.Context(), "/fits"); got != "200" {
				t.Errorf("at the limit: %s", got)
			}
			if got := w.get(t, t.Context(), "/large"); got != "too_large" {
				t.Errorf("beyond it: %s", got)
			}
			if len(w.requests) != 2 {
				t.Errorf("%d requests: an answer that is too large must not be asked for again", len(w.requests))
			}
		})
	}
}

func TestSlowAnswers(t *testing.T) {
	hang := func(rw http.ResponseWriter, r *http.Request, _ int) {
		_, _ = io.WriteString(rw, "{")
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	}
	t.Run("attempt", func(t *testing.T) {
		t.Parallel() // it waits
		w := start(t, transport.Config{Timeout: time.Second, MaxAttempts: 2}, hang)
		if got := w.get(t, t.Context(), "/x"); got != "timeout" {
			t.Errorf("got %s", got)
		}
		if len(w.requests) != 2 {
			t.Errorf("%d requests, want 2", len(w.requests))
		}
	})
	t.Run("caller's deadline", func(t *testing.T) {
		t.Parallel() // it waits
		w := start(t, transport.Config{}, hang)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := w.get(t, ctx, "/x"); got != "timeout" {
			t.Errorf("got %s", got)
		}
		if len(w.requests) != 1 {
			t.Errorf("%d requests, want 1", len(w.requests))
		}
	})
	t.Run("caller goes", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := start(t, transport.Config{}, func(rw http.ResponseWriter, r *http.Request, nth int) {
			cancel()
			hang(rw, r, nth)
		})
		if got := w.get(t, ctx, "/x"); got != "canceled" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("no time to wait in", func(t *testing.T) {
		w := start(t, transport.Config{}, func(rw http.ResponseWriter, _ *http.Request, _ int) {
			rw.Header().Set("Retry-After", "60")
			rw.WriteHeader(http.StatusTooManyRequests)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if got := w.get(t, ctx, "/x"); got != "429" {
			t.Errorf("got %s", got)
		}
		if len(w.slept) != 0 {
			t.Errorf("slept %v before an attempt that could not be made", w.slept)
		}
	})
}

func TestNobodyThere(t *testing.T) {
	w := start(t, transport.Config{}, func(http.ResponseWriter, *http.Request, int) {})
	w.Close()
	if got := w.get(t, t.Context(), "/x"); got != "unreachable" {
		t.Errorf("got %s", got)
	}
	if len(w.seen) != 4 {
		t.Errorf("%d attempts, want 4", len(w.seen))
	}
}

func TestUnknownAuthorityIsNotTriedAgain(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	w := start(t, transport.Config{}, nil)
	w.URL = server.URL
	if got := w.get(t, t.Context(), "/x"); got != "unreachable" {
		t.Errorf("got %s", got)
	}
	if len(w.seen) != 1 {
		t.Errorf("%d attempts, want 1", len(w.seen))
	}
}

func TestDefaultTemplate(t *testing.T) {
	for path, want := range map[string]string{
		"/incidents":                      "GET /incidents",
		"/incidents/Q1ABC23/log_entries":  "GET /incidents/{id}/log_entries",
		"/rest/api/2/issue/SHOP-12":       "GET /rest/api/2/issue/{id}",
		"/api/v1/query":                   "GET /api/v1/query",
		"/rest/agile/1.0/board":           "GET /rest/agile/{id}/board",
		"/services/PABCDEF":               "GET /services/PABCDEF",
		"/2f1c9a6e-93b7-4ac0-9b7e-000000": "GET /{id}",
	} {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		if got := transport.DefaultTemplate(req); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

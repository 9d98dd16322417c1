// Package pagerdutytest is a PagerDuty REST API in memory, for tests and for
// the demo. It behaves as the vendor's does where clients get hurt: pages are
// 25 records unless asked and 100 at most, nothing lies beyond offset 10,000,
// incidents come from one month unless a whole window is given, totals are
// null, and every refusal has the vendor's status, body and headers.
package pagerdutytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prodready/collector/internal/fault"
)

// Limits of the vendor's API.
const (
	DefaultLimit = 25
	MaxLimit     = 100
	MaxRecords   = 10000
)

// Options configure a Server. The zero value is an empty account.
type Options struct {
	// Account is what the server answers from. It must not be changed
	// afterwards; see Server.SetAccount.
	Account Account
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time
	// Token is the API key that requests must bear; empty accepts all.
	Token string
	// RateLimit is the budget of requests per endpoint and minute; 0 means
	// none, and no headers.
	RateLimit int
	// MaxRecords replaces the vendor's 10,000, so that tests need not make as
	// many; 0 means MaxRecords.
	MaxRecords int
	// TimeZone is that of the account, in which times without a zone are read;
	// nil means UTC.
	TimeZone *time.Location
	// Fail is called for requests that the vendor does not know: a wrong path,
	// method or parameter. Nil ignores them; they are refused in any case.
	Fail func(msg string)
}

// Server is the simulated API. It is an http.Handler and safe for concurrent
// use.
type Server struct {
	options Options

	mu       sync.Mutex
	account  *index
	requests []Request
	faults   *fault.Injector
	denied   map[string]bool
	minute   time.Time
	used     map[string]int
}

// Request is one request that the server got.
type Request struct {
	// Call is the method and path, GET /incidents, with {id} for an id in it.
	Call string
	// Query is the raw query.
	Query string
	// At is the server's time.
	At time.Time
	// Status is what it was answered with, 0 while it is not.
	Status int
}

// New makes a server.
func New(options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.MaxRecords == 0 {
		options.MaxRecords = MaxRecords
	}
	if options.TimeZone == nil {
		options.TimeZone = time.UTC
	}
	if options.Fail == nil {
		options.Fail = func(string) {}
	}
	s := &Server{options: options, account: newIndex(options.Account), denied: map[string]bool{}, used: map[string]int{}}
	form := Form()
	form.Call = func(r *http.Request) string { call, _ := callOf(r); return call }
	s.faults = fault.New(http.HandlerFunc(s.serve), form)
	return s
}

// SetAccount replaces the account. It must not be changed afterwards.
func (s *Server) SetAccount(a Account) {
	next := newIndex(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = next
}

// Deny takes a scope such as incidents.read away from the credential, so that
// calls that need it are answered with 403. Allow gives it back.
func (s *Server) Deny(scope string) { s.mu.Lock(); defer s.mu.Unlock(); s.denied[scope] = true }

// Allow ends the effect of Deny for a scope.
func (s *Server) Allow(scope string) { s.mu.Lock(); defer s.mu.Unlock(); delete(s.denied, scope) }

// Requests lists what the server was asked, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count is how often a call was made, refused ones included.
func (s *Server) Count(call string) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Call == call {
			n++
		}
	}
	return n
}

// Forget empties the list of requests.
func (s *Server) Forget() { s.mu.Lock(); defer s.mu.Unlock(); s.requests = nil }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, _ := callOf(r)
	now := s.options.Now()
	s.mu.Lock()
	nth := len(s.requests)
	s.requests = append(s.requests, Request{Call: call, Query: r.URL.RawQuery, At: now})
	s.mu.Unlock()
	s.faults.ServeHTTP(&noted{w, func(status int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if nth < len(s.requests) && s.requests[nth].Call == call {
			s.requests[nth].Status = status
		}
	}}, r)
}

// noted is a writer that reports the status of the answer.
type noted struct {
	http.ResponseWriter
	note func(status int)
}

// WriteHeader sends the status and reports it.
func (n *noted) WriteHeader(status int) {
	n.note(status)
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap is the writer within.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// serve answers a request that no fault keeps from it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	call, id := callOf(r)
	s.mu.Lock()
	account := s.account
	s.mu.Unlock()
	answer := s.answer(r, call, id, account, s.options.Now())
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body)
}

// response is an answer before it is written.
type response struct {
	status int
	header http.Header
	body   []byte
}

// refusal is an answer of the API that is an error.
type refusal struct {
	status, code int
	message      string
	errors       []string
}

func (s *Server) answer(r *http.Request, call, id string, account *index, now time.Time) *response {
	header := http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"fake"}}
	if refused := s.admit(r, call, now, header); refused != nil {
		return refused.response(header)
	}
	endpoint, ok := endpoints()[call]
	if !ok {
		s.options.Fail(call + " is not an endpoint that the fake knows")
		return (&refusal{status: http.StatusNotFound, code: 2100, message: "Not Found"}).response(header)
	}
	q, refused := s.parse(r.URL.Query(), call, endpoint)
	if refused != nil {
		return refused.response(header)
	}
	q.id = id
	page, refused := s.page(q, endpoint, account, now)
	if refused != nil {
		return refused.response(header)
	}
	body, err := json.Marshal(page)
	if err != nil {
		return (&refusal{status: http.StatusInternalServerError, message: err.Error()}).response(header)
	}
	return &response{status: http.StatusOK, header: header, body: body}
}

// admit checks credential, scope and budget.
func (s *Server) admit(r *http.Request, call string, now time.Time, header http.Header) *refusal {
	if want := s.options.Token; want != "" {
		got := r.Header.Get("Authorization")
		if got != "Token token="+want && got != "Bearer "+want {
			return &refusal{status: http.StatusUnauthorized, code: 2006, message: "Unauthorized"}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit := s.options.RateLimit; limit > 0 {
		if minute := now.Truncate(time.Minute); minute != s.minute {
			s.minute, s.used = minute, map[string]int{}
		}
		s.used[call]++
		header.Set("ratelimit-limit", strconv.Itoa(limit))
		header.Set("ratelimit-remaining", strconv.Itoa(max(limit-s.used[call], 0)))
		header.Set("ratelimit-reset", strconv.Itoa(int(s.minute.Add(time.Minute).Sub(now)/time.Second)))
		if s.used[call] > limit {
			return &refusal{status: http.StatusTooManyRequests, code: 2020, message: "Rate Limit Exceeded"}
		}
	}
	if endpoint, ok := endpoints()[call]; ok && s.denied[endpoint.scope] {
		return &refusal{
			status: http.StatusForbidden, code: 2010, message: "Access Denied",
			errors: []string{"Token does not have the required scope " + endpoint.scope},
		}
	}
	return nil
}

func (e *refusal) response(header http.Header) *response {
	if e.status == http.StatusUnauthorized {
		// The vendor's 401 has no error object.
		return &response{status: e.status, header: header, body: []byte(`{"error":"unauthorized"}`)}
	}
	said := object{"message": e.message, "code": e.code}
	if len(e.errors) > 0 {
		said["errors"] = e.errors
	}
	return &response{status: e.status, header: header, body: encode(object{"error": said})}
}

func invalid(format string, args ...any) *refusal {
	return &refusal{
		status: http.StatusBadRequest, code: 2001, message: "Invalid Input Provided",
		errors: []string{fmt.Sprintf(format, args...)},
	}
}

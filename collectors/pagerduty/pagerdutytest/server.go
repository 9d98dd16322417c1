// Package pagerdutytest is a PagerDuty REST API in memory, for tests and for
// the demo. It behaves as the vendor's does where clients get hurt: pages are
// 25 records unless asked and 100 at most, nothing lies beyond offset 10,000,
// incidents come from one month unless a whole window is given, totals are
// null, and every refusal has the vendor's status, body and headers.
package pagerdutytest

import (
	"encoding/json"
	"fmt"
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
	// Fail is told of requests that the vendor does not know: a wrong path,
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

// Allow gives back a scope that Deny took.
func (s *Server) Allow(scope string) { s.mu.Lock(); defer s.mu.Unlock(); delete(s.denied, scope) }

// Requests lists what the server was asked, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count tells how often a call was made, refused ones included.
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

// noted is a writer that tells of the status of the answer.
type noted struct {
	http.ResponseWriter
	note func(status int)
}

// WriteHeader sends the status and tells of it.
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
	for k, v := range answer.header {
		w.Header()[k] = v
	}
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
	endpoint, ok := endpoints[call]
	if !ok {
		s.options.Fail(fmt.Sprintf("%s is not an endpoint that the fake knows", call))
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
	if endpoint, ok := endpoints[call]; ok && s.denied[endpoint.scope] {
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
	return &refusal{status: http.StatusBadRequest, code: 2001, message: "Invalid Input Provided", errors: []string{fmt.Sprintf(format, args...)}}
}

// endpoint is what the vendor's reference says about one call.
type endpoint struct {
	list, scope string
	parameters  []string
	includes    []string
	// cursor is the parameter that pages the listing, instead of the offset;
	// empty for classic pagination. more says that its answers say whether
	// there is more.
	cursor string
	more   bool
}

// endpoints are the calls that are known. All of them take a limit, and an
// offset where they are not paged by a cursor.
var endpoints = map[string]endpoint{
	"GET /services": {
		list: "services", scope: "services.read",
		parameters: []string{"query", "team_ids[]", "time_zone", "sort_by", "name"},
		includes:   []string{"escalation_policies", "teams", "integrations", "auto_pause_notifications_parameters"},
	},
	"GET /escalation_policies": {
		list: "escalation_policies", scope: "escalation_policies.read",
		parameters: []string{"query", "user_ids[]", "team_ids[]", "sort_by"},
		includes:   []string{"services", "teams", "targets"},
	},
	"GET /oncalls": {
		list: "oncalls", scope: "oncalls.read",
		parameters: []string{"time_zone", "user_ids[]", "escalation_policy_ids[]", "schedule_ids[]", "since", "until", "earliest"},
		includes:   []string{"users", "schedules", "escalation_policies"},
	},
	"GET /incidents": {
		list: "incidents", scope: "incidents.read",
		parameters: []string{"date_range", "incident_key", "service_ids[]", "since", "until", "sort_by", "statuses[]", "team_ids[]", "time_zone", "urgencies[]", "user_ids[]"},
		includes: []string{
			"acknowledgers", "agents", "assignees", "conference_bridge", "escalation_policies",
			"first_trigger_log_entries", "priorities", "services", "teams", "users",
			// Not in the reference; the vendor's own application asks for it.
			"external_references",
		},
	},
	"GET /log_entries": {
		list: "log_entries", scope: "incidents.read",
		parameters: []string{"time_zone", "since", "until", "is_overview", "team_ids[]"},
		includes:   []string{"incidents", "services", "channels", "teams"},
	},
	"GET /change_events": {
		list: "change_events", scope: "change_events.read",
		parameters: []string{"team_ids[]", "integration_ids[]", "since", "until"},
	},
	"GET /teams":                         {list: "teams", scope: "teams.read", parameters: []string{"query"}},
	"GET /tags":                          {list: "tags", scope: "tags.read", parameters: []string{"query"}},
	"GET /tags/{id}/teams":               {list: "teams", scope: "tags.read"},
	"GET /tags/{id}/escalation_policies": {list: "escalation_policies", scope: "tags.read"},
	"GET /maintenance_windows": {
		list: "maintenance_windows", scope: "services.read",
		parameters: []string{"query", "team_ids[]", "service_ids[]", "filter"},
		includes:   []string{"teams", "services", "users"},
	},
	"GET /users": {
		list: "users", scope: "users.read",
		parameters: []string{"query", "team_ids[]"},
		includes:   []string{"contact_methods", "notification_rules", "teams", "subdomains"},
	},
	"GET /alert_grouping_settings": {
		list: "alert_grouping_settings", scope: "services.read", cursor: "after",
		parameters: []string{"before", "service_ids[]"},
	},
	"GET /incident_workflows/triggers": {
		list: "triggers", scope: "incident_workflows.read", cursor: "cursor", more: true,
		parameters: []string{"workflow_id", "incident_id", "service_id", "trigger_type", "workflow_name_contains", "sort_by"},
	},
	"GET /automation_actions/actions": {
		// The vendor documents no scope; the fake needs one to refuse it.
		list: "actions", scope: "automation_actions.read", cursor: "cursor",
		parameters: []string{"name", "runner_id", "classification", "team_id", "service_id", "action_type"},
	},
}

// Calls lists the calls that the server knows: GET /services and so on.
func Calls() []string {
	var calls []string
	for call := range endpoints {
		calls = append(calls, call)
	}
	return calls
}

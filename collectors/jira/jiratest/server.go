// Package jiratest is a Jira site in memory, Cloud or Data Center, for tests and for
// the demo. It has the vendor's behaviour that clients often miss: searches of Cloud
// page by token, return only ids unless fields are asked for, refuse unbounded
// queries, are some minutes late, and answer a visitor without an account with no
// issues; changelogs are cut without notice, times in queries are rounded to the
// minute, and one unknown project makes the whole query fail.
package jiratest

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prodready/collector/internal/fault"
)

// Options configure a Server. The zero value is an empty Cloud site.
type Options struct {
	// Site is what the server answers from. It must not be changed afterwards;
	// see Server.SetSite.
	Site Site
	// DataCenter makes it a Data Center site.
	DataCenter bool
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time
	// Email and Token are the credential that requests must have: both for basic
	// authentication, the token alone as a bearer token. An empty Token accepts
	// all.
	Email, Token string
	// Prefix is the context path before /rest; empty for none.
	Prefix string
	// TimeZone is that of the account, in which times are answered; nil means
	// one that is hours from UTC.
	TimeZone *time.Location
	// MaxPage is how many issues a page has at most; 0 means 100.
	MaxPage int
	// IndexLag is how late an issue appears in searches.
	IndexLag time.Duration
	// ChangelogCap is how many histories expand=changelog adds on Cloud; 0 means 40.
	ChangelogCap int
	// BulkPage is how many entries a page of a bulk fetch has at most; 0 means
	// 1000. BulkTimesAsText writes its times as text, else they are numbers.
	BulkPage        int
	BulkTimesAsText bool
	// ADF answers descriptions in the Atlassian Document Format.
	ADF bool
	// RateLimit is the budget of requests a minute; 0 means none.
	RateLimit int
	// RepeatIssues makes every page but the first begin with the last issue of
	// the one before, as Cloud may.
	RepeatIssues bool
	// Fail is called for requests that the vendor does not have, or that a client
	// should not make: a wrong path, method, parameter or query. They are refused in
	// any case. It may be nil.
	Fail func(msg string)
}

// Server is the simulated API. It is an http.Handler and safe for concurrent
// use.
type Server struct {
	options Options

	mu       sync.Mutex
	site     *index
	requests []Request
	faults   *fault.Injector
	minute   time.Time
	used     int
}

// Request is one request that the server got.
type Request struct {
	// Call is the method and path, the key of an issue or project replaced by {key}.
	Call string
	// JQL and Query are the query of a search and the whole raw query.
	JQL, Query string
	// At is the server's time.
	At time.Time
	// Status is that of the answer, 0 before it.
	Status int
}

// New makes a server.
func New(options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.TimeZone == nil {
		options.TimeZone = time.FixedZone("", -(9*3600 + 1800))
	}
	options.MaxPage = cmp.Or(options.MaxPage, 100)
	options.ChangelogCap = cmp.Or(options.ChangelogCap, 40)
	options.BulkPage = cmp.Or(options.BulkPage, 1000)
	if options.Fail == nil {
		options.Fail = func(string) {}
	}
	s := &Server{options: options, site: newIndex(options.Site)}
	form := Form()
	form.Call = func(r *http.Request) string { call, _ := s.callOf(r); return call }
	s.faults = fault.New(http.HandlerFunc(s.handle), form)
	return s
}

// SetSite replaces the site. It must not be changed afterwards.
func (s *Server) SetSite(site Site) {
	next := newIndex(site)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.site = next
}

// Requests lists the requests that the server got, oldest first.
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
	call, _ := s.callOf(r)
	now := s.options.Now()
	s.mu.Lock()
	nth := len(s.requests)
	s.requests = append(s.requests, Request{Call: call, JQL: r.URL.Query().Get("jql"), Query: r.URL.RawQuery, At: now})
	s.mu.Unlock()
	s.faults.ServeHTTP(&statusWriter{w, func(status int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if nth < len(s.requests) && s.requests[nth].Call == call {
			s.requests[nth].Status = status
		}
	}}, r)
}

// callOf names a request, and the issue or project that it is about.
func (s *Server) callOf(r *http.Request) (call, key string) {
	path, ours := strings.CutPrefix(r.URL.Path, s.options.Prefix)
	if !ours {
		return "unknown", ""
	}
	if rest, ok := strings.CutPrefix(path, "/rest/api/2/issue/"); ok {
		if key, remote := strings.CutSuffix(rest, "/remotelink"); remote {
			return r.Method + " /rest/api/2/issue/{key}/remotelink", key
		}
	}
	if rest, ok := strings.CutPrefix(path, "/rest/api/2/project/"); ok {
		if key, of := strings.CutSuffix(rest, "/components"); of {
			return r.Method + " /rest/api/2/project/{key}/components", key
		}
	}
	return r.Method + " " + path, ""
}

// statusWriter is a writer that reports the status of the answer.
type statusWriter struct {
	http.ResponseWriter
	note func(status int)
}

// WriteHeader sends the status and reports it.
func (n *statusWriter) WriteHeader(status int) {
	n.note(status)
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap is the writer that it wraps.
func (n *statusWriter) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// handle answers a request that no fault has answered.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	call, key := s.callOf(r)
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	s.mu.Lock()
	site := s.site
	s.mu.Unlock()
	answer := s.answer(r, call, key, body, site, s.options.Now())
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
	status   int
	messages []string
}

func invalid(messages ...string) *refusal {
	return &refusal{status: http.StatusBadRequest, messages: messages}
}

func (e *refusal) response(header http.Header) *response {
	body := encode(object{"errorMessages": e.messages, "errors": object{}})
	return &response{status: e.status, header: header, body: body}
}

func (s *Server) answer(r *http.Request, call, key string, body []byte, site *index, now time.Time) *response {
	header := http.Header{"Content-Type": {"application/json;charset=UTF-8"}, "X-Arequestid": {"fake"}}
	if refused := s.admit(now, header); refused != nil {
		return refused.response(header)
	}
	if !s.known(r) {
		if s.options.DataCenter || call == "GET /rest/api/2/myself" {
			header.Set("Content-Type", "text/html;charset=UTF-8")
			return &response{status: http.StatusUnauthorized, header: header, body: []byte("<html>Unauthorized (401)</html>")}
		}
		// Cloud lets a visitor without an account search, and returns nothing.
		header.Set("X-Seraph-Loginreason", "AUTHENTICATED_FAILED")
		site = newIndex(Site{})
	}
	answer, refused := s.serve(r, call, key, body, site, now)
	if refused != nil {
		return refused.response(header)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return (&refusal{status: http.StatusInternalServerError, messages: []string{err.Error()}}).response(header)
	}
	return &response{status: http.StatusOK, header: header, body: text}
}

// serve answers a request that was accepted.
func (s *Server) serve(r *http.Request, call, key string, body []byte, site *index, now time.Time) (any, *refusal) {
	query := r.URL.Query()
	both := map[string]func() (any, *refusal){
		"GET /rest/api/2/myself": func() (any, *refusal) { return s.person("collector"), nil },
		"GET /rest/api/2/status": func() (any, *refusal) {
			list := []object{}
			for _, st := range site.list {
				list = append(list, status(st))
			}
			return list, nil
		},
		"GET /rest/api/2/issuetype":                func() (any, *refusal) { return site.types(), nil },
		"GET /rest/api/2/issue/{key}/remotelink":   func() (any, *refusal) { return site.remoteLinks(key) },
		"GET /rest/api/2/project/{key}/components": func() (any, *refusal) { return site.componentList(key) },
		"GET /rest/api/2/field":                    func() (any, *refusal) { return site.fieldList(), nil },
		"GET /rest/api/2/resolution":               func() (any, *refusal) { return site.resolutionList(), nil },
		"GET /rest/api/2/issueLinkType":            func() (any, *refusal) { return site.linkTypeList(), nil },
	}
	cloud := map[string]func() (any, *refusal){
		"GET /rest/api/2/project/search": func() (any, *refusal) { return unlessRefused(s.projectPage(query, site)) },
		"GET /rest/api/2/search": func() (any, *refusal) {
			s.options.Fail("the search that Cloud has removed")
			return nil, &refusal{status: http.StatusGone,
				messages: []string{"The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."}}
		},
		"GET /rest/api/2/search/jql":           func() (any, *refusal) { return s.searchByToken(query, site, now) },
		"POST /rest/api/2/changelog/bulkfetch": func() (any, *refusal) { return unlessRefused(s.bulk(site, body, now)) },
	}
	dataCenter := map[string]func() (any, *refusal){
		"GET /rest/api/2/project": func() (any, *refusal) { return s.projectsAtOnce(query, site) },
		"GET /rest/api/2/search":  func() (any, *refusal) { return s.searchByOffset(query, site, now) },
	}
	calls := cloud
	if s.options.DataCenter {
		calls = dataCenter
	}
	maps.Copy(calls, both)
	if answer, ok := calls[call]; ok {
		return answer()
	}
	s.options.Fail(call + " is not a call that the fake knows")
	return nil, &refusal{status: http.StatusNotFound, messages: []string{"null for uri"}}
}

func (x *index) remoteLinks(key string) (any, *refusal) {
	issue, ok := x.byKey[key]
	if !ok {
		return nil, &refusal{status: http.StatusNotFound,
			messages: []string{"Issue does not exist or you do not have permission to see it."}}
	}
	links := []object{}
	for n, url := range issue.RemoteLinks {
		links = append(links, object{"id": n, "object": object{"url": url, "title": "Evidence"}})
	}
	return links, nil
}

func unlessRefused(o object, refused *refusal) (any, *refusal) { return o, refused }

// known reports whether the request has the credential.
func (s *Server) known(r *http.Request) bool {
	if s.options.Token == "" {
		return true
	}
	if user, password, ok := r.BasicAuth(); ok {
		return s.options.Email != "" && user == s.options.Email && password == s.options.Token
	}
	return r.Header.Get("Authorization") == "Bearer "+s.options.Token
}

// admit refuses a request beyond the budget. Cloud's reset has no seconds.
func (s *Server) admit(now time.Time, header http.Header) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.options.RateLimit
	if limit == 0 {
		return nil
	}
	if minute := now.Truncate(time.Minute); !minute.Equal(s.minute) {
		s.minute, s.used = minute, 0
	}
	s.used++
	reset := s.minute.Add(time.Minute)
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(limit-s.used, 0)))
	header.Set("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04Z"))
	if s.used <= limit {
		return nil
	}
	header.Set("Retry-After", strconv.Itoa(int(reset.Sub(now)/time.Second)+1))
	return &refusal{status: http.StatusTooManyRequests, messages: []string{"Rate limit exceeded."}}
}

package jiratest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Fault is something that goes wrong with the answers to a call. Without any
// of its effects it does nothing.
type Fault struct {
	// Call is the one affected, GET /rest/api/2/search/jql; all when empty.
	// Search affects the search of either deployment instead.
	Call   string
	Search bool
	// JQL affects only searches whose query holds it.
	JQL string
	// Skip lets that many matching requests pass before the first that fails.
	Skip int
	// Times is how many fail; all the following when 0.
	Times int

	// Status refuses the request, with Header and Messages.
	Status   int
	Header   http.Header
	Messages []string
	// Body replaces the body of the answer.
	Body string
	// ContentType replaces application/json.
	ContentType string
	// Truncate ends the JSON in its middle, with a length that agrees.
	Truncate bool
	// Reset breaks the connection in the middle of the body.
	Reset bool
	// Hang sends half the body and then nothing until the client has gone.
	Hang bool
	// PageLimit grants fewer issues than asked.
	PageLimit int
	// NoResults grants none: maxResults 0, on Data Center.
	NoResults bool
	// AlwaysMore promises a next page.
	AlwaysMore bool
	// Issues are added in front of those of the page: bad ones among good.
	Issues []string
	// Then is called when the answer is made and before it is sent.
	Then func()

	seen int
}

// Inject makes a fault happen until Heal. Of several that match a request the
// first injected wins.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal ends all faults.
func (s *Server) Heal() { s.mu.Lock(); defer s.mu.Unlock(); s.faults = nil }

// takeFault finds the fault of a request. The caller holds the lock.
func (s *Server) takeFault(call, jql string) *Fault {
	for _, f := range s.faults {
		if f.Call != "" && f.Call != call || f.Search && !strings.HasPrefix(call, "GET /rest/api/2/search") || !strings.Contains(jql, f.JQL) {
			continue
		}
		f.seen++
		if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			return f
		}
	}
	return nil
}

// change is what the fault does to the issues of a page.
func (f *Fault) change(issues []json.RawMessage) []json.RawMessage {
	changed := []json.RawMessage{}
	for _, raw := range f.Issues {
		changed = append(changed, json.RawMessage(raw))
	}
	return append(changed, issues...)
}

// response is an answer before it is written.
type response struct {
	status int
	header http.Header
	body   []byte
}

func (a *response) write(w http.ResponseWriter, r *http.Request, f *Fault) {
	if f == nil {
		f = &Fault{}
	}
	if f.Body != "" {
		a.body = []byte(f.Body)
	}
	if f.ContentType != "" {
		a.header.Set("Content-Type", f.ContentType)
	}
	if f.Truncate {
		a.body = a.body[:len(a.body)/2]
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if !f.Reset && !f.Hang {
		_, _ = w.Write(a.body)
		return
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	if f.Hang {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler) // the way to break a connection
}

package pagerdutytest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Fault is something that goes wrong with the answers to a call. Without any
// of its effects it does nothing.
type Fault struct {
	// Call is the one affected, GET /incidents; all when empty.
	Call string
	// Skip lets that many matching requests pass before the first that fails.
	Skip int
	// Times is how many fail; all the following when 0.
	Times int

	// Status refuses the request, with Header.
	Status int
	Header http.Header
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
	// PageLimit grants fewer records than asked.
	PageLimit int
	// AlwaysMore promises a next page, and NoRecords keeps back those of this.
	AlwaysMore, NoRecords bool
	// Records are added in front of those of the page: bad ones among good.
	// They come on top of the page's limit, so use them where there is but one
	// page.
	Records []string
	// Drop removes the named field of every record.
	Drop string

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
func (s *Server) takeFault(call string) *Fault {
	for _, f := range s.faults {
		if f.Call != "" && f.Call != call {
			continue
		}
		f.seen++
		if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			return f
		}
	}
	return nil
}

// change is what the fault does to the records of a page.
func (f *Fault) change(records []json.RawMessage) []json.RawMessage {
	if f.NoRecords {
		return []json.RawMessage{}
	}
	var changed []json.RawMessage
	for _, r := range f.Records {
		changed = append(changed, json.RawMessage(r))
	}
	for _, r := range records {
		var fields object
		if f.Drop != "" && json.Unmarshal(r, &fields) == nil {
			delete(fields, f.Drop)
			r = encode(fields)
		}
		changed = append(changed, r)
	}
	if changed == nil {
		return records
	}
	return changed
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

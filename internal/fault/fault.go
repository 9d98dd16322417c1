// Package fault adds faults to a simulated upstream: it wraps the upstream's
// http.Handler and changes the answers to requests that are selected by call and
// occurrence. What it needs to know about the vendor is in a Form.
package fault

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is a fault of the answers to a call. Without any effect it changes
// nothing.
type Fault struct {
	// Call is the call with the fault, GET /incidents; all when empty.
	Call string
	// Query selects only requests whose decoded query or form has it.
	Query string
	// Skip is how many matching requests are answered before the first that fails.
	Skip int
	// Times is how many fail; 0 means all further ones.
	Times int

	// Status refuses the request, with Header and, in the vendor's form,
	// Messages.
	Status   int
	Header   http.Header
	Messages []string
	// Body replaces the body of the answer, which is of status 200 unless
	// Status says otherwise.
	Body string
	// Empty sends no body at all, and calls it JSON, with status 200 unless Status says
	// otherwise.
	Empty bool
	// ContentType replaces that of the answer, whose body does not change.
	ContentType string
	// Truncate ends the answer in the middle, with the length of what is sent.
	Truncate bool
	// Reset breaks the connection in the middle of the body.
	Reset bool
	// Hang sends half the body and then nothing until the client has gone.
	Hang bool
	// PageLimit is how many records a page has at most.
	PageLimit int
	// AlwaysMore announces a next page, and NoRecords removes the records of this.
	AlwaysMore, NoRecords bool
	// Records are added before those of the page, beyond its limit, so use them where
	// there is only one page.
	Records []string
	// Drop removes the named field of every record.
	Drop string
	// Pages changes the order of records or pages.
	Pages Pages
	// Then is called when the answer is made and before it is sent.
	Then func()

	seen int
}

// Pages is a fault of the order of records or pages of a listing.
type Pages int

// The faults of pages.
const (
	// PagesInOrder changes nothing.
	PagesInOrder Pages = iota
	// PagesSwapped exchanges the records of the first and the second page of each two.
	PagesSwapped
	// PagesOverlapping makes each page begin with the last record of the one
	// before, as when something new has come in front of the listing.
	PagesOverlapping
	// PagesStale answers with the page before again, unchanged.
	PagesStale
	// PagesBackward reverses the records of each page.
	PagesBackward
)

// Form describes a vendor's requests and answers. A function that is nil turns off
// the effects that need it.
type Form struct {
	// Call names a request; nil means method and path. A body may be read.
	Call func(*http.Request) string
	// Refusal is the vendor's body of a refused request; nil means none.
	Refusal func(status int, messages []string) (contentType, body string)
	// List is where the records are in the answer to a call: issues, or
	// data.result for a list within an object. An answer that is a list itself
	// has ".", and one without any records "".
	List func(call string) string
	// Limit are the query parameters that bound a page, and Page those that say
	// which page is wanted.
	Limit, Page []string
	// More makes an answer announce a next page.
	More func(call string, answer map[string]any)
	// Next is the request of the page after the one that answers r; nil at the
	// end of the listing.
	Next func(call string, r *http.Request, answer map[string]any) *http.Request
	// Shift is the request of the page that begins one record before the one that r
	// asks for; nil where pages have no numbers, and for the first.
	Shift func(call string, r *http.Request) *http.Request
}

// Injector is a handler that adds faults to answers. It is safe for concurrent use.
type Injector struct {
	form Form

	mu       sync.Mutex
	inner    http.Handler
	faults   []*Fault
	counts   map[string]int
	listings map[string]*listing
}

// New makes an injector before the inner handler.
func New(inner http.Handler, form Form) *Injector {
	if form.Call == nil {
		form.Call = func(r *http.Request) string { return r.Method + " " + r.URL.Path }
	}
	if form.List == nil {
		form.List = func(string) string { return "" }
	}
	return &Injector{form: form, inner: inner, counts: map[string]int{}, listings: map[string]*listing{}}
}

// Inject adds a fault until Heal. Of several that match a request the first
// injected is used.
func (i *Injector) Inject(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults = append(i.faults, &f)
}

// Heal removes all faults.
func (i *Injector) Heal() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults = nil
	clear(i.listings)
}

// Serve replaces the inner handler.
func (i *Injector) Serve(inner http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.inner = inner
}

// Counts returns how often each call was made since Forget was last called.
func (i *Injector) Counts() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.counts)
}

// Forget sets the counts of calls to zero.
func (i *Injector) Forget() { i.mu.Lock(); defer i.mu.Unlock(); clear(i.counts) }

// ServeHTTP answers one request, with its fault if there is one.
func (i *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	call := i.form.Call(withBody(r, body))
	i.mu.Lock()
	i.counts[call]++
	f, inner := i.take(call, r, body), i.inner
	i.mu.Unlock()
	if f == nil {
		inner.ServeHTTP(w, withBody(r, body))
		return
	}
	a := i.answer(inner, call, withBody(r, body), f)
	if f.Then != nil {
		f.Then()
	}
	a.write(w, r, f)
}

// take finds the fault of a request. The caller holds the lock.
func (i *Injector) take(call string, r *http.Request, body []byte) *Fault {
	for _, f := range i.faults {
		if f.Call != "" && f.Call != call {
			continue
		}
		if f.Query != "" && !hasText(r, body, f.Query) {
			continue
		}
		f.seen++
		if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			return f
		}
	}
	return nil
}

// hasText reports whether a parameter of the request has the text.
func hasText(r *http.Request, body []byte, text string) bool {
	copied := withBody(r, body)
	if copied.ParseForm() != nil {
		return false
	}
	for _, list := range copied.Form {
		if slices.ContainsFunc(list, func(v string) bool { return strings.Contains(v, text) }) {
			return true
		}
	}
	return false
}

// answer is the answer to a request with the effects of the fault on its content;
// write adds those on how it is sent.
func (i *Injector) answer(inner http.Handler, call string, r *http.Request, f *Fault) *answer {
	a := &answer{status: http.StatusOK, header: http.Header{}}
	switch {
	case f.Status != 0:
		a.status = f.Status
		if i.form.Refusal != nil {
			kind, body := i.form.Refusal(f.Status, f.Messages)
			a.header.Set("Content-Type", kind)
			a.body = []byte(body)
		}
		for name, values := range f.Header {
			for _, v := range values {
				a.header.Add(name, v)
			}
		}
	case f.Body != "", f.Empty:
		a.header.Set("Content-Type", "application/json")
	default:
		a = i.edited(inner, call, r, f)
	}
	if f.Body != "" || f.Empty {
		a.body = []byte(f.Body)
	}
	if f.ContentType != "" {
		a.header.Set("Content-Type", f.ContentType)
	}
	if f.Truncate {
		a.body = a.body[:len(a.body)/2]
	}
	return a
}

// answer is an answer before it is written.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask is the answer of the inner handler.
func ask(inner http.Handler, r *http.Request) *answer {
	w := httptest.NewRecorder()
	inner.ServeHTTP(w, r)
	header := w.Header()
	header.Del("Content-Length")
	return &answer{status: w.Code, header: header, body: w.Body.Bytes()}
}

func (a *answer) write(w http.ResponseWriter, r *http.Request, f *Fault) {
	maps.Copy(w.Header(), a.header)
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

func withBody(r *http.Request, body []byte) *http.Request {
	copied := r.Clone(r.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	copied.ContentLength = int64(len(body))
	return copied
}

// RetryAfter and the functions below are the forms in which servers ask for a
// pause.
func RetryAfter(d time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int(d / time.Second))}}
}

// RetryAfterDate has the end of the pause as a date.
func RetryAfterDate(now time.Time, d time.Duration) http.Header {
	return http.Header{"Retry-After": {now.Add(d).UTC().Format(http.TimeFormat)}}
}

// RateLimitReset is PagerDuty's form: seconds.
func RateLimitReset(d time.Duration) http.Header {
	return http.Header{"Ratelimit-Limit": {"960"}, "Ratelimit-Remaining": {"0"},
		"Ratelimit-Reset": {strconv.Itoa(int(d / time.Second))}}
}

// RateLimitResetMinute is Jira Cloud's form: a point in time without seconds.
func RateLimitResetMinute(now time.Time, d time.Duration) http.Header {
	return http.Header{"X-Ratelimit-Limit": {"100"}, "X-Ratelimit-Remaining": {"0"},
		"X-Ratelimit-Reset": {now.Add(d).UTC().Format("2006-01-02T15:04Z")}}
}

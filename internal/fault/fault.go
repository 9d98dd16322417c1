// Package fault makes a simulated upstream misbehave: it wraps the upstream's
// http.Handler and spoils the answers to the requests that are chosen by call
// and occurrence. It knows no vendor; a Form tells it what it needs to know.
package fault

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong with the answers to a call. Without any
// of its effects it does nothing.
type Fault struct {
	// Call is the one affected, GET /incidents; all when empty.
	Call string
	// Query affects only requests whose decoded query or form holds it.
	Query string
	// Skip lets that many matching requests pass before the first that fails.
	Skip int
	// Times is how many fail; all the following when 0.
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
	// ContentType replaces the one of the answer, whose body stays what it is.
	ContentType string
	// Truncate ends the answer in its middle, with a length that agrees.
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
	// Pages spoils the order of pages.
	Pages Pages
	// Then is called when the answer is made and before it is sent.
	Then func()

	seen int
}

// Pages is what can go wrong with the pages of a listing as a whole.
type Pages int

// The ways to spoil pages.
const (
	// PagesInOrder spoils nothing.
	PagesInOrder Pages = iota
	// PagesSwapped gives the first page of each two the records of the second,
	// and the second those of the first.
	PagesSwapped
	// PagesOverlapping makes each page begin with the last record of the one
	// before, as when something new has come in front of the listing.
	PagesOverlapping
	// PagesStale answers with the page before once more, word for word.
	PagesStale
	// PagesBackward turns the records of each page round.
	PagesBackward
)

// Form is what an Injector has to know of a vendor's requests and answers.
// Functions that are nil stand for effects that are not wanted.
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
	// More makes an answer promise a next page.
	More func(call string, answer map[string]any)
	// Next is the request of the page after the one that answers r; nil at the
	// end of the listing.
	Next func(call string, r *http.Request, answer map[string]any) *http.Request
	// Shift is the request of the page that begins one record before the one that
	// r asks for; nil where pages are not told by numbers, or for the first.
	Shift func(call string, r *http.Request) *http.Request
}

// Injector is a handler whose answers can be spoiled. It is safe for
// concurrent use.
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

// Inject makes a fault happen until Heal. Of several that match a request the
// first injected wins.
func (i *Injector) Inject(f Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults = append(i.faults, &f)
}

// Heal ends all faults.
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

// Counts tells how often each call was made since the last Forget.
func (i *Injector) Counts() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	counts := make(map[string]int, len(i.counts))
	maps.Copy(counts, i.counts)
	return counts
}

// Forget sets the counts of calls to zero.
func (i *Injector) Forget() { i.mu.Lock(); defer i.mu.Unlock(); clear(i.counts) }

// ServeHTTP answers one request, spoilt if a fault says so.
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
		if f.Query != "" && !holds(r, body, f.Query) {
			continue
		}
		f.seen++
		if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			return f
		}
	}
	return nil
}

// holds reports whether a parameter of the request holds the text.
func holds(r *http.Request, body []byte, text string) bool {
	copied := withBody(r, body)
	if copied.ParseForm() != nil {
		return false
	}
	for _, list := range copied.Form {
		for _, v := range list {
			if strings.Contains(v, text) {
				return true
			}
		}
	}
	return false
}

// answer is the answer to a request with all of the fault's effects on what is
// said; those on how it is sent are left to write.
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

// ask lets the inner handler answer.
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

// RetryAfter and the other functions below are the forms in which servers ask
// to be left alone for a time.
func RetryAfter(d time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int(d / time.Second))}}
}

// RetryAfterDate names the end of the time as a date.
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

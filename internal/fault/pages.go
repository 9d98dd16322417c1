package fault

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listing is the state of a listing with a fault of its pages.
type listing struct {
	// kept are records for the next page.
	kept []any
	// last is the last page as it was sent.
	last *answer
}

// edited is the inner handler's answer with the fault's effects on its records.
func (i *Injector) edited(inner http.Handler, call string, r *http.Request, f *Fault) *answer {
	if f.PageLimit > 0 {
		query := r.URL.Query()
		for _, name := range i.form.Limit {
			query.Set(name, strconv.Itoa(f.PageLimit))
		}
		copied := *r.URL
		copied.RawQuery = query.Encode()
		r.URL = &copied
	}
	body := r.Body
	a := ask(inner, r)
	r.Body = body
	if a.status != http.StatusOK || !f.edits() {
		return a
	}
	p, ok := parsePage(a, i.form.List(call))
	if !ok {
		return a
	}
	f.editRecords(p)
	if f.AlwaysMore && i.form.More != nil {
		i.form.More(call, p.object)
	}
	if f.Pages == PagesBackward {
		slices.Reverse(p.records)
	} else if f.Pages != PagesInOrder && i.form.Next != nil {
		if other := i.reorder(inner, call, r, f.Pages, p, a); other != nil {
			return other
		}
	}
	a.body = p.encode()
	return a
}

// editRecords removes, adds and changes the records of a page.
func (f *Fault) editRecords(p *page) {
	if f.NoRecords {
		p.records = []any{}
	}
	for n, text := range f.Records {
		p.records = slices.Insert(p.records, n, any(json.RawMessage(text)))
	}
	for _, record := range p.records {
		if fields, ok := record.(map[string]any); ok && f.Drop != "" {
			delete(fields, f.Drop)
		}
	}
}

func (f *Fault) edits() bool {
	return f.NoRecords || len(f.Records) > 0 || f.Drop != "" || f.AlwaysMore || f.Pages != PagesInOrder
}

// reorder replaces records of a page by those of the page before or after it, or
// returns another answer to be sent.
func (i *Injector) reorder(inner http.Handler, call string, r *http.Request, how Pages, p *page, a *answer) *answer {
	if how == PagesOverlapping && i.form.Shift != nil {
		if shifted := i.form.Shift(call, r); shifted != nil {
			return i.renumbered(ask(inner, shifted), call, r)
		}
	}
	name, first := i.listing(r)
	i.mu.Lock()
	defer i.mu.Unlock()
	l := i.listings[name]
	if l == nil || first {
		l = &listing{}
		i.listings[name] = l
	}
	next := i.form.Next(call, r, p.object)
	switch {
	case how == PagesStale && l.last != nil:
		return l.last
	case how == PagesSwapped && len(l.kept) > 0:
		p.records, l.kept = l.kept, nil
	case how == PagesSwapped && next != nil:
		if second, ok := parsePage(ask(inner, next), i.form.List(call)); ok && len(second.records) > 0 {
			p.records, l.kept = second.records, p.records
		}
	case how == PagesOverlapping:
		l.overlap(p, first, next != nil)
	}
	l.last = &answer{status: a.status, header: a.header, body: p.encode()}
	return nil
}

// overlap changes a page as if a record had been added before the listing
// meanwhile: each page begins with the last record of the one before.
func (l *listing) overlap(p *page, first, hasNext bool) {
	p.records = append(append([]any{}, l.kept...), p.records...)
	if n := len(p.records) - 1; n >= 0 && hasNext {
		l.kept = p.records[n:]
		if !first {
			p.records = p.records[:n]
		}
	}
}

// renumbered is an answer with the page number that r asks for, of a listing with
// one more record.
func (i *Injector) renumbered(a *answer, call string, r *http.Request) *answer {
	p, ok := parsePage(a, i.form.List(call))
	if !ok || p.object == nil {
		return a
	}
	for _, name := range i.form.Page {
		if at, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && p.object[name] != nil {
			p.object[name] = at
		}
	}
	if total, ok := p.object["total"].(float64); ok {
		p.object["total"] = total + 1
	}
	a.body = p.encode()
	return a
}

// listing names the listing of a request, without its page, and reports whether the
// request is for the first page.
func (i *Injector) listing(r *http.Request) (name string, first bool) {
	query := r.URL.Query()
	first = true
	for _, parameter := range i.form.Page {
		if v := query.Get(parameter); v != "" && v != "0" {
			first = false
		}
		query.Del(parameter)
	}
	return r.Method + " " + r.URL.Path + "?" + query.Encode(), first
}

// page is an answer with its list of records.
type page struct {
	// root is the whole answer; object is the same where it is an object.
	root    any
	object  map[string]any
	path    []string
	records []any
}

func parsePage(a *answer, list string) (*page, bool) {
	p := &page{}
	if list == "" || json.Unmarshal(a.body, &p.root) != nil {
		return nil, false
	}
	if list == "." {
		records, ok := p.root.([]any)
		p.records = records
		return p, ok
	}
	object, ok := p.root.(map[string]any)
	if !ok {
		return nil, false
	}
	p.object, p.path = object, strings.Split(list, ".")
	holder := p.holder()
	if holder == nil {
		return nil, false
	}
	p.records, ok = holder[p.path[len(p.path)-1]].([]any)
	return p, ok
}

// holder is the object with the list.
func (p *page) holder() map[string]any {
	holder := p.object
	for _, name := range p.path[:len(p.path)-1] {
		next, ok := holder[name].(map[string]any)
		if !ok {
			return nil
		}
		holder = next
	}
	return holder
}

func (p *page) encode() []byte {
	if p.object == nil {
		p.root = p.records
	} else {
		p.holder()[p.path[len(p.path)-1]] = p.records
	}
	data, err := json.Marshal(p.root)
	if err != nil {
		// A record that is no JSON makes the answer the error.
		return []byte(err.Error())
	}
	return data
}

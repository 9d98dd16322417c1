package fault

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listing is what was answered of a listing whose pages are spoilt.
type listing struct {
	// kept are records that were kept back for the next page.
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
	if f.AlwaysMore && i.form.More != nil {
		i.form.More(call, p.object)
	}
	if f.Pages == PagesBackward {
		slices.Reverse(p.records)
	} else if f.Pages != PagesInOrder {
		if stale := i.reorder(inner, call, r, f.Pages, p, a); stale != nil {
			return stale
		}
	}
	a.body = p.encode()
	return a
}

func (f *Fault) edits() bool {
	return f.NoRecords || len(f.Records) > 0 || f.Drop != "" || f.AlwaysMore || f.Pages != PagesInOrder
}

// reorder changes the records of a page by those of the page before or after
// it, or returns an answer to be sent in its place.
func (i *Injector) reorder(inner http.Handler, call string, r *http.Request, how Pages, p *page, a *answer) *answer {
	if i.form.Next == nil {
		return nil
	}
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
	switch how {
	case PagesSwapped:
		if len(l.kept) > 0 {
			p.records, l.kept = l.kept, nil
		} else if next != nil {
			if second, ok := parsePage(ask(inner, next), i.form.List(call)); ok && len(second.records) > 0 {
				p.records, l.kept = second.records, p.records
			}
		}
	case PagesOverlapping:
		// As if a record had been put in front of the listing meanwhile: each
		// page begins with the last record of the one before.
		p.records = append(append([]any{}, l.kept...), p.records...)
		if n := len(p.records) - 1; n >= 0 && next != nil {
			l.kept = p.records[n:]
			if !first {
				p.records = p.records[:n]
			}
		}
	case PagesStale:
		if l.last != nil {
			return l.last
		}
	}
	l.last = &answer{status: a.status, header: a.header, body: p.encode()}
	return nil
}

// renumbered is an answer that says of itself that it is the page that r asks
// for, of a listing with one more record.
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

// listing names the listing that a request is for, without its page, and
// reports whether it is for the first.
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
	// root is the whole answer; object is it if it is an object.
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

// holder is the object that has the list.
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
		// A record that is no JSON at all is sent as it is.
		return []byte(err.Error())
	}
	return data
}

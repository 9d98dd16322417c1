package pagerduty

import (
	"net/url"
	"time"
)

const (
	// maxWindow is below the vendor's six months whatever months they are.
	maxWindow = 180 * day
	// maxWindows bounds how often a window is cut.
	maxWindows = 1000
)

// window is the time from its start until before its end.
type window struct{ start, end time.Time }

// holds reports whether the time is in the window.
func (w window) holds(at time.Time) bool { return !at.Before(w.start) && at.Before(w.end) }

// query asks for the window.
func (w window) query() url.Values {
	return url.Values{"since": {stamp(w.start)}, "until": {stamp(w.end)}}
}

// windows cuts a span of time into windows of at most the given width.
func windows(span window, width time.Duration) []window {
	var list []window
	for start := span.start; start.Before(span.end); start = start.Add(width) {
		list = append(list, window{start, earlier(start.Add(width), span.end)})
	}
	return list
}

// reader reads the records of one window, as far as the vendor lets one: tooFar
// says that there are more. It hands on the time by which each is listed.
type reader func(w window, at func(time.Time)) (tooFar bool, err error)

// walk reads windows until nothing is left of them. The vendor lists at most
// 10,000 records for one window. A longer one is continued from the last
// record that was read, where they come in order of time; where they do not,
// it is halved. rest is what is left to read when there is an error, and then
// never empty; of windows in order of time everything before it has been read,
// and of a window that was begun what came in order is left out.
func walk(list string, todo []window, read reader) (rest []window, err error) {
	for n := 0; len(todo) > 0; n++ {
		if n == maxWindows {
			return todo, incomplete("GET /"+list, "no end after %d windows", n)
		}
		left, err := readWindow(list, todo[0], read)
		todo = append(left, todo[1:]...)
		if err != nil {
			return todo, err
		}
	}
	return nil, nil
}

// readWindow reads one window and returns what of it is left to read, with or
// without an error.
func readWindow(list string, w window, read reader) ([]window, error) {
	var o order
	tooFar, err := read(w, o.add)
	if err == nil && !tooFar {
		return nil, nil
	}
	if rest, ok := o.rest(w); ok {
		return []window{rest}, err
	}
	if err != nil {
		return []window{w}, err
	}
	if w.end.Sub(w.start) < 2*time.Second {
		return []window{w}, incomplete("GET /"+list,
			"more than %d records in a second, at %s", maxRecords, stamp(w.start))
	}
	middle := w.start.Add(w.end.Sub(w.start) / 2).Truncate(time.Second)
	return []window{{w.start, middle}, {middle, w.end}}, nil
}

// order is the order of the times of records, in seconds, because times in requests
// have no fractions.
type order struct {
	last       time.Time
	rose, fell bool
}

func (o *order) add(at time.Time) {
	at = at.Truncate(time.Second)
	if !o.last.IsZero() {
		o.rose, o.fell = o.rose || at.After(o.last), o.fell || at.Before(o.last)
	}
	o.last = at
}

// rest is the part of the window that was not read, if the records came in an
// order. It has the second of the last record, which may have more of them.
func (o *order) rest(w window) (rest window, ok bool) {
	if o.rose {
		return window{o.last, w.end}, !o.fell && o.last.After(w.start) && o.last.Before(w.end)
	}
	end := o.last.Add(time.Second)
	return window{w.start, end}, o.fell && !o.last.Before(w.start) && end.Before(w.end)
}

// stamp writes a time as requests carry it; without the Z it would be read in
// the account's time zone.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

package effect

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// panel is what is known of one measure, in numbers: times are days since the start of
// the history.
type panel struct {
	measure Measure
	options Options
	names   []string
	// since is when each service's events are known from.
	since []float64
	// events are those of each service by time.
	events [][]event
	// begins is where the events of each service and month begin in the list of the
	// service; those of a service are len(months) numbers, with the length of the list at
	// the end. weight and sum are what the months have in total, as those of cells.
	begins      []int
	weight, sum []float64
	// treatments are those of each service.
	treatments []treatment
	// now is the last moment that counts, and months are the starts of the months up to
	// it, with now at the end.
	now    float64
	months []float64
}

// event is a point of a panel: value is the logarithm of seconds of Times, and else 1 if
// it counts.
type event struct {
	at, value float64
	month     int
	severity  int
}

// treatment is when the first treatment of a service begins and when the first that is
// completed ends; infinite if never.
type treatment struct{ from, until float64 }

func (t treatment) completed() bool { return !math.IsInf(t.until, 1) }

// newPanel leaves out what belongs to no service and what cannot be.
func newPanel(
	m Measure, services []Service, treatments []Treatment, events []Event, o Options, now time.Time,
) *panel {
	start := now.Add(-o.History)
	days := func(t time.Time) float64 { return t.Sub(start).Hours() / 24 }
	p := &panel{measure: m, options: o, now: days(now)}
	if m == Times {
		p.now = days(now.Add(-o.FollowUp))
	}
	p.months = monthsUntil(start, p.now, o.Month, days)
	index := p.addServices(services, days)
	for _, t := range treatments {
		if i, known := index[t.Service]; known {
			p.treatments[i].add(t, now, days)
		}
	}
	p.events = make([][]event, len(p.names))
	for i := range events {
		e := &events[i]
		at := days(e.At)
		of, known := index[e.Service]
		if !known || at < p.since[of] || at > p.now || m == Times && e.Duration < 0 {
			continue
		}
		p.events[of] = append(p.events[of], event{at, value(m, e, o), p.monthOf(at), severity(e.Severity)})
	}
	for _, list := range p.events {
		slices.SortFunc(list, func(a, b event) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.value, b.value), a.severity-b.severity)
		})
	}
	p.addMonths()
	return p
}

// addMonths sums up the events of each month, so that what is whole is not counted for
// each fit.
func (p *panel) addMonths() {
	months := len(p.months) - 1
	n := len(p.names) * months
	p.weight, p.sum, p.begins = make([]float64, n), make([]float64, n), make([]int, 0, n+len(p.names))
	for s, events := range p.events {
		at := 0
		for m := range months {
			p.begins = append(p.begins, at)
			first, cell := at, s*months+m
			for ; at < len(events) && events[at].month == m; at++ {
				p.sum[cell] += events[at].value
			}
			p.weight[cell] = float64(at - first)
			if p.measure == Rates {
				p.weight[cell] = max(0, p.months[m+1]-max(p.months[m], p.since[s]))
			}
		}
		p.begins = append(p.begins, at)
	}
}

// eventsFrom are the events of a service from the begin of a month on.
func (p *panel) eventsFrom(s, month int) []event {
	return p.events[s][p.begins[s*len(p.months)+month]:]
}

// wholeMonths is the number of months that are over at a time.
func (p *panel) wholeMonths(at float64) int {
	if at > p.now {
		return len(p.months) - 1
	}
	return p.monthOf(at)
}

// addServices adds services by name, each once and never treated, and returns the number
// of each.
func (p *panel) addServices(services []Service, days func(time.Time) float64) map[string]int {
	services = slices.Clone(services)
	slices.SortFunc(services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Since.Compare(b.Since))
	})
	services = slices.CompactFunc(services, func(a, b Service) bool { return a.Name == b.Name })
	index := make(map[string]int, len(services))
	for i, s := range services {
		index[s.Name] = i
		p.names = append(p.names, s.Name)
		since := 0.0
		if !s.Since.IsZero() {
			since = max(0, days(s.Since))
		}
		p.since = append(p.since, since)
		p.treatments = append(p.treatments, treatment{math.Inf(1), math.Inf(1)})
	}
	return index
}

// add adds a treatment of the service, unless it is yet to come or contradicts itself.
func (t *treatment) add(one Treatment, now time.Time, days func(time.Time) float64) {
	if one.From.IsZero() || one.From.After(now) || !one.Until.IsZero() && one.Until.Before(one.From) {
		return
	}
	t.from = min(t.from, days(one.From))
	if !one.Until.IsZero() && !one.Until.After(now) {
		t.until = min(t.until, days(one.Until))
	}
}

// value is that of an event in the sum of its month.
func value(m Measure, e *Event, o Options) float64 {
	switch {
	case m == Times:
		return math.Log(min(max(e.Duration, o.Shortest), o.Longest).Seconds())
	case m == Rates || e.Counts:
		return 1
	}
	return 0
}

// severity is 1 to 5, and 0 for all else.
func severity(s int) int {
	if s < 0 || s > 5 {
		return 0
	}
	return s
}

// monthsUntil are the starts of the months from a time on, in days, with the end of the
// last.
func monthsUntil(start time.Time, end float64, length time.Duration, days func(time.Time) float64) []float64 {
	var months []float64
	at := time.Date(start.UTC().Year(), start.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	next := func() time.Time { return at.AddDate(0, 1, 0) }
	if length > 0 {
		at = time.Unix(0, 0).Add(start.Sub(time.Unix(0, 0)).Truncate(length))
		if at.After(start) {
			at = at.Add(-length)
		}
		next = func() time.Time { return at.Add(length) }
	}
	for ; days(at) < end; at = next() {
		months = append(months, max(days(at), 0))
	}
	return append(months, end)
}

// monthOf is the month that a time within the history is in.
func (p *panel) monthOf(at float64) int {
	i, found := slices.BinarySearch(p.months, at)
	if !found {
		i--
	}
	return min(max(i, 0), len(p.months)-2)
}

// periods are the times of a service that are untreated, up to before, and treated, from
// one to another.
type periods struct{ before, from, to float64 }

// afterTreatment are the periods of an effect.
func (p *panel) afterTreatment(t treatment, gap time.Duration) periods {
	begin := t.until + inDays(p.options.Washout)
	return periods{t.from - inDays(gap), begin, begin + inDays(p.options.Window)}
}

// leading are the periods of a time before the treatment, as if that had come at its
// begin. Who is not treated to the end leads to nothing.
func leading(t treatment, from, to time.Duration) periods {
	if !t.completed() {
		return periods{t.from - inDays(from), math.Inf(1), math.Inf(1)}
	}
	return periods{t.from - inDays(from), t.from - inDays(from), t.from - inDays(to)}
}

func inDays(d time.Duration) float64 { return d.Hours() / 24 }

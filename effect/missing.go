package effect

import (
	"fmt"
	"math"
	"strings"
)

// Missing is what an effect lacks for a verdict: how many more of each are needed, 0 for
// enough.
type Missing struct {
	// Treated and Comparison are services.
	Treated, Comparison int
	// Before and After are events.
	Before, After int
	// Months is how many more months bring that if all goes on as in the last half year, 0
	// if that is not known or time alone brings nothing.
	Months int
}

// None is true if nothing lacks.
func (m Missing) None() bool { return m.Treated+m.Comparison+m.Before+m.After == 0 }

// Words says it for people: "6 more reviewed services, or 5 more months". They name what
// was done to treated services ("reviewed"), when ("reviews"), and the events
// ("incidents").
func (m Missing) Words(treated, treatments, events string) string {
	var parts []string
	add := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 more "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d more %s", n, many))
		}
	}
	add(m.Treated, treated+" service", treated+" services")
	add(m.Comparison, "service to compare with, not "+treated+" yet", "services to compare with, not "+treated+" yet")
	add(m.Before, events+" before "+treatments, events+" before "+treatments)
	add(m.After, events+" after "+treatments, events+" after "+treatments)
	words := strings.Join(parts, " and ")
	if len(parts) > 2 {
		words = strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
	}
	switch {
	case m.Months == 1:
		return words + ", or 1 more month"
	case m.Months > 1:
		return fmt.Sprintf("%s, or %d more months", words, m.Months)
	}
	return words
}

// monthDays is the length of a month in words.
const monthDays = 30.0

// maxMonths is the longest wait that is stated: the present pace of reviews does not
// predict what happens later.
const maxMonths = 36

// missing is what both fits need.
func (p *panel) missing(fits [2]Fit) Missing {
	var m Missing
	for _, f := range fits {
		after := f.EventsAfter
		if p.measure != Times {
			// What a treatment prevents must not count against it.
			after = int(f.Expected)
		}
		m.Treated = max(m.Treated, MinServices-f.Treated)
		m.Comparison = max(m.Comparison, MinServices-f.Comparison)
		m.Before = max(m.Before, MinEvents-f.EventsBefore)
		m.After = max(m.After, MinEvents-after)
	}
	if m.Comparison == 0 && !m.None() {
		m.Months = p.monthsFor(m)
	}
	return m
}

// monthsFor is how many months bring what is missing at the pace of the last half year,
// 0 if that is not known.
func (p *panel) monthsFor(m Missing) int {
	const halfYear = 180.0
	since := max(0, p.now-halfYear)
	completed, before, after := p.seenSince(since)
	days := 0.0
	for _, part := range []struct{ missing, seen int }{{m.Treated, completed}, {m.Before, before}, {m.After, after}} {
		if part.missing == 0 {
			continue
		}
		if part.seen == 0 {
			return 0
		}
		days = max(days, float64(part.missing)/float64(part.seen)*(p.now-since))
	}
	if m.Treated > 0 {
		// Who is treated last counts after the washout.
		days += inDays(p.options.Washout)
	}
	if months := int(math.Ceil(days / monthDays)); months <= maxMonths {
		return months
	}
	return 0
}

// seenSince counts the treatments that were completed since a time, and the events before
// treatments and after.
func (p *panel) seenSince(since float64) (completed, before, after int) {
	for s := range p.names {
		q := p.afterTreatment(p.treatments[s], 0)
		if until := p.treatments[s].until; until >= since && until <= p.now {
			completed++
		}
		for _, e := range p.events[s] {
			switch {
			case e.at < since || p.measure == Shares && e.value == 0:
			case e.at < q.before:
				before++
			case e.at >= q.from && e.at < q.to:
				after++
			}
		}
	}
	return completed, before, after
}

package effect

import (
	"slices"

	"gonum.org/v1/gonum/floats"
)

// cells are the sums of each service and month, untreated and treated: weight is the
// number of events of Times and Shares and the days of Rates, sum that of the values. The
// cell of a service and month is at service*months+month.
type cells struct {
	services, months  int
	before, beforeSum []float64
	after, afterSum   []float64
	// counted is where the events are: they are the weights of Times, and the sums of Rates
	// and Shares, where an event counts or does not.
	counted Measure
	// spans are the months of each service that have anything in them, and totals the sums
	// of its months.
	spans  []span
	totals []totals
	// kept are the months that the cells have, of those of the panel, and filled the periods
	// of each service that they were filled with, if they have all months.
	kept   []int
	filled []periods
}

// span are months: up to untreated, and from treated to treatedEnd.
type span struct{ untreated, treated, treatedEnd int }

// totals are the sums of the cells of one service.
type totals struct{ before, beforeSum, after, afterSum float64 }

func newCells(m Measure, services, months int) *cells {
	n := services * months
	c := &cells{
		services: services, months: months, counted: m,
		before: make([]float64, n), beforeSum: make([]float64, n), after: make([]float64, n), afterSum: make([]float64, n),
		spans: make([]span, services), totals: make([]totals, services),
	}
	for s := range c.spans {
		c.spans[s] = span{months, 0, months}
	}
	return c
}

// row is what is known of one service, by month. It must not be changed.
type row struct {
	// before and sum are untreated, after is treated.
	before, sum, after []float64
	span
	totals
}

// row reads the cells of a service.
func (c *cells) row(s int) row {
	from, to := s*c.months, (s+1)*c.months
	return row{c.before[from:to], c.beforeSum[from:to], c.after[from:to], c.spans[s], c.totals[s]}
}

// untreatedEvents are the numbers of events of a service by month.
func (c *cells) untreatedEvents(s int) []float64 {
	of := c.beforeSum
	if c.counted == Times {
		of = c.before
	}
	return of[s*c.months : s*c.months+c.spans[s].untreated]
}

// treatedEvents is the number of events of a service after its treatment.
func (c *cells) treatedEvents(s int) float64 {
	if c.counted == Times {
		return c.totals[s].after
	}
	return c.totals[s].afterSum
}

// fill counts what is untreated and treated, with the periods of each service.
func (c *cells) fill(p *panel, of func(service int) periods) {
	c.months = len(p.months) - 1
	if c.months == 0 {
		return
	}
	anew := len(c.filled) == 0
	if anew {
		c.filled = slices.Grow(c.filled, c.services)[:c.services]
	}
	for s := range p.names {
		q, last := of(s), c.filled[s]
		c.filled[s] = q
		if anew || q.before != last.before {
			c.fillUntreated(p, s, q)
		}
		if anew || q.from != last.from || q.to != last.to || max(q.before, last.before) > q.from {
			c.fillTreated(p, s, q)
		}
	}
}

// fillUntreated takes over the months that are whole and counts in the one that is not.
func (c *cells) fillUntreated(p *panel, s int, q periods) {
	from, to := s*c.months, (s+1)*c.months
	whole := p.wholeMonths(q.before)
	at := from + whole
	c.spans[s].untreated = whole
	copy(c.before[from:at], p.weight[from:at])
	copy(c.beforeSum[from:at], p.sum[from:at])
	clear(c.before[at:to])
	clear(c.beforeSum[at:to])
	if whole == c.months {
		return
	}
	c.spans[s].untreated++
	for _, e := range p.eventsFrom(s, whole) {
		if e.at >= q.before {
			break
		}
		c.before[at]++
		c.beforeSum[at] += e.value
	}
	if p.measure == Rates {
		c.before[at] = max(0, min(p.months[whole+1], q.before)-max(p.months[whole], p.since[s]))
	}
}

// fillTreated counts what is after the treatment.
func (c *cells) fillTreated(p *panel, s int, q periods) {
	from, to := s*c.months, (s+1)*c.months
	clear(c.after[from:to])
	clear(c.afterSum[from:to])
	begin := max(q.from, q.before)
	if begin > p.now || begin >= q.to {
		c.spans[s].treated, c.spans[s].treatedEnd = 0, 0
		return
	}
	first := p.monthOf(begin)
	last := p.monthOf(min(q.to, p.now))
	c.spans[s].treated, c.spans[s].treatedEnd = first, last+1
	for _, e := range p.eventsFrom(s, first) {
		if e.at >= q.to {
			break
		}
		if e.at >= begin {
			c.after[from+e.month]++
			c.afterSum[from+e.month] += e.value
		}
	}
	if p.measure != Rates {
		return
	}
	for m := first; m <= last; m++ {
		c.after[from+m] = max(0, min(p.months[m+1], q.to)-max(p.months[m], p.since[s], begin))
	}
}

// keep leaves the months of a list, in order, and writes what is left to other cells, which may
// be the same ones. It sums up each service.
func (c *cells) keep(kept []int, to *cells) {
	months := c.months
	if to != c || len(kept) < months {
		// before[m] is the number of months that are kept before one.
		before := make([]int, months+1)
		for _, m := range kept {
			before[m+1] = 1
		}
		for m := range months {
			before[m+1] += before[m]
		}
		for s := range c.services {
			for i, m := range kept {
				from, at := s*months+m, s*len(kept)+i
				to.before[at], to.beforeSum[at] = c.before[from], c.beforeSum[from]
				to.after[at], to.afterSum[at] = c.after[from], c.afterSum[from]
			}
			own := c.spans[s]
			to.spans[s] = span{before[own.untreated], before[own.treated], before[own.treatedEnd]}
		}
		to.months, to.filled = len(kept), to.filled[:0]
	}
	to.kept = kept
	to.total()
}

// total sums up each service.
func (c *cells) total() {
	for s := range c.services {
		from, own := s*c.months, c.spans[s]
		c.totals[s] = totals{
			floats.Sum(c.before[from : from+own.untreated]), floats.Sum(c.beforeSum[from : from+own.untreated]),
			floats.Sum(c.after[from+own.treated : from+own.treatedEnd]),
			floats.Sum(c.afterSum[from+own.treated : from+own.treatedEnd]),
		}
	}
}

package effect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/prodready/collector/statistics"
)

// model estimates what would have been without treatment from what is untreated.
type model interface {
	// fit is the effect, as a logarithm, without one of the services, -1 for none. It is not
	// a number if it cannot be estimated.
	fit(c *cells, without int) float64
	// without is what fit would be without one service, after a fit of all.
	without(service int) float64
	// expected is the number of events after treatments that there would be without them.
	expected() float64
	// startFrom has fits start from another one, of other treatments of the same services,
	// which is near. That must not be changed afterwards.
	startFrom(other model)
}

// newModel is that of a measure.
func newModel(m Measure, o Options) model {
	if m == Times {
		return &levels{shrinkage: o.Shrinkage}
	}
	return &rates{shrinkage: o.Shrinkage}
}

// estimator fits one panel many times.
type estimator struct {
	*panel
	cells *cells
	model model
	// inMonth are the untreated events of each month that is kept.
	inMonth []float64
	kept    []int
	// lessCells and lessModel are those of a fit with fewer months.
	lessCells *cells
	lessModel model
	// order are the services that count, those that are treated first, and without is the
	// effect without each of them, in the order of the services. weights are those of the
	// treated ones.
	order            []int
	without, weights []float64
}

func newEstimator(p *panel) *estimator {
	return &estimator{
		panel: p, cells: newCells(p.measure, len(p.names), max(len(p.months)-1, 0)), model: newModel(p.measure, p.options),
		without: make([]float64, len(p.names)),
	}
}

// estimate fits the periods of each service, and again without each service in turn.
func (e *estimator) estimate(of func(service int) periods) Fit {
	return e.jackknife(e.fit(of), false)
}

// fit fits the periods of each service. There are no bounds yet.
func (e *estimator) fit(of func(service int) periods) Fit {
	f := e.count(of)
	f.Log.Value = e.model.fit(e.cells, -1)
	f.Expected = e.model.expected()
	return f
}

// count fills the cells of the months that have enough untreated events, and says how many
// events and services they have.
func (e *estimator) count(of func(service int) periods) Fit {
	c := e.cells
	c.fill(e.panel, of)
	e.inMonth = zeros(e.inMonth, c.months)
	for s := range c.services {
		own := c.untreatedEvents(s)
		floats.Add(e.inMonth[:len(own)], own)
	}
	e.kept = e.enough(-1)
	c.keep(e.kept, c)
	for i, m := range e.kept {
		e.inMonth[i] = e.inMonth[m]
	}
	e.inMonth = e.inMonth[:len(e.kept)]
	return e.describe()
}

// enough are the months with enough untreated events without one of the services.
func (e *estimator) enough(without int) []int {
	kept := e.kept[:0]
	var own []float64
	if without >= 0 {
		kept, own = nil, e.cells.untreatedEvents(without)
	}
	for m, n := range e.inMonth {
		if m < len(own) {
			n -= own[m]
		}
		if n >= minMonthEvents {
			kept = append(kept, m)
		}
	}
	return kept
}

// describe counts what a fit is made of.
func (e *estimator) describe() Fit {
	c := e.cells
	var f Fit
	after := 0.0
	treatedIn := make([]bool, c.months)
	e.weights, e.order = e.weights[:0], e.order[:0]
	for s := range c.services {
		if c.totals[s].before == 0 {
			continue
		}
		f.Services++
		if c.totals[s].after == 0 {
			continue
		}
		e.order, e.weights = append(e.order, s), append(e.weights, c.totals[s].after)
		after += c.treatedEvents(s)
		own := c.row(s)
		for m := own.treated; m < own.treatedEnd; m++ {
			treatedIn[m] = treatedIn[m] || own.after[m] > 0
		}
	}
	f.Treated, f.EventsBefore, f.EventsAfter = len(e.order), int(floats.Sum(e.inMonth)), int(after)
	for s := range c.services {
		if c.totals[s].before == 0 {
			continue
		}
		if c.totals[s].after == 0 {
			e.order = append(e.order, s)
		}
		own := c.row(s)
		for m, before := range own.before[:own.untreated] {
			if before > 0 && treatedIn[m] {
				f.Comparison++
				break
			}
		}
	}
	return f
}

// jackknife gives the fit that was made last its bounds. If only its verdict is asked for,
// it stops once the bounds have no effect between them: each service that is left out makes
// them wider. Those that are treated come first, since they make most of it.
func (e *estimator) jackknife(f Fit, onlyVerdict bool) Fit {
	log := f.Log.Value
	f.DegreesOfFreedom = statistics.EffectiveDegrees(e.weights)
	n, squares, enough := float64(len(e.order)), 0.0, math.Inf(1)
	if onlyVerdict {
		// The error that decides, and a little more for the rounding of sums.
		least := math.Abs(log) / statistics.StudentInterval(0, 1, f.DegreesOfFreedom).Upper * (1 + 1e-9)
		enough = least * least * n / (n - 1)
	}
	for _, s := range e.order {
		without := e.leaveOut(s)
		e.without[s] = without
		if squares += (without - log) * (without - log); squares > enough {
			return unknown(f)
		}
	}
	// The order of the sum is that of the services.
	slices.Sort(e.order)
	values := make([]float64, len(e.order))
	for i, s := range e.order {
		values[i] = e.without[s]
	}
	standardError, _, known := statistics.Jackknife(log, values)
	if !known || !(standardError > 0) {
		return unknown(f)
	}
	f.Known, f.StandardError = true, standardError
	f.Log = statistics.StudentInterval(log, standardError, f.DegreesOfFreedom)
	f.P = statistics.StudentP(log, standardError, f.DegreesOfFreedom)
	return f
}

// unknown is a fit without bounds.
func unknown(f Fit) Fit {
	f.Log, f.P = statistics.Interval{Lower: math.Inf(-1), Upper: math.Inf(1)}, 1
	return f
}

// leaveOut is the effect of the fit that was made last without a service that counts.
func (e *estimator) leaveOut(s int) float64 {
	if !e.losesMonth(s) {
		return e.model.without(s)
	}
	// There are few such services: a month that one of them can take away has few events.
	if e.lessCells == nil {
		e.lessCells = newCells(e.measure, e.cells.services, len(e.months)-1)
		e.lessModel = newModel(e.measure, e.options)
	}
	e.cells.keep(e.enough(s), e.lessCells)
	return e.lessModel.fit(e.lessCells, s)
}

// losesMonth reports whether a month would not be kept without a service.
func (e *estimator) losesMonth(s int) bool {
	for m, own := range e.cells.untreatedEvents(s) {
		if e.inMonth[m]-own < minMonthEvents {
			return true
		}
	}
	return false
}

func exponential(i statistics.Interval) statistics.Interval {
	return statistics.Interval{Value: math.Exp(i.Value), Lower: math.Exp(i.Lower), Upper: math.Exp(i.Upper)}
}

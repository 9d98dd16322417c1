package effect

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// levels is the model of Times: the logarithm of a duration is the level of its month,
// that of its service, and chance. The levels of services are drawn to 0 by the
// shrinkage (ridge regression), so that one with few events says little.
//
// The levels of the services are eliminated, so that what is left to solve has the size
// of the months. To leave a service out takes its part away from that, and the services
// are not counted anew.
type levels struct {
	shrinkage float64

	c *cells
	// The levels of the months solve the system. total is the sum of what is treated, less
	// what the services' levels explain of it, and loads is how much of it the months'
	// levels explain. dual solves the system with the loads.
	system               system
	right, loads         []float64
	level, dual          []float64
	total, treated       float64
	primal, other, spare []float64
}

func (l *levels) fit(c *cells, without int) float64 {
	n := c.months
	l.c = c
	l.system.reset(n)
	l.right, l.loads, l.spare = zeros(l.right, n), zeros(l.loads, n), zeros(l.spare, n)
	l.total, l.treated = 0, 0
	for s := range c.services {
		own := c.row(s)
		if s == without || own.totals.before == 0 {
			continue
		}
		before, months := own.before[:own.untreated], own.treatedEnd
		factor := l.factor(&own)
		l.system.addProduct(before, -factor)
		floats.Add(l.spare[:own.untreated], before)
		floats.Add(l.right[:own.untreated], own.sum[:own.untreated])
		floats.AddScaled(l.right[:own.untreated], -factor*own.beforeSum, before)
		if own.totals.after == 0 {
			continue
		}
		floats.Add(l.loads[own.treated:months], own.after[own.treated:months])
		floats.AddScaled(l.loads[:own.untreated], -factor*own.totals.after, before)
		l.total += own.afterSum - factor*own.totals.after*own.beforeSum
		l.treated += own.totals.after
	}
	l.system.addDiagonal(l.spare, 1)
	if !l.system.factorize() {
		l.level = nil
		return math.NaN()
	}
	l.level, l.dual = l.system.solve(l.level, l.right), l.system.solve(l.dual, l.loads)
	return l.mean(l.total-floats.Dot(l.loads, l.level), l.treated)
}

// factor is how much of the sum of a service its level takes, by event.
func (l *levels) factor(own *row) float64 { return 1 / (own.totals.before + l.shrinkage) }

// mean is that of what is treated less what the levels explain.
func (l *levels) mean(total, treated float64) float64 {
	if !(treated > 0.5) {
		return math.NaN()
	}
	return total / treated
}

func (l *levels) without(s int) float64 {
	if l.level == nil {
		return math.NaN()
	}
	own := l.c.row(s)
	if own.totals.before == 0 {
		return l.mean(l.total-floats.Dot(l.loads, l.level), l.treated)
	}
	factor := l.factor(&own)
	total := l.total - own.afterSum + factor*own.totals.after*own.beforeSum
	treated := l.treated - own.totals.after
	// What the right side and the loads lose.
	l.primal, l.other = append(l.primal[:0], own.sum...), append(l.other[:0], own.after...)
	floats.AddScaled(l.primal, -factor*own.beforeSum, own.before)
	floats.AddScaled(l.other, -factor*own.totals.after, own.before)
	if l.system.share(own.before) > smallShare {
		smaller := l.system.copy()
		smaller.addProduct(own.before, factor)
		smaller.addDiagonal(own.before, -1)
		if !smaller.factorize() {
			return math.NaN()
		}
		floats.SubTo(l.primal, l.right, l.primal)
		floats.SubTo(l.other, l.loads, l.other)
		return l.mean(total-floats.Dot(l.other, smaller.solve(nil, l.primal)), treated)
	}
	// The system without the service is near that with it. One step from the solution of
	// the system, and one from that of its dual, whose errors multiply.
	change := func(level, lost, by []float64) {
		shared := factor * floats.Dot(own.before, level)
		for i, w := range own.before {
			by[i] = w*(level[i]-shared) - lost[i]
		}
	}
	n := l.c.months
	l.spare = zeros(l.spare, 4*n)
	residual, step, dualResidual, dualStep := l.spare[:n], l.spare[n:2*n], l.spare[2*n:3*n], l.spare[3*n:]
	change(l.level, l.primal, residual)
	change(l.dual, l.other, dualResidual)
	l.system.multiply(step, residual)
	l.system.multiply(dualStep, dualResidual)
	// loads'·level' with level' = level+step+rest: the dual says what the rest adds.
	explained := 0.0
	for i := range step {
		explained += (l.loads[i] - l.other[i]) * (l.level[i] + step[i])
	}
	shared := factor * floats.Dot(own.before, step)
	for i, w := range own.before {
		explained += (l.dual[i] + dualStep[i]) * w * (step[i] - shared)
	}
	return l.mean(total-explained, treated)
}

func (l *levels) expected() float64 { return 0 }

// startFrom changes nothing: there is nothing to search.
func (l *levels) startFrom(model) {}

package effect

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// rates is the model of Rates and Shares: the expected number of events of a service in
// a month is the rate of the month, times the exposure (days, or events of which some
// count), times the level of the service. The levels are drawn to 1 by the shrinkage, a
// number of events (they have a gamma distribution with that shape): a service without
// any event is quiet, and not one in which nothing can happen. The rates of the months
// have the highest likelihood.
type rates struct {
	shrinkage float64

	c *cells
	// start is where the search for the rates begins; it may be nil.
	start *rates
	// rate has that of each month. curve is the second derivative of the likelihood by the
	// logarithms of the rates, its sign turned, and slope how the number that is expected
	// after treatments changes with them.
	rate, slope        []float64
	curve              system
	observed, predicts float64
	// fitted has each service as it is at the rates, and events those of the months.
	fitted []fitted
	events []float64

	gradient, step, spare, lost, again, part []float64
	solved                                   bool
}

// fitted is what is expected of a service: its level, and the number of untreated events at
// level 1, with the shrinkage.
type fitted struct{ level, explained float64 }

// fit finds the rates by Newton's method: the likelihood has one maximum.
func (r *rates) fit(c *cells, without int) float64 {
	n := c.months
	r.c, r.solved = c, false
	r.rate, r.slope, r.step = zeros(r.rate, n), zeros(r.slope, n), zeros(r.step, n)
	r.events, r.spare = zeros(r.events, n), zeros(r.spare, n)
	r.fitted = slices.Grow(r.fitted[:0], c.services)[:c.services]
	r.observed, r.predicts = 0, 0
	if n == 0 {
		return math.NaN()
	}
	exposure := r.spare
	for s := range c.services {
		if own := c.row(s); s != without && own.totals.before > 0 {
			floats.Add(exposure[:own.untreated], own.before[:own.untreated])
			floats.Add(r.events[:own.untreated], own.sum[:own.untreated])
		}
	}
	floats.DivTo(r.rate, r.events, exposure)
	if !r.climb(without) {
		return math.NaN()
	}
	for s := range c.services {
		own := c.row(s)
		if s == without || own.totals.before == 0 {
			continue
		}
		r.observed += own.afterSum
		r.predicts += r.future(s, &own)
		r.addSlope(s, &own, r.slope, 1)
	}
	return effectOf(r.observed, r.predicts)
}

// climb finds the rates. It reports false if there are none.
func (r *rates) climb(without int) bool {
	curve, largest := (*system)(nil), math.Inf(1)
	if r.start != nil && slices.Equal(r.start.c.kept, r.c.kept) {
		r.rate = append(r.rate[:0], r.start.rate...)
		curve = &r.start.curve
	}
	// The curve is made anew only if a step with an old one is not much shorter than the
	// last.
	const rounds, short, small = 200, 0.3, 1e-9
	for range rounds {
		r.derivatives(without, curve == nil)
		if curve == nil {
			if curve = &r.curve; !curve.factorize() {
				return false
			}
		}
		r.step = curve.solve(r.step, r.gradient)
		last := largest
		largest = 0
		for i, step := range r.step {
			// A longer step may leave the range in which the curve is known.
			step = min(max(step, -1), 1)
			r.rate[i] *= math.Exp(step)
			largest = max(largest, math.Abs(step))
		}
		if !(largest > small) {
			break
		}
		if !(largest < short*last) {
			curve = nil
		}
	}
	r.derivatives(without, false)
	return !math.IsNaN(floats.Sum(r.rate))
}

// solve makes the curve at the rates that were found, once it is needed. It reports false
// if there is none.
func (r *rates) solve() bool {
	if !r.solved {
		r.derivatives(-1, true)
		r.solved = r.curve.factorize()
	}
	return r.solved
}

// future is the number of events of a service that is expected after its treatment.
func (r *rates) future(s int, own *row) float64 {
	return r.fitted[s].level * floats.Dot(own.after[own.treated:own.treatedEnd], r.rate[own.treated:own.treatedEnd])
}

// derivatives are those of the likelihood by the logarithms of the rates: the gradient,
// and the curve if that is asked for.
func (r *rates) derivatives(without int, curve bool) {
	n := r.c.months
	if curve {
		r.curve.reset(n)
	}
	// What is expected in each month.
	expected := zeros(r.spare, n)
	for s := range r.c.services {
		if s == without || r.c.totals[s].before == 0 {
			continue
		}
		months := r.c.spans[s].untreated
		before := r.c.before[s*n : s*n+months]
		explained := floats.Dot(before, r.rate[:months]) + r.shrinkage
		level := (r.c.totals[s].beforeSum + r.shrinkage) / explained
		r.fitted[s] = fitted{level, explained}
		floats.AddScaled(expected[:months], level, before)
		if curve {
			r.curve.addProduct(before, -level/explained)
		}
	}
	floats.Mul(expected, r.rate)
	r.gradient = append(r.gradient[:0], r.events...)
	floats.Sub(r.gradient, expected)
	if curve {
		r.curve.scale(r.rate)
		r.curve.addDiagonal(expected, 1)
	}
	r.spare = expected
}

// addSlope adds the part of a service; sign is -1 to take it away.
func (r *rates) addSlope(s int, own *row, slope []float64, sign float64) {
	at := r.fitted[s]
	future := r.future(s, own)
	if future == 0 {
		return
	}
	for i := own.treated; i < own.treatedEnd; i++ {
		slope[i] += sign * at.level * own.after[i] * r.rate[i]
	}
	for i, before := range own.before[:own.untreated] {
		slope[i] -= sign * future * before * r.rate[i] / at.explained
	}
}

// without is one step of Newton's method from the rates of all services, which is close:
// one of many services changes them little.
func (r *rates) without(s int) float64 {
	if !r.solve() {
		return math.NaN()
	}
	own := r.c.row(s)
	if own.totals.before == 0 {
		return effectOf(r.observed, r.predicts)
	}
	at := r.fitted[s]
	n := r.c.months
	part := append(r.part[:0], own.before...)
	floats.Mul(part, r.rate)
	// The gradient is 0 with all services.
	weight := append(r.spare[:0], part...)
	floats.Scale(at.level, weight)
	r.lost = append(r.lost[:0], weight...)
	floats.Sub(r.lost, own.sum)
	r.step, r.again = zeros(r.step, n), zeros(r.again, n)
	if r.curve.share(weight) > smallShare {
		smaller := r.curve.copy()
		smaller.addProduct(part, at.level/at.explained)
		smaller.addDiagonal(weight, -1)
		if !smaller.factorize() {
			return math.NaN()
		}
		r.step = smaller.solve(r.step, r.lost)
	} else {
		r.curve.multiply(r.step, r.lost)
		shared := floats.Dot(part, r.step) / at.explained
		for i := range r.lost {
			r.lost[i] = weight[i] * (r.step[i] - shared)
		}
		r.curve.multiply(r.again, r.lost)
		floats.Add(r.step, r.again)
	}
	slope := append(r.again[:0], r.slope...)
	r.addSlope(s, &own, slope, -1)
	predicts := r.predicts - r.future(s, &own)
	r.part, r.spare = part, weight
	return effectOf(r.observed-own.afterSum, predicts*math.Exp(floats.Dot(slope, r.step)/predicts))
}

func (r *rates) expected() float64 { return r.predicts }

func (r *rates) startFrom(other model) {
	if start, ok := other.(*rates); ok && start.solve() {
		r.start = start
	}
}

// effectOf compares what was with what would have been. No event at all counts as half
// of one: there is no logarithm of 0.
func effectOf(observed, expected float64) float64 {
	if !(expected > 0) {
		return math.NaN()
	}
	return math.Log(max(observed, 0.5) / expected)
}

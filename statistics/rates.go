package statistics

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// RateRatio compares two rates: how many events there were in how much time, or with
// how many expected, of each of two groups.
type RateRatio struct {
	// Interval is the first rate as a multiple of the second, with exact bounds
	// (Clopper and Pearson's of the share of events that the first group has). A bound
	// that nothing is known of is 0 or infinite.
	Interval
	// P is how likely such a difference would be if the rates were the same, from 0 to
	// 1, exact.
	P float64
}

// most is far more than there is of anything, and 1/most far less. Whole numbers up to it
// are exact.
const most = 1e12

// CompareRates compares the rate of events/time with that of otherEvents/otherTime. The
// numbers of events need not be whole: of events that come in clusters they are their
// effective numbers. It has no value without any event or without time in a group.
func CompareRates(events, time, otherEvents, otherTime float64) (r RateRatio, known bool) {
	n := events + otherEvents
	between := func(v float64) bool { return v >= 1/most && v <= most }
	if !(events >= 0 && otherEvents >= 0 && between(n) && between(time) && between(otherTime)) {
		return RateRatio{Interval{math.NaN(), 0, math.Inf(1)}, 1}, false
	}
	const tail = (1 - Level) / 2
	odds := func(share float64) float64 {
		if share >= 1 {
			return math.Inf(1)
		}
		return share / (1 - share) * otherTime / time
	}
	r = RateRatio{Interval{events / otherEvents * (otherTime / time), 0, math.Inf(1)}, 1}
	if events >= 1/most {
		r.Lower = min(odds(mathext.InvRegIncBeta(events, otherEvents+1, tail)), r.Value)
	}
	if otherEvents >= 1/most {
		r.Upper = max(odds(mathext.InvRegIncBeta(events+1, otherEvents, 1-tail)), r.Value)
	}
	r.P = binomialP(events, n, time/(time+otherTime))
	return r, true
}

// binomialP is how likely a number of n events that is no more likely than the one given
// is, if each is of a kind with a probability: the two-sided exact test. Both ends are
// taken from the beta function, which needs no whole numbers.
func binomialP(events, n, probability float64) float64 {
	mean := n * probability
	likely := logBinomial(events, n, probability)
	// The same tolerance for what floating point makes of equal values as in R.
	const tolerance = 1e-7
	unlikely := func(k float64) bool { return logBinomial(k, n, probability) <= likely+tolerance }
	if events == mean {
		return 1
	}
	// The first value on the other side of the mean that is as unlikely: likelihoods
	// fall with the distance from the mean.
	if events < mean {
		other := search(math.Ceil(mean), math.Floor(n)+1, unlikely)
		return min(1, atMost(events, n, probability)+1-atMost(other-1, n, probability))
	}
	other := -search(-math.Floor(mean), 1, func(k float64) bool { return unlikely(-k) })
	return min(1, 1-atMost(events-1, n, probability)+atMost(other, n, probability))
}

// search is the first whole number from a low to below a high one that holds, or the high
// one, if all after the first that holds do.
func search(low, high float64, holds func(float64) bool) float64 {
	for low < high {
		middle := math.Floor((low + high) / 2)
		if holds(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// atMost is the probability of at most k of n.
func atMost(k, n, probability float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n:
		return 1
	}
	return mathext.RegIncBeta(n-k, k+1, 1-probability)
}

// logBinomial is the logarithm of the probability of k of n.
func logBinomial(k, n, probability float64) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	gamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	return gamma(n+1) - gamma(k+1) - gamma(n-k+1) + k*math.Log(probability) + (n-k)*math.Log1p(-probability)
}

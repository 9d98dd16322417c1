package correlation

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Observation is one duration as far as it is known.
type Observation struct {
	// Duration is how long it took, or how long it has taken without an end. A
	// negative one counts as 0.
	Duration time.Duration
	// Censored is true when the end was not seen: it took at least that long.
	Censored bool
}

// Step is one time at which durations ended.
type Step struct {
	// At is the duration.
	At time.Duration
	// Survival is the estimated share of durations longer than At, 0 to 1.
	Survival float64
	// AtRisk is the number of observations that had lasted until At, Ended the
	// number that ended then.
	AtRisk, Ended int
}

// Curve is the Kaplan–Meier estimate of how long something lasts. The zero
// value is the curve of no observations.
type Curve struct {
	// Steps are in order of time, with Survival falling from one to the next.
	Steps []Step
	// Ended and Censored are the numbers of observations of each kind.
	Ended, Censored int

	geomean time.Duration
}

// leastDuration is the shortest that the geometric mean tells apart: a single
// duration of 0 would make it 0.
const leastDuration = time.Second

// closeEnough is how near to a share the survival has to be to have reached it:
// far more than the error of floating point, far less than one observation of
// a million.
const closeEnough = 1e-9

// Resolution estimates how long incidents last from those that have ended and,
// censored, those that have not. An observation that was censored at the time
// at which others ended was still at risk then. The order of observations does
// not matter.
func Resolution(observations []Observation) Curve {
	sorted := slices.Clone(observations)
	for i := range sorted {
		sorted[i].Duration = max(sorted[i].Duration, 0)
	}
	slices.SortFunc(sorted, func(a, b Observation) int {
		switch {
		case a.Duration != b.Duration || a.Censored == b.Censored:
			return cmp.Compare(a.Duration, b.Duration)
		case b.Censored:
			return -1
		}
		return 1
	})
	var curve Curve
	// Between two censored observations the factors of the product telescope, so
	// it is taken as a whole: base × atRisk / baseAtRisk. Without censoring the
	// survival is then exactly a share of the observations.
	base, baseAtRisk := 1.0, len(sorted)
	logs := 0.0
	for i := 0; i < len(sorted); {
		at, atRisk, ended := sorted[i].Duration, len(sorted)-i, 0
		for ; i < len(sorted) && sorted[i].Duration == at && !sorted[i].Censored; i++ {
			ended++
			logs += math.Log(max(at, leastDuration).Seconds())
		}
		survival := base * float64(atRisk-ended) / float64(baseAtRisk)
		if ended > 0 {
			curve.Steps = append(curve.Steps, Step{At: at, Survival: survival, AtRisk: atRisk, Ended: ended})
			curve.Ended += ended
		}
		censored := 0
		for ; i < len(sorted) && sorted[i].Duration == at; i++ {
			censored++
		}
		if censored > 0 {
			curve.Censored += censored
			base, baseAtRisk = survival, len(sorted)-i
		}
	}
	if curve.Ended > 0 {
		curve.geomean = time.Duration(math.Round(math.Exp(logs/float64(curve.Ended)) * float64(time.Second)))
	}
	return curve
}

// Count is the number of observations.
func (c Curve) Count() int { return c.Ended + c.Censored }

// Quantile is the shortest duration by which at least the share q, above 0 to
// 1, is estimated to have ended. It has no value when the curve never gets
// there: too much is open still.
func (c Curve) Quantile(q float64) (time.Duration, bool) {
	if !(q > 0 && q <= 1) {
		return 0, false
	}
	for _, step := range c.Steps {
		if step.Survival <= 1-q+closeEnough {
			return step.At, true
		}
	}
	return 0, false
}

// GeometricMean is that of the durations that have ended, each of them at least
// a second. It has no value when none has.
func (c Curve) GeometricMean() (time.Duration, bool) { return c.geomean, c.Ended > 0 }

// Estimate is a duration that may have no value.
type Estimate struct {
	Value time.Duration
	Known bool
}

// Summary is what is shown of a curve, with its sample size.
type Summary struct {
	// Ended and Censored are the numbers of observations whose end was seen and
	// was not. TimedOut are the censored ones that were closed by a time-out.
	Ended, Censored, TimedOut int
	// P50 and P90 are quantiles of the curve, Geomean the geometric mean of the
	// durations that have ended.
	P50, P90, Geomean Estimate
}

// Count is the number of observations.
func (s Summary) Count() int { return s.Ended + s.Censored }

// TimedOutRatio is the share of observations that a time-out closed, 0 to 1; 0
// when there are none.
func (s Summary) TimedOutRatio() float64 {
	if s.Count() == 0 {
		return 0
	}
	return float64(s.TimedOut) / float64(s.Count())
}

func summarise(observations []Observation, timedOut int) Summary {
	curve := Resolution(observations)
	s := Summary{Ended: curve.Ended, Censored: curve.Censored, TimedOut: timedOut}
	s.P50.Value, s.P50.Known = curve.Quantile(0.5)
	s.P90.Value, s.P90.Known = curve.Quantile(0.9)
	s.Geomean.Value, s.Geomean.Known = curve.GeometricMean()
	return s
}

package correlation

import (
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/statistics"
)

// Observation is one duration as far as it is known.
type Observation struct {
	// Duration is how long it took, or how long it has taken without an end. A
	// negative one is a contradiction and is left out.
	Duration time.Duration
	// Censored is true when the end was not seen: it took at least that long.
	Censored bool
}

// observation is an Observation as one number: seconds, nanoseconds, and 1 if it is censored.
// They are in the order of durations; those that were censored at a time were still at
// risk when others ended then, and come after these.
type observation uint64

const (
	nanosecondBits = 30
	secondShift    = nanosecondBits + 1
)

// observationOf is an observation whose duration is not negative. One of more than 272 years
// is as long as that.
func observationOf(o Observation) observation {
	seconds := min(o.Duration/time.Second, 1<<(64-secondShift)-1)
	n := observation(seconds)<<secondShift | observation(o.Duration%time.Second)<<1
	if o.Censored {
		n++
	}
	return n
}

func (o observation) duration() time.Duration {
	return time.Duration(o>>secondShift)*time.Second + time.Duration(o>>1&(1<<nanosecondBits-1))
}

func (o observation) censored() bool { return o&1 != 0 }

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
	// lasted are all observations in order.
	lasted []observation
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
	list := make([]observation, 0, len(observations))
	for _, o := range observations {
		if o.Duration >= 0 {
			list = append(list, observationOf(o))
		}
	}
	slices.Sort(list)
	return curveOf(list)
}

// curveOf is the curve of observations in order.
func curveOf(sorted []observation) Curve {
	// Most durations are those of others, too.
	different := 0
	for i := range sorted {
		if i == 0 || sorted[i].duration() != sorted[i-1].duration() {
			different++
		}
	}
	curve := Curve{lasted: sorted, Steps: make([]Step, 0, different)}
	// Between two censored observations the factors of the product telescope, so
	// it is taken as a whole: base × atRisk / baseAtRisk. Without censoring the
	// survival is then exactly a share of the observations.
	base, baseAtRisk := 1.0, len(sorted)
	logs := 0.0
	for i := 0; i < len(sorted); {
		at, atRisk, ended := sorted[i].duration(), len(sorted)-i, 0
		for ; i < len(sorted) && sorted[i].duration() == at && !sorted[i].censored(); i++ {
			ended++
		}
		survival := base * float64(atRisk-ended) / float64(baseAtRisk)
		if ended > 0 {
			logs += float64(ended) * math.Log(max(at, leastDuration).Seconds())
			curve.Steps = append(curve.Steps, Step{At: at, Survival: survival, AtRisk: atRisk, Ended: ended})
			curve.Ended += ended
		}
		censored := 0
		for ; i < len(sorted) && sorted[i].duration() == at; i++ {
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

// Within estimates the share that ended within a time. It has no value when nothing
// was observed for that long although not all had ended by then.
func (c Curve) Within(limit time.Duration) Share {
	atLeast, _ := slices.BinarySearch(c.lasted, observationOf(Observation{Duration: limit}))
	reached := len(c.lasted) - atLeast
	survival, greenwood := 1.0, 0.0
	for _, step := range c.Steps {
		if step.At > limit {
			break
		}
		survival = step.Survival
		greenwood += float64(step.Ended) / (float64(step.AtRisk) * float64(step.AtRisk-step.Ended))
	}
	switch {
	case survival == 0:
		return wilson(1, float64(c.Ended))
	case reached == 0:
		return Share{}
	case survival == 1:
		return wilson(0, float64(reached))
	}
	return wilson(1-survival, (1-survival)/(survival*greenwood))
}

// Share is a share of observations with the bounds of its 95 % confidence
// interval, all from 0 to 1.
type Share struct {
	Value, Lower, Upper float64
	Known               bool
}

// ShareWithin is the share that ended within a time.
type ShareWithin struct {
	Within time.Duration
	Share
}

// wilson is a share of n observations with Wilson's score interval. With censored
// observations n is their effective number: that of complete ones with the same
// variance, by Greenwood's formula.
func wilson(share, n float64) Share {
	i, known := statistics.Wilson(share, n)
	if !known {
		return Share{}
	}
	return Share{Value: i.Value, Lower: i.Lower, Upper: i.Upper, Known: true}
}

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
	// P50 and P90 are quantiles of the curve. Geomean is the geometric mean of the
	// durations that have ended; it has no value where more than MaxCensored are
	// censored, because it would flatter whoever leaves incidents open.
	P50, P90, Geomean Estimate
	// Within are the shares that ended in time, in the order of Options.ResolveWithin;
	// of resolutions only.
	Within []ShareWithin
}

// MaxCensored is the largest share of censored observations with which a geometric
// mean says something.
const MaxCensored = 0.1

// Count is the number of observations.
func (s Summary) Count() int { return s.Ended + s.Censored }

// TimedOutRatio is the share of observations that a time-out closed, 0 to 1; it has
// no value without observations.
func (s Summary) TimedOutRatio() (float64, bool) {
	if s.Count() == 0 {
		return 0, false
	}
	return float64(s.TimedOut) / float64(s.Count()), true
}

// CensoredRatio is the share of observations whose end was not seen, 0 to 1; it has
// no value without observations.
func (s Summary) CensoredRatio() (float64, bool) {
	if s.Count() == 0 {
		return 0, false
	}
	return float64(s.Censored) / float64(s.Count()), true
}

func summarise(observations []Observation, timedOut int, within ...time.Duration) Summary {
	return summaryOf(Resolution(observations), timedOut, within...)
}

func summaryOf(curve Curve, timedOut int, within ...time.Duration) Summary {
	s := Summary{Ended: curve.Ended, Censored: curve.Censored, TimedOut: timedOut}
	s.P50.Value, s.P50.Known = curve.Quantile(0.5)
	s.P90.Value, s.P90.Known = curve.Quantile(0.9)
	if censored, _ := s.CensoredRatio(); censored <= MaxCensored {
		s.Geomean.Value, s.Geomean.Known = curve.GeometricMean()
	}
	for _, limit := range within {
		s.Within = append(s.Within, ShareWithin{limit, curve.Within(limit)})
	}
	return s
}

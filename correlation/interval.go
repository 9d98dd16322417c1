package correlation

import (
	"math"
	"time"

	"github.com/prodready/collector/statistics"
)

// CurveAt is the curve of how long incidents last, as they were known at a time.
func CurveAt(incidents []*Incident, at time.Time) Curve {
	observations := make([]Observation, 0, len(incidents))
	for _, in := range incidents {
		if o, known := in.resolution(at); known {
			observations = append(observations, o)
		}
	}
	return Resolution(observations)
}

// QuantileInterval are the bounds of the 95 % confidence interval of Quantile: the
// durations at which the confidence limits of the curve reach the share, by Greenwood's
// formula for the logarithm of the survival, as R's survfit does. A bound that the curve
// never reaches has no value.
func (c Curve) QuantileInterval(q float64) (lower, upper Estimate) {
	if !(q > 0 && q <= 1) {
		return lower, upper
	}
	z, greenwood := statistics.NormalQuantile(), 0.0
	for _, step := range c.Steps {
		low, high := 0.0, 1.0
		if left := step.AtRisk - step.Ended; left > 0 {
			greenwood += float64(step.Ended) / (float64(step.AtRisk) * float64(left))
			width := math.Exp(z * math.Sqrt(greenwood))
			low, high = step.Survival/width, min(step.Survival*width, 1)
		}
		if !lower.Known && low <= 1-q+closeEnough {
			lower = Estimate{step.At, true}
		}
		if !upper.Known && high <= 1-q+closeEnough {
			upper = Estimate{step.At, true}
		}
	}
	return lower, upper
}

// Package statistics has the textbook statistics that figures rest on: intervals of
// shares, rates and ranks, the correction for many tests, and the jackknife. It knows
// nothing of incidents or services. What gonum has is taken from there.
//
// Every function takes any input. What has no answer is NaN, or a second result that is
// false; a bound that is not known is infinite.
package statistics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Level is the confidence of every interval: 95 of 100 such intervals have the truth in
// them.
const Level = 0.95

// Interval is an estimate with the bounds of its confidence interval.
type Interval struct{ Value, Lower, Upper float64 }

// Excludes reports whether a value is outside the bounds.
func (i Interval) Excludes(value float64) bool { return value < i.Lower || value > i.Upper }

// NormalQuantile is how many standard errors the bounds of an interval are from an
// estimate that is normally distributed: 1.96.
func NormalQuantile() float64 { return distuv.UnitNormal.Quantile((1 + Level) / 2) }

// student is Student's distribution with any positive number of degrees of freedom. Of
// very many it is the normal one.
func student(df float64) distuv.StudentsT { return distuv.StudentsT{Sigma: 1, Nu: min(df, 1e7)} }

// StudentInterval is an estimate with its bounds by Student's distribution. Its bounds
// are infinite if the standard error or the degrees of freedom are not known.
func StudentInterval(value, standardError, df float64) Interval {
	half := math.Inf(1)
	if standardError >= 0 && df > 0 && !math.IsInf(standardError, 1) {
		half = student(df).Quantile((1+Level)/2) * standardError
	}
	return Interval{value, value - half, value + half}
}

// StudentP is how likely an estimate at least as far from 0 would be if the truth were
// 0, from 0 to 1. It is 1 if the standard error or the degrees of freedom are not known.
func StudentP(value, standardError, df float64) float64 {
	if !(standardError >= 0 && df > 0) || math.IsNaN(value) || math.IsInf(standardError, 1) || value == 0 {
		return 1
	}
	return min(1, 2*student(df).Survival(math.Abs(value)/standardError))
}

package statistics

import "math"

// Jackknife is the standard error and the bias of an estimate, from the same estimate
// made without each of the parts of its data in turn. The parts are independent of each
// other; what is in a part need not be. The error is that about the estimate, which is
// not smaller than that about the mean of the others. It has no value for fewer than two
// parts, or if an estimate without a part has none.
func Jackknife(estimate float64, without []float64) (standardError, bias float64, known bool) {
	n := float64(len(without))
	if n < 2 {
		return math.NaN(), math.NaN(), false
	}
	squares, sum := 0.0, 0.0
	for _, v := range without {
		squares += (v - estimate) * (v - estimate)
		sum += v - estimate
	}
	standardError, bias = math.Sqrt((n-1)/n*squares), (n-1)*sum/n
	return standardError, bias, !math.IsNaN(squares) && !math.IsInf(squares, 0)
}

// EffectiveDegrees are the degrees of freedom of a jackknife whose parts have different
// weights: those of the effective number of parts less one, and at least 2. Parts
// without weight do not count.
func EffectiveDegrees(weights []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, w := range weights {
		sum += w
		squares += w * w
	}
	if df := sum*sum/squares - 1; df > 2 {
		return df
	}
	return 2
}

package statistics

import "math"

// Wilson is a share of n observations, 0 to 1, with Wilson's score interval. n need not
// be a whole number: of observations that are not independent or not complete it is
// their effective number. It has no value without observations.
func Wilson(share, n float64) (i Interval, known bool) {
	if !(n >= 1/most && share >= 0 && share <= 1) {
		return Interval{math.NaN(), 0, 1}, false
	}
	z := NormalQuantile()
	z2 := z * z
	center := (share + z2/(2*n)) / (1 + z2/n)
	half := z * math.Sqrt(share*(1-share)/n+z2/(4*n*n)) / (1 + z2/n)
	// At 0 and 1 floating point may put a bound on the wrong side of the share.
	return Interval{share, min(max(center-half, 0), share), max(min(center+half, 1), share)}, true
}

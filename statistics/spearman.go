package statistics

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// ranksOf are the places of values in their order, from 1; equal values share the mean of
// their places.
func ranksOf(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for i := 0; i < len(order); {
		end := i + 1
		for end < len(order) && values[order[end]] == values[order[i]] {
			end++
		}
		for _, at := range order[i:end] {
			ranks[at] = float64(i+1+end) / 2
		}
		i = end
	}
	return ranks
}

// SpearmanWithin is how much two lists of the same length are in the same order, from -1 to
// 1, if pairs are compared with those of the same stratum only: the ranks of a stratum count
// from their middle, as a share of its size. Strata are numbered as one likes; a stratum of
// one pair says nothing, and with one stratum it is Spearman's rank correlation. effective
// is how many pairs without strata say as much. It has no value for fewer than three pairs,
// or if all values of a list are equal.
func SpearmanWithin(x, y []float64, strata []int) (rho float64, effective int, known bool) {
	pairs := map[int][]int{}
	for i, s := range strata {
		pairs[s] = append(pairs[s], i)
	}
	var xs, ys []float64
	used := 0
	for _, s := range slices.Sorted(maps.Keys(pairs)) {
		of := pairs[s]
		if len(of) < 2 {
			continue
		}
		used++
		xs, ys = append(xs, centered(x, of)...), append(ys, centered(y, of)...)
	}
	rho, known = correlation(xs, ys)
	return rho, len(xs) - max(used-1, 0), known
}

// centered are the ranks of some values, from -1/2 to 1/2.
func centered(values []float64, of []int) []float64 {
	some := make([]float64, len(of))
	for i, at := range of {
		some[i] = values[at]
	}
	ranks := ranksOf(some)
	for i := range ranks {
		ranks[i] = (ranks[i] - float64(len(of)+1)/2) / float64(len(of))
	}
	return ranks
}

// correlation is Pearson's.
func correlation(x, y []float64) (r float64, known bool) {
	if len(x) < 3 || len(x) != len(y) {
		return 0, false
	}
	r = stat.Correlation(x, y, nil)
	return min(max(r, -1), 1), !math.IsNaN(r)
}

// BonettWright are the bounds of a rank correlation of n pairs. They are -1 and 1 for
// fewer than four.
func BonettWright(rho float64, n int) Interval {
	if n < 4 || math.IsNaN(rho) {
		return Interval{rho, -1, 1}
	}
	// A perfect order in a sample is none in all that could have been sampled: an
	// infinite value would have no bounds.
	z := math.Atanh(min(max(rho, -1+1e-12), 1-1e-12))
	half := NormalQuantile() * math.Sqrt((1+rho*rho/2)/float64(n-3))
	return Interval{rho, math.Tanh(z - half), math.Tanh(z + half)}
}

package statistics

import (
	"math"
	"slices"
)

// BenjaminiHochberg adjusts the p-values of several tests, so that of those that are
// called true at most the share of a bound is false on average: a test is called true
// if its adjusted value is at most the bound. A p-value that is not a number counts as 1.
func BenjaminiHochberg(p []float64) []float64 {
	order := make([]int, len(p))
	values := make([]float64, len(p))
	for i, v := range p {
		order[i], values[i] = i, min(max(v, 0), 1)
		if math.IsNaN(v) {
			values[i] = 1
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] > values[b]:
			return -1
		case values[a] < values[b]:
			return 1
		}
		return 0
	})
	adjusted := make([]float64, len(p))
	least := 1.0
	for i, at := range order {
		least = min(least, values[at]*float64(len(p))/float64(len(p)-i))
		adjusted[at] = least
	}
	return adjusted
}

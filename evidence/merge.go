package evidence

import "math"

// Merge says how one value is made when several objects or servers answer for
// one service.
type Merge string

// The ways to merge. The zero value means Sum for counts, Min for doubles and
// Any for booleans; Definition.EffectiveMerge resolves it.
const (
	MergeDefault Merge = ""
	MergeSum     Merge = "sum"
	MergeMin     Merge = "min"
	MergeMax     Merge = "max"
	MergeAny     Merge = "any"
	MergeAll     Merge = "all"
)

// Merged is the result of merging several numbers.
type Merged struct {
	Number float64
	// At is the index of the number that was taken; 0 for a sum.
	At int
	// Known is false while a missing number could change the result.
	Known bool
	// Decided reports whether the number at At decides alone, whatever the others are.
	Decided bool
}

// Of merges the known numbers, as checks read them; missing is how many more are
// expected. The first of equal numbers is taken.
func (m Merge) Of(known []float64, missing int) Merged {
	if len(known) == 0 {
		return Merged{}
	}
	out := Merged{Number: known[0], Known: missing == 0}
	for i, n := range known {
		switch {
		case m.decides(n):
			return Merged{Number: n, At: i, Known: true, Decided: true}
		case i == 0:
		case m == MergeSum:
			out.Number += n
		case m == MergeMin && n < out.Number, m == MergeMax && n > out.Number:
			out.Number, out.At = n, i
		}
	}
	return out
}

// decides reports whether no other number can change the merged one: true with any,
// false with all, or an infinite number that none exceeds. A finite number never
// decides, because facts have no bounds.
func (m Merge) decides(n float64) bool {
	switch m {
	case MergeAny:
		return n != 0
	case MergeAll:
		return n == 0
	case MergeMin:
		return math.IsInf(n, -1)
	case MergeMax:
		return math.IsInf(n, 1)
	}
	return false
}

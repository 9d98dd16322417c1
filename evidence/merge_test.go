package evidence

import (
	"math"
	"testing"
)

func TestMergeOf(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		merge   Merge
		known   []float64
		missing int
		want    Merged
	}{
		"nothing":                      {MergeSum, nil, 0, Merged{}},
		"a sum":                        {MergeSum, []float64{1, 2, 3}, 0, Merged{Number: 6, Known: true}},
		"a sum lacks one":              {MergeSum, []float64{1, 2}, 1, Merged{Number: 3}},
		"an infinite sum lacks one":    {MergeSum, []float64{inf}, 1, Merged{Number: inf}},
		"the smallest":                 {MergeMin, []float64{2, 1, 1}, 0, Merged{Number: 1, At: 1, Known: true}},
		"the largest":                  {MergeMax, []float64{1, 3, 3}, 0, Merged{Number: 3, At: 1, Known: true}},
		"a finite one does not decide": {MergeMax, []float64{1e300}, 1, Merged{Number: 1e300}},
		"an infinite one decides the largest": {MergeMax, []float64{1, inf}, 1,
			Merged{Number: inf, At: 1, Known: true, Decided: true}},
		"and not the smallest": {MergeMin, []float64{inf}, 1, Merged{Number: inf}},
		"minus infinity decides the smallest": {MergeMin, []float64{1, -inf}, 1,
			Merged{Number: -inf, At: 1, Known: true, Decided: true}},
		"one true decides any": {MergeAny, []float64{0, 1}, 1,
			Merged{Number: 1, At: 1, Known: true, Decided: true}},
		"no true does not":                     {MergeAny, []float64{0, 0}, 1, Merged{}},
		"no true of all":                       {MergeAny, []float64{0, 0}, 0, Merged{Known: true}},
		"one false decides all":                {MergeAll, []float64{1, 0}, 1, Merged{At: 1, Known: true, Decided: true}},
		"no false does not":                    {MergeAll, []float64{1, 1}, 1, Merged{Number: 1}},
		"no false and nothing missing is true": {MergeAll, []float64{1, 1}, 0, Merged{Number: 1, Known: true}},
	} {
		if got := c.merge.Of(c.known, c.missing); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

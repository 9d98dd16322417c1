package correlation

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const week = 7 * 24 * time.Hour

// remission is a textbook's example: weeks of remission of 21 patients with
// leukaemia treated with 6-mercaptopurine (Freireich and others, 1963).
// Negative numbers are censored.
var remission = []int{6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35}

func TestTheTextbooksCurve(t *testing.T) {
	var observations []Observation
	for _, weeks := range remission {
		observations = append(
			observations, Observation{Duration: time.Duration(max(weeks, -weeks)) * week, Censored: weeks < 0},
		)
	}
	curve := Resolution(observations)
	// Each factor by hand: (at risk − ended) / at risk.
	want := []struct {
		weeks         int
		survival      float64
		atRisk, ended int
	}{
		{6, 0.857143, 21, 3},  // 18/21
		{7, 0.806723, 17, 1},  // × 16/17
		{10, 0.752941, 15, 1}, // × 14/15
		{13, 0.690196, 12, 1}, // × 11/12
		{16, 0.627451, 11, 1}, // × 10/11
		{22, 0.537815, 7, 1},  // × 6/7
		{23, 0.448179, 6, 1},  // × 5/6
	}
	if len(curve.Steps) != len(want) {
		t.Fatalf("%d steps, want %d: %+v", len(curve.Steps), len(want), curve.Steps)
	}
	for i, w := range want {
		s := curve.Steps[i]
		if s.At != time.Duration(w.weeks)*week || math.Abs(s.Survival-w.survival) > 1e-6 || s.AtRisk != w.atRisk ||
			s.Ended != w.ended {
			t.Errorf("step %d is %+v, want %+v", i, s, w)
		}
	}
	if curve.Ended != 9 || curve.Censored != 12 {
		t.Errorf("%d ended and %d censored, want 9 and 12", curve.Ended, curve.Censored)
	}
	for q, weeks := range map[float64]int{0.1: 6, 0.25: 13, 0.5: 23, 0.55: 23} {
		if got, ok := curve.Quantile(q); !ok || got != time.Duration(weeks)*week {
			t.Errorf("quantile %g is %s (%v), want %d weeks", q, got, ok, weeks)
		}
	}
	if got, ok := curve.Quantile(0.9); ok {
		t.Errorf("the curve ends at 0.448 and has a 90th percentile of %s", got)
	}
	// (6·6·6·7·10·13·16·22·23)^(1/9) is e^(21.1878/9).
	if got, _ := curve.GeometricMean(); math.Abs(got.Hours()/week.Hours()-10.5298) > 0.0001 {
		t.Errorf("geometric mean %g weeks, want 10.5298", got.Hours()/week.Hours())
	}
}

func TestCurvesOfLittle(t *testing.T) {
	empty := Resolution(nil)
	if _, ok := empty.Quantile(0.5); ok || empty.Count() != 0 {
		t.Error("no observations have a median")
	}
	open := Resolution([]Observation{{Duration: time.Hour, Censored: true}})
	if _, ok := open.Quantile(0.5); ok {
		t.Error("one open incident has a median")
	}
	if _, ok := open.GeometricMean(); ok {
		t.Error("one open incident has a mean")
	}
	if back := Resolution([]Observation{{Duration: -time.Hour}}); back.Count() != 0 {
		t.Error("an end before the start is an observation")
	}
	one := Resolution([]Observation{{}})
	if got, ok := one.GeometricMean(); !ok || got != time.Second {
		t.Errorf("geometric mean of 0 is %s, want a second", got)
	}
	for _, q := range []float64{0, -1, 1.5, math.NaN()} {
		if _, ok := one.Quantile(q); ok {
			t.Errorf("there is a quantile %g", q)
		}
	}
}

// shares are those whose quantiles are looked at.
var shares = []float64{0.01, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.7, 0.75, 0.9, 0.95, 1}

func drawObservations(t *rapid.T, censoring bool) []Observation {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Observation {
		// Few values make many ties.
		o := Observation{Duration: time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes")) * time.Minute}
		o.Censored = censoring && rapid.Bool().Draw(t, "censored")
		return o
	}), 0, 60).Draw(t, "observations")
}

func TestCurvesFallWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		observations := drawObservations(t, true)
		curve := Resolution(observations)
		last := Step{At: -1, Survival: 1}
		for _, s := range curve.Steps {
			if s.At <= last.At || s.Survival >= last.Survival || s.Survival < 0 || s.Ended < 1 || s.Ended > s.AtRisk {
				t.Fatalf("step %+v after %+v", s, last)
			}
			last = s
		}
		if curve.Count() != len(observations) {
			t.Fatalf("%d of %d observations counted", curve.Count(), len(observations))
		}
		before := time.Duration(0)
		for _, q := range shares {
			got, ok := curve.Quantile(q)
			if ok && got < before {
				t.Fatalf("quantile %g is %s, below a smaller one", q, got)
			}
			if ok {
				before = got
			}
		}
	})
}

func TestWithoutCensoringQuantilesAreEmpirical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		observations := drawObservations(t, false)
		if len(observations) == 0 {
			return
		}
		sorted := make([]time.Duration, 0, len(observations))
		for _, o := range observations {
			sorted = append(sorted, o.Duration)
		}
		slices.Sort(sorted)
		n := len(sorted)
		for k := 1; k <= n; k++ {
			// The share k/n has ended with the k-th, and just more with the next.
			got, ok := Resolution(observations).Quantile(float64(k) / float64(n))
			if !ok || got != sorted[k-1] {
				t.Fatalf("quantile %d/%d is %s (%v), want %s", k, n, got, ok, sorted[k-1])
			}
			if got, ok := Resolution(observations).Quantile((float64(k) - 0.5) / float64(n)); !ok || got != sorted[k-1] {
				t.Fatalf("quantile %g/%d is %s (%v), want %s", float64(k)-0.5, n, got, ok, sorted[k-1])
			}
		}
	})
}

func TestACensoredObservationLowersNoQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		observations := drawObservations(t, true)
		more := append(slices.Clone(observations), Observation{
			Duration: time.Duration(rapid.IntRange(0, 25).Draw(t, "open")) * time.Minute, Censored: true,
		})
		before, after := Resolution(observations), Resolution(more)
		for _, q := range shares {
			was, had := before.Quantile(q)
			is, has := after.Quantile(q)
			if has && !had || has && is < was {
				t.Fatalf("quantile %g fell from %s (%v) to %s (%v)", q, was, had, is, has)
			}
		}
	})
}

func TestTheOrderOfObservationsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		observations := drawObservations(t, true)
		shuffled := rapid.Permutation(observations).Draw(t, "shuffled")
		a, b := Resolution(observations), Resolution(shuffled)
		if !slices.Equal(a.Steps, b.Steps) || a.Ended != b.Ended || a.Censored != b.Censored || a.geomean != b.geomean {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}

// TestWilson: the public value for 7 of 10.
func TestWilson(t *testing.T) {
	got := wilson(0.7, 10)
	if math.Abs(got.Lower-0.3967781475) > 1e-9 || math.Abs(got.Upper-0.8922087326) > 1e-9 {
		t.Errorf("%+v", got)
	}
}

// TestShareWithin: without censoring the share is that of the observations, and its
// bounds are Wilson's; with it the bounds are those of fewer observations.
func TestShareWithin(t *testing.T) {
	var all []Observation
	for i := range 10 {
		all = append(all, Observation{Duration: time.Duration(i+1) * time.Minute})
	}
	if got := Resolution(all).Within(7 * time.Minute); math.Abs(got.Value-0.7) > 1e-12 ||
		math.Abs(got.Lower-0.3967781475) > 1e-9 || math.Abs(got.Upper-0.8922087326) > 1e-9 {
		t.Errorf("7 of 10: %+v", got)
	}
	for i := range 5 {
		all[i].Censored = true
	}
	curve := Resolution(all)
	early, late := curve.Within(5*time.Minute), curve.Within(7*time.Minute)
	if early.Value != 0 || early.Upper != wilson(0, 6).Upper {
		t.Errorf("none of those that lasted 5 minutes: %+v", early)
	}
	// Five are at risk when two end: their share, and what ten would have bounded better.
	if want := wilson(0.4, 5); math.Abs(late.Value-0.4) > 1e-12 || math.Abs(late.Upper-want.Upper) > 1e-9 {
		t.Errorf("two of the five that were left: %+v, want %+v", late, want)
	}
	if got := curve.Within(time.Hour); got.Value != 1 || got.Lower != wilson(1, 5).Lower {
		t.Errorf("all ended: %+v", got)
	}
	all[9].Censored = true
	if got := Resolution(all).Within(time.Hour); got.Known {
		t.Errorf("an open one of 10 minutes says nothing about an hour: %+v", got)
	}
	if got := Resolution(nil).Within(time.Hour); got.Known {
		t.Errorf("no observations have a share: %+v", got)
	}
}

// TestSharesAreWithinTheirBounds, rise with the time, and agree with the curve.
func TestSharesAreWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		curve := Resolution(drawObservations(t, true))
		last := 0.0
		for minutes := range 22 {
			got := curve.Within(time.Duration(minutes) * time.Minute)
			if !got.Known {
				continue
			}
			if got.Lower < 0 || got.Upper > 1 || got.Lower > got.Value+1e-9 || got.Upper < got.Value-1e-9 {
				t.Fatalf("%d minutes: %+v", minutes, got)
			}
			if got.Value < last {
				t.Fatalf("%d minutes: %g after %g", minutes, got.Value, last)
			}
			last = got.Value
			median, known := curve.Quantile(0.5)
			if known && (got.Value >= 0.5-1e-9) != (median <= time.Duration(minutes)*time.Minute) {
				t.Fatalf("%d minutes: %g, with a median of %s", minutes, got.Value, median)
			}
		}
	})
}

// TestAGeometricMeanOfMostDurations: with one open incident of ten it is said, with one of
// nine it would flatter.
func TestAGeometricMeanOfMostDurations(t *testing.T) {
	for ended, known := range map[int]bool{8: false, 9: true, 10: true} {
		observations := []Observation{{Duration: 2 * week, Censored: true}}
		for range ended {
			observations = append(observations, Observation{Duration: week})
		}
		s := summarise(observations, 0)
		if s.Geomean.Known != known || known && s.Geomean.Value.Round(time.Second) != week {
			t.Errorf("%d of %d have ended: %+v", ended, ended+1, s.Geomean)
		}
	}
}

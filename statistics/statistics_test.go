package statistics

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"
)

// near fails a test if a value differs from a published one by more than a unit of its
// last printed digit.
func near(t *testing.T, what string, got, want, unit float64) {
	t.Helper()
	if !(math.Abs(got-want) <= unit) {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}

// TestBenjaminiAndHochbergsExample has the 15 p-values of section 3.2 of Benjamini and
// Hochberg, Controlling the False Discovery Rate, JRSS B 57 (1995); adjusted as by
// p.adjust of R.
func TestBenjaminiAndHochbergsExample(t *testing.T) {
	p := []float64{
		0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1,
	}
	want := []float64{
		0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06385714286, 0.06385714286, 0.0645, 0.0765, 0.486, 0.58118181818,
		0.714875, 0.75323076923, 0.81321428571, 1,
	}
	rejected := 0
	for i, got := range BenjaminiHochberg(p) {
		near(t, "adjusted p", got, want[i], 1e-10)
		if got <= 0.05 {
			rejected++
		}
	}
	if rejected != 4 {
		t.Errorf("%d tests are called true, want 4", rejected)
	}
	if got := BenjaminiHochberg([]float64{math.NaN(), 0.001}); got[0] != 1 || got[1] != 0.002 {
		t.Errorf("adjusted %v: a p-value that is not known is no test less", got)
	}
}

// TestSpearmanAndItsInterval has the example of ci.spear in the R package statpsych, which
// has Bonett and Wright's interval (Psychometrika 65, 2000), and one without ties.
func TestSpearmanAndItsInterval(t *testing.T) {
	y := []float64{21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19}
	x := []float64{67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51}
	rho, n, known := SpearmanWithin(x, y, make([]int, len(x)))
	if !known {
		t.Fatal("15 pairs have no correlation")
	}
	if n != len(x) {
		t.Errorf("one stratum of %d counts as %d pairs", len(x), n)
	}
	interval := BonettWright(rho, n)
	near(t, "rho", interval.Value, 0.8699639, 1e-7)
	near(t, "the lower bound", interval.Lower, 0.5840951, 1e-7)
	near(t, "the upper bound", interval.Upper, 0.9638297, 1e-7)

	iq := []float64{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}
	tv := []float64{7, 27, 2, 50, 28, 29, 20, 12, 6, 17}
	rho, _, _ = SpearmanWithin(iq, tv, make([]int, len(iq)))
	near(t, "rho without ties", rho, -0.1757575758, 1e-10)
}

// TestStrataAreNotCompared: in each stratum the order is reversed, and strata are in
// order.
func TestStrataAreNotCompared(t *testing.T) {
	x := []float64{1, 2, 3, 4, 101, 102, 103, 104, 7}
	y := []float64{4, 3, 2, 1, 104, 103, 102, 101, 7}
	strata := []int{1, 1, 1, 1, 2, 2, 2, 2, 3}
	if rho, _, _ := SpearmanWithin(x, y, make([]int, len(x))); rho < 0.5 {
		t.Errorf("without strata rho is %g", rho)
	}
	rho, n, known := SpearmanWithin(x, y, strata)
	near(t, "rho within strata", rho, -1, 1e-12)
	if n != 7 || !known {
		t.Errorf("%d pairs (%v), want 7: 8 less one for the second stratum", n, known)
	}
	if i := BonettWright(rho, n); i.Lower != -1 && i.Lower < -1 || i.Upper >= 0 {
		t.Errorf("bounds of a perfect order: %+v", i)
	}
}

// TestTheLawSchools has the 15 law schools of Efron and Tibshirani, An Introduction to the
// Bootstrap (1993): r .776, standard error .1425, bias -.0065.
func TestTheLawSchools(t *testing.T) {
	lsat := []float64{576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594}
	gpa := []float64{3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96}
	r := stat.Correlation(lsat, gpa, nil)
	near(t, "r", r, 0.7763744913, 1e-10)
	without := make([]float64, len(lsat))
	for i := range lsat {
		x := append(append([]float64{}, lsat[:i]...), lsat[i+1:]...)
		y := append(append([]float64{}, gpa[:i]...), gpa[i+1:]...)
		without[i] = stat.Correlation(x, y, nil)
	}
	standardError, bias, _ := Jackknife(r, without)
	near(t, "the standard error", standardError, 0.1425291201, 1e-10)
	near(t, "the bias", bias, -0.006473623046, 1e-10)
}

// TestTheJackknifeOfClusters has the regression of R's mtcars (Henderson and Velleman,
// Biometrics 1981) on which the R package summclust shows vcov_CR3J: the cars of each
// number of carburettors are left out together.
func TestTheJackknifeOfClusters(t *testing.T) {
	// mpg, cyl, disp, hp, carb.
	cars := [][5]float64{
		{21, 6, 160, 110, 4}, {21, 6, 160, 110, 4}, {22.8, 4, 108, 93, 1}, {21.4, 6, 258, 110, 1}, {18.7, 8, 360, 175, 2},
		{18.1, 6, 225, 105, 1}, {14.3, 8, 360, 245, 4}, {24.4, 4, 146.7, 62, 2}, {22.8, 4, 140.8, 95, 2},
		{19.2, 6, 167.6, 123, 4}, {17.8, 6, 167.6, 123, 4}, {16.4, 8, 275.8, 180, 3}, {17.3, 8, 275.8, 180, 3},
		{15.2, 8, 275.8, 180, 3}, {10.4, 8, 472, 205, 4}, {10.4, 8, 460, 215, 4}, {14.7, 8, 440, 230, 4},
		{32.4, 4, 78.7, 66, 1}, {30.4, 4, 75.7, 52, 2}, {33.9, 4, 71.1, 65, 1}, {21.5, 4, 120.1, 97, 1},
		{15.5, 8, 318, 150, 2}, {15.2, 8, 304, 150, 2}, {13.3, 8, 350, 245, 4}, {19.2, 8, 400, 175, 2},
		{27.3, 4, 79, 66, 1}, {26, 4, 120.3, 91, 2}, {30.4, 4, 95.1, 113, 2}, {15.8, 8, 351, 264, 4},
		{19.7, 6, 145, 175, 6}, {15, 8, 301, 335, 8}, {21.4, 4, 121, 109, 2},
	}
	fit := func(without float64) []float64 {
		var x, y []float64
		for _, car := range cars {
			if car[4] != without {
				x, y = append(x, 1, car[1], car[2], car[3]), append(y, car[0])
			}
		}
		var beta mat.VecDense
		if err := beta.SolveVec(mat.NewDense(len(y), 4, x), mat.NewVecDense(len(y), y)); err != nil {
			t.Fatal(err)
		}
		return beta.RawVector().Data
	}
	all := fit(0)
	coefficients := []float64{34.18491917, -1.227419938, -0.01883808527, -0.01467933494}
	errors := []float64{1.522058958, 0.6420437171, 0.005722862089, 0.01512453906}
	for i := range all {
		near(t, "the coefficient", all[i], coefficients[i], 1e-8)
		var without []float64
		for _, carburettors := range []float64{1, 2, 3, 4, 6, 8} {
			without = append(without, fit(carburettors)[i])
		}
		standardError, _, _ := Jackknife(all[i], without)
		near(t, "its error", standardError, errors[i], 1e-9)
	}
}

// TestRatesAreCompared has the example of the help page of R's poisson.test: breast
// cancer after fluoroscopy (Boice and Monson, 1977, as in Rothman's textbook).
func TestRatesAreCompared(t *testing.T) {
	r, known := CompareRates(11, 800, 21, 3011)
	if !known {
		t.Fatal("two rates cannot be compared")
	}
	near(t, "the ratio", r.Value, 1.971488095, 1e-9)
	near(t, "the lower bound", r.Lower, 0.8584264034, 1e-9)
	near(t, "the upper bound", r.Upper, 4.2772659437, 1e-9)
	near(t, "p", r.P, 0.07966863, 1e-8)

	back, _ := CompareRates(21, 3011, 11, 800)
	near(t, "the ratio the other way", back.Value, 1/r.Value, 1e-12)
	near(t, "its lower bound", back.Lower, 1/r.Upper, 1e-9)
	near(t, "its p", back.P, r.P, 1e-12)

	none, known := CompareRates(0, 100, 12, 100)
	if !known || none.Lower != 0 || none.Value != 0 || none.Upper > 0.4 || none.P > 0.001 {
		t.Errorf("no event against 12: %+v", none)
	}
	if only, _ := CompareRates(12, 100, 0, 100); !math.IsInf(only.Upper, 1) || only.Lower < 2.5 {
		t.Errorf("12 events against none: %+v", only)
	}
}

func TestWilsonsInterval(t *testing.T) {
	i, known := Wilson(0.7, 10)
	if !known {
		t.Fatal("7 of 10 have no share")
	}
	near(t, "the lower bound of 7 of 10", i.Lower, 0.3967781475, 1e-10)
	near(t, "its upper bound", i.Upper, 0.8922087326, 1e-10)
	if _, known := Wilson(0.5, 0); known {
		t.Error("nothing has a share")
	}
}

func TestDegreesOfFreedomOfUnequalParts(t *testing.T) {
	near(t, "ten equal parts", EffectiveDegrees([]float64{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0}), 9, 1e-12)
	near(t, "one large part", EffectiveDegrees([]float64{100, 1, 1}), 2, 0)
	near(t, "no part", EffectiveDegrees(nil), 2, 0)
}

func TestStudent(t *testing.T) {
	// From any table of the t distribution.
	i := StudentInterval(0, 1, 10)
	near(t, "t of 10 degrees", i.Upper, 2.228139, 1e-6)
	near(t, "its p", StudentP(2.228139, 1, 10), 0.05, 1e-6)
	if i := StudentInterval(1, math.NaN(), 10); !math.IsInf(i.Lower, -1) || i.Excludes(0) {
		t.Errorf("an unknown error has bounds: %+v", i)
	}
	if p := StudentP(1, math.NaN(), 10); p != 1 {
		t.Errorf("an unknown error has p %g", p)
	}
}

// anything is any number, odd ones included.
var anything = rapid.OneOf(
	rapid.Float64(), rapid.Float64Range(0, 50), rapid.Float64Range(0, 1),
	rapid.SampledFrom([]float64{0, 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e-300, 1e300}),
)

func TestNothingPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c, d := anything.Draw(t, "a"), anything.Draw(t, "b"), anything.Draw(t, "c"), anything.Draw(t, "d")
		r, known := CompareRates(a, b, c, d)
		if known && !(r.Lower <= r.Value && r.Value <= r.Upper && r.P >= 0 && r.P <= 1) {
			t.Fatalf("rates %+v", r)
		}
		if i, known := Wilson(a, b); known && !(i.Lower >= 0 && i.Lower <= i.Value && i.Value <= i.Upper && i.Upper <= 1) {
			t.Fatalf("share %+v", i)
		}
		if p := StudentP(a, b, c); !(p >= 0 && p <= 1) {
			t.Fatalf("p %g", p)
		}
		StudentInterval(a, b, c)
		list := rapid.SliceOf(anything)
		values := list.Draw(t, "values")
		for _, p := range BenjaminiHochberg(values) {
			if !(p >= 0 && p <= 1) {
				t.Fatalf("adjusted %g", p)
			}
		}
		others := rapid.SliceOfN(anything, len(values), len(values)).Draw(t, "others")
		strata := rapid.SliceOfN(rapid.IntRange(0, 2), len(values), len(values)).Draw(t, "strata")
		if rho, n, known := SpearmanWithin(values, others, strata); known {
			if i := BonettWright(rho, n); !(i.Lower >= -1 && i.Lower <= i.Upper && i.Upper <= 1) {
				t.Fatalf("rank correlation %+v of %d", i, n)
			}
		}
		Jackknife(a, values)
		if df := EffectiveDegrees(values); !(df >= 2) {
			t.Fatalf("%g degrees of freedom", df)
		}
	})
}

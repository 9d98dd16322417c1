package effect

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"
	"time"
)

// rowsOf reads the numbers of a file of testdata, without its head.
func rowsOf(t testing.TB, file string) [][]float64 {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float64
	for _, row := range rows[1:] {
		var numbers []float64
		for _, cell := range row {
			number, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, number)
		}
		out = append(out, numbers)
	}
	return out
}

// at is a time of a fleet that begins on day 0.
func at(days float64) time.Time {
	return time.Unix(0, 0).Add(time.Duration(math.Round(days * 24 * float64(time.Hour))))
}

// golden is a made-up fleet of 24 services in 400 days (episodes.csv and reviews.csv of
// testdata). Its effect was computed in R 4.2.2 with lm, and without each service in turn.
func golden(t testing.TB) (services []Service, treatments []Treatment, events []Event, o Options, now time.Time) {
	t.Helper()
	name := func(n float64) string { return strconv.Itoa(int(n)) }
	reviews := rowsOf(t, "reviews.csv")
	for _, row := range reviews {
		services = append(services, Service{Name: name(row[0])})
		if !math.IsInf(row[1], 1) {
			treatments = append(treatments, Treatment{Service: name(row[0]), From: at(row[1]), Until: at(row[2])})
		}
	}
	for _, row := range rowsOf(t, "episodes.csv") {
		// The reference leaves out what was not followed up for 7 days after treatments.
		if i := int(row[0]) - 1; row[1] > 393 && !math.IsInf(reviews[i][1], 1) {
			continue
		}
		// The file has the logarithms of minutes.
		minutes := math.Exp(row[2]) * float64(time.Minute)
		events = append(events, Event{Service: name(row[0]), At: at(row[1]), Duration: time.Duration(math.Round(minutes))})
	}
	// The events of 400 days are followed up to their end.
	return services, treatments, events, Options{History: 407 * day, Month: 30 * day}, at(407)
}

// TestTheEffectOfTheFleetOfTestdata: the same numbers to 7 digits, from end to end.
func TestTheEffectOfTheFleetOfTestdata(t *testing.T) {
	services, treatments, events, o, now := golden(t)
	e := Of(Times, services, treatments, events, o, now)
	for i, want := range []struct {
		log, standardError, df, lower, upper float64
		before                               int
	}{
		{-0.4753556, 0.1817388, 9.99879, -0.880301, -0.070410, 577},
		{-0.4090152, 0.2008912, 9.99879, -0.856636, 0.038606, 547},
	} {
		f := e.Fits[i]
		near(t, "the effect", f.Log.Value, want.log, 5e-8)
		near(t, "its error", f.StandardError, want.standardError, 5e-8)
		near(t, "the degrees of freedom", f.DegreesOfFreedom, want.df, 5e-6)
		near(t, "the lower bound", f.Log.Lower, want.lower, 5e-7)
		near(t, "the upper bound", f.Log.Upper, want.upper, 5e-7)
		if f.Services != 24 || f.Treated != 14 || f.EventsBefore != want.before || f.EventsAfter != 135 {
			t.Errorf("fit %d is made of %+v, want 24 services, 14 treated, %d events before and 135 after", i, f, want.before)
		}
	}
	near(t, "the lower bound of both", math.Log(e.Ratio.Lower), -0.880301, 5e-7)
	near(t, "the upper bound of both", math.Log(e.Ratio.Upper), 0.038606, 5e-7)
	if e.Verdict != Inconclusive || !e.FollowsBadMonths || !e.Known {
		t.Errorf("the verdict is %s (%+v), want inconclusive, with fits that disagree", e.Verdict, e)
	}
}

// near fails a test if a value differs from a printed one.
func near(t *testing.T, what string, got, want, unit float64) {
	t.Helper()
	if !(math.Abs(got-want) <= unit) {
		t.Errorf("%s is %.10g, want %.10g", what, got, want)
	}
}

// TestTheLevelsOfRails: six rails, of which the time that a wave takes was measured three
// times each (Pinheiro and Bates, Mixed-Effects Models in S and S-PLUS, 2000, section
// 1.1): mean 66.5, standard deviations 24.805 among rails and 4.0208 within. A level that
// is drawn to the mean by their ratio is what they call the best linear unbiased
// predictor.
func TestTheLevelsOfRails(t *testing.T) {
	travel := []float64{55, 53, 54, 26, 37, 32, 78, 91, 85, 92, 100, 96, 49, 51, 50, 80, 85, 83}
	want := []float64{-12.39147557, -34.53091193, 18.00894450, 29.24388235, -16.35674776, 16.02630841}
	for rail := range want {
		c := newCells(Times, 6, 1)
		for i, v := range travel {
			c.before[i/3]++
			c.beforeSum[i/3] += v
		}
		// What is observed after is the mean, so that the effect is the level turned.
		c.after[rail], c.afterSum[rail] = 1, 66.5
		c.total()
		l := &levels{shrinkage: 0.02627397172}
		near(t, "the level", -l.fit(c, -1), want[rail], 1e-8)
		near(t, "the mean", l.level[0], 66.5, 1e-9)
	}
}

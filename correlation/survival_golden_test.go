package correlation

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"
	"time"
)

// published reads observations in days from a file with the columns time and event, by
// group if there is a first column for it.
func published(t *testing.T, file string) map[string][]Observation {
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
	out := map[string][]Observation{}
	for _, row := range rows[1:] {
		group := ""
		if len(row) == 3 {
			group = row[0]
		}
		days, err := strconv.Atoi(row[len(row)-2])
		if err != nil {
			t.Fatal(err)
		}
		out[group] = append(out[group], Observation{Duration: time.Duration(days) * day, Censored: row[len(row)-1] == "0"})
	}
	return out
}

// TestSurvivalWithLungCancer has the 228 patients of the North Central Cancer Treatment
// Group (Loprinzi and others, 1994), the data set lung of the R package survival, which
// prints a median of 310 days with 165 events. The other values are its own, too.
func TestSurvivalWithLungCancer(t *testing.T) {
	curve := Resolution(published(t, "lung.csv")[""])
	if curve.Count() != 228 || curve.Ended != 165 {
		t.Errorf("%d patients and %d events, want 228 and 165", curve.Count(), curve.Ended)
	}
	for q, days := range map[float64]int{0.1: 79, 0.25: 170, 0.5: 310, 0.75: 550, 0.9: 735} {
		if got, ok := curve.Quantile(q); !ok || got != time.Duration(days)*day {
			t.Errorf("quantile %g is %s (%v), want %d days", q, got, ok, days)
		}
	}
	for days, survival := range map[int]float64{
		5: 0.9956140351, 100: 0.8639689676, 180: 0.7216706534, 365: 0.4092416245, 500: 0.2932691937, 730: 0.1156930983,
	} {
		got := 1 - curve.Within(time.Duration(days)*day).Value
		if math.Abs(got-survival) > 1e-10 {
			t.Errorf("after %d days %.10f survive, want %.10f", days, got, survival)
		}
	}
}

// TestRemissionOfMyelogenousLeukaemia has the data set aml of the R package survival
// (Miller, Survival Analysis, 1981): medians of 31 weeks with maintenance and 23 without.
func TestRemissionOfMyelogenousLeukaemia(t *testing.T) {
	groups := published(t, "aml.csv")
	for group, want := range map[string]int{"M": 31, "N": 23} {
		if got, ok := Resolution(groups[group]).Quantile(0.5); !ok || got != time.Duration(want)*day {
			t.Errorf("the median of %s is %s (%v), want %d", group, got, ok, want)
		}
	}
}

// TestAQuantileIsTheFirstStepThatReachesIt: where the curve equals 1 - q over a time, R
// takes the middle of it, which is no time at which anything ended.
func TestAQuantileIsTheFirstStepThatReachesIt(t *testing.T) {
	var four []Observation
	for days := range 4 {
		four = append(four, Observation{Duration: time.Duration(days+1) * day})
	}
	if got, _ := Resolution(four).Quantile(0.5); got != 2*day {
		t.Errorf("the median of 1, 2, 3 and 4 days is %s, want 2 days", got)
	}
}

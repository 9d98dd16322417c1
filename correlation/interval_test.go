package correlation

import (
	"testing"
	"time"
)

// TestTheIntervalOfTheMedian compares with what R's survfit prints for survival::lung,
// whose median of 310 days has the bounds 285 and 363, and for the remissions of
// Freireich 1963, whose median of 23 weeks has the lower bound 16 and no upper one.
func TestTheIntervalOfTheMedian(t *testing.T) {
	for name, c := range map[string]struct {
		curve  Curve
		unit   time.Duration
		lower  int
		median int
		upper  int // 0 for none
	}{
		"lung":       {Resolution(published(t, "lung.csv")[""]), day, 285, 310, 363},
		"remissions": {Resolution(remissions()), 7 * day, 16, 23, 0},
	} {
		median, _ := c.curve.Quantile(0.5)
		lower, upper := c.curve.QuantileInterval(0.5)
		if got := int(median / c.unit); got != c.median {
			t.Errorf("%s: median %d, want %d", name, got, c.median)
		}
		if got := int(lower.Value / c.unit); got != c.lower || !lower.Known {
			t.Errorf("%s: lower bound %d, want %d", name, got, c.lower)
		}
		if got := int(upper.Value / c.unit); got != c.upper || upper.Known != (c.upper > 0) {
			t.Errorf("%s: upper bound %d (%v), want %d", name, got, upper.Known, c.upper)
		}
	}
}

func TestAnIntervalOfFew(t *testing.T) {
	none := Curve{}
	if lower, upper := none.QuantileInterval(0.5); lower.Known || upper.Known {
		t.Errorf("the median of nothing has the bounds %v and %v", lower, upper)
	}
	one := Resolution([]Observation{{Duration: time.Hour}})
	if lower, upper := one.QuantileInterval(0.5); !lower.Known || lower.Value != time.Hour || upper.Known {
		t.Errorf("the median of one has the bounds %v and %v: want an hour, and none", lower, upper)
	}
}

func remissions() []Observation {
	var list []Observation
	for _, weeks := range remission {
		list = append(list, Observation{Duration: time.Duration(max(weeks, -weeks)) * 7 * 24 * time.Hour,
			Censored: weeks < 0})
	}
	return list
}

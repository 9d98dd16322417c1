package review

import (
	"strings"
	"testing"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/effect"
	"github.com/prodready/collector/statistics"
)

func TestTheEffectInWords(t *testing.T) {
	fits := [2]effect.Fit{{Treated: 12, EventsAfter: 80}, {}}
	placebo := effect.Placebo{Shuffles: 200, Usable: 200, Improved: 3, Worsened: 5}
	for _, c := range []struct {
		estimate effect.Estimate
		words    string
		ratio    bool
	}{
		{effect.Estimate{Verdict: effect.InsufficientData, Missing: effect.Missing{Treated: 6, Months: 5}, Known: true,
			Ratio: statistics.Interval{Value: 0.6, Lower: 0.45, Upper: 0.8}},
			"is not known: there are not enough data. Missing: 6 more reviewed services, or 5 more months.", false},
		{effect.Estimate{Verdict: effect.Improved, Known: true,
			Ratio: statistics.Interval{Value: 0.6, Lower: 0.45, Upper: 0.8},
			Fits:  fits, Placebo: placebo}, "resolved faster after a review: in between 0.45 and 0.80 times the time that was " +
			"to be expected without one (12 reviewed services, 80 incidents after their review). Of 200 comparisons with " +
			"shuffled review dates 4 % had an effect.", true},
		{effect.Estimate{Verdict: effect.Worsened, Known: true, Ratio: statistics.Interval{Value: 1.5, Lower: 1.1, Upper: 2},
			Fits: fits}, "Incidents take longer after a review: between 1.10 and 2.00", true},
		{effect.Estimate{Verdict: effect.Inconclusive, Known: true,
			Ratio: statistics.Interval{Value: 0.7, Lower: 0.4, Upper: 1.04}, Fits: fits, FollowsBadMonths: true},
			"cannot be told from chance: after a review it is between 0.40 and 1.04", true},
		{effect.Estimate{Verdict: effect.Inconclusive, Known: true, Withdrawn: true, Fits: fits,
			Ratio: statistics.Interval{Value: 0.7, Lower: 0.6, Upper: 0.8}}, "calls chance an effect", true},
	} {
		e := NewEffect(&correlation.Effect{Estimate: c.estimate})
		if !strings.Contains(e.Words, c.words) || (e.Ratio != nil) != c.ratio || e.Verdict != string(c.estimate.Verdict) {
			t.Errorf("%+v\nwant %s", e, c.words)
		}
		if faster := strings.Contains(e.Words, "faster"); faster != (c.estimate.Verdict == effect.Improved) {
			t.Errorf("it claims what its verdict does not: %s", e.Words)
		}
		if c.estimate.FollowsBadMonths != strings.Contains(e.Words, "follow bad months") {
			t.Errorf("bad months: %s", e.Words)
		}
	}
}

package prometheus

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Series is one series as a function of time.
type Series struct {
	// Name is the metric's name.
	Name string
	// Labels are the other labels; empty values are as good as no label.
	Labels map[string]string
	// Reach is how far back from the start it is written; 0 means DefaultReach.
	Reach time.Duration
	// Every is how often its past is sampled, whatever the resolutions say; 0
	// leaves it to them.
	Every time.Duration
	// During are the only stretches of the past in which it is looked at, in
	// order and apart; nil means all of it. What is there now and then, and for
	// minutes, has to be sampled finely, which the rest of the past need not be.
	// It needs Every.
	During []Span
	// Resolutions are how densely its past is written, by age, if not as the options say.
	Resolutions []Resolution
	// Past series end before the start: from then on somebody else writes them, such as a
	// recording rule.
	Past bool
	// At is the value at a time; there is no sample when ok is false. It must
	// be pure: it is called from several goroutines and more than once.
	At func(t time.Time) (value float64, ok bool)
}

// Span is a stretch of time.
type Span struct{ From, Until time.Time }

// Holds reports whether a time is in the span; its end is not.
func (s Span) Holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.Until) }

// DefaultReach is how far back a series is written that does not say.
const DefaultReach = 26 * time.Hour

// Constant is a series that never changes.
func Constant(value float64) func(time.Time) (float64, bool) {
	return func(time.Time) (float64, bool) { return value, true }
}

// Resolution is how often the past is sampled up to an age.
type Resolution struct {
	// Until is the age up to which it holds.
	Until time.Duration
	// Every is the step; samples lie on its multiples since 1970, as subqueries
	// ask for them.
	Every time.Duration
}

// DefaultResolutions are fine for the last hour, where rate() and the five
// minutes of lookback need it, and coarse before.
func DefaultResolutions() []Resolution {
	return []Resolution{{time.Hour, time.Minute}, {26 * time.Hour, 10 * time.Minute}, {400 * 24 * time.Hour, time.Hour}}
}

// CoarseResolutions are what the usual queries can just do with, for many
// series or under the race detector. rate() and increase() over less than ten
// minutes find nothing in them. An hour is the most: how far back the data
// reaches is asked of the first hour of a window.
func CoarseResolutions() []Resolution {
	return []Resolution{
		{time.Hour, 5 * time.Minute}, {26 * time.Hour, 30 * time.Minute}, {400 * 24 * time.Hour, time.Hour},
	}
}

// labels are the labels with the name among them.
func (s *Series) labels() (labels.Labels, error) {
	if s.Name == "" {
		return labels.EmptyLabels(), errors.New("a series has no name")
	}
	if s.At == nil {
		return labels.EmptyLabels(), fmt.Errorf("the series %s has no values: set At", s.Name)
	}
	if s.Every < 0 || s.During != nil && s.Every == 0 {
		return labels.EmptyLabels(), fmt.Errorf("the series %s is looked at in stretches: say how often with Every", s.Name)
	}
	b := labels.NewScratchBuilder(len(s.Labels) + 1)
	b.Add(model.MetricNameLabel, s.Name)
	for name, value := range s.Labels {
		if value != "" {
			b.Add(name, value)
		}
	}
	b.Sort()
	found := b.Labels()
	if name, twice := found.HasDuplicateLabelNames(); twice {
		return labels.EmptyLabels(), fmt.Errorf("the series %s has the label %s twice", s.Name, name)
	}
	return found, nil
}

// instants are the times at which the past is sampled, oldest first. The last
// one is now, so that a query right after the start sees the present.
func instants(now time.Time, reach time.Duration, steps []Resolution) []int64 {
	end := now.UnixMilli()
	var times []int64
	for at := now.Add(-reach).UnixMilli() - 1; at < end; {
		next := int64(math.MaxInt64)
		for i, s := range steps {
			// The first time after this one at which the step holds. Beyond the
			// last age the last step holds.
			from := max(at, end-s.Until.Milliseconds()-1)
			if i == len(steps)-1 {
				from = at
			}
			width := s.Every.Milliseconds()
			next = min(next, (from/width+1)*width)
		}
		if at = next; at < end {
			times = append(times, at)
		}
	}
	return append(times, end)
}

// within are the times in and right after stretches of the past, and now.
func within(now time.Time, reach, every time.Duration, during []Span) []int64 {
	var times []int64
	end, last, step := now.UnixMilli(), now.Add(-reach).UnixMilli()-1, every.Milliseconds()
	for _, s := range during {
		// One more than the span holds, so that its end is seen.
		for at := (s.From.UnixMilli() + step - 1) / step * step; at < min(s.Until.UnixMilli()+step, end); at += step {
			if at > last {
				times = append(times, at)
				last = at
			}
		}
	}
	return append(times, end)
}

// checkResolutions refuses steps that would never end.
func checkResolutions(steps []Resolution) error {
	last := time.Duration(math.MinInt64)
	for i, s := range steps {
		if s.Every < time.Millisecond || s.Until <= last {
			return fmt.Errorf(
				"resolution %d (every %s until %s): steps of at least 1ms, sorted by age, are wanted", i+1, s.Every, s.Until,
			)
		}
		last = s.Until
	}
	return nil
}

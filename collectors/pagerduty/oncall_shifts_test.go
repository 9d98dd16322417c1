package pagerduty

import (
	"fmt"
	"math"
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// on makes a shift between hours after t0; -1000 and 1000 are no bound.
func on(user string, level, from, to int) shift {
	s := shift{user: user, level: level}
	if from > -1000 {
		s.start = t0.Add(time.Duration(from) * time.Hour)
	}
	if to < 1000 {
		s.end = t0.Add(time.Duration(to) * time.Hour)
	}
	return s
}

func TestScanShifts(t *testing.T) {
	for name, tc := range map[string]struct {
		shifts []shift
		want   string // now, people, lone, covered, gaps
	}{
		"nobody":    {nil, "0 0 false 0.00 1 gaps, the first from now to beyond the coming 14 days"},
		"permanent": {[]shift{on("a", 1, -1000, 1000)}, "1 1 false 1.00 no gap"},
		"only level 2": {
			[]shift{on("a", 2, -1000, 1000)}, "0 1 false 0.00 1 gaps, the first from now to beyond the coming 14 days",
		},
		"shifts that meet":    {[]shift{on("a", 1, -5, 4), on("b", 1, 4, 30)}, "1 2 false 1.00 no gap"},
		"shifts that overlap": {[]shift{on("a", 1, -5, 6), on("b", 1, 4, 10)}, "1 2 false 1.00 no gap"},
		"a gap within": {
			[]shift{on("a", 1, -5, 4), on("b", 1, 6, 10)},
			"1 2 false 0.80 1 gaps, the first from 2026-03-04T16:00:00Z to 2026-03-04T18:00:00Z",
		},
		"two gaps": {
			[]shift{on("a", 1, 1, 4), on("a", 1, 6, 10)}, "0 1 false 0.70 2 gaps, the first from now to 2026-03-04T13:00:00Z",
		},
		"a gap at the end": {
			[]shift{on("a", 1, -1000, 9)},
			"1 1 false 0.90 1 gaps, the first from 2026-03-04T21:00:00Z to beyond the coming 14 days",
		},
		"a gap that others come and go in": {
			[]shift{on("a", 1, 5, 10), on("b", 2, 1, 2), on("b", 2, 3, 4)},
			"0 2 false 0.50 1 gaps, the first from now to 2026-03-04T17:00:00Z",
		},
		"a shift that ends now": {
			[]shift{on("a", 1, -5, 0)}, "0 0 false 0.00 1 gaps, the first from now to beyond the coming 14 days",
		},
		"a shift that starts now": {[]shift{on("a", 1, 0, 10)}, "1 1 false 1.00 no gap"},
		"after the span": {
			[]shift{on("a", 1, 10, 12)}, "0 0 false 0.00 1 gaps, the first from now to beyond the coming 14 days",
		},
		"the same person twice on a level": {[]shift{on("a", 1, -1000, 1000), on("a", 1, 0, 5)}, "1 1 false 1.00 no gap"},
		"one person on two levels":         {[]shift{on("a", 1, -1000, 1000), on("a", 2, 5, 6)}, "1 1 true 1.00 no gap"},
		"never at the same time": {
			[]shift{on("a", 1, 0, 5), on("b", 1, 5, 10), on("b", 2, 0, 5), on("a", 2, 5, 10)}, "1 2 false 1.00 no gap",
		},
		"not alone on the first": {
			[]shift{on("a", 1, 0, 10), on("b", 1, 0, 10), on("a", 2, 0, 10)}, "2 2 false 1.00 no gap",
		},
		"alone on levels 2 and 3": {
			[]shift{on("a", 1, 0, 10), on("b", 2, 0, 10), on("b", 3, 0, 10)}, "1 2 true 1.00 no gap",
		},
		"an empty shift": {
			[]shift{on("a", 1, 5, 5)}, "0 0 false 0.00 1 gaps, the first from now to beyond the coming 14 days",
		},
		"a shift that ends before it began": {
			[]shift{on("a", 1, 6, 5)}, "0 0 false 0.00 1 gaps, the first from now to beyond the coming 14 days",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := scanShifts(tc.shifts, t0, t0.Add(10*time.Hour))
			if got := fmt.Sprintf("%d %d %t %.2f %s", d.now, d.people, d.lone, d.covered, d.gapText("14 days")); got != tc.want {
				t.Errorf("got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func describe(gaps []gap) string { return fmt.Sprintf("%+v", gaps) }

// longestShiftHourByHour is what longestShift computes, from who is on call at every
// hour since long before: a shift without a start began a span ago.
func longestShiftHourByHour(shifts []shift, hours int) time.Duration {
	span := time.Duration(hours) * time.Hour
	from, to := t0, t0.Add(span)
	longest := 0
	for _, user := range []string{"a", "b", "c", "d"} {
		run := 0
		for h := -2 * hours; h < 3*hours; h++ {
			at := t0.Add(time.Duration(h) * time.Hour)
			on := false
			for _, s := range shifts {
				start, end := s.start, s.end
				if start.IsZero() {
					start = from.Add(-span)
				}
				if end.IsZero() {
					end = to
				}
				touches := start.Before(to) && end.After(from) && end.After(start)
				on = on || s.user == user && s.level == 1 && touches && !start.After(at) && end.After(at)
			}
			if run++; !on {
				run = 0
			}
			longest = max(longest, run)
		}
	}
	return min(time.Duration(longest)*time.Hour, span)
}

// FuzzScanShifts compares scanShifts with who is on call at every hour.
func FuzzScanShifts(f *testing.F) {
	f.Add([]byte{1, 1, 0, 10, 2, 1, 12, 20})
	f.Add([]byte{1, 1, 0, 255, 1, 2, 3, 4})
	f.Add([]byte{0, 0, 255, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		const hours = 48
		var shifts []shift
		for ; len(data) >= 4 && len(shifts) < 40; data = data[4:] {
			s := on(string(rune('a'+data[0]%4)), int(data[1]%4), int(data[2]%60)-6, int(data[3]%60)-6)
			if data[2] == 255 {
				s.start = time.Time{}
			}
			if data[3] == 255 {
				s.end = time.Time{}
			}
			shifts = append(shifts, s)
		}
		got, want := scanShifts(shifts, t0, t0.Add(hours*time.Hour)), scanHourByHour(shifts, hours)
		if got.now != want.now || got.people != want.people || got.lone != want.lone || got.gaps != want.gaps ||
			got.longest != want.longest || describe(got.firstGaps) != describe(want.firstGaps) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		for level := range 5 {
			got, want := got.levels[level], want.levels[level]
			if got.covered < 0 || got.covered > 1 || math.Abs(got.covered-want.covered) > 1e-9 || got.people != want.people {
				t.Errorf("level %d: %+v, want %+v", level, got, want)
			}
		}
		if got.covered != got.levels[1].covered {
			t.Errorf("covered %g, of level 1 %g", got.covered, got.levels[1].covered)
		}
		end := t0.Add(hours * time.Hour)
		if got, want := longestShift(shifts, t0, end), longestShiftHourByHour(shifts, hours); got != want {
			t.Errorf("the longest shift is %s, want %s", got, want)
		}
	})
}

// scanHourByHour is what scanShifts computes, from who is on call at every hour.
func scanHourByHour(shifts []shift, hours int) duty {
	d := duty{levels: map[int]levelDuty{}}
	people, peopleOf, coveredHours := map[string]bool{}, map[int]map[string]bool{}, map[int]int{}
	var gaps []gap
	for h := range hours {
		at := t0.Add(time.Duration(h) * time.Hour)
		levels := onCallAt(shifts, at)
		for level, users := range levels {
			coveredHours[level]++
			for user := range users {
				people[user] = true
				add(peopleOf, level, user, true)
			}
		}
		d.lone = d.lone || sharesALevel(levels)
		if h == 0 {
			d.now = len(levels[1])
		}
		if len(levels[1]) > 0 {
			continue
		}
		if n := len(gaps); n == 0 || gaps[n-1].end.Before(at) {
			gaps = append(gaps, gap{start: at, fromBegin: h == 0})
		}
		g := &gaps[len(gaps)-1]
		g.end, g.toEnd = at.Add(time.Hour), h == hours-1
		d.longest = max(d.longest, g.end.Sub(g.start))
	}
	d.people, d.gaps, d.firstGaps = len(people), len(gaps), gaps[:min(len(gaps), maxGaps)]
	for level, users := range peopleOf {
		d.levels[level] = levelDuty{covered: float64(coveredHours[level]) / float64(hours), people: len(users)}
	}
	return d
}

// onCallAt are the users on each level at the time.
func onCallAt(shifts []shift, at time.Time) map[int]map[string]bool {
	levels := map[int]map[string]bool{}
	for _, s := range shifts {
		if !s.start.After(at) && (s.end.IsZero() || s.end.After(at)) {
			add(levels, s.level, s.user, true)
		}
	}
	return levels
}

// sharesALevel reports whether one person is alone on two levels.
func sharesALevel(levels map[int]map[string]bool) bool {
	alone := map[string]int{}
	for _, users := range levels {
		for user := range users {
			if len(users) == 1 {
				alone[user]++
			}
		}
	}
	for _, n := range alone {
		if n > 1 {
			return true
		}
	}
	return false
}

func TestLongestShift(t *testing.T) {
	for name, tc := range map[string]struct {
		shifts []shift
		want   time.Duration
	}{
		"nobody":                     {nil, 0},
		"on the second level":        {[]shift{on("a", 2, 0, 40)}, 0},
		"one shift":                  {[]shift{on("a", 1, 2, 5)}, 3 * time.Hour},
		"one that is running":        {[]shift{on("a", 1, -30, 5)}, 35 * time.Hour},
		"one that is over":           {[]shift{on("a", 1, -30, -5)}, 0},
		"one that begins within":     {[]shift{on("a", 1, 47, 60)}, 13 * time.Hour},
		"one that begins later":      {[]shift{on("a", 1, 48, 60)}, 0},
		"shifts that meet":           {[]shift{on("a", 1, 5, 9), on("a", 1, 2, 5)}, 7 * time.Hour},
		"shifts that do not":         {[]shift{on("a", 1, 2, 5), on("a", 1, 6, 8)}, 3 * time.Hour},
		"one shift in another":       {[]shift{on("a", 1, 2, 9), on("a", 1, 3, 5), on("a", 1, 9, 10)}, 8 * time.Hour},
		"people who take turns":      {[]shift{on("a", 1, 0, 5), on("b", 1, 5, 11), on("a", 1, 11, 14)}, 6 * time.Hour},
		"listed twice":               {[]shift{on("a", 1, 0, 5), on("a", 1, 0, 5)}, 5 * time.Hour},
		"for ever":                   {[]shift{on("a", 1, -1000, 1000)}, 48 * time.Hour},
		"longer than the span":       {[]shift{on("a", 1, -200, 200)}, 48 * time.Hour},
		"from now on for ever":       {[]shift{on("a", 1, 10, 1000)}, 38 * time.Hour},
		"for ever until it ends now": {[]shift{on("a", 1, -1000, 0)}, 0},
	} {
		if got := longestShift(tc.shifts, t0, t0.Add(48*time.Hour)); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestTheFirstGapsAreNamed(t *testing.T) {
	var shifts []shift
	for h := range 8 {
		shifts = append(shifts, on("a", 1, 2*h+1, 2*h+2))
	}
	d := scanShifts(shifts, t0, t0.Add(20*time.Hour))
	want := "nobody from now to 2026-03-04T13:00:00Z, 2026-03-04T14:00:00Z to 2026-03-04T15:00:00Z, 2026-03-04T16:00:00Z to 2026-03-04T17:00:00Z, " +
		"2026-03-04T18:00:00Z to 2026-03-04T19:00:00Z, 2026-03-04T20:00:00Z to 2026-03-04T21:00:00Z, and 4 more"
	if got := d.gapList("20 hours"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d.gaps != 9 || d.longest != 4*time.Hour {
		t.Errorf("%d gaps, the longest %s", d.gaps, d.longest)
	}
}

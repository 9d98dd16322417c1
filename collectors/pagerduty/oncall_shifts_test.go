package pagerduty

import (
	"fmt"
	"maps"
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

func TestSweep(t *testing.T) {
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

// slowStint asks hour by hour, from long before: a shift without a begin has
// begun a span ago.
func slowStint(shifts []shift, hours int) time.Duration {
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

// FuzzSweep compares the scanShifts with asking hour by hour.
func FuzzSweep(f *testing.F) {
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
		d := scanShifts(shifts, t0, t0.Add(hours*time.Hour))
		covered, gaps, lone, before := 0, 0, false, true
		people := map[string]bool{}
		coveredOf, peopleOf := map[int]int{}, map[int]map[string]bool{}
		var found []gap
		longest := time.Duration(0)
		for h := range hours {
			at := t0.Add(time.Duration(h) * time.Hour)
			levels := map[int]map[string]bool{}
			for _, s := range shifts {
				if !s.start.After(at) && (s.end.IsZero() || s.end.After(at)) {
					if levels[s.level] == nil {
						levels[s.level] = map[string]bool{}
					}
					levels[s.level][s.user], people[s.user] = true, true
				}
			}
			if h == 0 && d.now != len(levels[1]) {
				t.Errorf("%d now, want %d", d.now, len(levels[1]))
			}
			for level, users := range levels {
				coveredOf[level]++
				if peopleOf[level] == nil {
					peopleOf[level] = map[string]bool{}
				}
				maps.Copy(peopleOf[level], users)
			}
			is := len(levels[1]) > 0
			if is {
				covered++
			} else {
				if before {
					gaps++
					found = append(found, gap{start: at, fromBegin: h == 0})
				}
				g := &found[len(found)-1]
				g.end, g.toEnd = at.Add(time.Hour), h == hours-1
				longest = max(longest, g.end.Sub(g.start))
			}
			before = is
			times := map[string]int{}
			for _, users := range levels {
				for u := range users {
					if len(users) == 1 {
						if times[u]++; times[u] == 2 {
							lone = true
						}
					}
				}
			}
		}
		if d.covered < 0 || d.covered > 1 || math.Abs(d.covered-float64(covered)/hours) > 1e-9 || d.gaps != gaps ||
			d.lone != lone || d.people != len(people) {
			t.Errorf("got %+v, want covered %d of %d, %d gaps, lone %t, %d people", d, covered, hours, gaps, lone, len(people))
		}
		if got := describe(d.firstGaps); len(found) != gaps || got != describe(found[:min(len(found), maxGaps)]) ||
			d.longest != longest {
			t.Errorf("gaps %s, longest %s, want %s and %s", got, d.longest, describe(found), longest)
		}
		for level := range 5 {
			got := d.levels[level]
			if math.Abs(got.covered-float64(coveredOf[level])/hours) > 1e-9 || got.people != len(peopleOf[level]) {
				t.Errorf("level %d: %+v, want %d of %d covered, people %v", level, got, coveredOf[level], hours, peopleOf[level])
			}
		}
		if got := longestShift(shifts, t0, t0.Add(hours*time.Hour)); got != slowStint(shifts, hours) {
			t.Errorf("the longest longestShift is %s, want %s", got, slowStint(shifts, hours))
		}
	})
}

func TestStint(t *testing.T) {
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
		"told twice":                 {[]shift{on("a", 1, 0, 5), on("a", 1, 0, 5)}, 5 * time.Hour},
		"for ever":                   {[]shift{on("a", 1, -1000, 1000)}, 48 * time.Hour},
		"longer than can be told":    {[]shift{on("a", 1, -200, 200)}, 48 * time.Hour},
		"from now on for ever":       {[]shift{on("a", 1, 10, 1000)}, 38 * time.Hour},
		"for ever until it ends now": {[]shift{on("a", 1, -1000, 0)}, 0},
	} {
		if got := longestShift(tc.shifts, t0, t0.Add(48*time.Hour)); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestTheFirstGapsAreTold(t *testing.T) {
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

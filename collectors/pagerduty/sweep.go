package pagerduty

import (
	"fmt"
	"sort"
	"time"
)

// shift is a time for which a user is on call on a level. Zero times have no
// bound. It contains its start and not its end.
type shift struct {
	user       string
	level      int
	start, end time.Time
}

// duty sums up the shifts of one escalation policy over a span of time.
type duty struct {
	// now is the number of distinct people on level 1 at the begin.
	now int
	// people is the number of distinct people on any level.
	people int
	// lone says that at some moment one person was alone on two levels, which
	// loneLevels names.
	lone       bool
	loneLevels [2]int
	// covered is the share of time with somebody on level 1, 0 to 1.
	covered float64
	// gaps counts the times without; the first is from gapStart to gapEnd.
	gaps               int
	gapStart, gapEnd   time.Time
	startOpen, endOpen bool // the gap touches the begin or end of the span
}

// gapText tells of the gaps. It names no moment that moves with the clock, or
// the text would change with every round. span names the time looked at.
func (d duty) gapText(span string) string {
	if d.gaps == 0 {
		return "no gap"
	}
	start, end := stamp(d.gapStart), stamp(d.gapEnd)
	if d.startOpen {
		start = "now"
	}
	if d.endOpen {
		end = "beyond the coming " + span
	}
	return fmt.Sprintf("%d gaps, the first from %s to %s", d.gaps, start, end)
}

// sweep goes through the moments at which somebody comes or goes.
func sweep(shifts []shift, from, to time.Time) duty {
	type change struct {
		at    time.Time
		delta int
		shift
	}
	var changes []change
	people := map[string]bool{}
	for _, s := range shifts {
		start, end := s.start, s.end
		if start.Before(from) {
			start = from // a zero time is before all others
		}
		if end.IsZero() || end.After(to) {
			end = to
		}
		if !start.Before(end) {
			continue
		}
		people[s.user] = true
		changes = append(changes, change{start, +1, s}, change{end, -1, s})
	}
	sort.SliceStable(changes, func(i, j int) bool { return changes[i].at.Before(changes[j].at) })

	d := duty{people: len(people)}
	active := map[int]map[string]int{} // level, user: number of shifts
	var covered time.Duration
	inGap := false
	for i, at := 0, from; at.Before(to); {
		for ; i < len(changes) && !changes[i].at.After(at); i++ {
			c := changes[i]
			users := active[c.level]
			if users == nil {
				users = map[string]int{}
				active[c.level] = users
			}
			if users[c.user] += c.delta; users[c.user] == 0 {
				delete(users, c.user)
			}
		}
		next := to
		if i < len(changes) {
			next = changes[i].at
		}
		first := len(active[1])
		if at.Equal(from) {
			d.now = first
		}
		switch {
		case first > 0:
			covered += next.Sub(at)
			inGap = false
		case !inGap:
			inGap = true
			if d.gaps++; d.gaps == 1 {
				d.gapStart, d.startOpen = at, at.Equal(from)
			}
		}
		if first == 0 && d.gaps == 1 {
			d.gapEnd, d.endOpen = next, next.Equal(to)
		}
		if !d.lone {
			d.loneLevels, d.lone = alone(active)
		}
		at = next
	}
	if span := to.Sub(from); span > 0 {
		d.covered = float64(covered) / float64(span)
	}
	return d
}

// alone finds two levels on which the same person is the only one.
func alone(active map[int]map[string]int) (levels [2]int, found bool) {
	lowest := map[string]int{}
	order := make([]int, 0, len(active))
	for level := range active {
		order = append(order, level)
	}
	sort.Ints(order)
	for _, level := range order {
		if len(active[level]) != 1 {
			continue
		}
		for user := range active[level] {
			if other, ok := lowest[user]; ok {
				return [2]int{other, level}, true
			}
			lowest[user] = level
		}
	}
	return levels, false
}

// rotation counts the distinct people who are on level 1 at some time of the
// span.
func rotation(shifts []shift, from, to time.Time) int {
	people := map[string]bool{}
	for _, s := range shifts {
		ends := s.end.IsZero() || s.end.After(s.start)
		if s.level == 1 && ends && s.start.Before(to) && (s.end.IsZero() || s.end.After(from)) {
			people[s.user] = true
		}
	}
	return len(people)
}

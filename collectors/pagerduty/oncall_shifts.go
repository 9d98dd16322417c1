package pagerduty

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// shift is a time in which a user is on call on a level, with its start and
// without its end. A zero time means no bound.
type shift struct {
	user       string
	level      int
	start, end time.Time
	// permanent says that the user is always on call, without a schedule.
	permanent bool
}

// maxGaps bounds the gaps that a detail lists.
const maxGaps = 5

// duty sums up the shifts of one escalation policy over a span of time.
type duty struct {
	// now is the number of distinct people on level 1 at the beginning.
	now int
	// people is the number of distinct people on any level.
	people int
	// lone says that at some moment one person is the only one on two levels,
	// which loneLevels names.
	lone       bool
	loneLevels [2]int
	// covered is the share of time with a person on level 1, 0 to 1.
	covered float64
	// gaps counts the times without a person on level 1. firstGaps are the first
	// maxGaps of them, and longest is the length of the longest of all.
	gaps      int
	firstGaps []gap
	longest   time.Duration
	// levels are the levels with shifts.
	levels map[int]levelDuty
}

// levelDuty sums up the shifts of one level: the share of time with a person on
// it, 0 to 1, and the number of distinct people.
type levelDuty struct {
	covered float64
	people  int
}

// gap is a time without a person on level 1. fromBegin and toEnd say that it
// reaches the beginning or the end of the span and may be longer.
type gap struct {
	start, end       time.Time
	fromBegin, toEnd bool
}

// text describes the gap. It does not contain the beginning and the end of the
// span, because the text would change with every round. span is the length of
// the span in words.
func (g gap) text(span string) string {
	start, end := stamp(g.start), stamp(g.end)
	if g.fromBegin {
		start = "now"
	}
	if g.toEnd {
		end = "beyond the coming " + span
	}
	return start + " to " + end
}

// gapText describes the first gap.
func (d duty) gapText(span string) string {
	if d.gaps == 0 {
		return "no gap"
	}
	return fmt.Sprintf("%d gaps, the first from %s", d.gaps, d.firstGaps[0].text(span))
}

// gapList describes the first maxGaps gaps.
func (d duty) gapList(span string) string {
	if d.gaps == 0 {
		return "no gap"
	}
	var list []string
	for _, g := range d.firstGaps {
		list = append(list, g.text(span))
	}
	if more := d.gaps - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return "nobody from " + strings.Join(list, ", ")
}

// scanShifts sums up shifts over the span, going through the moments at which one
// begins or ends.
func scanShifts(shifts []shift, from, to time.Time) duty {
	type change struct {
		at    time.Time
		delta int
		shift
	}
	var changes []change
	people, peopleOf := map[string]bool{}, map[int]map[string]bool{}
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
		if peopleOf[s.level] == nil {
			peopleOf[s.level] = map[string]bool{}
		}
		peopleOf[s.level][s.user] = true
		changes = append(changes, change{start, +1, s}, change{end, -1, s})
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })

	d := duty{people: len(people), levels: map[int]levelDuty{}}
	active := map[int]map[string]int{} // level, user: number of shifts
	covered := map[int]time.Duration{}
	var open *gap
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
		for level, users := range active {
			if len(users) > 0 {
				covered[level] += next.Sub(at)
			}
		}
		if at.Equal(from) {
			d.now = len(active[1])
		}
		switch {
		case len(active[1]) > 0:
			d.close(open)
			open = nil
		case open == nil:
			open = &gap{start: at, end: next, fromBegin: at.Equal(from)}
		default:
			open.end = next
		}
		if !d.lone {
			d.loneLevels, d.lone = sharedResponder(active)
		}
		at = next
	}
	if open != nil {
		open.toEnd = true
		d.close(open)
	}
	if span := to.Sub(from); span > 0 {
		for level, users := range peopleOf {
			d.levels[level] = levelDuty{covered: float64(covered[level]) / float64(span), people: len(users)}
		}
		d.covered = d.levels[1].covered
	}
	return d
}

// close counts a gap that has ended; nil means none.
func (d *duty) close(g *gap) {
	if g == nil {
		return
	}
	d.gaps++
	d.longest = max(d.longest, g.end.Sub(g.start))
	if len(d.firstGaps) < maxGaps {
		d.firstGaps = append(d.firstGaps, *g)
	}
}

// sharedResponder finds two levels on which the same person is the only one.
func sharedResponder(active map[int]map[string]int) (levels [2]int, found bool) {
	lowest := map[string]int{}
	order := make([]int, 0, len(active))
	for level := range active {
		order = append(order, level)
	}
	slices.Sort(order)
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
		if s.level == 1 && s.within(from, to) {
			people[s.user] = true
		}
	}
	return len(people)
}

// within reports whether some of the shift is in the span.
func (s shift) within(from, to time.Time) bool {
	ends := s.end.IsZero() || s.end.After(s.start)
	return ends && s.start.Before(to) && (s.end.IsZero() || s.end.After(from))
}

// longestShift is the longest time that one person is on level 1 without a break,
// counting shifts that overlap the span, at most the length of the span. The part
// of a running shift before the span counts.
func longestShift(shifts []shift, from, to time.Time) time.Duration {
	span := to.Sub(from)
	byUser := map[string][]shift{}
	for _, s := range shifts {
		if s.level != 1 || !s.within(from, to) {
			continue
		}
		if s.start.IsZero() {
			s.start = from.Add(-span) // the result is at most span
		}
		if s.end.IsZero() {
			s.end = to
		}
		byUser[s.user] = append(byUser[s.user], s)
	}
	longest := time.Duration(0)
	for _, list := range byUser {
		slices.SortFunc(list, func(a, b shift) int { return a.start.Compare(b.start) })
		var start, end time.Time
		for i, s := range list {
			if i == 0 || s.start.After(end) {
				start, end = s.start, s.end
			}
			end = latest(end, s.end)
			longest = max(longest, end.Sub(start))
		}
	}
	return min(longest, span)
}

// permanent lists the levels, in order, with a person who is on call without a
// schedule.
func permanent(shifts []shift) []int {
	var levels []int
	for _, s := range shifts {
		if s.permanent && !slices.Contains(levels, s.level) {
			levels = append(levels, s.level)
		}
	}
	slices.Sort(levels)
	return levels
}

package pagerduty

import (
	"fmt"
	"maps"
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

// scanShifts sums up shifts over the span.
func scanShifts(shifts []shift, from, to time.Time) duty {
	d := duty{levels: map[int]levelDuty{}}
	people, peopleOf := map[string]bool{}, map[int]map[string]bool{}
	covered := map[int]time.Duration{}
	var open *gap
	eachMoment(shifts, from, to, func(start, end time.Time, active onDuty) {
		for level, users := range active {
			covered[level] += end.Sub(start)
			for user := range users {
				people[user] = true
				add(peopleOf, level, user, true)
			}
		}
		if start.Equal(from) {
			d.now = len(active[1])
		}
		switch {
		case len(active[1]) > 0:
			d.close(open)
			open = nil
		case open == nil:
			open = &gap{start: start, end: end, fromBegin: start.Equal(from)}
		default:
			open.end = end
		}
		if !d.lone {
			d.loneLevels, d.lone = sharedResponder(active)
		}
	})
	if open != nil {
		open.toEnd = true
		d.close(open)
	}
	d.people = len(people)
	for level, users := range peopleOf {
		d.levels[level] = levelDuty{covered: float64(covered[level]) / float64(to.Sub(from)), people: len(users)}
	}
	d.covered = d.levels[1].covered
	return d
}

// onDuty are the users on each level that has some, with the number of their shifts.
type onDuty map[int]map[string]int

// add sets a value of a map of maps.
func add[V any](m map[int]map[string]V, level int, user string, v V) {
	if m[level] == nil {
		m[level] = map[string]V{}
	}
	m[level][user] = v
}

// eachMoment calls each with all parts of the span, in order, in which the same
// users are on duty.
func eachMoment(shifts []shift, from, to time.Time, each func(start, end time.Time, active onDuty)) {
	type change struct {
		at    time.Time
		delta int
		shift
	}
	var changes []change
	for _, s := range shifts {
		start, end := latest(s.start, from), to
		if !s.end.IsZero() {
			end = earlier(s.end, to)
		}
		if start.Before(end) {
			changes = append(changes, change{start, +1, s}, change{end, -1, s})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	active := onDuty{}
	for i, at := 0, from; at.Before(to); {
		for ; i < len(changes) && !changes[i].at.After(at); i++ {
			c := changes[i]
			if n := active[c.level][c.user] + c.delta; n > 0 {
				add(active, c.level, c.user, n)
			} else if delete(active[c.level], c.user); len(active[c.level]) == 0 {
				delete(active, c.level)
			}
		}
		next := to
		if i < len(changes) {
			next = changes[i].at
		}
		each(at, next, active)
		at = next
	}
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
func sharedResponder(active onDuty) (levels [2]int, found bool) {
	lowest := map[string]int{}
	for _, level := range slices.Sorted(maps.Keys(active)) {
		if len(active[level]) > 1 {
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

// onLevel1 are the shifts as if the policy had one level.
func onLevel1(shifts []shift) []shift {
	all := slices.Clone(shifts)
	for i := range all {
		all[i].level = 1
	}
	return all
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

package scoring

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// defaultLapse is how long a badge is on hold if the framework does not say: the
// highest badges for the shortest time.
func defaultLapse(badge framework.Badge) time.Duration {
	if badge >= framework.Platinum {
		return 14 * 24 * time.Hour
	}
	return framework.DefaultLapseAfter
}

// observationsForAward is how many judgements must have proved a badge.
const observationsForAward = 2

// awards are the clocks of the badges above the one held. Proof has to be
// continuous: a clock ends with the first judgement that does not prove the
// badge, be it by a failure or by missing or old evidence.
func (j *judgement) awards(held framework.Badge) map[framework.Badge]AwardClock {
	var out map[framework.Badge]AwardClock
	for badge := held + 1; badge <= j.proved; badge++ {
		clock, running := j.prev.Awards[badge]
		switch {
		case !running:
			clock = AwardClock{Since: j.now, Observations: 1, Given: j.given(badge)}
		case j.step > 0:
			clock.Observations = min(clock.Observations+1, observationsForAward)
		}
		if running {
			clock.Since = clock.Since.Add(j.skew)
		}
		if out == nil {
			out = map[framework.Badge]AwardClock{}
		}
		out[badge] = clock
	}
	return out
}

// awarded returns the badge to award: the highest one that has been proved for
// long enough, or a higher one that announced changes alone give. If no badge
// above held is proved, it returns held.
func (j *judgement) awarded(held framework.Badge, clocks map[framework.Badge]AwardClock) framework.Badge {
	to := held
	for badge, clock := range clocks {
		if clock.Observations >= observationsForAward && j.now.Sub(clock.Since) >= j.awardDwell {
			to = max(to, badge)
		}
	}
	for badge := j.proved; badge > to; {
		if given := clocks[badge].Given; given != nil && *given <= to {
			to, badge = badge, j.proved
			continue
		}
		badge--
	}
	return to
}

// contradictions are the clocks of the badges held. A badge has one for each
// dwell among the checks that contradict it, which counts those checks and all
// with a shorter dwell: two checks that fail in turn are one contradiction, and
// a check with a long dwell does not make the others wait. A clock runs forward
// while one of its checks fails on fresh evidence, back while the badge is
// proved, and stands still while the evidence is undecided.
func (j *judgement) contradictions(held framework.Badge) []ContradictionClock {
	var out []ContradictionClock
	for badge := framework.Bronze; badge <= held; badge++ {
		dwells := j.contradictedBy(badge)
		proved := j.proved >= badge
		allDwells := slices.Clone(dwells)
		var before []ContradictionClock
		for _, c := range j.prev.Contradictions {
			if c.Badge == badge {
				before = append(before, c)
				allDwells = append(allDwells, c.Dwell)
			}
		}
		slices.Sort(allDwells)
		for _, dwell := range slices.Compact(allDwells) {
			clock, running := ContradictionClock{Badge: badge, Dwell: dwell}, false
			for _, c := range before {
				// A new clock starts with what a clock with a shorter dwell has counted.
				if c.Dwell <= dwell && (!running || c.Ran.At(j.prev.At) >= clock.Ran.At(j.prev.At)) {
					clock.Ran, running = c.Ran, true
				}
			}
			contradicted := len(dwells) > 0 && dwells[0] <= dwell
			rate := still
			switch {
			case contradicted:
				rate = forward
			case proved:
				rate = backward
			}
			ran := clock.Ran.At(j.prev.At)
			if running {
				ran += time.Duration(rate) * j.step
			}
			clock.Ran = clock.Ran.next(ran, rate, j.now)
			if contradicted || ran > 0 {
				out = append(out, clock)
			}
		}
	}
	return out
}

// contradictedBy lists, ascending, the dwells of the checks that contradict a
// badge on fresh evidence; none when fresh evidence still allows it.
func (j *judgement) contradictedBy(badge framework.Badge) []time.Duration {
	if j.allowed >= badge {
		return nil
	}
	var dwells []time.Duration
	for i := range j.card.Checks {
		if c := &j.card.Checks[i]; c.Status.Counted() && c.Fresh == Fail && needed(c.Check, badge) {
			dwells = append(dwells, c.Check.Dwell)
		}
	}
	if len(dwells) == 0 {
		// No check fails; the badge's bounds on exemptions and attestations, or
		// its ceiling, prevent it.
		dwells = append(dwells, framework.DefaultDwell)
	}
	slices.Sort(dwells)
	return slices.Compact(dwells)
}

// kept is the highest badge up to the one held that is not lost: each badge is
// lost by its own contradiction, which must have lasted the dwell and still be
// there, or by an announced change.
func (j *judgement) kept(held framework.Badge, clocks []ContradictionClock) framework.Badge {
	for badge := held; badge > framework.NoBadge; badge-- {
		if !j.lost(badge, clocks) {
			return badge
		}
	}
	return framework.NoBadge
}

func (j *judgement) lost(badge framework.Badge, clocks []ContradictionClock) bool {
	dwells := j.contradictedBy(badge)
	if len(dwells) == 0 {
		return false
	}
	for _, c := range clocks {
		if c.Badge == badge && c.Dwell >= dwells[0] && c.Ran.At(j.now) >= c.Dwell {
			return true
		}
	}
	return j.announcedTakes(badge)
}

// hold continues or begins the hold of a badge that is neither proved nor
// contradicted; nil without one. Its clock runs while the sources of the unproved checks answer. It
// ends when the badge has been proved again for as long as an award needs.
func (j *judgement) hold(held framework.Badge, prev *Hold, failing map[string]Stopwatch) *Hold {
	if held == framework.NoBadge || prev == nil && !j.undecided(held) {
		return nil
	}
	next := Hold{Since: j.now}
	if prev != nil {
		next = *prev
	}
	unproved := j.unproved(held)
	switch {
	case j.proved >= held:
		if next.ProvedSince.IsZero() {
			next.ProvedSince = j.now
		} else {
			next.ProvedSince = next.ProvedSince.Add(j.skew)
		}
		if j.now.Sub(next.ProvedSince) >= j.awardDwell {
			return nil
		}
	case j.undecided(held):
		next.Reason = reason(held, unproved)
		fallthrough
	default:
		next.ProvedSince = time.Time{}
	}
	rate := still
	if next.ProvedSince.IsZero() && j.undecided(held) && !anySourceDown(unproved) {
		rate = forward
	}
	ran := next.Ran.At(j.prev.At)
	if j.restarts {
		ran = 0
	} else if prev != nil {
		ran += j.holdStep(held)
	}
	next.Ran = next.Ran.next(ran, rate, j.now)
	next.Left = next.Left.next(j.lapseIn(held, ran, unproved, failing), -rate, j.now)
	return &next
}

// restartsEvery is how often a change of the criteria may restart the hold
// clock of a badge: it is three times as long as a badge is held by default, so
// that edits alone cannot hold one for ever.
const restartsEvery = 90 * 24 * time.Hour

// restartsHold reports whether the criteria for the badge on hold have changed, at
// most once in 90 days (restartsEvery): the service then gets the full hold time
// again. A changed check that is proved does not count.
func (j *judgement) restartsHold() bool {
	if j.prev.Hold == nil || j.now.Before(j.prev.HoldRestarted.Add(restartsEvery)) {
		return false
	}
	held := j.prev.Badge
	return j.changes.Badges[held] || slices.ContainsFunc(j.unproved(held), func(c *CheckResult) bool {
		return j.changes.Checks[c.Check.ID]
	})
}

// undecided reports whether fresh evidence neither proves nor contradicts the
// badge.
func (j *judgement) undecided(badge framework.Badge) bool {
	return j.proved < badge && j.allowed >= badge
}

// holdStep is what this judgement adds to the hold clock.
func (j *judgement) holdStep(held framework.Badge) time.Duration {
	hold := j.prev.Hold
	if hold == nil || !hold.ProvedSince.IsZero() || !j.undecided(held) || anySourceDown(j.unproved(held)) {
		return 0
	}
	return j.step
}

// lapsed reports whether the hold has lasted too long. A badge never lapses
// while a source of an unproved check does not answer.
func (j *judgement) lapsed(held framework.Badge, hold *Hold) bool {
	return hold != nil && j.undecided(held) && hold.Left.At(j.now) == 0 && !anySourceDown(j.unproved(held))
}

// lapseIn is how much longer the badge is on hold while the clock runs. For a
// check that failed before its evidence went missing it is no longer than that
// evidence would have been valid, so losing the evidence does not hide a failure.
func (j *judgement) lapseIn(
	held framework.Badge, ran time.Duration, unproved []*CheckResult, failing map[string]Stopwatch,
) time.Duration {
	limit := defaultLapse(held)
	f := j.criteria()
	if f != nil && f.LapseAfter[held] > 0 {
		limit = f.LapseAfter[held]
	}
	left := limit - ran
	for _, c := range unproved {
		if since, ok := failing[c.Check.ID]; ok && c.Fresh == Unknown {
			left = min(left, validFor(f, c)-since.At(j.now))
		}
	}
	return left
}

// validFor is the longest valid_for of the facts that the check is unknown for.
func validFor(f *framework.Framework, c *CheckResult) time.Duration {
	if f == nil || f.Facts() == nil {
		return evidence.DefaultValidFor
	}
	var longest time.Duration
	for _, index := range c.Missing {
		valid := f.Facts().At(index).ValidFor
		if valid == 0 {
			valid = evidence.DefaultValidFor
		}
		longest = max(longest, valid)
	}
	if longest == 0 {
		return evidence.DefaultValidFor
	}
	return longest
}

// unproved are the checks that leave the badge unproved: those without a fresh
// pass. If there are none, the badge's limit on attestations is not proved, and
// they are those that pass by attestation while a stronger proof is unknown.
func (j *judgement) unproved(badge framework.Badge) []*CheckResult {
	var lacking, open []*CheckResult
	for i := range j.card.Checks {
		c := &j.card.Checks[i]
		switch {
		case !c.Status.Counted() || !needed(c.Check, badge):
		case c.Fresh != Pass:
			lacking = append(lacking, c)
		case c.Open:
			open = append(open, c)
		}
	}
	if len(lacking) > 0 {
		return lacking
	}
	return open
}

func anySourceDown(checks []*CheckResult) bool {
	return slices.ContainsFunc(checks, func(c *CheckResult) bool { return c.SourceDown })
}

// reason says for people why a badge is on hold.
func reason(badge framework.Badge, unproved []*CheckResult) string {
	if len(unproved) == 0 {
		return fmt.Sprintf("the bounds of %s on exemptions and attestations are not proved", badge)
	}
	const named = 3
	var ids []string
	for _, c := range unproved[:min(named, len(unproved))] {
		ids = append(ids, c.Check.ID)
	}
	text := "no fresh proof of " + strings.Join(ids, ", ")
	if more := len(unproved) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if anySourceDown(unproved) {
		text += "; a source is not answering"
	}
	return text
}

// failing are the checks a badge needs whose last definite verdict from fresh
// evidence was a failure, with how long the hold clock has run since.
func (j *judgement) failing(badge framework.Badge) map[string]Stopwatch {
	var out map[string]Stopwatch
	step, rate := j.holdStep(badge), still
	if j.undecided(badge) && !anySourceDown(j.unproved(badge)) {
		rate = forward
	}
	for i := range j.card.Checks {
		c := &j.card.Checks[i]
		if !needed(c.Check, badge) || c.Fresh == Pass {
			continue
		}
		watch, was := j.prev.Failing[c.Check.ID]
		switch {
		case c.Fresh == Fail && c.Status.Counted():
			watch = Stopped(0)
		case was && j.restarts && j.changes.Checks[c.Check.ID]:
			watch = watch.next(0, rate, j.now)
		case was:
			watch = watch.next(watch.At(j.prev.At)+step, rate, j.now)
		default:
			continue
		}
		if out == nil {
			out = map[string]Stopwatch{}
		}
		out[c.Check.ID] = watch
	}
	return out
}

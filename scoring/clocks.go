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

// awards are the clocks of the badges above the one held. Proof has to be
// continuous: a clock ends with the first judgement that does not prove the
// badge, be it by a failure or by missing or old evidence.
func (r *round) awards(held framework.Badge) map[framework.Badge]AwardClock {
	var out map[framework.Badge]AwardClock
	for badge := held + 1; badge <= r.proved; badge++ {
		clock, running := r.prev.Awards[badge]
		switch {
		case !running:
			clock = AwardClock{Since: r.now, Observations: 1}
		case r.step > 0:
			clock.Observations++
		}
		if running {
			clock.Since = clock.Since.Add(r.skew)
		}
		if out == nil {
			out = map[framework.Badge]AwardClock{}
		}
		out[badge] = clock
	}
	return out
}

// awarded is the highest badge that has been proved for long enough, plus every
// higher badge that announced changes alone give; held if there is none.
func (r *round) awarded(held framework.Badge, clocks map[framework.Badge]AwardClock) framework.Badge {
	to := held
	for badge, clock := range clocks {
		if clock.Observations >= 2 && r.now.Sub(clock.Since) >= r.awardDwell {
			to = max(to, badge)
		}
	}
	for badge := r.proved; badge > to; {
		if r.announcedGives(to, badge) {
			to, badge = badge, r.proved
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
func (r *round) contradictions(held framework.Badge) []ContradictionClock {
	var out []ContradictionClock
	for badge := framework.Bronze; badge <= held; badge++ {
		dwells := r.contradictedBy(badge)
		proved := r.proved >= badge
		allDwells := slices.Clone(dwells)
		var before []ContradictionClock
		for _, c := range r.prev.Contradictions {
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
				if c.Dwell <= dwell {
					clock.Ran, running = max(clock.Ran, c.Ran), true
				}
			}
			forward := len(dwells) > 0 && dwells[0] <= dwell
			switch {
			case forward && running:
				clock.Ran += r.step
			case proved:
				clock.Ran = max(0, clock.Ran-r.step)
			}
			if forward || clock.Ran > 0 {
				out = append(out, clock)
			}
		}
	}
	return out
}

// contradictedBy lists, ascending, the dwells of the checks that contradict a
// badge on fresh evidence; none when fresh evidence still allows it.
func (r *round) contradictedBy(badge framework.Badge) []time.Duration {
	if r.allowed >= badge {
		return nil
	}
	var dwells []time.Duration
	for i := range r.card.Checks {
		if c := &r.card.Checks[i]; c.Status.Counted() && c.Fresh == Fail && needed(c.Check, badge) {
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
func (r *round) kept(held framework.Badge, clocks []ContradictionClock) framework.Badge {
	for badge := held; badge > framework.NoBadge; badge-- {
		if !r.lost(badge, clocks) {
			return badge
		}
	}
	return framework.NoBadge
}

func (r *round) lost(badge framework.Badge, clocks []ContradictionClock) bool {
	dwells := r.contradictedBy(badge)
	if len(dwells) == 0 {
		return false
	}
	for _, c := range clocks {
		if c.Badge == badge && c.Dwell >= dwells[0] && c.Ran >= c.Dwell {
			return true
		}
	}
	return r.announcedTakes(badge)
}

// hold continues or begins the hold of a badge that is neither proved nor
// contradicted; nil without one. Its clock runs while the sources of the unproved checks answer. It
// ends when the badge has been proved again for as long as an award needs.
func (r *round) hold(held framework.Badge, prev *Hold, failing map[string]time.Duration) *Hold {
	if held == framework.NoBadge || prev == nil && !r.undecided(held) {
		return nil
	}
	next := Hold{Since: r.now}
	if prev != nil {
		next = *prev
	}
	unproved := r.unproved(held)
	switch {
	case r.proved >= held:
		if next.ProvedSince.IsZero() {
			next.ProvedSince = r.now
		} else {
			next.ProvedSince = next.ProvedSince.Add(r.skew)
		}
		if r.now.Sub(next.ProvedSince) >= r.awardDwell {
			return nil
		}
	case r.undecided(held):
		next.Reason = reason(held, unproved)
		fallthrough
	default:
		next.ProvedSince = time.Time{}
	}
	if r.restarts {
		next.Ran = 0
	} else if prev != nil {
		next.Ran += r.holdStep(held)
	}
	next.LapseAt = r.now.Add(max(0, r.lapseIn(held, next.Ran, unproved, failing)))
	return &next
}

// restartsEvery is how often a change of the criteria may restart the hold
// clock of a badge: it is three times as long as a badge is held by default, so
// that edits alone cannot hold one for ever.
const restartsEvery = 90 * 24 * time.Hour

// restartsHold reports whether the criteria for the badge on hold have changed, at
// most once in 90 days (restartsEvery): the service then gets the full hold time
// again. A changed check that is proved does not count.
func (r *round) restartsHold() bool {
	if r.prev.Hold == nil || r.now.Before(r.prev.HoldRestarted.Add(restartsEvery)) {
		return false
	}
	held := r.prev.Badge
	return r.changes.Badges[held] || slices.ContainsFunc(r.unproved(held), func(c *CheckResult) bool {
		return r.changes.Checks[c.Check.ID]
	})
}

// undecided reports whether fresh evidence neither proves nor contradicts the
// badge.
func (r *round) undecided(badge framework.Badge) bool { return r.proved < badge && r.allowed >= badge }

// holdStep is what this judgement adds to the hold clock.
func (r *round) holdStep(held framework.Badge) time.Duration {
	hold := r.prev.Hold
	if hold == nil || !hold.ProvedSince.IsZero() || !r.undecided(held) || anySourceDown(r.unproved(held)) {
		return 0
	}
	return r.step
}

// lapsed reports whether the hold has lasted too long. A badge never lapses
// while a source of an unproved check does not answer.
func (r *round) lapsed(held framework.Badge, hold *Hold) bool {
	return hold != nil && r.undecided(held) && !hold.LapseAt.After(r.now) && !anySourceDown(r.unproved(held))
}

// lapseIn is how much longer the badge is on hold while the clock runs. For a
// check that failed before its evidence went missing it is no longer than that
// evidence would have been valid, so losing the evidence does not hide a failure.
func (r *round) lapseIn(
	held framework.Badge, ran time.Duration, unproved []*CheckResult, failing map[string]time.Duration,
) time.Duration {
	limit := defaultLapse(held)
	f := r.criteria()
	if f != nil && f.LapseAfter[held] > 0 {
		limit = f.LapseAfter[held]
	}
	left := limit - ran
	for _, c := range unproved {
		if since, ok := failing[c.Check.ID]; ok && c.Fresh == Unknown {
			left = min(left, validFor(f, c)-since)
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
func (r *round) unproved(badge framework.Badge) []*CheckResult {
	var lacking, open []*CheckResult
	for i := range r.card.Checks {
		c := &r.card.Checks[i]
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
func (r *round) failing(badge framework.Badge) map[string]time.Duration {
	var out map[string]time.Duration
	step := r.holdStep(badge)
	for i := range r.card.Checks {
		c := &r.card.Checks[i]
		if !needed(c.Check, badge) || c.Fresh == Pass {
			continue
		}
		ran, was := r.prev.Failing[c.Check.ID]
		switch {
		case c.Fresh == Fail && c.Status.Counted() || was && r.restarts && r.changes.Checks[c.Check.ID]:
			ran = 0
		case was:
			ran += step
		default:
			continue
		}
		if out == nil {
			out = map[string]time.Duration{}
		}
		out[c.Check.ID] = ran
	}
	return out
}

package scoring

import (
	"maps"
	"slices"
	"time"

	"github.com/prodready/collector/framework"
)

// Advance moves the badges on by one judgement. It is pure: it returns a new
// state and the badges that changed, in the order of the cards, and leaves its
// arguments as they were.
//
// A service without a card has left the catalog. Its state stays as it is for
// Options.KeepFor, so that it comes back with its badge and its clocks.
func Advance(state State, cards []Scorecard, now time.Time) (State, []Transition) {
	return advance(state, cards, now, Rejudge)
}

// rejudge is Rejudge; tests replace it.
type rejudge func(*Basis) Scorecard

func advance(state State, cards []Scorecard, now time.Time, again rejudge) (State, []Transition) {
	// The monotonic reading is removed, because the state outlives the process.
	now = now.Round(0)
	next := State{
		Badges: make(map[string]BadgeState, len(cards)), Invalidated: Invalidations{},
		Criteria: state.Criteria, Options: state.Options,
	}
	criteria := comparison{known: state.Criteria, changes: map[[2]string]framework.Changes{}}
	carded := make(map[string]bool, len(cards))
	for i := range cards {
		carded[cards[i].Service] = true
	}
	for service, badge := range state.Badges {
		if carded[service] || state.Options.KeepFor > 0 && now.Sub(badge.At) > state.Options.KeepFor {
			continue
		}
		next.Badges[service] = badge
		if invalidated := state.Invalidated[service]; len(invalidated) > 0 {
			next.Invalidated[service] = invalidated
		}
	}
	var transitions []Transition
	for i := range cards {
		card := &cards[i]
		if invalidated := invalidate(state.Invalidated[card.Service], card, now); len(invalidated) > 0 {
			next.Invalidated[card.Service] = invalidated
		}
		prev, known := state.Badges[card.Service]
		changes := criteria.since(prev.FrameworkHash, card.Framework())
		badge, transition := newJudgement(card, prev, known, changes, state.Options, now, again).run()
		next.Badges[card.Service] = badge
		if transition != nil {
			transitions = append(transitions, *transition)
		}
	}
	next.Criteria = criteria.known
	return next, transitions
}

// comparison compares criteria with those of the judgement before. A fleet has few.
type comparison struct {
	known map[string]framework.Meaning
	// changes are by the hashes before and now.
	changes map[[2]string]framework.Changes
}

// since is what has changed from the criteria with a hash to others, which are known from
// here on.
func (c *comparison) since(before string, now *framework.Framework) framework.Changes {
	if now == nil {
		return framework.Changes{}
	}
	pair := [2]string{before, now.Hash}
	changes, compared := c.changes[pair]
	if compared {
		return changes
	}
	changes = now.Meaning.Since(c.known[before])
	c.changes[pair] = changes
	if _, known := c.known[now.Hash]; !known {
		c.known = maps.Clone(c.known)
		if c.known == nil {
			c.known = map[string]framework.Meaning{}
		}
		c.known[now.Hash] = now.Meaning
	}
	return changes
}

// invalidate adds the checks to which a machine says no, with the time. For as long
// as it says no the time moves on: what is made in the meantime is contradicted, too.
// A card that is older than the time adds nothing, and a time later than now, which
// a wrong clock has left, counts as now.
func invalidate(invalidated map[string]time.Time, card *Scorecard, now time.Time) map[string]time.Time {
	out := maps.Clone(invalidated)
	for check, at := range out {
		if at.After(now) {
			out[check] = now
		}
	}
	for i := range card.Checks {
		r := &card.Checks[i]
		if !r.MachineNo {
			continue
		}
		if out == nil {
			out = map[string]time.Time{}
		}
		if at, ok := out[r.Check.ID]; !ok || at.Before(card.At) {
			out[r.Check.ID] = now
		}
	}
	return out
}

// judgement is how the badge of one service is judged once.
type judgement struct {
	card  *Scorecard
	now   time.Time
	opts  Options
	again rejudge
	prev  BadgeState
	known bool
	// proved is the badge that fresh evidence proves, allowed the highest that it
	// does not contradict.
	proved, allowed framework.Badge
	// step is the time since the last judgement that counts for the clocks. skew
	// is the rest: the time without judgements because the process was down, or,
	// below zero, the time by which the system clock was set back.
	step, skew time.Duration
	awardDwell time.Duration
	hash       string
	// changes are those of the criteria since the last judgement, restarts
	// reports whether they restart the hold clock.
	changes  framework.Changes
	restarts bool
	// announcedBy caches, by base, how announced changes alone are judged: most
	// judgements need none.
	announcedBy map[*Basis]*announcement
}

func newJudgement(
	card *Scorecard, prev BadgeState, known bool, changes framework.Changes, opts Options, now time.Time, again rejudge,
) *judgement {
	j := &judgement{
		card: card, now: now, opts: opts, again: again, prev: prev, known: known, changes: changes,
		proved: card.FreshBadge.Lower, allowed: card.FreshBadge.Upper,
		awardDwell: framework.DefaultAwardDwell,
	}
	if f := j.criteria(); f != nil {
		j.awardDwell, j.hash = f.AwardDwell, f.Hash
	}
	if !known {
		j.prev = BadgeState{Since: now, FirstJudged: now, At: now, Settling: true, FrameworkHash: j.hash}
		return j
	}
	if j.prev.FirstJudged.After(now) {
		j.prev.FirstJudged = now
	}
	j.prev.Support = revive(j.prev.Support, j.criteria())
	j.prev.Before = make(map[framework.Badge]*Basis, len(prev.Before))
	for badge, basis := range prev.Before {
		j.prev.Before[badge] = revive(basis, j.criteria())
	}
	limit := opts.MaxStep
	if limit <= 0 {
		limit = DefaultMaxStep
	}
	passed := now.Sub(prev.At)
	j.step = min(max(passed, 0), limit)
	j.skew = passed - j.step
	j.restarts = j.restartsHold()
	return j
}

// criteria is the framework of the card, nil when it has none.
func (j *judgement) criteria() *framework.Framework {
	return j.card.Framework()
}

// run makes the next state of the badge, and the transition if it changed.
func (j *judgement) run() (BadgeState, *Transition) {
	held := j.prev.Badge
	next := j.prev
	next.At, next.FrameworkHash = j.now, j.hash
	if j.restarts {
		next.HoldRestarted = j.now
	}
	next.Failing = j.failing(held)
	next.Awards = j.awards(held)
	next.Contradictions = j.contradictions(held)
	next.Hold = j.hold(held, j.prev.Hold, next.Failing)

	settling := j.prev.Settling && (!j.known || j.now.Sub(j.prev.FirstJudged) < j.awardDwell)
	next.Settling = settling && j.sourcesMissing()
	to, why := j.verdict(&next, settling)
	var transition *Transition
	if to != held {
		transition = j.transition(held, to, why)
		j.resetClocks(&next, to)
		next.Settling = next.Settling && transition.Cause == CauseInitial
		next.LastTransition = transition
	}
	j.keepSupport(&next, to != held)
	return next, transition
}

// verdict is the badge to hold from now on. The cause is empty if attribute has
// to find it.
func (j *judgement) verdict(next *BadgeState, settling bool) (framework.Badge, Cause) {
	held := next.Badge
	if kept := j.kept(held, next.Contradictions); kept < held {
		return kept, ""
	}
	if settling && j.proved > held {
		return j.proved, CauseInitial
	}
	if awarded := j.awarded(held, next.Awards); awarded > held {
		return awarded, ""
	}
	if j.lapsed(held, next.Hold) {
		// All valid evidence counts, not the fresh alone: a record that is late in
		// this minute must not cost a further badge.
		return min(held-1, j.card.Badge.Lower), CauseLapse
	}
	return held, ""
}

// resetClocks ends the clocks of badges that are no longer above the new badge or
// no longer held, and begins its hold.
func (j *judgement) resetClocks(next *BadgeState, to framework.Badge) {
	next.Become(to, j.now)
	next.Awards = maps.Clone(next.Awards)
	maps.DeleteFunc(next.Awards, func(b framework.Badge, _ AwardClock) bool { return b <= to })
	notHeld := func(c ContradictionClock) bool { return c.Badge > to }
	next.Contradictions = slices.DeleteFunc(slices.Clone(next.Contradictions), notHeld)
	next.Failing = j.failing(to)
	next.Hold = j.hold(to, nil, next.Failing)
}

// keepSupport keeps what proves the badge now: the base from which the cause of
// the next change is found.
func (j *judgement) keepSupport(next *BadgeState, changed bool) {
	held := next.Badge
	switch {
	case j.proved > held && next.Support != nil:
		before := map[framework.Badge]*Basis{held: j.awardBase(held)}
		for badge, basis := range next.Before {
			if badge > held {
				before[badge] = basis
			}
		}
		before[j.proved] = j.card.Basis
		next.Support, next.Before = j.card.Basis, before
	case j.proved == held, j.proved < held && j.allowed >= held && (changed || next.Support == nil):
		next.Support, next.Before = j.card.Basis, nil
	default:
		// On hold or contradicted: the base stays what last proved the badge. What
		// proved a higher badge proves a lower one, too.
		next.Support = j.sincePassed(next.Support, held)
		if changed && j.allowed < held {
			// A badge was lost, and the one below is contradicted, too: that base
			// proves more than it, and what gives the lost badge again starts here.
			next.Before = map[framework.Badge]*Basis{held: j.card.Basis}
		}
		return
	}
	next.SupportHash = j.hash
}

// awardBase is what last proved exactly this badge. If there is none, it is what
// last proved the badge held.
func (j *judgement) awardBase(badge framework.Badge) *Basis {
	if b := j.prev.Before[badge]; b != nil {
		return b
	}
	if b := j.prev.Before[j.prev.Badge]; b != nil {
		return b
	}
	return j.prev.Support
}

// sourcesMissing reports whether a check waits for a source that does not
// answer.
func (j *judgement) sourcesMissing() bool {
	for i := range j.card.Checks {
		if c := &j.card.Checks[i]; c.Status.Counted() && c.Fresh != Pass && c.SourceDown {
			return true
		}
	}
	return false
}

// transition describes the change of the badge.
func (j *judgement) transition(from, to framework.Badge, why Cause) *Transition {
	t := &Transition{Service: j.card.Service, At: j.now, From: from, To: to, Cause: why}
	if f := j.criteria(); f != nil {
		t.Framework = f.Title()
	}
	base := j.prev.Support
	if to > from {
		base = j.awardBase(from)
	}
	if why == "" {
		t.Cause, t.Contributing = j.attribute(base, from, to)
	}
	if why != CauseInitial {
		t.Flips = j.flips(base, t)
		t.Announced = j.now.Sub(j.prev.FirstJudged) >= j.opts.ObserveFor
	}
	return t
}

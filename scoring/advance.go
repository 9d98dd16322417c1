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
// Services without a card leave the state without a transition, and are new
// when they come back.
func Advance(state State, cards []Scorecard, now time.Time) (State, []Transition) {
	return advance(state, cards, now, Rejudge)
}

// rejudge is Rejudge; tests replace it.
type rejudge func(*Basis) Scorecard

func advance(state State, cards []Scorecard, now time.Time, again rejudge) (State, []Transition) {
	// The monotonic reading is removed, because the state outlives the process.
	now = now.Round(0)
	next := State{
		Badges: make(map[string]BadgeState, len(cards)), Invalidated: InvalidatedAttestations{},
		Criteria: state.Criteria, Options: state.Options,
	}
	var changes framework.Changes
	if len(cards) > 0 && cards[0].Basis != nil && cards[0].Basis.Framework != nil {
		next.Criteria = cards[0].Basis.Framework.Meaning
		changes = next.Criteria.Since(state.Criteria)
	}
	var transitions []Transition
	for i := range cards {
		card := &cards[i]
		if invalidated := invalidate(state.Invalidated[card.Service], card, now); len(invalidated) > 0 {
			next.Invalidated[card.Service] = invalidated
		}
		prev, known := state.Badges[card.Service]
		badge, transition := newRound(card, prev, known, changes, state.Options, now, again).run()
		next.Badges[card.Service] = badge
		if transition != nil {
			transitions = append(transitions, *transition)
		}
	}
	return next, transitions
}

// invalidate adds the attestations that the card contradicts, with the time. One
// that was made again later counts again: Judge compares the times. A card that
// is older than the invalidation adds nothing.
func invalidate(invalidated map[string]time.Time, card *Scorecard, now time.Time) map[string]time.Time {
	out := maps.Clone(invalidated)
	for i := range card.Checks {
		r := &card.Checks[i]
		if !r.Contradicts {
			continue
		}
		if since, ok := out[r.Check.ID]; ok && !since.Before(card.At) {
			continue
		}
		if out == nil {
			out = map[string]time.Time{}
		}
		out[r.Check.ID] = now
	}
	return out
}

// round is one judgement of one service.
type round struct {
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
	// rounds need none.
	announcedBy map[*Basis]*announcement
}

func newRound(
	card *Scorecard, prev BadgeState, known bool, changes framework.Changes, opts Options, now time.Time, again rejudge,
) *round {
	r := &round{
		card: card, now: now, opts: opts, again: again, prev: prev, known: known, changes: changes,
		proved: card.FreshBadge.Lower, allowed: card.FreshBadge.Upper,
		awardDwell: framework.DefaultAwardDwell,
	}
	if f := r.criteria(); f != nil {
		r.awardDwell, r.hash = f.AwardDwell, f.Hash
	}
	if !known {
		r.prev = BadgeState{Since: now, FirstJudged: now, At: now, Settling: true, FrameworkHash: r.hash}
		return r
	}
	if r.prev.FirstJudged.After(now) {
		r.prev.FirstJudged = now
	}
	r.prev.Support = revive(r.prev.Support, r.criteria())
	r.prev.Before = make(map[framework.Badge]*Basis, len(prev.Before))
	for badge, basis := range prev.Before {
		r.prev.Before[badge] = revive(basis, r.criteria())
	}
	limit := opts.MaxStep
	if limit <= 0 {
		limit = DefaultMaxStep
	}
	passed := now.Sub(prev.At)
	r.step = min(max(passed, 0), limit)
	r.skew = passed - r.step
	r.restarts = r.restartsHold()
	return r
}

// criteria is the framework of the card, nil when it has none.
func (r *round) criteria() *framework.Framework {
	if r.card.Basis == nil {
		return nil
	}
	return r.card.Basis.Framework
}

// run makes the next state of the badge, and the transition if it changed.
func (r *round) run() (BadgeState, *Transition) {
	held := r.prev.Badge
	next := r.prev
	next.At, next.FrameworkHash = r.now, r.hash
	if r.restarts {
		next.HoldRestarted = r.now
	}
	next.Failing = r.failing(held)
	next.Awards = r.awards(held)
	next.Contradictions = r.contradictions(held)
	next.Hold = r.hold(held, r.prev.Hold, next.Failing)

	settling := r.prev.Settling && (!r.known || r.now.Sub(r.prev.FirstJudged) < r.awardDwell)
	next.Settling = settling && r.sourcesMissing()
	to, why := r.verdict(&next, settling)
	var transition *Transition
	if to != held {
		transition = r.transition(held, to, why)
		r.resetClocks(&next, to)
		next.Settling = next.Settling && transition.Cause == CauseInitial
		next.LastTransition = transition
	}
	r.keepSupport(&next, to != held)
	return next, transition
}

// verdict is the badge to hold from now on. The cause is empty if attribute has
// to find it.
func (r *round) verdict(next *BadgeState, settling bool) (framework.Badge, Cause) {
	held := next.Badge
	if kept := r.kept(held, next.Contradictions); kept < held {
		return kept, ""
	}
	if settling && r.proved > held {
		return r.proved, CauseInitial
	}
	if awarded := r.awarded(held, next.Awards); awarded > held {
		return awarded, ""
	}
	if r.lapsed(held, next.Hold) {
		// All valid evidence counts, not the fresh alone: a record that is late in
		// this minute must not cost a further badge.
		return min(held-1, r.card.Badge.Lower), CauseLapse
	}
	return held, ""
}

// resetClocks ends the clocks of badges that are no longer above the new badge or
// no longer held, and begins its hold.
func (r *round) resetClocks(next *BadgeState, to framework.Badge) {
	next.Badge, next.Since = to, r.now
	next.Awards = maps.Clone(next.Awards)
	maps.DeleteFunc(next.Awards, func(b framework.Badge, _ AwardClock) bool { return b <= to })
	notHeld := func(c ContradictionClock) bool { return c.Badge > to }
	next.Contradictions = slices.DeleteFunc(slices.Clone(next.Contradictions), notHeld)
	next.Failing = r.failing(to)
	next.Hold = r.hold(to, nil, next.Failing)
}

// keepSupport keeps what proves the badge now: the base from which the cause of
// the next change is found.
func (r *round) keepSupport(next *BadgeState, changed bool) {
	held := next.Badge
	switch {
	case r.proved > held && next.Support != nil:
		before := map[framework.Badge]*Basis{held: r.awardBase(held)}
		for badge, basis := range next.Before {
			if badge > held {
				before[badge] = basis
			}
		}
		before[r.proved] = r.card.Basis
		next.Support, next.Before = r.card.Basis, before
	case r.proved == held, r.proved < held && r.allowed >= held && (changed || next.Support == nil):
		next.Support, next.Before = r.card.Basis, nil
	default:
		// On hold or contradicted: the base stays what last proved the badge. What
		// proved a higher badge proves a lower one, too.
		return
	}
	next.SupportHash = r.hash
}

// awardBase is what last proved exactly this badge. If there is none, it is what
// last proved the badge held.
func (r *round) awardBase(badge framework.Badge) *Basis {
	if b := r.prev.Before[badge]; b != nil {
		return b
	}
	if b := r.prev.Before[r.prev.Badge]; b != nil {
		return b
	}
	return r.prev.Support
}

// sourcesMissing reports whether a check waits for a source that does not
// answer.
func (r *round) sourcesMissing() bool {
	for i := range r.card.Checks {
		if c := &r.card.Checks[i]; c.Status.Counted() && c.Fresh != Pass && c.SourceDown {
			return true
		}
	}
	return false
}

// transition describes the change of the badge.
func (r *round) transition(from, to framework.Badge, why Cause) *Transition {
	t := &Transition{Service: r.card.Service, At: r.now, From: from, To: to, Cause: why}
	base := r.prev.Support
	if to > from {
		base = r.awardBase(from)
	}
	if why == "" {
		t.Cause, t.Contributing = r.attribute(base, from, to)
	}
	if why != CauseInitial {
		t.Flips = r.flips(base)
		t.Announced = r.now.Sub(r.prev.FirstJudged) >= r.opts.ObserveFor
	}
	return t
}

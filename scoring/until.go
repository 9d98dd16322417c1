package scoring

import (
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// never is later than everything that is judged.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// until is the Until of the card that was judged just now: the evidence ages, an age
// passes what it is compared with, an exemption ends, a check begins to count.
func (j *judge) until(card *Scorecard) time.Time {
	until := j.untilUnread(card)
	if !until.After(card.At) || card.Basis.row == nil {
		return until
	}
	for _, w := range j.framework.Watches() {
		until = earlier(until, card.Basis.watched(w))
	}
	return until
}

// watched is when an age may pass what it is compared with; never if it does not.
func (b *Basis) watched(w *framework.Watch) time.Time {
	o := b.row.At(w.Fact)
	if o.State(b.At) == evidence.StateMissing {
		return never
	}
	if next, ok := w.Next(o.Value, &b.Subject.Attributes, b.At); ok {
		return next
	}
	return never
}

// untilUnread is until without what ages pass.
func (j *judge) untilUnread(card *Scorecard) time.Time {
	b, until := card.Basis, never
	for _, e := range b.Exempt {
		until = earlier(until, e.Expires)
	}
	for _, c := range j.framework.Checks {
		if c.EnforceFrom.After(b.At) {
			until = earlier(until, c.EnforceFrom)
		}
	}
	for i := range card.Checks {
		if r := &card.Checks[i]; r.Err != nil || r.MachineNo && !j.allInvalidated(r.Check) {
			// Errors are counted at each judgement. A machine's no invalidates weaker proofs from
			// the next judgement on.
			return b.At
		}
	}
	if b.row == nil {
		return until
	}
	return earlier(until, b.row.Until(b.At))
}

// allInvalidated reports whether a machine's no has invalidated every weaker proof.
func (j *judge) allInvalidated(c *framework.Check) bool {
	for _, p := range c.Proofs {
		if p.By != framework.ByMachine && !j.invalidates(c, p) {
			return false
		}
	}
	return true
}

// Until is the first time after the last judgement at which the badge, of which nothing
// has changed since, may move because its clocks run.
func (b BadgeState) Until(f *framework.Framework) time.Time {
	until := never
	if b.Settling {
		until = earlier(until, b.FirstJudged.Add(f.AwardDwell))
	}
	for _, clock := range b.Awards {
		until = earlier(until, clock.Since.Add(f.AwardDwell))
	}
	for _, clock := range b.Contradictions {
		until = earlier(until, clock.Ran.reaches(clock.Dwell))
	}
	if b.Hold != nil {
		until = earlier(until, b.Hold.Left.reaches(0))
		if !b.Hold.ProvedSince.IsZero() {
			until = earlier(until, b.Hold.ProvedSince.Add(f.AwardDwell))
		}
	}
	return until
}

package scoring

import (
	"cmp"
	"slices"

	"github.com/prodready/collector/framework"
)

// attribute finds why the badge moved: it replaces, in what supported the old
// badge, one kind of input after the other by what is now, and judges each
// mix. The first step that reaches the new badge is the cause; the other steps
// that moved towards it contribute. Where none moves, time alone has turned
// evidence into a verdict, and the cause is evidence.
func (j *judgement) attribute(base *Basis, from, to framework.Badge) (Cause, []Cause) {
	if base == nil || j.card.Basis == nil {
		return j.causeWithoutBase(), nil
	}
	var cause Cause
	var contributing []Cause
	at := from
	if !criteriaLost(base) {
		at = j.towards(j.again(base), from, to)
	}
	for _, s := range j.replay(base) {
		reached := j.towards(s.card(j.again), from, to)
		moved := reached > at && to > from || reached < at && to < from
		switch {
		case moved && reached == to && cause == "":
			cause = s.cause
		case moved:
			contributing = append(contributing, s.cause)
		}
		at = reached
	}
	return cmp.Or(cause, CauseEvidence), contributing
}

// causeWithoutBase is the cause when nothing is known of what supported the old
// badge but the hash of its criteria.
func (j *judgement) causeWithoutBase() Cause {
	if f := j.criteria(); f != nil && f.Is(j.prev.SupportHash) || f == nil && j.prev.SupportHash == "" {
		return CauseEvidence
	}
	return CauseCriteria
}

// towards is how far a card is on the way between two badges: by what it
// proves on the way up, by what it allows on the way down.
func (j *judgement) towards(card Scorecard, from, to framework.Badge) framework.Badge {
	if to > from {
		return min(to, max(from, card.FreshBadge.Lower))
	}
	return max(to, min(from, card.FreshBadge.Upper))
}

// mix is one step of a replay.
type mix struct {
	cause Cause
	basis *Basis
	// final is the judgement the replay ends with, which is known already.
	final *Scorecard
}

func (m mix) card(again rejudge) Scorecard {
	if m.final != nil {
		return *m.final
	}
	return again(m.basis)
}

// replay lists the mixes from the base to the card. When the base's criteria
// are gone, which happens when a restart brings new ones, nothing can be
// judged before they are replaced, and that step comes first.
func (j *judgement) replay(base *Basis) []mix {
	now := j.card.Basis
	current := base.portable()
	steps := map[Cause]func(){
		CauseService: func() { current.Subject = now.Subject },
		CauseCriteria: func() {
			current.Facts = redefined(&current, now)
			current.Framework, current.Scheduled = now.Framework, now.Scheduled
		},
		CauseExemption: func() { current.Exempt = now.Exempt },
	}
	order := []Cause{CauseService, CauseCriteria, CauseExemption}
	if criteriaLost(base) {
		order = []Cause{CauseCriteria, CauseService, CauseExemption}
	}
	var out []mix
	for _, cause := range order {
		steps[cause]()
		step := current
		out = append(out, mix{cause: cause, basis: &step})
	}
	return append(out, mix{cause: CauseEvidence, final: j.card})
}

// redefined are the facts of a basis under new criteria: where the definition
// of a fact has changed, the old value answered another question and the new
// one takes its place.
func redefined(old, now *Basis) map[string]BasisFact {
	if old.Framework == now.Framework || criteriaLost(old) {
		return old.Facts
	}
	after := now.Framework.Facts()
	known := now.Known()
	out := make(map[string]BasisFact, len(old.Facts))
	for i := range after.Len() {
		definition := after.At(i)
		from := old.Facts
		if old.Framework.FactHash(definition.Name) != now.Framework.FactHash(definition.Name) {
			from = known
		}
		if fact, ok := from[definition.Name]; ok {
			out[definition.Name] = fact
		}
	}
	return out
}

// announcement is what a base would be judged as before and after the changes
// that were announced: exemptions, enforcement dates, reclassification.
type announcement struct {
	made          bool
	before, after Bounds[framework.Badge]
}

// announcedGives reports whether announced changes alone prove a badge, from
// what supported a lower one and nothing above it: evidence for those between
// has its dwell.
func (j *judgement) announcedGives(from, badge framework.Badge) bool {
	a := j.announced(j.awardBase(from))
	return a.made && a.before.Lower < badge && a.after.Lower >= badge
}

// announcedTakes reports whether announced changes alone contradict the badge.
func (j *judgement) announcedTakes(badge framework.Badge) bool {
	a := j.announced(j.prev.Support)
	return a.made && a.before.Upper >= badge && a.after.Upper < badge
}

// announced judges the base with the announced changes since then, and with its
// own evidence. What moves the badge that way was known in advance, so it needs
// no dwell. A change of the criteria is not an announced change.
func (j *judgement) announced(base *Basis) announcement {
	if base == nil || j.card.Basis == nil || criteriaLost(base) || base.Framework.Hash != j.hash {
		return announcement{}
	}
	if a, ok := j.announcedBy[base]; ok {
		return *a
	}
	a := &announcement{}
	if j.announcedBy == nil {
		j.announcedBy = map[*Basis]*announcement{}
	}
	j.announcedBy[base] = a
	now := j.card.Basis
	scheduled := j.stillScheduled(base)
	if now.Subject == base.Subject && sameKeys(now.Exempt, base.Exempt) && len(scheduled) == len(base.Scheduled) {
		return *a
	}
	mixed := base.portable()
	mixed.Subject, mixed.Exempt, mixed.Scheduled = now.Subject, now.Exempt, scheduled
	a.made = true
	a.before, a.after = j.again(base).FreshBadge, j.again(&mixed).FreshBadge
	return *a
}

// stillScheduled are the checks that did not count for the base, without those
// whose enforcement date has come since. A check that counts because a source
// was configured for it was not announced to the owners of services.
func (j *judgement) stillScheduled(base *Basis) map[string]bool {
	out := map[string]bool{}
	for id := range base.Scheduled {
		check, err := base.Framework.Check(id)
		dated := err == nil && !check.EnforceFrom.IsZero() && !j.now.Before(check.EnforceFrom)
		if !dated || j.card.Basis.Scheduled[id] {
			out[id] = true
		}
	}
	return out
}

func sameKeys[V any](a, b map[string]V) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if _, ok := b[k]; !ok {
			return false
		}
	}
	return true
}

// flips lists the checks whose status differs between the base and the card,
// with the facts on both sides: those of the card in its order, then those that
// its criteria no longer have.
func (j *judgement) flips(base *Basis) []Flip {
	if base == nil || j.card.Basis == nil {
		return nil
	}
	portable := base.portable()
	if criteriaLost(base) {
		portable.Framework = j.card.Basis.Framework
	}
	card := j.again(&portable)
	before := make(map[string]*CheckResult, len(card.Checks))
	for i := range card.Checks {
		before[card.Checks[i].Check.ID] = &card.Checks[i]
	}
	factsAfter := j.card.Basis.Known()
	var out []Flip
	for i := range j.card.Checks {
		after := &j.card.Checks[i]
		flip := Flip{Check: after.Check.ID, Before: NotApplicable.String(), After: after.Status.String()}
		old := before[after.Check.ID]
		delete(before, after.Check.ID)
		if old != nil {
			flip.Before = old.Status.String()
		}
		if flip.Before == flip.After {
			continue
		}
		if old != nil {
			flip.FactsBefore = factsOf(portable.Framework, old.Check, portable.Facts)
		}
		flip.FactsAfter = factsOf(j.card.Basis.Framework, after.Check, factsAfter)
		out = append(out, flip)
	}
	known := len(out)
	for id, old := range before {
		if old.Status != NotApplicable {
			out = append(out, Flip{
				Check: id, Before: old.Status.String(), After: NotApplicable.String(),
				FactsBefore: factsOf(portable.Framework, old.Check, portable.Facts),
			})
		}
	}
	slices.SortFunc(out[known:], func(a, b Flip) int {
		if a.Check < b.Check {
			return -1
		}
		return 1
	})
	return out
}

// factsOf are the values that a check's proofs read, as text. What is missing
// is not there.
func factsOf(f *framework.Framework, check *framework.Check, facts map[string]BasisFact) map[string]string {
	var out map[string]string
	for _, index := range check.Facts {
		name := f.Facts().At(index).Name
		if fact, ok := facts[name]; ok {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = fact.Value.String()
		}
	}
	return out
}

package scoring

import (
	"cmp"
	"maps"
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
	base = j.stillFailing(base)
	var cause Cause
	var contributing []Cause
	at := from
	if !criteriaLost(base) {
		at = j.towards(j.again(base), from, to)
	}
	for _, s := range j.replay(base) {
		reached := at
		if !s.same || criteriaLost(base) {
			reached = j.towards(s.card(j.again), from, to)
		}
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
	// same is set if the step before is judged alike.
	same bool
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
		before := current
		steps[cause]()
		step := current
		same := step.Framework == before.Framework && step.EqualButFacts(&before)
		out = append(out, mix{cause: cause, basis: &step, same: same})
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

// given is the badge that the last judgement proved, if announced changes alone prove
// a higher badge from what it knew. What a judgement before the last one proved does not
// count: evidence that was away in between has its dwell.
func (j *judgement) given(badge framework.Badge) *framework.Badge {
	proved, base := j.prev.Badge, j.prev.Support
	for b, before := range j.prev.Before {
		if b > proved && before.At.Equal(j.prev.At) {
			proved, base = b, before
		}
	}
	if base == nil || !base.At.Equal(j.prev.At) {
		return nil
	}
	if a := j.announced(base); !a.made || a.before.Lower >= badge || a.after.Lower < badge {
		return nil
	}
	return &proved
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
	if now.Subject.judgedLike(&base.Subject) && sameKeys(now.Exempt, base.Exempt) &&
		len(scheduled) == len(base.Scheduled) {
		return *a
	}
	mixed := j.stillFailing(base).portable()
	mixed.Subject, mixed.Exempt, mixed.Scheduled = now.Subject, now.Exempt, scheduled
	a.made = true
	a.before, a.after = j.again(base).FreshBadge, j.again(&mixed).FreshBadge
	return *a
}

// stillFailing is a base in which only those checks fail that fail on fresh evidence
// now. A failure that is over, or that is too old to be known, has not taken the badge:
// it excuses no other check, and what made it count is not the cause.
func (j *judgement) stillFailing(base *Basis) *Basis {
	out := *base
	out.Outdated = map[string]string{}
	if !criteriaLost(base) {
		for _, c := range base.Framework.Checks {
			out.Outdated[c.ID] = "" // those that the criteria have no longer, too
		}
	}
	for i := range j.card.Checks {
		c := &j.card.Checks[i]
		asked, passed := base.Outdated[c.Check.ID]
		switch {
		case !c.Status.Counted() || c.Fresh != Fail:
			out.Outdated[c.Check.ID] = ""
		case passed:
			out.Outdated[c.Check.ID] = asked
		default:
			delete(out.Outdated, c.Check.ID)
		}
	}
	return &out
}

// sincePassed is the base of a badge that is not proved now, with what has become outdated
// in it: checks that have begun to count and have passed on fresh evidence since, although
// they fail by the facts of the base. When such a check fails again, that is news about the
// service, which has its dwell. A check that is exempt or does not apply any more is as
// the base knows it: what makes it count again takes the badge at once.
func (j *judgement) sincePassed(base *Basis, badge framework.Badge) *Basis {
	now := j.card.Basis
	if base == nil || now == nil || base.EqualButFacts(now) {
		return base
	}
	// The last mix but one has all that is changed, and the evidence of the base.
	steps := j.replay(base)
	mixed := j.again(steps[len(steps)-2].basis)
	outdated := maps.Clone(base.Outdated)
	for i := range j.card.Checks {
		c, id := &j.card.Checks[i], j.card.Checks[i].Check.ID
		switch {
		case !c.Status.Counted():
			delete(outdated, id)
		case c.Fresh == Pass && mixed.Checks[i].Fresh == Fail && needed(c.Check, badge):
			if outdated == nil {
				outdated = map[string]string{}
			}
			outdated[id] = now.Framework.Meaning.Checks[id]
		}
	}
	if maps.Equal(outdated, base.Outdated) {
		return base
	}
	out := *base
	out.Outdated = outdated
	return &out
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

// flips lists the checks that made a transition or changed their status at the same time,
// with the facts on both sides: those of the card in its order, then those that its
// criteria no longer have. A status counts stale evidence, which moves no badge: where
// it is the same on both sides, the verdict from fresh evidence may have changed.
func (j *judgement) flips(base *Basis, t *Transition) []Flip {
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
		if old != nil && old.Status == after.Status {
			was, is := j.proofs(old, after, t)
			flip.Before, flip.After = was.String(), is.String()
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

// proofs are the verdicts of fresh evidence on a check before and after that moved the
// transition; the same if it did not. Evidence that has become too old has done so only
// when a hold lapses. A pass by attestation alone is unknown where a badge bounds them and
// the check passes by more on the other side.
func (j *judgement) proofs(before, after *CheckResult, t *Transition) (was, is Status) {
	old, now := before.fresh(), after.fresh()
	was, is = old.Status, now.Status
	if was == Pass && is == Pass && j.boundsAttested(framework.Badge(after.Check.Level), t) {
		if before.attestedOnly(old, lower) {
			was = Unknown
		}
		if after.attestedOnly(now, lower) {
			is = Unknown
		}
	}
	if !needed(after.Check, max(t.From, t.To)) || is == Unknown && t.Cause != CauseLapse {
		return is, is
	}
	return was, is
}

// boundsAttested reports whether the badge is one that the transition gives or takes and
// bounds how many of its checks may pass by attestation alone.
func (j *judgement) boundsAttested(badge framework.Badge, t *Transition) bool {
	if badge <= min(t.From, t.To) || badge > max(t.From, t.To) {
		return false
	}
	asks := j.criteria().Requirements[badge]
	return asks.MaxAttested >= 0 || asks.MaxAttestedPerModule >= 0
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

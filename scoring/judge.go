package scoring

import (
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// Judge judges every subject by its criteria: those that it is pinned to, else
// Inputs.Framework. The cards come in the order of the subjects. The same inputs and time
// give the same cards.
func Judge(in Inputs, now time.Time) []Scorecard {
	type criteria struct {
		judge     *judge
		scheduled map[string]bool
	}
	byPin := map[*Pin]criteria{} // without a pin those of the inputs
	cards := make([]Scorecard, len(in.Subjects))
	for i := range in.Subjects {
		subject := &in.Subjects[i]
		f, notMeasurable, until := in.Framework, in.NotMeasurable, never
		pin := PinOf(in.Pins, subject, now)
		if pin != nil {
			f, notMeasurable, until = pin.Framework, pin.NotMeasurable, pin.Until
		}
		by, known := byPin[pin]
		if !known {
			by = criteria{newJudge(f), scheduledChecks(f, notMeasurable, now)}
			byPin[pin] = by
		}
		cards[i] = by.judge.subject(&in, subject, by.scheduled, now)
		cards[i].Until = earlier(cards[i].Until, until)
	}
	return cards
}

// subject judges one service by the criteria of the judge.
func (j *judge) subject(in *Inputs, subject *Subject, scheduled map[string]bool, now time.Time) Scorecard {
	basis := &Basis{
		Framework:   j.framework,
		Subject:     *subject,
		Exempt:      inForce(in.Exemptions, subject, now),
		Scheduled:   scheduled,
		Invalidated: in.Invalidated[subject.Name],
		At:          now,
		row:         in.Evidence(subject.Name),
	}
	j.load(basis)
	card := j.card(basis)
	card.Until = j.until(&card)
	return card
}

// Rejudge judges one basis again, at its own time. Source health is not part
// of a basis, so CheckResult.SourceDown is false.
func Rejudge(basis *Basis) Scorecard {
	j := newJudge(basis.Framework)
	j.load(basis)
	return j.card(basis)
}

func scheduledChecks(f *framework.Framework, notMeasurable map[string]bool, now time.Time) map[string]bool {
	scheduled := map[string]bool{}
	for _, c := range f.Checks {
		if notMeasurable[c.ID] || now.Before(c.EnforceFrom) || c.Lifecycle == framework.Experimental {
			scheduled[c.ID] = true
		}
	}
	return scheduled
}

// judge judges one service after the other. Its buffers are used again for
// every service, because a fleet is judged every minute.
type judge struct {
	framework *framework.Framework
	all       *framework.Vars
	fresh     *framework.Vars
	// facts are the facts of the service that is judged now, by fact index.
	facts []fact
	// invalidated are the times at which a machine last said no to it, by check id.
	invalidated map[string]time.Time
	// attributes are those of the service, if begun is set.
	attributes framework.Attributes
	begun      bool
	// scopes holds by attributes which checks apply: a fleet has far fewer
	// different attributes than services.
	scopes map[framework.Attributes][]bool
	// memory is that of the service that is judged now. Both may be nil.
	memories *memories
	memory   *memory
}

// fact is one fact about the service that is judged now. It is always replaced
// whole, so that nothing of the service judged before is left in it.
type fact struct {
	// value is the zero Value when the fact is missing. raw is as it was observed: where
	// value is an age, raw is since when it grows.
	value, raw evidence.Value
	state      evidence.State
	// since is when the value began; for an attestation, when it was made.
	since      time.Time
	sourceDown bool
}

func newJudge(f *framework.Framework) *judge {
	return &judge{
		framework: f, all: f.NewVars(), fresh: f.NewVars(),
		facts:  make([]fact, f.Facts().Len()),
		scopes: map[framework.Attributes][]bool{},
	}
}

// load makes the service's facts the ones that expressions read.
func (j *judge) load(b *Basis) {
	j.begin(b)
	for i := range j.facts {
		j.loadFact(b, i)
	}
}

// begin is load without the facts.
func (j *judge) begin(b *Basis) {
	if !j.begun || j.attributes != b.Subject.Attributes {
		j.begun, j.attributes = true, b.Subject.Attributes
		j.all.SetAttributes(&j.attributes)
		j.fresh.SetAttributes(&j.attributes)
	}
	j.invalidated = b.Invalidated
	j.memory = j.memories.begin(b)
}

func (j *judge) loadFact(b *Basis, i int) {
	f := b.fact(j.framework.Facts(), i)
	j.facts[i] = f
	j.all.Set(i, f.value)
	if f.state != evidence.StateFresh {
		f.value = evidence.Value{}
	}
	j.fresh.Set(i, f.value)
}

// fact reads one fact by its index: from the evidence when the basis was made
// by Judge, else from the facts by name.
func (b *Basis) fact(facts *evidence.Facts, i int) fact {
	if b.row == nil {
		known, ok := b.Facts[facts.At(i).Name]
		switch {
		case !ok:
			return fact{}
		case known.Fresh:
			return fact{value: known.Value, state: evidence.StateFresh, since: known.Since}
		}
		return fact{value: known.Value, state: evidence.StateStale, since: known.Since}
	}
	o := b.row.At(i)
	out := fact{state: o.State(b.At)}
	out.sourceDown = out.state != evidence.StateFresh && o.SourceDown(b.At)
	if out.state != evidence.StateMissing {
		out.value, out.raw, out.since = facts.Read(i, o.Value, b.At), o.Value, o.Since
	}
	return out
}

func (j *judge) card(b *Basis) Scorecard {
	card := Scorecard{
		Service: b.Subject.Name, At: b.At, Basis: b,
		Checks:  make([]CheckResult, len(j.framework.Checks)),
		Modules: make([]ModuleResult, 0, len(j.framework.Modules)),
	}
	applies := j.applies(&b.Subject.Attributes)
	for i, c := range j.framework.Checks {
		r := &card.Checks[i]
		r.Check = c
		if !applies[i] {
			r.Status = NotApplicable
			continue
		}
		j.result(b, r)
	}
	aggregate(&card, j.framework)
	return card
}

// result judges a check that applies.
func (j *judge) result(b *Basis, r *CheckResult) {
	j.judgeCheck(r)
	id := r.Check.ID
	if r.Fresh == Fail && b.outdates(j.framework, id) {
		r.Verdict, r.By, r.Fresh, r.FreshBy = Unknown, "", Unknown, ""
	}
	switch {
	case b.Scheduled[id]:
		r.Status = Scheduled
	case b.Exempt[id] != nil:
		r.Status, r.Exemption = Exempt, b.Exempt[id]
	default:
		r.Status = r.Verdict
	}
}

// applies reports by check index whether tier and scope include the service.
func (j *judge) applies(a *framework.Attributes) []bool {
	if known, ok := j.scopes[*a]; ok {
		return known
	}
	applies := make([]bool, len(j.framework.Checks))
	for i, c := range j.framework.Checks {
		applies[i] = slices.Contains(c.Tiers, int(a.Tier))
		if applies[i] && c.When != nil {
			truth, err := c.When.Eval(j.all)
			// A check whose scope cannot be evaluated applies.
			applies[i] = err != nil || truth != framework.False
		}
	}
	j.scopes[*a] = applies
	return applies
}

func (j *judge) judgeCheck(r *CheckResult) {
	all := j.answer(r.Check, anyAge)
	r.Verdict, r.By, r.Open, r.Err = all.verdict, all.by, all.open, all.err
	r.MachineNo, r.Contradicts, r.RefusedAt = all.machineNo, all.contradicts, all.refusedAt
	r.Fresh, r.FreshBy = all.verdict, all.by
	aged := false
	for _, f := range r.Check.Facts {
		aged = aged || j.facts[f].state == evidence.StateStale
	}
	if aged {
		fresh := j.answer(r.Check, freshOnly)
		r.Fresh, r.FreshBy = fresh.verdict, fresh.by
		r.Open = r.Open || fresh.open
		r.MachineNo, r.Contradicts = fresh.machineNo, fresh.contradicts
	}
	if r.Fresh == Pass && !r.Open {
		return
	}
	if r.Fresh == Fail {
		return
	}
	for _, f := range r.Check.Facts {
		if j.facts[f].state != evidence.StateFresh {
			r.Missing = append(r.Missing, f)
			r.SourceDown = r.SourceDown || j.facts[f].sourceDown
		}
	}
}

type chainResult struct {
	verdict                Status
	by                     framework.ProofKind
	open                   bool
	machineNo, contradicts bool
	refusedAt              time.Time
	err                    error
}

// chain evaluates the proofs from the strongest to the weakest. A deciding false
// after an unknown proof is unknown: the stronger proof could have passed, and an
// outage of its source must not fail a check for lack of an attestation.
func (j *judge) chain(c *framework.Check, vars *framework.Vars) chainResult {
	var out chainResult
	weaker := false // than the proof of a machine
	for i, p := range c.Proofs {
		truth := j.says(c, p, weaker, vars, &out)
		weaker = weaker || p.By == framework.ByMachine && !p.Suffices
		switch {
		case truth == framework.True:
			out.verdict, out.by = Pass, p.By
			return out
		case truth == framework.Unknown:
			out.open = true
		case !p.Suffices:
			if out.open {
				out.verdict = Unknown
				return out
			}
			out.verdict, out.by = Fail, p.By
			if rest := c.Proofs[i+1:]; p.By == framework.ByMachine && len(rest) > 0 {
				out.machineNo, out.contradicts = true, j.attested(c, rest, vars)
			}
			return out
		}
	}
	out.verdict = Fail
	if out.open {
		out.verdict = Unknown
	} else {
		out.by = c.Proofs[len(c.Proofs)-1].By
	}
	return out
}

// says is what a proof says: no if it says yes and is invalidated. An error and the
// invalidation are noted in out.
func (j *judge) says(
	c *framework.Check, p framework.Proof, weaker bool, vars *framework.Vars, out *chainResult,
) framework.Truth {
	truth, err := p.Pass.Eval(vars)
	if err != nil && out.err == nil {
		out.err = err
	}
	if truth == framework.True && weaker && j.invalidates(c, p) {
		out.refusedAt = j.invalidated[c.ID]
		return framework.False
	}
	return truth
}

// attested reports whether an attestation that counts says yes.
func (j *judge) attested(c *framework.Check, weaker []framework.Proof, vars *framework.Vars) bool {
	for _, p := range weaker {
		if p.By != framework.ByAttested || j.invalidates(c, p) {
			continue
		}
		if truth, err := p.Pass.Eval(vars); err == nil && truth == framework.True {
			return true
		}
	}
	return false
}

// invalidates reports whether a machine has said no to the check since a weaker
// proof of it was made or last changed.
func (j *judge) invalidates(c *framework.Check, p framework.Proof) bool {
	refused, ok := j.invalidated[c.ID]
	if !ok {
		return false
	}
	for _, f := range p.Pass.Facts {
		if j.facts[f].since.After(refused) {
			return false
		}
	}
	return true
}

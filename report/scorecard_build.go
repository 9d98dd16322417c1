package report

import (
	"slices"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// NewScorecard is the view of one service of a snapshot; ok is false when the
// snapshot does not have it. It is pure.
func NewScorecard(s *snapshot.Snapshot, service string) (card Scorecard, ok bool) {
	found, ok := s.Find(service)
	if !ok {
		return Scorecard{}, false
	}
	card = Scorecard{
		At: stamp(s.At), Framework: frameworkOf(s.CriteriaOf(&found)), Pin: pinOf(s, &found),
		Summary: rowOf(s, &found),
		Badge:   badgeOf(s.CriteriaOf(&found), &found),
		Modules: make([]ModuleDetail, len(found.Card.Modules)),
		Checks:  make([]Check, len(found.Card.Checks)),
	}
	next := card.nextBadge()
	for i := range found.Card.Checks {
		card.Checks[i] = checkOf(s, &found, &found.Card.Checks[i], card.Summary, max(next, found.Badge.Badge))
	}
	for i := range found.Card.Modules {
		card.Modules[i] = moduleOf(found.Card, &found.Card.Modules[i], card.Summary.Modules[i], next)
	}
	return card, true
}

// pinOf is what keeps the service on other criteria than the fleet; nil if nothing does.
func pinOf(s *snapshot.Snapshot, service *snapshot.Service) *Pin {
	pin := s.PinOf(service)
	if pin == nil {
		return nil
	}
	return &Pin{Until: stamp(pin.Until), Then: frameworkOf(s.Framework), Reason: pin.Reason}
}

func badgeOf(f *framework.Framework, service *snapshot.Service) BadgeDetail {
	state, card := service.Badge, service.Card
	detail := BadgeDetail{
		Held: state.Badge.String(), Since: stamp(state.Since),
		Lower: card.Badge.Lower.String(), Upper: card.Badge.Upper.String(), Ceiling: card.Ceiling.String(),
		Awarding: awardingOf(f, service), Contradicted: []Contradicted{},
	}
	if hold := state.Hold; state.OnHold() {
		detail.OnHold, detail.HoldReason = true, hold.Reason
		detail.HoldSince, detail.LapseAt = stamp(hold.Since), stamp(state.LapseAt())
	}
	for _, clock := range state.Contradictions {
		if ran := clock.Ran.At(state.At); clock.Badge <= state.Badge && ran > 0 {
			detail.Contradicted = append(detail.Contradicted,
				Contradicted{clock.Badge.String(), seconds(ran), seconds(clock.Dwell)})
		}
	}
	if last := state.LastTransition; last != nil {
		detail.LastTransition = transitionOf(last)
	}
	return detail
}

// awardingOf are the badges above the one held that are proved, but not for long
// enough, the lowest first.
func awardingOf(f *framework.Framework, service *snapshot.Service) []Awarding {
	out := []Awarding{}
	for _, badge := range framework.Badges() {
		if clock, ok := service.Badge.Awards[badge]; ok && badge > service.Badge.Badge {
			out = append(out, Awarding{badge.String(), stamp(clock.Since), seconds(f.AwardDwell)})
		}
	}
	return out
}

func transitionOf(t *scoring.Transition) *Transition {
	out := &Transition{
		At: stamp(t.At), From: t.From.String(), To: t.To.String(), Cause: string(t.Cause), Announced: t.Announced,
		Framework:    t.Framework,
		Contributing: make([]string, len(t.Contributing)), Flips: make([]Flip, len(t.Flips)),
	}
	for i, cause := range t.Contributing {
		out.Contributing[i] = string(cause)
	}
	for i, flip := range t.Flips {
		out.Flips[i] = Flip(flip)
	}
	return out
}

func moduleOf(card *scoring.Scorecard, m *scoring.ModuleResult, level ModuleLevel, next framework.Badge) ModuleDetail {
	detail := ModuleDetail{ModuleLevel: level, Name: m.Module.Name, Scale: string(m.Module.Scale),
		Counts: map[string]int{}}
	if m.Counted > 0 {
		upper := m.Score.Upper
		detail.ScoreUpper = &upper
	}
	for _, status := range scoring.Statuses() {
		if n := m.Count[status]; n > 0 {
			detail.Counts[status.String()] = n
		}
	}
	if next == framework.NoBadge || !m.Applies {
		return detail
	}
	detail.Gap = m.Gap
	for i := range card.Checks {
		r := &card.Checks[i]
		if r.Check.Module != m.Module || !r.Status.Counted() || r.Check.NeededFor() > next {
			continue
		}
		// Levels that are reached are behind the service, not on its way.
		if m.Module.Scale == framework.PassFail || r.Check.Level > m.Level.Lower {
			detail.GapOf++
		}
	}
	detail.GapOf = max(detail.GapOf, detail.Gap)
	return detail
}

func checkOf(s *snapshot.Snapshot, service *snapshot.Service, r *scoring.CheckResult, row FleetRow,
	wanted framework.Badge) Check {
	c := r.Check
	needed := c.NeededFor()
	undone := r.Status == scoring.Fail || r.Status == scoring.Unknown
	out := Check{
		ID: c.ID, Module: c.Module.ID, Level: c.Level, Weight: c.ScoreWeight(), NeededFor: needed.String(),
		Title: c.Title, Objective: c.Objective, Why: c.Why, Note: c.Note,
		Status: r.Status.String(), Verdict: r.Verdict.String(), Proof: string(r.By),
		Open: r.Open, SourceDown: r.SourceDown, Contradicted: r.Contradicts,
		RefusedAt: stamp(r.RefusedAt), Feedback: FeedbackOn(s, r.Check.ID),
		Since: stamp(service.FlippedAt[c.ID]), Observed: make([]Fact, 0, len(c.Facts)),
		InTheWay:     undone && needed <= wanted,
		Next:         NextStep{Fix: append([]string{}, c.Remediation...), Effort: c.Effort, Example: c.Example.Text},
		DwellSeconds: seconds(c.Dwell), EnforcedFrom: stamp(c.EnforceFrom),
		Lifecycle: lifecycleOf(c), ReplacedBy: c.ReplacedBy,
		Blind: s.NotMeasurableFor(service)[c.ID], Links: addresses(c.Links),
	}
	if c.When != nil {
		out.When = c.When.Source
	}
	if r.Err != nil {
		out.Error = r.Err.Error()
	}
	if r.Exemption != nil {
		out.Exemption = &Exemption{Reason: r.Exemption.Reason, RequestedBy: r.Exemption.RequestedBy,
			Approver: r.Exemption.Approver, Ticket: r.Exemption.Ticket, Expires: stamp(r.Exemption.Expires)}
	}
	if undone {
		out.Due = dueOf(row, needed)
	}
	first, last := asked(r)
	out.Proofs = make([]Proof, len(c.Proofs))
	for i, proof := range c.Proofs {
		out.Proofs[i] = Proof{Wanted: Wanted{Proof: string(proof.By), Expression: proof.Pass.Source},
			Suffices: proof.Suffices, Asked: i >= first && i <= last}
	}
	switch {
	case len(c.Proofs) == 0:
	case r.By == "":
		out.Wanted = out.Proofs[0].Wanted
	default:
		out.Wanted = out.Proofs[last].Wanted
	}
	facts, words := s.Framework.Facts(), service.Entry.Wording()
	for _, index := range factsByProof(c) {
		fact := factOf(facts.At(index), observationOf(service.Evidence, index), s.At)
		fact.explain(s.Sources)
		fact.CatalogKey = words.Keys(fact.CatalogKey)
		for i := first; i <= last; i++ {
			fact.Asked = fact.Asked || slices.Contains(c.Proofs[i].Pass.Facts, index)
		}
		out.Observed = append(out.Observed, fact)
	}
	out.Unmet = unmetOf(s, service, r, out)
	out.Next = nextStep(service.Entry, out, out.Next)
	if out.attestable() {
		out.AttestationLabel = framework.AttestationLabel(c.ID)
	}
	return out
}

// factsByProof lists the facts behind a check, those of the strongest proof
// first.
func factsByProof(c *framework.Check) []int {
	ordered := make([]int, 0, len(c.Facts))
	for _, proof := range c.Proofs {
		for _, index := range proof.Pass.Facts {
			if !slices.Contains(ordered, index) {
				ordered = append(ordered, index)
			}
		}
	}
	return ordered
}

// asked is the range of proofs that a verdict rests on: the one that decided
// for a pass; for everything else the chain up to that one, since those before
// it did not help.
func asked(r *scoring.CheckResult) (first, last int) {
	proofs := r.Check.Proofs
	last = len(proofs) - 1
	if r.By == "" {
		return 0, last
	}
	if r.Verdict == scoring.Pass {
		for i, p := range proofs {
			if p.By == r.By {
				return i, i
			}
		}
		return 0, last
	}
	for i, p := range proofs {
		if p.By == r.By && !p.Suffices {
			return 0, i
		}
	}
	return 0, last
}

// dueOf says what the target makes of a check that is not proved.
func dueOf(row FleetRow, needed framework.Badge) string {
	target, err := framework.ParseBadge(row.Target)
	switch {
	case err != nil || needed > target:
		return dueNothing
	case row.OnTarget == onTarget:
		return dueAtRisk
	case row.OnTarget == targetLate:
		return dueLate
	}
	return dueYes
}

func addresses(links []framework.Link) []string {
	list := make([]string, len(links))
	for i, l := range links {
		list[i] = l.URL
	}
	return list
}

// lifecycleOf is the stage of a check that is not stable.
func lifecycleOf(c *framework.Check) string {
	if c.Lifecycle == framework.Stable {
		return ""
	}
	return string(c.Lifecycle)
}

package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Unmet is one thing that a proof wants and that does not hold: one of the
// alternatives is enough. The cheapest comes first.
type Unmet struct {
	Alternatives []Alternative `json:"alternatives"`
}

// Alternative is what would meet a part of a proof.
type Alternative struct {
	// What does not hold: pagerduty.integrations is 0, wanted >= 1.
	What string `json:"what"`
	// Fix is what to do about it; empty where only NextStep.Fix of the check says it.
	Fix string `json:"fix,omitempty"`
}

// The order of alternatives by their cost.
const (
	costEntry = iota
	costAttestation
	costWork
)

// unmetOf takes apart what a failing check wants. It is nil for a check that wants one
// thing.
func unmetOf(s *snapshot.Snapshot, service *snapshot.Service, r *scoring.CheckResult, check Check) []Unmet {
	at := slices.IndexFunc(r.Check.Proofs, func(p framework.Proof) bool {
		return p.Pass.Source == check.Wanted.Expression
	})
	if at < 0 || r.Verdict != scoring.Fail || r.Check.Proofs[at].Pass.Parts() == nil {
		return nil
	}
	facts := s.Framework.Facts()
	subject := scoring.NewSubject(service.Entry, facts, service.Evidence)
	vars := s.Framework.NewVars()
	vars.SetAttributes(&subject.Attributes)
	observed := map[int]Fact{}
	for _, fact := range check.Observed {
		if index, ok := facts.Index(fact.Name); ok && fact.observed() {
			vars.Set(index, fact.Value.evidence())
			observed[index] = fact
		}
	}
	var unmet []Unmet
	for _, one := range r.Check.Proofs[at].Pass.Parts().Unmet(vars) {
		var out Unmet
		cost := map[Alternative]int{}
		for _, together := range one {
			var a Alternative
			dearest := costEntry
			for _, part := range together {
				what, fix, price := conditionText(r.Check, part, vars, observed[part.Fact])
				a.What = joinText(a.What, " and ", what)
				a.Fix = joinText(a.Fix, " ", fix)
				dearest = max(dearest, price)
			}
			cost[a] = dearest
			out.Alternatives = append(out.Alternatives, a)
		}
		slices.SortStableFunc(out.Alternatives, func(a, b Alternative) int { return cmp.Compare(cost[a], cost[b]) })
		unmet = append(unmet, out)
	}
	return unmet
}

func joinText(a, between, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
}

// conditionText says which condition does not hold, what mends it and at what cost.
func conditionText(
	check *framework.Check, part *framework.Part, vars *framework.Vars, fact Fact,
) (what, fix string, cost int) {
	if part.Fact < 0 || fact.Name == "" {
		return part.Condition.Source + " does not hold", "", costWork
	}
	fix, cost = check.Remedies[fact.Name], costWork
	switch key := catalog.FactKey(fact.Name); {
	case key != "":
		return key + " is not in the catalog entry", cmp.Or(fix, "Fill it in."), costEntry
	case isAttestation(fact.Name):
		return "it is not attested", cmp.Or(fix, "Attest it."), costAttestation
	}
	return fact.Name + " is " + fact.Value.Text(fact.Unit) + ", wanted " + part.Wanted(vars), fix, cost
}

// isAttestation reports whether the fact is an attestation of a check.
func isAttestation(fact string) bool { return strings.HasPrefix(fact, framework.AttestationPack+".") }

// text says in one sentence what does not hold and what to do; fallback is what to do
// where no part has a remedy of its own.
func (u Unmet) text(fallback string) string {
	var whats []string
	fix := ""
	for _, a := range u.Alternatives {
		whats = append(whats, a.What)
		fix = cmp.Or(fix, a.Fix)
	}
	return joinText(strings.Join(whats, ", or "), ": ", cmp.Or(fix, fallback))
}

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
	Fix  string `json:"fix,omitempty"`
	cost int
}

// The kinds of a step by their cost.
const (
	costEntry = iota
	costAttestation
	costWork
)

// stepKinds are the words of NextStep.Kind by cost.
var stepKinds = [...]string{"catalog", "attestation", "work"}

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
	words := service.Entry.Wording()
	var unmet []Unmet
	for _, one := range r.Check.Proofs[at].Pass.Parts().Unmet(vars) {
		var out Unmet
		for _, together := range one {
			var a Alternative
			for _, part := range together {
				what, fix, cost := conditionText(service.Entry, r.Check, part, vars, observed[part.Fact])
				a.What = joinText(a.What, " and ", what)
				a.Fix = joinText(a.Fix, " ", words.Text(fix))
				a.cost = max(a.cost, cost)
			}
			out.Alternatives = append(out.Alternatives, a)
		}
		slices.SortStableFunc(out.Alternatives, func(a, b Alternative) int { return cmp.Compare(a.cost, b.cost) })
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
	entry *catalog.Service, check *framework.Check, part *framework.Part, vars *framework.Vars, fact Fact,
) (what, fix string, cost int) {
	if part.Fact < 0 || fact.Name == "" {
		return part.Condition.Source + " does not hold", "", costWork
	}
	fix, cost = check.Remedies[fact.Name], costWork
	switch key := catalog.FactKey(fact.Name); {
	case key != "":
		return entry.Wording().Key(key) + " is not in the catalog entry", cmp.Or(fillIn(entry, key), fix, "Fill it in."),
			costEntry
	case isAttestation(fact.Name):
		return "it is not attested", cmp.Or(fix, "Attest it."), costAttestation
	}
	return fact.Name + " is " + fact.Value.Text(fact.Unit) + ", wanted " + part.Wanted(vars), fix, cost
}

// isAttestation reports whether the fact is an attestation of a check.
func isAttestation(fact string) bool { return strings.HasPrefix(fact, framework.AttestationPack+".") }

// what says in one sentence what does not hold.
func (u Unmet) what() string {
	var whats []string
	for _, a := range u.Alternatives {
		whats = append(whats, a.What)
	}
	return strings.Join(whats, ", or ")
}

// fix is the remedy of the cheapest alternative for which the framework has one; empty
// if it has none.
func (u Unmet) fix() string {
	for _, a := range u.Alternatives {
		if a.Fix != "" {
			return a.Fix
		}
	}
	return ""
}

// fillIn says which key gives another one by a default that has no value yet.
func fillIn(entry *catalog.Service, key string) string {
	if from := entry.Unfilled[key]; from != "" {
		return "Fill in `" + from + "`, from which the defaults of the catalog make `" + key + "`."
	}
	return ""
}

// nextStep is what makes a check pass, in the words of the service's entry.
func nextStep(entry *catalog.Service, check Check, step NextStep) NextStep {
	words := entry.Wording()
	if check.Verdict != scoring.Fail.String() {
		step.Fix = wordsOf(words, step.Fix)
		return step
	}
	cost := costWork
	var fixes []string
	for _, fact := range check.Observed {
		if !fact.Asked || !fact.observed() || fact.Value.num != 0 {
			continue
		}
		switch key := catalog.FactKey(fact.Name); {
		case key != "" && check.Unmet == nil:
			cost = costEntry
			if made := fillIn(entry, key); made != "" {
				fixes = []string{made}
			} else if !slices.ContainsFunc(step.Fix, func(fix string) bool { return words.Names(fix, key) }) {
				fixes = []string{"Fill in `" + key + "` in the catalog entry."}
			}
		case isAttestation(fact.Name):
			cost = min(cost, costAttestation)
		}
	}
	if len(check.Unmet) > 0 {
		fixes, cost = unmetSteps(check.Unmet, step.Fix)
	}
	if len(fixes) > 0 {
		step.Fix = fixes
	}
	step.Fix, step.Kind = wordsOf(words, step.Fix), stepKinds[cost]
	return step
}

// unmetSteps are the remedies of all parts that do not hold, and the cost of the most
// expensive one. If the framework has no remedy for a part, those of the whole check are
// taken.
func unmetSteps(unmet []Unmet, ofCheck []string) (fixes []string, cost int) {
	for _, one := range unmet {
		cost = max(cost, one.Alternatives[0].cost)
		steps := ofCheck
		if fix := one.fix(); fix != "" {
			steps = []string{fix}
		}
		for _, step := range steps {
			if !slices.Contains(fixes, step) {
				fixes = append(fixes, step)
			}
		}
	}
	return fixes, cost
}

func wordsOf(words catalog.Wording, texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = words.Text(text)
	}
	return out
}

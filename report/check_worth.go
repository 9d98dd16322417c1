package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/statistics"
)

// CheckVerdict is what to do about a check in the next version of the criteria. The set is
// closed.
type CheckVerdict string

// The verdicts.
const (
	Keep    CheckVerdict = "keep"
	Clarify CheckVerdict = "clarify"
	Drop    CheckVerdict = "drop"
)

// Worth is whether a check is worth asking for, by what people say about it and by what
// failing it says about incidents.
type Worth struct {
	// Verdict is keep, clarify or drop.
	Verdict CheckVerdict `json:"verdict"`
	// Why is the reason in words, with the numbers.
	Why string `json:"why"`
	// Predicts is null if it is not known.
	Predicts *Prediction `json:"predicts"`
}

// Prediction is what failing a check says about incidents: the incident rate of services
// that fail it, divided by that of those that pass it, with the bounds of its 95 %
// confidence interval.
type Prediction struct {
	Ratio float64 `json:"ratio"`
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
	// Related is true if services that fail it have more incidents than chance explains,
	// NoRelation if they have not, and a large difference is ruled out.
	Related    bool `json:"related"`
	NoRelation bool `json:"no_relation"`
}

// PredictionOf is what a check predicts, nil if too little is known to compare.
func PredictionOf(a *correlation.CheckAssociation) *Prediction {
	if !a.Known || math.IsInf(a.Ratio.Upper, 1) {
		return nil
	}
	return &Prediction{
		Ratio: a.Ratio.Value, Lower: a.Ratio.Lower, Upper: a.Ratio.Upper, NoRelation: a.NoRelation,
		Related: a.Adjusted <= 1-statistics.Level && a.Ratio.Value > 1,
	}
}

// Words are the ratio with its bounds.
func (p *Prediction) Words() string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", p.Ratio, p.Lower, p.Upper)
}

// WorthOf weighs a check by the feedback of a snapshot and by what was estimated last.
func WorthOf(s *snapshot.Snapshot, check *framework.Check) Worth {
	var predicts *Prediction
	if s.Correlated != nil {
		for i := range s.Correlated.Compared.Checks {
			if a := &s.Correlated.Compared.Checks[i]; a.Check == check.ID {
				predicts = PredictionOf(a)
			}
		}
	}
	return Weigh(check, FeedbackOn(s, check.ID), predicts)
}

// Weigh is the one place that says what to do about a check. It is a candidate to drop only
// if it is known that it predicts nothing: to find it a burden is no reason alone. What
// people cannot follow is clarified before it is dropped, unless they call it overkill, too.
func Weigh(check *framework.Check, said []Feedback, predicts *Prediction) Worth {
	counts := map[evidence.FeedbackKind]int{}
	for _, f := range said {
		counts[evidence.FeedbackKind(f.Kind)] += f.Issues
	}
	burden := counts[evidence.FeedbackOverkill]
	questioned := counts[evidence.FeedbackUnclear] + counts[evidence.FeedbackMissingDocs] +
		counts[evidence.FeedbackWrongEvidence]
	worth := Worth{Verdict: Keep, Predicts: predicts}
	switch nothing := predicts != nil && predicts.NoRelation; {
	case nothing && (burden > 0 || questioned == 0):
		worth.Verdict = Drop
	case questioned > 0:
		worth.Verdict = Clarify
	}
	reasons := []string{relationWords(check, predicts)}
	switch {
	case questioned > 0 && burden > 0:
		reasons = append(reasons, questionedWords(questioned, counts)+", and "+burdenWords(burden))
	case questioned > 0:
		reasons = append(reasons, questionedWords(questioned, counts))
	case burden > 0:
		reasons = append(reasons, burdenWords(burden))
	default:
		reasons = append(reasons, "no issue is about it")
	}
	if worth.Verdict == Drop {
		reasons = append(reasons, "a candidate, unless it is asked for other reasons")
	}
	worth.Why = strings.Join(reasons, "; ")
	return worth
}

func relationWords(check *framework.Check, p *Prediction) string {
	switch {
	case p == nil && check.Outcome:
		return "it is judged by incidents, so that it is not compared with them"
	case p == nil:
		return "whether it predicts incidents is not known"
	case p.Related:
		return "services that fail it have more incidents than those that pass it: rate ratio " + p.Words()
	case p.NoRelation:
		return "services that fail it have no more incidents than those that pass it: rate ratio " + p.Words()
	}
	return "whether it predicts incidents cannot be told: rate ratio " + p.Words()
}

func burdenWords(n int) string {
	if n == 1 {
		return "1 issue calls it overkill"
	}
	return Plural(n, "issue") + " call it overkill"
}

// questionedWords count issues by kind: 3 issues question its text, evidence or
// documentation (2 unclear, 1 missing docs).
func questionedWords(n int, counts map[evidence.FeedbackKind]int) string {
	var kinds []string
	for _, kind := range evidence.FeedbackKinds() {
		if kind != evidence.FeedbackOverkill && counts[kind] > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", counts[kind], kindWords(string(kind))))
		}
	}
	verb := " question"
	if n == 1 {
		verb = " questions"
	}
	return Plural(n, "issue") + verb + " its text, evidence or documentation (" + strings.Join(kinds, ", ") + ")"
}

// FeedbackWords say a kind of feedback as the person does who gives it.
func FeedbackWords(kind evidence.FeedbackKind) string {
	switch kind {
	case evidence.FeedbackUnclear:
		return "it is unclear"
	case evidence.FeedbackOverkill:
		return "it is overkill"
	case evidence.FeedbackWrongEvidence:
		return "its evidence is wrong"
	case evidence.FeedbackMissingDocs:
		return "documentation is missing"
	}
	return kindWords(string(kind))
}

// kindWords writes a kind of feedback for people.
func kindWords(kind string) string { return strings.ReplaceAll(kind, "-", " ") }

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Coverage says how much of the criteria there is evidence for: the answer of
// `collector framework coverage`.
type Coverage struct {
	// At is the time of the evaluation.
	At        time.Time `json:"at"`
	Framework Framework `json:"framework"`
	// Services is the number of services in the fleet.
	Services int `json:"services"`
	// Checks are in framework order.
	Checks []CheckCoverage `json:"checks"`
	// Facts are in name order.
	Facts []FactCoverage `json:"facts"`
	// Uncounted is what sources have found and could not use, by source and kind.
	Uncounted []SourceUncounted `json:"uncounted"`
	// Gaps are what services lack and what that blocks, most services first.
	Gaps []Gap `json:"gaps"`
}

// CheckCoverage is the evidence for one check over the fleet.
type CheckCoverage struct {
	ID     string `json:"id"`
	Module string `json:"module"`
	Level  int    `json:"level"`
	Title  string `json:"title"`
	// Applies is the number of services the check applies to, Decided how many
	// of them have a definite verdict, and Share the one by the other, 0 to 1;
	// null when the check applies to none.
	Applies int      `json:"applies"`
	Decided int      `json:"decided"`
	Share   *float64 `json:"share"`
	// Counts are the number of services by status.
	Counts map[string]int `json:"counts"`
	// Blind is true when no configured source can decide the check.
	Blind bool `json:"blind"`
	// Wants are the facts whose absence or age leaves verdicts open, most
	// services first; for a blind check the facts no service has.
	Wants []Want `json:"wants"`
	// Feedback is what issues say about the check, by kind; empty for nothing.
	Feedback []Feedback `json:"feedback"`
	// Worth says what to do about the check.
	Worth Worth `json:"worth"`
}

// Feedback is how many issues say one thing about a check.
type Feedback struct {
	// Kind is unclear, overkill, wrong-evidence or missing-docs.
	Kind   string `json:"kind"`
	Issues int    `json:"issues"`
}

// Want is a fact that would help to decide a check.
type Want struct {
	Fact string `json:"fact"`
	// Services is the number of services that lack it.
	Services int `json:"services"`
	// Needs is the exporter, flag or label it takes.
	Needs string `json:"needs,omitempty"`
}

// FactCoverage is the evidence for one fact over the fleet.
type FactCoverage struct {
	Name string `json:"name"`
	Help string `json:"help"`
	// WithData is the number of services with a value that counts, Stale how
	// many of these are no longer fresh, and Share the part of the fleet with a
	// value, 0 to 1; null for an empty fleet.
	WithData int      `json:"with_data"`
	Stale    int      `json:"stale"`
	Share    *float64 `json:"share"`
	// Missing counts the services without a value by reason, most first; the
	// reasons are those of Fact.Missing.
	Missing []ReasonCount `json:"missing"`
	// Needs is the exporter, flag or label without which there is no data;
	// Permissions are the least privileges of the source call.
	Needs       string   `json:"needs,omitempty"`
	Permissions []string `json:"permissions"`
	// Checks are the ids of the checks that read the fact.
	Checks []string `json:"checks"`
}

// ReasonCount is a number of services without data for one reason.
type ReasonCount struct {
	Reason   string `json:"reason"`
	Services int    `json:"services"`
}

// NewCoverage is the view of a snapshot's evidence by fact and check. It is
// pure.
func NewCoverage(s *snapshot.Snapshot) Coverage {
	facts, checks := s.Framework.Facts(), s.Checks()
	c := Coverage{At: stamp(s.At), Framework: frameworkOf(s.Framework), Services: len(s.Services),
		Checks: make([]CheckCoverage, len(checks)), Facts: make([]FactCoverage, facts.Len()),
		Uncounted: Uncounted(s), Gaps: NewGaps(s)}
	readers := make([][]string, facts.Len())
	for _, check := range checks {
		for _, fact := range check.Facts {
			readers[fact] = append(readers[fact], check.ID)
		}
	}
	for i := range c.Facts {
		c.Facts[i] = factCoverage(s, i, readers[i])
	}
	for i, check := range checks {
		c.Checks[i] = checkCoverage(s, check, c.Facts)
	}
	return c
}

func factCoverage(s *snapshot.Snapshot, index int, readers []string) FactCoverage {
	d := s.Framework.Facts().At(index)
	out := FactCoverage{Name: d.Name, Help: d.Help, Needs: d.Needs, Permissions: append([]string{}, d.Permissions...),
		Checks: append([]string{}, readers...), Missing: []ReasonCount{}}
	reasons := map[evidence.Missing]int{}
	for i := range s.Services {
		o := observationOf(s.Services[i].Evidence, index)
		switch o.State(s.At) {
		case evidence.StateStale:
			out.Stale++
			out.WithData++
		case evidence.StateFresh:
			out.WithData++
		default:
			reasons[reasonOf(o, s.At)]++
		}
	}
	for reason, n := range reasons {
		out.Missing = append(out.Missing, ReasonCount{string(reason), n})
	}
	slices.SortFunc(out.Missing, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Services, a.Services), cmp.Compare(a.Reason, b.Reason))
	})
	out.Share = share(out.WithData, len(s.Services))
	return out
}

func checkCoverage(s *snapshot.Snapshot, check *framework.Check, facts []FactCoverage) CheckCoverage {
	out := CheckCoverage{ID: check.ID, Module: check.Module.ID, Level: check.Level, Title: check.Title,
		Blind: !s.IsMeasurable(check), Counts: map[string]int{}, Wants: []Want{}, Feedback: FeedbackOn(s, check.ID),
		Worth: WorthOf(s, check)}
	lacking := map[int]int{}
	for i := range s.Services {
		service := &s.Services[i]
		r := service.Card.Of(check)
		if r == nil {
			continue // the service is judged by criteria without the check
		}
		out.Counts[r.Status.String()]++
		if r.Status == scoring.NotApplicable {
			continue
		}
		out.Applies++
		if r.Verdict == scoring.Pass || r.Verdict == scoring.Fail {
			out.Decided++
		}
		for _, index := range r.Missing {
			lacking[index]++
		}
	}
	if out.Blind {
		// The check needs the facts that no service has, whether or not it applies
		// to a service now.
		for _, index := range check.Facts {
			if facts[index].WithData == 0 {
				lacking[index] = max(lacking[index], out.Applies)
			}
		}
	}
	for index, n := range lacking {
		out.Wants = append(out.Wants, Want{facts[index].Name, n, facts[index].Needs})
	}
	slices.SortFunc(out.Wants, func(a, b Want) int {
		return cmp.Or(cmp.Compare(b.Services, a.Services), cmp.Compare(a.Fact, b.Fact))
	})
	out.Share = share(out.Decided, out.Applies)
	return out
}

// FeedbackOn is what issues say about a check.
func FeedbackOn(s *snapshot.Snapshot, check string) []Feedback {
	said := []Feedback{}
	for _, f := range s.Feedback {
		if f.Check == check {
			said = append(said, Feedback{string(f.Kind), f.Count})
		}
	}
	return said
}

// feedbackText is what issues say in one line.
func feedbackText(said []Feedback) string {
	parts := make([]string, len(said))
	for i, f := range said {
		parts[i] = fmt.Sprintf("%s %d", f.Kind, f.Issues)
	}
	return strings.Join(parts, ", ")
}

// share is a part of a whole, nil when there is no whole.
func share(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	v := float64(part) / float64(whole)
	return &v
}

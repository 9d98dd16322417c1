package jira

import (
	"context"
	"maps"
	"slices"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// feedbackLabel marks issues that say something about checks.
const feedbackLabel = "readiness-feedback"

// Opinion is a check that issues may be feedback about: those with the label
// readiness-feedback and the check's own, and with a kind of feedback as a third.
type Opinion struct {
	// Check is the id of the check, and Label the one that names it:
	// about-cicd-no-drift.
	Check, Label string
}

// feedbackSearch is the search for feedback.
func feedbackSearch() search {
	return search{jql: "labels = " + quote(feedbackLabel) + " ORDER BY created ASC", fields: []string{"project", "labels"}}
}

// feedback is the search for feedback.
func (r *round) feedback() step {
	return step{func() []collectors.PlannedCall {
		if !r.listens() {
			return nil
		}
		return []collectors.PlannedCall{r.planned(feedbackSearch(), "")}
	}, r.listFeedback}
}

// listens reports whether feedback is to be listed in this round. It serves the
// next version of a framework, so that once per sweep is often enough.
func (r *round) listens() bool {
	return len(r.opinions) > 0 && (r.heard.IsZero() || r.heard.After(r.now) || r.now.Sub(r.heard) >= r.sweep)
}

// listFeedback counts the issues that are feedback, done ones as well, by check
// and kind. The counts are emitted when the listing is complete, and replace
// those of before. An issue that cannot be decoded is not counted, and logged.
func (r *round) listFeedback(ctx context.Context) error {
	if !r.listens() {
		return nil
	}
	counts := map[evidence.Feedback]int{}
	err := r.list(ctx, feedbackSearch(), "feedback", func(*issue) bool { return false }, func(good, _ []*issue) error {
		for _, i := range good {
			for _, o := range r.opinions {
				for _, kind := range evidence.FeedbackKinds() {
					if i.has(o.Label) && i.has(string(kind)) {
						counts[evidence.Feedback{Check: o.Check, Kind: kind}]++
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	batch := evidence.Batch{Feedback: []evidence.Feedback{}}
	for f := range maps.Keys(counts) {
		batch.Feedback = append(batch.Feedback, evidence.Feedback{Check: f.Check, Kind: f.Kind, Count: counts[f]})
	}
	slices.SortFunc(batch.Feedback, evidence.Feedback.Compare)
	if err := r.send(batch); err != nil {
		return err
	}
	r.heard = r.now
	return nil
}

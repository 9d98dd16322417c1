package jira

import (
	"context"
	"slices"

	"github.com/prodready/collector/evidence"
)

// kindOfFeedback names issues that are feedback in logs and counts.
const kindOfFeedback = "feedback"

// FeedbackLabel marks issues that are feedback about checks.
const FeedbackLabel = "readiness-feedback"

// Opinion is a check that issues may be feedback about: those with the label
// readiness-feedback and the check's own, and with a kind of feedback as a third.
type Opinion struct {
	// Check is the id of the check, and Label the one that names it:
	// about-cicd-no-drift.
	Check, Label string
}

// feedback lists feedback as rarely as everything is listed completely: it is for
// the next version of a framework.
func (r *round) feedback() listing {
	return listing{kind: kindOfFeedback, read: r.listFeedback, searches: func() []search {
		last := r.feedbackAt
		if !last.IsZero() && !last.After(r.now) && r.now.Sub(last) < r.reconcileEvery {
			return nil
		}
		jql := "labels = " + quote(FeedbackLabel) + " ORDER BY created ASC"
		return []search{{jql: jql, fields: []string{"project", "labels"}}}
	}}
}

// listFeedback counts the issues that are feedback, done ones as well, by check
// and kind. The counts are emitted when the listing is complete, and replace
// those of before. An issue that cannot be decoded is not counted, and logged.
func (r *round) listFeedback(ctx context.Context, searches []search) error {
	counts := map[evidence.Feedback]int{}
	err := r.list(ctx, searches[0], kindOfFeedback, noLog, func(good, _ []*issue) error {
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
	for f, count := range counts {
		f.Count = count
		batch.Feedback = append(batch.Feedback, f)
	}
	slices.SortFunc(batch.Feedback, evidence.Feedback.Compare)
	if err := r.out.Send(batch); err != nil {
		return err
	}
	r.feedbackAt = r.now
	return nil
}

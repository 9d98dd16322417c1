package exporter

import (
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/scoring"
)

// reviewGroup is the production readiness reviews.
func reviewGroup() Group {
	return Group{
		Title: "Reviews",
		Families: []Family{{
			Name: "review_completed_timestamp_seconds", Labels: []string{ServiceLabel},
			Help:     "When the last production readiness review of the service was completed, as a Unix time.",
			Presence: "a review was completed",
			Collect:  perReviews(func(name string, r *correlation.Reviews, emit Emit) { emitTime(emit, r.Completed, name) }),
		}, {
			Name: "review_due_timestamp_seconds", Labels: []string{ServiceLabel},
			Help: "When the next production readiness review of the service is due, as a Unix time: some time after the last one, " +
				"or after the service was first judged.",
			Presence: "`reviews.due_after` says so for its tier, reviews were read, and, if it has passed, were read since",
			Collect: Collect{part: reviewsPart, one: func(s *service, _ Options, emit Emit) {
				emitTime(emit, s.ReviewDue, s.Entry.Name)
			}},
		}, {
			Name: "review_drift_checks", Labels: []string{ServiceLabel},
			Help:     "Checks that are attested, as by a readiness review, and of which a machine says no.",
			Presence: "there is one",
			Collect: perCard(func(name string, card *scoring.Scorecard, _ Options, emit Emit) {
				if n := len(card.Drifted()); n > 0 {
					emit(float64(n), name)
				}
			}),
		}},
	}
}

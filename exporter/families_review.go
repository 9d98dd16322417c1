package exporter

import "github.com/prodready/collector/snapshot"

// reviewGroup is the production readiness reviews.
func reviewGroup() Group {
	return Group{
		Title: "Reviews",
		Families: []Family{{
			Name: "review_completed_timestamp_seconds", Labels: []string{ServiceLabel},
			Help:     "When the last production readiness review of the service was completed, as a Unix time.",
			Presence: "a review was completed",
			Collect: perService(func(s *snapshot.Service, emit Emit) {
				if s.Reviews != nil {
					emitTime(emit, s.Reviews.Completed, s.Entry.Name)
				}
			}),
		}},
	}
}

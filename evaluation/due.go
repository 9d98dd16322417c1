package evaluation

import (
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/snapshot"
)

// reviewsDue says of each service when its next readiness review is due: some time after
// the last one, or, without any, after the service was first judged. It is not known while
// a source of reviews has not been read, and not when it has passed and no source was read
// since: there may have been a review.
func reviewsDue(c *Config, s *snapshot.Snapshot) {
	read, known := reviewsRead(c, s)
	for i := range s.Services {
		service := &s.Services[i]
		service.ReviewDue = time.Time{}
		if c.ReviewDueIn == nil || !known {
			continue
		}
		after, wanted := c.ReviewDueIn(service.Entry.Tier)
		from := service.Badge.FirstJudged
		if service.Reviews != nil && !service.Reviews.Completed.IsZero() {
			from = service.Reviews.Completed
		}
		due := from.Add(after)
		if !wanted || from.IsZero() || due.Before(s.At) && read.Before(due) {
			continue
		}
		service.ReviewDue = due.UTC()
	}
}

// reviewsRead is up to when all reviews are known. It has no value without a source of
// reviews, or while one has never been read.
func reviewsRead(c *Config, s *snapshot.Snapshot) (until time.Time, known bool) {
	reads := map[string]bool{}
	for _, source := range c.Sources {
		if r, ok := source.(collectors.ReviewSource); ok && r.ReadsReviews() {
			reads[source.ID()] = true
		}
	}
	for _, source := range s.Sources {
		if !reads[source.ID] {
			continue
		}
		if source.LastSuccess.IsZero() {
			return time.Time{}, false
		}
		if !known || source.LastSuccess.Before(until) {
			until, known = source.LastSuccess, true
		}
	}
	return until, known
}

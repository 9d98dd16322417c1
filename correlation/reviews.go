package correlation

import (
	"time"

	"github.com/prodready/collector/evidence"
)

// Reviews are the production readiness reviews of one service.
type Reviews struct {
	// Completed is when the last was completed, zero when none was; Last is its
	// ticket.
	Completed time.Time
	Last      Reference
	// LastName is what people call that ticket.
	LastName string
	// Open is the number that are not completed.
	Open int
}

// PerServiceReviews sums up the reviews of each service that has any. Tickets
// that their source no longer lists, or that were closed as not done, are left out,
// and a ticket that was closed without a known time is neither completed nor open.
func PerServiceReviews(reviews []evidence.Review, now time.Time) map[string]Reviews {
	out := map[string]Reviews{}
	for i := range reviews {
		r := &reviews[i]
		if r.Gone || r.Status == evidence.ReviewNotDone || r.CreatedAt.After(now) {
			continue
		}
		sum := out[r.Service]
		ticket := Reference{r.Source, r.ID}
		switch {
		case r.Status != evidence.ReviewDone || r.CompletedAt.After(now):
			sum.Open++
		case r.CompletedAt.IsZero():
		case r.CompletedAt.After(sum.Completed),
			r.CompletedAt.Equal(sum.Completed) && compareReferences(ticket, sum.Last) > 0:
			sum.Completed, sum.Last, sum.LastName = r.CompletedAt, ticket, r.Name()
		}
		out[r.Service] = sum
	}
	return out
}

package pages

import (
	"cmp"
	"slices"

	"github.com/prodready/collector/report"
	"github.com/prodready/collector/snapshot"
)

// maxReviews is how many services are named under each of the headings about reviews.
const maxReviews = 8

// reviewView is where a service stands with its readiness reviews, with the address of the
// last ticket, if that is known.
type reviewView struct {
	report.ReviewState
	Href string
}

func (s *Site) reviewOf(current *snapshot.Snapshot, service *snapshot.Service) reviewView {
	v := reviewView{ReviewState: report.NewReviewState(current, service)}
	if address := s.links().Tickets[v.Source]; address != "" && v.Ticket != "" {
		v.Href = webAddress(fill(address, "{key}", v.Ticket))
	}
	return v
}

// groupReviews are the readiness reviews of a group: those of the last 30 days, those that
// are overdue, and the services with checks that are no longer as they were attested.
type groupReviews struct {
	Done, Overdue                      []reviewView
	Drifted                            []driftedService
	MoreDone, MoreOverdue, MoreDrifted int
}

// driftedService is a service with the ids of checks that are no longer as they were
// attested.
type driftedService struct {
	Service string
	Checks  []string
}

// reviewsOf are the reviews of the services of some rows.
func (s *Site) reviewsOf(all *fleetIndex, rows []*report.FleetRow) groupReviews {
	var out groupReviews
	since := all.of.At.Add(-movedFor)
	for _, row := range rows {
		service := all.services[row.Service]
		v := s.reviewOf(all.of, service)
		if v.Completed.After(since) {
			out.Done = append(out.Done, v)
		}
		if v.Overdue() {
			out.Overdue = append(out.Overdue, v)
		}
		if service.Card == nil {
			continue
		}
		if drifted := service.Card.Drifted(); len(drifted) > 0 {
			out.Drifted = append(out.Drifted, driftedService{v.Service, drifted})
		}
	}
	slices.SortStableFunc(out.Done, func(a, b reviewView) int { return b.Completed.Compare(a.Completed) })
	slices.SortStableFunc(out.Overdue, func(a, b reviewView) int { return a.Due.Compare(b.Due) })
	slices.SortStableFunc(out.Drifted, func(a, b driftedService) int { return cmp.Compare(len(b.Checks), len(a.Checks)) })
	out.Done, out.MoreDone = firstOf(out.Done, maxReviews)
	out.Overdue, out.MoreOverdue = firstOf(out.Overdue, maxReviews)
	out.Drifted, out.MoreDrifted = firstOf(out.Drifted, maxReviews)
	return out
}

// firstOf are the first of a list, and how many more there are.
func firstOf[T any](list []T, limit int) (first []T, more int) {
	first = list[:min(len(list), limit)]
	return first, len(list) - len(first)
}

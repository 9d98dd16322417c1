package report

import (
	"time"

	"github.com/prodready/collector/snapshot"
)

// ReviewState is where a service stands with its production readiness reviews.
type ReviewState struct {
	Service string
	// Source and Ticket are those of the last that was completed, and Completed when; zero
	// if none is known.
	Source, Ticket string
	Completed      time.Time
	// Open is how many are not completed.
	Open int
	// Due is when the next is due; zero if that is not known, or if none is.
	Due time.Time
	// Drifted are the checks that are attested and of which a machine says no.
	Drifted []DriftedCheck
	at      time.Time
}

// DriftedCheck is a check that is no longer as it was attested.
type DriftedCheck struct{ ID, Title, Words string }

// NewReviewState is that of a service, without what has drifted, which Scorecard.Drifted has.
func NewReviewState(s *snapshot.Snapshot, service *snapshot.Service) ReviewState {
	out := ReviewState{Service: service.Entry.Name, Due: service.ReviewDue, at: s.At}
	if r := service.Reviews; r != nil {
		out.Source, out.Ticket, out.Completed, out.Open = r.Last.Source, r.LastName, r.Completed, r.Open
	}
	return out
}

// Drifted are the checks that are no longer as they were attested, in framework order.
func (c Scorecard) Drifted() []DriftedCheck {
	var out []DriftedCheck
	for _, check := range c.Checks {
		if check.Contradicted {
			out = append(out, DriftedCheck{check.ID, check.Title, check.driftText()})
		}
	}
	return out
}

// Overdue reports whether a review should have been completed by now.
func (r ReviewState) Overdue() bool { return !r.Due.IsZero() && r.Due.Before(r.at) }

// CompletedWords say when the last review was completed.
func (r ReviewState) CompletedWords() string {
	if r.Completed.IsZero() {
		return "none is known to be completed"
	}
	return "completed " + day(r.Completed) + ", " + ago(r.at.Sub(r.Completed))
}

// DueWords say when the next review is due; empty if that is not known, or if none is.
func (r ReviewState) DueWords() string {
	switch {
	case r.Due.IsZero():
		return ""
	case r.Overdue():
		return "overdue by " + lasting(r.at.Sub(r.Due)) + ", since " + day(r.Due)
	}
	return day(r.Due) + ", in " + lasting(r.Due.Sub(r.at))
}

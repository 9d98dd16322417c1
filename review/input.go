package review

import (
	"time"

	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// Input is what is known of a period, and of the present.
type Input struct {
	Period Period
	// Team and Org select services; empty selects all.
	Team, Org string
	// Snapshot is the present.
	Snapshot *snapshot.Snapshot
	// Transitions are all changes of badges since KeptSince, in their order.
	Transitions []scoring.Transition
	// KeptSince is since when no change of a badge has been deleted by age; zero if none
	// ever was.
	KeptSince time.Time
	// Statuses are the statuses of checks that ended after the begin of the period, or
	// began later; there may be older ones.
	Statuses []StatusSpan
	// Incidents are those that began or were open since the begin of the previous period.
	Incidents []*correlation.Incident
	// IncidentsSince and IncidentsUntil bound the time of which all incidents are known;
	// zero if there is none, and then NoIncidents says why.
	IncidentsSince, IncidentsUntil time.Time
	NoIncidents                    string
	// Doubts are the services that may have had more incidents.
	Doubts evidence.Doubts
	// Reviews are the readiness reviews of all time.
	Reviews []evidence.Review
	// Exemptions are those of the configuration and of tickets.
	Exemptions []scoring.Exemption

	// Due is when the next review of each service is due, nil if nothing says so.
	Due map[string]time.Time
	// Predicts is what checks predict, nil if it is not known.
	Predicts map[string]report.Prediction
	// Effect is the effect of reviews, nil if it is not known.
	Effect *Effect
}

// StatusSpan is a status that a check had for a service.
type StatusSpan struct {
	Service, Check string
	Status         scoring.Status
	// Since is when it began, Until when another one replaced it; zero for the present
	// one.
	Since, Until time.Time
}

// PreviousFrom is since when incidents have to be known for a period: since the begin
// of the one before it, and earlier by what a record at its edge may be linked to.
func (p Period) PreviousFrom() time.Time { return p.Previous().From.Add(-correlation.LinkWithin) }

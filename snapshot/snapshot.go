// Package snapshot holds what one evaluation found: the immutable value that
// scrapes, the API and reports are served from. It is built whole and swapped
// whole.
package snapshot

import (
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// Snapshot is the outcome of one evaluation.
type Snapshot struct {
	// At is the time of the evaluation by the injected clock.
	At time.Time
	// Framework is what was judged by, since when. Services that are pinned to other
	// criteria are judged by those: see CriteriaOf.
	Framework   *framework.Framework
	ActivatedAt time.Time
	// Pins are those of the configuration, also some that have ended.
	Pins []scoring.Pin
	// NotMeasurable are the ids of checks of Framework that no configured source can decide.
	NotMeasurable map[string]bool
	// Services in name order.
	Services []Service
	// Exemptions are those of files and of tickets, also some that have ended.
	Exemptions []scoring.Exemption
	// Targets are those of the configuration, and ObserveFor is how long a service is new.
	// See TargetOf.
	Targets    []scoring.Target
	ObserveFor time.Duration
	// Transitions counts every badge change the store knows of.
	Transitions []TransitionCount
	// Sources in id order.
	Sources []SourceStatus
	// Catalog is what the catalog could not use of the entities that it has read.
	Catalog evidence.Uncounted
	// Groups are the incident figures of the fleet, its orgs, teams and tiers;
	// those that never had an incident are not there. See Measure.
	Groups []correlation.GroupFigures
	// Feedback is what issues say about checks, by check and kind.
	Feedback []evidence.Feedback
	// AlertGroups are the alert figures of groups with a service whose alerts are
	// watched for.
	AlertGroups []correlation.GroupAlertFigures
	// BadgeFigures are the incident figures of each badge that was held, of services of all
	// tiers, and TierBadgeFigures those of each tier.
	BadgeFigures, TierBadgeFigures []correlation.BadgeFigures
	// Correlated is what was estimated last of the effects of reviews and of what goes
	// together with readiness, once a month; nil if it never was.
	Correlated *correlation.Result
}

// Service is one service of a snapshot.
type Service struct {
	Entry *catalog.Service
	Card  *scoring.Scorecard
	Badge scoring.BadgeState
	// Evidence is indexed by Framework.Facts.
	Evidence evidence.Row
	// FlippedAt is since when each check has had its status, by check id.
	FlippedAt map[string]time.Time
	// Incidents are its incident figures, nil when it never had an incident.
	Incidents *correlation.Figures
	// Alerts are its alert figures, nil when no source watches for its alerts.
	Alerts *correlation.AlertFigures
	// Reviews are its readiness reviews, nil when it never had one.
	Reviews *correlation.Reviews
	// ReviewDue is when its next readiness review is due, zero if that is not known or if
	// none is.
	ReviewDue time.Time
}

// Find returns the named service.
func (s *Snapshot) Find(name string) (Service, bool) {
	for _, service := range s.Services {
		if service.Entry.Name == name {
			return service, true
		}
	}
	return Service{}, false
}

// TransitionCount is the number of transitions of one kind.
type TransitionCount struct {
	Direction string
	Cause     scoring.Cause
	Count     int64
}

// EachUncounted calls f with what each source, and the catalog, has found and
// could not use.
func (s *Snapshot) EachUncounted(f func(source string, u *evidence.Uncounted)) {
	if s.Catalog.Total > 0 {
		f("catalog", &s.Catalog)
	}
	for i := range s.Sources {
		for j := range s.Sources[i].Uncounted {
			f(s.Sources[i].ID, &s.Sources[i].Uncounted[j])
		}
	}
}

// SourceStatus is how one source instance is doing.
type SourceStatus struct {
	ID string
	// LastRun and LastSuccess are zero when there was none.
	LastRun, LastSuccess time.Time
	// Error is what the last round failed with, empty after a success.
	Error string
	// Uncounted is what was found and could not be used, by kind.
	Uncounted []evidence.Uncounted
}

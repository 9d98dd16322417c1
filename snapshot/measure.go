package snapshot

import (
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
)

// History is what has happened to services, as far back as
// correlation.Options.Since.
type History struct {
	// Incidents has those of correlation.Links, and the severities of those of all time.
	Incidents *correlation.Meter
	// Alerts are the firings of alerts since correlation.Options.AlertsSince.
	Alerts correlation.Alerts
	// Transitions are the changes of badges.
	Transitions []scoring.Transition
	// Reviews are the readiness reviews of all time.
	Reviews []evidence.Review
}

// Measure adds the figures of incidents, alerts and reviews to a snapshot that has its
// services and their badges, as they are at s.At. It must be called before the
// snapshot is published.
func (s *Snapshot) Measure(h History, o correlation.Options) {
	services := make([]*catalog.Service, 0, len(s.Services))
	for i := range s.Services {
		services = append(services, s.Services[i].Entry)
	}
	held, changes := s.Badges(h.Transitions)
	figures := h.Incidents.Measure(services, correlation.NewBadgeHistory(held, changes), o, s.At)
	alerts, alertGroups := correlation.MeasureAlerts(h.Alerts, h.Incidents.Of, services, o, s.At)
	reviews := correlation.PerServiceReviews(h.Reviews, s.At)
	for i := range s.Services {
		service := &s.Services[i]
		service.Incidents, service.Alerts, service.Reviews = figures.Services[service.Entry.Name], nil, nil
		if a, ok := alerts[service.Entry.Name]; ok {
			service.Alerts = &a
		}
		if r, ok := reviews[service.Entry.Name]; ok {
			service.Reviews = &r
		}
	}
	s.AlertGroups, s.Groups = alertGroups, figures.Groups
	s.BadgeFigures, s.TierBadgeFigures = figures.Badges, figures.TierBadges
}

// Badges are those that the services hold, and how they changed.
func (s *Snapshot) Badges(transitions []scoring.Transition) ([]correlation.BadgeHeld, []correlation.BadgeChange) {
	held := make([]correlation.BadgeHeld, 0, len(s.Services))
	for i := range s.Services {
		service := &s.Services[i]
		held = append(held, correlation.BadgeHeld{
			Service: service.Entry.Name, Badge: service.Badge.Badge,
			FirstJudged: service.Badge.FirstJudged, Settling: service.Badge.Settling,
		})
	}
	changes := make([]correlation.BadgeChange, 0, len(transitions))
	for i := range transitions {
		t := &transitions[i]
		changes = append(changes, correlation.BadgeChange{
			Service: t.Service, At: t.At, From: t.From, To: t.To, Initial: t.Cause == scoring.CauseInitial,
		})
	}
	return held, changes
}

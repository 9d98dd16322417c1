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
	// Incidents are those of correlation.Link.
	Incidents []correlation.Incident
	// Seen are the severities of the incidents of all time.
	Seen correlation.Seen
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
	held := make([]correlation.BadgeHeld, 0, len(s.Services))
	for i := range s.Services {
		service := &s.Services[i]
		services = append(services, service.Entry)
		held = append(held, correlation.BadgeHeld{
			Service: service.Entry.Name, Badge: service.Badge.Badge,
			FirstJudged: service.Badge.FirstJudged, Settling: service.Badge.Settling,
		})
	}
	changes := make([]correlation.BadgeChange, 0, len(h.Transitions))
	for i := range h.Transitions {
		t := &h.Transitions[i]
		changes = append(changes, correlation.BadgeChange{
			Service: t.Service, At: t.At, From: t.From, To: t.To, Initial: t.Cause == scoring.CauseInitial,
		})
	}
	figures := correlation.PerService(h.Incidents, h.Seen, services, o, s.At)
	alerts, alertGroups := correlation.MeasureAlerts(h.Alerts, h.Incidents, services, o, s.At)
	reviews := correlation.PerServiceReviews(h.Reviews, s.At)
	for i := range s.Services {
		service := &s.Services[i]
		service.Incidents, service.Alerts, service.Reviews = nil, nil, nil
		if f, ok := figures[service.Entry.Name]; ok {
			service.Incidents = &f
		}
		if a, ok := alerts[service.Entry.Name]; ok {
			service.Alerts = &a
		}
		if r, ok := reviews[service.Entry.Name]; ok {
			service.Reviews = &r
		}
	}
	s.AlertGroups = alertGroups
	s.Groups = correlation.PerGroup(h.Incidents, h.Seen, services, o, s.At)
	s.BadgeFigures = correlation.PerBadge(h.Incidents, correlation.NewBadgeHistory(held, changes), o, s.At)
}

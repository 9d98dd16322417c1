package snapshot_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

func TestMeasure(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	s := &snapshot.Snapshot{At: now, Services: []snapshot.Service{
		{
			Entry: &catalog.Service{Name: "checkout", Team: "payments", Tier: 1},
			Badge: scoring.BadgeState{Badge: framework.Silver, FirstJudged: ago(51), Since: ago(10), At: now},
		},
		{
			Entry: &catalog.Service{Name: "settling", Team: "payments", Tier: 1},
			Badge: scoring.BadgeState{FirstJudged: ago(5), Since: ago(5), At: now, Settling: true},
		},
	}}
	incident := func(service string, began int) evidence.Incident {
		return evidence.Incident{
			Source: "pagerduty/main", ID: service + ago(began).String(), Services: []string{service},
			StartedAt: ago(began), ResolvedAt: ago(began).Add(time.Hour), Resolver: evidence.ResolverPerson,
		}
	}
	incidents := correlation.NewMeter()
	incidents.Change(correlation.NewLinks().Update([]evidence.Incident{
		incident("checkout", 60), incident("checkout", 20), incident("checkout", 3), incident("settling", 2),
	}, ago(97)))
	h := snapshot.History{
		Incidents: incidents,
		Transitions: []scoring.Transition{
			{Service: "checkout", At: ago(50), To: framework.Gold, Cause: scoring.CauseInitial},
			{Service: "checkout", At: ago(10), From: framework.Gold, To: framework.Silver, Cause: scoring.CauseEvidence},
		},
		Reviews: []evidence.Review{{
			Source: "jira/main", ID: "101", Key: "PRR-1", Service: "checkout", Status: evidence.ReviewDone, CreatedAt: ago(9),
			CompletedAt: ago(4),
		}},
	}
	// Twice, because a snapshot may be measured anew.
	for range 2 {
		s.Measure(h, correlation.Options{})
	}
	checkout, settling := s.Services[0], s.Services[1]
	if checkout.Incidents == nil || checkout.Incidents.Windows[0].Incidents != 2 {
		t.Errorf("incidents of checkout: %+v", checkout.Incidents)
	}
	if checkout.Reviews == nil || !checkout.Reviews.Completed.Equal(ago(4)) || settling.Reviews != nil {
		t.Errorf("reviews: %+v and %+v", checkout.Reviews, settling.Reviews)
	}
	if len(s.Groups) != 3 || s.Groups[0].Scope != correlation.ScopeFleet || s.Groups[0].Windows[0].Incidents != 3 {
		t.Errorf("groups: %+v", s.Groups)
	}
	if len(s.BadgeFigures) != 2 || s.BadgeFigures[0].Badge != framework.Silver || s.BadgeFigures[0].Incidents != 1 ||
		s.BadgeFigures[1].Badge != framework.Gold || s.BadgeFigures[1].Incidents != 1 || s.BadgeFigures[1].ServiceDays != 40 {
		t.Errorf("badges: %+v", s.BadgeFigures)
	}
}

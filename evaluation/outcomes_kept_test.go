package evaluation

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
	"github.com/prodready/collector/store"
)

// TestFiguresFollowTheStore: after each change in the store, and as time passes, a
// process that has read it before shows what a new one shows.
func TestFiguresFollowTheStore(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	c := fleetOfOne(t, criteria, "")
	s := openStore(t, c, now)
	running := newOutcomes(s, slog.New(slog.DiscardHandler))
	shown := func(o *outcomes) string {
		t.Helper()
		current := &snapshot.Snapshot{At: now, Services: []snapshot.Service{
			{
				Entry: &catalog.Service{Name: "cart", Team: "shop", Tier: 2},
				Badge: scoring.BadgeState{Badge: framework.Silver, FirstJudged: now.AddDate(0, 0, -60)},
			},
			{Entry: &catalog.Service{Name: "shop", Team: "shop", Tier: 1}},
		}}
		if err := o.measure(t.Context(), c, current); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal([]any{
			current.Services[0].Incidents, current.Services[1].Incidents, current.Services[1].Reviews,
			current.Groups, current.BadgeFigures,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	began := func(id string, days int, services ...string) evidence.Incident {
		at := now.AddDate(0, 0, -days)
		return evidence.Incident{
			ID: id, Services: services, StartedAt: at, ResolvedAt: at.Add(time.Hour), Severity: 2, Template: "slow",
			Resolver: evidence.ResolverPerson, AcksKnown: true, Urgent: true,
		}
	}
	open := began("B", 1, "shop", "cart")
	open.ResolvedAt, open.Resolver = time.Time{}, ""
	merged := began("C", 3, "cart")
	merged.MergedInto = "A"
	gone := began("A", 3, "shop")
	gone.Gone = true
	ticket := began("101", 3, "shop")
	ticket.Key, ticket.Links = "OPS-1", []string{"https://pages.example.com/incidents/A"}
	review := evidence.Review{ID: "201", Key: "PRR-1", Service: "shop", Status: evidence.ReviewOpen, CreatedAt: now}
	done, left := review, review
	done.Status, done.CompletedAt, left.Service = evidence.ReviewDone, now.Add(time.Hour), "cart"
	var seq int64
	before := ""
	for _, step := range []struct {
		name   string
		source string
		batch  evidence.Batch
		badge  framework.Badge
		passes time.Duration
		// same is true if no figure changes.
		same bool
	}{
		{name: "an incident", batch: evidence.Batch{Incidents: []evidence.Incident{began("A", 3, "shop")}}},
		{name: "an open one of two services", batch: evidence.Batch{Incidents: []evidence.Incident{open}}},
		{name: "an hour passes", passes: time.Hour, same: true},
		{
			name: "a ticket about the first", source: "jira/main", batch: evidence.Batch{Incidents: []evidence.Incident{ticket}},
			same: true,
		},
		{name: "a part of the first", batch: evidence.Batch{Incidents: []evidence.Incident{merged}}},
		{name: "the open one is resolved", batch: evidence.Batch{Incidents: []evidence.Incident{began("B", 1, "shop", "cart")}}},
		{name: "a badge changes", badge: framework.Silver},
		{name: "a review", source: "jira/main", batch: evidence.Batch{Reviews: []evidence.Review{review}}},
		{name: "it is done", source: "jira/main", batch: evidence.Batch{Reviews: []evidence.Review{done}}, passes: 2 * time.Hour},
		{name: "it is of another service", source: "jira/main", batch: evidence.Batch{Reviews: []evidence.Review{left}}},
		{name: "the first is gone, and its part with it", batch: evidence.Batch{Incidents: []evidence.Incident{gone}}},
		{name: "an old one", batch: evidence.Batch{Incidents: []evidence.Incident{began("D", 300, "shop")}}, same: true},
		{name: "three weeks pass", passes: 21 * 24 * time.Hour},
		{name: "ten more days pass", passes: 10 * 24 * time.Hour},
		{name: "the clock was ahead", passes: -20 * 24 * time.Hour},
		{name: "a year passes", passes: 365 * 24 * time.Hour},
	} {
		source := step.source
		if source == "" {
			source = "pagerduty/main"
		}
		if _, err := s.Commit(t.Context(), source, 0, now, step.batch); err != nil {
			t.Fatal(err)
		}
		if step.badge != framework.NoBadge {
			change := scoring.Transition{Service: "cart", At: now.AddDate(0, 0, -2), From: framework.Bronze, To: step.badge}
			var err error
			seq, err = s.SaveJudgement(t.Context(), store.Judgement{
				After: seq, At: now, Transitions: []scoring.Transition{change},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(step.passes)
		got, want := shown(running), shown(newOutcomes(s, slog.New(slog.DiscardHandler)))
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", step.name, got, want)
		}
		if (got == before) != step.same {
			t.Errorf("%s: nothing has changed: %t", step.name, !step.same)
		}
		before = got
	}
}

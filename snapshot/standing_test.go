package snapshot_test

import (
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

func TestStandingLeavesOutcomesOut(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m := &framework.Module{ID: "x"}
	f := &framework.Framework{Modules: []*framework.Module{m}}
	card := scoring.Scorecard{Service: "api", At: now, Basis: &scoring.Basis{Framework: f}}
	add := func(id string, status scoring.Status, outcome bool) {
		c := &framework.Check{Index: len(f.Checks), ID: id, Module: m, Level: 1, Weight: 1, Outcome: outcome}
		f.Checks, m.Checks = append(f.Checks, c), append(m.Checks, c)
		card.Checks = append(card.Checks, scoring.CheckResult{Check: c, Status: status, Verdict: status, Fresh: status})
	}
	add("x.few-incidents", scoring.Fail, true)
	add("x.runbook", scoring.Pass, false)
	add("x.drill", scoring.Fail, false)
	add("x.backup", scoring.Unknown, false)
	s := snapshot.StandingOf(&card)
	if s.Service != "api" || !s.Since.Equal(now) || !s.HasScore || s.Score < 0.33 || s.Score > 0.34 ||
		!slices.Equal(s.Passing, []string{"x.runbook"}) || !slices.Equal(s.Failing, []string{"x.drill"}) {
		t.Errorf("%+v", s)
	}
}

// TestStandingsOfThePast: the drill passed until a week ago, and the check of backups is
// new since three days.
func TestStandingsOfThePast(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.Add(-time.Duration(days) * 24 * time.Hour) }
	m := &framework.Module{ID: "x"}
	f := &framework.Framework{Modules: []*framework.Module{m}}
	card := scoring.Scorecard{Service: "api", At: now, Basis: &scoring.Basis{Framework: f}}
	for id, status := range map[string]scoring.Status{
		"x.runbook": scoring.Pass, "x.drill": scoring.Fail, "x.backup": scoring.Fail,
	} {
		c := &framework.Check{Index: len(f.Checks), ID: id, Module: m, Level: 1, Weight: 1}
		f.Checks, m.Checks = append(f.Checks, c), append(m.Checks, c)
		card.Checks = append(card.Checks, scoring.CheckResult{Check: c, Status: status, Verdict: status, Fresh: status})
	}
	got := snapshot.Standings(&card, []snapshot.StatusSpan{
		{Check: "x.drill", Status: scoring.Unknown, Since: ago(90), Until: ago(20)},
		{Check: "x.drill", Status: scoring.Pass, Since: ago(20), Until: ago(7)},
		{Check: "x.drill", Status: scoring.Fail, Since: ago(7)},
		{Check: "x.backup", Status: scoring.Fail, Since: ago(3)},
	}, ago(30))
	want := []struct {
		since            time.Time
		passing, failing int
		score            float64
	}{{ago(30), 1, 0, 0.5}, {ago(20), 2, 0, 1}, {ago(7), 1, 1, 0.5}, {ago(3), 1, 2, 1.0 / 3}}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		if s := got[i]; s.Service != "api" || !s.Since.Equal(w.since) || len(s.Passing) != w.passing ||
			len(s.Failing) != w.failing || s.Score != w.score {
			t.Errorf("since %v: %+v, want %+v", w.since, s, w)
		}
	}
	if card.Checks[0].Check == nil || len(card.Modules) != 0 {
		t.Error("the card of now was changed")
	}
}

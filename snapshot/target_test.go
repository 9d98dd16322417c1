package snapshot_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

// TestTargetOf is about a service that was first judged in March. Its target is Gold.
func TestTargetOf(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	first, lost := day(3, 1).Add(9*time.Hour), day(5, 10).Add(8*time.Hour)
	m := &framework.Module{ID: "x", Scale: framework.Maturity}
	card := &scoring.Scorecard{Ceiling: framework.Diamond}
	for level, status := range map[int]scoring.Status{
		1: scoring.Pass, 2: scoring.Fail, 3: scoring.Unknown, 4: scoring.Fail,
	} {
		check := &framework.Check{Module: m, Level: level}
		card.Checks = append(card.Checks, scoring.CheckResult{Check: check, Status: status})
	}
	gold := scoring.Target{Selector: scoring.Selector{Tiers: []int{1}}, Badge: framework.Gold}
	by := func(day, since time.Time) []scoring.Target {
		target := gold
		target.By, target.Since = day, since
		return []scoring.Target{target}
	}
	none := scoring.Target{Selector: scoring.Selector{Services: []string{"api"}}, Badge: framework.NoBadge}
	var never time.Time
	for name, c := range map[string]struct {
		targets []scoring.Target
		aims    []framework.Target
		badge   framework.Badge
		lost    map[framework.Badge]time.Time
		observe time.Duration
		at      time.Time
		status  snapshot.TargetStatus
		from    time.Time
		since   time.Time
		grace   bool
		missing int
	}{
		"without a target":   {at: day(6, 1), status: snapshot.NoTarget},
		"one taken away":     {targets: append(by(never, never), none), at: day(6, 1), status: snapshot.NoTarget},
		"held":               {targets: by(never, never), badge: framework.Gold, at: day(6, 1), status: snapshot.OnTarget},
		"more than is asked": {targets: by(never, never), badge: framework.Diamond, at: day(6, 1), status: snapshot.OnTarget},
		"on the last day": {targets: by(day(6, 1), never), at: day(6, 2).Add(-time.Second), status: snapshot.Due,
			from: day(6, 2), missing: 2},
		"after the last day": {targets: by(day(6, 1), never), at: day(6, 2), status: snapshot.Late,
			from: day(6, 2), since: day(6, 2), missing: 2},
		"lost before the last day": {targets: by(day(6, 1), never), lost: map[framework.Badge]time.Time{framework.Gold: lost},
			at: day(6, 2), status: snapshot.Late, from: day(6, 2), since: day(6, 2), missing: 2},
		"lost after the last day": {targets: by(day(4, 1), never), lost: map[framework.Badge]time.Time{framework.Gold: lost},
			at: day(6, 2), status: snapshot.Late, from: day(4, 2), since: lost, missing: 2},
		"without a day, never held": {targets: by(never, never), at: day(6, 1), status: snapshot.Late, from: first,
			since: first, missing: 2},
		"without a day, lost": {targets: by(never, never), lost: map[framework.Badge]time.Time{framework.Gold: lost},
			at: day(6, 1), status: snapshot.Late, from: first, since: lost, missing: 2},
		"without a day, since April": {targets: by(never, day(4, 1)), at: day(6, 1), status: snapshot.Late, from: day(4, 1),
			since: day(4, 1), missing: 2},
		"before it counts": {targets: by(never, day(7, 1)), at: day(6, 1), status: snapshot.NoTarget},
		"a new service": {targets: by(day(1, 1), never), observe: 14 * 24 * time.Hour, at: day(3, 10), status: snapshot.Due,
			from: first.AddDate(0, 0, 14), grace: true, missing: 2},
		"a service that was new": {targets: by(day(1, 1), never), observe: 14 * 24 * time.Hour, at: day(3, 20),
			status: snapshot.Late, from: first.AddDate(0, 0, 14), since: first.AddDate(0, 0, 14), grace: true, missing: 2},
		"an aim of the framework": {aims: []framework.Target{{Badge: framework.Gold}}, at: day(6, 1), status: snapshot.Due,
			missing: 2},
		"a dated one of the framework": {aims: []framework.Target{{Badge: framework.Silver, Due: day(5, 1)}}, at: day(6, 1),
			status: snapshot.Late, from: day(5, 2), since: day(5, 2), missing: 1},
		"the configuration is before the framework": {targets: by(day(8, 1), never),
			aims: []framework.Target{{Badge: framework.Diamond, Due: day(5, 1)}}, at: day(6, 1), status: snapshot.Due,
			from: day(8, 2), missing: 2},
	} {
		s := &snapshot.Snapshot{At: c.at, Targets: c.targets, ObserveFor: c.observe,
			Framework: &framework.Framework{Targets: c.aims}}
		service := &snapshot.Service{
			Entry: &catalog.Service{Name: "api", Tier: 1}, Card: card,
			Badge: scoring.BadgeState{Badge: c.badge, FirstJudged: first, Lost: c.lost},
		}
		got, ok := s.TargetOf(service)
		if ok != (c.status != snapshot.NoTarget) || got.Status != c.status || !got.LateFrom.Equal(c.from) ||
			!got.LateSince.Equal(c.since) || got.Grace != c.grace || got.Missing != c.missing {
			t.Errorf("%s: %s from %s since %s (grace %t), %d missing", name, got.Status, got.LateFrom, got.LateSince, got.Grace,
				got.Missing)
		}
	}
}

// TestWhatIsInTheWayOfATarget besides checks.
func TestWhatIsInTheWayOfATarget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ceiling, proved framework.Badge
		want            snapshot.TargetBlock
	}{
		"it waits for its dwell": {framework.Diamond, framework.Gold, ""},
		"too few modules":        {framework.Silver, framework.Silver, snapshot.BlockedByCeiling},
		"too many exempt checks": {framework.Diamond, framework.Silver, snapshot.BlockedByLimits},
	} {
		s := &snapshot.Snapshot{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
			Framework: &framework.Framework{Targets: []framework.Target{{Badge: framework.Gold}}}}
		got, _ := s.TargetOf(&snapshot.Service{Entry: &catalog.Service{Name: "api", Tier: 1},
			Card: &scoring.Scorecard{Ceiling: c.ceiling, Badge: scoring.Bounds[framework.Badge]{Lower: c.proved}}})
		if got.Blocked != c.want {
			t.Errorf("%s: %q", name, got.Blocked)
		}
	}
}

// TestGraceEnd: it is known while the service is new, and not before it was judged.
func TestGraceEnd(t *testing.T) {
	t.Parallel()
	const observe = 14 * 24 * time.Hour
	first := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	judged := snapshot.Service{Badge: scoring.BadgeState{FirstJudged: first}}
	for name, c := range map[string]struct {
		service snapshot.Service
		at      time.Time
		want    time.Time
	}{
		"new":        {judged, first, first.Add(observe)},
		"still new":  {judged, first.Add(observe - time.Second), first.Add(observe)},
		"over":       {judged, first.Add(observe), time.Time{}},
		"not judged": {snapshot.Service{}, first, time.Time{}},
	} {
		s := snapshot.Snapshot{At: c.at, ObserveFor: observe}
		if got := s.GraceEnd(&c.service); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

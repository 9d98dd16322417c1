package review

import (
	"cmp"
	"slices"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/snapshot"
)

const (
	// mostKudos is how many of each kind are praised.
	mostKudos = 3
	// mostPromotions bounds the promotions that are listed.
	mostPromotions = 10
)

func (b *builder) kudos(changes []Change) Kudos {
	k := Kudos{
		Promotions: filter(changes, func(c *Change) bool { return c.news() && c.Rose() }),
		Streaks:    b.streaks(),
	}
	k.Improved = first(filter(b.flipped(), func(i *Improvement) bool { return i.Mended > i.Broken }), mostKudos)
	// The highest badges first.
	slices.SortStableFunc(k.Promotions, func(x, y Change) int { return cmp.Compare(levelOf(y.To), levelOf(x.To)) })
	k.Promotions = first(k.Promotions, mostPromotions)
	k.Quiet, k.QuietWhy = b.quiet()
	return k
}

// teams are the services of each team.
func (b *builder) teams() map[string][]*snapshot.Service {
	teams := map[string][]*snapshot.Service{}
	for _, s := range b.services {
		if s.Entry.Team != "" {
			teams[s.Entry.Team] = append(teams[s.Entry.Team], s)
		}
	}
	return teams
}

// streaks are the teams with a badge that have gone longest without losing one.
func (b *builder) streaks() []Streak {
	lost := map[string]time.Time{}
	for i := range b.Transitions {
		t := &b.Transitions[i]
		if t.To < t.From && t.Cause == scoring.CauseEvidence && t.At.Before(b.end) {
			lost[t.Service] = later(lost[t.Service], t.At.UTC())
		}
	}
	list := []Streak{}
	for team, services := range b.teams() {
		s := Streak{Team: team, Services: len(services), AtLeast: true}
		badged := false
		for _, service := range services {
			badge, known := b.heldAt(service.Entry.Name, b.end)
			badged = badged || known && badge > framework.NoBadge
			if at, ever := lost[service.Entry.Name]; ever && !at.Before(s.Since) {
				s.Since, s.AtLeast = at, false
			}
		}
		if s.Since.IsZero() {
			s.Since = b.begin(services)
		}
		if badged && !b.badgesSince.IsZero() {
			list = append(list, s)
		}
	}
	return b.longest(list)
}

// begin is since when the badges of services are known.
func (b *builder) begin(services []*snapshot.Service) time.Time {
	begin := b.at
	for _, s := range services {
		if first := s.Badge.FirstJudged.UTC(); !first.IsZero() {
			begin = earlier(begin, first)
		}
	}
	return later(begin, b.badgesSince)
}

// longest are the longest streaks that last for all of the period.
func (b *builder) longest(list []Streak) []Streak {
	for i := range list {
		list[i].Since = list[i].Since.Truncate(time.Second)
		list[i].Days = max(int(b.end.Sub(list[i].Since)/day), 0)
	}
	list = filter(list, func(s *Streak) bool { return !s.Since.After(b.Period.From) })
	slices.SortFunc(list, func(x, y Streak) int {
		return cmp.Or(cmp.Compare(y.Days, x.Days), cmp.Compare(y.Services, x.Services), cmp.Compare(x.Team, y.Team))
	})
	return first(list, mostKudos)
}

// quiet are the teams whose on-call was paged longest ago. A team of which incidents may
// be missing is left out.
func (b *builder) quiet() (list []Streak, why string) {
	list = []Streak{}
	if known := b.knownSpan(b.Period.From, b.end); !known.whole {
		return list, "the incidents of the period are not all known"
	}
	paged := b.lastPaged()
	for team, services := range b.teams() {
		if s, ok := b.quietSince(team, services, paged); ok {
			list = append(list, s)
		}
	}
	if list = b.longest(list); len(list) == 0 {
		why = "every team was paged, or its incidents are not all known"
	}
	return list, why
}

// lastPaged is when an incident of each service last paged a person.
func (b *builder) lastPaged() map[string]time.Time {
	paged := map[string]time.Time{}
	for _, in := range b.Incidents {
		if !in.Urgent || in.Maintenance || !in.StartedAt.Before(b.end) {
			continue
		}
		for _, service := range in.Services {
			paged[service] = later(paged[service], in.StartedAt.UTC())
		}
	}
	return paged
}

// quietSince is since when a team was not paged; false for a team that cannot be paged,
// or may have been.
func (b *builder) quietSince(
	team string, services []*snapshot.Service, paged map[string]time.Time,
) (s Streak, ok bool) {
	s = Streak{Team: team, Services: len(services), Since: b.IncidentsSince.UTC(), AtLeast: true}
	for _, service := range services {
		ok = ok || len(service.Entry.PagerDuty) > 0
		if at, ever := paged[service.Entry.Name]; ever && !at.Before(s.Since) {
			s.Since, s.AtLeast = at, false
		}
	}
	for _, service := range services {
		if doubt, there := b.Doubts[service.Entry.Name]; there && doubt.Newest.After(s.Since) {
			return s, false
		}
	}
	return s, ok
}

// flipped are the services with checks that were definite at both ends of the period,
// and other ones; those that have improved most first.
func (b *builder) flipped() []Improvement {
	type ends struct{ begin, end scoring.Status }
	of := map[string]map[string]ends{}
	for _, span := range b.Statuses {
		if b.ofName[span.Service] == nil {
			continue
		}
		checks := of[span.Service]
		if checks == nil {
			checks = map[string]ends{}
			of[span.Service] = checks
		}
		e := checks[span.Check]
		if span.covers(b.Period.From) {
			e.begin = span.Status
		}
		if span.covers(b.end) {
			e.end = span.Status
		}
		checks[span.Check] = e
	}
	list := []Improvement{}
	for service, checks := range of {
		im := Improvement{Owner: b.owner(service), Checks: []string{}}
		for _, check := range sortedKeys(checks) {
			switch e := checks[check]; {
			case e.begin == scoring.Fail && e.end == scoring.Pass:
				im.Mended++
				im.Checks = append(im.Checks, check)
			case e.begin == scoring.Pass && e.end == scoring.Fail:
				im.Broken++
			}
		}
		if im.Mended > 0 || im.Broken > 0 {
			list = append(list, im)
		}
	}
	slices.SortFunc(list, func(x, y Improvement) int {
		return cmp.Or(cmp.Compare(y.Mended-y.Broken, x.Mended-x.Broken), cmp.Compare(y.Mended, x.Mended),
			cmp.Compare(x.Service, y.Service))
	})
	return list
}

// covers reports whether the status was that of a time.
func (s *StatusSpan) covers(at time.Time) bool {
	return !s.Since.After(at) && (s.Until.IsZero() || s.Until.After(at))
}

// lagging are the teams with a service below its target.
func (b *builder) lagging() []TeamLag {
	list := []TeamLag{}
	for team, services := range b.teams() {
		lag := TeamLag{Team: team, Org: services[0].Entry.Org}
		furthest := 0
		for _, s := range services {
			row := b.rows[s.Entry.Name]
			if !row.HasTarget() {
				continue
			}
			lag.Services++
			missing := max(levelOf(row.Target)-levelOf(row.Badge), 0)
			lag.OnTarget += count(missing == 0)
			lag.Late += count(row.Late())
			lag.Levels += missing
			if missing > 0 {
				lag.Checks += row.TargetGapChecks
			}
			if missing > furthest {
				furthest, lag.Furthest = missing, s.Entry.Name
			}
		}
		if lag.Levels > 0 {
			list = append(list, lag)
		}
	}
	slices.SortFunc(list, func(x, y TeamLag) int {
		// By the badges missing to a service, so that a large team is not last for its size.
		return cmp.Or(cmp.Compare(y.Late, x.Late), cmp.Compare(y.Levels*x.Services, x.Levels*y.Services),
			cmp.Compare(y.Levels, x.Levels), cmp.Compare(x.Team, y.Team))
	})
	return list
}

// belowTargets are the services that are late for their target, the longest first within a
// tier, and those that will be soon, the nearest first.
func (b *builder) belowTargets() (late, due []BelowTarget) {
	late, due = []BelowTarget{}, []BelowTarget{}
	for _, s := range b.services {
		row := b.rows[s.Entry.Name]
		below := BelowTarget{
			Owner: b.owner(s.Entry.Name), Badge: row.Badge, Target: row.Target, Due: row.TargetDue, From: row.LateFrom,
			Checks: row.TargetGapChecks, Words: row.TargetStatus(b.Snapshot.At),
		}
		switch {
		case row.Late():
			below.From = row.LateSince
			below.Days = int(b.at.Sub(row.LateSince) / day)
			late = append(late, below)
		case row.BelowTarget() && !row.LateFrom.IsZero() && row.LateFrom.Before(b.at.Add(ahead)):
			below.Days = int(row.LateFrom.Sub(b.at) / day)
			due = append(due, below)
		}
	}
	slices.SortStableFunc(late, func(x, y BelowTarget) int {
		return cmp.Or(cmp.Compare(x.Tier, y.Tier), x.From.Compare(y.From), cmp.Compare(y.short(), x.short()))
	})
	slices.SortStableFunc(due, func(x, y BelowTarget) int {
		return cmp.Or(x.From.Compare(y.From), cmp.Compare(x.Tier, y.Tier), cmp.Compare(y.short(), x.short()))
	})
	return late, due
}

// short is how many badges are missing.
func (t *BelowTarget) short() int { return levelOf(t.Target) - levelOf(t.Badge) }

package company

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func made(t *testing.T, plan Plan) *Company {
	t.Helper()
	if plan.Now.IsZero() {
		plan.Now = noon
	}
	c, err := New(plan)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func text(t *testing.T, c *Company) string {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheSamePlanGivesTheSameCompany(t *testing.T) {
	first := text(t, made(t, Plan{Seed: 7}))
	if first != text(t, made(t, Plan{Seed: 7})) {
		t.Error("one plan has given two companies")
	}
	if first == text(t, made(t, Plan{Seed: 8})) {
		t.Error("another seed has given the same company")
	}
	if first == text(t, made(t, Plan{Seed: 7, Now: noon.Add(day)})) {
		t.Error("another day has given the same past")
	}
}

func TestTheFleet(t *testing.T) {
	c := made(t, Plan{Seed: 1})
	if len(c.Services) != 48 || len(c.Teams) != 12 || len(c.Orgs()) != 3 {
		t.Fatalf("%d services, %d teams, %d orgs", len(c.Services), len(c.Teams), len(c.Orgs()))
	}
	teams, tiers, badges, names := map[string]int{}, map[int]int{}, map[framework.Badge]int{}, map[string]bool{}
	for _, s := range c.Services {
		teams[s.TeamName]++
		tiers[s.Tier]++
		badges[s.Goal]++
		if names[s.Name] {
			t.Errorf("the name %s is used twice", s.Name)
		}
		names[s.Name] = true
	}
	for _, team := range c.Teams {
		if teams[team.Name] == 0 {
			t.Errorf("team %s has no service", team.Name)
		}
		if len(team.People) < 7 {
			t.Errorf("team %s has %d people: too few for a rotation of six and a manager", team.Name, len(team.People))
		}
	}
	for tier := 1; tier <= 4; tier++ {
		if tiers[tier] == 0 {
			t.Errorf("no service of tier %d", tier)
		}
	}
	for i, want := range shares() {
		if got := badges[framework.Badge(i)]; got != want {
			t.Errorf("%d services are good for %s, want %d", got, framework.Badge(i), want)
		}
	}
}

func TestCompaniesOfOtherSizes(t *testing.T) {
	for _, n := range []int{1, 5, 49, 120} {
		c := made(t, Plan{Seed: 3, Services: n})
		names := map[string]bool{}
		for _, s := range c.Services {
			names[s.Name] = true
		}
		if len(names) != n {
			t.Errorf("%d names for %d services", len(names), n)
		}
	}
	for _, n := range []int{-1, MaxServices + 1} {
		if _, err := New(Plan{Services: n, Now: noon}); err == nil {
			t.Errorf("a company of %d services was made", n)
		}
	}
	if _, err := New(Plan{}); err == nil {
		t.Error("a company without a present was made")
	}
}

func TestIDsAreUnique(t *testing.T) {
	c := made(t, Plan{Seed: 2})
	seen := map[string]string{}
	claim := func(id, what string) {
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have the id %s", other, what, id)
		}
		seen[id] = what
	}
	for _, team := range c.Teams {
		for _, p := range team.People {
			claim(p.ID, "a person")
		}
	}
	for _, s := range c.Services {
		if s.PagerID != "" {
			claim(s.PagerID, s.Name)
		}
	}
	for _, p := range c.Policies {
		claim(p.ID, p.Name)
	}
	for _, s := range c.Schedules {
		claim(s.ID, s.Name)
	}
	for _, in := range c.Incidents {
		claim(in.ID, "an incident")
		if in.Ticket != "" {
			claim(in.Ticket, "the ticket of an incident")
		}
	}
	for _, r := range c.Reviews {
		claim(r.Key, "a review")
		for _, a := range r.Claims {
			claim(a.Key, "a claim")
		}
	}
	for _, ticket := range c.Tickets {
		claim(ticket.Key, "a ticket")
	}
	for _, change := range c.Changes {
		claim(change.ID, "a change")
	}
}

func TestPracticeReachesTheGoalAndNoFurther(t *testing.T) {
	checks, err := Checks()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		c := made(t, Plan{Seed: seed})
		for _, s := range c.Services {
			blocked := s.Goal == framework.Diamond
			for _, check := range checks {
				habit, ok := s.Practice[check.ID]
				if !ok || !check.Has(habit.Shown) {
					t.Fatalf("%s: habit %s is shown by %q, which is none of its proofs", s.Name, check.ID, habit.Shown)
				}
				if check.Level <= int(s.Goal) && !habit.Done {
					t.Errorf("seed %d: %s is good for %s without %s", seed, s.Name, s.Goal, check.ID)
				}
				if check.Level == int(s.Goal)+1 && check.Unconditional(s.Tier) && !habit.Done {
					blocked = true
				}
			}
			if !blocked {
				t.Errorf("seed %d: nothing keeps %s at %s", seed, s.Name, s.Goal)
			}
		}
	}
}

func TestHighBadgesDoNotRestOnClaims(t *testing.T) {
	checks, err := Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range made(t, Plan{Seed: 4}).Services {
		if s.Goal < framework.Platinum {
			continue
		}
		level4, level5 := map[string]int{}, 0
		for _, c := range checks {
			if s.Practice[c.ID].Shown != framework.ByAttested {
				continue
			}
			if c.Level == 4 {
				level4[c.Module]++
			}
			if c.Level == 5 {
				level5++
			}
		}
		for module, n := range level4 {
			if n > 1 {
				t.Errorf("%s attests %d checks of level 4 in %s", s.Name, n, module)
			}
		}
		if level5 > 2 {
			t.Errorf("%s attests %d checks of level 5", s.Name, level5)
		}
	}
}

func TestNeedsNameRealChecks(t *testing.T) {
	checks, err := Checks()
	if err != nil {
		t.Fatal(err)
	}
	level := map[string]int{}
	for _, c := range checks {
		level[c.ID] = c.Level
	}
	named := claimed()
	for id := range unseenElsewhere() {
		named = append(named, id)
	}
	for id := range rarelyMeasured() {
		named = append(named, id)
	}
	for id, list := range needs() {
		named = append(named, id)
		for _, need := range list {
			named = append(named, need)
			if level[need] > level[id] {
				t.Errorf("%s of level %d needs %s of level %d", id, level[id], need, level[need])
			}
		}
	}
	for _, id := range named {
		if level[id] == 0 {
			t.Errorf("%s is no check of the framework", id)
		}
	}
}

func TestAttestedHabitsAreClaimed(t *testing.T) {
	c := made(t, Plan{Seed: 5})
	claims := map[string]time.Time{}
	for _, r := range c.Reviews {
		for _, a := range r.Claims {
			claims[r.Service+" "+a.Check] = a.At
			if a.At.Before(r.Created) || a.At.After(c.Now) || a.By == a.Accepted {
				t.Errorf("%s: claim of %s made %s by %s, accepted by %s", r.Key, a.Check, a.At, a.By, a.Accepted)
			}
		}
	}
	checks, err := Checks()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Services {
		for _, check := range checks {
			habit := s.Practice[check.ID]
			at, claimed := claims[s.Name+" "+check.ID]
			if habit.Done && habit.Shown == framework.ByAttested && !claimed {
				t.Errorf("nobody claims %s of %s", check.ID, s.Name)
			}
			valid := 365 * day
			if check.Level >= 4 {
				valid = 180 * day
			}
			if claimed && c.Now.Sub(at) > valid-day {
				t.Errorf("the claim of %s for %s has run out", check.ID, s.Name)
			}
		}
	}
}

func TestReviewsLeaveRoomForAComparison(t *testing.T) {
	c := made(t, Plan{Seed: 6})
	reviewed, old := map[string]bool{}, 0
	for _, r := range c.Reviews {
		if r.Completed.IsZero() {
			continue
		}
		reviewed[r.Service] = true
		if c.Now.Sub(r.Completed) > 194*day {
			old++
		}
		if r.Completed.Before(r.Created) || r.Completed.After(c.Now) || c.Now.Sub(r.Created) > History {
			t.Errorf("%s runs from %s to %s", r.Key, r.Created, r.Completed)
		}
	}
	if old < 10 || len(c.Services)-len(reviewed) < 10 {
		t.Errorf("%d services reviewed half a year ago and %d never: want ten of each", old, len(c.Services)-len(reviewed))
	}
}

func TestBetterServicesHaveShorterIncidents(t *testing.T) {
	logs := map[framework.Badge]float64{}
	incidents, services := map[framework.Badge]float64{}, map[framework.Badge]float64{}
	for seed := range uint64(3) {
		c := made(t, Plan{Seed: seed})
		goal := map[string]framework.Badge{}
		for _, s := range c.Services {
			goal[s.Name] = s.Goal
			if s.Registration == Registered {
				services[s.Goal]++
			}
		}
		for _, in := range c.Incidents {
			if in.Kind == Real && in.Resolver == ByPerson {
				incidents[goal[in.Service]]++
				logs[goal[in.Service]] += math.Log(in.End.Sub(in.Start).Minutes())
			}
		}
	}
	mean := func(b framework.Badge) float64 { return math.Exp(logs[b] / incidents[b]) }
	for _, b := range framework.Badges() {
		t.Logf(
			"%-8s %5.1f real incidents a service and year, geometric mean %4.0f minutes", b, incidents[b]/services[b], mean(b),
		)
	}
	if mean(framework.Platinum) > 0.75*mean(framework.Bronze) {
		t.Errorf("platinum resolves in %.0f minutes, bronze in %.0f", mean(framework.Platinum), mean(framework.Bronze))
	}
}

func TestIncidentsMakeSense(t *testing.T) {
	c := made(t, Plan{Seed: 9})
	kinds, resolvers, open := map[Kind]int{}, map[Resolver]int{}, 0
	people := map[string]string{}
	for _, team := range c.Teams {
		for _, p := range team.People {
			people[p.ID] = team.Name
		}
	}
	for i, in := range c.Incidents {
		s, ok := c.Service(in.Service)
		if !ok || s.PagerID == "" {
			t.Fatalf("incident %s happened to %s, which PagerDuty does not know", in.ID, in.Service)
		}
		kinds[in.Kind]++
		resolvers[in.Resolver]++
		if in.Number != i+1 || i > 0 && in.Start.Before(c.Incidents[i-1].Start) {
			t.Errorf("%s is number %d at place %d", in.ID, in.Number, i)
		}
		switch {
		case in.Open():
			open++
			if in.Resolver != Nobody || c.Now.Sub(in.Start) > day {
				t.Errorf("%s is open since %s, resolved by %q", in.ID, in.Start, in.Resolver)
			}
		case !in.End.After(in.Start) || in.End.After(c.Now):
			t.Errorf("%s runs from %s to %s", in.ID, in.Start, in.End)
		case in.Resolver == ByTimeout && (in.End.Sub(in.Start) < s.AutoResolve || in.End.Sub(in.Start) > s.AutoResolve+
			2*time.Minute):
			t.Errorf("%s timed out after %s, time-out %s", in.ID, in.End.Sub(in.Start), s.AutoResolve)
		}
		if !in.Ack.IsZero() && (!in.Ack.After(in.Start) || !in.Open() && in.Ack.After(in.End) || in.Ack.After(c.Now)) {
			t.Errorf("%s: start %s, ack %s, end %s", in.ID, in.Start, in.Ack, in.End)
		}
		if (in.Resolver == ByPerson) != (people[in.Responder] == s.TeamName) {
			t.Errorf(
				"%s of team %s was resolved by %q, %q of %q", in.ID, s.TeamName, in.Resolver, in.Responder, people[in.Responder],
			)
		}
		if in.Worthless() && (!in.Ack.IsZero() || in.End.Sub(in.Start) > 5*time.Minute) {
			t.Errorf("%s is noise, acknowledged %s, and lasted %s", in.ID, in.Ack, in.End.Sub(in.Start))
		}
		if strings.TrimSpace(in.Title) == "" {
			t.Errorf("%s has no title", in.ID)
		}
	}
	if first := c.Incidents[0].Start; c.Now.Sub(first) < 350*day || c.Now.Sub(first) > History+day {
		t.Errorf("the past begins %s ago", c.Now.Sub(first))
	}
	for _, k := range []Kind{Real, Noise, Flap, Shrug} {
		if kinds[k] == 0 {
			t.Errorf("no incident is %s", k)
		}
	}
	for _, r := range []Resolver{ByPerson, ByIntegration, ByTimeout, Nobody} {
		if resolvers[r] == 0 {
			t.Errorf("no incident was resolved by %q", r)
		}
	}
	if n := len(c.Incidents); n < 1500 || n > 12000 {
		t.Errorf("%d incidents in a year", n)
	}
	t.Logf(
		"%d incidents (%v), %d open, %d changes, %d reviews, %d tickets", len(c.Incidents), kinds, open, len(c.Changes),
		len(c.Reviews), len(c.Tickets),
	)
}

func TestEveryServiceIsPaged(t *testing.T) {
	for seed := range uint64(3) {
		c := made(t, Plan{Seed: seed})
		schedules := map[string]*Schedule{}
		for _, s := range c.Schedules {
			schedules[s.ID] = s
			if s.Start.After(c.Now.Add(-History)) || len(s.People) == 0 {
				t.Errorf("schedule %s begins %s with %d people", s.ID, s.Start, len(s.People))
			}
			if unique := slices.Compact(slices.Sorted(slices.Values(s.People))); len(unique) != len(s.People) {
				t.Errorf("schedule %s has somebody twice", s.ID)
			}
		}
		policies := map[string]*Policy{}
		for _, p := range c.Policies {
			policies[p.ID] = p
		}
		for _, s := range c.Services {
			p := policies[s.PolicyID]
			if p == nil || len(p.Levels) == 0 {
				t.Fatalf("%s has no escalation policy", s.Name)
			}
			where := fmt.Sprintf("seed %d: %s", seed, s.Name)
			var first []*Schedule
			for _, id := range p.Levels[0].Schedules {
				first = append(first, schedules[id])
			}
			covered := func(from, to time.Duration) bool {
				for _, gap := range first[0].Gaps {
					if gap.Start.Before(c.Now.Add(to)) && gap.End.After(c.Now.Add(from)) {
						return false
					}
				}
				return true
			}
			lone := onePersonAtTwoLevels(c.Now, p, schedules)
			for check, have := range map[string]bool{
				"inc.someone-on-call": covered(0, time.Second),
				"inc.covered":         covered(0, 14*day),
				"inc.sustainable-rotation": covered(0, 30*day) && len(first[0].People) >= 4 && (s.Tier > 1 ||
					len(first[0].People) >= 6),
				"inc.escalates":     len(p.Levels) >= 2 && !lone,
				"inc.ack-times-out": s.AckTimeout > 0 && s.AckTimeout <= time.Hour,
				"inc.registered":    s.Registration == Registered,
			} {
				if have != s.Does(check) {
					t.Errorf("%s: %s is %t, its practice says %t", where, check, have, s.Does(check))
				}
			}
		}
	}
}

// onePersonAtTwoLevels looks at every day of the coming two weeks.
func onePersonAtTwoLevels(now time.Time, p *Policy, schedules map[string]*Schedule) bool {
	for n := range 14 * 4 {
		at, seen := now.Add(time.Duration(n)*6*time.Hour), map[string]bool{}
		for _, level := range p.Levels {
			people := append([]string(nil), level.People...)
			for _, id := range level.Schedules {
				s := schedules[id]
				people = append(people, s.People[int(at.Sub(s.Start)/s.Shift)%len(s.People)])
			}
			if len(people) == 1 && seen[people[0]] {
				return true
			}
			seen[people[0]] = true
		}
	}
	return false
}

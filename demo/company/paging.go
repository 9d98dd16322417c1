package company

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Registration is how a service is known to PagerDuty.
type Registration string

// The ways of registration. All but Registered make the service fail
// inc.registered.
const (
	Registered     Registration = "registered"
	Disabled       Registration = "disabled"
	NoIntegration  Registration = "no_integration"
	DanglingID     Registration = "dangling_id"      // the catalog names an id that is gone
	NotInPagerDuty Registration = "not_in_pagerduty" // the catalog names none
)

// Policy is an escalation policy.
type Policy struct {
	ID, Name string
	Team     string
	Levels   []Level
}

// Level is who is paged together.
type Level struct {
	// Delay is how long it takes until the next level is paged.
	Delay time.Duration
	// Schedules and People are ids.
	Schedules, People []string
}

// Schedule is a rotation.
type Schedule struct {
	ID, Name, Zone string
	// People take turns in this order, one Shift each, from Start on.
	People []string
	Start  time.Time
	Shift  time.Duration
	// Gaps are the times without anyone on call.
	Gaps []Span
}

// Span is the time from Start until before End.
type Span struct{ Start, End time.Time }

// Holds reports whether t is in the span.
func (s Span) Holds(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// Time-outs of PagerDuty services.
const (
	goodAckTimeout = 30 * time.Minute
	lazyAckTimeout = 8 * time.Hour
	autoResolve    = 4 * time.Hour
)

// register decides how each service is known to PagerDuty.
func (b *builder) register() {
	for _, s := range b.Services {
		d := b.dice("register", s.Name)
		s.Registration = Registered
		if !s.Does("inc.registered") {
			s.Registration = pick(d, []Registration{Disabled, NoIntegration, NoIntegration, DanglingID, NotInPagerDuty})
		}
		if s.Odd == Removed {
			s.Registration = DanglingID
		}
		if s.Registration != NotInPagerDuty {
			s.PagerID = identifier(b.Seed, "P", "service", s.Name)
		}
		switch {
		case s.Does("inc.ack-times-out"):
			s.AckTimeout = goodAckTimeout
		case d.chance(0.4):
			s.AckTimeout = lazyAckTimeout
		}
		if !s.Does("obs.noise-bounded") || d.chance(0.3) {
			s.AutoResolve = autoResolve
		}
	}
}

// policies makes the escalation policies. Services of a team that page in the
// same way share one; loud ones have their own, so that they wake nobody who
// answers for a quiet one.
func (b *builder) policies() {
	shared := map[string]*Policy{}
	for _, s := range b.Services {
		d := b.dice("paging", s.Name)
		key := s.Name
		if s.Does("inc.humane-load") && s.Odd == Ordinary {
			var habits []string
			for _, id := range []string{"inc.someone-on-call", "inc.escalates", "inc.covered", "inc.sustainable-rotation"} {
				habits = append(habits, strconv.FormatBool(s.Does(id)))
			}
			key = fmt.Sprintf("%s/%t/%s", s.TeamName, s.Tier == 1, strings.Join(habits, "/"))
		}
		policy, ok := shared[key]
		if !ok {
			name := s.Title
			if s.Does("inc.humane-load") {
				name = s.Team.Title
			}
			policy = b.policy(d, s, name)
			shared[key] = policy
		}
		s.PolicyID = policy.ID
	}
	sort.Slice(b.Policies, func(i, j int) bool { return b.Policies[i].ID < b.Policies[j].ID })
	sort.Slice(b.Schedules, func(i, j int) bool { return b.Schedules[i].ID < b.Schedules[j].ID })
}

// policy makes an escalation policy that pages as the service practises.
func (b *builder) policy(d *dice, s *Service, name string) *Policy {
	p := &Policy{ID: identifier(b.Seed, "P", "policy", s.Name), Name: name + " escalation", Team: s.TeamName}
	people := make([]string, 0, len(s.Team.People))
	for _, person := range s.Team.People {
		people = append(people, person.ID)
	}
	// The first of the team is its manager, and not in the rotation.
	manager, rotation := people[0], shuffled(d, people[1:])
	if !s.Does("inc.sustainable-rotation") {
		rotation = rotation[:2+d.IntN(2)]
	}
	if s.Does("inc.sustainable-rotation") && s.Tier > 2 {
		rotation = rotation[:4]
	}
	gaps := b.gaps(d, s)
	if !s.Does("inc.escalates") {
		kind := d.IntN(3)
		if s.Odd == Unmanned {
			kind = 0
		}
		switch kind {
		case 0: // only the first level
			p.Levels = []Level{{Delay: 30 * time.Minute, Schedules: []string{b.schedule(s, name+" on call", rotation, gaps)}}}
		case 1: // the same person twice
			p.Levels = []Level{
				{Delay: 15 * time.Minute, Schedules: []string{b.schedule(s, name+" on call", rotation[:1], gaps)}},
				{Delay: 30 * time.Minute, People: rotation[:1]},
			}
		default: // a rotation whose second level is the same rotation
			first := b.schedule(s, name+" on call", rotation, gaps)
			p.Levels = []Level{
				{Delay: 15 * time.Minute, Schedules: []string{first}}, {Delay: 30 * time.Minute, Schedules: []string{first}},
			}
		}
		b.Policies = append(b.Policies, p)
		return p
	}
	p.Levels = []Level{{Delay: 15 * time.Minute, Schedules: []string{b.schedule(s, name+" primary", rotation, gaps)}}}
	if len(rotation) >= 4 {
		// The secondary is half a turn behind, so never the same person.
		half := len(rotation) / 2
		turned := append(append([]string(nil), rotation[half:]...), rotation[:half]...)
		p.Levels = append(
			p.Levels, Level{Delay: 15 * time.Minute, Schedules: []string{b.schedule(s, name+" secondary", turned, nil)}},
		)
	}
	p.Levels = append(p.Levels, Level{Delay: 30 * time.Minute, People: []string{manager}})
	b.Policies = append(b.Policies, p)
	return p
}

// gaps are the holes in the first level that the service's habits leave.
func (b *builder) gaps(d *dice, s *Service) []Span {
	hole := func(at, length time.Duration) Span {
		start := b.Now.Add(at).Truncate(time.Hour)
		return Span{start, start.Add(length)}
	}
	switch {
	case s.Odd == Unmanned:
		return []Span{hole(-30*day, History)}
	case !s.Does("inc.someone-on-call"):
		return []Span{hole(-d.between(5*time.Hour, 40*time.Hour), 5*day)}
	case !s.Does("inc.covered"):
		return []Span{hole(d.days(3, 7), d.between(6*time.Hour, 30*time.Hour)), hole(d.days(8, 11), 12*time.Hour)}
	case !s.Does("inc.sustainable-rotation") && d.chance(0.4):
		return []Span{hole(d.days(17, 26), 24*time.Hour)}
	}
	return nil
}

// schedule makes a weekly rotation with hand-over on Monday morning.
func (b *builder) schedule(s *Service, name string, people []string, gaps []Span) string {
	start := b.ago(History + 30*day).Truncate(day)
	for start.Weekday() != time.Monday {
		start = start.Add(-day)
	}
	schedule := &Schedule{
		ID: identifier(b.Seed, "P", "schedule", s.Name, name), Name: name, Zone: s.Team.Zone,
		People: append([]string(nil), people...), Start: start.Add(8 * time.Hour), Shift: 7 * day, Gaps: gaps,
	}
	b.Schedules = append(b.Schedules, schedule)
	return schedule.ID
}

// asleep reports whether it is between 22:00 and 08:00 for the team.
func (s *Service) asleep(t time.Time) bool {
	hour := t.In(s.Team.location).Hour()
	return hour >= 22 || hour < 8
}

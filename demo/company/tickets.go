package company

import (
	"fmt"
	"time"
)

// Ticket is one piece of work in Jira that is neither review nor claim.
type Ticket struct {
	Key, Service, Summary string
	// Label is what finds it: game-day, restore-test, security, postmortem.
	Label   string
	Created time.Time
	// Due is zero when there is no date; Done while it is not.
	Due, Done time.Time
	// About is the key of the incident's ticket that it follows from; empty for
	// none.
	About string
}

// proof is work whose age a check asks about.
type proof struct {
	label, summary string
	// check is what a ticket of at most within days proves.
	check  string
	within float64
}

// tickets makes the work that the service's practice leaves in Jira.
func (b *builder) tickets(s *Service) {
	d := b.dice("tickets", s.Name)
	b.exercises(d, s)
	access, restore := 175.0, 175.0
	if s.DataClass == "cardholder" || !s.Does("data.classified") {
		access = 85
	}
	if s.Tier == 1 {
		restore = 85
	}
	for _, p := range []proof{
		{"failover-test", "Failover of %s to the other region and back", "rel.failover-proven", 170},
		{"restore-test", "Restore the newest backup of %s and check it", "data.restore-tested", restore},
		{"threat-model", "Threat model of %s", "sec.threat-model", 350},
		{"access-review", "Who can read the data of %s", "data.access-reviewed", access},
		{"privacy-review", "Privacy review of %s", "data.privacy-current", 350},
	} {
		switch {
		case s.Does(p.check):
			b.done(d, s, p.label, p.summary, d.days(8, p.within))
		case d.chance(0.4):
			// It was done once, and is too old to count.
			b.done(d, s, p.label, p.summary, d.days(380, 420))
		}
	}
	b.findings(d, s)
	b.postmortems(d, s)
}

// exercises are game days: a recent one proves that failure was tried and that
// the team has practised, an older one the latter alone.
func (b *builder) exercises(d *dice, s *Service) {
	const summary = "Game day: %s loses a dependency"
	switch {
	case s.Does("rel.fault-injected"):
		b.done(d, s, "game-day", summary, d.days(5, 80))
	case s.Does("inc.exercised"):
		b.done(d, s, "game-day", summary, d.days(100, 170))
	case d.chance(0.4):
		b.done(d, s, "game-day", summary, d.days(200, 380))
	}
}

func (b *builder) done(d *dice, s *Service, label, summary string, age time.Duration) {
	at := b.ago(age)
	b.ticket(s, label, fmt.Sprintf(summary, s.Name), at.Add(-d.days(2, 25)), time.Time{}, at)
}

func (b *builder) ticket(s *Service, label, summary string, created, due, done time.Time) *Ticket {
	t := &Ticket{
		Key: b.ticketKey(s.Team.Project), Service: s.Name, Summary: summary, Label: label, Created: created, Due: due,
		Done: done,
	}
	b.Tickets = append(b.Tickets, t)
	return t
}

// findings are security and privacy work: dated and in time, or not.
func (b *builder) findings(d *dice, s *Service) {
	for range d.IntN(3) {
		created := b.ago(d.days(20, 200))
		b.ticket(
			s, "security", "Finding of the dependency scan in "+s.Name, created, created.Add(30*day), created.Add(d.days(3, 28)),
		)
	}
	if d.chance(0.5) {
		b.ticket(
			s, "security", "Finding of the dependency scan in "+s.Name, b.ago(d.days(1, 9)), b.Now.Add(d.days(12, 30)),
			time.Time{},
		)
	}
	if !s.Does("sec.findings-in-time") {
		if d.chance(0.7) {
			b.ticket(
				s, "security", "Penetration test: weak session handling in "+s.Name, b.ago(d.days(50, 120)), b.ago(d.days(3, 40)),
				time.Time{},
			)
		} else {
			b.ticket(
				s, "security", "Penetration test: verbose errors in "+s.Name, b.ago(d.days(30, 120)), time.Time{}, time.Time{},
			)
		}
	}
	if !s.Does("data.privacy-current") && d.chance(0.5) {
		b.ticket(
			s, "data-subject-request", "Deletion request touches "+s.Name, b.ago(d.days(40, 60)), b.ago(d.days(5, 10)),
			time.Time{},
		)
	}
}

// writeUp is how long after an incident its post-mortem is due, with room for
// holidays.
const writeUp = 12 * day

// postmortems are what was written after grave incidents, and what was promised
// in them.
func (b *builder) postmortems(d *dice, s *Service) {
	var list []*Incident
	for _, in := range b.life[s.Name].incidents {
		if grave(in) && !in.Open() {
			list = append(list, in)
		}
	}
	missing := -1
	if !s.Does("inc.postmortems") {
		for i, in := range list {
			if age := b.Now.Sub(in.Start); age > 20*day && age < 170*day {
				missing = i
			}
		}
	}
	for i, in := range list {
		if i == missing || !s.Does("inc.postmortems") && d.chance(0.5) {
			continue
		}
		t := b.ticket(
			s, "postmortem", "Post-mortem: "+in.Title, in.End.Add(4*time.Hour), in.End.Add(writeUp), in.End.Add(d.days(2, 9)),
		)
		t.About = in.Ticket
		if t.Done.After(b.Now) {
			t.Done = time.Time{}
		}
		action := b.ticket(
			s, "postmortem-action", "After "+in.Ticket+": alert earlier and roll back faster", t.Created.Add(5*day),
			t.Created.Add(45*day), t.Created.Add(d.days(10, 40)),
		)
		if action.Done.After(b.Now) {
			action.Done = time.Time{}
		}
	}
	if !s.Does("inc.actions-done") {
		b.ticket(
			s, "postmortem-action", "Remove the retry storm of "+s.Name, b.ago(d.days(60, 150)), b.ago(d.days(4, 40)),
			time.Time{},
		)
	}
}

package evaluation

import (
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/scoring"
)

// exemptionsOf are the exemptions of the configuration and those that tickets ask for.
// The result does not change: a change makes another one.
func (j *judge) exemptionsOf(c *Config) []scoring.Exemption {
	if j.exemptBy == c {
		return j.exemptions
	}
	all := make([]scoring.Exemption, 0, len(c.Exemptions)+len(j.ticketed))
	all = append(all, c.Exemptions...)
	for _, t := range j.ticketed {
		all = append(all, ofTicket(t))
	}
	j.exemptions, j.exemptBy = all, c
	return all
}

func ofTicket(t evidence.TicketExemption) scoring.Exemption {
	return scoring.Exemption{
		Check: t.Check, Selector: scoring.Selector{Services: []string{t.Service}}, Reason: t.Reason, Ticket: t.Key,
		Expires: t.Expires.UTC(),
	}
}

// reportOverlaps logs which exemptions of tickets do not count for a service because the
// configuration has one, when exemptions have changed.
func (j *judge) reportOverlaps(c *Config, now time.Time) {
	if len(j.ticketed) == 0 {
		return
	}
	wanted := map[string]bool{}
	for _, t := range j.ticketed {
		wanted[t.Service] = true
	}
	for _, entry := range c.Catalog.Services() {
		if !wanted[entry.Name] {
			continue
		}
		subject := scoring.NewSubject(entry, c.Facts, nil)
		for _, pair := range scoring.Overlaps(j.exemptionsOf(c), &subject, now) {
			j.log.Warn("the exemption of a ticket does not count: the configuration has one for the same check and service",
				"ticket", pair[0].Ticket, "check", pair[0].Check, "service", entry.Name, "until", pair[1].Expires)
		}
	}
}

// Package correlation measures what happens to services: how many incidents
// they have, how long these last, and how that differs by badge. It is pure: no
// I/O, no clock, no goroutines; the same input gives the same output, in
// whatever order it comes.
//
// Durations are skewed, and the longest are those that have not ended, so there
// are no means: quantiles come from Kaplan–Meier curves in which open incidents
// are censored now. An incident that a time-out closed was not resolved; it is
// censored then, and counted. Every estimate has its sample size beside it.
// Incidents within announced maintenance are not counted at all.
package correlation

import (
	"time"

	"github.com/prodready/collector/evidence"
)

// Incident is one incident, whoever knows of it.
type Incident struct {
	// Records are the records it was made of, by source and id.
	Records []Reference
	// Services are the catalog names of the services it happened to, sorted.
	Services []string
	// StartedAt is when it began.
	StartedAt time.Time
	// AcknowledgedAt is the first explicit acknowledgement by a person, zero when
	// there is none or it is not known (see AcksKnown), and MachineAcknowledgedAt the
	// first by an integration or a service.
	AcknowledgedAt, MachineAcknowledgedAt time.Time
	// AcksKnown is false if the acknowledgements are not known; then a zero
	// AcknowledgedAt says nothing.
	AcksKnown bool
	// ResolvedAt is when it ended, by a time-out too; zero while it is open, and
	// when EndUnknown is true.
	ResolvedAt time.Time
	// EndUnknown is true when it has ended, and no source knows when. It counts, and
	// has no duration.
	EndUnknown bool
	// Resolver says who ended it.
	Resolver evidence.Resolver
	// Urgent marks incidents that paged somebody.
	Urgent bool
	// Severity is 1 (worst) to 5, 0 if no source says.
	Severity int
	// Template is the title without its variable parts; it may be empty.
	Template string
	// Maintenance marks incidents inside an announced maintenance window.
	Maintenance bool
	// Notes and Reassignments count what people did to it, known if AcksKnown is true.
	Notes, Reassignments int
	// HasTicket says whether a ticket was opened for it, and FalseAlarm whether a person
	// said that nothing was wrong.
	HasTicket, FalseAlarm evidence.Answer
	// Interruptions are those of its records of PagerDuty, merged ones included, which are
	// Paging in number; known if they are of all.
	Interruptions evidence.Interruptions
	Paging        int
	// Flapping is true when the same problem of the same service was resolved
	// shortly before; see FlappingWithin.
	Flapping bool

	// first is where Links has its first record, 0 for an incident that is not of Links.
	first place
}

// Reference identifies a record of a source.
type Reference struct {
	// Source is the instance: pagerduty/main.
	Source string
	// ID is the record's id there.
	ID string
}

// Open reports whether it had not ended at a time.
func (i *Incident) Open(now time.Time) bool {
	return !i.EndUnknown && (i.ResolvedAt.IsZero() || i.ResolvedAt.After(now))
}

// TimedOut reports whether a time-out had closed it at a time.
func (i *Incident) TimedOut(now time.Time) bool {
	return i.Resolver == evidence.ResolverTimeout && !i.Open(now)
}

// resolution is how long it took to resolve, as known at a time. It is not known
// if the end is not.
func (i *Incident) resolution(now time.Time) (o Observation, known bool) {
	switch {
	case i.EndUnknown:
		return Observation{}, false
	case i.Open(now):
		return Observation{Duration: now.Sub(i.StartedAt), Censored: true}, true
	}
	return Observation{Duration: i.ResolvedAt.Sub(i.StartedAt), Censored: i.Resolver == evidence.ResolverTimeout}, true
}

// acknowledged reports whether it had been acknowledged at a time.
func (i *Incident) acknowledged(now time.Time) bool {
	return !i.AcknowledgedAt.IsZero() && !i.AcknowledgedAt.After(now)
}

// acknowledgement is how long it took to acknowledge, as known at a time. One
// that ended without is censored at its end, and not known if the end is not.
func (i *Incident) acknowledgement(now time.Time) (o Observation, known bool) {
	if i.acknowledged(now) {
		return Observation{Duration: i.AcknowledgedAt.Sub(i.StartedAt)}, true
	}
	until := now
	if !i.Open(now) {
		until = i.ResolvedAt
	}
	return Observation{Duration: until.Sub(i.StartedAt), Censored: true}, !i.EndUnknown
}

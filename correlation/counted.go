package correlation

import (
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// counted is what figures need of an incident, in a fifth of the memory.
type counted struct {
	// Times are in nanoseconds since 1970.
	started, acknowledged, machineAcknowledged, resolved int64
	// due is the second from which on it may count differently, at the earliest.
	due uint32
	// services and notified are the numbers of what many incidents have.
	services, notified uint32
	bits               uint16
	severity           int8
	answers            int8
}

// notified is how many records of PagerDuty an incident has, and how often these notified
// people. Most incidents have one of a few.
type notified struct {
	interruptions evidence.Interruptions
	paging        int
}

// noMoment is the time of what has none.
const noMoment = math.MinInt64

// Bits of what is counted.
const (
	countedAcksKnown = 1 << iota
	countedEndUnknown
	countedUrgent
	countedMaintenance
	countedFlapping
	countedHandled
	// countedThere marks an incident: a place that is free has none.
	countedThere
	// countedNow marks an incident that is in the tallies.
	countedNow
	// The resolver is in the bits from here on.
	countedResolver
)

// resolvers have the numbers of who ended incidents.
func resolvers() [4]evidence.Resolver {
	return [...]evidence.Resolver{
		evidence.ResolverUnknown, evidence.ResolverPerson, evidence.ResolverIntegration, evidence.ResolverTimeout,
	}
}

func momentOf(t time.Time) int64 {
	if t.IsZero() {
		return noMoment
	}
	return max(nanoseconds(t), noMoment+1)
}

func timeOf(moment int64) time.Time {
	if moment == noMoment {
		return time.Time{}
	}
	return time.Unix(0, moment).UTC()
}

// newCounted is not counted yet.
func newCounted(in *Incident, services, notified uint32) counted {
	c := counted{
		started: momentOf(in.StartedAt), acknowledged: momentOf(in.AcknowledgedAt),
		machineAcknowledged: momentOf(in.MachineAcknowledgedAt), resolved: momentOf(in.ResolvedAt),
		services: services, notified: notified, bits: countedThere,
		severity: int8(severityOf(in)), answers: int8(in.HasTicket)*3 + int8(in.FalseAlarm),
	}
	for bit, is := range map[uint16]bool{
		countedAcksKnown: in.AcksKnown, countedEndUnknown: in.EndUnknown, countedUrgent: in.Urgent,
		countedMaintenance: in.Maintenance, countedFlapping: in.Flapping,
		countedHandled: in.Notes > 0 || in.Reassignments > 0,
	} {
		if is {
			c.bits |= bit
		}
	}
	// Whoever else may have ended it counts as a person.
	list := resolvers()
	by := slices.Index(list[:], in.Resolver)
	if by < 0 {
		by = 1
	}
	c.bits |= countedResolver * uint16(by)
	return c
}

func (c *counted) is(bit uint16) bool { return c.bits&bit != 0 }

// incident is what was packed: without records and template, and with one note if people
// did anything.
func (c *counted) incident(services []string, n notified) Incident {
	in := Incident{
		Services: services, MachineAcknowledgedAt: timeOf(c.machineAcknowledged),
		AcksKnown: c.is(countedAcksKnown), Urgent: c.is(countedUrgent), Maintenance: c.is(countedMaintenance),
		Flapping: c.is(countedFlapping), Severity: int(c.severity), Interruptions: n.interruptions, Paging: n.paging,
		HasTicket: evidence.Answer(c.answers / 3), FalseAlarm: evidence.Answer(c.answers % 3),
	}
	if c.is(countedHandled) {
		in.Notes = 1
	}
	c.course(&in)
	return in
}

// course fills in what durations are made of.
func (c *counted) course(in *Incident) {
	in.StartedAt, in.AcknowledgedAt, in.ResolvedAt = timeOf(c.started), timeOf(c.acknowledged), timeOf(c.resolved)
	in.EndUnknown, in.Resolver = c.is(countedEndUnknown), resolvers()[c.bits/countedResolver]
}

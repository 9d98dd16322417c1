package correlation

import (
	"math"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// counted is what figures need of an incident, in a fifth of the memory, and when it was
// counted; notCounted while it waits.
type counted struct {
	// Times are in nanoseconds since 1970.
	started, acknowledged, machineAcknowledged, resolved, at int64
	// services are shared by those that have the same.
	services *[]string
	// interruptions are nil if all their counts are 0; bits say whether they are known.
	interruptions *evidence.Interruptions
	paging        int32
	bits          uint16
	severity      int8
	answers       int8
}

// notCounted is when an incident was counted that was not, and the time of what has none.
const notCounted = math.MinInt64

// Bits of what is counted.
const (
	countedAcksKnown = 1 << iota
	countedEndUnknown
	countedUrgent
	countedMaintenance
	countedFlapping
	countedHandled
	countedInterruptionsKnown
	// countedGone marks what is not there any more.
	countedGone
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
		return notCounted
	}
	return max(nanoseconds(t), notCounted+1)
}

func timeOf(moment int64) time.Time {
	if moment == notCounted {
		return time.Time{}
	}
	return time.Unix(0, moment).UTC()
}

// newCounted is not counted yet.
func newCounted(in *Incident, services *[]string) *counted {
	c := &counted{
		started: momentOf(in.StartedAt), acknowledged: momentOf(in.AcknowledgedAt),
		machineAcknowledged: momentOf(in.MachineAcknowledgedAt), resolved: momentOf(in.ResolvedAt), at: notCounted,
		services: services, paging: int32(min(in.Paging, math.MaxInt32)),
		severity: int8(severityOf(in)), answers: int8(in.HasTicket)*3 + int8(in.FalseAlarm),
	}
	for bit, is := range map[uint16]bool{
		countedAcksKnown: in.AcksKnown, countedEndUnknown: in.EndUnknown, countedUrgent: in.Urgent,
		countedMaintenance: in.Maintenance, countedFlapping: in.Flapping,
		countedHandled: in.Notes > 0 || in.Reassignments > 0, countedInterruptionsKnown: in.Interruptions.Known,
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
	if i := in.Interruptions; i.Business != 0 || i.Off != 0 || i.Sleep != 0 {
		c.interruptions = &i
	}
	return c
}

// incident is what was packed: without records and template, and with one note if people
// did anything.
func (c *counted) incident() Incident {
	is := func(bit uint16) bool { return c.bits&bit != 0 }
	in := Incident{
		Services: *c.services, StartedAt: timeOf(c.started), AcknowledgedAt: timeOf(c.acknowledged),
		MachineAcknowledgedAt: timeOf(c.machineAcknowledged), ResolvedAt: timeOf(c.resolved),
		AcksKnown: is(countedAcksKnown), EndUnknown: is(countedEndUnknown), Urgent: is(countedUrgent),
		Maintenance: is(countedMaintenance), Flapping: is(countedFlapping), Paging: int(c.paging), Severity: int(c.severity),
		HasTicket: evidence.Answer(c.answers / 3), FalseAlarm: evidence.Answer(c.answers % 3),
		Resolver: resolvers()[c.bits/countedResolver],
	}
	if is(countedHandled) {
		in.Notes = 1
	}
	if c.interruptions != nil {
		in.Interruptions = *c.interruptions
	}
	in.Interruptions.Known = is(countedInterruptionsKnown)
	return in
}

package pagerduty

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// logCursor names the cursor up to which the log has been read and stored.
	logCursor = "log_entries"
	// seenCursor names the cursor with what was counted of the end of the log,
	// which is read again.
	seenCursor = "log_seen"
)

// incidentMemory is what is known of incidents: those of the time that facts
// look back over, and older ones that are open. The rest of the history is in
// the store alone.
type incidentMemory struct {
	byID map[string]*known
	// recalled says that the stored incidents were read.
	recalled bool
	// listing is a listing that is under way.
	listing *incidentListing
	// doubt is why the last listing is not believed; it is from doubtAt.
	doubt   error
	doubtAt time.Time

	// The log was read, by this process, from logFrom until followed, by our
	// clock. Its newest entry is of newest, by PagerDuty's. caught says that it
	// was read to its end.
	logFrom, followed, newest time.Time
	caught                    bool
	// seen are the entries that were counted of what will be read again, and
	// persisted those that the process before this one counted, until base.
	seen, persisted entrySet
	base            time.Time

	history *history
	// strays are what the log told of incidents that are older than what is
	// listed so far.
	strays map[string]*known
}

func newIncidentMemory() *incidentMemory {
	return &incidentMemory{byID: map[string]*known{}, seen: entrySet{}, persisted: entrySet{}, strays: map[string]*known{}}
}

// known is an incident in memory. Its AcksKnown is not kept there but told by
// told. What the log tells of it may come before its record does.
type known struct {
	evidence.Incident
	// service is the id of its PagerDuty service; empty for an incident whose
	// record this process has not seen.
	service string
	// settled says that the log of before this process, or before what this
	// process reads in order, is in it.
	settled bool
	// stored says that the entries before incidentMemory.base are in it.
	stored bool
	// missed says that entries of it may have been passed over.
	missed bool
	// followed says that its acknowledgements are known as far as the log has
	// been read, for facts; doubtful that an entry of it could not be read.
	followed, doubtful bool
	// linked says that a record has told the tickets it is linked to.
	linked bool
	// opened is the time of the log entry that Channel is from; zero when it is
	// from the incident itself.
	opened time.Time
	// ended is who ended it as the log says, at the time of endedAt, and byService
	// that it was the service itself.
	ended     evidence.Resolver
	endedAt   time.Time
	byService bool
	// assigned is the first assignment that was counted.
	assigned time.Time
	// sent is the fingerprint of what was last stored; 0 when nothing was.
	sent uint64
	// absent counts the listings of open incidents that should have had it, the
	// first of which was at absentSince.
	absent      int
	absentSince time.Time
}

// open reports whether the incident has not ended.
func (k *known) open() bool { return k.ResolvedAt.IsZero() }

// logged reports whether all that the log has, as far as it has been read, is
// known of the incident.
func (m *incidentMemory) logged(k *known) bool {
	if k.settled {
		return true
	}
	if k.missed || m.followed.IsZero() || k.StartedAt.Before(m.logFrom) || k.StartedAt.After(m.followed) {
		return false
	}
	return m.caught || !k.open() && k.ResolvedAt.Before(m.followed)
}

// told is the incident with what is known of its acknowledgements.
func (m *incidentMemory) told(k *known) evidence.Incident {
	in := k.Incident
	in.AcksKnown = m.logged(k) && (!in.AcknowledgedAt.IsZero() || !k.doubtful && !in.UpdatedAt.After(m.followed))
	return withoutLog(in)
}

// withoutLog leaves out what only the log tells of an incident where that is
// not known.
func withoutLog(in evidence.Incident) evidence.Incident {
	if !in.AcksKnown {
		in.AcknowledgedAt, in.Responders = time.Time{}, nil
		in.Escalations, in.Reassignments, in.Notes = 0, 0, 0
	}
	return in
}

// next is since when the log is to be read on: since its newest entry, as the
// account's clock may be behind ours, but not for longer than a clock may be.
func (m *incidentMemory) next() time.Time {
	return earlier(latest(m.newest, m.followed.Add(-day)), m.followed).Add(-logOverlap).Truncate(time.Second)
}

// unheard reports whether an incident that is not known began so long ago that
// its entries have been passed over.
func (m *incidentMemory) unheard(start time.Time) bool {
	return m.caught && !start.Before(m.logFrom) && start.Before(m.next())
}

// recalled is an incident as it comes from the store.
func recalled(in evidence.Incident) *known {
	return &known{Incident: in, settled: in.AcksKnown, stored: in.AcksKnown, sent: fingerprint(in)}
}

// fingerprint tells versions of an incident apart; it is never 0.
func fingerprint(in evidence.Incident) uint64 {
	if !slices.IsSorted(in.Services) {
		in.Services = slices.Sorted(slices.Values(in.Services))
	}
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%q", []any{in.Services, in.Responders, in.Links, in.Resolver, in.Priority, in.Channel, in.Template, in.Group, in.GoneWhy})
	var fixed []byte
	for _, at := range [...]time.Time{in.StartedAt, in.DetectedAt, in.AcknowledgedAt, in.ResolvedAt, in.UpdatedAt} {
		fixed = binary.AppendVarint(fixed, at.UnixMicro())
	}
	for _, n := range [...]int{in.Severity, in.Escalations, in.Reassignments, in.Notes} {
		fixed = binary.AppendVarint(fixed, int64(n))
	}
	for _, yes := range [...]bool{in.AcksKnown, in.Urgent, in.MachineDetected, in.Maintenance, in.Gone} {
		fixed = append(fixed, map[bool]byte{true: 1}[yes])
	}
	_, _ = sum.Write(fixed)
	return max(sum.Sum64(), 1)
}

// respond notes that a person took part.
func (k *known) respond(person string) {
	at, found := slices.BinarySearch(k.Responders, person)
	if person != "" && !found {
		// The old list may be stored, or be another's: it is not changed.
		k.Responders = slices.Insert(slices.Clone(k.Responders), at, person)
	}
}

// settle takes what the log told of the incident together with its record.
func (r *round) settle(k *known) {
	if !k.AcknowledgedAt.IsZero() {
		k.AcknowledgedAt = latest(k.AcknowledgedAt, k.StartedAt)
	}
	if k.initial(k.assigned) {
		k.Reassignments, k.assigned = max(k.Reassignments-1, 0), time.Time{}
	}
	if k.open() || k.endedAt.IsZero() || k.endedAt.Sub(k.ResolvedAt).Abs() > time.Minute {
		return // it was opened again
	}
	switch {
	case k.ended == evidence.ResolverIntegration && k.byService && r.timedOut(k.service, k.ResolvedAt.Sub(k.StartedAt)):
		k.Resolver = evidence.ResolverTimeout
	case k.ended != evidence.ResolverUnknown:
		k.Resolver = k.ended
	}
}

// initial reports whether an assignment at the time is the one that every
// incident begins with.
func (k *known) initial(at time.Time) bool {
	return !k.StartedAt.IsZero() && !at.IsZero() && at.Sub(k.StartedAt) <= firstAssignment
}

// entrySet is a set of log entries, by hash, with their times.
type entrySet map[uint64]int64

// add reports whether the entry is new.
func (s entrySet) add(key uint64, at time.Time) bool {
	if _, ok := s[key]; ok {
		return false
	}
	s[key] = at.Unix()
	return true
}

// since is the set of the entries since a time.
func (s entrySet) since(start time.Time) entrySet {
	left := entrySet{}
	for key, at := range s {
		if at >= start.Unix() {
			left[key] = at
		}
	}
	return left
}

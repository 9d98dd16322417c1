package pagerduty

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	// maxSent is how many incidents or log entries are stored or read at once,
	// beside a page.
	maxSent = 500
	// maxLinks and maxLink bound the links of an incident.
	maxLinks = 20
	maxLink  = 500
)

// incidentMemory holds the incidents that facts look back over, and older ones
// that are open. All others, and all log entries, are in the store alone.
type incidentMemory struct {
	byID map[string]*trackedIncident
	// loaded says that the stored incidents and cursors were read.
	loaded bool
	// listing is a listing that is under way.
	listing *incidentListing
	// refusal is the error of the last listing, in which too many incidents were
	// missing; it is from refusedAt.
	refusal   error
	refusedAt time.Time
	logCoverage
	history *history
	// unreadable are the incidents that could not be decoded.
	unreadable unreadableIncidents
	// storedParts are the incidents, by id, that were merged into others and are in the
	// store alone. targets are the incidents that others were merged into and that are
	// known to be stored.
	storedParts map[string]storedPart
	targets     map[string]bool
	// saved is when the complete listing began that is stored for the next process;
	// zero for none. slow says that this process went on with what another had saved.
	saved time.Time
	slow  bool
	// uncounted is what was last stored as not used; nil when nothing was.
	uncounted *evidence.Uncounted
	// otherWords says that the stored notes were read for other words.
	otherWords bool
	// doubts are whose incidents are not all known.
	doubts collectors.IncidentDoubts
}

func newIncidentMemory() *incidentMemory {
	return &incidentMemory{
		byID: map[string]*trackedIncident{}, unreadable: newUnreadable(),
		storedParts: map[string]storedPart{}, targets: map[string]bool{},
	}
}

// trackedIncident is an incident in memory. Its AcksKnown is computed by
// incidentMemory.evidence alone.
type trackedIncident struct {
	evidence.Incident
	// service is the id of its PagerDuty service; empty for an incident whose
	// record this process has not seen.
	service string
	// priorityID is the id of its priority, and incidentType the name of its type;
	// empty for none.
	priorityID, incidentType string
	// autoResolve is the time-out of that service.
	autoResolve time.Duration
	// stale says that a record or log entries came after it was last folded.
	stale bool
	// logged says that at least one of its log entries was read. Every incident has
	// a trigger entry, so that without any entry its log was not read.
	logged bool
	// summarized says that a summary replaces the entries from before the log was
	// stored.
	summarized bool
	// counted says that this process has counted its interruptions since the last
	// notification of it was read.
	counted bool
	// undecodable says that one of its entries could not be decoded, or is an
	// acknowledgement of which it is not known by whom or when.
	undecodable bool
	// joined are the catalog's services of the incidents that were merged into it.
	joined []string
	// endFault says why its end is not known; empty when it is, or is not over.
	endFault evidence.UncountedReason
	// futureEnd is an end that has not come yet by our clock; zero for none.
	futureEnd time.Time
	// followed says that its acknowledgements are known as far as the log has
	// been read, for facts.
	followed bool
	// field is what its fields say about a false alarm.
	field evidence.Answer
	// linked says that a record of it included the tickets it is linked to.
	linked bool
	// loggedChannel says that its channel, if it has one, comes from the log.
	loggedChannel bool
	// sent is the fingerprint of what was last stored; 0 when nothing was.
	sent uint64
	// absent counts the listings of open incidents that should have had it, the
	// first of which was at absentSince.
	absent      int
	absentSince time.Time
}

// concerned reports whether the incident, or a part of it, is of a service of the
// catalog.
func (k *trackedIncident) concerned() bool { return len(k.Services) > 0 || len(k.joined) > 0 }

// needed reports whether the incident is, or was, of a service of the catalog.
func (k *trackedIncident) needed() bool { return k.concerned() || k.sent != 0 }

// complete reports whether all log entries of the incident, as far as the log has
// been read, are known.
func (m *incidentMemory) complete(k *trackedIncident) bool {
	switch {
	case !k.logged:
		return false
	case k.summarized:
		return true
	case m.followed.IsZero() || k.StartedAt.Before(m.LogFrom) || k.StartedAt.After(m.followed):
		return false
	}
	return m.CaughtUp || !k.ResolvedAt.IsZero() && k.ResolvedAt.Before(m.followed)
}

// evidence is the incident as it is stored: the fields that come
// only from the log are zero where the log is not known.
func (m *incidentMemory) evidence(k *trackedIncident) evidence.Incident {
	in := k.Incident
	in.Services = k.allServices()
	acknowledged := !in.AcknowledgedAt.IsZero()
	in.AcksKnown = m.complete(k) && !k.undecodable && (acknowledged || !in.UpdatedAt.After(m.followed))
	if in.MergedInto != "" {
		in.Resolver = evidence.ResolverUnknown // it was merged, and not resolved
	}
	if !in.AcksKnown {
		in.AcknowledgedAt, in.MachineAcknowledgedAt, in.Responders = time.Time{}, time.Time{}, nil
		in.Escalations, in.Reassignments, in.Notes = 0, 0, 0
		if in.FalseAlarm == evidence.No {
			in.FalseAlarm = evidence.Unknown
		}
	}
	in.FalseAlarm = in.FalseAlarm.Or(k.field)
	return in
}

// fingerprint is a hash of all fields of an incident; it is never 0.
func fingerprint(in evidence.Incident) uint64 {
	if !slices.IsSorted(in.Services) {
		in.Services = slices.Sorted(slices.Values(in.Services))
	}
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%q", []any{
		in.Services, in.Responders, in.Links, in.Resolver, in.Priority, in.Channel, in.Template, in.Group, in.GoneWhy,
		in.MergedInto,
	})
	var fixed []byte
	for _, at := range [...]time.Time{
		in.StartedAt, in.DetectedAt, in.AcknowledgedAt, in.MachineAcknowledgedAt, in.ResolvedAt, in.UpdatedAt,
	} {
		fixed = binary.AppendVarint(fixed, at.UnixMicro())
	}
	for _, n := range [...]int{
		in.Severity, in.Escalations, in.Reassignments, in.Notes, int(in.HasTicket), int(in.FalseAlarm),
		in.Interruptions.Business, in.Interruptions.Off, in.Interruptions.Sleep,
	} {
		fixed = binary.AppendVarint(fixed, int64(n))
	}
	for _, yes := range [...]bool{in.AcksKnown, in.Urgent, in.MachineDetected, in.Maintenance, in.Gone, in.EndUnknown,
		in.Interruptions.Known} {
		fixed = append(fixed, map[bool]byte{true: 1}[yes])
	}
	_, _ = sum.Write(fixed)
	return max(sum.Sum64(), 1)
}

// upsertRecord updates the incident from a record of it, which is loaded from the
// store first where it is not in memory.
func (r *round) upsertRecord(ctx context.Context, record *incidentRecord) (*trackedIncident, error) {
	m := r.memory.incidents
	in := r.incident(record)
	k := m.byID[in.ID]
	if k == nil {
		k = &trackedIncident{}
		if in.StartedAt.Before(r.factStart()) {
			span := evidence.IncidentSpan{IDs: []string{in.ID}}
			err := r.eachStored(ctx, span, func(old evidence.Incident) error {
				k = r.fromStore(old)
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		m.byID[in.ID] = k
	}
	r.update(k, in, record)
	return k, nil
}

// update updates the incident from a record of it, unless a newer one was seen.
func (r *round) update(k *trackedIncident, in evidence.Incident, record *incidentRecord) {
	if k.service != "" && in.UpdatedAt.Before(k.UpdatedAt) {
		return // a page that was read late
	}
	k.linked = k.linked || record.hasLinks()
	k.loggedChannel = in.Channel == "" && (k.loggedChannel || k.Channel == "")
	delete(r.memory.incidents.unreadable.byID, in.ID)
	k.endFault, k.futureEnd = "", time.Time{}
	if record.Status == "resolved" {
		if _, k.endFault = r.end(record); k.endFault == evidence.UncountedInFuture {
			k.futureEnd = record.end()
		}
	}
	k.priorityID, k.incidentType = record.Priority.ID, record.typeName()
	mapped := r.severities[folded(in.Priority)] != 0
	if r.memory.priorities == nil && !mapped && in.Priority == k.Priority && k.Severity != 0 {
		in.Severity = k.Severity // as it was while the priorities were known
	}
	if _, known := record.mergedInto(); !known {
		in.MergedInto = k.MergedInto
	}
	if said := r.alarms.inFields(record); said != evidence.Unknown {
		k.field = said
	}
	k.service, k.autoResolve, k.stale = record.Service.ID, r.autoResolve(record.Service.ID), true
	k.Incident = mergeRecord(k.Incident, in, record.hasLinks(), k.logged)
	k.Maintenance = k.Maintenance || r.memory.maintenance.holds(k.service, k.StartedAt)
}

// mergeRecord is a new record with what only the log or an earlier record of the
// incident has. hasLinks says that the record has the tickets it is linked to, and
// logged that the earlier resolver is from the log.
func mergeRecord(old, in evidence.Incident, hasLinks, logged bool) evidence.Incident {
	in.AcknowledgedAt, in.MachineAcknowledgedAt = old.AcknowledgedAt, old.MachineAcknowledgedAt
	in.Responders = old.Responders
	in.Escalations, in.Reassignments, in.Notes = old.Escalations, old.Reassignments, old.Notes
	in.Interruptions = old.Interruptions
	in.FalseAlarm, in.Maintenance = old.FalseAlarm, in.Maintenance || old.Maintenance
	if in.Channel == "" {
		in.Channel, in.MachineDetected = old.Channel, old.MachineDetected
	}
	if logged && old.Resolver != evidence.ResolverUnknown && old.ResolvedAt.Equal(in.ResolvedAt) {
		in.Resolver = old.Resolver
	}
	if !hasLinks {
		in.HasTicket = old.HasTicket
		in.Links = slices.Clone(in.Links)
		for _, link := range old.Links {
			if len(in.Links) < maxLinks && !slices.Contains(in.Links, link) {
				in.Links = append(in.Links, link)
			}
		}
	}
	return in
}

// refold folds those of the incidents that are stale with their log entries,
// stored or read in this round.
func (r *round) refold(ctx context.Context, list []*trackedIncident) error {
	m := r.memory.incidents
	if m.followed.IsZero() {
		return nil // there are no entries
	}
	stale := slices.DeleteFunc(slices.Clone(list), func(k *trackedIncident) bool { return !k.stale || !k.needed() })
	for part := range slices.Chunk(stale, maxSent) {
		entries, err := r.entriesOf(ctx, part)
		if err != nil {
			return err
		}
		for _, k := range part {
			m.fold(k, slices.Collect(maps.Values(entries[k.ID])))
			if r.isFuture(k.ResolvedAt) {
				k.futureEnd, k.endFault = k.ResolvedAt, evidence.UncountedInFuture
				k.ResolvedAt, k.EndUnknown = time.Time{}, true
			}
		}
	}
	return nil
}

// entriesOf reads the log entries of incidents, by incident and id.
func (r *round) entriesOf(ctx context.Context, list []*trackedIncident) (
	map[string]map[string]evidence.LogEntry, error,
) {
	found := make(map[string]map[string]evidence.LogEntry, len(list))
	ids := make([]string, len(list))
	for i, k := range list {
		ids[i], found[k.ID] = k.ID, map[string]evidence.LogEntry{}
	}
	add := func(e evidence.LogEntry) error {
		if entries := found[e.Incident]; entries != nil {
			entries[e.ID] = r.alarms.heldFor(e)
		}
		return nil
	}
	if r.storedEntries != nil {
		if err := r.storedEntries(ctx, ids, add); err != nil {
			return nil, r.storeError("read log entries of ", err)
		}
	}
	for _, e := range r.entries {
		_ = add(e)
	}
	return found, nil
}

// fold folds the incident with its log entries, which must be all that are stored
// or were read. A summary counts only if the incident began before LogFrom and the
// summary is not older than LogFrom.
func (m *incidentMemory) fold(k *trackedIncident, entries []evidence.LogEntry) {
	k.summarized, k.undecodable = false, false
	entries = slices.DeleteFunc(entries, func(e evidence.LogEntry) bool {
		valid := k.StartedAt.Before(m.LogFrom) && !e.At.Before(m.LogFrom)
		k.summarized = k.summarized || e.Kind == evidence.LogSummary && valid
		k.undecodable = k.undecodable || e.Kind == evidence.LogUndecodable ||
			e.Kind == evidence.LogAcknowledge && !acknowledges(e, k.StartedAt)
		return e.Kind == evidence.LogSummary && !valid
	})
	k.logged, k.stale = len(entries) > 0, false
	if k.loggedChannel {
		k.Channel, k.MachineDetected = "", false
	}
	k.Incident = fold(k.Incident, entries, k.autoResolve)
}

// reconcile stores what has changed of the incidents, in batches of at most maxSent.
// The log entries that were read come with the first batch, the cursors with the
// last.
func (r *round) reconcile(ctx context.Context, list []*trackedIncident, cursors map[string]string) error {
	for _, k := range list {
		r.passFuture(k)
	}
	if err := r.refold(ctx, list); err != nil {
		return err
	}
	changed := slices.DeleteFunc(slices.Clone(list), func(k *trackedIncident) bool {
		return !k.needed() || fingerprint(r.memory.incidents.evidence(k)) == k.sent
	})
	for ; len(changed) > maxSent; changed = changed[maxSent:] {
		if err := r.sendTracked(changed[:maxSent], nil); err != nil {
			return err
		}
	}
	if len(changed) == 0 && len(cursors) == 0 && !r.out.Pending() {
		return nil
	}
	return r.sendTracked(changed, cursors)
}

// passFuture makes a start and an end known that were in the future, and are not any
// more.
func (r *round) passFuture(k *trackedIncident) {
	if len(k.Services) == 0 && k.service != "" && !k.StartedAt.IsZero() {
		k.Services = r.servicesOf(k.service, k.StartedAt, k.incidentType)
	}
	if !k.futureEnd.IsZero() && !r.isFuture(k.futureEnd) {
		k.ResolvedAt, k.EndUnknown, k.stale = k.futureEnd, false, true
		k.endFault, k.futureEnd = "", time.Time{}
	}
}

// sendTracked stores incidents in one batch.
func (r *round) sendTracked(list []*trackedIncident, cursors map[string]string) error {
	batch := evidence.Batch{Cursors: cursors}
	for _, k := range list {
		batch.Incidents = append(batch.Incidents, r.memory.incidents.evidence(k))
	}
	if err := r.sendWithEntries(batch); err != nil {
		return err
	}
	for i, k := range list {
		k.sent = fingerprint(batch.Incidents[i])
	}
	return nil
}

// sendWithEntries emits a batch together with the log entries that were read.
func (r *round) sendWithEntries(batch evidence.Batch) error {
	batch.LogEntries = r.entries
	if err := r.out.Send(batch); err != nil {
		return err
	}
	r.entries = nil
	return nil
}

// sorted are tracked incidents by id.
func sorted(incidents map[string]*trackedIncident) []*trackedIncident {
	return slices.SortedFunc(
		maps.Values(incidents), func(a, b *trackedIncident) int { return strings.Compare(a.ID, b.ID) },
	)
}

// loadStored reads, once, what is stored of the incidents that facts look back
// over and of those that are open.
func (r *round) loadStored(ctx context.Context) error {
	m := r.memory.incidents
	if m.loaded {
		return nil
	}
	if err := r.summarizeStored(ctx); err != nil {
		return err
	}
	span := evidence.IncidentSpan{Since: r.factStart(), Lasting: true}
	err := r.eachStored(ctx, span, func(in evidence.Incident) error {
		if in.Open() || !in.StartedAt.Before(r.factStart()) {
			m.byID[in.ID] = r.fromStore(in)
		}
		return nil
	})
	if err == nil {
		err = r.loadParts(ctx)
	}
	if m.loaded = err == nil; m.loaded {
		r.restoreListing()
	}
	return err
}

// fromStore makes a tracked incident of one that was read from the store. Its fields said
// no if it was no false alarm, and may have said yes if it was one.
func (r *round) fromStore(in evidence.Incident) *trackedIncident {
	m := r.memory.incidents
	complete, sent := in.AcksKnown && !m.followed.IsZero(), fingerprint(in)
	if m.otherWords {
		in.FalseAlarm = evidence.Unknown
	}
	field := in.FalseAlarm
	if len(r.alarms.fields) == 0 {
		field = evidence.No
	}
	return &trackedIncident{
		Incident: in, sent: sent, field: field,
		logged: complete, summarized: complete && in.StartedAt.Before(m.LogFrom),
		stale: !complete || m.otherWords && !in.StartedAt.Before(m.LogFrom),
	}
}

// loadCursors reads how far the log and the history were read. A log that was
// followed so long ago that a part was missed is read anew, and so is the history. So
// are both if a clock that was ahead has left a time that is yet to come: what happened
// until then was not read.
func (r *round) loadCursors() {
	m := r.memory.incidents
	at, err := time.Parse(time.RFC3339, r.cursors[logCursor])
	if err != nil || at.Before(r.factStart()) || r.isFuture(at) {
		return
	}
	m.history = parseHistory(r.cursors[historyCursor])
	m.followed = earlier(at, r.now.Truncate(time.Second))
	m.newest = m.followed
	r.rereadNotes()
	m.noticesFrom = m.next()
	if json.Unmarshal([]byte(r.cursors[coverageCursor]), &m.logCoverage) != nil {
		m.LogFrom, m.CaughtUp = time.Time{}, false // as in a store of before log entries
	}
}

// summarizeStored stores a summary of every incident whose log was read before
// log entries were stored, so that these incidents need no special case. It does
// nothing once the coverage of the log is stored.
func (r *round) summarizeStored(ctx context.Context) error {
	m := r.memory.incidents
	if m.followed.IsZero() || !m.LogFrom.IsZero() {
		return nil
	}
	err := r.eachStored(ctx, evidence.IncidentSpan{}, func(in evidence.Incident) error {
		if !in.AcksKnown {
			return nil
		}
		r.entries = append(r.entries, evidence.LogEntry{
			ID: "summary of " + in.ID, Incident: in.ID, Kind: evidence.LogSummary, At: m.followed,
			Summary: &evidence.IncidentSummary{
				AcknowledgedAt: in.AcknowledgedAt, ResolvedAt: in.ResolvedAt, Resolver: in.Resolver,
				Escalations: in.Escalations, Reassignments: in.Reassignments, Notes: in.Notes, Responders: in.Responders,
				FalseAlarm: in.FalseAlarm,
			},
		})
		return r.flushEntries()
	})
	if err != nil {
		return err
	}
	m.LogFrom, m.CaughtUp = m.followed, true
	return r.sendWithEntries(evidence.Batch{Cursors: map[string]string{coverageCursor: cursorText(m.logCoverage)}})
}

// eachStored calls each with the stored incidents that the span selects; with
// none in a first round, whose store is empty or of another format.
func (r *round) eachStored(
	ctx context.Context, span evidence.IncidentSpan, each func(evidence.Incident) error,
) error {
	if r.storedIncidents == nil || r.first {
		return nil
	}
	return r.storeError("read incidents of ", r.storedIncidents(ctx, span, each))
}

// storeError is the CallError of a store that cannot be read; nil without err.
func (r *round) storeError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return collectors.Failed(evidence.ReasonStore, doing+r.id, "%w", err)
}

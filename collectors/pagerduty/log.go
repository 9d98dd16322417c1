package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// logCursor names the cursor up to which the log has been read and stored.
	logCursor = "log_entries"
	// coverageCursor names the cursor that says since when log entries are stored.
	coverageCursor = "log_covered"
	// logWindow is how much of the log is read between two commits.
	logWindow = 10 * day
	// logOverlap is read again, as entries may appear late.
	logOverlap = 10 * time.Minute
	// absentFor is how long we wait for the log to show the end of an incident that
	// is no longer listed as open: the account's clock may be ahead of ours.
	absentFor = 2 * time.Hour
	// logDetails: if the log to read starts at most this long before the last complete
	// listing of incidents, all of it is read with its incidents; otherwise only the
	// part after the listing is.
	logDetails = 2 * day
)

// logCoverage is how much of the log has been read. All entries from LogFrom
// until followed, by our clock, are stored. Its cursor is JSON.
type logCoverage struct {
	LogFrom  time.Time `json:"from"`
	followed time.Time
	// newest is the time of the newest entry, by PagerDuty's clock.
	newest time.Time
	// CaughtUp says that the log was once read to its end.
	CaughtUp bool `json:"caught,omitempty"`
	// noticesFrom is since when this process has read the log, for the notifications of
	// memory.notices.
	noticesFrom time.Time
	// storedCursors are the cursors of the log that were stored last.
	storedCursors map[string]string
}

// cursorText is a cursor as JSON. It is empty, so that everything is read again, for
// a time after the year 9999, which JSON cannot have.
func cursorText(of any) string {
	text, err := json.Marshal(of)
	if err != nil {
		return ""
	}
	return string(text)
}

// next is since when the log is read in the next round: since its newest entry,
// because the account's clock may be behind ours, and at most a day before the last
// round.
func (c *logCoverage) next() time.Time {
	return earlier(latest(c.newest, c.followed.Add(-day)), c.followed).Add(-logOverlap).Truncate(time.Second)
}

// has reports whether an entry of the time is stored already.
func (c *logCoverage) has(at time.Time) bool { return !at.Before(c.LogFrom) && at.Before(c.next()) }

type logEntryRecord struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	CreatedAt instant         `json:"created_at"`
	Agent     reference       `json:"agent"`
	User      reference       `json:"user"`
	Channel   channel         `json:"channel"`
	Assignees []reference     `json:"assignees"`
	Incident  json.RawMessage `json:"incident"`
}

func (e *logEntryRecord) check() error {
	return cmp.Or(
		lacks("id", e.ID),
		lacks("type", e.Type),
		wrong(e.CreatedAt.IsZero(), "no created_at"),
		lacks("incident", idOf(e.Incident, "id")),
	)
}

// incident is the id of the entry's incident.
func (e *logEntryRecord) incident() string { return incidentID(idOf(e.Incident, "id")) }

func incidentID(id string) string { return evidence.Clean(id, 100) }

// storedKinds are the kinds of log entries that facts read. A new kind is known
// only of entries that are read from then on.
func storedKinds() []evidence.LogEntryKind {
	return []evidence.LogEntryKind{
		evidence.LogUndecodable, evidence.LogTrigger, evidence.LogAcknowledge, evidence.LogResolve, evidence.LogEscalate,
		evidence.LogAssign, evidence.LogReassign, evidence.LogDelegate, evidence.LogAnnotate, evidence.LogNotify,
	}
}

// logEntry is the entry as it is stored; ok is false for kinds that are not.
func (r *round) logEntry(record *logEntryRecord) (e evidence.LogEntry, ok bool) {
	e = evidence.LogEntry{
		ID: evidence.Clean(record.ID, 100), Incident: record.incident(), At: record.CreatedAt.Time,
		Kind:      entryKind(record.Type),
		AgentKind: evidence.Clean(record.Agent.kind(), 100), Person: r.person(record.Agent),
		Channel: record.Channel.name(),
	}
	for _, to := range record.Assignees {
		if person := r.person(to); person != "" {
			e.Assignees = append(e.Assignees, person)
		}
	}
	r.alarms.read(&e, record.Channel)
	if e.Kind == evidence.LogNotify {
		// Interruptions of older incidents are not counted, and there are many of these.
		e.Person = r.person(record.User)
		return e, !e.At.Before(r.factStart())
	}
	return e, slices.Contains(storedKinds(), e.Kind)
}

// entryKind is the kind of an entry by PagerDuty's type. A type that is not known and
// whose name is about something that facts read may be one of them: what happened is
// as unknown as with an entry that cannot be decoded.
func entryKind(name string) evidence.LogEntryKind {
	kind := strings.TrimSuffix(name, "_log_entry")
	if kind == "acknowledgement" {
		kind = string(evidence.LogAcknowledge) // the vendor's specification has both words
	}
	if slices.Contains(storedKinds(), evidence.LogEntryKind(kind)) {
		return evidence.LogEntryKind(kind)
	}
	switch kind {
	case "unacknowledge", "exhaust_escalation_path", "repeat_escalation_path", "reach_trigger_limit", "reach_ack_limit":
		return evidence.LogEntryKind(kind) // they change nothing that facts read
	}
	for _, about := range [...]string{"acknowledge", "resolve"} {
		if strings.Contains(kind, about) {
			return evidence.LogUndecodable
		}
	}
	return evidence.LogEntryKind(kind)
}

// person is the keyed hash of a user; empty for anything else, and without a key.
func (r *round) person(of reference) string {
	if of.ID == "" || of.kind() != "user" || r.hash == nil {
		return ""
	}
	return r.hash(of.ID)
}

// readLog reads what was added to the log since it was last read. It is committed
// window by window, oldest first, so that an interrupted first round is resumed.
//
// The whole log is read and not its overview, which is documented as "the most
// important changes" and not by types: escalations, reassignments, notes and
// notifications are not known to be among them.
func (r *round) readLog(ctx context.Context) error {
	m := r.memory.incidents
	listed, complete := r.memory.asked[listingIncidents]
	if !complete {
		return nil // the incidents of the entries are not known
	}
	now := r.now.Truncate(time.Second)
	start := r.logStart()
	if m.followed.IsZero() {
		m.LogFrom, m.followed, m.noticesFrom = start, start, start
	}
	details := listed.Add(-logOverlap).Truncate(time.Second)
	if details.Sub(start) <= logDetails {
		details = start
	}
	width := logWindow
	if m.slow {
		width = slowLogWindow
	}
	todo := append(
		windows(window{start, details}, width), windows(window{details, now.Add(time.Second)}, width)...,
	)
	for _, w := range todo {
		if err := r.readLogWindow(ctx, w, true, !w.start.Before(details)); err != nil {
			return err
		}
		if err := r.storeLogUntil(ctx, earlier(w.end, now)); err != nil {
			return err
		}
	}
	m.CaughtUp = true
	need := m.LogFrom
	for _, k := range m.byID {
		if k.concerned() && !k.summarized && !k.StartedAt.Before(r.factStart()) {
			need = earlier(need, k.StartedAt.Truncate(time.Second))
		}
	}
	if err := r.readLogBack(ctx, window{need, m.LogFrom}, logWindow); err != nil {
		return err
	}
	if err := r.storeLogUntil(ctx, now); err != nil {
		return err
	}
	r.followed = true
	return r.withdrawAbsent()
}

// readLogBack reads the log of a span that was not read before, newest first, so
// that what has been read has no gap when it is interrupted.
func (r *round) readLogBack(ctx context.Context, span window, width time.Duration) error {
	m := r.memory.incidents
	for end := span.end; end.After(span.start); {
		w := window{latest(end.Add(-width), span.start), end}
		if err := r.readLogWindow(ctx, w, false, false); err != nil {
			return err
		}
		end = w.start
		if !w.end.Before(m.noticesFrom) {
			m.noticesFrom = earlier(m.noticesFrom, w.start)
		}
		longer := !w.end.Before(m.LogFrom) && w.start.Before(m.LogFrom)
		if !longer && len(r.entries) == 0 {
			continue
		}
		was := m.LogFrom
		if longer {
			m.LogFrom = w.start
		}
		cursors := map[string]string{coverageCursor: cursorText(m.logCoverage)}
		if err := r.sendWithEntries(evidence.Batch{Cursors: cursors}); err != nil {
			m.LogFrom = was
			return err
		}
	}
	return nil
}

// readLogWindow reads the log of one window. forward says that it follows what was
// read last; details brings incidents along. An entry that cannot be decoded leaves
// it unknown what happened to its incident.
func (r *round) readLogWindow(ctx context.Context, w window, forward, details bool) error {
	_, err := walk("log_entries", []window{w}, func(w window, at func(time.Time)) (bool, error) {
		query := w.query()
		if details {
			query["include[]"] = []string{"incidents"}
		}
		return r.api.list(ctx, "log_entries", "", query, func(records []json.RawMessage) error {
			r.asked++
			for _, raw := range records {
				e := decodeOr[logEntryRecord](r, "log_entry", raw, func(id string, raw json.RawMessage) {
					r.addUndecodable(id, raw)
					r.undecodableNotice(id, raw, w.end)
				})
				if e == nil {
					continue
				}
				at(e.CreatedAt.Time)
				if err := r.applyLogEntry(ctx, e, forward); err != nil {
					return err
				}
			}
			return r.flushEntries()
		})
	})
	return err
}

// applyLogEntry reads one entry of the log: it remembers a notification, updates the
// incident from its record where the entry has one, and adds the entry to those that
// are stored with the next batch.
func (r *round) applyLogEntry(ctx context.Context, record *logEntryRecord, forward bool) error {
	m := r.memory.incidents
	if record.Type == notifyLogEntry {
		r.notice(record)
	}
	if incident, err := decode[incidentRecord](record.Incident); err == nil {
		if _, err := r.upsertRecord(ctx, incident); err != nil {
			return err
		}
	}
	if forward {
		m.newest = latest(m.newest, record.CreatedAt.Time)
	}
	if e, ok := r.logEntry(record); ok && (forward || !m.has(e.At)) {
		r.addEntry(e)
	}
	return nil
}

// addUndecodable adds an entry that could not be decoded, unless its incident is
// not known.
func (r *round) addUndecodable(id string, raw json.RawMessage) {
	if incident := incidentID(idOf(raw, "incident", "id")); incident != "" {
		id = cmp.Or(evidence.Clean(id, 100), "undecodable of "+incident)
		r.addEntry(evidence.LogEntry{ID: id, Incident: incident, Kind: evidence.LogUndecodable, At: r.now})
	}
}

// addEntry adds a log entry to those that come with the next batch.
func (r *round) addEntry(e evidence.LogEntry) {
	r.entries = append(r.entries, e)
	if k := r.memory.incidents.byID[e.Incident]; k != nil {
		k.stale, k.counted = true, k.counted && e.Kind != evidence.LogNotify && e.Kind != evidence.LogUndecodable
	}
}

// flushEntries stores the log entries that were read when there are many.
func (r *round) flushEntries() error {
	if len(r.entries) < maxSent {
		return nil
	}
	return r.sendWithEntries(evidence.Batch{})
}

// storeLogUntil records that the log has been read until end, and stores its entries
// and the incidents that they change, with the cursors.
func (r *round) storeLogUntil(ctx context.Context, end time.Time) error {
	m := r.memory.incidents
	before := m.followed
	m.followed = latest(m.followed, end)
	m.joinParts(nil)
	cursors := map[string]string{logCursor: stamp(m.next().Add(logOverlap)), coverageCursor: cursorText(m.logCoverage),
		wordsCursor: r.alarms.hash}
	if len(r.entries) == 0 && maps.Equal(cursors, m.storedCursors) {
		cursors = nil
	}
	if err := r.reconcile(ctx, sorted(m.byID), cursors); err != nil {
		m.followed = before
		return err
	}
	if cursors != nil {
		m.storedCursors = cursors
	}
	return nil
}

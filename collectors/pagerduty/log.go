package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"maps"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

const (
	// logWindow is how much of the log is read between two commits.
	logWindow = 10 * day
	// logOverlap is read again, as entries may appear late.
	logOverlap = 10 * time.Minute
	// absentFor is how long the log may take to tell of the end of an incident
	// that is not open any more: the account's clock may be ahead of ours.
	absentFor = 2 * time.Hour
	// logDetails is how much of the log before the last complete listing of
	// incidents may bring its incidents along, which that listing has told of.
	logDetails = 2 * day
	// firstAssignment is how soon after its start an incident is assigned to
	// those on call, which is no reassignment.
	firstAssignment = 10 * time.Second
	// mostSeen bounds the cursor of what was counted.
	mostSeen = 4000
)

type logEntryRecord struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	CreatedAt instant    `json:"created_at"`
	Agent     *reference `json:"agent"`
	User      *reference `json:"user"`
	Channel   *struct {
		Type *string `json:"type"`
	} `json:"channel"`
	Assignees []*reference    `json:"assignees"`
	Incident  json.RawMessage `json:"incident"`
}

func (e *logEntryRecord) check() error {
	switch {
	case e.ID == "":
		return errors.New("no id")
	case e.Type == "":
		return errors.New("no type")
	case e.CreatedAt.IsZero():
		return errors.New("no created_at")
	case idOf(e.Incident, "id") == "":
		return errors.New("no incident")
	}
	return nil
}

// channel is the type of the entry's channel; empty when it has none.
func (e *logEntryRecord) channel() string {
	if e.Channel == nil || e.Channel.Type == nil {
		return ""
	}
	return evidence.Clean(*e.Channel.Type, 100)
}

// incident is the id of the entry's incident.
func (e *logEntryRecord) incident() string { return incidentID(idOf(e.Incident, "id")) }

func incidentID(id string) string { return evidence.Clean(id, 100) }

// key is what an entry is counted by. An escalation or assignment to several
// people at once has an entry for each of them, at one time.
func (e *logEntryRecord) key() uint64 {
	sum := fnv.New64a()
	if e.Type == "annotate_log_entry" {
		_, _ = sum.Write([]byte(e.ID))
		return sum.Sum64()
	}
	_, _ = sum.Write([]byte(e.Type + " " + e.incident() + " " + stamp(e.CreatedAt.Time)))
	return sum.Sum64()
}

// reading is one way through the log.
type reading struct {
	// seen are the entries that were counted already.
	seen entrySet
	// forward says that it goes on from where the log was last left, and not
	// back to what was before that.
	forward bool
	// missed says that it is for incidents whose entries were passed over.
	missed bool
	// chunk is the part of the history that is read; nil for the time that
	// facts look back over.
	chunk *chunk
}

// readLog reads what the log says since it was last read, or as far back as
// there are incidents of which it is not known. It is committed window by
// window, oldest first, so that an interrupted first round is gone on with.
//
// The whole log is read and not its overview, which is documented as "the most
// important changes" and not by types: escalations, reassignments, notes and
// notifications are not known to be among them.
func (r *round) readLog(ctx context.Context) error {
	m := r.memory.incidents
	listed, complete := r.memory.asked[listingIncidents]
	if !complete {
		return nil // it would tell of incidents that are not known
	}
	now := r.now.Truncate(time.Second)
	start := m.next()
	if m.followed.IsZero() {
		start = r.factStart()
		m.logFrom, m.followed = start, start
	}
	details := listed.Add(-logOverlap).Truncate(time.Second)
	if details.Sub(start) <= logDetails {
		details = start
	}
	todo := append(windows(window{start, details}, logWindow), windows(window{details, now.Add(time.Second)}, logWindow)...)
	for _, w := range todo {
		if err := r.readLogWindow(ctx, w, &reading{seen: m.seen, forward: true}, !w.start.Before(details)); err != nil {
			return err
		}
		if err := r.followedTo(earlier(w.end, now)); err != nil {
			return err
		}
	}
	m.caught = true
	need := m.logFrom
	for _, k := range m.byID {
		if !k.settled && len(k.Services) > 0 && k.StartedAt.Before(need) && !k.StartedAt.Before(r.factStart()) {
			need = k.StartedAt.Truncate(time.Second)
		}
	}
	if err := r.readLogBack(ctx, need); err != nil {
		return err
	}
	if err := r.readMissed(ctx, now); err != nil {
		return err
	}
	if err := r.followedTo(now); err != nil {
		return err
	}
	r.followed = true
	return r.sendAbsent()
}

// readMissed reads the log once more for incidents that were not known when it
// was read: withdrawn ones that are back.
func (r *round) readMissed(ctx context.Context, now time.Time) error {
	m := r.memory.incidents
	start := now
	var missed []*known
	for _, k := range m.byID {
		if k.missed && len(k.Services) > 0 && !k.StartedAt.Before(r.factStart()) {
			missed = append(missed, k)
			start = earlier(start, k.StartedAt)
			k.Escalations, k.Reassignments, k.Notes, k.assigned = 0, 0, 0, time.Time{}
		}
	}
	if len(missed) == 0 {
		return nil
	}
	rd := &reading{seen: entrySet{}, missed: true}
	for _, w := range windows(window{start.Truncate(time.Second), now.Add(time.Second)}, logWindow) {
		if err := r.readLogWindow(ctx, w, rd, false); err != nil {
			return err
		}
	}
	for _, k := range missed {
		k.missed = false
	}
	return nil
}

// readLogBack reads the log back to a time, newest first, so that what has been
// read has no gap when it is interrupted.
func (r *round) readLogBack(ctx context.Context, start time.Time) error {
	m := r.memory.incidents
	for m.logFrom.After(start) {
		w := window{latest(m.logFrom.Add(-logWindow), start), m.logFrom}
		if err := r.readLogWindow(ctx, w, &reading{seen: entrySet{}}, false); err != nil {
			return err
		}
		m.logFrom = w.start
	}
	return nil
}

// readLogWindow reads the log of one window; details brings incidents along.
func (r *round) readLogWindow(ctx context.Context, w window, rd *reading, details bool) error {
	_, err := walk("log_entries", []window{w}, func(w window, at func(time.Time)) (bool, error) {
		query := w.query()
		if details {
			query["include[]"] = []string{"incidents"}
		}
		return r.logPages(ctx, query, rd, at)
	})
	return err
}

// logPages walks a listing of log entries. An entry that cannot be decoded
// leaves a doubt about its incident.
func (r *round) logPages(ctx context.Context, query map[string][]string, rd *reading, at func(time.Time)) (tooFar bool, err error) {
	return r.api.all(ctx, "log_entries", query, func(records []json.RawMessage) error {
		for _, raw := range records {
			e, err := decode[logEntryRecord](raw)
			if err != nil {
				r.skip("log_entry", idOf(raw, "id"), err)
				if id := incidentID(idOf(raw, "incident", "id")); id != "" {
					if k := r.subject(rd, id); k != nil {
						k.doubtful = true
					}
				}
				continue
			}
			at(e.CreatedAt.Time)
			if err := r.hear(ctx, rd, &e); err != nil {
				return err
			}
		}
		r.requested(rd)
		return nil
	})
}

// subject finds the incident that an entry is about; nil when it is of no
// interest.
func (r *round) subject(rd *reading, id string) *known {
	m := r.memory.incidents
	if rd.chunk != nil {
		return rd.chunk.subject(m, id)
	}
	if k := m.byID[id]; k != nil {
		return k
	}
	if !rd.forward {
		return nil
	}
	return m.stray(id)
}

// hear takes what an entry says into memory. Entries may come in any order and
// more than once.
func (r *round) hear(ctx context.Context, rd *reading, e *logEntryRecord) error {
	m := r.memory.incidents
	if e.Type == "notify_log_entry" {
		r.notice(e)
	}
	var k *known
	if record, err := decode[incidentRecord](e.Incident); err == nil && rd.chunk == nil {
		if k, err = r.learn(ctx, &record); err != nil {
			return err
		}
	} else {
		k = r.subject(rd, e.incident())
	}
	at := e.CreatedAt.Time
	if rd.forward {
		m.newest = latest(m.newest, at)
	}
	if k == nil || k.settled && !rd.forward || rd.missed && !k.missed {
		return nil // of no interest, or in it already
	}
	// counted reports whether the entry is one that was not counted before.
	counted := func() bool {
		key := e.key()
		if _, before := m.persisted[key]; rd.chunk == nil && k.stored && (before || at.Before(m.base)) {
			return false
		}
		if rd.missed {
			m.seen.add(key, at)
		}
		return rd.seen.add(key, at)
	}
	switch e.Type {
	case "trigger_log_entry":
		channel := e.channel()
		if channel != "" && (k.Channel == "" || !k.opened.IsZero() && at.Before(k.opened)) {
			k.Channel, k.MachineDetected, k.opened = channel, !byPerson(channel), at
		}
	case "acknowledge_log_entry":
		if k.AcknowledgedAt.IsZero() || at.Before(k.AcknowledgedAt) {
			k.AcknowledgedAt = at
		}
		k.respond(r.person(e.Agent))
	case "resolve_log_entry":
		if k.service != "" || k.settled {
			if k.open() && !k.UpdatedAt.IsZero() && at.After(k.UpdatedAt) {
				// It is too old to be listed again.
				k.ResolvedAt, k.UpdatedAt = at, at
			}
		}
		if !at.Before(k.endedAt) {
			k.ended, k.endedAt, k.byService = endedBy(e.Agent), at, e.Agent.kind() == "service"
			if e.channel() == "timeout" {
				k.ended = evidence.ResolverTimeout
			}
		}
		k.respond(r.person(e.Agent))
	case "escalate_log_entry":
		if counted() {
			k.Escalations++
		}
	case "assign_log_entry", "reassign_log_entry", "delegate_log_entry":
		if e.Type != "delegate_log_entry" && k.initial(at) {
			return nil
		}
		if counted() {
			k.Reassignments++
			if e.Type != "delegate_log_entry" && (k.assigned.IsZero() || at.Before(k.assigned)) {
				k.assigned = at
			}
		}
		for _, to := range e.Assignees {
			k.respond(r.person(to))
		}
	case "annotate_log_entry":
		if counted() {
			k.Notes++
		}
		k.respond(r.person(e.Agent))
	}
	if !k.StartedAt.IsZero() {
		r.settle(k)
	}
	return nil
}

// person is the keyed hash of a user; empty for anything else, and when people
// are not told apart.
func (r *round) person(of *reference) string {
	if of == nil || of.ID == "" || of.kind() != "user" || r.hash == nil {
		return ""
	}
	return r.hash(of.ID)
}

// followedTo notes that the log has been read until end, and stores what it
// told, with the cursors.
func (r *round) followedTo(end time.Time) error {
	m := r.memory.incidents
	all := make([]*known, 0, len(m.byID))
	for _, k := range m.byID {
		all = append(all, k)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	before := m.followed
	m.followed = latest(m.followed, end)
	seen := m.seen.since(m.next())
	cursors := map[string]string{logCursor: stamp(m.next().Add(logOverlap)), seenCursor: m.seenText(seen)}
	if m.history != nil && m.history.Done.IsZero() {
		cursors[historyCursor] = m.historyText(m.history, m.waiting())
	}
	if err := r.sendIncidents(all, cursors); err != nil {
		m.followed = before
		return err
	}
	m.seen = seen
	return nil
}

// seenText writes, as a cursor, what was counted of the entries that will be read
// again, by this process and by those before it; * when there are too many.
func (m *incidentMemory) seenText(seen entrySet) string {
	all := m.persisted.since(m.next())
	maps.Copy(all, seen)
	if len(all) > mostSeen || m.base.After(m.next()) {
		return "*"
	}
	words := make([]string, 0, len(all))
	for key, at := range all {
		words = append(words, strconv.FormatUint(key, 36)+":"+strconv.FormatInt(at, 36))
	}
	sort.Strings(words)
	return strings.Join(words, " ")
}

// parseEntries reads what seenText has written. ok is false when the set was too
// long to be written, or is not one.
func parseEntries(text string) (set entrySet, ok bool) {
	set = entrySet{}
	for _, word := range strings.Fields(text) {
		key, at, found := strings.Cut(word, ":")
		k, err := strconv.ParseUint(key, 36, 64)
		t, err2 := strconv.ParseInt(at, 36, 64)
		if !found || err != nil || err2 != nil {
			return entrySet{}, false
		}
		set[k] = t
	}
	return set, true
}

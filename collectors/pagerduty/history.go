package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// The history of incidents, older than facts look back, is read once and then
// rarely, from the newest to the oldest. It comes in chunks: some hundred
// incidents and the log of their time, which are stored and forgotten. An
// incident that lasts beyond its chunk has entries in the log of newer ones,
// which were read before: they wait for it as strays.

const (
	// historyCursor names the cursor that says how far the history has come.
	historyCursor = "history"
	// historyEvery is how often the whole history is listed again, so that what
	// is gone is noticed.
	historyEvery = 30 * day
	// historySlice is how many requests one round spends on it.
	historySlice = 600
	// mostChunk is how many incidents a chunk has, give or take a page.
	mostChunk = 500
	// mostStrays bounds the incidents that the log told of ahead of time.
	mostStrays = 5000
	stepName   = "history of incidents"
)

// history is how far the walk through the history has come. It is stored as
// JSON.
type history struct {
	// Began is when the walk did, at From; it has come back to To.
	Began time.Time `json:"began"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	// Done is when it had come to the end; zero before.
	Done time.Time `json:"done,omitzero"`
	// References is the hash of what the catalog referred to when it began.
	References string `json:"references"`
	// Lossy says that strays are missing, so that what the log tells of
	// incidents that outlast their chunk is not known.
	Lossy bool `json:"lossy,omitempty"`
	// Stored counts what the store had of the time, and Lacking what of it was not
	// listed. Doubted says that it was too much, and nothing more is withdrawn.
	Stored  int  `json:"stored,omitempty"`
	Lacking int  `json:"lacking,omitempty"`
	Doubted bool `json:"doubted,omitempty"`
	// First says that it is the first walk, of which people are told.
	First bool `json:"first,omitempty"`
}

// collects reports whether strays are kept for the walk. A nil history does not.
func (h *history) collects() bool { return h != nil && h.Done.IsZero() && !h.Lossy }

// passed reports whether what the log tells of an incident that began at the
// time is not waited for: the walk has gone by, or keeps no strays.
func (h *history) passed(at time.Time) bool {
	return h != nil && (!h.collects() || !at.Before(h.To))
}

// stray is what is stored of an incident that only the log has told of.
type stray struct {
	Acknowledged  time.Time         `json:"acknowledged,omitzero"`
	Ended         evidence.Resolver `json:"ended,omitempty"`
	EndedAt       time.Time         `json:"ended_at,omitzero"`
	ByService     bool              `json:"by_service,omitempty"`
	Escalations   int               `json:"escalations,omitempty"`
	Reassignments int               `json:"reassignments,omitempty"`
	Assigned      time.Time         `json:"assigned,omitzero"`
	Notes         int               `json:"notes,omitempty"`
	Responders    []string          `json:"responders,omitempty"`
	Doubtful      bool              `json:"doubtful,omitempty"`
}

func (r *round) newHistory(from time.Time) *history {
	return &history{Began: r.now, From: from, To: from, References: r.references(), First: true}
}

func (r *round) references() string { return strconv.FormatUint(r.catalog.hash, 36) }

// stray is the incident of the id, of which nothing but the log is known; nil
// when none are kept.
func (m *incidentMemory) stray(id string) *known {
	if !m.history.collects() {
		return nil
	}
	k := m.strays[id]
	if k == nil {
		if len(m.strays) >= mostStrays {
			m.history.Lossy, m.strays = true, map[string]*known{}
			return nil
		}
		k = &known{}
		m.strays[id] = k
	}
	return k
}

// waiting are the strays and the incidents that are open for so long that the
// history has not come to their begin.
func (m *incidentMemory) waiting() map[string]*known {
	all := make(map[string]*known, len(m.strays))
	for id, k := range m.strays {
		all[id] = k
	}
	for id, k := range m.byID {
		if !k.settled && k.StartedAt.Before(m.history.To) {
			all[id] = k
		}
	}
	return all
}

// historyText writes the cursor.
func (m *incidentMemory) historyText(h *history, waiting map[string]*known) string {
	stored := struct {
		*history
		Strays map[string]stray `json:"strays,omitempty"`
	}{h, map[string]stray{}}
	if h.collects() {
		for id, k := range waiting {
			stored.Strays[id] = stray{
				k.AcknowledgedAt, k.ended, k.endedAt, k.byService, k.Escalations, k.Reassignments, k.assigned, k.Notes, k.Responders, k.doubtful,
			}
		}
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return "" // a time beyond the year 9999: walk again
	}
	return string(text)
}

// parseHistory reads what historyText has written; nil when it is not that, and
// the history is to be walked again.
func parseHistory(text string) (*history, map[string]*known) {
	var stored struct {
		history
		Strays map[string]stray `json:"strays"`
	}
	strays := map[string]*known{}
	if text == "" || json.Unmarshal([]byte(text), &stored) != nil || stored.To.IsZero() {
		return nil, strays
	}
	for id, s := range stored.Strays {
		k := &known{stored: true, ended: s.Ended, endedAt: s.EndedAt, byService: s.ByService, assigned: s.Assigned, doubtful: s.Doubtful}
		k.AcknowledgedAt, k.Responders = s.Acknowledged, s.Responders
		k.Escalations, k.Reassignments, k.Notes = s.Escalations, s.Reassignments, s.Notes
		strays[id] = k
	}
	return &stored.history, strays
}

// readHistory goes on with the walk through the history, as far as one round
// may. It begins again now and then, or when the catalog refers to more.
func (r *round) readHistory(ctx context.Context) error {
	m := r.memory.incidents
	if _, complete := r.memory.asked[listingIncidents]; !complete || !m.caught || !r.followed || m.history == nil {
		return nil
	}
	if r.memory.maintenance == nil && !r.windowsRefused {
		return nil // it would be stored without its marks
	}
	h, oldest := m.history, r.historyStart()
	if !h.Done.IsZero() {
		age := r.now.Sub(h.Began)
		switch {
		case age >= historyEvery, age < 0, age >= day && h.References != r.references():
			h = r.newHistory(r.factStart())
			h.Lossy, h.First = true, false
		case h.To.Sub(oldest) >= widestWindow/2:
			// More of it is wanted than before.
			longer := *h
			longer.Done, longer.Lossy, longer.First = time.Time{}, true, true
			h = &longer
		default:
			return nil
		}
		m.history, m.strays = h, map[string]*known{}
	}
	for h.To.After(oldest) {
		if r.asked >= historySlice || r.late(ctx) {
			return nil
		}
		if err := r.readChunk(ctx, oldest); err != nil {
			return err
		}
		h = m.history
	}
	r.historyTo(oldest, 0)
	done := *h
	done.Done = r.now
	if err := r.send(evidence.Batch{Cursors: map[string]string{historyCursor: m.historyText(&done, nil)}}); err != nil {
		return err
	}
	m.history, m.strays = &done, map[string]*known{}
	return nil
}

// late reports whether the round has used most of its time. The deadline is by
// the wall clock, whatever clock the source has.
func (r *round) late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < r.span/4
}

// requested counts requests of the walk.
func (r *round) requested(rd *reading) {
	if rd.chunk != nil {
		r.asked++
	}
}

// chunk is a part of the history while it is read. What it changes of strays
// and of incidents in memory are copies until it is stored.
type chunk struct {
	window
	seen *seenIncidents
	// listed are its incidents; heard are the others that its log tells of.
	listed, heard map[string]*known
}

// subject finds the incident that an entry of the chunk's log is about.
func (c *chunk) subject(m *incidentMemory, id string) *known {
	if k := c.listed[id]; k != nil {
		return k
	}
	if k := c.heard[id]; k != nil {
		return k
	}
	if k := m.byID[id]; k != nil {
		if !k.StartedAt.Before(c.end) {
			return nil
		}
		k := *k
		c.heard[id] = &k
		return &k
	}
	if !m.history.collects() {
		return nil
	}
	k := &known{}
	if before := m.strays[id]; before != nil {
		*k = *before
	}
	c.heard[id] = k
	return k
}

// add takes a record into the chunk.
func (r *round) add(c *chunk, record *incidentRecord) {
	m := r.memory.incidents
	in := r.incident(record)
	k := &known{}
	for _, before := range []*known{m.strays[in.ID], m.byID[in.ID]} {
		if before != nil {
			*k = *before
		}
	}
	r.update(k, in, record)
	c.listed[in.ID] = k
}

// errEnough ends a listing of which there is enough.
var errEnough = errors.New("enough of the listing")

// readChunk reads, stores and forgets the next chunk of the history.
func (r *round) readChunk(ctx context.Context, oldest time.Time) error {
	m := r.memory.incidents
	to := m.history.To
	c := &chunk{window: window{latest(to.Add(-widestWindow), oldest), to}}
	if err := r.listChunk(ctx, c); err != nil {
		return err
	}
	rd := &reading{seen: entrySet{}, chunk: c}
	if err := r.readLogWindow(ctx, c.window, rd, false); err != nil {
		return err
	}
	for _, k := range c.listed {
		if !m.history.Lossy || !k.open() && k.ResolvedAt.Before(c.end) {
			k.settled = true
		}
	}
	return r.storeChunk(ctx, c)
}

// listChunk lists incidents, newest first, until there are enough of them, and
// bounds the chunk by what came.
func (r *round) listChunk(ctx context.Context, c *chunk) error {
	whole := c.window
	for enough := mostChunk; ; enough = maxRecords {
		c.window = whole
		c.seen, c.listed, c.heard = &seenIncidents{ids: map[string]bool{}}, map[string]*known{}, map[string]*known{}
		query := r.incidentQuery(c.query(), newestFirst)
		var last time.Time
		tooFar, err := r.allIncidents(ctx, query, func(records []json.RawMessage) error {
			for _, raw := range records {
				record, ok := r.decodeIncident(raw, c.seen)
				if !ok {
					continue
				}
				at := record.CreatedAt.Truncate(time.Second)
				if !last.IsZero() && at.After(last) {
					return incomplete("GET /incidents", errors.New("the records are not in the order that was asked for"))
				}
				last = at
				c.seen.ids[incidentID(record.ID)] = true
				r.add(c, &record)
			}
			r.asked++
			r.historyTo(latest(last, c.start), len(records))
			if len(c.listed) >= enough {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		if err == nil && !tooFar {
			return nil
		}
		// The last second may go on behind what was read.
		if cut := last.Add(time.Second); cut.Before(c.end) {
			c.start = cut
			for id, k := range c.listed {
				if k.StartedAt.Before(cut) {
					delete(c.listed, id)
				}
			}
			return nil
		}
		if enough == maxRecords {
			return incomplete("GET /incidents", errors.New("more incidents in a second than PagerDuty lists, at "+stamp(last)))
		}
	}
}

// storeChunk stores a chunk, with what the store has of its time and PagerDuty
// has not withdrawn, and forgets it. The cursor comes with the last batch.
func (r *round) storeChunk(ctx context.Context, c *chunk) error {
	m := r.memory.incidents
	missing, lacking, stored, err := r.compare(ctx, c)
	if err != nil {
		return err
	}
	var send []evidence.Incident
	for _, k := range c.listed {
		if len(k.Services) == 0 {
			continue
		}
		in := m.told(k)
		in.AcksKnown = in.AcksKnown && k.settled
		in = withoutLog(in)
		if print := fingerprint(in); print != k.sent {
			k.sent = print
			send = append(send, in)
		}
	}
	slices.SortFunc(send, func(a, b evidence.Incident) int { return strings.Compare(a.ID, b.ID) })
	next := *m.history
	next.To, next.Stored, next.Lacking = c.start, next.Stored+stored, next.Lacking+lacking
	doubt := tooManyGone(next.Lacking, next.Stored, window{c.start, next.From})
	if doubt == nil {
		doubt = tooManyGone(lacking, stored, c.window)
	}
	if !next.Doubted && doubt == nil && c.seen.nameless == 0 {
		for _, in := range missing {
			send = append(send, gone(in, notListed(c.window, r.now)))
		}
	}
	if next.Doubted {
		doubt = nil // it has been told
	}
	next.Doubted = next.Doubted || doubt != nil
	strays := map[string]*known{}
	for _, from := range []map[string]*known{m.strays, c.heard} {
		for id, k := range from {
			if c.listed[id] == nil && m.byID[id] == nil {
				strays[id] = k
			}
		}
	}
	if len(strays) > mostStrays {
		next.Lossy, strays = true, map[string]*known{}
	}
	waiting := map[string]*known{}
	for id, k := range strays {
		waiting[id] = k
	}
	for id, k := range m.byID {
		if heard := c.heard[id]; heard != nil {
			k = heard
		}
		if c.listed[id] == nil && !k.settled && k.StartedAt.Before(c.start) {
			waiting[id] = k
		}
	}
	for len(send) > mostSent {
		if err := r.send(evidence.Batch{Incidents: send[:mostSent]}); err != nil {
			return err
		}
		send = send[mostSent:]
	}
	if err := r.send(evidence.Batch{Incidents: send, Cursors: map[string]string{historyCursor: m.historyText(&next, waiting)}}); err != nil {
		return err
	}
	for _, from := range []map[string]*known{c.listed, c.heard} {
		for id, k := range from {
			if m.byID[id] != nil {
				m.byID[id] = k
			}
		}
	}
	m.history, m.strays = &next, strays
	return doubt
}

// compare reads what the store has of the chunk's time. It counts it and what of
// it is not listed, which it returns as long as it may be withdrawn: of more
// than a chunk's worth the listing is not believed.
func (r *round) compare(ctx context.Context, c *chunk) (missing []evidence.Incident, lacking, stored int, err error) {
	if r.recall == nil || r.first {
		return nil, 0, 0, nil
	}
	err = r.recall(ctx, evidence.IncidentSpan{Since: c.start, Until: c.end}, func(old evidence.Incident) error {
		stored++
		k := c.listed[old.ID]
		switch {
		case k == nil && !c.seen.ids[old.ID]:
			if lacking++; lacking <= mostChunk {
				missing = append(missing, old)
			}
		case k != nil:
			k.sent = fingerprint(old)
			k.Maintenance = k.Maintenance || old.Maintenance
			if !k.linked {
				k.Links = keepLinks(old.Links, k.Links)
			}
			if !k.settled && old.AcksKnown && old.ResolvedAt.Equal(k.ResolvedAt) {
				k.Resolver = old.Resolver
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, 0, &collectors.CallError{Reason: evidence.ReasonStore, Call: "read incidents of " + r.id, Err: err}
	}
	return missing, lacking, stored, nil
}

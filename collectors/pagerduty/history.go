package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/evidence"
)

// The history of incidents, older than facts look back, is read once and then
// rarely, from the newest to the oldest. It comes in chunks: some hundred
// incidents and the log of their time, which are stored and left to the store. An
// incident that outlasts its chunk has entries in the log of newer ones, which
// are stored already when its record comes.

const (
	// historyCursor names the cursor that says how far the history has come.
	historyCursor = "history"
	// historyEvery is how often the whole history is listed again, so that deleted
	// incidents are noticed.
	historyEvery = 30 * day
	// historySlice is how many requests one round spends on it.
	historySlice = 600
	// maxChunk is how many incidents a chunk has, give or take a page.
	maxChunk = 500
	stepName = "history of incidents"
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
	// Stored counts what the store had of the time, and Lacking what of it was not
	// listed. Refused says that it was too much, and nothing more is withdrawn.
	Stored  int  `json:"stored,omitempty"`
	Lacking int  `json:"lacking,omitempty"`
	Refused bool `json:"doubted,omitempty"`
	// First says that it is the first walk, whose progress is reported.
	First bool `json:"first,omitempty"`
}

func (r *round) newHistory(from time.Time) *history {
	return &history{Began: r.now, From: from, To: from, References: r.references(), First: true}
}

func (r *round) references() string { return strconv.FormatUint(r.catalog.hash, 36) }

// parseHistory reads the cursor; nil when it is not one, and the history is to be
// walked again.
func parseHistory(text string) *history {
	var h history
	if json.Unmarshal([]byte(text), &h) != nil || h.To.IsZero() {
		return nil
	}
	return &h
}

// readHistory continues the walk through the history, as far as one round may.
func (r *round) readHistory(ctx context.Context) error {
	m := r.memory.incidents
	if _, complete := r.memory.asked[listingIncidents]; !complete || !m.caught || !r.followed || m.history == nil {
		return nil
	}
	if r.memory.maintenance == nil && !r.windowsRefused {
		return nil // it would be stored without its marks
	}
	oldest := r.historyStart()
	if !r.historyDue(oldest) {
		return nil
	}
	r.asked = 0
	for m.history.To.After(oldest) {
		if r.asked >= historySlice || r.late(ctx) {
			return nil
		}
		if err := r.readChunk(ctx, oldest); err != nil {
			return err
		}
	}
	r.historyTo(oldest, 0)
	done := *m.history
	done.Done = r.now
	if err := r.send(evidence.Batch{Cursors: map[string]string{historyCursor: cursorText(done)}}); err != nil {
		return err
	}
	m.history = &done
	return nil
}

// historyDue reports whether there is more of the history to be read. A walk that
// is done begins again after a while, or when the catalog refers to more.
func (r *round) historyDue(oldest time.Time) bool {
	m := r.memory.incidents
	if m.history.Done.IsZero() {
		return true
	}
	age := r.now.Sub(m.history.Began)
	switch {
	case age >= historyEvery, age < 0, age >= day && m.history.References != r.references():
		m.history = r.newHistory(r.factStart())
		m.history.First = false
	case m.history.To.Sub(oldest) >= widestWindow/2:
		// More of it is wanted than before.
		longer := *m.history
		longer.Done, longer.First = time.Time{}, true
		m.history = &longer
	default:
		return false
	}
	return true
}

// late reports whether the round has used most of its time. The deadline is by
// the wall clock, whatever clock the source has.
func (r *round) late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < r.span/4
}

// chunk is a part of the history while it is read.
type chunk struct {
	window
	seen   *seenIncidents
	listed map[string]*trackedIncident
}

// add adds a record to the chunk. An incident that is in memory is updated there.
func (r *round) add(c *chunk, record *incidentRecord) {
	in := r.incident(record)
	k := r.memory.incidents.byID[in.ID]
	if k == nil {
		k = &trackedIncident{}
	}
	r.update(k, in, record)
	c.listed[in.ID] = k
}

// errEnough ends a listing of which there is enough.
var errEnough = errors.New("enough of the listing")

// readChunk reads and stores the next chunk of the history, and the log of its
// time unless that is stored already.
func (r *round) readChunk(ctx context.Context, oldest time.Time) error {
	m := r.memory.incidents
	to := m.history.To
	c := &chunk{window: window{latest(to.Add(-widestWindow), oldest), to}}
	if err := r.listChunk(ctx, c); err != nil {
		return err
	}
	if err := r.readLogBack(ctx, window{c.start, m.logFrom}, widestWindow); err != nil {
		return err
	}
	return r.storeChunk(ctx, c)
}

// listChunk lists incidents, newest first, until there are enough of them, and
// bounds the chunk by what came.
func (r *round) listChunk(ctx context.Context, c *chunk) error {
	whole := c.window
	for enough := maxChunk; ; enough = maxRecords {
		c.window = whole
		last, more, err := r.listUntil(ctx, c, enough)
		if err != nil || !more {
			return err
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

// listUntil lists the chunk's incidents until there are enough. last is the start
// of the last one, and more says that the window has more.
func (r *round) listUntil(ctx context.Context, c *chunk, enough int) (last time.Time, more bool, err error) {
	c.seen, c.listed = &seenIncidents{ids: map[string]bool{}}, map[string]*trackedIncident{}
	tooFar, err := r.allIncidents(ctx, r.incidentQuery(c.query(), newestFirst), func(records []json.RawMessage) error {
		for _, raw := range records {
			record := decodeOr[incidentRecord](r, "incident", raw, c.seen.addUndecodable)
			if record == nil {
				continue
			}
			at := record.CreatedAt.Truncate(time.Second)
			if !last.IsZero() && at.After(last) {
				return incomplete("GET /incidents", errors.New("the records are not in the order that was asked for"))
			}
			last = at
			c.seen.ids[incidentID(record.ID)] = true
			r.add(c, record)
		}
		r.asked++
		r.historyTo(latest(last, c.start), len(records))
		if len(c.listed) >= enough {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return last, true, nil
	}
	return last, tooFar, err
}

// storeChunk stores a chunk and withdraws what the store has of its time and
// PagerDuty does not list any more. The cursor comes with the last batch.
func (r *round) storeChunk(ctx context.Context, c *chunk) error {
	m := r.memory.incidents
	missing, lacking, stored, err := r.compare(ctx, c)
	if err != nil {
		return err
	}
	next := *m.history
	next.To, next.Stored, next.Lacking = c.start, next.Stored+stored, next.Lacking+lacking
	refusal := tooManyDeleted(next.Lacking, next.Stored, window{c.start, next.From})
	if refusal == nil {
		refusal = tooManyDeleted(lacking, stored, c.window)
	}
	switch {
	case next.Refused:
		refusal = nil // it was reported before
	case refusal != nil:
		next.Refused = true
	case c.seen.nameless == 0:
		for i, in := range missing {
			missing[i] = deleted(in, notListed(c.window, r.now))
		}
		if err := r.sendIncidents(missing); err != nil {
			return err
		}
	}
	if err := r.reconcile(ctx, sorted(c.listed), map[string]string{historyCursor: cursorText(next)}); err != nil {
		return err
	}
	m.history = &next
	return refusal
}

// compare reads what the store has of the chunk's time. It counts it and what of
// it is not listed, which it returns as long as it may be withdrawn: of more
// than a chunk's worth the listing is not believed.
func (r *round) compare(ctx context.Context, c *chunk) (missing []evidence.Incident, lacking, stored int, err error) {
	err = r.eachStored(ctx, evidence.IncidentSpan{Since: c.start, Until: c.end}, func(old evidence.Incident) error {
		stored++
		k := c.listed[old.ID]
		switch {
		case k == nil && !c.seen.ids[old.ID]:
			if lacking++; lacking <= maxChunk {
				missing = append(missing, old)
			}
		case k != nil:
			k.sent, k.loggedChannel = fingerprint(old), k.loggedChannel && old.Channel == ""
			k.Incident = mergeRecord(old, k.Incident, k.linked, old.AcksKnown)
		}
		return nil
	})
	return slices.Clip(missing), lacking, stored, err
}

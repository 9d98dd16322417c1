package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// The history is the incidents that are older than facts look back. It is read once
// and then every 30 days, from the newest to the oldest, in chunks: some hundred
// incidents and the log of their time, which are stored and not kept in memory. The
// log of an incident may be longer than its chunk: the later part was read with the
// newer chunks, and is in the store when the incident's record is read.

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
	// Began is when the walk began, at From. Everything from To on has been read.
	Began time.Time `json:"began"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	// Done is when the walk reached the end; zero before.
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

// dueHistory is the walk through the history that this round continues or begins;
// nil when none is due. A walk that is done begins again after a while, or when the
// catalog refers to more.
func (r *round) dueHistory() *history {
	last := r.memory.incidents.history
	from := r.factStart()
	begun := &history{Began: r.now, From: from, To: from, References: r.references(), First: last == nil}
	if last == nil {
		return begun
	}
	age := r.now.Sub(last.Began)
	switch {
	case last.Done.IsZero():
		return last
	case age >= historyEvery, age < 0, age >= day && last.References != r.references():
		return begun
	case last.To.Sub(r.historyStart()) >= maxWindow/2:
		longer := *last // more of it is wanted than before
		longer.Done, longer.First = time.Time{}, true
		return &longer
	}
	return nil
}

// nextOfHistory is the part of the history that is read next, at most; ok is false
// when none is due.
func (r *round) nextOfHistory() (w window, ok bool) {
	h, oldest := r.dueHistory(), r.historyStart()
	if h == nil || !h.To.After(oldest) {
		return w, false
	}
	return window{latest(h.To.Add(-maxWindow), oldest), h.To}, true
}

// readHistory continues the walk through the history, as far as one round may, and
// removes what earlier processes have saved for it.
func (r *round) readHistory(ctx context.Context) error {
	if err := r.walkHistory(ctx); err != nil || !r.followed {
		return err
	}
	return r.forgetListing()
}

// walkHistory continues the walk, unless newer incidents or their log are not read.
func (r *round) walkHistory(ctx context.Context) error {
	m := r.memory.incidents
	if _, complete := r.memory.asked[listingIncidents]; !complete || !m.CaughtUp || !r.followed {
		return nil
	}
	if r.memory.maintenance == nil && !r.windowsRefused {
		return nil // it would be stored without its marks
	}
	if m.history = cmp.Or(r.dueHistory(), m.history); !m.history.Done.IsZero() {
		return nil
	}
	r.asked = 0
	for w, more := r.nextOfHistory(); more; w, more = r.nextOfHistory() {
		if r.asked >= historySlice || r.late(ctx, lastQuarter) && (r.asked > 0 || r.late(ctx, lastMoment)) {
			return nil
		}
		if err := r.readChunk(ctx, r.nextChunk(ctx, w)); err != nil {
			return err
		}
	}
	r.progressed(r.history, 0)
	done := *m.history
	done.Done = r.now
	if err := r.out.Send(evidence.Batch{Cursors: map[string]string{historyCursor: cursorText(done)}}); err != nil {
		return err
	}
	m.history = &done
	return nil
}

// nextChunk is a chunk of the window that the round has the time for.
func (r *round) nextChunk(ctx context.Context, w window) *chunk {
	c := &chunk{window: w, atLeast: maxChunk}
	if deadline, ok := ctx.Deadline(); ok {
		c.listUntil = time.Now().Add(time.Until(deadline) / lastSixth)
	}
	if r.late(ctx, lastQuarter) {
		// Every round goes on a little, or one with a slow link never would.
		c.atLeast = r.api.limit
	}
	return c
}

// historyProgress is how far the first walk through the history had come when it
// was last reported.
type historyProgress struct {
	share   float64
	records int
}

// progressed reports how much of the history the first walk has read, and that so
// many records came. The share never decreases.
func (r *round) progressed(read time.Duration, records int) {
	if h := r.memory.incidents.history; h != nil && (!h.First || !h.Done.IsZero()) {
		return
	}
	p := &r.memory.progress
	p.records += records
	p.share = min(max(p.share, float64(read)/float64(r.history)), 1)
	if r.progress != nil {
		r.progress(collectors.Progress{Step: stepName, Share: p.share, Records: p.records})
	}
}

// Parts of a round's time, as divisors.
const (
	lastQuarter = 4
	lastMoment  = 20
	// lastSixth is for the incidents of a chunk: their log takes some times as long, and
	// a chunk that does not end in the time of a round is read again by the next.
	lastSixth = 6
)

// late reports whether the round is in the last part of its time. The deadline is by
// the wall clock, whatever clock the source has.
func (r *round) late(ctx context.Context, part time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < r.span/part
}

// Left says how far back the history was read, by the stored cursors; empty when all
// of it was read. See collectors.Resumer.
func (s *Source) Left(cursors map[string]string) string {
	h := parseHistory(cursors[historyCursor])
	saved := parseSaved(cursors[listedCursor])
	switch {
	case cursors[logCursor] == "" && len(saved.Rest) > 0:
		return fmt.Sprintf("the incidents of the last 90 days are read up to %s, continues with the next round",
			saved.Rest[0].Start.Format(time.DateOnly))
	case cursors[logCursor] == "":
		return "the incidents of the last 90 days are not read yet, continues with the next round"
	case h == nil:
		return "the history of incidents is read back 90 days, continues with the next round"
	case h.Done.IsZero():
		return fmt.Sprintf("history read back to %s, continues with the next round", h.To.Format(time.DateOnly))
	}
	return ""
}

// IncidentsSince is since when all incidents are stored. A walk through the history that
// is not the first repeats what is stored. See collectors.IncidentSource.
func (s *Source) IncidentsSince(cursors map[string]string, now time.Time) (since time.Time, reads bool) {
	h := parseHistory(cursors[historyCursor])
	switch {
	case cursors[logCursor] == "":
		return time.Time{}, true
	case h == nil:
		return now.Add(-incidentSpan), true
	case h.Done.IsZero() && !h.First:
		return now.Add(-s.history), true
	}
	return h.To, true
}

// chunk is a part of the history while it is read.
type chunk struct {
	window
	// atLeast is how many incidents it has, if there are as many, give or take a page.
	atLeast int
	// listUntil is when there are enough of them, by the wall clock; zero for no limit.
	listUntil time.Time
	seen      *idSet
	listed    map[string]*trackedIncident
}

// add adds a record to the chunk. An incident that is in memory is updated there.
func (r *round) add(c *chunk, record *incidentRecord) {
	in := r.incident(record)
	k := r.memory.incidents.byID[in.ID]
	if k == nil {
		k = &trackedIncident{}
	}
	r.update(k, in, record)
	c.seen.ids[in.ID], c.listed[in.ID] = true, k
}

// readChunk reads and stores the next chunk of the history, and the log of its
// time unless that is stored already.
func (r *round) readChunk(ctx context.Context, c *chunk) error {
	if err := r.listChunk(ctx, c); err != nil {
		return err
	}
	if err := r.readLogBack(ctx, window{c.start, r.memory.incidents.LogFrom}, maxWindow); err != nil {
		return err
	}
	if err := r.listTargets(ctx, c); err != nil {
		return err
	}
	return r.storeChunk(ctx, c)
}

// errEnough ends a listing of which there is enough.
var errEnough = errors.New("enough of the listing")

// listChunk lists incidents, newest first, until there are enough of them, and
// bounds the chunk by what came. Where so many began in one second, it lists as
// many as PagerDuty does.
func (r *round) listChunk(ctx context.Context, c *chunk) error {
	var last time.Time
	for _, enough := range [...]int{c.atLeast, maxRecords} {
		c.seen, c.listed, last = newIDSet(), map[string]*trackedIncident{}, time.Time{}
		query := r.incidentQuery(c.query(), newestFirst)
		more, err := r.eachIncident(ctx, query, c.seen, func(page []*incidentRecord) error {
			for _, record := range page {
				at := record.CreatedAt.Truncate(time.Second)
				if !last.IsZero() && at.After(last) {
					return incomplete("GET /incidents", "the records are not in the order that was asked for")
				}
				last = at
				r.add(c, record)
			}
			r.progressed(r.now.Sub(latest(last, c.start)), len(page))
			tooLong := enough == c.atLeast && !c.listUntil.IsZero() && time.Now().After(c.listUntil)
			if len(c.listed) >= enough || tooLong {
				return errEnough
			}
			return nil
		})
		stopped := errors.Is(err, errEnough)
		if err != nil && !stopped || !more && !stopped {
			return err
		}
		// The last second may go on behind what was read.
		if cut := last.Add(time.Second); cut.Before(c.end) {
			c.start = cut
			maps.DeleteFunc(c.listed, func(_ string, k *trackedIncident) bool { return k.StartedAt.Before(cut) })
			return nil
		}
	}
	return incomplete("GET /incidents", "more incidents in a second than PagerDuty lists, at %s", stamp(last))
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
		if err := r.withdraw(missing, notListed(c.window, r.now)); err != nil {
			return err
		}
	}
	m.joinParts(c.listed)
	list := sorted(c.listed)
	for _, k := range sorted(m.byID) {
		if len(k.joined) > 0 && c.listed[k.ID] == nil {
			list = append(list, k) // a part of it may be in the chunk
		}
	}
	if err := r.reconcile(ctx, list, map[string]string{historyCursor: cursorText(next)}); err != nil {
		return err
	}
	m.keepParts(c.listed)
	m.history = &next
	return refusal
}

// compare reads what the store has of the chunk's time. It counts it and what of
// it is not listed, which it returns as far as it may be withdrawn: at most as many
// incidents as a chunk has.
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
	return missing, lacking, stored, err
}

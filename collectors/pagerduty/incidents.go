package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	incidentSpan = 90 * day
	loadWeeks    = 8
	// fewest is the least number of incidents that a share is told of.
	fewest = 5
	// repeats is how often a problem comes until it counts as repeated.
	repeats = 3
	// mostSent is how many incidents are stored at once, beside pages.
	mostSent = 500
)

// incidentListing is a listing of the incidents that facts look back over. What
// one round leaves of it the next goes on with.
type incidentListing struct {
	began time.Time
	span  window
	rest  []window
	seen  *seenIncidents
}

// listIncidents lists the incidents that facts look back over where that is
// due, and stores them page by page. What the store has of that time and the
// complete list has not is gone.
func (r *round) listIncidents(ctx context.Context) error {
	if err := r.recallIncidents(ctx); err != nil {
		return err
	}
	m := r.memory.incidents
	if m.doubt != nil && r.now.Sub(m.doubtAt) < doubtEvery && !r.now.Before(m.doubtAt) {
		return m.doubt
	}
	if m.doubt == nil && !r.due(listingIncidents, incidentsEvery) {
		return nil
	}
	now := r.now.Truncate(time.Second)
	l := m.listing
	if l == nil || now.Sub(l.began) >= incidentsEvery || now.Before(l.began) {
		span := window{r.factStart(), now.Add(time.Second)}
		l = &incidentListing{began: now, span: span, rest: windows(span, widestWindow), seen: &seenIncidents{ids: map[string]bool{}}}
		m.listing = l
	}
	if end := l.span.end; end.Before(now.Add(time.Second)) {
		l.span.end = now.Add(time.Second)
		l.rest = append(l.rest, window{end, l.span.end})
	}
	var err error
	l.rest, err = walk("incidents", l.rest, func(w window, at func(time.Time)) (bool, error) {
		return r.incidentPages(ctx, r.incidentQuery(w.query(), oldestFirst), l.seen, at, r.listedTo)
	})
	if err != nil {
		return err
	}
	m.listing = nil
	if err := r.sendGone(l.span, l.seen); err != nil {
		return err
	}
	if m.history == nil {
		m.history = r.newHistory(l.span.start)
		// What was read of the log before told of older incidents in vain.
		m.history.Lossy = !m.followed.IsZero()
	}
	r.listed = true
	// What has changed since it began the log is to tell.
	r.memory.asked[listingIncidents] = l.began
	return nil
}

// factStart is since when incidents are kept in memory, for facts.
func (r *round) factStart() time.Time { return r.now.Truncate(time.Second).Add(-incidentSpan) }

// historyStart is since when incidents are collected.
func (r *round) historyStart() time.Time { return r.now.Truncate(time.Second).Add(-r.history) }

// recallIncidents reads, once, what is stored of the incidents that facts look
// back over, and of those that are open.
func (r *round) recallIncidents(ctx context.Context) error {
	m := r.memory.incidents
	if m.recalled {
		return nil
	}
	if r.recall != nil && !r.first {
		r.recallLog()
		span := evidence.IncidentSpan{Since: r.factStart(), Lasting: true}
		err := r.recall(ctx, span, func(in evidence.Incident) error {
			// Of one that has just ended the log tells once more, in its overlap.
			lately := in.ResolvedAt.IsZero() || in.ResolvedAt.After(r.now.Add(-day))
			if lately || !in.StartedAt.Before(r.factStart()) {
				m.byID[in.ID] = r.remembered(in)
			}
			return nil
		})
		if err != nil {
			return &collectors.CallError{Reason: evidence.ReasonStore, Call: "read incidents of " + r.id, Err: err}
		}
	}
	m.recalled = true
	return nil
}

// recallLog reads the cursors of the log and of the history.
func (r *round) recallLog() {
	m := r.memory.incidents
	m.history, m.strays = parseHistory(r.cursors[historyCursor])
	at, err := time.Parse(time.RFC3339, r.cursors[logCursor])
	if err != nil {
		return
	}
	if at.Before(r.factStart()) {
		// Nobody has followed the log for so long that a part was missed.
		m.history, m.strays = nil, map[string]*known{}
		return
	}
	m.followed = earlier(at, r.now.Truncate(time.Second))
	m.newest = m.followed
	m.logFrom, m.base = m.next(), m.next()
	var ok bool
	if m.persisted, ok = parseEntries(r.cursors[seenCursor]); !ok {
		m.base = m.followed.Add(time.Second) // all of it was counted
	}
}

// remembered is an incident as the store has it.
func (r *round) remembered(in evidence.Incident) *known {
	m := r.memory.incidents
	k := recalled(in)
	if stray := m.strays[in.ID]; stray != nil && !k.settled {
		// What the log has told of it since is not in the store.
		delete(m.strays, in.ID)
		stray.join(in)
		stray.sent = k.sent
		k = stray
	}
	if m.followed.IsZero() {
		k.settled, k.stored = false, false
		k.Escalations, k.Reassignments, k.Notes = 0, 0, 0
	}
	return k
}

// recallOne reads an incident that is not in memory from the store; nil when
// that does not have it.
func (r *round) recallOne(ctx context.Context, in evidence.Incident) (*known, error) {
	if r.recall == nil || r.first {
		return nil, nil
	}
	m := r.memory.incidents
	var found *known
	start := in.StartedAt.Truncate(time.Second)
	err := r.recall(ctx, evidence.IncidentSpan{Since: start, Until: start.Add(time.Second)}, func(old evidence.Incident) error {
		if old.ID == in.ID {
			found = r.remembered(old)
			found.missed = !found.settled && m.history.passed(old.StartedAt)
		}
		return nil
	})
	if err != nil {
		return nil, &collectors.CallError{Reason: evidence.ReasonStore, Call: "read incidents of " + r.id, Err: err}
	}
	return found, nil
}

// listOpenIncidents lists open incidents of any age, which the history may not
// reach.
func (r *round) listOpenIncidents(ctx context.Context) error {
	query := r.incidentQuery(openIncidents(), oldestFirst)
	seen := &seenIncidents{ids: map[string]bool{}}
	tooFar, err := r.incidentPages(ctx, query, seen, func(time.Time) {}, func(time.Time, int) {})
	if err == nil && tooFar {
		err = incomplete("GET /incidents", fmt.Errorf("more than %d incidents are open: resolve those that are over", maxRecords))
	}
	if err != nil {
		return err
	}
	r.opened = true
	for id, k := range r.memory.incidents.byID {
		switch {
		case !k.open() || seen.ids[id] || !k.StartedAt.Before(r.factStart()):
			k.absent, k.absentSince = 0, time.Time{}
		case seen.nameless == 0:
			if k.absent++; k.absent == 1 {
				k.absentSince = r.now
			}
		}
	}
	return nil
}

// seenIncidents are the ids of a listing, those of records that cannot be
// decoded among them; nameless counts those without even an id.
type seenIncidents struct {
	ids      map[string]bool
	nameless int
}

// incidentPages walks a listing of incidents and stores what is new of each
// page.
func (r *round) incidentPages(ctx context.Context, query map[string][]string, seen *seenIncidents, at func(time.Time), page func(last time.Time, records int)) (tooFar bool, err error) {
	return r.allIncidents(ctx, query, func(records []json.RawMessage) error {
		var learnt []*known
		var created []time.Time
		for _, raw := range records {
			record, ok := r.decodeIncident(raw, seen)
			if !ok {
				continue
			}
			created = append(created, record.CreatedAt.Time)
			k, err := r.learn(ctx, &record)
			if err != nil {
				return err
			}
			if !seen.ids[k.ID] {
				seen.ids[k.ID] = true
				learnt = append(learnt, k)
			}
		}
		if err := r.sendIncidents(learnt, nil); err != nil {
			return err
		}
		// Only now they need not be read again.
		for _, t := range created {
			at(t)
		}
		if len(created) > 0 {
			page(created[len(created)-1], len(records))
		}
		return nil
	})
}

// decodeIncident reads one record. One that cannot be decoded is seen.
func (r *round) decodeIncident(raw json.RawMessage, seen *seenIncidents) (record incidentRecord, ok bool) {
	record, err := decode[incidentRecord](raw)
	if err == nil {
		return record, true
	}
	id := idOf(raw, "id")
	r.skip("incident", id, err)
	if id == "" {
		seen.nameless++
	}
	seen.ids[incidentID(id)] = true
	return record, false
}

// learn takes a record into memory. What the log and the store have told of
// the incident stays.
func (r *round) learn(ctx context.Context, record *incidentRecord) (*known, error) {
	m := r.memory.incidents
	in := r.incident(record)
	k := m.byID[in.ID]
	if k == nil && in.StartedAt.Before(r.factStart()) {
		// It is too old to be in memory, and may be in the store.
		var err error
		if k, err = r.recallOne(ctx, in); err != nil {
			return nil, err
		}
	}
	if k == nil {
		if k = m.strays[in.ID]; k == nil {
			k = &known{missed: m.unheard(in.StartedAt)}
			if in.StartedAt.Before(r.factStart()) {
				k.missed = m.history.passed(in.StartedAt)
			}
		}
		delete(m.strays, in.ID)
	}
	m.byID[in.ID] = k
	r.update(k, in, record)
	return k, nil
}

// update takes a record into what is known of its incident.
func (r *round) update(k *known, in evidence.Incident, record *incidentRecord) {
	service := record.Service.ID
	if k.service != "" && in.UpdatedAt.Before(k.UpdatedAt) {
		return // a page that was read late
	}
	resolved, by := k.ResolvedAt, k.Resolver
	if record.tellsLinks() {
		k.linked = true
	} else {
		in.Links = keepLinks(k.Links, in.Links)
	}
	k.join(in)
	if in.Channel != "" {
		k.opened = time.Time{}
	}
	if k.settled && by == evidence.ResolverTimeout && in.ResolvedAt.Equal(resolved) && !resolved.IsZero() {
		k.Resolver = by // the store knows it from the log
	}
	k.service = service
	k.Maintenance = k.Maintenance || r.memory.maintenance.holds(service, k.StartedAt)
	r.settle(k)
}

// join takes what a record or the store says of the incident, but for what
// only the log tells.
func (k *known) join(in evidence.Incident) {
	in.AcknowledgedAt, in.Responders = k.AcknowledgedAt, k.Responders
	in.Escalations, in.Reassignments, in.Notes = k.Escalations, k.Reassignments, k.Notes
	in.Maintenance = in.Maintenance || k.Maintenance
	if in.Channel == "" {
		in.Channel, in.MachineDetected = k.Channel, k.MachineDetected
	}
	k.Incident = in
}

// sendIncidents stores those of the incidents that are of services of the
// catalog and not stored as they are, with the cursors.
func (r *round) sendIncidents(list []*known, cursors map[string]string) error {
	var changed []*known
	batch := evidence.Batch{}
	flush := func() error {
		if err := r.send(batch); err != nil {
			return err
		}
		for i, k := range changed {
			k.sent = fingerprint(batch.Incidents[i])
		}
		changed, batch = nil, evidence.Batch{}
		return nil
	}
	for _, k := range list {
		in := r.memory.incidents.told(k)
		if len(in.Services) == 0 && k.sent == 0 || fingerprint(in) == k.sent {
			continue
		}
		if len(changed) == mostSent {
			if err := flush(); err != nil {
				return err
			}
		}
		changed, batch.Incidents = append(changed, k), append(batch.Incidents, in)
	}
	batch.Cursors = cursors
	if len(changed) == 0 && len(cursors) == 0 && len(r.skipped) == 0 {
		return nil
	}
	return flush()
}

// observeIncidents observes the facts about incidents that the round's
// listings are complete for, and forgets incidents that are over and too old.
func (r *round) observeIncidents(context.Context) error {
	m := r.memory.incidents
	_, complete := r.memory.asked[listingIncidents]
	current := r.listed || complete && r.opened && r.followed
	if !r.followed {
		// Without the log only a listing tells what has changed.
		delete(r.memory.asked, listingIncidents)
	}
	if r.services == nil || !current {
		return r.forget()
	}
	r.incidents = m.last(incidentSpan, r.now)
	if err := r.observe(groupIncidents, nil); err != nil {
		return err
	}
	if windows := r.memory.maintenance; windows.current(r.now) {
		if err := r.observe(groupUrgency, windows.blocks); err != nil {
			return err
		}
		if r.followed {
			if err := r.observe(groupResponse, windows.blocks); err != nil {
				return err
			}
		}
	}
	return r.forget()
}

// forget drops incidents from memory that are over and too old for facts. What
// the log told of those that the history has not come to stays.
func (r *round) forget() error {
	m := r.memory.incidents
	// Of one that has just ended the log tells once more, in its overlap.
	limit, lately := r.factStart().Add(-day), r.now.Add(-day)
	for id, k := range m.byID {
		if k.open() || !k.StartedAt.Before(limit) || k.ResolvedAt.After(lately) {
			continue
		}
		delete(m.byID, id)
		if m.history.collects() && k.StartedAt.Before(m.history.To) && !k.settled {
			m.strays[id] = k
		}
	}
	return nil
}

// listedIncidents is what facts need of the incidents of the last 90 days.
type listedIncidents struct {
	// byService are the incidents by PagerDuty service, in order of time.
	byService map[string][]*known
	// pages counts those of high urgency by escalation policy, of 8 weeks.
	pages map[string]int
	// noise are the ids of incidents that are noisy or flapping.
	noise map[string]bool
}

// last sums up the incidents of the last span of time.
func (m *incidentMemory) last(span time.Duration, now time.Time) *listedIncidents {
	l := &listedIncidents{byService: map[string][]*known{}, pages: map[string]int{}, noise: map[string]bool{}}
	for _, k := range m.byID {
		if k.service == "" || k.StartedAt.Before(now.Add(-span)) {
			continue
		}
		k.followed = m.logged(k)
		if len(k.Services) > 0 {
			l.byService[k.service] = append(l.byService[k.service], k)
		}
		if k.Urgent && k.Group != "" && !k.StartedAt.Before(now.Add(-loadWeeks*7*day)) {
			l.pages[k.Group]++
		}
	}
	for _, list := range l.byService {
		sort.Slice(list, func(i, j int) bool {
			if !list[i].StartedAt.Equal(list[j].StartedAt) {
				return list[i].StartedAt.Before(list[j].StartedAt)
			}
			return list[i].ID < list[j].ID
		})
		markNoise(list, l.noise)
	}
	return l
}

// of lists the incidents of several PagerDuty services.
func (l *listedIncidents) of(services []*serviceRecord) []*known {
	var all []*known
	for _, s := range services {
		all = append(all, l.byService[s.ID]...)
	}
	return all
}

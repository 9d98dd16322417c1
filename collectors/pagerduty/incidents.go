package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"
)

const (
	incidentSpan = 90 * day
	loadWeeks    = 8
	// minIncidents is the least number of incidents that a share is made of.
	minIncidents = 5
	// repeats is how often a problem comes until it counts as repeated.
	repeats = 3
)

// incidentListing is a listing of the incidents that facts look back over. What
// one round leaves of it the next continues.
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
	if err := r.loadStored(ctx); err != nil {
		return err
	}
	m := r.memory.incidents
	if m.refusal != nil && r.now.Sub(m.refusedAt) < refusedEvery && !r.now.Before(m.refusedAt) {
		return m.refusal
	}
	if m.refusal == nil && !r.due(listingIncidents, incidentsEvery) {
		return nil
	}
	now := r.now.Truncate(time.Second)
	l := m.listing
	if l == nil || now.Sub(l.began) >= incidentsEvery || now.Before(l.began) {
		span := window{r.factStart(), now.Add(time.Second)}
		l = &incidentListing{
			began: now, span: span, rest: windows(span, widestWindow), seen: &seenIncidents{ids: map[string]bool{}},
		}
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
	if err := r.sendDeleted(l.span, l.seen); err != nil {
		return err
	}
	if m.history == nil {
		m.history = r.newHistory(l.span.start)
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

// listOpenIncidents lists open incidents of any age, which the history may not
// reach.
func (r *round) listOpenIncidents(ctx context.Context) error {
	query := r.incidentQuery(openIncidents(), oldestFirst)
	seen := &seenIncidents{ids: map[string]bool{}}
	tooFar, err := r.incidentPages(ctx, query, seen, func(time.Time) {}, func(time.Time, int) {})
	if err == nil && tooFar {
		err = incomplete(
			"GET /incidents", fmt.Errorf("more than %d incidents are open: resolve those that are over", maxRecords),
		)
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

func (s *seenIncidents) addUndecodable(id string, _ json.RawMessage) {
	if id == "" {
		s.nameless++
	}
	s.ids[incidentID(id)] = true
}

// incidentPages walks a listing of incidents and stores what is new of each
// page.
func (r *round) incidentPages(
	ctx context.Context, query map[string][]string, seen *seenIncidents, at func(time.Time),
	page func(last time.Time, records int),
) (tooFar bool, err error) {
	return r.allIncidents(ctx, query, func(records []json.RawMessage) error {
		var updated []*trackedIncident
		var created []time.Time
		for _, raw := range records {
			record := decodeOr[incidentRecord](r, "incident", raw, seen.addUndecodable)
			if record == nil {
				continue
			}
			created = append(created, record.CreatedAt.Time)
			k, err := r.upsertRecord(ctx, record)
			if err != nil {
				return err
			}
			if !seen.ids[k.ID] {
				seen.ids[k.ID] = true
				updated = append(updated, k)
			}
		}
		if err := r.reconcile(ctx, updated, nil); err != nil {
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

// observeIncidents observes the facts about incidents that the round's
// listings are complete for, and drops incidents that are over and too old.
func (r *round) observeIncidents(context.Context) error {
	m := r.memory.incidents
	_, complete := r.memory.asked[listingIncidents]
	current := r.listed || complete && r.opened && r.followed
	if !r.followed {
		// Without the log, changes are seen only in a listing.
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

// forget removes from memory the incidents that are resolved and older than any
// fact looks back.
func (r *round) forget() error {
	m := r.memory.incidents
	for id, k := range m.byID {
		if !k.open() && k.StartedAt.Before(r.factStart()) {
			delete(m.byID, id)
		}
	}
	return nil
}

// listedIncidents is what facts need of the incidents of the last 90 days.
type listedIncidents struct {
	// byService are the incidents by PagerDuty service, in order of time.
	byService map[string][]*trackedIncident
	// pages counts those of high urgency by escalation policy, of 8 weeks.
	pages map[string]int
	// noise are the ids of incidents that are noisy or flapping.
	noise map[string]bool
}

// last sums up the incidents of the last span of time.
func (m *incidentMemory) last(span time.Duration, now time.Time) *listedIncidents {
	l := &listedIncidents{byService: map[string][]*trackedIncident{}, pages: map[string]int{}, noise: map[string]bool{}}
	for _, k := range m.byID {
		if k.service == "" || k.StartedAt.Before(now.Add(-span)) {
			continue
		}
		k.followed = m.complete(k)
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
func (l *listedIncidents) of(services []*serviceRecord) []*trackedIncident {
	var all []*trackedIncident
	for _, s := range services {
		all = append(all, l.byService[s.ID]...)
	}
	return all
}

package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
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
	seen  *idSet
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
	l := r.incidentListing()
	if m.listing == nil {
		m.unreadable = newUnreadable() // it will find those that there still are
	}
	m.listing = l
	var err error
	l.rest, err = walk("incidents", l.rest, func(w window, at func(time.Time)) (bool, error) {
		return r.eachIncident(ctx, r.incidentQuery(w.query(), oldestFirst), l.seen, func(page []*incidentRecord) error {
			if err := r.storePage(ctx, page, l.seen); err != nil {
				return err
			}
			// Only now they need not be read again.
			for _, record := range page {
				at(record.CreatedAt.Time)
			}
			if n := len(page); n > 0 {
				r.progressed(page[n-1].CreatedAt.Sub(r.factStart()), n)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	m.listing = nil
	if err := r.withdrawUnlisted(l.span, l.seen); err != nil {
		return err
	}
	r.listed = true
	// What has changed since it began is in the log.
	r.memory.asked[listingIncidents] = l.began
	return nil
}

// incidentListing is the listing that an earlier round began and did not finish, up
// to now, or a new one.
func (r *round) incidentListing() *incidentListing {
	now, end := r.now.Truncate(time.Second), r.now.Truncate(time.Second).Add(time.Second)
	l := r.memory.incidents.listing
	if l == nil || now.Sub(l.began) >= incidentsEvery || now.Before(l.began) {
		span := window{r.factStart(), end}
		return &incidentListing{began: now, span: span, rest: windows(span, maxWindow), seen: newIDSet()}
	}
	continued := *l
	if l.span.end.Before(end) {
		continued.span.end = end
		continued.rest = append(slices.Clone(l.rest), window{l.span.end, end})
	}
	return &continued
}

// factStart is since when incidents are kept in memory, for facts.
func (r *round) factStart() time.Time { return r.now.Truncate(time.Second).Add(-incidentSpan) }

// historyStart is since when incidents are collected.
func (r *round) historyStart() time.Time { return r.now.Truncate(time.Second).Add(-r.history) }

// listOpenIncidents lists open incidents of any age, which the history may not
// reach.
func (r *round) listOpenIncidents(ctx context.Context) error {
	seen := newIDSet()
	query := r.incidentQuery(openIncidents(), oldestFirst)
	tooFar, err := r.eachIncident(ctx, query, seen, func(page []*incidentRecord) error {
		return r.storePage(ctx, page, seen)
	})
	if err == nil && tooFar {
		err = incomplete("GET /incidents", "more than %d incidents are open: resolve those that are over", maxRecords)
	}
	if err != nil {
		return err
	}
	r.opened = true
	for id, k := range r.memory.incidents.byID {
		switch {
		case !k.Open() || seen.ids[id] || !k.StartedAt.Before(r.factStart()):
			k.absent, k.absentSince = 0, time.Time{}
		case seen.nameless == 0:
			if k.absent++; k.absent == 1 {
				k.absentSince = r.now
			}
		}
	}
	return nil
}

// eachIncident calls each with every page of the incidents that the query selects.
// Records that cannot be decoded are left out and added to seen. Where the account
// refuses to include the tickets that incidents are linked to, or its own fields, the
// listing is asked for without them, and so are all later ones of this process:
// incidents count for more than these. tooFar is as of api.list.
func (r *round) eachIncident(
	ctx context.Context, query url.Values, seen *idSet, each func([]*incidentRecord) error,
) (tooFar bool, err error) {
	answered := false
	bad := func(id string, raw json.RawMessage) {
		seen.addUndecodable(id, raw)
		r.memory.incidents.unreadable.add(id, raw)
	}
	read := func(records []json.RawMessage) error {
		answered = true
		r.asked++
		var page []*incidentRecord
		for _, raw := range records {
			if record := decodeOr[incidentRecord](r, "incident", raw, bad); record != nil {
				page = append(page, record)
			}
		}
		return each(page)
	}
	tooFar, err = r.api.list(ctx, "incidents", "", query, read)
	failed, ok := errors.AsType[*collectors.CallError](err)
	optional := r.included()[1:]
	if answered || len(optional) == 0 || !ok || failed.Status != http.StatusBadRequest {
		return tooFar, err
	}
	// One of several may be what is refused: first the least documented is left out.
	for n := range slices.Backward(optional) {
		query["include[]"] = append([]string{includeTrigger}, optional[:n]...)
		var again error
		if tooFar, again = r.api.list(ctx, "incidents", "", query, read); answered || again == nil {
			for _, part := range optional[n:] {
				r.refused[part] = true
			}
			r.log.Warn("PagerDuty refuses to list incidents with parts that are asked for; they are listed without, "+
				"until the collector is started anew", "include", strings.Join(optional[n:], " "), "error", err)
			return tooFar, again
		}
		err = again
	}
	return tooFar, err
}

// storePage updates the incidents of a page, adds them to seen and stores those
// that have changed.
func (r *round) storePage(ctx context.Context, page []*incidentRecord, seen *idSet) error {
	var updated []*trackedIncident
	for _, record := range page {
		k, err := r.upsertRecord(ctx, record)
		if err != nil {
			return err
		}
		if !seen.ids[k.ID] {
			seen.ids[k.ID] = true
			updated = append(updated, k)
		}
	}
	return r.reconcile(ctx, updated, nil)
}

// observeIncidents observes the facts about incidents that the round's
// listings are complete for, and drops incidents that are over and too old.
func (r *round) observeIncidents(ctx context.Context) error {
	_, complete := r.memory.asked[listingIncidents]
	current := r.listed || complete && r.opened && r.followed
	if !r.followed {
		// Without the log, changes are seen only in a listing.
		delete(r.memory.asked, listingIncidents)
	}
	// Incidents that are over and too old for any fact are in the store alone.
	defer r.dropOld()
	if r.services == nil || !current {
		return nil
	}
	if err := r.lookUpTargets(ctx); err != nil {
		return err
	}
	if err := r.sendUncounted(); err != nil {
		return err
	}
	r.incidents = r.lastIncidents(incidentSpan)
	if err := r.sendDoubts(); err != nil {
		return err
	}
	if err := r.observe(groupPages); err != nil {
		return err
	}
	if err := r.observe(groupIncidents); err != nil || !r.memory.maintenance.current(r.now) {
		return err
	}
	if err := r.observe(groupUrgency); err != nil || !r.followed {
		return err
	}
	return r.observe(groupResponse)
}

// dropOld removes the incidents from memory that are over and too old for any fact.
func (r *round) dropOld() {
	m := r.memory.incidents
	old := map[string]*trackedIncident{}
	for id, k := range m.byID {
		if !k.Open() && k.StartedAt.Before(r.factStart()) {
			old[id] = k
			delete(m.byID, id)
		}
	}
	m.keepParts(old)
}

// listedIncidents is what facts need of the incidents of the last 90 days.
type listedIncidents struct {
	// byService are the incidents by PagerDuty service, in order of time.
	byService map[string][]*trackedIncident
	// pages counts those of high urgency by escalation policy, of 8 weeks.
	pages map[string]int
	// noise are the ids of incidents that are noisy or flapping.
	noise map[string]bool
	// incomplete are the PagerDuty services, by id, with an incident of which it is not
	// known whether it counts: its start is a time that has not come yet, or it was merged
	// into something that is not known.
	incomplete evidence.Doubts
	// pagesUnknown says why pages are not known, by escalation policy.
	pagesUnknown map[string]evidence.Missing
}

// lastIncidents sums up the incidents of the last span of time, those that were merged
// into others together with them.
func (r *round) lastIncidents(span time.Duration) *listedIncidents {
	m := r.memory.incidents
	l := &listedIncidents{
		byService: map[string][]*trackedIncident{}, pages: map[string]int{}, noise: map[string]bool{},
		incomplete: evidence.Doubts{}, pagesUnknown: r.unknownPages(),
	}
	doubt := func(service string, newest time.Time) {
		l.incomplete.Add(evidence.IncidentDoubt{Service: service, Newest: newest, Open: true})
	}
	var wholes []*trackedIncident
	parts := map[*trackedIncident][]*trackedIncident{}
	for _, k := range m.byID {
		switch {
		case k.service == "" || k.StartedAt.Before(r.now.Add(-span)):
			continue
		case r.isFuture(k.StartedAt):
			doubt(k.service, r.now.Truncate(day))
			continue
		case k.MergedInto == "":
			wholes = append(wholes, k)
		default:
			if whole := m.whole(k); whole != nil {
				parts[whole] = append(parts[whole], k)
			} else if len(k.Services) > 0 && !m.targetKnown(k.MergedInto, nil) {
				doubt(k.service, k.StartedAt) // the whole may count for it
			}
		}
		k.followed = m.complete(k)
		if k.Urgent && k.Group != "" && !k.StartedAt.Before(r.now.Add(-loadWeeks*7*day)) {
			l.pages[k.Group]++ // a part has paged, too
		}
	}
	for _, k := range wholes {
		l.add(k, parts[k])
	}
	for _, list := range l.byService {
		slices.SortFunc(list, func(a, b *trackedIncident) int {
			return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
		})
		markNoise(list, l.noise)
	}
	return l
}

// add adds an incident with its parts to each of their services.
func (l *listedIncidents) add(k *trackedIncident, parts []*trackedIncident) {
	whole := k.with(parts)
	added := map[string]bool{}
	for _, part := range append(parts, k) {
		if len(part.Services) > 0 && !added[part.service] {
			added[part.service] = true
			l.byService[part.service] = append(l.byService[part.service], whole)
		}
	}
}

// of lists the incidents of several PagerDuty services, each once.
func (l *listedIncidents) of(services []*serviceRecord) []*trackedIncident {
	var all []*trackedIncident
	seen := map[*trackedIncident]bool{}
	for _, s := range services {
		for _, k := range l.byService[s.ID] {
			if !seen[k] {
				seen[k] = true
				all = append(all, k)
			}
		}
	}
	return all
}

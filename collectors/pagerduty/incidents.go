package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
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

// listIncidents lists the incidents of the history where that is due, and
// stores them page by page. What the store has of that time and the complete
// list has not is gone.
func (r *round) listIncidents(ctx context.Context) error {
	if err := r.recallIncidents(ctx); err != nil {
		return err
	}
	if !r.due(listingIncidents, incidentsEvery) {
		return nil
	}
	now := r.now.Truncate(time.Second)
	span := window{r.historyStart(), now.Add(time.Second)}
	seen := &seenIncidents{ids: map[string]bool{}}
	_, err := walk("incidents", windows(span, widestWindow), func(w window, at func(time.Time)) (bool, error) {
		return r.incidentPages(ctx, w.query(), seen, at)
	})
	if err != nil {
		return err
	}
	r.listed = true
	return r.done(listingIncidents, r.sendGone(span, seen))
}

func (r *round) historyStart() time.Time { return r.now.Truncate(time.Second).Add(-r.history) }

// recallIncidents reads what is stored of incidents, once.
func (r *round) recallIncidents(ctx context.Context) error {
	m := r.memory.incidents
	if m.recalled {
		return nil
	}
	m.stored = map[string]evidence.Incident{}
	if r.recall != nil && !r.first {
		span := collectors.IncidentSpan{Since: r.historyStart(), Lasting: true}
		err := r.recall(ctx, span, func(in evidence.Incident) error {
			m.stored[in.ID] = in
			lately := in.ResolvedAt.IsZero() || in.ResolvedAt.After(r.now.Add(-day))
			if lately && in.StartedAt.Before(r.historyStart()) {
				// It is not in the list of the history, and what happens to it is
				// still to be noticed, or told once more by the log.
				m.byID[in.ID] = recalled(in)
			}
			return nil
		})
		if err != nil {
			return &collectors.CallError{Reason: collectors.ReasonStore, Call: "read incidents of " + r.id, Err: err}
		}
		if at, err := time.Parse(time.RFC3339, r.cursors[logCursor]); err == nil {
			m.followed = earlier(at, r.now)
		}
	}
	m.recalled = true
	return nil
}

func recalled(in evidence.Incident) *known {
	return &known{Incident: in, followed: in.AcksKnown, sent: in}
}

// listOpenIncidents lists open incidents of any age, which the history may not
// reach.
func (r *round) listOpenIncidents(ctx context.Context) error {
	query := map[string][]string{"date_range": {"all"}, "statuses[]": {"triggered", "acknowledged"}}
	seen := &seenIncidents{ids: map[string]bool{}}
	tooFar, err := r.incidentPages(ctx, query, seen, func(time.Time) {})
	if err == nil && tooFar {
		err = incomplete("GET /incidents", fmt.Errorf("more than %d incidents are open: resolve those that are over", maxRecords))
	}
	if err != nil {
		return err
	}
	r.opened = true
	for id, k := range r.memory.incidents.byID {
		switch {
		case !k.open() || seen.ids[id] || !k.StartedAt.Before(r.historyStart()):
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
func (r *round) incidentPages(ctx context.Context, query map[string][]string, seen *seenIncidents, at func(time.Time)) (tooFar bool, err error) {
	query["include[]"] = []string{"first_trigger_log_entries"}
	query["sort_by"] = []string{"created_at:asc"}
	return r.api.all(ctx, "incidents", query, func(records []json.RawMessage) error {
		var learnt []*known
		for _, raw := range records {
			record, err := decode[incidentRecord](raw)
			if err != nil {
				id := idOf(raw, "id")
				r.skip("incident", id, err)
				if id == "" {
					seen.nameless++
				}
				seen.ids[evidence.Clean(id, 100)] = true
				continue
			}
			at(record.CreatedAt.Time)
			k := r.learn(&record)
			if !seen.ids[k.ID] {
				seen.ids[k.ID] = true
				learnt = append(learnt, k)
			}
		}
		return r.sendIncidents(learnt, nil)
	})
}

// learn takes a record into memory. What the log and the store have told of
// the incident stays.
func (r *round) learn(record *incidentRecord) *known {
	m := r.memory.incidents
	in := r.incident(record)
	k := m.byID[in.ID]
	if k == nil {
		k = &known{}
		if old, ok := m.stored[in.ID]; ok {
			k = recalled(old)
		}
		m.byID[in.ID] = k
	}
	if k.service != "" && in.UpdatedAt.Before(k.UpdatedAt) {
		return k // a page that was read late
	}
	in.AcknowledgedAt = k.AcknowledgedAt
	if in.Channel == "" {
		in.Channel, in.MachineDetected = k.Channel, k.MachineDetected
	} else {
		k.opened = time.Time{}
	}
	switch {
	case in.ResolvedAt.IsZero():
	case in.ResolvedAt.Equal(k.endedAt):
		in.Resolver = k.ended
	case in.ResolvedAt.Equal(k.ResolvedAt) && k.Resolver == evidence.ResolverTimeout:
		in.Resolver = k.Resolver // the store knows it from the log
	}
	k.Incident, k.service = in, record.Service.ID
	return k
}

// sendIncidents stores those of the incidents that are of services of the
// catalog and not stored as they are, with the cursors.
func (r *round) sendIncidents(list []*known, cursors map[string]string) error {
	var changed []*known
	batch := collectors.Batch{}
	flush := func() error {
		if err := r.send(batch); err != nil {
			return err
		}
		for i, k := range changed {
			k.sent = batch.Incidents[i]
		}
		changed, batch = nil, collectors.Batch{}
		return nil
	}
	for _, k := range list {
		in := k.told(r.memory.incidents.followed)
		if len(in.Services) == 0 && k.sent.ID == "" || reflect.DeepEqual(in, k.sent) {
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

// sendGone withdraws incidents that a complete listing of a span of time does
// not have any more.
func (r *round) sendGone(span window, seen *seenIncidents) error {
	m := r.memory.incidents
	if seen.nameless > 0 {
		return nil // it may be any
	}
	batch := collectors.Batch{}
	for id, in := range m.stored {
		if _, ok := m.byID[id]; !ok && !seen.ids[id] && !in.StartedAt.Before(span.start) && in.StartedAt.Before(span.end) {
			batch.Incidents = append(batch.Incidents, gone(in))
		}
	}
	var forgotten []string
	for id, k := range m.byID {
		if seen.ids[id] || k.StartedAt.Before(span.start) || !k.StartedAt.Before(span.end) {
			continue
		}
		forgotten = append(forgotten, id)
		if k.sent.ID != "" {
			batch.Incidents = append(batch.Incidents, gone(k.sent))
		}
	}
	if len(batch.Incidents) > 0 {
		if err := r.send(batch); err != nil {
			return err
		}
	}
	m.stored = nil // what is left of it is in byID
	for _, id := range forgotten {
		delete(m.byID, id)
	}
	return nil
}

func gone(in evidence.Incident) evidence.Incident {
	in.Gone = true
	return in
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
		return nil
	}
	r.incidents = m.last(incidentSpan, r.now)
	if err := r.observe(groupIncidents, nobody); err != nil {
		return err
	}
	if r.followed {
		if err := r.observe(groupResponse, nobody); err != nil {
			return err
		}
	}
	// Of one that has just ended the log tells once more, in its overlap.
	limit := r.historyStart().Add(-day)
	for id, k := range m.byID {
		if !k.open() && k.StartedAt.Before(limit) && k.ResolvedAt.Before(r.now.Add(-day)) {
			delete(m.byID, id)
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

// incident makes evidence of a record.
func (r *round) incident(record *incidentRecord) evidence.Incident {
	in := evidence.Incident{
		Source:    r.id,
		ID:        evidence.Clean(record.ID, 100),
		Services:  r.catalog.names[record.Service.ID],
		StartedAt: record.CreatedAt.Time,
		Urgent:    record.Urgency == "high",
		Template:  evidence.Template(record.Title),
		UpdatedAt: latest(record.UpdatedAt.Time, record.LastStatusChangeAt.Time),
		Links:     links(record),
	}
	if record.Policy != nil {
		in.Group = evidence.Clean(record.Policy.ID, 100)
	}
	if p := record.Priority; p != nil {
		in.Severity = severity(p.Name, p.Summary)
	}
	if f := record.FirstTrigger; f != nil && f.Channel != nil && f.Channel.Type != nil {
		in.Channel = evidence.Clean(*f.Channel.Type, 100)
		in.MachineDetected = !byPerson(in.Channel)
	}
	if record.Status == "resolved" {
		// The last change of a resolved incident is its resolution; of any
		// other it is not.
		in.ResolvedAt = record.ResolvedAt.Time
		if in.ResolvedAt.IsZero() {
			in.ResolvedAt = record.LastStatusChangeAt.Time
		}
		in.ResolvedAt = latest(in.ResolvedAt, in.StartedAt)
		in.Resolver = r.resolver(record, in.ResolvedAt.Sub(in.StartedAt))
	}
	return in
}

// byPerson reports whether incidents of the channel are opened by people.
func byPerson(channel string) bool {
	return channel == "web_trigger" || channel == "website" || channel == "email"
}

// resolver tells who ended an incident after the given time. An incident that
// its service closed just when the service's auto-resolve time-out was over
// was not resolved by anybody.
func (r *round) resolver(record *incidentRecord, after time.Duration) evidence.Resolver {
	by := record.LastStatusChangeBy
	if by.kind() == "service" && r.timedOut(record.Service.ID, after) {
		return evidence.ResolverTimeout
	}
	return endedBy(by)
}

// endedBy tells what an incident was ended by.
func endedBy(by *reference) evidence.Resolver {
	switch kind := by.kind(); {
	case kind == "user":
		return evidence.ResolverPerson
	case kind == "service", strings.HasSuffix(kind, "integration"):
		return evidence.ResolverIntegration
	}
	return evidence.ResolverUnknown
}

func (r *round) timedOut(service string, after time.Duration) bool {
	listed := r.services
	if listed == nil {
		listed = r.memory.services
	}
	if listed == nil {
		return false
	}
	s := listed.byID[service]
	if s == nil || s.AutoResolveTimeout == nil || *s.AutoResolveTimeout <= 0 {
		return false
	}
	late := after.Seconds() - *s.AutoResolveTimeout
	return late >= 0 && late <= 120
}

// severity reads names such as P1, SEV-2 or 3 - Minor; 0 for others.
func severity(names ...string) int {
	for _, name := range names {
		i := strings.IndexAny(name, "0123456789")
		if i < 0 || i+1 < len(name) && name[i+1] >= '0' && name[i+1] <= '9' {
			continue
		}
		if n := int(name[i] - '0'); n >= 1 && n <= 5 {
			return n
		}
	}
	return 0
}

// links are where else the incident is known, and its own address.
func links(record *incidentRecord) []string {
	const most, longest = 20, 500
	var all []string
	add := func(link string) {
		if link = evidence.Clean(strings.TrimSpace(link), longest); link != "" && len(all) < most {
			all = append(all, link)
		}
	}
	add(record.URL)
	for _, ref := range record.ExternalReferences {
		if ref != nil {
			add(ref.ID)
			add(ref.URL)
		}
	}
	return all
}

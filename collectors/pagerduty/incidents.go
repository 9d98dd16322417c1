package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

const (
	incidentSpan = 90 * day
	loadWeeks    = 8
	// widestWindow is below the vendor's six months whatever months they are.
	widestWindow = 180 * day
	// mostWindows bounds how often a window is cut.
	mostWindows = 1000
	// fewest is the least number of incidents that a share is told of.
	fewest = 5
	// repeats is how often a problem comes until it counts as repeated.
	repeats = 3
)

// listedIncidents is what facts need of the incidents of the last 90 days.
type listedIncidents struct {
	// seen are the ids, since windows overlap by a second.
	seen map[string]bool
	// byService are the incidents by PagerDuty service.
	byService map[string][]evidence.Incident
	// pages counts those of high urgency by escalation policy, of 8 weeks.
	pages map[string]int
}

// window is the time from its start until before its end.
type window struct{ start, end time.Time }

// listIncidents lists the incidents of the history, emits them page by page
// and, when all are there, observes the facts of the incidents group.
//
// The vendor lists at most 10,000 incidents and six months in one window. A
// longer one is gone on with from the last incident that was read, as they
// come in order of creation; where they do not, it is halved.
func (r *round) listIncidents(ctx context.Context) error {
	listed := &listedIncidents{seen: map[string]bool{}, byService: map[string][]evidence.Incident{}, pages: map[string]int{}}
	r.incidents = listed
	var windows []window
	now := r.now.Truncate(time.Second)
	end := now.Add(time.Second)
	for start := now.Add(-r.history); start.Before(end); start = start.Add(widestWindow) {
		windows = append(windows, window{start, earlier(start.Add(widestWindow), end)})
	}
	for n := 0; len(windows) > 0; n++ {
		if n == mostWindows {
			return incomplete("GET /incidents", fmt.Errorf("no end after %d windows", n))
		}
		rest, err := r.listWindow(ctx, windows[0])
		if err != nil {
			return err
		}
		windows = append(rest, windows[1:]...)
	}
	if r.services == nil {
		return nil
	}
	return r.observe(groupIncidents, func(*serviceRecord) evidence.Missing { return "" })
}

// listWindow reads one window and returns what of it is left to read.
func (r *round) listWindow(ctx context.Context, w window) (rest []window, err error) {
	query := map[string][]string{"since": {stamp(w.start)}, "until": {stamp(w.end)}}
	last, inOrder := w.start, true
	tooFar, err := r.incidentPages(ctx, query, func(created time.Time) {
		// Times in requests have no fractions.
		switch created = created.Truncate(time.Second); {
		case created.Before(last):
			inOrder = false
		case created.After(last):
			last = created
		}
	})
	switch {
	case err != nil || !tooFar:
		return nil, err
	case inOrder && last.Sub(w.start) >= time.Second && last.Before(w.end):
		return []window{{last, w.end}}, nil
	case w.end.Sub(w.start) < 2*time.Second:
		return nil, incomplete("GET /incidents", fmt.Errorf("more than %d incidents in a second, at %s", maxRecords, stamp(w.start)))
	}
	middle := w.start.Add(w.end.Sub(w.start) / 2).Truncate(time.Second)
	return []window{{w.start, middle}, {middle, w.end}}, nil
}

// listOpenIncidents lists open incidents of any age, which the history may not
// reach, and emits those that it did not.
func (r *round) listOpenIncidents(ctx context.Context) error {
	query := map[string][]string{"date_range": {"all"}, "statuses[]": {"triggered", "acknowledged"}}
	tooFar, err := r.incidentPages(ctx, query, func(time.Time) {})
	if err == nil && tooFar {
		err = incomplete("GET /incidents", fmt.Errorf("more than %d incidents are open: resolve those that are over", maxRecords))
	}
	return err
}

// incidentPages walks a listing of incidents and emits each page.
func (r *round) incidentPages(ctx context.Context, query map[string][]string, created func(time.Time)) (tooFar bool, err error) {
	query["include[]"] = []string{"first_trigger_log_entries"}
	query["sort_by"] = []string{"created_at:asc"}
	return r.api.all(ctx, "incidents", query, func(records []json.RawMessage) error {
		batch := collectors.Batch{}
		for _, raw := range records {
			record, err := decode[incidentRecord](raw)
			if err != nil {
				r.skip("incident", idOf(raw, "id"), err)
				continue
			}
			created(record.CreatedAt.Time)
			if r.incidents.seen[record.ID] {
				continue
			}
			r.incidents.seen[record.ID] = true
			in := r.incident(&record)
			r.incidents.add(record.Service.ID, in, r.now)
			if len(in.Services) > 0 {
				batch.Incidents = append(batch.Incidents, in)
			}
		}
		if len(batch.Incidents) == 0 && len(r.skipped) == 0 {
			return nil
		}
		return r.send(batch)
	})
}

func (l *listedIncidents) add(service string, in evidence.Incident, now time.Time) {
	if in.StartedAt.Before(now.Add(-incidentSpan)) {
		return
	}
	if len(in.Services) > 0 {
		l.byService[service] = append(l.byService[service], in)
	}
	if in.Urgent && in.Group != "" && !in.StartedAt.Before(now.Add(-loadWeeks*7*day)) {
		l.pages[in.Group]++
	}
}

// of lists the incidents of several PagerDuty services.
func (l *listedIncidents) of(services []*serviceRecord) []evidence.Incident {
	var all []evidence.Incident
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
		Template:  template(record.Title),
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
	if record.LastStatusChangeBy == nil {
		return evidence.ResolverUnknown
	}
	kind := strings.TrimSuffix(record.LastStatusChangeBy.Type, "_reference")
	switch {
	case kind == "user":
		return evidence.ResolverPerson
	case kind == "service" && r.timedOut(record.Service.ID, after):
		return evidence.ResolverTimeout
	case kind == "service", strings.HasSuffix(kind, "integration"):
		return evidence.ResolverIntegration
	}
	return evidence.ResolverUnknown
}

func (r *round) timedOut(service string, after time.Duration) bool {
	if r.services == nil {
		return false
	}
	s := r.services.byID[service]
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

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

package pagerduty

import (
	"cmp"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

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
		Group:     evidence.Clean(record.Policy.ID, 100),
		Severity:  severity(record.Priority.Name, record.Priority.Summary),
		Priority:  evidence.Clean(cmp.Or(record.Priority.Name, record.Priority.Summary), 100),
		Channel:   record.FirstTrigger.Channel.name(),
	}
	in.MachineDetected = in.Channel != "" && !byPerson(in.Channel)
	if record.Status == "resolved" {
		// The last change of a resolved incident is its resolution; of any
		// other it is not.
		in.ResolvedAt = latest(cmp.Or(record.ResolvedAt, record.LastStatusChangeAt).Time, in.StartedAt)
		in.Resolver = r.resolver(record, in)
	}
	return in
}

// resolver is who ended an incident, by its record. An incident that its service
// closed just when the service's auto-resolve time-out was over was resolved by
// no one.
func (r *round) resolver(record *incidentRecord, in evidence.Incident) evidence.Resolver {
	by := record.LastStatusChangeBy.kind()
	if by == "service" && timedOut(in, r.autoResolve(record.Service.ID)) {
		return evidence.ResolverTimeout
	}
	return endedBy(by)
}

// autoResolve is the time-out after which PagerDuty resolves the incidents of a
// service; 0 for none, and when the services are not known.
func (r *round) autoResolve(service string) time.Duration {
	listed := r.services
	if listed == nil {
		listed = r.memory.services
	}
	if listed == nil {
		return 0
	}
	s := listed.byID[service]
	if s == nil || s.AutoResolveTimeout == nil {
		return 0
	}
	return time.Duration(*s.AutoResolveTimeout * float64(time.Second))
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
	var all []string
	add := func(link string) {
		if link = evidence.Clean(strings.TrimSpace(link), maxLink); link != "" && len(all) < maxLinks {
			all = append(all, link)
		}
	}
	add(record.URL)
	for _, ref := range record.ExternalReferences {
		add(ref.ID)
		add(ref.URL)
	}
	return all
}

// hasLinks reports whether the record has the tickets that the incident is linked
// to, if only that there are none.
func (i *incidentRecord) hasLinks() bool { return i.ExternalReferences != nil }

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
		Services:  r.servicesOf(record.Service.ID, record.CreatedAt.Time, record.typeName()),
		StartedAt: record.CreatedAt.Time,
		Urgent:    record.Urgency == "high",
		Template:  evidence.Template(record.Title),
		UpdatedAt: latest(record.UpdatedAt.Time, record.LastStatusChangeAt.Time),
		Links:     links(record),
		Group:     evidence.Clean(record.Policy.ID, 100),
		Priority:  evidence.Clean(cmp.Or(record.Priority.Name, record.Priority.Summary), 100),
	}
	if in.Priority != "" {
		in.Severity = r.severity(record.Priority.ID, in.Priority)
	}
	in.Channel, in.MachineDetected = opened(record.FirstTrigger.Agent.kind(), record.FirstTrigger.Channel.name())
	if record.Status == "resolved" {
		var fault evidence.UncountedReason
		in.ResolvedAt, fault = r.end(record)
		in.EndUnknown = fault != ""
		in.Resolver = r.resolver(record, in)
	}
	in.MergedInto, _ = record.mergedInto()
	if record.hasLinks() {
		in.HasTicket = evidence.AnswerOf(len(record.ExternalReferences) > 0)
	}
	return in
}

// servicesOf are the catalog's services of an incident of a PagerDuty service. One
// whose start cannot be right is of none until it can: when it happened is not known.
// One of a type that does not count is of none.
func (r *round) servicesOf(service string, started time.Time, incidentType string) []string {
	if r.isFuture(started) || !r.counted(incidentType) {
		return nil
	}
	return r.catalog.names[service]
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
	s := r.service(service)
	if s == nil || s.AutoResolveTimeout == nil {
		return 0
	}
	return time.Duration(*s.AutoResolveTimeout * float64(time.Second))
}

// service is the record of a service as it was last listed; nil when that is not
// known.
func (r *round) service(id string) *serviceRecord {
	listed := r.services
	if listed == nil {
		listed = r.memory.services
	}
	if listed == nil {
		return nil
	}
	return listed.byID[id]
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

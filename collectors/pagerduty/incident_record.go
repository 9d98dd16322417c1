package pagerduty

import (
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
	}
	if record.Policy != nil {
		in.Group = evidence.Clean(record.Policy.ID, 100)
	}
	if p := record.Priority; p != nil {
		in.Severity = severity(p.Name, p.Summary)
		in.Priority = p.Name
		if in.Priority == "" {
			in.Priority = p.Summary
		}
		in.Priority = evidence.Clean(in.Priority, 100)
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

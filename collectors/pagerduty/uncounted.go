package pagerduty

import (
	"cmp"
	"encoding/json"
	"reflect"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// isFuture reports whether a time has not come yet.
func (r *round) isFuture(at time.Time) bool { return at.After(r.now.Add(evidence.MaxClockSkew)) }

// end is when a resolved incident ended, by its record alone. The last change of a
// resolved incident is its resolution; of any other it is not.
func (i *incidentRecord) end() time.Time {
	return cmp.Or(i.ResolvedAt, i.LastStatusChangeAt).Time
}

// end is when a resolved incident ended. fault says why that is not known; empty
// when it is.
func (r *round) end(record *incidentRecord) (at time.Time, fault evidence.UncountedReason) {
	at = record.end()
	switch {
	case at.IsZero():
		return time.Time{}, evidence.UncountedEndUnknown
	case at.Before(record.CreatedAt.Time):
		return time.Time{}, evidence.UncountedEndBeforeStart
	case r.isFuture(at):
		return time.Time{}, evidence.UncountedInFuture
	}
	return at, ""
}

// unreadableIncident is what can be read of an incident that could not be decoded: its
// PagerDuty service and its escalation policy, each empty if it cannot be read.
type unreadableIncident struct{ service, policy string }

// unreadableIncidents are the incidents that could not be decoded, until they can
// be or are no longer listed. Facts that would count them are unknown.
type unreadableIncidents struct {
	// byID are those with a readable id, and nameless the others.
	byID     map[string]unreadableIncident
	nameless map[unreadableIncident]bool
	// unreferenced are the ids of incidents that say that they are of no service.
	unreferenced map[string]bool
}

func newUnreadable() unreadableIncidents {
	return unreadableIncidents{
		byID: map[string]unreadableIncident{}, nameless: map[unreadableIncident]bool{}, unreferenced: map[string]bool{},
	}
}

func (u *unreadableIncidents) add(id string, raw json.RawMessage) {
	found := unreadableIncident{service: idOf(raw, "service", "id"), policy: idOf(raw, "escalation_policy", "id")}
	id = incidentID(id)
	var fields map[string]json.RawMessage
	if found.service == "" && json.Unmarshal(raw, &fields) == nil && string(fields["service"]) == "null" {
		u.unreferenced[id] = true
		return
	}
	if id == "" {
		u.nameless[found] = true
	} else {
		u.byID[id] = found
	}
}

// all calls each with all of them.
func (u *unreadableIncidents) all(each func(unreadableIncident)) {
	for _, incident := range u.byID {
		each(incident)
	}
	for incident := range u.nameless {
		each(incident)
	}
}

// of says why facts about the incidents of a PagerDuty service are unknown, or "".
func (u *unreadableIncidents) of(service string) (why evidence.Missing) {
	u.all(func(incident unreadableIncident) {
		if incident.service == service || incident.service == "" {
			why = evidence.MissingUndecodable
		}
	})
	return why
}

// incidentsUnknown says why facts about the incidents of a service are unknown, or
// "": one could not be read, or it is not known whether one counts.
func (r *round) incidentsUnknown(s *serviceRecord) evidence.Missing {
	if _, incomplete := r.incidents.incomplete[s.ID]; incomplete {
		return evidence.MissingPartial
	}
	return r.memory.incidents.unreadable.of(s.ID)
}

// sendDoubts emits the services of the catalog whose incidents are not all known. When
// an incident began that cannot be read is not known. A whole began no later than its
// parts.
func (r *round) sendDoubts() error {
	found := evidence.Doubts{}
	doubt := func(service string) {
		found.Add(evidence.IncidentDoubt{Service: service, Newest: r.now.Truncate(day), Open: true})
	}
	for service := range r.catalog.unknown {
		doubt(service)
	}
	for service, ids := range r.catalog.ids {
		records, _, _ := r.services.find(ids)
		for _, s := range records {
			if incomplete, ok := r.incidents.incomplete[s.ID]; ok {
				incomplete.Service = service
				found.Add(incomplete)
			}
			if r.memory.incidents.unreadable.of(s.ID) != "" {
				doubt(service)
			}
		}
	}
	return r.memory.incidents.doubts.Send(r.out, found)
}

// pagesUnknown says why it is not known how often the escalation policy of a service
// was paged, or "". The people of a policy share the pages of all its services, so that
// it is the policy of an incident that decides, whatever its service.
func (r *round) pagesUnknown(s *serviceRecord) evidence.Missing {
	return cmp.Or(r.incidents.pagesUnknown[s.policyID()], r.incidents.pagesUnknown[anyPolicy])
}

// anyPolicy is the key of what may be about any escalation policy.
const anyPolicy = ""

// unknownPages are the reasons why pages are not known, by escalation policy: an incident
// could not be read, began at a time that cannot be right, or does not say which policy
// it paged, which then may be that of its service.
func (r *round) unknownPages() map[string]evidence.Missing {
	unknown := map[string]evidence.Missing{}
	add := func(policy, service string, why evidence.Missing) {
		if of := r.service(service); policy == "" && of != nil {
			policy = of.policyID()
		}
		unknown[policy] = why
	}
	for _, k := range r.memory.incidents.byID {
		future := r.isFuture(k.StartedAt)
		recent := !k.StartedAt.Before(r.now.Add(-loadWeeks * 7 * day))
		if k.service != "" && k.Urgent && recent && (future || k.Group == "") {
			add(k.Group, k.service, evidence.MissingPartial)
		}
	}
	r.memory.incidents.unreadable.all(func(incident unreadableIncident) {
		add(incident.policy, incident.service, evidence.MissingUndecodable)
	})
	return unknown
}

// sendUncounted emits what of the incidents in memory could not be used, where that
// has changed.
func (r *round) sendUncounted() error {
	m := r.memory.incidents
	var found collectors.Uncounted
	for _, k := range m.byID {
		if k.service != "" && (k.Open() || !k.StartedAt.Before(r.factStart())) {
			r.addFaults(&found, k)
		}
	}
	concerned := func(service string) bool { return service == "" || len(r.catalog.names[service]) > 0 }
	for id, incident := range m.unreadable.byID {
		if concerned(incident.service) {
			found.Add(evidence.UncountedUnreadable, id, 1)
		}
	}
	for incident := range m.unreadable.nameless {
		if concerned(incident.service) {
			found.Add(evidence.UncountedUnreadable, "an incident without an id", 1)
		}
	}
	for id := range m.unreadable.unreferenced {
		found.Add(evidence.UncountedNoReference, id, 1)
	}
	r.addUnknownTargets(&found)
	r.noteTypes()
	report := found.Report(evidence.UncountedIncident)
	if m.uncounted != nil && reflect.DeepEqual(*m.uncounted, report) {
		return nil
	}
	if err := r.out.Send(evidence.Batch{Uncounted: []evidence.Uncounted{report}}); err != nil {
		return err
	}
	m.uncounted = &report
	return nil
}

// addFaults counts why an incident cannot be used, or only in part.
func (r *round) addFaults(found *collectors.Uncounted, k *trackedIncident) {
	if !r.counted(k.incidentType) {
		return // by the configuration
	}
	if len(r.catalog.names[k.service]) == 0 {
		found.Add(evidence.UncountedUnknownService, r.serviceName(k.service), 1)
		return
	}
	for _, reason := range k.faults(r) {
		name := k.ID
		if reason == evidence.UncountedUnmappedSeverity {
			name = k.Priority
		}
		found.Add(reason, name, 1)
	}
}

// faults are why the incident cannot be used, or only in part.
func (k *trackedIncident) faults(r *round) []evidence.UncountedReason {
	var all []evidence.UncountedReason
	if r.isFuture(k.StartedAt) {
		return append(all, evidence.UncountedInFuture)
	}
	if k.MergedInto != "" {
		return all // see addUnknownTargets
	}
	if k.endFault != "" {
		all = append(all, k.endFault)
	}
	if k.Priority != "" && k.Severity == 0 {
		all = append(all, evidence.UncountedUnmappedSeverity)
	}
	return all
}

// serviceName is what a person looks for: the name of a PagerDuty service and its id.
func (r *round) serviceName(id string) string {
	if s := r.service(id); s != nil && s.Name != "" {
		return s.Name + " (" + id + ")"
	}
	return id
}

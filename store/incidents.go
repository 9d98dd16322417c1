package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/evidence"
)

// incidentRow is an incident.
type incidentRow struct {
	numbered
	seq transactionNumber
	evidence.Incident
}

func (r *incidentRow) table() table {
	return table{
		name:  "incidents",
		key:   columns{{"source_id", sourceID(&r.Source)}, {"id", &r.ID}},
		fixed: columns{{"num", &r.num}},
		data: columns{
			{"started_at", timeOf(&r.StartedAt)}, {"acknowledged_at", timeOrNull(&r.AcknowledgedAt)},
			{"acks_known", &r.AcksKnown}, {"resolved_at", timeOrNull(&r.ResolvedAt)}, {"resolver", &r.Resolver},
			{"urgent", &r.Urgent}, {"severity", &r.Severity}, {"channel", &r.Channel},
			{"machine_detected", &r.MachineDetected}, {"template", &r.Template}, {"paged_group", &r.Group},
			{"maintenance", &r.Maintenance}, {"links", listOf(&r.Links)},
			{"updated_at", timeOrNull(&r.UpdatedAt)}, {"gone", &r.Gone},
			{"detected_at", timeOrNull(&r.DetectedAt)}, {"priority", &r.Priority},
			{"escalations", &r.Escalations}, {"reassignments", &r.Reassignments}, {"notes", &r.Notes},
			{"responders", listOf(&r.Responders)}, {"gone_why", &r.GoneWhy}, {"end_unknown", &r.EndUnknown},
			{"machine_acknowledged_at", timeOrNull(&r.MachineAcknowledgedAt)}, {"merged_into", &r.MergedInto},
			{"issue_key", &r.Key}, {"former_keys", listOf(&r.FormerKeys)},
			{"has_ticket", &r.HasTicket}, {"false_alarm", &r.FalseAlarm},
			{"interruptions_known", &r.Interruptions.Known}, {"business_interruptions", &r.Interruptions.Business},
			{"off_interruptions", &r.Interruptions.Off}, {"sleep_interruptions", &r.Interruptions.Sleep}, {"seq", &r.seq},
		},
		services: r.list("incident_services", "incident_num", &r.Services),
	}
}

// incidents stores what has changed among a batch's incidents. An older version
// of an incident never replaces a newer one, in whatever order pages arrive.
func (c *commit) incidents(ctx context.Context, incidents []evidence.Incident) error {
	var wanted []incidentRow
	var ids []string
	for _, in := range incidents {
		if c.isOther(in.Source) {
			return fmt.Errorf("incident %s says it is from %s", in.ID, in.Source)
		}
		if in.StartedAt.IsZero() {
			return fmt.Errorf("incident %s has no start", in.ID)
		}
		in.Source, in.UpdatedAt = c.source, storedTime(in.UpdatedAt)
		in.Services, in.Links, in.Responders = cleanList(in.Services), cleanList(in.Links), cleanList(in.Responders)
		in.FormerKeys = cleanList(in.FormerKeys)
		wanted, ids = append(wanted, incidentRow{Incident: in}), append(ids, in.ID)
	}
	slices.Sort(ids)
	written, _, err := upsert(ctx, c.tx, c.ofSource().in("id", anys(slices.Compact(ids))), wanted,
		func(old, now incidentRow) incidentRow {
			if older(now.Incident, old.Incident) {
				return old
			}
			now.Incident = keepAcks(now.Incident, old.Incident)
			now.FormerKeys = formerKeys(now.Incident, old.Incident)
			return now
		})
	c.changes.Incidents = len(written)
	return err
}

// cleanList is sorted, cleaned and without duplicates; nil when empty.
func cleanList(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	clean := make([]string, 0, len(list))
	for _, s := range list {
		clean = append(clean, text(s))
	}
	slices.Sort(clean)
	return slices.Compact(clean)
}

// older reports whether a is known to be an earlier version than b.
func older(a, b evidence.Incident) bool {
	return !a.UpdatedAt.IsZero() && a.UpdatedAt.Before(b.UpdatedAt)
}

// keepAcks keeps what is known of acknowledgements, and of all else that is in the
// log, when a listing did not ask for the log. A first acknowledgement stays true;
// that there was none stays true only while the incident has not changed.
func keepAcks(in, old evidence.Incident) evidence.Incident {
	if in.AcksKnown || !old.AcksKnown {
		return in
	}
	if !old.AcknowledgedAt.IsZero() || in.UpdatedAt.Equal(old.UpdatedAt) {
		in.AcksKnown, in.AcknowledgedAt = true, old.AcknowledgedAt
		in.MachineAcknowledgedAt = old.MachineAcknowledgedAt
		in.Escalations, in.Reassignments, in.Notes = old.Escalations, old.Reassignments, old.Notes
		in.Responders = old.Responders
		if in.FalseAlarm == evidence.Unknown {
			in.FalseAlarm = old.FalseAlarm
		}
	}
	return in
}

// formerKeys are the keys that an incident had before, as the source and the stored
// version of it say: no change of an issue says that its project got another key.
func formerKeys(in, old evidence.Incident) []string {
	keys := slices.Concat(in.FormerKeys, old.FormerKeys, []string{old.Key})
	return cleanList(slices.DeleteFunc(keys, func(key string) bool { return key == "" || key == text(in.Key) }))
}

// IncidentFilter selects incidents. Its zero value selects all that are still
// listed by their source.
type IncidentFilter struct {
	// Source is the instance; empty means all.
	Source string
	// Service keeps incidents of a service; empty means of all.
	Service string
	// Since keeps incidents that started, or were still open, at or after it.
	Since time.Time
	// Until keeps incidents that started before it; zero means no bound.
	Until time.Time
	// Gone includes incidents that their source no longer lists.
	Gone bool
	// After keeps incidents that a transaction after this one has changed; see
	// Store.Sequence.
	After int64
}

// Incidents lists the incidents a filter selects, by start, source and id.
func (s *Store) Incidents(ctx context.Context, filter IncidentFilter) ([]evidence.Incident, error) {
	var selected condition
	if filter.After > 0 {
		selected = where(`seq > ?`, filter.After)
	}
	if !filter.Since.IsZero() {
		selected = selected.and(lasting, filter.Since, filter.Since)
	}
	if !filter.Until.IsZero() {
		selected = selected.and(`started_at < ?`, filter.Until)
	}
	if !filter.Gone {
		selected = selected.and(`gone = ?`, false)
	}
	if filter.Source != "" {
		selected = selected.and(`source_id = ?`, nameIn{sourceNames, filter.Source})
	}
	if filter.Service != "" {
		selected = selected.and(`num IN (SELECT incident_num FROM incident_services WHERE service_id = ?)`,
			nameIn{serviceNames, filter.Service})
	}
	found, err := collect(ctx, s, "reading incidents", selected,
		func(r incidentRow) evidence.Incident { return r.Incident })
	slices.SortFunc(found, func(a, b evidence.Incident) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
	})
	return found, err
}

// lasting selects incidents that started, or were still open, at or after a
// time.
const lasting = `(started_at >= ? OR resolved_at IS NULL AND NOT end_unknown OR resolved_at >= ?)`

// SeenSeverity is a severity that an incident of a service had.
type SeenSeverity struct {
	Service string
	// Severity is 1 (worst) to 5, 0 for unknown.
	Severity int
}

// SeenSeverities are the severities that the stored incidents of services had. Incidents
// that are gone, or were within maintenance, are left out. It reads all incidents.
func (s *Store) SeenSeverities(ctx context.Context) ([]SeenSeverity, error) {
	var found []SeenSeverity
	err := s.view(ctx, "reading the severities of incidents", func(v *view) error {
		return each(ctx, v, `SELECT DISTINCT l.service_id, i.severity
			FROM incidents i JOIN incident_services l ON l.incident_num = i.num
			WHERE NOT i.gone AND NOT i.maintenance`, nil, func(rows *sql.Rows) error {
			var service int64
			var seen SeenSeverity
			if err := rows.Scan(&service, &seen.Severity); err != nil {
				return err
			}
			name, err := v.name(serviceNames, service)
			seen.Service = name
			found = append(found, seen)
			return err
		})
	})
	return found, err
}

// EachIncident calls each with the incidents of a source that the span selects and
// the source still lists, by start. It reads page by page, so that memory does not
// grow with the history, and holds no transaction open while each runs: each may
// write. An error of each ends it and is returned as it is. Those with given ids are
// read at once, and come in any order.
func (s *Store) EachIncident(
	ctx context.Context, source string, span evidence.IncidentSpan, each func(evidence.Incident) error,
) error {
	selected := ofSource(source).and(`gone = ?`, false)
	if span.Lasting {
		selected = selected.and(lasting, span.Since, span.Since)
	} else {
		selected = selected.and(`started_at >= ?`, span.Since)
	}
	if !span.Until.IsZero() {
		selected = selected.and(`started_at < ?`, span.Until)
	}
	if span.Merged {
		selected = selected.and(`merged_into <> ?`, "")
	}
	doing := "reading incidents of " + source
	if span.IDs == nil {
		return readPages(ctx, s, doing, selected, []string{"started_at", "num"},
			func(r incidentRow) error { return each(r.Incident) })
	}
	found, err := collect(ctx, s, doing, selected.in("id", anys(span.IDs)),
		func(r incidentRow) evidence.Incident { return r.Incident })
	for _, in := range found {
		if err := each(in); err != nil {
			return err
		}
	}
	return err
}

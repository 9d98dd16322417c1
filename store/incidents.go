package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/prodready/collector/evidence"
)

const incidentColumns = `started_at, acknowledged_at, acks_known, resolved_at, resolver, urgent, severity, channel,
	machine_detected, template, paged_group, maintenance, links, updated_at, gone,
	detected_at, priority, escalations, reassignments, notes, responders, gone_why`

// storedIncident is an incident with its row number.
type storedIncident struct {
	num int64
	evidence.Incident
}

// incidents stores what has changed among a batch's incidents. An older version
// of an incident never replaces a newer one, in whatever order pages arrive.
func (c *commit) incidents(ctx context.Context, incidents []evidence.Incident) error {
	if len(incidents) == 0 {
		return nil
	}
	newest := map[string]evidence.Incident{}
	var ids []string
	var services []string
	for _, in := range incidents {
		if in.Source != "" && text(in.Source) != c.sourceName {
			return fmt.Errorf("incident %s says it is from %s", in.ID, in.Source)
		}
		if in.StartedAt.IsZero() {
			return fmt.Errorf("incident %s has no start", in.ID)
		}
		in = cleanIncident(c.sourceName, in)
		if had, dup := newest[in.ID]; !dup {
			ids = append(ids, in.ID)
		} else if older(in, had) {
			continue
		}
		newest[in.ID] = in
		services = append(services, in.Services...)
	}
	serviceIDs, err := c.intern(ctx, serviceNames, services)
	if err != nil {
		return err
	}
	existing, err := c.existingIncidents(ctx, ids)
	if err != nil {
		return err
	}
	var last int64
	if err := c.QueryRowContext(ctx, `SELECT COALESCE(MAX(num), 0) FROM incidents`).Scan(&last); err != nil {
		return err
	}

	var rows, links [][]any
	var relinked []int64
	for _, id := range ids {
		in := newest[id]
		old, known := existing[id]
		if known {
			if older(in, old.Incident) {
				continue
			}
			in = keepAcks(in, old.Incident)
			if sameIncident(in, old.Incident) {
				continue
			}
		} else {
			last++
			old = &storedIncident{num: last}
		}
		row, err := incidentRow(in)
		if err != nil {
			return err
		}
		c.changes.Incidents++
		rows = append(rows, append(append([]any{old.num, c.source, in.ID}, row...), c.seq))
		if !known || !slices.Equal(in.Services, old.Services) {
			if known {
				relinked = append(relinked, old.num)
			}
			for _, service := range in.Services {
				links = append(links, []any{old.num, serviceIDs[service]})
			}
		}
	}
	err = c.insert(ctx, `INSERT INTO incidents (num, source_id, id, `+incidentColumns+`, seq)`,
		`ON CONFLICT (source_id, id) DO UPDATE SET started_at = excluded.started_at, acknowledged_at = excluded.acknowledged_at,
		acks_known = excluded.acks_known, resolved_at = excluded.resolved_at, resolver = excluded.resolver,
		urgent = excluded.urgent, severity = excluded.severity, channel = excluded.channel,
		machine_detected = excluded.machine_detected, template = excluded.template, paged_group = excluded.paged_group,
		maintenance = excluded.maintenance, links = excluded.links, updated_at = excluded.updated_at,
		gone = excluded.gone, detected_at = excluded.detected_at, priority = excluded.priority,
		escalations = excluded.escalations, reassignments = excluded.reassignments, notes = excluded.notes,
		responders = excluded.responders, gone_why = excluded.gone_why, seq = excluded.seq`, rows)
	if err != nil {
		return err
	}
	err = chunks(relinked, func(part []int64) error {
		return c.exec(ctx, `DELETE FROM incident_services WHERE incident_num IN (`+placeholders(1, len(part))+`)`, with(nil, part)...)
	})
	if err != nil {
		return err
	}
	return c.insert(ctx, `INSERT INTO incident_services (incident_num, service_id)`, "", links)
}

// existingIncidents reads the stored incidents of the source with the ids.
func (c *commit) existingIncidents(ctx context.Context, ids []string) (map[string]*storedIncident, error) {
	// Within the writer's transaction names may be newer than the cache.
	if err := c.store.names.load(ctx, c); err != nil {
		return nil, err
	}
	found := map[string]*storedIncident{}
	err := chunks(ids, func(part []string) error {
		list, err := c.store.readIncidents(ctx, c, `i.source_id = $1 AND i.id IN (`+placeholders(2, len(part))+`)`, with([]any{c.source}, part))
		for _, in := range list {
			found[in.ID] = in
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func incidentRow(in evidence.Incident) ([]any, error) {
	links, err := json.Marshal(in.Links)
	if err != nil {
		return nil, fmt.Errorf("incident %s: %w", in.ID, err)
	}
	responders, err := json.Marshal(in.Responders)
	if err != nil {
		return nil, fmt.Errorf("incident %s: %w", in.ID, err)
	}
	return []any{micros(in.StartedAt), optional(in.AcknowledgedAt), in.AcksKnown, optional(in.ResolvedAt), string(in.Resolver),
		in.Urgent, int64(in.Severity), in.Channel, in.MachineDetected, in.Template, in.Group, in.Maintenance,
		string(links), optional(in.UpdatedAt), in.Gone, optional(in.DetectedAt), in.Priority, int64(in.Escalations),
		int64(in.Reassignments), int64(in.Notes), string(responders), in.GoneWhy}, nil
}

// cleanIncident brings an incident into the form it has when it is read back.
func cleanIncident(source string, in evidence.Incident) evidence.Incident {
	in.Source, in.ID, in.Channel, in.Template, in.Group = source, text(in.ID), text(in.Channel), text(in.Template), text(in.Group)
	in.Resolver = evidence.Resolver(text(string(in.Resolver)))
	in.Priority, in.GoneWhy = text(in.Priority), text(in.GoneWhy)
	in.Services, in.Links, in.Responders = cleanList(in.Services), cleanList(in.Links), cleanList(in.Responders)
	for _, t := range []*time.Time{&in.StartedAt, &in.DetectedAt, &in.AcknowledgedAt, &in.ResolvedAt, &in.UpdatedAt} {
		*t = storedTime(*t)
	}
	return in
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

// storedTime is a time as it comes back from the database.
func storedTime(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return instant(micros(t))
}

// older reports whether a is known to be an earlier version than b.
func older(a, b evidence.Incident) bool {
	return !a.UpdatedAt.IsZero() && a.UpdatedAt.Before(b.UpdatedAt)
}

// keepAcks keeps what is known of acknowledgements, and of all else that the log
// tells, when a listing did not ask for them. A first acknowledgement stays true; that there was none stays true
// only while the incident has not changed.
func keepAcks(in, old evidence.Incident) evidence.Incident {
	if in.AcksKnown || !old.AcksKnown {
		return in
	}
	if !old.AcknowledgedAt.IsZero() || in.UpdatedAt.Equal(old.UpdatedAt) {
		in.AcksKnown, in.AcknowledgedAt = true, old.AcknowledgedAt
		in.Escalations, in.Reassignments, in.Notes = old.Escalations, old.Reassignments, old.Notes
		in.Responders = old.Responders
	}
	return in
}

func sameIncident(a, b evidence.Incident) bool {
	return a.StartedAt.Equal(b.StartedAt) && a.AcknowledgedAt.Equal(b.AcknowledgedAt) && a.AcksKnown == b.AcksKnown &&
		a.ResolvedAt.Equal(b.ResolvedAt) && a.Resolver == b.Resolver && a.Urgent == b.Urgent && a.Severity == b.Severity &&
		a.Channel == b.Channel && a.MachineDetected == b.MachineDetected && a.Template == b.Template && a.Group == b.Group &&
		a.Maintenance == b.Maintenance && a.UpdatedAt.Equal(b.UpdatedAt) && a.Gone == b.Gone &&
		a.DetectedAt.Equal(b.DetectedAt) && a.Priority == b.Priority && a.Escalations == b.Escalations &&
		a.Reassignments == b.Reassignments && a.Notes == b.Notes && a.GoneWhy == b.GoneWhy &&
		slices.Equal(a.Services, b.Services) && slices.Equal(a.Links, b.Links) && slices.Equal(a.Responders, b.Responders)
}

// IncidentFilter selects incidents. Its zero value selects all that are still
// listed by their source.
type IncidentFilter struct {
	// Source is the instance; empty means all.
	Source string
	// Since keeps incidents that started, or were still open, at or after it.
	Since time.Time
	// Until keeps incidents that started before it; zero means no bound.
	Until time.Time
	// Gone includes incidents that their source no longer lists.
	Gone bool
}

// Incidents lists the incidents a filter selects, by start, source and id.
func (s *Store) Incidents(ctx context.Context, filter IncidentFilter) ([]evidence.Incident, error) {
	where, args := `1 = 1`, []any(nil)
	and := func(clause string, value any) {
		args = append(args, value)
		n := fmt.Sprintf("$%d", len(args))
		where += " AND " + fmt.Sprintf(clause, n)
	}
	if !filter.Since.IsZero() {
		and(`(i.started_at >= %[1]s OR i.resolved_at IS NULL OR i.resolved_at >= %[1]s)`, micros(filter.Since))
	}
	if !filter.Until.IsZero() {
		and(`i.started_at < %s`, micros(filter.Until))
	}
	if !filter.Gone {
		and(`i.gone = %s`, false)
	}
	var list []evidence.Incident
	err := s.view(ctx, "reading incidents", func(t *sql.Tx) error {
		if err := s.names.load(ctx, t); err != nil {
			return err
		}
		if filter.Source != "" {
			id, ok := s.names.id(sourceNames, text(filter.Source))
			if !ok {
				return nil
			}
			and(`i.source_id = %s`, id)
		}
		found, err := s.readIncidents(ctx, t, where, args)
		for _, in := range found {
			list = append(list, in.Incident)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if !a.StartedAt.Equal(b.StartedAt) {
			return a.StartedAt.Before(b.StartedAt)
		}
		if a.Source != b.Source {
			return a.Source < b.Source
		}
		return a.ID < b.ID
	})
	return list, nil
}

// readIncidents reads the incidents of a condition on i, with their services.
// The names must be loaded.
func (s *Store) readIncidents(ctx context.Context, q queryer, where string, args []any) ([]*storedIncident, error) {
	var list []*storedIncident
	byNum := map[int64]*storedIncident{}
	err := each(ctx, q, `SELECT i.num, i.source_id, i.id, `+incidentColumns+` FROM incidents i WHERE `+where, args, func(rows *sql.Rows) error {
		in, err := s.scanIncident(rows)
		if err == nil {
			list = append(list, in)
			byNum[in.num] = in
		}
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	err = s.eachService(ctx, q, `SELECT l.incident_num, l.service_id FROM incident_services l JOIN incidents i ON i.num = l.incident_num WHERE `+where, args, func(num int64, service string) {
		if in := byNum[num]; in != nil {
			in.Services = append(in.Services, service)
		}
	})
	for _, in := range list {
		slices.Sort(in.Services)
	}
	return list, err
}

func (s *Store) scanIncident(rows *sql.Rows) (*storedIncident, error) {
	in := &storedIncident{}
	var source, started int64
	var acknowledged, resolved, updated, detected sql.NullInt64
	var links, responders string
	err := rows.Scan(&in.num, &source, &in.ID, &started, &acknowledged, &in.AcksKnown, &resolved, &in.Resolver, &in.Urgent,
		&in.Severity, &in.Channel, &in.MachineDetected, &in.Template, &in.Group, &in.Maintenance, &links, &updated, &in.Gone,
		&detected, &in.Priority, &in.Escalations, &in.Reassignments, &in.Notes, &responders, &in.GoneWhy)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(links), &in.Links); err != nil {
		return nil, fmt.Errorf("links of incident %s: %w", in.ID, err)
	}
	if err := json.Unmarshal([]byte(responders), &in.Responders); err != nil {
		return nil, fmt.Errorf("responders of incident %s: %w", in.ID, err)
	}
	if len(in.Responders) == 0 {
		in.Responders = nil
	}
	in.DetectedAt = instantOf(detected)
	in.StartedAt, in.AcknowledgedAt = instant(started), instantOf(acknowledged)
	in.ResolvedAt, in.UpdatedAt = instantOf(resolved), instantOf(updated)
	in.Source, err = s.names.name(sourceNames, source)
	return in, err
}

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

// incidentRow is an incident with its row number.
type incidentRow struct {
	num, source, seq int64
	evidence.Incident
}

func (r *incidentRow) table() table {
	return table{
		name:  "incidents",
		key:   columns{{"source_id", &r.source}, {"id", &r.ID}},
		fixed: columns{{"num", &r.num}},
		data: columns{
			{"started_at", timeOf(&r.StartedAt)}, {"acknowledged_at", timeOrNull(&r.AcknowledgedAt)},
			{"acks_known", &r.AcksKnown}, {"resolved_at", timeOrNull(&r.ResolvedAt)}, {"resolver", &r.Resolver},
			{"urgent", &r.Urgent}, {"severity", &r.Severity}, {"channel", &r.Channel},
			{"machine_detected", &r.MachineDetected}, {"template", &r.Template}, {"paged_group", &r.Group},
			{"maintenance", &r.Maintenance}, {"links", asJSON(&r.Links)},
			{"updated_at", timeOrNull(&r.UpdatedAt)}, {"gone", &r.Gone},
			{"detected_at", timeOrNull(&r.DetectedAt)}, {"priority", &r.Priority},
			{"escalations", &r.Escalations}, {"reassignments", &r.Reassignments}, {"notes", &r.Notes},
			{"responders", asJSON(&r.Responders)}, {"gone_why", &r.GoneWhy}, {"seq", &r.seq},
		},
	}
}

// incidentServiceRow is a service that an incident concerns.
type incidentServiceRow struct{ incident, service int64 }

func (r *incidentServiceRow) table() table {
	return table{name: "incident_services", key: columns{{"incident_num", &r.incident}, {"service_id", &r.service}}}
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
	last, err := greatest(ctx, c, "num", "incidents")
	if err != nil {
		return err
	}

	var rows []incidentRow
	var links []incidentServiceRow
	var relinked []int64
	for _, id := range ids {
		in := newest[id]
		old, known := existing[id]
		if known {
			if older(in, old.Incident) {
				continue
			}
			in = keepAcks(in, old.Incident)
			if same(incidentRow{Incident: in}, *old) && slices.Equal(in.Services, old.Services) {
				continue
			}
		} else {
			last++
			old = &incidentRow{num: last}
		}
		c.changes.Incidents++
		rows = append(rows, incidentRow{num: old.num, source: c.source, seq: c.seq, Incident: in})
		if !known || !slices.Equal(in.Services, old.Services) {
			if known {
				relinked = append(relinked, old.num)
			}
			for _, service := range in.Services {
				links = append(links, incidentServiceRow{old.num, serviceIDs[service]})
			}
		}
	}
	if err := put(ctx, c.tx, rows...); err != nil {
		return err
	}
	if err := execIn(ctx, c.tx, `DELETE FROM incident_services WHERE incident_num IN`, nil, relinked); err != nil {
		return err
	}
	return put(ctx, c.tx, links...)
}

// existingIncidents reads the stored incidents of the source with the ids.
func (c *commit) existingIncidents(ctx context.Context, ids []string) (map[string]*incidentRow, error) {
	// Within the writer's transaction names may be newer than the cache.
	if err := c.store.names.load(ctx, c); err != nil {
		return nil, err
	}
	found := map[string]*incidentRow{}
	err := chunks(ids, func(part []string) error {
		list, err := c.store.readIncidents(ctx, c, `i.source_id = $1 AND i.id IN (`+placeholders(2, len(part))+`)`,
			with([]any{c.source}, part))
		for _, in := range list {
			found[in.ID] = in
		}
		return err
	})
	return found, err
}

// cleanIncident brings what incidents are compared by into the form in which it
// is read back.
func cleanIncident(source string, in evidence.Incident) evidence.Incident {
	in.Source, in.ID, in.UpdatedAt = source, text(in.ID), storedTime(in.UpdatedAt)
	in.Services, in.Links, in.Responders = cleanList(in.Services), cleanList(in.Links), cleanList(in.Responders)
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

// keepAcks keeps what is known of acknowledgements, and of all else that is in the
// log, when a listing did not ask for the log. A first acknowledgement stays true;
// that there was none stays true only while the incident has not changed.
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
	// After keeps incidents that a transaction after this one has changed; see
	// Store.Sequence.
	After int64
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
	if filter.After > 0 {
		and(`i.seq > %s`, filter.After)
	}
	var list []evidence.Incident
	err := s.view(ctx, "reading incidents", func(t *sql.Tx) error {
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
	slices.SortFunc(list, func(a, b evidence.Incident) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// readIncidents reads the incidents of a condition on i, with their services.
// The names must be loaded.
func (s *Store) readIncidents(ctx context.Context, q queryer, where string, args []any) ([]*incidentRow, error) {
	var list []*incidentRow
	byNum := map[int64]*incidentRow{}
	err := read(ctx, q, `i WHERE `+where, args, func(in incidentRow) (err error) {
		if len(in.Responders) == 0 {
			in.Responders = nil
		}
		in.Source, err = s.names.name(sourceNames, in.source)
		list, byNum[in.num] = append(list, &in), &in
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	err = read(ctx, q, `WHERE incident_num IN (SELECT i.num FROM incidents i WHERE `+where+`)`, args,
		func(l incidentServiceRow) error {
			service, err := s.names.name(serviceNames, l.service)
			if in := byNum[l.incident]; in != nil {
				in.Services = append(in.Services, service)
			}
			return err
		})
	for _, in := range list {
		slices.Sort(in.Services)
	}
	return list, err
}

// incidentPage is how many incidents are in memory at once when a long history
// is walked.
const incidentPage = 1000

// EachIncident hands on the incidents of a source that the span selects and the
// source still lists, by start. It reads page by page, so that memory does not
// grow with the history, and holds no transaction open while each runs: each may
// write. An error of each ends it and is returned as it is.
func (s *Store) EachIncident(
	ctx context.Context, source string, span evidence.IncidentSpan, each func(evidence.Incident) error,
) error {
	began := `i.started_at >= $4`
	if span.Lasting {
		began = `(i.started_at >= $4 OR i.resolved_at IS NULL OR i.resolved_at >= $4)`
	}
	// Page after page begins behind the last row of the one before.
	lastStart, lastNum := int64(-1<<62), int64(0)
	for {
		var page []*incidentRow
		err := s.view(ctx, "reading incidents of "+source, func(t *sql.Tx) error {
			id, ok := s.names.id(sourceNames, text(source))
			if !ok {
				return nil
			}
			where := `i.source_id = $1 AND (i.started_at > $2 OR i.started_at = $2 AND i.num > $3) AND ` + began + `
				AND i.gone = $5`
			args := []any{id, lastStart, lastNum, micros(span.Since), false}
			if !span.Until.IsZero() {
				args = append(args, micros(span.Until))
				where += ` AND i.started_at < $6`
			}
			where += fmt.Sprintf(` ORDER BY i.started_at, i.num LIMIT %d`, incidentPage)
			var err error
			page, err = s.readIncidents(ctx, t, where, args)
			return err
		})
		if err != nil {
			return err
		}
		for _, in := range page {
			if err := each(in.Incident); err != nil {
				return err
			}
		}
		if len(page) < incidentPage {
			return nil
		}
		last := page[len(page)-1]
		lastStart, lastNum = micros(last.StartedAt), last.num
	}
}

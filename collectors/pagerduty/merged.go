package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// Incidents that were merged into another are parts of it: the whole has the earliest
// start and the services of all. The acknowledgement and the end of a part are not
// used. Its notifications count, because each has paged a person.

// resolveReason says why an incident was resolved, where a person merged it into
// another. It is null for others.
type resolveReason struct {
	Type     string    `json:"type"`
	Incident reference `json:"incident"`
}

// mergedInto is the id of the incident that the record's incident was merged into;
// empty for none. known is false for a record that does not say. Of a merge into
// something that cannot be read, it is the incident's own id, which is no target.
func (i *incidentRecord) mergedInto() (id string, known bool) {
	switch {
	case i.Status != "resolved":
		return "", true
	case len(i.ResolveReason) == 0:
		return "", false
	}
	var reason *resolveReason
	if err := json.Unmarshal(i.ResolveReason, &reason); err != nil {
		return incidentID(i.ID), true
	}
	if reason == nil || !strings.HasPrefix(reason.Type, "merge") {
		return "", true
	}
	return incidentID(cmp.Or(reason.Incident.ID, i.ID)), true
}

// storedPart is an incident that was merged into another and that is in the store
// alone.
type storedPart struct {
	into     string
	services []string
}

// followMerges walks the chain of merges that begins with a merge into the id, and calls
// each with the incidents on it that are in memory or among the others. It returns the
// id at the end of the chain, and the incident if it was found there: nil for one that
// is neither in memory nor among the others, and for a circle.
func (m *incidentMemory) followMerges(
	id string, others map[string]*trackedIncident, each func(*trackedIncident),
) (last string, found *trackedIncident) {
	for range len(m.byID) + len(others) + len(m.storedParts) + 1 {
		k := others[id]
		if k == nil {
			k = m.byID[id]
		}
		part, stored := m.storedParts[id]
		switch {
		case k == nil && !stored:
			return id, nil
		case k == nil:
			id = part.into
			continue
		}
		each(k)
		if k.MergedInto == "" {
			return id, k
		}
		id = k.MergedInto
	}
	return id, nil
}

// whole is the incident that k is a part of, at the end of a chain of merges: k
// itself if it was not merged, and nil if the end is not in memory, or the chain is a
// circle.
func (m *incidentMemory) whole(k *trackedIncident) *trackedIncident {
	if k.MergedInto == "" {
		return k
	}
	_, whole := m.followMerges(k.MergedInto, nil, func(*trackedIncident) {})
	return whole
}

// joinParts notes for each incident in memory, and for each of the others, the services
// of its parts, which are in memory, among the others or stored. An incident of no
// service of the catalog is stored for the services of its parts, and so is one in the
// middle of a chain, without which the end could not be found.
func (m *incidentMemory) joinParts(others map[string]*trackedIncident) {
	joined := map[*trackedIncident]map[string]bool{}
	collect := func(into string, services []string) {
		if into == "" || len(services) == 0 {
			return
		}
		m.followMerges(into, others, func(k *trackedIncident) {
			if joined[k] == nil {
				joined[k] = map[string]bool{}
			}
			for _, name := range services {
				joined[k][name] = true
			}
		})
	}
	for _, k := range m.byID {
		collect(k.MergedInto, k.Services)
	}
	for _, k := range others {
		collect(k.MergedInto, k.Services)
	}
	for _, part := range m.storedParts {
		collect(part.into, part.services)
	}
	for _, incidents := range [...]map[string]*trackedIncident{m.byID, others} {
		for _, k := range incidents {
			k.joined = slices.Sorted(maps.Keys(joined[k]))
		}
	}
}

// keepParts notes those of the incidents that were merged into others and will be in
// the store alone.
func (m *incidentMemory) keepParts(incidents map[string]*trackedIncident) {
	for id, k := range incidents {
		if k.MergedInto != "" && k.concerned() {
			m.storedParts[id] = storedPart{k.MergedInto, k.allServices()}
		}
	}
}

// loadParts reads the stored incidents that were merged into others and are not in
// memory.
func (r *round) loadParts(ctx context.Context) error {
	m := r.memory.incidents
	return r.eachStored(ctx, evidence.IncidentSpan{Merged: true}, func(in evidence.Incident) error {
		if m.byID[in.ID] == nil {
			m.storedParts[in.ID] = storedPart{in.MergedInto, in.Services}
		}
		return nil
	})
}

// allServices are the catalog's services of the incident and of its parts.
func (k *trackedIncident) allServices() []string {
	if len(k.joined) == 0 {
		return k.Services
	}
	all := slices.Concat(k.Services, k.joined)
	slices.Sort(all)
	return slices.Compact(all)
}

// with is the incident together with its parts.
func (k *trackedIncident) with(parts []*trackedIncident) *trackedIncident {
	if len(parts) == 0 {
		return k
	}
	whole := *k
	for _, part := range parts {
		whole.StartedAt = earlier(whole.StartedAt, part.StartedAt)
		whole.Urgent = whole.Urgent || part.Urgent
	}
	return &whole
}

// lookUpTargets looks in the store for the ends of chains of merges that are not in
// memory, because they are over and began before facts look back.
func (r *round) lookUpTargets(ctx context.Context) error {
	m := r.memory.incidents
	wanted := map[string]bool{}
	r.eachPart(func(_, into string) {
		if last, whole := m.followMerges(into, nil, func(*trackedIncident) {}); whole == nil && !m.targets[last] {
			wanted[last] = true
		}
	})
	return r.storedTargets(ctx, wanted)
}

// storedTargets notes which of the incidents with the ids are stored, and not as a part
// of another.
func (r *round) storedTargets(ctx context.Context, wanted map[string]bool) error {
	if len(wanted) == 0 {
		return nil
	}
	span := evidence.IncidentSpan{IDs: slices.Sorted(maps.Keys(wanted))}
	return r.eachStored(ctx, span, func(in evidence.Incident) error {
		if in.MergedInto == "" {
			r.memory.incidents.targets[in.ID] = true
		}
		return nil
	})
}

// eachPart calls each with the incidents of services of the catalog that were merged
// into others, in memory or stored, and with what they were merged into.
func (r *round) eachPart(each func(id, into string)) {
	m := r.memory.incidents
	for id, k := range m.byID {
		if k.MergedInto != "" && len(k.Services) > 0 {
			each(id, k.MergedInto)
		}
	}
	for id, part := range m.storedParts {
		inCatalog := func(name string) bool { return len(r.catalog.ids[name]) > 0 }
		if slices.ContainsFunc(part.services, inCatalog) {
			each(id, part.into)
		}
	}
}

// addUnknownTargets counts the incidents that were merged into something that is not
// known, however old they are.
func (r *round) addUnknownTargets(found *collectors.Uncounted) {
	r.eachPart(func(_, into string) {
		if !r.memory.incidents.targetKnown(into, nil) {
			found.Add(evidence.UncountedUnknownTarget, "merged into "+into, 1)
		}
	})
}

// targetKnown reports whether the end of a chain of merges is known: it is in memory,
// among the others or stored.
func (m *incidentMemory) targetKnown(into string, others map[string]*trackedIncident) bool {
	last, whole := m.followMerges(into, others, func(*trackedIncident) {})
	return whole != nil || m.targets[last]
}

// listTargets adds to a chunk what its incidents were merged into, where that began
// after the chunk and is of no service of the catalog, so that it was not stored with
// the chunk before. One listing of the time in which it can have begun finds them all.
func (r *round) listTargets(ctx context.Context, c *chunk) error {
	m := r.memory.incidents
	m.joinParts(c.listed)
	wanted, ended := map[string]bool{}, time.Time{}
	for _, k := range c.listed {
		if k.MergedInto == "" || !k.concerned() || !k.ResolvedAt.After(c.end) || m.targetKnown(k.MergedInto, c.listed) {
			continue
		}
		last, _ := m.followMerges(k.MergedInto, c.listed, func(*trackedIncident) {})
		wanted[last], ended = true, latest(ended, k.ResolvedAt)
	}
	if err := r.storedTargets(ctx, wanted); err != nil {
		return err
	}
	maps.DeleteFunc(wanted, func(id string, _ bool) bool { return m.targets[id] })
	span := window{c.end, earlier(ended.Truncate(time.Second).Add(time.Second), r.factStart())}
	if len(wanted) == 0 || !span.start.Before(span.end) {
		return nil
	}
	found, err := r.firstRecords(ctx, span)
	if err != nil {
		return err
	}
	for id := range wanted {
		for record := found[id]; record != nil && c.listed[id] == nil; record = found[id] {
			r.add(c, record)
			id = c.listed[id].MergedInto
		}
	}
	return nil
}

// firstRecords are the records by id of the first incidents of a span of time, as many
// as a chunk has.
func (r *round) firstRecords(ctx context.Context, span window) (map[string]*incidentRecord, error) {
	found, read := map[string]*incidentRecord{}, 0
	query := r.incidentQuery(span.query(), oldestFirst)
	_, err := r.eachIncident(ctx, query, newIDSet(), func(page []*incidentRecord) error {
		for _, record := range page {
			found[incidentID(record.ID)] = record
		}
		if read += len(page); read >= maxChunk {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return found, nil
}

package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

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

// whole is the incident that k is a part of, at the end of a chain of merges: k
// itself if it was not merged, and nil if a target is not in memory and not among
// the others, or the chain is a circle.
func (m *incidentMemory) whole(k *trackedIncident, others map[string]*trackedIncident) *trackedIncident {
	for range len(m.byID) + len(others) + 1 {
		if k == nil || k.MergedInto == "" {
			return k
		}
		id := k.MergedInto
		if k = others[id]; k == nil {
			k = m.byID[id]
		}
	}
	return nil
}

// joinParts notes for each of the incidents the services of its parts, which are in
// memory or among the incidents.
func (m *incidentMemory) joinParts(incidents map[string]*trackedIncident) {
	joined := map[*trackedIncident]map[string]bool{}
	collect := func(k *trackedIncident) {
		if k.MergedInto == "" || len(k.Services) == 0 {
			return
		}
		if whole := m.whole(k, incidents); whole != nil {
			if joined[whole] == nil {
				joined[whole] = map[string]bool{}
			}
			for _, name := range k.Services {
				joined[whole][name] = true
			}
		}
	}
	for _, k := range m.byID {
		collect(k)
	}
	for _, k := range incidents {
		collect(k)
	}
	for _, k := range incidents {
		k.joined = slices.Sorted(maps.Keys(joined[k]))
	}
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

// findTargets looks in the store for the incidents that others were merged into and
// that are not in memory, because they are over and began before facts look back.
func (r *round) findTargets(ctx context.Context) error {
	m := r.memory.incidents
	missing := false
	for _, k := range m.byID {
		if k.MergedInto != "" && len(k.Services) > 0 && m.whole(k, nil) == nil {
			missing = missing || !m.targetKnown(k)
		}
	}
	if !missing || !r.due("targets of merges", slowEvery) {
		return nil
	}
	m.oldTargets = map[string]bool{}
	span := evidence.IncidentSpan{Since: r.factStart(), Until: r.factStart(), Lasting: true}
	err := r.eachStored(ctx, span, func(in evidence.Incident) error {
		m.oldTargets[in.ID] = true
		return nil
	})
	return r.done("targets of merges", err)
}

// targetKnown reports whether the last known link of the incident's chain of merges
// is stored, although it is not in memory.
func (m *incidentMemory) targetKnown(k *trackedIncident) bool {
	for range len(m.byID) + 1 {
		next := m.byID[k.MergedInto]
		if next == nil {
			return m.oldTargets[k.MergedInto]
		}
		k = next
	}
	return false
}

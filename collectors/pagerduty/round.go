package pagerduty

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// round is the state of one Collect. A listing's result is nil until the listing
// is complete.
type round struct {
	*Source
	now time.Time
	// listings are made for this round.
	listings []listing
	out      *collectors.Batches
	catalog  references
	// cursors are the stored cursors of this source; none in a first round.
	cursors map[string]string
	first   bool
	// hash makes keyed hashes of people, and progress gets the progress of long
	// steps; both may be nil.
	hash     func(id string) string
	progress func(collectors.Progress)
	// span is the time limit of the round, 0 without one. asked counts the round's
	// requests for the history.
	span  time.Duration
	asked int
	// windowsRefused says that maintenance windows may not be listed.
	windowsRefused bool
	// storedIncidents and storedEntries read the store; they may be nil.
	storedIncidents func(context.Context, evidence.IncidentSpan, func(evidence.Incident) error) error
	storedEntries   func(context.Context, []string, func(evidence.LogEntry) error) error
	// entries are the log entries that were read and are not stored yet.
	entries []evidence.LogEntry

	services  *listedServices
	incidents *listedIncidents
	sleep     *interruptions

	// Which listings of incidents are complete in this round: all incidents that
	// facts look back over, the open ones, and the log.
	listed, opened, followed bool
}

// references are the catalog's services with their PagerDuty ids.
type references struct {
	services []*catalog.Service
	// ids are the PagerDuty ids by catalog name.
	ids map[string][]string
	// names are the catalog names by PagerDuty id.
	names map[string][]string
	// unknown says by catalog name why it is not known which PagerDuty service an
	// integration key means; unlisted that no services have been listed to look for it.
	unknown  map[string]evidence.Missing
	unlisted bool
	// hash changes with any of it. It is stored, and is of ids and not of keys.
	hash uint64
}

// newReferences looks integration keys up in the services as they were last listed, nil
// before that.
func newReferences(s *Source, services []*catalog.Service, listed *listedServices) references {
	refs := references{
		services: services, ids: map[string][]string{}, names: map[string][]string{}, unknown: map[string]evidence.Missing{},
	}
	sum := fnv.New64a()
	for _, service := range services {
		for _, ref := range s.references(service) {
			id := ref.ServiceID
			if id == "" {
				var why evidence.Missing
				if id, why = listed.withKey(ref.IntegrationKey); why != "" {
					refs.unknown[service.Name], refs.unlisted = why, refs.unlisted || listed == nil
					continue
				}
			}
			if slices.Contains(refs.ids[service.Name], id) {
				continue
			}
			refs.ids[service.Name] = append(refs.ids[service.Name], id)
			refs.names[id] = append(refs.names[id], service.Name)
			_, _ = fmt.Fprintf(sum, "%q %q ", service.Name, id)
		}
	}
	refs.hash = sum.Sum64()
	return refs
}

// found takes the complete list of services, and looks integration keys up in it.
func (r *round) found(listed *listedServices) {
	if before := r.memory.services; before != nil {
		listed.keys.keep(before.keys, func(id string) bool { return listed.byID[id] == nil && listed.unreadable(id) })
	}
	r.services, r.memory.services = listed, listed
	r.catalog = newReferences(r.Source, r.catalog.services, listed)
	r.refer()
}

// maxLogged bounds the memory of what was logged.
const maxLogged = 10000

// skip counts a record that could not be decoded. The first one of a round is logged
// as an example, once and not in every round.
func (r *round) skip(kind, id string, err error) {
	first, key := r.out.Skip(kind), kind+" "+id
	if !first || r.logged[key] {
		return
	}
	if len(r.logged) >= maxLogged {
		clear(r.logged)
	}
	r.logged[key] = true
	r.log.Warn("skipped a record that cannot be decoded", "kind", kind, "id", evidence.Clean(id, 100), "error", err)
}

// group finds a group of facts of this round's listings.
func (r *round) group(name string) group {
	for _, l := range r.listings {
		for _, g := range l.groups {
			if g.name == name {
				return g
			}
		}
	}
	return group{name: name}
}

// observe emits the facts of a group, whose listings are complete.
func (r *round) observe(name string) error {
	g := r.group(name)
	var names []string
	byName := map[string]fact{}
	for _, f := range g.facts {
		names, byName[f.Name] = append(names, f.Name), f
	}
	return r.out.Observe(name, names, func(service *catalog.Service, name string) collectors.Answer {
		ids, unknown := r.catalog.ids[service.Name], r.catalog.unknown[service.Name]
		switch {
		case unknown == evidence.MissingUnknownKey:
			return collectors.Answer{Withdraw: unknown}
		case unknown != "":
			return collectors.Answer{Missing: unknown}
		case len(ids) == 0:
			return collectors.Answer{Missing: evidence.MissingNoReference}
		}
		found, gone, why := r.services.find(ids)
		for _, s := range found {
			if why == "" && g.unknown != nil {
				why = g.unknown(r, s)
			}
		}
		if why != "" {
			return collectors.Answer{Missing: why}
		}
		a := r.answer(byName[name], found, gone)
		return collectors.Answer{Value: a.value, Detail: a.detail, Withdraw: a.missing}
	})
}

// answer observes one fact for one catalog service.
func (r *round) answer(f fact, found []*serviceRecord, gone []string) answer {
	if len(found) > 0 && f.whole != nil {
		a := f.whole(r, found).rounded(f.Definition)
		a.detail = "PagerDuty service " + strings.Join(ids(found), ", ") + ": " + a.detail
		return a
	}
	var parts []answer
	if f.part != nil {
		for _, s := range found {
			a := f.part(r, s).rounded(f.Definition)
			a.detail = "PagerDuty service " + s.ID + ": " + a.detail
			parts = append(parts, a)
		}
	}
	if f.gone != nil {
		for _, id := range gone {
			parts = append(
				parts, answer{value: *f.gone, detail: "PagerDuty service " + id + ": not in the complete list of services"},
			)
		}
	}
	if len(parts) == 0 {
		return unknown(evidence.MissingNotFound)
	}
	return merge(f.Definition, parts, r.now)
}

func ids(services []*serviceRecord) []string {
	list := make([]string, len(services))
	for i, s := range services {
		list[i] = s.ID
	}
	return list
}

// merge makes one answer of several; see evidence.Merge.
func merge(d evidence.Definition, parts []answer, now time.Time) answer {
	if len(parts) == 1 {
		return parts[0]
	}
	var missing evidence.Missing
	var details []string
	var values []evidence.Value
	var numbers []float64
	for _, a := range parts {
		if a.missing != "" {
			missing = a.missing
			continue
		}
		details, values = append(details, a.detail), append(values, a.value)
		numbers = append(numbers, d.Read(a.value, now).Number())
	}
	how := d.EffectiveMerge()
	merged := how.Of(numbers, len(parts)-len(numbers))
	switch {
	case len(numbers) == 0:
		return unknown(missing)
	case !merged.Known:
		return unknown(evidence.MissingPartial)
	}
	value := values[merged.At]
	if how == evidence.MergeSum {
		var err error
		if value, err = evidence.Stored(d.Kind, false, merged.Number); err != nil {
			return unknown(evidence.MissingNaN)
		}
	}
	return answer{value: value, detail: string(how) + " of " + strings.Join(details, "; ")}
}

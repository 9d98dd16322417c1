package jira

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/prodready/collector/evidence"
)

// A ticket that was closed as a duplicate and is linked to the one that it repeats is a
// part of that: one outage is one incident, of the services of both. Its own times,
// severity and status are not used. Which of the tickets is the original follows from the
// direction of the link, whatever the site calls it.

// linkType is the type of a link between issues, with its descriptions as seen from
// either end: an issue duplicates the one at its outward end, and is duplicated by the one
// at its inward end.
type linkType struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Inward  string `json:"inward"`
	Outward string `json:"outward"`
}

// issueLink is a link of an issue. It has one of the two ends, that of the other issue.
type issueLink struct {
	Type    linkType `json:"type"`
	Inward  related  `json:"inwardIssue"`
	Outward related  `json:"outwardIssue"`
}

// linkNames are the names, ids and descriptions of types of links, folded.
type linkNames map[string]bool

// ends are the original at the other end of a link of a duplicate, and the duplicate at
// the other end of a link of an original; neither of a link of another type. A
// description says which end is which, since sites can exchange them; a name or an id
// means the direction of Jira's own type.
func (n linkNames) ends(l issueLink) (original, duplicate related) {
	switch t := l.Type; {
	case n[fold(t.Outward)]:
		return l.Outward, l.Inward
	case n[fold(t.Inward)]:
		return l.Inward, l.Outward
	case n[fold(t.Name)], t.ID != "" && n[t.ID]:
		return l.Outward, l.Inward
	}
	return related{}, related{}
}

// duplicateOf is the id of the ticket that the issue was closed as a duplicate of; empty
// for none. It is the issue's own id, which is no other ticket, where the answer does not
// say which: it has only the key, which may be a former one, or no links at all, or the
// link says that the other one is the duplicate. Of several the oldest is the original:
// ids grow.
func (r *round) duplicateOf(i *issue) string {
	if r.notIncidents.of(i) == "" || len(r.duplicateLinks) == 0 {
		return ""
	}
	if _, answered := i.fields["issuelinks"]; !answered {
		return clean(i.id)
	}
	var ids []string
	isLinked := false
	for _, l := range i.links {
		original, duplicate := r.duplicateLinks.ends(l)
		isLinked = isLinked || original != (related{}) || duplicate != (related{})
		if original.ID != "" {
			ids = append(ids, clean(original.ID))
		}
	}
	switch {
	case len(ids) > 0:
		return slices.MinFunc(ids, compareIDs)
	case isLinked:
		return clean(i.id)
	}
	return ""
}

// compareIDs compares ids by their number.
func compareIDs(a, b string) int {
	x, _ := strconv.ParseUint(a, 10, 64) // one that is no number comes first
	y, _ := strconv.ParseUint(b, 10, 64)
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
}

// isDuplicated reports whether another ticket is linked as a duplicate of the issue.
func (r *round) isDuplicated(i *issue) bool {
	return slices.ContainsFunc(i.links, func(l issueLink) bool {
		_, duplicate := r.duplicateLinks.ends(l)
		return duplicate != (related{})
	})
}

// markClosed counts what could not be used of a closed duplicate. The duplicate may name
// services that the catalog lacks, and the original ticket is about these services, too.
// The severity of the original is not known here, so that it is taken for a major one.
func (r *round) markClosed(i *issue, in evidence.Incident, found *marks) {
	delete(r.unclear, i.id)
	found.set(i.id, mark{})
	if in.MergedInto == "" {
		return
	}
	in.Severity = majorSeverity
	r.setUnclear(i, in, true)
	is := r.mapping.partlyUnknown(r.incidents.Services, i)
	if len(in.Services) == 0 {
		is = r.mapping.unmatched(r.incidents.Services, i)
	}
	if is.reason != evidence.UncountedNoReference {
		found.set(i.id, is)
	}
}

// duplicates are the tickets that were closed as duplicates of others.
type duplicates struct {
	byID map[string]evidence.Incident
	// of are those by the id of the original, at the end of a chain of duplicates.
	of map[string][]evidence.Incident
}

// original is the id at the end of a chain of duplicates; empty for a circle.
func (d *duplicates) original(in evidence.Incident) string {
	id := in.MergedInto
	for range len(d.byID) + 1 {
		next, isDuplicate := d.byID[id]
		if !isDuplicate {
			return id
		}
		id = next.MergedInto
	}
	return ""
}

// services are those of the duplicates of a ticket.
func (d *duplicates) services(id string) []string {
	var all []string
	for _, part := range d.of[id] {
		all = append(all, part.Services...)
	}
	return unique(all)
}

// names are the ids and keys of the duplicates of a ticket.
func (d *duplicates) names(id string) []string {
	var names []string
	for _, part := range d.of[id] {
		names = append(names, part.ID, part.Name())
	}
	return names
}

// with is an incident together with its duplicates: it began with the first of them and
// is of the services of all.
func (d *duplicates) with(in evidence.Incident) evidence.Incident {
	parts := d.of[in.ID]
	if len(parts) == 0 {
		return in
	}
	in.Services = unique(append(slices.Clone(in.Services), d.services(in.ID)...))
	for _, part := range parts {
		if part.StartedAt.Before(in.StartedAt) {
			in.StartedAt = part.StartedAt
		}
	}
	return in
}

// findDuplicates finds what the stored duplicates are parts of, after a listing. It emits
// the originals of no service of the catalog that have a duplicate with one, and counts
// the duplicates whose original is not known: it is no incident, deleted, older than the
// history, not to be seen, or a circle.
func (r *round) findDuplicates(ctx context.Context, found *marks) error {
	if err := r.readParts(ctx); err != nil {
		return err
	}
	d := &duplicates{byID: r.parts, of: map[string][]evidence.Incident{}}
	for _, in := range d.byID {
		id := d.original(in)
		d.of[id] = append(d.of[id], in)
	}
	originals, err := r.originals(ctx, d)
	if err != nil {
		return err
	}
	r.duplicates, r.unclearDuplicates = d, nil
	lost := newMarks()
	for id, parts := range d.of {
		original, isKnown := originals[id]
		if !isKnown {
			r.setLost(parts, lost)
			continue
		}
		services := d.services(id)
		if bad := r.unclear[id].Undecodable; bad || original.Severity == 0 {
			r.unclearDuplicates = append(r.unclearDuplicates,
				unclear{Began: original.StartedAt.Unix(), Services: services, Undecodable: bad})
		}
	}
	lost.complete = true
	r.marks[marksOfDuplicates] = lost
	return r.keepOwnerless(ctx, found)
}

// readParts reads the stored duplicates, if they may be others than in the round before.
func (r *round) readParts(ctx context.Context) error {
	if r.parts != nil {
		return nil
	}
	parts := map[string]evidence.Incident{}
	for id, in := range r.recent {
		if in.MergedInto != "" {
			parts[id] = in
		}
	}
	err := r.eachStoredOf(ctx, evidence.IncidentSpan{Merged: true}, func(in evidence.Incident) error {
		parts[in.ID] = in
		return nil
	})
	if err == nil {
		r.parts = parts
	}
	return err
}

// originals are the incidents that are known among those that have duplicates: they are
// stored, or of no service of the catalog.
func (r *round) originals(ctx context.Context, d *duplicates) (map[string]evidence.Incident, error) {
	known := map[string]evidence.Incident{}
	if len(d.of) == 0 {
		return known, nil
	}
	add := func(in evidence.Incident) error {
		if in.MergedInto == "" {
			known[in.ID] = in
		}
		return nil
	}
	for id := range d.of {
		for _, among := range []map[string]evidence.Incident{r.recent, r.ownerless} {
			if in, ok := among[id]; ok {
				_ = add(in) // it returns no error
			}
		}
	}
	span := evidence.IncidentSpan{IDs: slices.Sorted(maps.Keys(d.of))}
	return known, r.eachStoredOf(ctx, span, add)
}

// setLost notes duplicates whose original is not known. It may be an incident of their
// services, of any severity.
func (r *round) setLost(parts []evidence.Incident, lost *marks) {
	for _, in := range parts {
		if len(in.Services) == 0 {
			continue
		}
		lost.set(in.ID, mark{evidence.UncountedUnknownTarget, "duplicate " + in.Name()})
		r.unclearDuplicates = append(r.unclearDuplicates, unclear{Began: in.StartedAt.Unix(), Services: in.Services,
			Lost: true, Open: in.StartedAt.After(r.now.Add(-figuresWindow))})
	}
}

// keepOwnerless emits the originals of no service of the catalog, which are stored for
// the services of their duplicates, and withdraws those without any. One that names
// nothing itself is of no other services.
func (r *round) keepOwnerless(ctx context.Context, found *marks) error {
	batch := evidence.Batch{}
	withdrawn := map[string]string{}
	for id, in := range r.ownerless {
		if in.Services = r.duplicates.services(id); len(in.Services) == 0 {
			withdrawn[id] = "neither its ticket nor a duplicate names a service of the catalog any more, seen " + stamp(r.now)
			continue
		}
		batch.Incidents = append(batch.Incidents, in)
		if found.reason(id) == evidence.UncountedNoReference {
			found.set(id, severityMark(in, " (project "+projectOf(in.Name())+")"))
			delete(r.unclear, id)
		}
		r.remember(in)
	}
	if err := r.withdrawKnown(ctx, withdrawn, &batch); err != nil || len(batch.Incidents) == 0 {
		return err
	}
	slices.SortFunc(batch.Incidents, func(a, b evidence.Incident) int { return compareIDs(a.ID, b.ID) })
	return r.out.Send(batch)
}

// allUnclear are the unclear tickets, and what is unclear of duplicates.
func (r *round) allUnclear() iter.Seq[unclear] {
	return func(yield func(unclear) bool) {
		for _, u := range r.unclear {
			if !yield(u) {
				return
			}
		}
		for _, u := range r.unclearDuplicates {
			if !yield(u) {
				return
			}
		}
	}
}

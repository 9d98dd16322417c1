package correlation

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// LinkWithin is how far apart two records of one incident may begin. Without a
// bound, a ticket that stays open for years and is named by every page would
// make one incident of all of them.
const LinkWithin = 7 * 24 * time.Hour

// FlappingWithin is how soon after its resolution the same problem of the same
// service is the same trouble again.
const FlappingWithin = 30 * time.Minute

// pagingKind is the kind of source whose times win.
const pagingKind = "pagerduty"

// Link makes incidents of records, by start and then by their records. Records
// that their source no longer lists are left out.
//
// Two records are of one incident when either names the other exactly: by its id or
// key, by a key that it had before, or by an address that ends in one of them. That
// holds between sources of different kinds only, because a tracker's links between its
// own issues mean many things; for records that begin within LinkWithin of each other;
// and for an id that only one source has. A third thing that both name joins nothing.
// Records that are joined to the same one are one incident: two tickets about a page,
// or two pages about a ticket.
//
// A record that was merged into another of its source is a part of that, whenever
// either began: the whole has the start, services and urgency of its parts, and
// nothing else of them. One whose target is not known is left out.
//
// What is known of the whole:
//   - it starts with its first record;
//   - it is acknowledged and resolved by what PagerDuty knows, and by the others
//     only where PagerDuty does not know;
//   - several records of that kind are resolved with the last of them and open
//     while one is; a time-out counts only if no record was resolved otherwise;
//   - its end is unknown if all records of a kind have ended, when is not known of
//     one of them, and no other kind knows the end;
//   - acknowledgements are known when they are of every record of that kind;
//   - it is as severe as the worst of its records, and within maintenance when
//     one of them is;
//   - it is urgent if one of PagerDuty's records is; without any, if a ticket is.
//     A ticket may be severe although it paged no person.
func Link(records []evidence.Incident) []Incident {
	listed := placed(distinct(records))
	sets := newUnionFind(len(listed))
	joinMerged(listed, sets)
	index := newReferences(listed)
	for i := range listed {
		for _, link := range listed[i].Links {
			for _, j := range index.find(link, kindOf(listed[i].Source)) {
				apart := listed[i].StartedAt.Sub(listed[j].StartedAt).Abs()
				if apart <= LinkWithin {
					sets.join(i, j)
				}
			}
		}
	}
	members := make([][]*evidence.Incident, len(listed))
	for i, in := range listed {
		root := sets.root(i)
		members[root] = append(members[root], in)
	}
	var incidents []Incident
	for _, m := range members {
		if len(m) > 0 {
			incidents = append(incidents, merge(m))
		}
	}
	slices.SortFunc(incidents, func(a, b Incident) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), compareReferences(a.Records[0], b.Records[0]))
	})
	markFlapping(incidents)
	return incidents
}

// distinct are the listed records by start, source and id; of two versions of
// one the newer.
func distinct(records []evidence.Incident) []*evidence.Incident {
	sorted := make([]*evidence.Incident, len(records))
	for i := range records {
		sorted[i] = &records[i]
	}
	slices.SortStableFunc(sorted, func(a, b *evidence.Incident) int {
		return cmp.Or(compareReferences(reference(a), reference(b)), b.UpdatedAt.Compare(a.UpdatedAt))
	})
	sorted = slices.CompactFunc(sorted, func(a, b *evidence.Incident) bool { return reference(a) == reference(b) })
	sorted = slices.DeleteFunc(sorted, func(in *evidence.Incident) bool { return in.Gone || in.StartedAt.IsZero() })
	slices.SortStableFunc(sorted, func(a, b *evidence.Incident) int { return a.StartedAt.Compare(b.StartedAt) })
	return sorted
}

func reference(in *evidence.Incident) Reference { return Reference{in.Source, in.ID} }

func compareReferences(a, b Reference) int {
	return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.ID, b.ID))
}

// kindOf is pagerduty of pagerduty/main.
func kindOf(source string) string {
	kind, _, _ := strings.Cut(source, "/")
	return kind
}

// references find records by how others name them.
type references struct {
	records []*evidence.Incident
	// byID and byAddress are indexes of records by the names that they have or had. An
	// address is a record's own when it ends in the record's name, and so is the same
	// address with a former one.
	byID, byAddress map[string][]int
}

func newReferences(records []*evidence.Incident) *references {
	r := &references{records: records, byID: map[string][]int{}, byAddress: map[string][]int{}}
	for i, in := range records {
		if in.Name() == "" {
			continue
		}
		names := append([]string{in.Name()}, in.FormerKeys...)
		for _, name := range names {
			r.byID[name] = append(r.byID[name], i)
		}
		for _, link := range in.Links {
			address, id := split(link)
			if address == "" || id != in.Name() {
				continue
			}
			for _, name := range names {
				own := strings.TrimSuffix(address, id) + name
				if !slices.Contains(r.byAddress[own], i) {
					r.byAddress[own] = append(r.byAddress[own], i)
				}
			}
		}
	}
	return r
}

// find are the records that a link of a record of some kind names. An address
// that is some record's own decides; otherwise the id does, if only one source
// of another kind has it.
func (r *references) find(link, kind string) []int {
	address, id := split(link)
	if address != "" {
		if own := r.others(r.byAddress[address], kind); len(own) > 0 {
			return own
		}
	}
	if found := r.others(r.byID[id], kind); len(found) == 1 {
		return found
	}
	return nil
}

// others are the records of another kind. Most links are a record's own, so
// that there are none.
func (r *references) others(found []int, kind string) []int {
	var others []int
	for _, i := range found {
		if kindOf(r.records[i].Source) != kind {
			others = append(others, i)
		}
	}
	return others
}

// split is the address of a link in the form in which addresses are compared,
// host and path, and the id that it names; the address of a link that is none
// is empty. This is done for every link of every incident, and url.Parse would
// take half of the time.
func split(link string) (address, id string) {
	link = strings.TrimSpace(link)
	_, rest, isAddress := strings.Cut(link, "://")
	if !isAddress {
		return "", link
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	host, path, _ := strings.Cut(strings.TrimRight(rest, "/"), "/")
	return strings.ToLower(host) + "/" + path, path[strings.LastIndexByte(path, '/')+1:]
}

// merge makes one incident of its records, which are in order of their start.
func merge(records []*evidence.Incident) Incident {
	var paging, rest, parts []*evidence.Incident
	out := Incident{StartedAt: records[0].StartedAt}
	for _, in := range records {
		out.Records = append(out.Records, reference(in))
		out.Services = append(out.Services, in.Services...)
		if in.MergedInto != "" {
			parts = append(parts, in)
			continue
		}
		if kindOf(in.Source) == pagingKind {
			paging = append(paging, in)
		} else {
			rest = append(rest, in)
		}
		out.Maintenance = out.Maintenance || in.Maintenance
		if in.Severity > 0 && (out.Severity == 0 || in.Severity < out.Severity) {
			out.Severity = in.Severity
		}
	}
	urgent := paging
	if len(urgent) == 0 {
		urgent = rest
	}
	isUrgent := func(in *evidence.Incident) bool { return in.Urgent }
	out.Urgent = slices.ContainsFunc(urgent, isUrgent) || slices.ContainsFunc(parts, isUrgent)
	slices.SortFunc(out.Records, compareReferences)
	slices.Sort(out.Services)
	out.Services = slices.Compact(out.Services)
	for _, in := range append(slices.Clone(paging), rest...) {
		if out.Template == "" {
			out.Template = in.Template
		}
	}
	out.end(paging, rest)
	return out
}

// end fills in when the incident was acknowledged and resolved. The first kind of
// records that says so decides.
func (out *Incident) end(kinds ...[]*evidence.Incident) {
	timedOut := false
	for _, kind := range kinds {
		if by, byMachine, known := firstAcknowledgements(kind); known && !out.AcksKnown {
			out.AcknowledgedAt, out.MachineAcknowledgedAt, out.AcksKnown = by, byMachine, true
		}
		at, by, endUnknown := resolved(kind)
		out.EndUnknown = out.EndUnknown || endUnknown
		// A time-out resolves nothing, so another may know better.
		if better := out.ResolvedAt.IsZero() || timedOut && by != evidence.ResolverTimeout; better && !at.IsZero() {
			out.ResolvedAt, out.Resolver = at, by
			timedOut = by == evidence.ResolverTimeout
		}
	}
	out.EndUnknown = out.EndUnknown && out.ResolvedAt.IsZero()
}

// firstAcknowledgements are the first by a person and by a machine; zero if none of
// the records has one. They are known if the acknowledgements of all of them are.
func firstAcknowledgements(records []*evidence.Incident) (byPerson, byMachine time.Time, known bool) {
	for _, in := range records {
		if !in.AcksKnown {
			return time.Time{}, time.Time{}, false
		}
		byPerson, byMachine = first(byPerson, in.AcknowledgedAt), first(byMachine, in.MachineAcknowledgedAt)
	}
	return byPerson, byMachine, len(records) > 0
}

// first is the earlier of two times that may be zero, for none.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// resolved is the last resolution of the records, or the last time-out when
// there is no resolution; zero while one of them is open. The end is unknown if
// all have ended and it is not known when one did.
func resolved(records []*evidence.Incident) (at time.Time, by evidence.Resolver, endUnknown bool) {
	var last *evidence.Incident
	for _, in := range records {
		if in.Open() {
			return time.Time{}, evidence.ResolverUnknown, false
		}
		endUnknown = endUnknown || in.EndUnknown
		timeout, lastTimeout := in.Resolver == evidence.ResolverTimeout, last != nil &&
			last.Resolver == evidence.ResolverTimeout
		switch {
		case last == nil, lastTimeout && !timeout:
			last = in
		case timeout == lastTimeout && in.ResolvedAt.After(last.ResolvedAt):
			last = in
		}
	}
	if last == nil || endUnknown {
		return time.Time{}, evidence.ResolverUnknown, endUnknown
	}
	return last.ResolvedAt, last.Resolver, false
}

// markFlapping marks incidents, which are in order of their start, that follow
// soon on the resolution of the same problem.
func markFlapping(incidents []Incident) {
	type problem struct{ service, template string }
	ends := map[problem][]time.Time{}
	for i := range incidents {
		in := &incidents[i]
		if in.Template == "" {
			continue
		}
		for _, service := range in.Services {
			p := problem{service, in.Template}
			// Those that are too old stay so, because starts only grow.
			recent := slices.DeleteFunc(ends[p], func(end time.Time) bool { return in.StartedAt.Sub(end) > FlappingWithin })
			for _, end := range recent {
				in.Flapping = in.Flapping || !end.After(in.StartedAt)
			}
			if !in.ResolvedAt.IsZero() && in.Resolver != evidence.ResolverTimeout {
				recent = append(recent, in.ResolvedAt)
			}
			ends[p] = recent
		}
	}
}

// unionFind is a set of disjoint sets of 0 to n-1. The root of a set is its
// smallest member, so that it does not depend on the order of joining.
type unionFind []int

func newUnionFind(n int) unionFind {
	u := make(unionFind, n)
	for i := range u {
		u[i] = i
	}
	return u
}

func (u unionFind) root(i int) int {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

func (u unionFind) join(a, b int) {
	a, b = u.root(a), u.root(b)
	u[max(a, b)] = min(a, b)
}

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

// Links keeps records of incidents linked while they change. The zero value is not
// usable; see NewLinks.
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
// nothing else of them. One whose target is not known is left out, and so are records
// that their source no longer lists.
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
type Links struct {
	packing *packing
	records table[linked]
	// names has the records by the last part of their ids, and of the names that they have
	// or had.
	names nameIndex
	// parts are the records that were merged into each.
	parts map[Reference][]place
	// mentions has those with a link that ends in another name.
	mentions nameIndex
	// problems have the first records of the incidents that may flap, each by start.
	problems map[problem][]place
}

// linked is a record with the incident that it is of.
type linked struct {
	packed string
	// leaves is the second in which it ended, at the earliest; never while it is open.
	leaves uint32
	// next is the next record of the incident that it is of, by start; after the last is
	// the first again. It is 0 for a record that is of none.
	next place
	// queued is its number among the records that are being linked, from 1; 0 for none.
	queued uint32
	// placed is false for a part of a record that is not known. first is the first record of
	// an incident, and flapping is that of the incident.
	placed, first, flapping bool
}

// leader is the first record of the incident that one is of, 0 for none.
func (l *Links) leader(p place) place {
	for p != 0 && !l.records.at(p).first {
		p = l.records.at(p).next
	}
	return p
}

// members are the records of the incident of a leader, by start.
func (l *Links) members(leader place) []place {
	list := []place{leader}
	for p := l.records.at(leader).next; p != leader; p = l.records.at(p).next {
		list = append(list, p)
	}
	return list
}

// problem is what flaps, by the numbers of the words.
type problem struct{ service, template uint32 }

// NewLinks has no records.
func NewLinks() *Links {
	return &Links{
		packing: newPacking(), parts: map[Reference][]place{}, problems: map[problem][]place{},
		names: newNameIndex(), mentions: newNameIndex(),
	}
}

// Update takes new versions of records, and drops those that had ended before a time.
// It returns the incidents that are not there any more, and those that are new; one
// that has changed is in both. One that is gone is another copy of what was added, with
// the same first record. Incidents do not change after they were returned. What
// it costs depends on the records that are given and those that they are linked to.
func (l *Links) Update(records []evidence.Incident, since time.Time) (gone, added []*Incident) {
	r := relinking{
		Links: l, broken: map[place]bool{}, touched: map[string]bool{}, unsettled: map[place]bool{},
		opened: map[place]*evidence.Incident{}, incidents: map[place]*Incident{},
	}
	for p, record := range l.records.all() {
		if record.packed == "" || !mayBePast(record.leaves, since) {
			continue
		}
		if end, _ := lastMoment(r.read(p)); end.Before(since) {
			r.remove(p)
		}
	}
	for _, in := range newest(records) {
		if old := r.record(reference(in)); old != 0 {
			r.remove(old)
		}
		if end, ended := lastMoment(in); !in.Gone && !in.StartedAt.IsZero() && (!ended || !end.Before(since)) {
			r.insert(in, end, ended)
		}
	}
	r.place()
	r.join()
	r.markFlapping()
	for _, p := range r.removed {
		l.records.remove(p)
	}
	return plain(r.gone), plain(r.added)
}

func plain(wholes []whole) []*Incident {
	list := make([]*Incident, len(wholes))
	for i, w := range wholes {
		list[i] = w.Incident
	}
	return list
}

// newest are the records without older versions of the same, by source and id.
func newest(records []evidence.Incident) []*evidence.Incident {
	sorted := make([]*evidence.Incident, len(records))
	for i := range records {
		sorted[i] = &records[i]
	}
	slices.SortStableFunc(sorted, func(a, b *evidence.Incident) int {
		return cmp.Or(compareReferences(reference(a), reference(b)), b.UpdatedAt.Compare(a.UpdatedAt))
	})
	return slices.CompactFunc(sorted, func(a, b *evidence.Incident) bool { return reference(a) == reference(b) })
}

// lastMoment is the last time that is known of a record; an open one has none.
func lastMoment(in *evidence.Incident) (at time.Time, ended bool) {
	return later(in.StartedAt, in.ResolvedAt), !in.Open()
}

// relinking is one update.
type relinking struct {
	*Links
	// unsettled are the records that may have become a part of something known, or
	// ceased to be.
	unsettled map[place]bool
	// removed are the records that are not there any more. They keep their places until the
	// end, because incidents that are gone are made of them.
	removed []place
	// broken are the incidents that have to be made anew, touched the names that mean
	// other records now, and queue the records that have to be linked.
	broken      map[place]bool
	touched     map[string]bool
	queue       []place
	gone, added []whole
	// opened are records that were unpacked.
	opened map[place]*evidence.Incident
	// incidents are those of leaders, as far as they are needed.
	incidents map[place]*Incident
}

// whole is an incident with the first of its records.
type whole struct {
	leader place
	*Incident
}

// read is what is known of a record.
func (r *relinking) read(p place) *evidence.Incident {
	in := r.opened[p]
	if in == nil {
		in = r.packing.unpack(r.records.at(p).packed)
		r.opened[p] = in
	}
	return in
}

// record finds the record that a reference names; 0 if no record has that source and id.
func (r *relinking) record(of Reference) (found place) {
	r.names.each(lastPart(of.ID), func(p place) {
		if reference(r.read(p)) == of {
			found = p
		}
	})
	return found
}

// insert adds a record.
func (r *relinking) insert(in *evidence.Incident, end time.Time, ended bool) {
	record := linked{packed: r.packing.pack(in), leaves: never}
	if ended {
		record.leaves = secondOf(end)
	}
	p := r.records.add(record)
	r.opened[p] = in
	for _, name := range append(namesOf(in), in.ID) {
		r.names.add(lastPart(name), p)
	}
	if in.MergedInto != "" {
		target := Reference{in.Source, in.MergedInto}
		r.parts[target] = append(r.parts[target], p)
	}
	r.unsettle(p)
}

// remove takes a record away.
func (r *relinking) remove(p place) {
	r.unplace(p)
	delete(r.unsettled, p)
	in := r.read(p)
	r.removed = append(r.removed, p)
	for _, name := range append(namesOf(in), in.ID) {
		r.names.drop(lastPart(name), p)
	}
	if in.MergedInto != "" {
		drop(r.parts, Reference{in.Source, in.MergedInto}, p)
	}
	for _, part := range r.parts[reference(in)] {
		r.unsettle(part)
	}
}

// unsettle has a record, and its parts, looked at again.
func (r *relinking) unsettle(p place) {
	if r.unsettled[p] {
		return
	}
	r.unsettled[p] = true
	for _, part := range r.parts[reference(r.read(p))] {
		r.unsettle(part)
	}
}

// place finds out which records are placed, and which have to be linked.
func (r *relinking) place() {
	var found []place
	for p := range r.unsettled {
		record := r.records.at(p)
		switch placed := r.isPlaced(p); {
		case placed && !record.placed:
			record.placed = true
			r.index(p, nameIndex.add)
			found = append(found, p)
		case !placed:
			r.unplace(p)
		}
	}
	for name := range r.touched {
		r.mentions.each(name, r.breakUp)
		// Who has the name may link to it, too.
		r.names.each(name, r.breakUp)
	}
	for leader := range r.broken {
		r.dissolve(leader)
	}
	for _, p := range found {
		r.link(p)
	}
}

// isPlaced reports whether a record is the end of its chain of merges, or that end is
// known: a target may be missing, and a chain may be a circle.
func (r *relinking) isPlaced(p place) bool {
	slow := p
	for n := 0; r.read(p).MergedInto != ""; n++ {
		if p = r.target(p); p == 0 {
			return false
		}
		if n%2 == 1 {
			slow = r.target(slow)
		}
		if p == slow {
			return false
		}
	}
	return true
}

// target is the record that one was merged into, 0 if it is not known.
func (r *relinking) target(p place) place {
	in := r.read(p)
	return r.record(Reference{in.Source, in.MergedInto})
}

// unplace ends what a record has to do with others.
func (r *relinking) unplace(p place) {
	record := r.records.at(p)
	if !record.placed {
		return
	}
	r.breakUp(p)
	record.placed = false
	r.index(p, nameIndex.drop)
}

// breakUp has the incident of a record made anew.
func (r *relinking) breakUp(p place) {
	if leader := r.leader(p); leader != 0 {
		r.broken[leader] = true
	}
}

// dissolve has the records of an incident linked anew.
func (r *relinking) dissolve(leader place) {
	r.gone = append(r.gone, r.whole(leader))
	for _, p := range r.members(leader) {
		record := r.records.at(p)
		record.next, record.first = 0, false
		r.link(p)
	}
}

// whole is the incident of a leader.
func (r *relinking) whole(leader place) whole {
	in := r.incidents[leader]
	if in == nil {
		var records []*evidence.Incident
		for _, p := range r.members(leader) {
			records = append(records, r.read(p))
		}
		merged := merge(records)
		merged.Flapping, merged.first = r.records.at(leader).flapping, leader
		in = &merged
		r.incidents[leader] = in
	}
	return whole{leader, in}
}

// link adds a record to those that have to be linked.
func (r *relinking) link(p place) {
	if record := r.records.at(p); record.placed && record.queued == 0 {
		r.queue = append(r.queue, p)
		record.queued = uint32(len(r.queue))
	}
}

// join makes incidents of the records that have to be linked, and of those of the
// incidents that they are found to belong to.
func (r *relinking) join() {
	var pairs [][2]int
	// The queue grows meanwhile.
	for i := 0; i < len(r.queue); {
		for _, other := range r.joined(r.queue[i]) {
			if leader := r.leader(other); leader != 0 {
				r.dissolve(leader)
			}
			pairs = append(pairs, [2]int{i, int(r.records.at(other).queued) - 1})
		}
		i++
	}
	sets := newUnionFind(len(r.queue))
	for _, p := range pairs {
		sets.join(p[0], p[1])
	}
	members := make([][]place, len(r.queue))
	for i, p := range r.queue {
		root := sets.root(i)
		members[root] = append(members[root], p)
	}
	for _, m := range members {
		if len(m) > 0 {
			r.added = append(r.added, r.unite(m))
		}
	}
}

// unite makes one incident of its records.
func (r *relinking) unite(records []place) whole {
	slices.SortFunc(records, func(a, b place) int {
		x, y := r.read(a), r.read(b)
		return cmp.Or(x.StartedAt.Compare(y.StartedAt), compareReferences(reference(x), reference(y)))
	})
	leader := records[0]
	for i, p := range records {
		record := r.records.at(p)
		record.next, record.queued, record.first, record.flapping = records[(i+1)%len(records)], 0, i == 0, false
	}
	delete(r.incidents, leader)
	return r.whole(leader)
}

// joined are the records that one names, and the one that it was merged into.
func (r *relinking) joined(p place) []place {
	var others []place
	in := r.read(p)
	if in.MergedInto != "" {
		others = append(others, r.target(p))
	}
	for _, link := range in.Links {
		for _, other := range r.find(link, kindOf(in.Source)) {
			if in.StartedAt.Sub(r.read(other).StartedAt).Abs() <= LinkWithin {
				others = append(others, other)
			}
		}
	}
	return others
}

// add and drop change a list of a map.
func add[K comparable, V comparable](lists map[K][]V, key K, item V) {
	lists[key] = append(lists[key], item)
}

func drop[K comparable, V comparable](lists map[K][]V, key K, item V) {
	rest := lists[key]
	if i := slices.Index(rest, item); i >= 0 {
		rest = slices.Delete(rest, i, i+1)
	}
	if lists[key] = rest; len(rest) == 0 {
		delete(lists, key)
	}
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

// index changes what the names of a record mean, and who mentions others.
func (r *relinking) index(p place, change func(x nameIndex, name string, p place)) {
	in := r.read(p)
	var own []string
	for _, name := range namesOf(in) {
		own = append(own, lastPart(name))
	}
	for _, name := range own {
		r.touched[name] = true
	}
	for _, link := range in.Links {
		_, id := split(link)
		if name := lastPart(id); !slices.Contains(own, name) {
			change(r.mentions, name, p)
		}
	}
}

// namesOf are the names that a record has and had.
func namesOf(in *evidence.Incident) []string {
	if in.Name() == "" {
		return nil
	}
	return append([]string{in.Name()}, in.FormerKeys...)
}

// owns reports whether an address is a record's own: it ends in the record's name, or is
// the same as one that does, with a former name.
func owns(in *evidence.Incident, address string) bool {
	for _, link := range in.Links {
		own, id := split(link)
		if own == "" || id != in.Name() {
			continue
		}
		for _, name := range namesOf(in) {
			if strings.TrimSuffix(own, id)+name == address {
				return true
			}
		}
	}
	return false
}

// lastPart is what is behind the last slash.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// find are the records that a link of a record of some kind names. An address
// that is some record's own decides; otherwise the id does, if only one source
// of another kind has it.
func (r *relinking) find(link, kind string) []place {
	address, id := split(link)
	var own, named []place
	r.names.each(lastPart(id), func(p place) {
		// Most links are a record's own, so that there are no others.
		in := r.read(p)
		if !r.records.at(p).placed || kindOf(in.Source) == kind {
			return
		}
		if address != "" && owns(in, address) {
			own = append(own, p)
		}
		if slices.Contains(namesOf(in), id) {
			named = append(named, p)
		}
	})
	if len(own) > 0 {
		return own
	}
	if len(named) == 1 {
		return named
	}
	return nil
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

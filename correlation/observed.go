package correlation

import (
	"cmp"
	"encoding/binary"
	"runtime"
	"slices"
	"sync"
	"time"
)

// durations are how long the incidents of a window lasted, or how long it took to
// acknowledge them. The durations are not kept: they are collected where they are measured
// anew.
type durations struct {
	// fingerprint is the sum of a hash of each that has ended, and growing the number of
	// those that go on.
	fingerprint uint64
	growing     int
	// summary is that of the last time, and measured the fingerprint then. It is final if
	// nothing was growing.
	summary  Summary
	measured uint64
	final    bool

	// While they are collected, number is that of these durations among all that are
	// collected, from 1, and list has those of the incidents that began after a time, in
	// nanoseconds since 1970: max of them at most.
	number int
	since  int64
	max    int
	list   []observation
}

// add counts a duration, or takes it back if sign is -1. A negative one is a contradiction
// and is left out.
func (d *durations) add(o Observation, growing bool, sign int) {
	switch {
	case o.Duration < 0:
	case growing:
		d.growing += sign
	default:
		d.fingerprint += uint64(sign) * observationOf(o).hash()
	}
}

// outdated reports whether the summary is not that of these durations any more.
func (d *durations) outdated() bool { return !d.final || d.growing > 0 || d.measured != d.fingerprint }

// measure makes the summary of what was collected, if anything was.
func (d *durations) measure(within []time.Duration) {
	if d.number == 0 {
		return
	}
	d.summary = summaryOf(curveOf(d.list), 0, within...)
	d.measured, d.final, d.number, d.list = d.fingerprint, d.growing == 0, 0, nil
}

// hash spreads observations over all numbers, each over its own, as splitmix64 does: the
// sums of different observations differ.
func (o observation) hash() uint64 {
	h := uint64(o) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// observed is the duration of an incident, and the number of what it is collected for.
type observed struct {
	observation
	target uint32
}

// target is what the durations of an incident are collected for.
type target struct{ resolution, acknowledgement []*durations }

// collection collects durations. What those of an incident are collected for depends on its
// services, on the badges that these held, and on the windows in which it began.
type collection struct {
	// edges are when these windows begin, in order, in nanoseconds since 1970.
	edges []int64
	// targets are in the order of their numbers: those of one membership for incidents that
	// began before the first edge, between the first two, and so on. The first membership
	// wants nothing.
	targets []target
	numbers map[string]uint32
	key     []byte
	// sets has, for each set of services, the end of its memberships among these.
	sets        []int
	memberships []targetsSince
}

// collected are the durations of a part of all incidents.
type collected struct {
	*collection
	resolution, acknowledgement []observed
	// incident has the course of the one that is being added.
	incident Incident
}

// targetsSince is the number of the first target of incidents that began after a time.
type targetsSince struct {
	since int64
	first uint32
}

// observe collects the durations that some tallies want. It returns the memory that their
// lists are in, to be given back when they are measured.
func (m *Meter) observe(wanted []*tally) []observation {
	m.collections++
	k, now := newCollection(m.sets, wanted, m.collections), momentOf(m.at)
	lists := m.roomFor(wanted)
	parts := m.incidents.parts(runtime.GOMAXPROCS(0))
	room := m.incidents.len()
	found := make([]*collected, len(parts))
	for i := range parts {
		found[i] = &collected{collection: k, resolution: m.observed.get(room), acknowledgement: m.observed.get(room)}
		room = 0 // the others are added to the first
	}
	eachAtOnce(len(parts), func(i int) {
		for _, c := range parts[i] {
			if c.is(countedThere) && !c.is(countedMaintenance) && c.started <= now && c.started != noMoment {
				found[i].add(c, m.at)
			}
		}
	})
	all := found[0]
	for _, other := range found[1:] {
		all.resolution = append(all.resolution, other.resolution...)
		all.acknowledgement = append(all.acknowledgement, other.acknowledgement...)
		m.observed.put(other.resolution)
		m.observed.put(other.acknowledgement)
	}
	eachAtOnce(2, func(kind int) {
		if kind == 0 {
			m.giveOut(all.resolution, k.targets, func(t *target) []*durations { return t.resolution })
		} else {
			m.giveOut(all.acknowledgement, k.targets, func(t *target) []*durations { return t.acknowledgement })
		}
	})
	return lists
}

// roomFor gives each list of durations that tallies want its room in one piece of memory.
func (m *Meter) roomFor(wanted []*tally) []observation {
	total := 0
	each := func(f func(d *durations)) {
		for _, t := range wanted {
			for i := range t.windows {
				for _, d := range []*durations{&t.windows[i].resolution, &t.windows[i].acknowledgement} {
					if d.number > 0 {
						f(d)
					}
				}
			}
		}
	}
	each(func(d *durations) { total += d.max })
	lists, end := m.lists.get(total), 0
	each(func(d *durations) {
		d.list = lists[end : end : end+d.max]
		end += d.max
	})
	return lists
}

// giveOut sorts all durations of a kind once, and gives them out in order.
func (m *Meter) giveOut(list []observed, targets []target, wants func(*target) []*durations) {
	to := make([][]*durations, len(targets))
	for i := range targets {
		to[i] = wants(&targets[i])
	}
	sorted, other := inOrder(list, m.observed.get(len(list)))
	for _, o := range sorted {
		for _, d := range to[o.target] {
			d.list = append(d.list, o.observation)
		}
	}
	m.observed.put(sorted)
	m.observed.put(other)
}

// add collects the durations of an incident, as they are at a time.
func (k *collected) add(c *counted, at time.Time) {
	number := k.number(c)
	to := &k.targets[number]
	if len(to.resolution)+len(to.acknowledgement) == 0 {
		return
	}
	c.course(&k.incident)
	if o, known := k.incident.resolution(at); known && o.Duration >= 0 && len(to.resolution) > 0 {
		k.resolution = append(k.resolution, observed{observationOf(o), number})
	}
	if len(to.acknowledgement) == 0 || !c.is(countedUrgent) || !c.is(countedAcksKnown) {
		return
	}
	if o, known := k.incident.acknowledgement(at); known && o.Duration >= 0 {
		k.acknowledgement = append(k.acknowledgement, observed{observationOf(o), number})
	}
}

// newCollection has what some tallies want.
func newCollection(sets []serviceSet, wanted []*tally, number int) *collection {
	k := &collection{numbers: map[string]uint32{}}
	for _, t := range wanted {
		for i := range t.windows {
			for _, d := range []*durations{&t.windows[i].resolution, &t.windows[i].acknowledgement} {
				if d.number > 0 {
					k.edges = append(k.edges, d.since)
				}
			}
		}
	}
	slices.Sort(k.edges)
	k.edges = slices.Compact(k.edges)
	for i := range sets {
		for j := range sets[i].membership {
			member := &sets[i].membership[j]
			shared := member.shared
			if shared.collection != number {
				shared.collection, shared.target = number, k.first(shared.tallies)
			}
			first := shared.target
			if slices.ContainsFunc(member.own, func(t *tally) bool { return t.wanted }) {
				first = k.first(slices.Concat(member.own, shared.tallies))
			}
			k.memberships = append(k.memberships, targetsSince{member.since, first})
		}
		k.sets = append(k.sets, len(k.memberships))
	}
	return k
}

// number is that of the target of an incident.
func (k *collection) number(c *counted) uint32 {
	i := k.sets[c.services] - 1
	for k.memberships[i].since >= c.started {
		i--
	}
	number := k.memberships[i].first
	for _, edge := range k.edges {
		if edge < c.started {
			number++
		}
	}
	return number
}

// first is the number of the first target of incidents that are part of some tallies.
func (k *collection) first(tallies []*tally) uint32 {
	k.key = k.key[:0]
	for _, t := range tallies {
		if !t.wanted {
			continue
		}
		for i := range t.windows {
			k.key = binary.AppendUvarint(k.key, uint64(t.windows[i].resolution.number))
			k.key = binary.AppendUvarint(k.key, uint64(t.windows[i].acknowledgement.number))
		}
	}
	first, known := k.numbers[string(k.key)]
	if known {
		return first
	}
	first = uint32(len(k.targets))
	k.numbers[string(k.key)], k.targets = first, append(k.targets, make([]target, len(k.edges)+1)...)
	for _, t := range tallies {
		for i := range t.windows {
			for n, edge := range k.edges {
				to := &k.targets[int(first)+n+1]
				if d := &t.windows[i].resolution; d.number > 0 && d.since <= edge {
					to.resolution = append(to.resolution, d)
				}
				if d := &t.windows[i].acknowledgement; d.number > 0 && d.since <= edge {
					to.acknowledgement = append(to.acknowledgement, d)
				}
			}
		}
	}
	return first
}

// shifts are those of the digits by which many numbers are sorted, the last digit first:
// that is ten times faster than to compare them. The digits of the fractions of seconds
// are apart from those of the seconds, because most numbers have the same fraction.
func shifts() [6]int { return [...]int{0, 11, 20, 31, 42, 53} }

const (
	digitBits    = 11
	fewDurations = 1 << digitBits / 4
)

// inOrder sorts durations, into the list or into another one that has as much room, and
// returns both, the sorted one first.
func inOrder(list, other []observed) (sorted, rest []observed) {
	if len(list) <= fewDurations {
		slices.SortFunc(list, func(a, b observed) int { return cmp.Compare(a.observation, b.observation) })
		return list, other
	}
	const mask = 1<<digitBits - 1
	shifts := shifts()
	var ends [len(shifts)][mask + 1]uint32
	for _, o := range list {
		for i, shift := range shifts {
			ends[i][o.observation>>shift&mask]++
		}
	}
	other = other[:len(list)]
	for i, shift := range shifts {
		if int(ends[i][list[0].observation>>shift&mask]) == len(list) {
			continue
		}
		sum := uint32(0)
		for d, n := range ends[i] {
			ends[i][d], sum = sum, sum+n
		}
		for _, o := range list {
			next := &ends[i][o.observation>>shift&mask]
			other[*next] = o
			*next++
		}
		list, other = other, list
	}
	return list, other
}

// scratch keeps slices for the next use, until memory is collected.
type scratch[T any] struct{ pool sync.Pool }

// get is an empty slice with room for n items.
func (s *scratch[T]) get(n int) []T {
	if kept, ok := s.pool.Get().(*[]T); ok && cap(*kept) >= n {
		return (*kept)[:0]
	}
	return make([]T, 0, n+n/64) // a little more, so that it fits the next time
}

func (s *scratch[T]) put(list []T) { s.pool.Put(&list) }

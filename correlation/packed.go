package correlation

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/evidence"
)

// packing keeps records in little memory: there may be millions, of which few are looked
// at when something changes. Words that many have, the names of services for instance, are
// kept once.
type packing struct {
	numbers map[string]uint32
	words   []string
}

func newPacking() *packing { return &packing{numbers: map[string]uint32{}} }

// numberOf is the number of a word.
func (p *packing) numberOf(word string) uint32 {
	n, known := p.numbers[word]
	if !known {
		n = uint32(len(p.words))
		word = strings.Clone(word)
		p.numbers[word], p.words = n, append(p.words, word)
	}
	return n
}

// Bits of a packed record: what is so, and which times are known.
const (
	isAcksKnown = 1 << iota
	isEndUnknown
	isUrgent
	isMachineDetected
	isMaintenance
	isInterruptionsKnown
	hasDetected
	hasAcknowledged
	hasMachineAcknowledged
	hasResolved
	hasUpdated
	hasNames
	hasCounts
	hasFractions
)

// pack keeps what linking and lists need of a record. Its start must be known.
func (p *packing) pack(in *evidence.Incident) string {
	w := packer{packing: p, out: make([]byte, 0, 96)}
	bits := uint64(0)
	set := func(is bool, bit uint64) {
		if is {
			bits |= bit
		}
	}
	counts := []int{
		in.Escalations, in.Reassignments, in.Notes, in.Interruptions.Business, in.Interruptions.Off, in.Interruptions.Sleep,
	}
	set(in.AcksKnown, isAcksKnown)
	set(in.EndUnknown, isEndUnknown)
	set(in.Urgent, isUrgent)
	set(in.MachineDetected, isMachineDetected)
	set(in.Maintenance, isMaintenance)
	set(in.Interruptions.Known, isInterruptionsKnown)
	set(in.Key != "" || in.MergedInto != "" || len(in.FormerKeys) > 0, hasNames)
	set(slices.ContainsFunc(counts, func(n int) bool { return n != 0 }), hasCounts)
	times := timesOf(in)
	for i, t := range times[1:] {
		set(!t.IsZero(), hasDetected<<i)
	}
	set(slices.ContainsFunc(times[:], func(t time.Time) bool { return t.Nanosecond() != 0 }), hasFractions)
	moment := func(t time.Time, since int64) {
		w.number(t.Unix() - since)
		if bits&hasFractions != 0 {
			w.number(int64(t.Nanosecond()))
		}
	}
	w.number(int64(bits))
	w.word(in.Source)
	w.text(in.ID)
	moment(in.StartedAt, 0)
	for _, t := range times[1:] {
		if !t.IsZero() {
			moment(t, in.StartedAt.Unix())
		}
	}
	w.number(int64(in.Severity))
	w.number(int64(in.HasTicket)*3 + int64(in.FalseAlarm))
	w.word(string(in.Resolver))
	w.word(in.Template)
	if bits&hasNames != 0 {
		w.text(in.Key)
		w.text(in.MergedInto)
		w.number(int64(len(in.FormerKeys)))
		for _, key := range in.FormerKeys {
			w.text(key)
		}
	}
	if bits&hasCounts != 0 {
		for _, n := range counts {
			w.number(int64(n))
		}
	}
	w.number(int64(len(in.Services)))
	for _, service := range in.Services {
		w.word(service)
	}
	w.number(int64(len(in.Links)))
	for _, link := range in.Links {
		// Links differ in what is behind the last slash, which is often the own name: a slash
		// says so.
		last := lastPart(link)
		w.word(strings.TrimSuffix(link, last))
		if last == in.Name() {
			last = "/"
		}
		w.text(last)
	}
	return string(w.out)
}

// timesOf are the times of a record in the order of their bits, the start first.
func timesOf(in *evidence.Incident) [6]time.Time {
	return [...]time.Time{
		in.StartedAt, in.DetectedAt, in.AcknowledgedAt, in.MachineAcknowledgedAt, in.ResolvedAt, in.UpdatedAt,
	}
}

// unpack is the record that was packed, in UTC.
func (p *packing) unpack(packed string) *evidence.Incident {
	r := unpacker{packing: p, left: packed}
	bits := r.number()
	is := func(bit int64) bool { return bits&bit != 0 }
	in := &evidence.Incident{
		AcksKnown: is(isAcksKnown), EndUnknown: is(isEndUnknown), Urgent: is(isUrgent),
		MachineDetected: is(isMachineDetected), Maintenance: is(isMaintenance), Source: r.word(), ID: r.text(),
	}
	in.Interruptions.Known = is(isInterruptionsKnown)
	moment := func(since int64) time.Time {
		seconds, fraction := since+r.number(), int64(0)
		if is(hasFractions) {
			fraction = r.number()
		}
		return time.Unix(seconds, fraction).UTC()
	}
	in.StartedAt = moment(0)
	for i, t := range []*time.Time{
		&in.DetectedAt, &in.AcknowledgedAt, &in.MachineAcknowledgedAt, &in.ResolvedAt, &in.UpdatedAt,
	} {
		if is(hasDetected << i) {
			*t = moment(in.StartedAt.Unix())
		}
	}
	in.Severity = int(r.number())
	answers := r.number()
	in.HasTicket, in.FalseAlarm = evidence.Answer(answers/3), evidence.Answer(answers%3)
	in.Resolver, in.Template = evidence.Resolver(r.word()), r.word()
	if is(hasNames) {
		in.Key, in.MergedInto = r.text(), r.text()
		in.FormerKeys = r.list(r.text)
	}
	if is(hasCounts) {
		for _, n := range []*int{
			&in.Escalations, &in.Reassignments, &in.Notes,
			&in.Interruptions.Business, &in.Interruptions.Off, &in.Interruptions.Sleep,
		} {
			*n = int(r.number())
		}
	}
	in.Services = r.list(r.word)
	in.Links = r.list(func() string {
		link, last := r.word(), r.text()
		if last == "/" {
			last = in.Name()
		}
		return link + last
	})
	return in
}

// packer writes a record.
type packer struct {
	*packing
	out []byte
}

func (w *packer) number(n int64) { w.out = binary.AppendVarint(w.out, n) }

func (w *packer) text(s string) {
	w.number(int64(len(s)))
	w.out = append(w.out, s...)
}

func (w *packer) word(s string) { w.number(int64(w.numberOf(s))) }

// unpacker reads what a packer has written.
type unpacker struct {
	*packing
	left string
}

func (r *unpacker) number() int64 {
	// The longest number has 10 bytes.
	n, length := binary.Varint([]byte(r.left[:min(len(r.left), binary.MaxVarintLen64)]))
	r.left = r.left[length:]
	return n
}

func (r *unpacker) text() string {
	n := r.number()
	s := r.left[:n]
	r.left = r.left[n:]
	return s
}

func (r *unpacker) word() string { return r.words[r.number()] }

func (r *unpacker) list(one func() string) []string {
	n := r.number()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = one()
	}
	return list
}

// nameIndex finds the places of records by names in little memory. Other names may be taken
// for the same one: whoever finds a record has to look at it.
type nameIndex struct {
	seed maphash.Seed
	// one has the record of a name, and more the others, which few names have.
	one  map[uint32]place
	more map[uint32][]place
}

func newNameIndex() nameIndex {
	return nameIndex{maphash.MakeSeed(), map[uint32]place{}, map[uint32][]place{}}
}

func (x nameIndex) key(name string) uint32 { return uint32(maphash.String(x.seed, name)) }

// add adds a record, once.
func (x nameIndex) add(name string, p place) {
	k := x.key(name)
	switch {
	case x.one[k] == 0:
		x.one[k] = p
	case x.one[k] != p && !slices.Contains(x.more[k], p):
		x.more[k] = append(x.more[k], p)
	}
}

// drop takes a record away.
func (x nameIndex) drop(name string, p place) {
	k := x.key(name)
	more := x.more[k]
	switch {
	case x.one[k] != p:
		drop(x.more, k, p)
	case len(more) == 0:
		delete(x.one, k)
	default:
		x.one[k] = more[0]
		drop(x.more, k, more[0])
	}
}

// each calls do with the records of a name.
func (x nameIndex) each(name string, do func(place)) {
	k := x.key(name)
	if p := x.one[k]; p != 0 {
		do(p)
	}
	for _, p := range x.more[k] {
		do(p)
	}
}

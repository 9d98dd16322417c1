package evidence

import (
	"cmp"
	"maps"
	"slices"
	"time"
	"unique"
)

// Ledger is the newest evidence of every source: what the store holds, in memory. It
// has one row for each service. It is not safe for concurrent use; the sets it
// assembles are.
type Ledger struct {
	rows map[string]*row
	// columns numbers the facts of sources, in the order in which they were first seen.
	columns map[sourceFact]uint32
	covered map[groupKey]*Coverage
	groupOf map[sourceFact]string
	// generation is the number of sets that were assembled. A row of an earlier
	// generation is part of a set, so that it is copied before it changes.
	generation int
	plan       *plan
	// groups is the number of changes of groupOf.
	groups int
}

type groupKey struct{ source, group string }

type sourceFact struct{ source, fact string }

// row is what the sources have recorded of one service.
type row struct {
	// cells are in the order of their columns.
	cells      []cell
	generation int
}

// cell is the newest record of one fact from one source. A fleet has millions of them.
type cell struct {
	value Value
	// text is the provenance, or of a record that has ended the reason.
	text  unique.Handle[string]
	since moment
	// held is when the record was last observed, if its service is excepted from
	// the coverage of its group. Else that is the time of the coverage, or seen if
	// that is newer: a page can be stored long before its group is complete.
	held, seen moment
	column     uint32
	withdrawn  bool
}

// moment is a time in microseconds since the Unix epoch, as the store keeps it; 0 is
// the zero time.
type moment int64

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(t.UnixMicro())
}

func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// NewLedger makes an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{
		rows: map[string]*row{}, columns: map[sourceFact]uint32{}, covered: map[groupKey]*Coverage{},
		groupOf: map[sourceFact]string{},
	}
}

// Put records a value, last written at r.ObservedAt. held is zero unless the record's service is excepted
// from the coverage of its group, and then the time of its last observation.
func (l *Ledger) Put(r Record, held time.Time) {
	l.put(r.Service, cell{
		column: l.column(r.Source, r.Fact), value: r.Value, text: unique.Make(r.Detail), since: momentOf(r.Since),
		held: momentOf(held), seen: momentOf(r.ObservedAt),
	})
}

// Withdraw ends a record: its last value no longer counts.
func (l *Ledger) Withdraw(service, fact, source string, reason Missing) {
	l.put(service, cell{column: l.column(source, fact), text: unique.Make(string(reason)), withdrawn: true})
}

// Newest is the record that the ledger has of a source, and whether it has one.
func (l *Ledger) Newest(service, fact, source string) (Record, bool) {
	c := l.rows[service].cell(l.column(source, fact))
	if c == nil || c.withdrawn {
		return Record{}, false
	}
	return Record{
		Service: service, Fact: fact, Source: source, Value: c.value, Detail: c.text.Value(), Since: c.since.time(),
		ObservedAt: c.seen.time(),
	}, true
}

// Cover replaces what is known of the coverage of a group of a source.
func (l *Ledger) Cover(source string, c Coverage) {
	key := groupKey{source, c.Group}
	before := l.covered[key]
	l.covered[key] = &c
	if before != nil && slices.Equal(before.Facts, c.Facts) {
		return
	}
	l.groups++
	for _, fact := range c.Facts {
		l.groupOf[sourceFact{source, fact}] = c.Group
	}
}

func (l *Ledger) column(source, fact string) uint32 {
	key := sourceFact{source, fact}
	column, known := l.columns[key]
	if !known {
		column = uint32(len(l.columns))
		l.columns[key] = column
	}
	return column
}

// spareCells is by how many cells a row grows.
const spareCells = 16

// put replaces a cell. A row that is part of a set is copied, and stays as it is when
// nothing changes.
func (l *Ledger) put(service string, c cell) {
	r := l.rows[service]
	at, found := r.find(c.column)
	if found && r.cells[at] == c {
		return
	}
	switch {
	case r == nil:
		r = &row{}
	case r.generation != l.generation:
		r = &row{cells: slices.Clone(r.cells)}
	}
	r.generation, l.rows[service] = l.generation, r
	if found {
		r.cells[at] = c
		return
	}
	if len(r.cells) == cap(r.cells) {
		r.cells = append(make([]cell, 0, len(r.cells)+spareCells), r.cells...)
	}
	r.cells = slices.Insert(r.cells, at, c)
}

func (r *row) find(column uint32) (at int, found bool) {
	if r == nil {
		return 0, false
	}
	byColumn := func(c cell, column uint32) int { return cmp.Compare(c.column, column) }
	return slices.BinarySearchFunc(r.cells, column, byColumn)
}

// cell is the record in a column, nil if there is none.
func (r *row) cell(column uint32) *cell {
	if at, found := r.find(column); found {
		return &r.cells[at]
	}
	return nil
}

// Assemble makes the set of what is known at a time: for each fact the value of the
// one source that has it, or of all that are expected to have it. It copies nothing:
// what is known of a service is read from its row and the coverage of this time.
func (l *Ledger) Assemble(facts *Facts, providers []Provider, now time.Time) *Set {
	if !l.plan.of(facts, providers) {
		l.plan = l.newPlan(facts, providers)
	}
	if l.plan.groups != l.groups {
		l.plan.group(l)
	}
	l.generation++
	covering := &covering{plan: l.plan, now: now, coverage: make([]coverage, len(l.plan.answers))}
	for i := range l.plan.answers {
		if a := &l.plan.answers[i]; i > 0 && a.group == l.plan.answers[i-1].group {
			covering.coverage[i] = covering.coverage[i-1]
		} else {
			covering.coverage[i] = coverageOf(l.covered[a.group], now.Add(MaxClockSkew))
		}
	}
	return &Set{covering: covering, rows: maps.Clone(l.rows), covered: maps.Clone(l.covered)}
}

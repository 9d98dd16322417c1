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
	// shared is set if rows is part of a set, so that it is copied before it changes.
	shared bool
	// columns numbers the facts of sources, in the order in which they were first seen.
	columns map[sourceFact]uint32
	// groups numbers the groups likewise; keys and covered are by number.
	groups  map[groupKey]Group
	keys    []groupKey
	covered []coverage
	groupOf map[sourceFact]Group
	// generation is the number of sets that were assembled. A row of an earlier
	// generation is part of a set, so that it is copied before it changes.
	generation int
	// plans are of the configurations of which sets were assembled, the last one last.
	plans []*plan
	// grouping is the number of changes of groupOf.
	grouping int
}

// maxPlans is how many plans a ledger keeps: judging the past compares two configurations.
const maxPlans = 2

// Group is a group of facts of a source, as its ledger knows it.
type Group int

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
		rows: map[string]*row{}, columns: map[sourceFact]uint32{}, groups: map[groupKey]Group{},
		groupOf: map[sourceFact]Group{},
	}
}

// Reset takes away what is recorded and covered. Sets that were assembled keep it.
func (l *Ledger) Reset() {
	l.rows, l.shared = map[string]*row{}, false
	clear(l.covered)
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
	l.CoverGroup(l.Group(source, c.Group), &c, c.At)
}

// Group is the group of a source with a name.
func (l *Ledger) Group(source, name string) Group {
	key := groupKey{source, name}
	group, known := l.groups[key]
	if !known {
		group = Group(len(l.covered))
		l.groups[key], l.keys, l.covered = group, append(l.keys, key), append(l.covered, coverage{})
	}
	return group
}

// CoverGroup is Cover for a coverage whose time is another one than At. It has to stay as
// it is.
func (l *Ledger) CoverGroup(group Group, c *Coverage, at time.Time) {
	before := l.covered[group].Coverage
	l.covered[group] = coverage{Coverage: c, at: at}
	if before == c || before != nil && slices.Equal(before.Facts, c.Facts) {
		return
	}
	for _, fact := range c.Facts {
		of := sourceFact{l.keys[group].source, fact}
		if known, ok := l.groupOf[of]; !ok || known != group {
			l.groupOf[of] = group
			l.grouping++
		}
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
	if l.rows[service] != r {
		if l.shared {
			l.rows, l.shared = maps.Clone(l.rows), false
		}
		l.rows[service] = r
	}
	r.generation = l.generation
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
	// A row that has all facts has each at the place of its column.
	if int(column) < len(r.cells) && r.cells[column].column == column {
		return int(column), true
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
	p := l.planOf(facts, providers)
	l.generation++
	covering := &covering{plan: p, now: now, coverage: slices.Clone(l.covered)}
	latest := now.Add(MaxClockSkew)
	for i := range covering.coverage {
		c := &covering.coverage[i]
		c.answered = c.Coverage != nil && !c.at.After(latest)
	}
	l.shared = true
	return &Set{covering: covering, rows: l.rows}
}

func (l *Ledger) planOf(facts *Facts, providers []Provider) *plan {
	for i, p := range l.plans {
		if !p.of(facts, providers) {
			continue
		}
		if p.grouping != l.grouping {
			p = l.newPlan(facts, providers) // sets have the other one
			l.plans[i] = p
		}
		return p
	}
	p := l.newPlan(facts, providers)
	if len(l.plans) == maxPlans {
		l.plans = slices.Delete(l.plans, 0, 1)
	}
	l.plans = append(l.plans, p)
	return p
}

package scoring

import (
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// age selects the evidence that proofs are asked with.
type age int

const (
	anyAge age = iota
	freshOnly
)

// answer is what the proofs of a check say. It is remembered until they would be asked
// something else.
func (j *judge) answer(c *framework.Check, of age) chainResult {
	vars := j.all
	if of == freshOnly {
		vars = j.fresh
	}
	if j.memory == nil {
		return j.chain(c, vars)
	}
	asked := &j.memory.asked[of][c.Index]
	if !asked.again(j, c, of) {
		asked.said = j.chain(c, vars)
		asked.note(j, c, of)
	}
	return asked.said
}

// memories are by the attributes of services: a fleet has far fewer different ones than
// services.
type memories struct {
	of map[framework.Attributes]*memory
	// watches are by the index of the fact; nil where the fact is not read as an age.
	watches []*framework.Watch
}

// maxMemories bounds them for a fleet in which each service has attributes of its own.
const maxMemories = 64

func newMemories(f *framework.Framework) *memories {
	m := &memories{of: map[framework.Attributes]*memory{}, watches: make([]*framework.Watch, f.Facts().Len())}
	for _, w := range f.Watches() {
		m.watches[w.Fact] = w
	}
	return m
}

// begin is the memory for a basis; nil without memories, and for a basis that was read
// back, whose ages do not say since when.
func (m *memories) begin(b *Basis) *memory {
	if m == nil || b.row == nil {
		return nil
	}
	found := m.of[b.Subject.Attributes]
	if found == nil {
		if len(m.of) == maxMemories {
			clear(m.of)
		}
		found = &memory{watches: m.watches, attributes: b.Subject.Attributes}
		for of := range found.asked {
			found.asked[of] = make([]asked, len(b.Framework.Checks))
		}
		m.of[found.attributes] = found
	}
	found.at = b.At
	return found
}

// memory is what the proofs of checks have said last about services with the same
// attributes, and what they were asked with. It spares their evaluation where only the age
// of evidence has changed.
type memory struct {
	// asked is by age and by the index of the check.
	asked      [freshOnly + 1][]asked
	watches    []*framework.Watch
	attributes framework.Attributes
	at         time.Time
}

// asked is what the proofs of a check were asked with, and what they said.
type asked struct {
	facts   []askedFact
	refused time.Time
	// from and until are the times in which no age passes what it is compared with; from is
	// zero if nothing is remembered.
	from, until time.Time
	said        chainResult
}

type askedFact struct {
	raw   evidence.Value
	since time.Time
}

func (j *judge) askedFact(fact int, of age) askedFact {
	f := &j.facts[fact]
	if of == freshOnly && f.state != evidence.StateFresh {
		return askedFact{since: f.since}
	}
	return askedFact{f.raw, f.since}
}

// again reports whether the proofs would be asked with the same now.
func (a *asked) again(j *judge, c *framework.Check, of age) bool {
	if a.from.IsZero() || j.memory.at.Before(a.from) || !j.memory.at.Before(a.until) ||
		!a.refused.Equal(j.invalidated[c.ID]) {
		return false
	}
	for i, fact := range c.Facts {
		if now := j.askedFact(fact, of); now.raw != a.facts[i].raw || !now.since.Equal(a.facts[i].since) {
			return false
		}
	}
	return true
}

// note notes what the proofs were asked with just now.
func (a *asked) note(j *judge, c *framework.Check, of age) {
	m := j.memory
	a.refused, a.facts, a.from, a.until = j.invalidated[c.ID], a.facts[:0], m.at, never
	if a.said.err != nil {
		a.from = time.Time{}
	}
	for _, fact := range c.Facts {
		f := j.askedFact(fact, of)
		a.facts = append(a.facts, f)
		if !f.raw.IsInstant() {
			continue
		}
		if m.watches[fact] == nil {
			a.until = m.at
		} else if next, ok := m.watches[fact].Next(f.raw, &m.attributes, m.at); ok {
			a.until = earlier(a.until, next)
		}
	}
}

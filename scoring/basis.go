package scoring

import (
	"maps"
	"reflect"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// Basis is everything one scorecard was judged from, resolved at its time, so
// that it can be judged again with some of it replaced: that is how the cause
// of a transition is found. It is immutable.
type Basis struct {
	Framework *framework.Framework
	Subject   Subject
	// Exempt are the exemptions in force, by check id.
	Exempt map[string]*Exemption
	// Scheduled are the ids of checks that did not count yet.
	Scheduled map[string]bool
	// Facts are the values by fact name; missing facts are absent. It is nil in
	// the basis of a scorecard that Judge has just made: a map for each service
	// and minute would cost more than the judging. Known reads both forms.
	Facts map[string]BasisFact
	// Invalidated are the times at which a machine last said no, by check id.
	Invalidated map[string]time.Time
	// Outdated are the checks that have passed since, by id, with what they asked for then
	// (framework.Meaning.Checks; empty is whatever they ask for). One that asks for that
	// and fails by these facts is unknown.
	Outdated map[string]string
	// At is the time of the judgement.
	At time.Time

	row evidence.Row
}

// BasisFact is one fact as it was judged.
type BasisFact struct {
	Value evidence.Value
	Fresh bool
	// Since is when the value began; for attestations, when it was made.
	Since time.Time
}

// Known returns the values by fact name as they were at the time of judgement.
// The map belongs to the caller.
func (b *Basis) Known() map[string]BasisFact {
	known := make(map[string]BasisFact, len(b.Facts))
	maps.Copy(known, b.Facts)
	if b.Framework == nil || b.row == nil {
		return known
	}
	facts := b.Framework.Facts()
	for i := range facts.Len() {
		o := b.row.At(i)
		state := o.State(b.At)
		if state == evidence.StateMissing {
			continue
		}
		known[facts.Name(i)] = BasisFact{
			Value: facts.Read(i, o.Value, b.At), Fresh: state == evidence.StateFresh, Since: o.Since,
		}
	}
	return known
}

// EqualButFacts reports whether two bases differ in nothing but the values of
// their facts, what these invalidate, and the time: criteria, attributes of the
// service, exemptions, scheduled and outdated checks are the same.
func (b *Basis) EqualButFacts(o *Basis) bool {
	if b == nil || o == nil {
		return b == o
	}
	same := func(x, y map[string]*Exemption) bool {
		return maps.EqualFunc(x, y, func(x, y *Exemption) bool { return x == y || reflect.DeepEqual(x, y) })
	}
	return hashOf(b.Framework) == hashOf(o.Framework) && b.Subject.judgedLike(&o.Subject) &&
		same(b.Exempt, o.Exempt) && maps.Equal(b.Scheduled, o.Scheduled) && maps.Equal(b.Outdated, o.Outdated)
}

func hashOf(f *framework.Framework) string {
	if f == nil {
		return ""
	}
	return f.Hash
}

// portable is the basis with its facts by name, so that it can be judged by
// other criteria too: a row of evidence is indexed by the criteria's facts.
func (b *Basis) portable() Basis {
	out := *b
	out.Facts, out.row = b.Known(), nil
	return out
}

// outdates reports whether the check has passed since.
func (b *Basis) outdates(f *framework.Framework, check string) bool {
	asked, ok := b.Outdated[check]
	return ok && (asked == "" || asked == f.Meaning.Checks[check])
}

// criteriaLost reports whether the basis knows its criteria by name alone,
// because it was read back after a restart with other criteria.
func criteriaLost(b *Basis) bool { return b.Framework == nil || b.Framework.Facts() == nil }

// revive gives a basis that was read from the store its compiled criteria, if
// they are still in use.
func revive(b *Basis, f *framework.Framework) *Basis {
	if b == nil || f == nil || !criteriaLost(b) || b.Framework == nil || !f.Is(b.Framework.Hash) {
		return b
	}
	out := *b
	out.Framework = f
	return &out
}

// WithoutFacts is the basis without what is known of the service.
func (b *Basis) WithoutFacts() *Basis {
	if b == nil {
		return nil
	}
	out := *b
	out.Facts, out.row = nil, nil
	return &out
}

// Seen is the basis with the evidence and the invalidations of another time, by which it
// is judged alike.
func (b *Basis) Seen(row evidence.Row, invalidated map[string]time.Time, at time.Time) *Basis {
	out := *b
	out.Facts, out.row, out.Invalidated, out.At = nil, row, invalidated, at
	return &out
}

// Dated is the basis with another time and the same facts.
func (b *Basis) Dated(at time.Time) *Basis {
	out := b.portable()
	out.At = at
	return &out
}

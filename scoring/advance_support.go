package scoring

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// portable is the basis with its facts by name, so that it can be judged by
// other criteria too: a row of evidence is indexed by the criteria's facts.
func (b *Basis) portable() Basis {
	out := *b
	out.Facts, out.row = b.Known(), nil
	return out
}

// criteriaLost reports whether the basis knows its criteria by name alone,
// because it was read back after a restart with other criteria.
func criteriaLost(b *Basis) bool { return b.Framework == nil || b.Framework.Facts() == nil }

// revive gives a basis that was read back its criteria, when they are still
// the ones in use.
func revive(b *Basis, f *framework.Framework) *Basis {
	if b == nil || f == nil || !criteriaLost(b) || b.Framework == nil || b.Framework.Hash != f.Hash {
		return b
	}
	out := *b
	out.Framework = f
	return &out
}

// storedBasis is the JSON of a Basis. Exemptions and scheduled checks are kept
// by id: what a judgement asks is whether there is one.
type storedBasis struct {
	Framework storedFramework       `json:"framework"`
	Subject   Subject               `json:"subject"`
	Exempt    []string              `json:"exempt,omitempty"`
	Scheduled []string              `json:"scheduled,omitempty"`
	Facts     map[string]storedFact `json:"facts,omitempty"`
	Voids     map[string]time.Time  `json:"voids,omitempty"`
	At        time.Time             `json:"at"`
}

type storedFramework struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Hash    string `json:"hash"`
}

// storedFact keeps the number as text, since JSON has no infinity.
type storedFact struct {
	Kind    string    `json:"kind"`
	Number  string    `json:"number"`
	Instant bool      `json:"instant,omitempty"`
	Fresh   bool      `json:"fresh,omitempty"`
	Since   time.Time `json:"since"`
}

// MarshalJSON writes the basis so that causes can be found after a restart.
// Criteria are named, not written.
func (b *Basis) MarshalJSON() ([]byte, error) {
	out := storedBasis{
		Subject: b.Subject, Exempt: sortedKeys(b.Exempt), Scheduled: sortedKeys(b.Scheduled),
		Facts: map[string]storedFact{}, Voids: b.Voids, At: b.At,
	}
	if b.Framework != nil {
		out.Framework = storedFramework{Name: b.Framework.Name, Version: b.Framework.Version, Hash: b.Framework.Hash}
	}
	for name, fact := range b.Known() {
		out.Facts[name] = storedFact{
			Kind: fact.Value.Kind().String(), Number: strconv.FormatFloat(fact.Value.Number(), 'g', -1, 64),
			Instant: fact.Value.IsInstant(), Fresh: fact.Fresh, Since: fact.Since,
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote. The Framework is a shell with
// name, version and hash; Advance puts the real one in its place when it is
// still in use.
func (b *Basis) UnmarshalJSON(data []byte) error {
	var in storedBasis
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("reading what a badge was judged from: %w", err)
	}
	out := Basis{
		Framework: &framework.Framework{Name: in.Framework.Name, Version: in.Framework.Version, Hash: in.Framework.Hash},
		Subject:   in.Subject, Voids: in.Voids, At: in.At,
		Exempt: make(map[string]*Exemption, len(in.Exempt)), Scheduled: make(map[string]bool, len(in.Scheduled)),
		Facts: make(map[string]BasisFact, len(in.Facts)),
	}
	for _, id := range in.Exempt {
		out.Exempt[id] = &Exemption{Check: id}
	}
	for _, id := range in.Scheduled {
		out.Scheduled[id] = true
	}
	for name, fact := range in.Facts {
		kind, err := evidence.ParseKind(fact.Kind)
		if err != nil {
			return fmt.Errorf("reading what a badge was judged from: fact %s: %w", name, err)
		}
		number, err := strconv.ParseFloat(fact.Number, 64)
		if err != nil {
			return fmt.Errorf("reading what a badge was judged from: fact %s: %w", name, err)
		}
		value, err := evidence.Stored(kind, fact.Instant, number)
		if err != nil {
			return fmt.Errorf("reading what a badge was judged from: fact %s: %w", name, err)
		}
		out.Facts[name] = BasisFact{Value: value, Fresh: fact.Fresh, Since: fact.Since}
	}
	*b = out
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

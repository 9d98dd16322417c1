package scoring

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// storedBasis is the JSON of a Basis. Its criteria are named, not written.
type storedBasis struct {
	Framework   storedFramework       `json:"framework"`
	Subject     Subject               `json:"subject"`
	Exempt      storedExemptions      `json:"exempt,omitempty"`
	Scheduled   []string              `json:"scheduled,omitempty"`
	Facts       map[string]storedFact `json:"facts,omitempty"`
	Invalidated map[string]time.Time  `json:"voids,omitempty"`
	Outdated    map[string]string     `json:"outdated,omitempty"`
	At          time.Time             `json:"at"`
}

type storedFramework struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Hash    string `json:"hash"`
}

// storedFact is a BasisFact. The number is text, since JSON has no infinity.
type storedFact struct {
	Kind    evidence.Kind `json:"k"`
	Instant bool          `json:"i,omitempty"`
	Number  string        `json:"n"`
	Fresh   bool          `json:"f,omitempty"`
	Since   time.Time     `json:"s,omitzero"`
	longFact
}

// longFact is a BasisFact as the bases of BadgeState.Before were written at
// first. It is only read.
type longFact struct {
	Kind    string    `json:"kind,omitempty"`
	Instant bool      `json:"instant,omitempty"`
	Number  string    `json:"number,omitempty"`
	Fresh   bool      `json:"fresh,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

func (f storedFact) read() (BasisFact, error) {
	if old := f.longFact; old.Kind != "" {
		kind, err := evidence.ParseKind(old.Kind)
		if err != nil {
			return BasisFact{}, err
		}
		f = storedFact{Kind: kind, Instant: old.Instant, Number: old.Number, Fresh: old.Fresh, Since: old.Since}
	}
	number, err := strconv.ParseFloat(f.Number, 64)
	if err != nil {
		return BasisFact{}, err
	}
	value, err := evidence.Stored(f.Kind, f.Instant, number)
	return BasisFact{Value: value, Fresh: f.Fresh, Since: f.Since}, err
}

// storedExemptions are exemptions by check id.
type storedExemptions map[string]*Exemption

// UnmarshalJSON also reads a list of check ids: the bases of BadgeState.Before
// were written with one at first.
func (e *storedExemptions) UnmarshalJSON(data []byte) error {
	var ids []string
	if json.Unmarshal(data, &ids) != nil {
		return json.Unmarshal(data, (*map[string]*Exemption)(e))
	}
	*e = make(storedExemptions, len(ids))
	for _, id := range ids {
		(*e)[id] = &Exemption{Check: id}
	}
	return nil
}

// MarshalJSON writes the basis so that causes can be found after a restart. Equal
// bases have equal bytes.
func (b *Basis) MarshalJSON() ([]byte, error) {
	out := storedBasis{
		Subject: b.Subject, Exempt: b.Exempt, Facts: map[string]storedFact{}, Invalidated: b.Invalidated,
		Outdated: b.Outdated, At: b.At,
	}
	if b.Framework != nil {
		out.Framework = storedFramework{Name: b.Framework.Name, Version: b.Framework.Version, Hash: b.Framework.Hash}
	}
	for id, scheduled := range b.Scheduled {
		if scheduled {
			out.Scheduled = append(out.Scheduled, id)
		}
	}
	slices.Sort(out.Scheduled)
	for name, fact := range b.Known() {
		out.Facts[name] = storedFact{Kind: fact.Value.Kind(), Instant: fact.Value.IsInstant(),
			Number: strconv.FormatFloat(fact.Value.Number(), 'g', -1, 64), Fresh: fact.Fresh, Since: fact.Since}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote. The Framework has a name, a version
// and a hash only; Advance puts the compiled one in its place if it is still in
// use.
func (b *Basis) UnmarshalJSON(data []byte) error {
	var in storedBasis
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("reading what a badge was judged from: %w", err)
	}
	out := Basis{
		Framework: &framework.Framework{Name: in.Framework.Name, Version: in.Framework.Version, Hash: in.Framework.Hash},
		Subject:   in.Subject, Exempt: in.Exempt, Invalidated: in.Invalidated, Outdated: in.Outdated, At: in.At,
		Scheduled: make(map[string]bool, len(in.Scheduled)), Facts: make(map[string]BasisFact, len(in.Facts)),
	}
	for _, id := range in.Scheduled {
		out.Scheduled[id] = true
	}
	for name, fact := range in.Facts {
		var err error
		if out.Facts[name], err = fact.read(); err != nil {
			return fmt.Errorf("reading what a badge was judged from: fact %s: %w", name, err)
		}
	}
	*b = out
	return nil
}

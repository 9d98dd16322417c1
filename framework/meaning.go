package framework

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/prodready/collector/evidence"
)

// Meaning is what criteria judge by, as hashes of the parts, so that two
// versions can be compared although one of them cannot be compiled any more.
// What people read (titles, remediation, changelog), the version and the
// targets are no part of it.
type Meaning struct {
	// Checks is what decides each check, by id: module, level, scope, proofs,
	// dwell, enforcement, and the definitions of the facts that it reads.
	Checks map[string]string `json:"checks"`
	// Badges is what each badge asks beyond levels, by name.
	Badges map[string]string `json:"badges"`
	// Facts are the definitions of the facts that the checks read, by name.
	Facts map[string]string `json:"facts"`
	// Rest is what no proof of a badge depends on: weights, the award dwell and
	// how long badges are held.
	Rest string `json:"rest"`
}

// Hash identifies the meaning.
func (m Meaning) Hash() string { return digest(m.Checks, m.Badges, m.Rest) }

// digest is a short hash of values without pointers; maps are printed by key.
// Another way of printing would be another meaning of everything.
func digest(values ...any) string { return textHash(fmt.Append(nil, values...)) }

func textHash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func (c *Check) meaning(facts *evidence.Facts) string {
	when := ""
	if c.When != nil {
		when = c.When.normalised
	}
	var parts []string
	for _, p := range c.Proofs {
		parts = append(parts, fmt.Sprintf("%s %t %s", p.By, p.Suffices, p.Pass.normalised))
	}
	for _, f := range c.Facts {
		parts = append(parts, facts.At(f).Hash())
	}
	if c.Lifecycle == Experimental {
		parts = append(parts, string(c.Lifecycle)) // it does not count
	}
	tiers := slices.Sorted(slices.Values(c.Tiers))
	return digest(fmt.Sprintf("%q %q %d", c.Module.ID, c.Module.Scale, c.Module.RequiredFrom),
		fmt.Sprintf(" %d %d %q %d %d %d %q", c.Level, tiers, when, c.Dwell, c.EnforceFrom.Unix(), c.goodFor, parts))
}

func (f *Framework) meaning() Meaning {
	m := Meaning{Checks: map[string]string{}, Badges: map[string]string{}, Facts: map[string]string{}}
	weights := map[string]float64{}
	for _, c := range f.Checks {
		m.Checks[c.ID] = c.meaning(f.facts)
		weights[c.ID] = c.ScoreWeight()
		for _, i := range c.Facts {
			m.Facts[f.facts.At(i).Name] = f.facts.At(i).Hash()
		}
	}
	for badge, asks := range f.Requirements {
		m.Badges[badge.String()] = digest(asks)
	}
	m.Rest = digest(weights, f.AwardDwell, f.LapseAfter)
	return m
}

// Is reports whether the hash identifies this framework. Stores of earlier
// releases have the hash of its text.
func (f *Framework) Is(hash string) bool { return hash == f.Hash || hash == f.textHash }

// FactHash identifies the definition of a fact as the framework judged by it;
// it is empty when the framework does not know the fact.
func (f *Framework) FactHash(name string) string {
	if hash, ok := f.Meaning.Facts[name]; ok {
		return hash
	}
	if d, err := f.facts.Lookup(name); err == nil {
		return d.Hash()
	}
	return ""
}

// Changes are the checks and badges that mean something else than before.
type Changes struct {
	Checks map[string]bool
	Badges map[Badge]bool
}

// Since compares with what was judged by before. Nothing has changed since the
// zero Meaning: it is not known what was judged by.
func (m Meaning) Since(before Meaning) Changes {
	changes := Changes{Checks: map[string]bool{}, Badges: map[Badge]bool{}}
	if before.Checks == nil {
		return changes
	}
	for id, hash := range m.Checks {
		if before.Checks[id] != hash {
			changes.Checks[id] = true
		}
	}
	for _, badge := range Badges() {
		if before.Badges[badge.String()] != m.Badges[badge.String()] {
			changes.Badges[badge] = true
		}
	}
	return changes
}

// keptText is the text of criteria that were judged by, with their meaning at
// that time: the definitions of the facts are not part of the files.
type keptText struct {
	Files   json.RawMessage `json:"files"`
	Meaning *Meaning        `json:"meaning"`
}

// Restore parses the Text of a framework that was judged by before. Compiled, it
// has the meaning that it had then. It also reads the text of earlier releases,
// the files alone.
func Restore(text []byte) (*Document, error) {
	var kept keptText
	if len(text) == 0 || text[0] != '{' {
		kept.Files = text
	} else if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("reading the kept text of a framework: %w", err)
	}
	var files []File
	if err := json.Unmarshal(kept.Files, &files); err != nil {
		return nil, fmt.Errorf("reading the kept text of a framework: %w", err)
	}
	doc, err := parse(files)
	if err != nil {
		return nil, err
	}
	doc.meaning = kept.Meaning
	return doc, nil
}

// Meaning is what a restored document meant when it was judged by; zero when it
// was not kept.
func (d *Document) Meaning() Meaning {
	if d.meaning == nil {
		return Meaning{}
	}
	return *d.meaning
}

// identify sets the meaning, the hashes and the text to keep.
func (f *Framework) identify(doc *Document) error {
	f.Meaning = f.meaning()
	if doc.meaning != nil {
		f.Meaning = *doc.meaning
	}
	f.Hash, f.textHash = f.Meaning.Hash(), textHash(doc.Text)
	var err error
	if f.Text, err = json.Marshal(keptText{Files: doc.Text, Meaning: &f.Meaning}); err != nil {
		return fmt.Errorf("keeping the text of the framework: %w", err)
	}
	return nil
}

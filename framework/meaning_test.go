package framework_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

const meant = `apiVersion: readiness/v1
kind: Framework
name: f
version: 1.0.0
award_dwell: 24h
lapse_after: {gold: 30d}
targets: [{tiers: [1], badge: gold, due: 2026-12-31}]
requirements: {gold: {max_exempt: 1}}
modules:
  - id: m
    name: Module
    checks:
      - id: m.one
        level: 1
        title: One
        weight: 2
        remediation: [Do it.]
        scope: {tiers: [1, 2], when: service.stateful}
        proofs: [{by: machine, pass: m.a > 1.0}, {by: attested, pass: attest.m_one}]
        claims_good_for: 30d
      - {id: m.two, level: 2, title: Two, proofs: [{by: machine, pass: m.b > 1.0}]}
`

func meaningOf(t *testing.T, text string, definitions ...evidence.Definition) *framework.Framework {
	t.Helper()
	fact := evidence.Definition{Kind: evidence.KindDouble, Help: "x"}
	for _, name := range []string{"m.a", "m.b", "m.c"} {
		fact.Name = name
		definitions = append(definitions, fact)
	}
	fact.Name, fact.Kind = "attest.m_one", evidence.KindBool
	facts, err := evidence.NewFacts(append(definitions, fact))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestMeaning: what judging depends on is part of the hash, and what people
// read is not.
func TestMeaning(t *testing.T) {
	before := meaningOf(t, meant)
	for name, c := range map[string]struct {
		old, with string
		// changed is the check that changed; badge and rest are other parts.
		changed string
		badge   framework.Badge
		rest    bool
	}{
		"a version":             {"version: 1.0.0", "version: 1.0.1", "", 0, false},
		"a comment":             {"name: f\n", "name: f # a comment\n", "", 0, false},
		"a remediation":         {"[Do it.]", "[Do it now.]", "", 0, false},
		"a title":               {"title: One", "title: The first", "", 0, false},
		"a module's name":       {"name: Module", "name: The module", "", 0, false},
		"a target":              {"due: 2026-12-31", "due: 2027-12-31", "", 0, false},
		"spaces in a proof":     {"pass: m.b > 1.0", "pass: 'm.b  >  1.0'", "", 0, false},
		"the order of tiers":    {"tiers: [1, 2]", "tiers: [2, 1]", "", 0, false},
		"a level":               {"level: 2", "level: 3", "m.two", 0, false},
		"a proof":               {"m.b > 1.0", "m.b > 2.0", "m.two", 0, false},
		"another fact":          {"m.b > 1.0", "m.c > 1.0", "m.two", 0, false},
		"a mode":                {"{by: machine, pass: m.a", "{by: machine, mode: suffices, pass: m.a", "m.one", 0, false},
		"a tier":                {"tiers: [1, 2]", "tiers: [1, 2, 3]", "m.one", 0, false},
		"a scope":               {"when: service.stateful", "when: \"!service.stateful\"", "m.one", 0, false},
		"an attestation's life": {"claims_good_for: 30d", "claims_good_for: 60d", "m.one", 0, false},
		"a dwell":               {"level: 2,", "level: 2, dwell: 2d,", "m.two", 0, false},
		"an enforcement":        {"level: 2,", "level: 2, enforce_from: 2027-01-01,", "m.two", 0, false},
		"a requirement":         {"max_exempt: 1", "max_exempt: 2", "", framework.Gold, false},
		"a weight":              {"weight: 2", "weight: 3", "", 0, true},
		"an award dwell":        {"award_dwell: 24h", "award_dwell: 48h", "", 0, true},
		"how long it is held":   {"gold: 30d", "gold: 20d", "", 0, true},
		"a check that is new": {
			"      - {id: m.two",
			"      - {id: m.new, level: 1, title: x, proofs: [{by: machine, pass: m.c > 0.0}]}\n      - {id: m.two", "m.new", 0,
			false,
		},
		"a check that is gone": {
			"      - {id: m.two, level: 2, title: Two, proofs: [{by: machine, pass: m.b > 1.0}]}\n", "", "-", 0, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(meant, c.old, c.with, 1)
			if text == meant {
				t.Fatalf("%q is not in the framework", c.old)
			}
			after := meaningOf(t, text)
			same := c.changed == "" && c.badge == 0 && !c.rest
			if got := after.Hash == before.Hash; got != same {
				t.Errorf("the same hash: %v, want %v", got, same)
			}
			changes := after.Meaning.Since(before.Meaning)
			for _, check := range after.Checks {
				if got, want := changes.Checks[check.ID], check.ID == c.changed; got != want {
					t.Errorf("%s changed: %v, want %v", check.ID, got, want)
				}
			}
			for _, badge := range framework.Badges() {
				if got, want := changes.Badges[badge], c.badge != 0 && badge == c.badge; got != want {
					t.Errorf("%s changed: %v, want %v", badge, got, want)
				}
			}
		})
	}
	module := meaningOf(t, strings.Replace(meant, "name: Module", "scale: pass_fail\n    required_from: gold", 1))
	if changes := module.Meaning.Since(before.Meaning); len(changes.Checks) != 2 || len(changes.Badges) != 0 {
		t.Errorf("another scale of a module: %+v", changes)
	}
	if changes := before.Meaning.Since(framework.Meaning{}); len(changes.Checks)+len(changes.Badges) != 0 {
		t.Errorf("since nothing known: %+v", changes)
	}
}

// TestRestoredMeaning: criteria that are restored mean what they meant, although
// a fact is defined otherwise now.
func TestRestoredMeaning(t *testing.T) {
	before := meaningOf(t, meant)
	doc, err := framework.Restore(before.Text)
	if err != nil {
		t.Fatal(err)
	}
	var definitions []evidence.Definition
	for i := range before.Facts().Len() {
		d := before.Facts().At(i)
		if d.Name == "m.b" {
			d.Window = time.Hour
		}
		definitions = append(definitions, d)
	}
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	restored, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatal(err)
	}
	if restored.Hash != before.Hash || restored.FactHash("m.b") != before.FactHash("m.b") ||
		string(restored.Text) != string(before.Text) {
		t.Errorf("restored as %s, was %s", restored.Hash, before.Hash)
	}
	if doc, err = framework.Parse([]framework.File{{Name: "f.yaml", Data: []byte(meant)}}); err != nil {
		t.Fatal(err)
	}
	now, err := framework.Compile(doc, facts)
	if err != nil {
		t.Fatal(err)
	}
	if changes := now.Meaning.Since(restored.Meaning); now.Hash == restored.Hash || !changes.Checks["m.two"] ||
		len(changes.Checks) != 1 {
		t.Errorf("another definition of m.b: %+v", changes)
	}
	// Earlier releases kept the files alone, under the hash of their text.
	if doc, err = framework.Restore(doc.Text); err != nil {
		t.Fatal(err)
	}
	if old, err := framework.Compile(doc, facts); err != nil || old.Hash != now.Hash {
		t.Errorf("the text of an earlier release: %v", err)
	}
	if !now.Is("bec0e21963c4") || !now.Is(now.Hash) || now.Is("") || now.Is(before.Hash) {
		t.Error("it is not known by the hash of its text, or by another's")
	}
}

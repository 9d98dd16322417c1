package framework_test

import (
	"strings"
	"testing"

	"github.com/prodready/collector/framework"
)

// versioned is meant with a changelog, a retired id and what the changes below replace.
const versioned = `apiVersion: readiness/v1
kind: Framework
name: f
version: 1.2.3
award_dwell: 24h
lapse_after: {gold: 30d}
requirements: {gold: {max_exempt: 1}}
retired: [m.old]
changelog:
  - {version: 1.2.3, date: 2026-03-01, notes: [x]}
modules:
  - id: m
    name: Module
    checks:
      - {id: m.one, level: 1, title: One, weight: 2, dwell: 24h, scope: {tiers: [1, 2]}, claims_good_for: 30d, proofs: [{by: machine, pass: m.a > 1.0}, {by: attested, pass: attest.m_one}]}
      - {id: m.also, level: 1, title: Also, proofs: [{by: machine, pass: m.a <= 9.0}]}
      - {id: m.two, level: 2, title: Two, proofs: [{by: machine, pass: "m.b > 1.0 && m.c < 5.0"}]}
      - {id: m.three, level: 2, title: Three, enforce_from: 2026-09-01, proofs: [{by: machine, pass: m.b > 0.0}]}
      - {id: m.four, level: 3, title: Four, lifecycle: experimental, proofs: [{by: machine, pass: "!(m.b > 4.0)"}]}
`

func TestDiffSaysTheStep(t *testing.T) {
	t.Parallel()
	before := meaningOf(t, versioned)
	if d := framework.Compare(before, before); len(d.Changes) != 0 || len(d.Versions()) != 0 {
		t.Errorf("a framework differs from itself: %+v", d.Changes)
	}
	for name, c := range map[string]struct {
		old, with string
		step      framework.Step
		// says is a part of the words of the change.
		says string
	}{
		"a title":                    {"title: Two", "title: The second", framework.Patch, "text of title"},
		"spaces":                     {"pass: m.a <= 9.0", "pass: 'm.a  <=  9.0'", framework.NoStep, ""},
		"a threshold that asks more": {"m.b > 1.0", "m.b > 2.0", framework.Major, "m.b > 2.0"},
		"a threshold that asks less": {"m.b > 1.0", "m.b > 0.5", framework.Minor, "m.b > 0.5"},
		"a bound from above, less":   {"m.c < 5.0", "m.c < 6.0", framework.Minor, "m.c < 6.0"},
		"a bound from above, more":   {"m.c < 5.0", "m.c < 4.0", framework.Major, "m.c < 4.0"},
		"one more, one less": {
			"m.b > 1.0 && m.c < 5.0",
			"m.b > 2.0 && m.c < 6.0",
			framework.Major, "proof 1",
		},
		"another fact":     {"m.b > 1.0", "m.a > 1.0", framework.Major, "proof 1"},
		"another operator": {"m.b > 1.0", "m.b >= 1.0", framework.Major, "proof 1"},
		"a lower level": {
			"id: m.two, level: 2",
			"id: m.two, level: 1",
			framework.Major, "level: 2 → 1",
		},
		"a higher level": {
			"id: m.also, level: 1",
			"id: m.also, level: 2",
			framework.Major, "level: 1 → 2",
		},
		"a higher level, another left": {
			"id: m.one, level: 1",
			"id: m.one, level: 2",
			framework.Minor, "level: 1 → 2",
		},
		"more tiers":  {"tiers: [1, 2]", "tiers: [1, 2, 3]", framework.Major, "tiers"},
		"fewer tiers": {"tiers: [1, 2]", "tiers: [2]", framework.Minor, "tiers"},
		"a scope": {
			"scope: {tiers: [1, 2]}",
			"scope: {tiers: [1, 2], when: service.stateful}",
			framework.Minor, "scope",
		},
		"a shorter dwell": {"dwell: 24h, scope", "dwell: 1h, scope", framework.Major, "dwell"},
		"a longer dwell":  {"dwell: 24h, scope", "dwell: 48h, scope", framework.Minor, "dwell"},
		"attestations that end sooner": {
			"claims_good_for: 30d",
			"claims_good_for: 20d",
			framework.Major, "attestation",
		},
		"a weight": {"weight: 2", "weight: 3", framework.Minor, "weight"},
		"a way to prove it that is gone": {
			"claims_good_for: 30d, proofs: [{by: machine, pass: m.a > 1.0}, {by: attested, pass: " +
				"attest.m_one}]",
			"proofs: [{by: machine, pass: m.a > 1.0}]",
			framework.Major, "is gone",
		},
		"a mode": {
			"{by: machine, pass: m.a > 1.0}",
			"{by: machine, mode: suffices, pass: m.a > 1.0}",
			framework.Major, "suffices",
		},
		"enforced sooner": {
			"enforce_from: 2026-09-01",
			"enforce_from: 2026-02-01",
			framework.Major, "counts from",
		},
		"enforced later": {
			"enforce_from: 2026-09-01",
			"enforce_from: 2026-10-01",
			framework.Minor, "counts from",
		},
		"scheduled, another threshold": {"m.b > 0.0", "m.b > 3.0", framework.Minor, "proof 1"},
		"an experimental one counts": {
			"lifecycle: experimental",
			"lifecycle: stable",
			framework.Major, "lifecycle",
		},
		"deprecated": {
			"title: Also,",
			"title: Also, lifecycle: deprecated, replaced_by: m.one,",
			framework.Patch, "lifecycle",
		},
		"experimental": {
			"title: One,",
			"title: One, lifecycle: experimental,",
			framework.Minor, "lifecycle",
		},
		"a negated threshold": {
			"lifecycle: experimental, proofs: [{by: machine, pass: \"!(m.b > 4.0)\"",
			"proofs: [{by: machine, pass: \"!(m.b > 5.0)\"",
			framework.Major, "lifecycle",
		},
		"fewer exempt":   {"max_exempt: 1", "max_exempt: 0", framework.Major, "gold asks"},
		"more exempt":    {"max_exempt: 1", "max_exempt: 2", framework.Minor, "gold asks"},
		"a shorter hold": {"gold: 30d", "gold: 20d", framework.Major, "on hold"},
		"a longer award": {"award_dwell: 24h", "award_dwell: 48h", framework.Minor, "proved"},
		"a new check": {"      - {id: m.also", "      - {id: m.new, level: 1, title: New, proofs: [{by: machine, pass: m.a > 0.0}]}\n      - {id: m.also",
			framework.Major, "new check"},
		"a new check that is scheduled": {"      - {id: m.also", "      - {id: m.new, level: 1, title: New, enforce_from: 2026-12-01, proofs: [{by: machine, pass: m.a > 0.0}]}\n      - {id: m.also",
			framework.Minor, "counts from 2026-12-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(versioned, c.old, c.with, 1)
			if text == versioned {
				t.Fatalf("%q is not in the framework", c.old)
			}
			d := framework.Compare(before, meaningOf(t, text))
			var words []string
			for _, change := range d.Changes {
				words = append(words, change.Words())
			}
			if all := strings.Join(words, "\n"); d.Step() != c.step || !strings.Contains(all, c.says) {
				t.Errorf("a %s step, want %s with %q: %q", d.Step(), c.step, c.says, all)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	before := meaningOf(t, versioned)
	released := func(version string) func(string) string {
		return func(text string) string {
			return strings.ReplaceAll(text, "version: 1.2.3", "version: "+version)
		}
	}
	replaced := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	dropped := func(text string) string {
		var kept []string
		for line := range strings.Lines(text) {
			if !strings.Contains(line, "id: m.also") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
	for name, c := range map[string]struct {
		edits []func(string) string
		want  []string
	}{
		"a text, the same version": {[]func(string) string{replaced("title: Two", "title: The second")}, nil},
		"less, a minor version": {
			[]func(string) string{replaced("m.b > 1.0", "m.b > 0.5"), released("1.3.0")},
			nil,
		},
		"more, a major version": {
			[]func(string) string{replaced("m.b > 1.0", "m.b > 2.0"), released("2.0.0")},
			nil,
		},
		"less, a patch": {
			[]func(string) string{replaced("m.b > 1.0", "m.b > 0.5"), released("1.2.4")},
			[]string{
				"check m.two: proof 1: m.b > 1.0 && m.c < 5.0 → m.b > 0.5 && m.c < 5.0 needs a minor " +
					"version, because it asks less; 1.2.4 is a patch step after 1.2.3: set version: 1.3.0 or more",
			},
		},
		"more, a minor version": {
			[]func(string) string{replaced("m.b > 1.0", "m.b > 2.0"), released("1.3.0")},
			[]string{"set version: 2.0.0 or more"},
		},
		"more, the same version": {
			[]func(string) string{replaced("m.b > 1.0", "m.b > 2.0")},
			[]string{"1.2.3 is not later than 1.2.3: set version: 2.0.0"},
		},
		"an earlier version": {
			[]func(string) string{replaced("m.b > 1.0", "m.b > 2.0"), released("1.1.9")},
			[]string{"set version: 2.0.0"},
		},
		"no entry in the changelog": {
			[]func(string) string{
				replaced("m.b > 1.0", "m.b > 2.0", "name: f\nversion: 1.2.3", "name: f\nversion: 2.0.0"),
			},
			[]string{"changelog: version 2.0.0 has no entry"},
		},
		"an id that was retired": {
			[]func(string) string{replaced("id: m.also", "id: m.old", "retired: [m.old]\n", ""), released("2.0.0")},
			[]string{
				"check m.old: the id was retired", "check m.also is dropped: add its id to retired", "retired: m.old is missing",
			},
		},
		"dropped": {
			[]func(string) string{dropped, released("2.0.0")},
			[]string{"check m.also is dropped"},
		},
		"dropped and retired": {
			[]func(string) string{
				dropped, replaced("retired: [m.old]", "retired: [m.old, m.also]"), released("2.0.0"),
			},
			nil,
		},
		"a retired id that is no more": {
			[]func(string) string{replaced("retired: [m.old]\n", "")},
			[]string{"retired: m.old is missing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := versioned
			for _, edit := range c.edits {
				text = edit(text)
			}
			faults := framework.Compare(before, meaningOf(t, text)).Versions()
			if len(faults) != len(c.want) {
				t.Fatalf("%q, want %q", faults, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(faults[i].Error(), want) {
					t.Errorf("%q, want %q", faults[i], want)
				}
			}
		})
	}
}

package framework

import (
	"strings"
	"testing"

	"github.com/prodready/collector/evidence"
)

const stepsHeader = "apiVersion: readiness/v1\nkind: Framework\nname: test\nversion: 0.1.0\nmodules:\n  - id: a\n    checks:\n"

const withSteps = stepsHeader + `      - {id: a.before, level: 3, title: C, proofs: [{by: machine, pass: deploy.automated}]}
      - id: a.b
        level: 2
        title: "Covered at {value%}"
        value: 0.9
        steps: {4: 0.99, 5: 0.999}
        remediation: ["Reach {value%}.", Rest]
        proofs:
          - {by: machine, pass: "pagerduty.coverage_ratio_14d >= {value}"}
          - {by: attested, pass: attest.a_b}
      - {id: a.after, level: 5, title: C, proofs: [{by: machine, pass: "deploy.automated && attest.a_b_other"}]}
`

const stepsWrittenOut = stepsHeader + `      - {id: a.before, level: 3, title: C, proofs: [{by: machine, pass: deploy.automated}]}
      - id: a.b
        level: 2
        title: Covered at 90 %
        proofs:
          - {by: machine, pass: "pagerduty.coverage_ratio_14d >= 0.9"}
          - {by: attested, pass: attest.a_b}
      - id: a.b.level-4
        level: 4
        title: Covered at 99 %
        proofs:
          - {by: machine, pass: "pagerduty.coverage_ratio_14d >= 0.99"}
          - {by: attested, pass: attest.a_b_level_4}
      - id: a.b.level-5
        level: 5
        title: Covered at 99.9 %
        proofs:
          - {by: machine, pass: "pagerduty.coverage_ratio_14d >= 0.999"}
          - {by: attested, pass: attest.a_b_level_5}
      - {id: a.after, level: 5, title: C, proofs: [{by: machine, pass: "deploy.automated && attest.a_b_other"}]}
`

func parsed(t *testing.T, texts ...string) *Document {
	t.Helper()
	var files []File
	for i, text := range texts {
		files = append(files, File{Name: string(rune('f'+i)) + ".yaml", Data: []byte(text)})
	}
	doc, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestSteps: one check with a threshold for each level means what several checks mean.
func TestSteps(t *testing.T) {
	t.Parallel()
	var definitions []evidence.Definition
	for _, name := range []string{"deploy.automated", "attest.a_b", "attest.a_b_level_4", "attest.a_b_level_5",
		"attest.a_b_other"} {
		definitions = append(definitions, evidence.Definition{Name: name, Kind: evidence.KindBool, Help: "yes"})
	}
	definitions = append(definitions, evidence.Definition{Name: "pagerduty.coverage_ratio_14d", Kind: evidence.KindDouble,
		Help: "ratio"})
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	compile := func(text string) *Framework {
		f, err := Compile(parsed(t, text), facts)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	short, long := compile(withSteps), compile(stepsWrittenOut)
	if short.Hash != long.Hash {
		t.Errorf("it means something else: %v, want %v", short.Meaning.Checks, long.Meaning.Checks)
	}
	var titles, attested []string
	for _, c := range short.Checks {
		titles = append(titles, c.ID+" "+c.Title)
	}
	for _, a := range parsed(t, withSteps).Attestations() {
		attested = append(attested, a.Fact.Name)
	}
	if got := strings.Join(titles, ", "); got != "a.before C, a.b Covered at 90 %, a.b.level-4 Covered at 99 %, "+
		"a.after C, a.b.level-5 Covered at 99.9 %" {
		t.Error(got)
	}
	if got := strings.Join(attested, " "); got != "attest.a_b attest.a_b_level_4 attest.a_b_level_5" {
		t.Error(got)
	}
	if step, err := short.Check("a.b.level-4"); err != nil || step.Remediation[0] != "Reach 99 %." {
		t.Errorf("%+v, %v", step, err)
	}
}

// TestStepsOfAnotherFramework: a step is changed and has fixtures as a check has.
func TestStepsOfAnotherFramework(t *testing.T) {
	t.Parallel()
	doc := parsed(t, withSteps+"fixtures: {a.b.level-4: [{want: unknown}], a.b: [{want: unknown}]}\n",
		"extends: test\nname: mine\nversion: 1.0.0\nchecks: {a.b: {steps: {4: 0.95}}}\nfixtures: {a.b.level-4: [{want: pass}]}\n")
	fourth, fifth := checkOf(doc, "a.b.level-4"), checkOf(doc, "a.b.level-5")
	if fourth.Title != "Covered at 95 %" || fifth.Title != "Covered at 99.9 %" {
		t.Errorf("%q, %q", fourth.Title, fifth.Title)
	}
	if f := doc.fixtures; len(f["a.b"]) != 0 || len(f["a.b.level-4"]) != 1 || f["a.b.level-4"][0].Want != "pass" {
		t.Errorf("%+v", f)
	}
	merged, err := doc.Merged()
	if err != nil {
		t.Fatal(err)
	}
	if again := parsed(t, string(merged.Data)); len(again.fixtures["a.b.level-4"]) != 1 || len(again.Checks()) != 5 {
		t.Errorf("%s", merged.Data)
	}
	said := doc.Lint().Error()
	if strings.Count(said, "check a.b: why is missing") != 1 || strings.Contains(said, "check a.b.level-4") {
		t.Error("texts of a check with steps are not asked for once")
	}
}

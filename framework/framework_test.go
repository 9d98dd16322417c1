package framework

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

func testFacts(t *testing.T) *evidence.Facts {
	t.Helper()
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "pagerduty.oncall_now", Kind: evidence.KindInt, Help: "people"},
		{Name: "pagerduty.coverage_ratio_14d", Kind: evidence.KindDouble, Help: "ratio"},
		{Name: "deploy.automated", Kind: evidence.KindBool, Help: "yes"},
		{Name: "attest.a_b", Kind: evidence.KindBool, Help: "attestation"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

const frame = `apiVersion: readiness/v1
kind: Framework
name: test
version: 0.1.0
modules:
  - id: a
    name: A
    checks:
      - id: a.b
        level: 1
        title: B
        proofs:
          - by: machine
            pass: PASS
`

func TestExpressionErrorsNameTheRemedy(t *testing.T) {
	for name, c := range map[string]struct{ pass, want string }{
		"unknown fact": {
			"pagerduty.oncal_now >= 1",
			`f.yaml:9: check a.b: proof 1: expression "pagerduty.oncal_now >= 1": unknown fact "pagerduty.oncal_now", did you mean "pagerduty.oncall_now"?`,
		},
		"unknown attribute":             {"service.teir == 1", `unknown attribute "service.teir", did you mean "service.tier"?`},
		"mixed numbers":                 {"pagerduty.coverage_ratio_14d == 1", "write whole numbers with a decimal point, such as 1.0"},
		"not a condition":               {"pagerduty.oncall_now + 1", "is of type int: want a condition that is true or false"},
		"no expression":                 {"''", "proof 1"},
		"syntax":                        {"deploy.automated &&", "character 20: it ends where a value should follow"},
		"types that cannot be compared": {"pagerduty.oncall_now == 'x'", "character 22: == cannot be applied to (int, string)"},
		"and":                           {"deploy.automated and true", "character 18: write && for and"},
		"one equal":                     {"deploy.automated = true", "character 18: write == to compare"},
		"a name twice": {
			"a.b && a.b || c.d", `: unknown fact "a.b"; unknown fact "c.d"`,
		},
		"a long expression": {
			strings.Repeat("(", 100) + strings.Repeat("true == true && ", 100) + "deploy.automted" + strings.Repeat(")", 100),
			strings.Repeat("(", 100) + " … " + strings.Repeat(")", 20) + `": unknown fact`,
		},
		"a costly expression": {
			"[1,2,3,4,5,6,7,8].all(a, [1,2,3,4,5,6,7,8].all(b, [1,2,3,4,5,6,7,8].all(c, [1,2,3,4,5,6,7,8].all(d, a+b+c+d > 0 && [1,2,3,4,5,6,7,8].all(e, e > 0)))))",
			"take nested loops out of it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(strings.Replace(frame, "PASS", `"`+c.pass+`"`, 1))}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Compile(doc, testFacts(t))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error\n  %v\nwants\n  %s", err, c.want)
			}
		})
	}
}

func TestFileErrorsNameThePlace(t *testing.T) {
	good := strings.Replace(frame, "PASS", "deploy.automated", 1)
	for name, c := range map[string]struct{ old, new, want string }{
		"misspelt key": {
			"        title: B", "        titel: B", `f.yaml:11: unknown key "titel", did you mean "title"?`,
		},
		"misspelt module key": {"    name: A", "    naem: A", `f.yaml:7: unknown key "naem", did you mean "name"?`},
		"level out of range":  {"level: 1", "level: 6", "level 6: want 1 to 5"},
		"weight not a number": {"level: 1", "level: 1\n        weight: .nan", `weight: want a number, got ".nan"`},
		"weight not finite":   {"level: 1", "level: 1\n        weight: -.inf", `weight: want a number, got "-.inf"`},
		"weight too large": {
			"level: 1", "level: 1\n        weight: 1e308", "weight 1e+308: want more than 0 and at most 1000",
		},
		"unknown proof kind": {"by: machine", "by: machin", `by "machin", did you mean "machine"?`},
		"no kind":            {"kind: Framework", "kind: Frame", `kind "Frame": want readiness/v1 and Framework`},
		"two documents":      {"      - id: a.b", "---\n      - id: a.b", "f.yaml:9: a second YAML document begins here"},
		"bad id":             {"id: a.b", "id: A_b", "an id is lower case words"},
		"scope reads facts": {
			"        level: 1", "        level: 1\n        scope: {when: deploy.automated}",
			`"deploy.automated" is a fact: a scope may only read service attributes`,
		},
		"duplicate": {
			"      - id: a.b",
			"      - {id: a.b, level: 1, title: B, proofs: [{by: machine, pass: deploy.automated}]}\n      - id: a.b",
			"the id is used twice",
		},
		"a retired check": {
			"modules:", "retired: [a.old, a.b]\nmodules:",
			"f.yaml:5: retired: there still is the check a.b, at f.yaml:10; give the check another id, or take",
		},
		"weak before strong": {
			"          - by: machine", "          - {by: attested, pass: attest.a_b}\n          - by: machine",
			"list proofs from strongest to weakest",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(text)}})
			if err == nil {
				_, err = Compile(doc, testFacts(t))
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error\n  %v\nwants\n  %s", err, c.want)
			}
		})
	}
}

func compile(t *testing.T, source string) *Expression {
	t.Helper()
	c, err := NewCompiler(testFacts(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAMissingFactOnlyMattersWhereTheAnswerDependsOnIt(t *testing.T) {
	f := &Framework{facts: testFacts(t)}
	oncall, _ := f.facts.Index("pagerduty.oncall_now")
	automated, _ := f.facts.Index("deploy.automated")
	for source, want := range map[string]Truth{
		"deploy.automated && pagerduty.oncall_now >= 1":                                       False,
		"deploy.automated || pagerduty.oncall_now >= 1":                                       Unknown,
		"!deploy.automated || pagerduty.oncall_now >= 1":                                      True,
		"pagerduty.oncall_now >= 1":                                                           Unknown,
		"pagerduty.oncall_now <= (service.tier <= 2 ? 3 : 4)":                                 Unknown,
		"service.tier == 2 ? deploy.automated : pagerduty.oncall_now > 1":                     False,
		`service.data_class in ["personal", "cardholder"] && pagerduty.oncall_now >= 1`:       False,
		"pagerduty.coverage_ratio_14d >= 1 || pagerduty.oncall_now / service.tier == 1":       Unknown,
		"pagerduty.coverage_ratio_14d < 0.5 && pagerduty.oncall_now == 2 || service.tier < 0": Unknown,
	} {
		vars := f.NewVars()
		vars.SetAttributes(&Attributes{Tier: 2, DataClass: "none"})
		vars.Set(automated, evidence.Bool(false))
		if got, err := compile(t, source).Eval(vars); got != want || err != nil {
			t.Errorf("%s is %v (%v), want %v", source, got, err, want)
		}
		vars.Set(oncall, evidence.Int(5))
		vars.Set(oncall, evidence.Value{})
		if vars.Known(oncall) {
			t.Error("a fact that was unset is still known")
		}
	}
}

func TestARuntimeErrorIsUnknownWithItsReason(t *testing.T) {
	f := &Framework{facts: testFacts(t)}
	vars := f.NewVars()
	vars.SetAttributes(&Attributes{})
	oncall, _ := f.facts.Index("pagerduty.oncall_now")
	vars.Set(oncall, evidence.Int(1))
	truth, err := compile(t, "pagerduty.oncall_now / service.tier == 1").Eval(vars)
	if truth != Unknown || err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("division by zero is %v, %v", truth, err)
	}
}

func TestFactsOfAnExpressionAreReadFromTheCompiledForm(t *testing.T) {
	e := compile(
		t, `service.runtime == "deploy.automated" && pagerduty.oncall_now >= 1 && (attest.a_b || pagerduty.oncall_now > 3)`,
	)
	var names []string
	for _, i := range e.Facts {
		names = append(names, testFacts(t).At(i).Name)
	}
	if got := strings.Join(names, " "); got != "attest.a_b pagerduty.oncall_now" {
		t.Errorf("facts %q", got)
	}
}

func TestNotMeasurableMeansThatNoProofCanComeTrue(t *testing.T) {
	facts := testFacts(t)
	given := func(i int) bool { return facts.At(i).Name == "pagerduty.oncall_now" }
	for source, want := range map[string]bool{
		"pagerduty.oncall_now >= 1":                                           true,
		"pagerduty.oncall_now >= 1 && deploy.automated":                       false,
		"pagerduty.oncall_now >= 1 || deploy.automated":                       true,
		"pagerduty.oncall_now >= 1 && (deploy.automated || service.stateful)": true,
		"!deploy.automated":                                                   false,
		"(service.tier == 1 ? pagerduty.coverage_ratio_14d : 1.0) >= 1.0":     false,
		"pagerduty.oncall_now == 0 || (attest.a_b && service.tier in [1, 2])": true,
	} {
		if got := compile(t, source).Decidable(given); got != want {
			t.Errorf("%s: decidable %v, want %v", source, got, want)
		}
	}
}

func TestDurationsOfAFramework(t *testing.T) {
	text := strings.Replace(
		strings.Replace(frame, "PASS", "deploy.automated", 1), "        level: 1", "        level: 3\n        dwell: 7d", 1,
	) + "award_dwell: 36h\nlapse_after: {diamond: 14d}\n"
	doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Compile(doc, testFacts(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.AwardDwell != 36*time.Hour || f.LapseAfter[Diamond] != 14*24*time.Hour ||
		f.LapseAfter[Gold] != DefaultLapseAfter {
		t.Errorf("award %s, lapse %v", f.AwardDwell, f.LapseAfter)
	}
	c, err := f.Check("a.b")
	if err != nil || c.Dwell != 7*24*time.Hour || c.Weight != 2 {
		t.Errorf("check %+v, %v", c, err)
	}
	if _, err := f.Check("a.c"); err == nil || !strings.Contains(err.Error(), `did you mean "a.b"?`) {
		t.Errorf("unknown check: %v", err)
	}
}

func TestHowLongAttestationsAreValid(t *testing.T) {
	for name, tc := range map[string]struct{ by, level, good, want string }{
		"less":           {"attested", "1", "90d", ""},
		"the most":       {"attested", "4", "180d", ""},
		"too long":       {"attested", "4", "181d", "claims_good_for: an attestation at level 4 is good for 180d at most"},
		"not attested":   {"machine", "1", "90d", "claims_good_for is given and no proof is attested"},
		"not a duration": {"attested", "1", "soon", `want a positive time such as 90m, 24h or 14d, got "soon"`},
	} {
		text := strings.NewReplacer(
			"PASS", "attest.a_b", "machine", tc.by, "level: 1", "level: "+tc.level+"\n        claims_good_for: "+tc.good,
		).Replace(frame)
		doc, err := Parse([]File{{Name: "f.yaml", Data: []byte(text)}})
		if err == nil {
			_, err = Compile(doc, testFacts(t))
		}
		if tc.want != "" {
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: error %v, want %q", name, err, tc.want)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if claims := doc.Attestations(); len(claims) != 1 ||
			claims[0].GoodFor.Hours() != map[string]float64{"90d": 90 * 24, "180d": 180 * 24}[tc.good] {
			t.Errorf("%s: %+v", name, claims)
		}
	}
}

func FuzzParseAndCompile(f *testing.F) {
	f.Add([]byte(strings.Replace(frame, "PASS", "deploy.automated", 1)))
	facts, err := evidence.NewFacts([]evidence.Definition{{Name: "deploy.automated", Kind: evidence.KindBool, Help: "x"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		if doc, err := Parse([]File{{Name: "f.yaml", Data: data}}); err == nil {
			_, _ = Compile(doc, facts)
		}
	})
}

// TestAProofMayGoThroughAList: it is written out again like others, to compare frameworks.
func TestAProofMayGoThroughAList(t *testing.T) {
	c, err := NewCompiler(testFacts(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Compile("[1, 2].exists(n, pagerduty.oncall_now>=n) && deploy.automated")
	if err != nil {
		t.Fatal(err)
	}
	if want := "[1, 2].exists(n, pagerduty.oncall_now >= n) && deploy.automated"; e.normalised != want {
		t.Errorf("%q, want %q", e.normalised, want)
	}
}

// TestAnExpressionNeedsTheFactsInIt, also those in loops, lists and maps: without any fact
// none of these can come true, so a check that has it as its proof is not measurable.
func TestAnExpressionNeedsTheFactsInIt(t *testing.T) {
	c, err := NewCompiler(testFacts(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{
		"pagerduty.oncall_now >= 1",
		"[1, 2].exists(n, pagerduty.oncall_now >= n)",
		"[1, 2].all(n, pagerduty.oncall_now >= n)",
		"[1, 2].exists_one(n, pagerduty.oncall_now == n)",
		"[1, 2].filter(n, n > pagerduty.oncall_now).size() == 0",
		"[1, 2].map(n, n + pagerduty.oncall_now).exists(m, m > 2)",
		"[[1, 2], [3]].all(l, l.all(n, n > 0 && pagerduty.oncall_now > n))",
		"[1, 2].exists(n, deploy.automated || n == 1 && pagerduty.oncall_now >= n)",
		"[deploy.automated].all(x, x)",
		"true in [deploy.automated]",
		"[deploy.automated][0]",
		"{'a': deploy.automated}['a']",
	} {
		e, err := c.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		if e.Decidable(func(int) bool { return false }) {
			t.Errorf("%s can come true without any fact", source)
		}
		if !e.Decidable(func(int) bool { return true }) {
			t.Errorf("%s can never come true", source)
		}
	}
	e, err := c.Compile("[1, 2].exists(n, deploy.automated || pagerduty.oncall_now >= n)")
	if err != nil {
		t.Fatal(err)
	}
	automated, _ := c.facts.Index("deploy.automated")
	if !e.Decidable(func(fact int) bool { return fact == automated }) {
		t.Error("one of two facts is enough")
	}
}

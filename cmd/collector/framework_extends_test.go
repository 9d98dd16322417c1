package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheFrameworksOfThePage loads every framework that docs/framework-of-your-own.md shows.
// The lint of the large example reports only the missing texts of the check that it adds.
func TestTheFrameworksOfThePage(t *testing.T) {
	text, err := os.ReadFile("../../docs/framework-of-your-own.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 4 {
		t.Fatalf("%d texts of YAML on the page", len(blocks))
	}
	s := newFolder(t)
	s.write("acme.yaml", blocks[0][1])
	s.write("large.yaml", blocks[2][1])
	file := filepath.Join(s.folder, "acme.yaml")
	_, errs, code := s.run("framework", "lint", "--framework.file", file)
	if code != exitConfig || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "to a file acme.fixtures.yaml") ||
		!strings.Contains(errs, "acme.yaml:5: check obs.noise-bounded: no fixture wants pass, fail, unknown: add facts") {
		t.Errorf("exit %d: %s", code, errs)
	}
	// The check with steps, in a folder.
	if err := os.Mkdir(filepath.Join(s.folder, "steps"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("steps/framework.yaml", blocks[0][1])
	s.write("steps/noise.yaml", blocks[3][1])
	shown, errs, code := s.run("framework", "show", "obs.noise.level-5", "--framework.file", s.folder+"/steps")
	if code != exitOK || !strings.Contains(shown, "Alert noise at most 5 %") || !strings.Contains(shown, "<= 0.05") {
		t.Errorf("exit %d: %s%s", code, shown, errs)
	}
	s.write("acme.fixtures.yaml", blocks[1][1])
	out, errs, code := s.run("framework", "lint", "--framework.file", file)
	if code != exitOK || !strings.Contains(out, "acme 1.0.0: 73 checks in 6 modules, nothing is missing") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	// Its fixtures in place of three of the default.
	out, errs, code = s.run("framework", "test", "--file", file)
	if code != exitOK || !strings.Contains(out, "fixtures of 73 checks, all as they want") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	out, errs, code = s.run("framework", "show", "--framework.file", s.folder+"/large.yaml")
	for _, want := range []string{"WHAT DIFFERS FROM DEFAULT 1.", "Changed: obs.noise-bounded, ", "Added: cost.budget",
		"Left out: rel.fault-injected"} {
		if !strings.Contains(out, want) {
			t.Errorf("exit %d without %q: %s%s", code, want, errs, out)
		}
	}
	_, errs, code = s.run("framework", "lint", "--framework.file", s.folder+"/large.yaml")
	for line := range strings.Lines(errs) {
		if !strings.Contains(line, "check cost.budget") && !strings.Contains(line, "module cost") &&
			!strings.Contains(line, "no fixture wants") && !strings.Contains(line, "has no check for tier") {
			t.Errorf("exit %d: %s", code, line)
		}
	}
	if code != exitConfig || strings.Count(errs, "\n") < 5 {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestAFrameworkThatIsAFolder: the configuration names the folder, or the name of an installed
// framework, and paths are relative to the file that has them.
func TestAFrameworkThatIsAFolder(t *testing.T) {
	s := newFolder(t)
	for name, text := range map[string]string{
		"acme/framework.yaml": "extends: ../platform.yaml\nname: acme\nversion: 3.0.0\n",
		"acme/changes.yaml":   "checks: {obs.noise-bounded: {value: 0.1}}\n",
		"platform.yaml":       "extends: default\nname: platform\nversion: 2.5.0\ndrop: [data]\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(s.folder, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		s.write(name, text)
	}
	s.write("acme/changes.fixtures.yaml", "obs.noise-bounded: [{want: unknown}, "+
		"{facts: {pagerduty.noise_ratio_30d: 0.1}, want: pass}, {facts: {pagerduty.noise_ratio_30d: 0.11}, want: fail}]\n")
	for config, want := range map[string]string{
		"framework: {file: acme}":                                   "acme 3.0.0: 61 checks in 5 modules",
		"framework: {file: platform@2, installed: [platform.yaml]}": "platform 2.5.0: 61 checks in 5 modules",
		"framework: {file: default@1}":                              "default 1.",
	} {
		s.write("collector.yaml", config+"\ncatalog: {services: [{name: a, tier: 1}]}\n")
		if out, errs, code := s.run("framework", "lint"); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: exit %d: %s%s", config, code, out, errs)
		}
	}
	s.write("collector.yaml", "framework: {file: acme@1}\n")
	if _, errs, code := s.run("framework", "lint"); code != exitConfig || !strings.Contains(errs, "framework.yaml is acme 3.0.0, and version 1 was asked for") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestBadFrameworks: each exits 2 with one line that has the file, the line and a remedy.
func TestBadFrameworks(t *testing.T) {
	const header = "extends: default@1\nname: acme\nversion: 1.0.0\n"
	s := newFolder(t)
	for name, c := range map[string]struct{ text, want string }{
		"cycle":     {strings.Replace(header, "default@1", "cycle.yaml", 1), "cycle.yaml:1: extends: cycle.yaml extends itself"},
		"duplicate": {header + "modules: [{id: obs, checks: [{id: obs.traces}]}]\n", "the id is used twice, first at 2-obs/33-traces.yaml:1; write"},
		"always": {header + "checks:\n  obs.traces: {proofs: [{by: machine, pass: trace.spans || !trace.spans}]}\n",
			"always.yaml:5: check obs.traces: proof 1: expression \"trace.spans || !trace.spans\" is always true"},
		"no-fact": {header + "checks:\n  obs.traces: {proofs: [{by: machine, pass: service.tier == 1}]}\n", "reads no fact"},
		"number":  {header + "checks:\n  obs.traces: {proofs: [{by: machine, pass: slo.count}]}\n", "want a condition that is true or false"},
		"attribute": {header + "checks:\n  obs.traces: {scope: {when: service.teir == 1}}\n",
			`attribute.yaml:5: check obs.traces: expression "service.teir == 1": unknown attribute "service.teir", did you mean "service.tier"?`},
		"nan":   {header + "checks:\n  obs.traces: {weight: .nan}\n", `nan.yaml:5: checks.obs.traces.weight: want a number, got ".nan"`},
		"gap":   {header + "drop: [obs.slo-defined, obs.outside-in, obs.traces, obs.noise-bounded]\n", "module obs: level 3 has no check for tier 1, 2, 3, 4"},
		"large": {header + strings.Repeat("# ten megabytes\n", 10<<20/16), "cannot be read: too large: more than 8388608 bytes"},
		"bomb": {"a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n" +
			"d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d]\n", "aliases make the file more than ten times larger; write"},
		"latin": {"name: caf\xe9\n", "latin.yaml:1: this is not YAML"},
	} {
		s.write(name+".yaml", c.text)
		_, errs, code := s.run("framework", "lint", "--framework.file", filepath.Join(s.folder, name+".yaml"))
		if code != exitConfig || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s exits %d: %s\nwant %s", name, code, errs, c.want)
		}
	}
}

// TestFixtures: what fails is listed and exits with 1, what cannot be judged with 2, and a CI
// server reads the results as XML.
func TestFixtures(t *testing.T) {
	s := newFolder(t)
	s.write("acme.yaml", "extends: default@1\nname: acme\nversion: 1.0.0\nchecks:\n  obs.noise-bounded: {value: 0.2}\n")
	good := "obs.noise-bounded:\n  - {facts: {pagerduty.noise_ratio_30d: 0.2}, want: pass, by: machine}\n"
	wrong := "  - {case: far too much, facts: {pagerduty.noise_ratio_30d: 0.3}, want: pass}\n" +
		"  - {case: by a ticket, facts: {pagerduty.noise_ratio_30d: 0.1}, want: pass, by: ticket}\n"
	run := func(fixtures string, arguments ...string) (out, errs string, code int) {
		s.write("acme.fixtures.yaml", fixtures)
		return s.run(append([]string{"framework", "test", "--file", filepath.Join(s.folder, "acme.yaml")}, arguments...)...)
	}
	if out, errs, code := run(good + wrong); code != exitFailure || !strings.Contains(errs, "2 fixtures failed") ||
		!regexp.MustCompile(`acme\.fixtures\.yaml:3 +obs\.noise-bounded +pass +fail`).MatchString(out) ||
		!regexp.MustCompile(`acme\.fixtures\.yaml:4 +obs\.noise-bounded +pass by ticket +pass by machine`).MatchString(out) ||
		!strings.Contains(out, "far too much") || strings.Contains(out, "yaml:2") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	out, _, code := run(good+wrong, "-o", "junit")
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(out), &suites); err != nil || code != exitFailure {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	tests, failures := 0, []string{}
	for _, suite := range suites.Suites {
		for _, c := range suite.Cases {
			tests++
			if c.Failure != nil {
				failures = append(failures, suite.Name+" "+c.Class+" "+c.Name+": "+c.Failure.Message)
			}
		}
	}
	want := []string{"obs obs.noise-bounded far too much: want pass, got fail",
		"obs obs.noise-bounded by a ticket: want pass by ticket, got pass by machine"}
	if suites.Failures != 2 || suites.Tests != tests || len(suites.Suites) != 6 || !slices.Equal(failures, want) {
		t.Errorf("%d tests in %d suites, %q", tests, len(suites.Suites), failures)
	}
	if out, _, code := run(good, "-o", "json"); code != exitOK || !strings.Contains(out, `"failed": 0`) {
		t.Errorf("exit %d: %.200s", code, out)
	}
	for fixtures, want := range map[string]string{
		"obs.noise-bound: []\n": `acme.fixtures.yaml:1: fixtures: there is no check "obs.noise-bound", did you mean "obs.noise-bounded"?`,
		"obs.noise-bounded: [{facts: {pagerduty.noise_ratio_30: 0.2}, want: pass}]\n": "acme.fixtures.yaml:1: check obs.noise-bounded: " +
			`no proof reads the fact "pagerduty.noise_ratio_30", did you mean "pagerduty.noise_ratio_30d"?`,
		"obs.noise-bounded: [{facts: {pagerduty.noise_ratio_30d: true}, want: pass}]\n": "pagerduty.noise_ratio_30d: want double, got true",
		"obs.noise-bounded: [{want: passed}]\n":                                         `want "passed", did you mean "pass"?: want one of pass, fail, unknown, not_applicable`,
		"obs.noise-bounded: [{wants: pass}]\n":                                          `acme.fixtures.yaml:1: unknown key "wants", did you mean "want"?`,
	} {
		_, errs, code := run(fixtures)
		if code != exitConfig || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("exit %d: %s\nwant %s", code, errs, want)
		}
	}
}

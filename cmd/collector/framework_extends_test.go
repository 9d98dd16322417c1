package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheFrameworksOfThePage: what the page about frameworks of one's own shows is loaded, and
// the lint says of the large one that the texts of its own check are missing, and no more.
func TestTheFrameworksOfThePage(t *testing.T) {
	text, err := os.ReadFile("../../docs/framework-of-your-own.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d frameworks on the page", len(blocks))
	}
	s := newFolder(t)
	s.write("five.yaml", blocks[0][1])
	s.write("large.yaml", blocks[1][1])
	out, errs, code := s.run("framework", "lint", "--framework.file", s.folder+"/five.yaml")
	if code != exitOK || !strings.Contains(out, "acme 1.0.0: 73 checks in 6 modules, nothing is missing") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	_, errs, code = s.run("framework", "lint", "--framework.file", s.folder+"/large.yaml")
	for line := range strings.Lines(errs) {
		if !strings.Contains(line, "check cost.budget") && !strings.Contains(line, "module cost") {
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
			`attribute.yaml:5: check obs.traces: expression "service.teir == 1": unknown fact "service.teir", did you mean "service.tier"?`},
		"nan":   {header + "checks:\n  obs.traces: {weight: .nan}\n", `nan.yaml:5: checks.obs.traces.weight: want a number, got ".nan"`},
		"gap":   {header + "drop: [obs.slo-defined, obs.outside-in, obs.traces, obs.noise-bounded]\n", "module obs: level 3 has no check for tier 1, 2, 3, 4"},
		"large": {header + strings.Repeat("# ten megabytes\n", 10<<20/16), "large.yaml: too large: more than 8388608 bytes"},
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

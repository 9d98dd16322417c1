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

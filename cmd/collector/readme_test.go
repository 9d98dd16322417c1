package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheReadmesConfigurationIsValid checks the configuration a new user
// copies, and that every command the README names exists.
func TestTheReadmesConfigurationIsValid(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d texts of YAML in the README, want a configuration and a framework", len(blocks))
	}
	s := newFolder(t)
	s.write("acme.yaml", blocks[1][1])
	shown, errs, code := s.run("framework", "show", "obs.noise-bounded", "--framework.file", s.folder+"/acme.yaml")
	if code != exitOK || len(strings.Split(strings.TrimSpace(blocks[1][1]), "\n")) != 5 ||
		!strings.Contains(shown, "Alert noise at most 20 %") || !strings.Contains(shown, "<= 0.2") {
		t.Errorf("exit %d\n%s%s", code, shown, errs)
	}
	if err := os.Mkdir(s.folder+"/secrets", 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("collector.yaml", blocks[0][1])
	s.write("secrets/pagerduty", "x")
	s.write("secrets/jira", "y")
	out, errs, code := s.run("check")
	if code != exitOK || !regexp.MustCompile(`[1-9]\d* checks`).MatchString(out) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	commands := regexp.MustCompile(`(?m)^bin/collector (.*(?:\\\n.*)*)`).FindAllStringSubmatch(string(text), -1)
	if len(commands) < 8 {
		t.Errorf("%d commands in the README", len(commands))
	}
	for _, m := range commands {
		// A flag that does not exist is refused before help is given.
		line, _, _ := strings.Cut(strings.ReplaceAll(m[1], "\\\n", " "), "#")
		help, errs, code := s.run(append(strings.Fields(line), "--help")...)
		if code != exitOK || !strings.Contains(help, "Exit codes") {
			t.Errorf("%s --help exits %d: %s%s", line, code, help, errs)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletion: a shell completes the names of the configuration and of closed sets, and
// nothing, rather than an error, where the configuration is not valid.
func TestCompletion(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	complete := func(arguments ...string) []string {
		t.Helper()
		out, errs, code := s.run(append([]string{"__complete"}, arguments...)...)
		if code != exitOK {
			t.Fatalf("%v: exit %d: %s%s", arguments, code, out, errs)
		}
		names := strings.Fields(out)
		if n := len(names); n == 0 || names[n-1] != ":4" {
			t.Errorf("%v: %q, want no names of files", arguments, out)
			return names
		}
		return names[:len(names)-1]
	}
	for arguments, want := range map[string]string{
		"score ":                          "cart checkout ghost",
		"score ch":                        "checkout",
		"score checkout inc.e":            "inc.escalates",
		"history g":                       "ghost",
		"gate ":                           "cart checkout ghost",
		"gate checkout --badge ":          "bronze silver gold platinum diamond",
		"gate checkout --check inc.r":     "inc.registered",
		"gate checkout --module ":         "inc",
		"collect --source ":               "pagerduty/main",
		"incidents --team ":               "payments",
		"incidents --org ":                "shop",
		"incidents --tier ":               "1 2 3 4",
		"framework show inc.c":            "inc.covered",
		"framework show change":           "changelog",
		"score checkout -o ":              "table json csv",
		"completion ":                     "bash zsh fish powershell",
		"score checkout inc.covered more": "",
	} {
		if got := strings.Join(complete(strings.Split(arguments, " ")...), " "); got != want {
			t.Errorf("%q: %q, want %q", arguments, got, want)
		}
	}
	s.edit("collector.yaml", "catalog:", "catalogue:")
	if names := complete("score", ""); len(names) > 0 {
		t.Errorf("of a broken configuration: %q", names)
	}
}

// TestCompletionScripts: each is for the name of the program.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, errs, code := s.run("completion", shell); code != exitOK || !strings.Contains(out, "collector") {
			t.Errorf("%s: exit %d: %s", shell, code, errs)
		}
	}
	if _, errs, code := s.run("completion", "tcsh"); code != exitConfig ||
		!strings.Contains(errs, "bash, zsh, fish or powershell") {
		t.Errorf("exit %d: %s", code, errs)
	}
	for file, want := range map[string]string{
		"/usr/bin/readiness-collector": "readiness-collector", `readiness-collector.exe`: "readiness-collector",
		"bin/collector": "collector", "main.test": "collector",
	} {
		if got := programName(file); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

// TestManualPages: there is one for each command, with its exit codes.
func TestManualPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, errs, code := s.run("man", "--out", "man1"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	files, err := filepath.Glob(filepath.Join(s.folder, "man1", "*.1"))
	if err != nil || len(files) < 25 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for _, name := range []string{"collector.1", "collector-score.1", "collector-framework-preview.1"} {
		path := filepath.Join(s.folder, "man1", name)
		text, err := os.ReadFile(path)
		if err != nil || !slices.Contains(files, path) || !strings.Contains(string(text), "Exit codes") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

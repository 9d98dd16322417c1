package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFrameworkIsShown: each page is read in 80 columns, without a configuration.
func TestFrameworkIsShown(t *testing.T) {
	s := newFolder(t)
	for name, want := range map[string]string{
		"": "Readiness framework default", "inc": "CHECKLIST", "levels": "FROM BRONZE TO DIAMOND", "changelog": "1.0.0",
		"glossary": "dwell", "cicd.no-drift": "attest-cicd-no-drift",
	} {
		out, errs, code := s.run(append([]string{"framework", "show"}, strings.Fields(name)...)...)
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%q exits %d without %q: %s%s", name, code, want, out, errs)
		}
		for line := range strings.Lines(out) {
			line = strings.TrimRight(line, "\n")
			// A word is not broken: it may be an address. Examples are to be copied.
			if len([]rune(line)) > 80 && len(strings.Fields(line)) > 1 && !strings.HasPrefix(line, "  ") {
				t.Errorf("%q: longer than 80 columns: %s", name, line)
			}
		}
	}
	for name, want := range map[string]string{
		"no-drift": `did you mean "cicd.no-drift"?`, "cicd.no-drfit": `did you mean "cicd.no-drift"?`,
		"incc": `did you mean "inc"?`, "lunch": "`collector framework show` lists all",
	} {
		if _, errs, code := s.run("framework", "show", name); code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("%q exits %d: %s", name, code, errs)
		}
	}
}

// TestFrameworkAsAFile: what dump prints is complete, and is loaded.
func TestFrameworkAsAFile(t *testing.T) {
	s := newFolder(t)
	dumped, errs, code := s.run("framework", "dump")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	s.write("mine.yaml", dumped)
	file := filepath.Join(s.folder, "mine.yaml")
	out, errs, code := s.run("framework", "lint", "--framework.file", file)
	if code != exitOK || !strings.Contains(out, "73 checks in 6 modules, nothing is missing") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	again, _, code := s.run("framework", "dump", "--framework.file", file)
	if code != exitOK || again != dumped {
		t.Errorf("exit %d: a dump of the dump is another", code)
	}
	s.write("mine.yaml", strings.Replace(dumped, "    why: >-\n", "    note: >-\n", 1))
	if _, errs, code := s.run("framework", "lint", "--framework.file", file); code != exitConfig ||
		!strings.Contains(errs, "check cicd.source-in-version-control: why is missing: say what goes wrong without it") ||
		!strings.Contains(errs, "mine.yaml:") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestFrameworkPages: the pages are written, and what is no page is named and left alone.
func TestFrameworkPages(t *testing.T) {
	s := newFolder(t)
	folder := filepath.Join(s.folder, "pages")
	if _, errs, code := s.run("framework", "docs"); code != exitConfig || !strings.Contains(errs, "--out is missing") {
		t.Errorf("exit %d: %s", code, errs)
	}
	for range 2 {
		if out, errs, code := s.run("framework", "docs", "--out", folder); code != exitOK || !strings.Contains(out, "83 pages") ||
			strings.Contains(out, "not a page") {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
	}
	dropped := filepath.Join(folder, "cicd", "dropped.md")
	if err := os.WriteFile(dropped, []byte("# cicd.dropped\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, _ := s.run("framework", "docs", "--out", folder)
	if _, err := os.Stat(dropped); err != nil || !strings.Contains(out, dropped+" is not a page of this framework") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestCheckWarnsOfMissingTexts: a framework without texts is good for judging, so that
// check warns and does not fail.
func TestCheckWarnsOfMissingTexts(t *testing.T) {
	const warning = "texts that owners read are missing"
	s := newSite(t)
	if out, errs, code := s.run("check"); code != exitOK || !strings.Contains(out, "warn  framework: "+warning) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	own := newFolder(t)
	own.write("collector.yaml", "catalog: {services: [{name: a, tier: 1}]}\n")
	if out, errs, code := own.run("check"); code != exitOK || strings.Contains(out, warning) {
		t.Errorf("of the default: exit %d: %s%s", code, out, errs)
	}
}

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/prodready/collector/report"
)

// TestFrameworkVersions: what changes a framework is said, and a version that does not say
// it is refused.
func TestFrameworkVersions(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	s.write("old.yaml", fourChecks)
	stricter := strings.Replace(fourChecks, "escalation_levels >= 2", "escalation_levels >= 3", 1)
	s.write("new.yaml", stricter)
	out, errs, code := s.run("framework", "diff", "old.yaml", "new.yaml")
	if code != exitOK || !strings.Contains(out, "Needs a major version") ||
		!strings.Contains(out, "pagerduty.escalation_levels >= 2 → pagerduty.escalation_levels >= 3") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	out, _, code = s.run("framework", "diff", "old.yaml", "new.yaml", "-o", "md")
	if code != exitOK || !strings.HasPrefix(out, "### four 1.0.0 → four 1.0.0\n") ||
		!strings.Contains(out, "- major: proof 1") {
		t.Errorf("exit %d: %s", code, out)
	}
	out, _, code = s.run("framework", "diff", "new.yaml", "old.yaml", "-o", "json")
	var d report.Diff
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != exitOK || d.Step != "minor" || len(d.Changes) != 1 ||
		d.Changes[0].Check != "inc.escalates" {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	out, _, code = s.run("framework", "diff", "default", "default@1")
	if code != exitOK || !strings.Contains(out, "Nothing differs") {
		t.Errorf("exit %d: %s", code, out)
	}

	// The texts are those of the default, so that only the version is wrong.
	dump, _, _ := s.run("framework", "dump")
	s.write("released.yaml", dump)
	s.write("mine.yaml", "extends: default@1\nname: acme\nversion: 1.9.0\nchecks:\n  obs.noise-bounded: {value: 0.2}\n")
	lint := func(args ...string) (string, string, int) {
		return s.run(append([]string{"framework", "lint"}, args...)...)
	}
	if out, errs, code := lint("--framework.file", "released.yaml", "--against", "default"); code != exitOK ||
		!strings.Contains(out, "nothing differs") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	s.write("mine-1.8.0.yaml", "extends: default@1\nname: acme\nversion: 1.8.0\n")
	_, errs, code = lint("--framework.file", "mine.yaml", "--against", "mine-1.8.0.yaml")
	said := strings.Join(strings.Fields(errs), " ")
	if code != exitConfig || !strings.Contains(said, "check obs.noise-bounded: proof") ||
		!strings.Contains(errs, "2.0.0 or more") {
		t.Errorf("exit %d: %s", code, errs)
	}
	_, errs, code = lint("--framework.file", "mine.yaml", "--against", "released.yaml")
	if said := strings.Join(strings.Fields(errs), " "); code != exitConfig ||
		!strings.Contains(said, "default 1.1.1 is another framework than acme") ||
		!strings.Contains(said, "name an earlier version of acme") {
		t.Errorf("against another framework: exit %d: %s", code, errs)
	}
	for _, wrong := range [][]string{
		{"framework", "diff", "old.yaml"}, {"framework", "diff", "old.yaml", "none.yaml"},
		{"framework", "lint", "--against", "none.yaml"},
		{"framework", "lint", "--framework.file", "four.yaml", "--against", "default"},
	} {
		if _, errs, code := s.run(wrong...); code != exitConfig || errs == "" {
			t.Errorf("%v: exit %d: %s", wrong, code, errs)
		}
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const unitFile = "readiness-collector.service"

// maxExposure bounds what `systemd-analyze security` says of the unit, from 0 to 10: what is
// left to it is a network and a folder.
const maxExposure = 1.5

// TestSystemdUnit: systemd understands the unit and has nothing to warn of, the program
// understands its command line, and it may do little.
func TestSystemdUnit(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "systemd", unitFile))
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/readiness-collector run (.*)$`).
		FindStringSubmatch(string(text))
	if start == nil {
		t.Fatal("the unit does not start readiness-collector run")
	}
	s := newFolder(t)
	own := strings.NewReplacer("/etc/readiness-collector", s.folder, "/var/lib/readiness-collector", s.folder)
	arguments := own.Replace(start[1])
	s.write("collector.yaml", "catalog: {services: [{name: shop, tier: 1}]}\n")
	if out, errs, code := s.run(append([]string{"check"}, strings.Fields(arguments)...)...); code != exitOK {
		t.Errorf("check %s: exit %d: %s%s", arguments, code, out, errs)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: a host without systemd cannot judge a unit")
	}
	// It wants the program to be there.
	unit := filepath.Join(t.TempDir(), unitFile)
	standIn := strings.Replace(string(text), "/usr/local/bin/readiness-collector", "/bin/true", 1)
	if err := os.WriteFile(unit, []byte(standIn), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--no-pager", unit).CombinedOutput()
	exposure := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if exposure == nil {
		t.Skipf("this systemd-analyze cannot look at a file: %v\n%s", err, out)
	}
	if level, err := strconv.ParseFloat(string(exposure[1]), 64); err != nil || level > maxExposure {
		t.Errorf("the exposure is %v, at most %v is wanted (%v)\n%s", level, maxExposure, err, out)
	}
}

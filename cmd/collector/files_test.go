package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// filesPage is docs/files.md, whose blocks of code the test runs.
const filesPage = "../../docs/files.md"

func blocks(t *testing.T, language string) []string {
	t.Helper()
	page, err := os.ReadFile(filesPage)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		texts = append(texts, m[1])
	}
	return texts
}

// TestFactsFromFiles follows docs/files.md: its configuration, its recipe, and
// the check that reads the fact.
func TestFactsFromFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("collector.yaml",
		"store: {url: readiness.db}\nframework: {file: coverage.yaml}\nserver: {listen_address: \"127.0.0.1:0\"}\n"+
			"catalog:\n  teams: [{name: payments, org: shop}]\n  services:\n    - {name: checkout, team: payments, org: shop, tier: 1}\n    - {name: cart, team: payments, org: shop, tier: 2}\n"+
			blocks(t, "yaml")[0])
	s.write("coverage.yaml", `apiVersion: readiness/v1
kind: Framework
name: coverage
version: 1.0.0
modules:
  - id: cicd
    name: CI/CD
    checks:
      - id: cicd.coverage
        level: 1
        title: Tests run most of the code
        remediation: [Write tests.]
        proofs: [{by: machine, pass: "ci.coverage_ratio >= 0.8"}]
`)
	recipe := exec.CommandContext(t.Context(), "sh", "-c", blocks(t, "sh")[0])
	recipe.Dir, recipe.Env = s.folder, append(os.Environ(), "COVERAGE=0.81")
	if out, err := recipe.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, stderr, code := s.run("check", "--online"); code != 0 {
		t.Fatalf("check: %s", stderr)
	}
	stdout, stderr, code := s.run("collect", "--once")
	if code != 0 || !regexp.MustCompile(`checkout .*Bronze`).MatchString(stdout) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	stdout, stderr, code = s.run("score", "-o", "json", "checkout")
	if code != 0 || !strings.Contains(stdout, "pipeline by hand") {
		t.Errorf("exit %d, want the entry's detail in\n%s%s", code, stdout, stderr)
	}

	// The page's own example is from March: it has expired, and the newer entry of
	// the recipe counts.
	s.write("facts/page.yaml", blocks(t, "yaml")[1])
	s.write("facts/late.json", `[
  {"service": "cart", "fact": "ci.coverage_ratio", "value": 0.9, "observed_at": "`+
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"},
  {"service": "cart", "fact": "ci.coverage", "value": 0.9, "observed_at": "2026-03-01T12:00:00Z"}
]`)
	_, stderr, code = s.run("collect", "--once")
	if code != 0 || !strings.Contains(stderr, "late.json") || !strings.Contains(stderr, "line 2: observed_at") ||
		!strings.Contains(stderr, "line 3: unknown fact") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	stdout, _, _ = s.run("score", "-o", "json", "checkout")
	if !json.Valid([]byte(stdout)) || !strings.Contains(stdout, "pipeline by hand") || strings.Contains(stdout, "4711") {
		t.Errorf("the expired entry counts:\n%s", stdout)
	}

	s.write("facts/broken.yaml", "- service: checkout\n  value: [")
	if _, stderr, code = s.run("collect", "--once"); code == 0 || !strings.Contains(stderr, "broken.yaml") {
		t.Errorf("exit %d for a file that cannot be decoded\n%s", code, stderr)
	}
}

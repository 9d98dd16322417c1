package main

import (
	"strings"
	"testing"
)

// TestDashboardsAreWritten: with the addresses of the command and the titles of the
// configuration, or of the default without one.
func TestDashboardsAreWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, errs, code := s.run("dashboards", "--out", "boards", "--pages-url", "https://readiness.example.com/",
		"--docs-url", "https://wiki.example.com")
	if code != exitOK || out != "5 dashboards in boards\n" || errs != "" {
		t.Fatalf("exit %d: %q, %q", code, out, errs)
	}
	for _, name := range []string{"fleet", "service", "incidents", "team", "collector"} {
		text := s.read("boards/" + name + ".json")
		for _, want := range []string{`"https://readiness.example.com"`, `"https://wiki.example.com"`, `"uid": "readiness-` + name} {
			if !strings.Contains(text, want) {
				t.Errorf("%s.json has no %s", name, want)
			}
		}
	}
	for arguments, want := range map[string]string{
		"dashboards": "--out is missing",
		"dashboards --out x --pages-url readiness.example.com":      "--pages-url is \"readiness.example.com\": an address begins with",
		"dashboards --out x --docs-url https://x.example.com/?a=b":  "--docs-url is",
		"dashboards --out x --pages-url https://a:b@x.example.com/": "leave out the password",
		"dashboards checkout --out x":                               "takes no arguments",
		"dashboards --out x --config missing.yaml":                  "missing.yaml",
		"dashboards --out collector.yaml/x":                         "making a folder for dashboards",
	} {
		_, errs, code := s.run(strings.Fields(arguments)...)
		wantCode := exitConfig
		if strings.Contains(want, "folder") {
			wantCode = exitFailure
		}
		if code != wantCode || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s", arguments, code, errs)
		}
	}
}

// TestRulesAreWritten: with the name for services without a team.
func TestRulesAreWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, errs, code := s.run(
		"rules", "--out", "alerts/of ours", "--without", "nobody", "--runbooks-url", "https://wiki.example.com/x",
	)
	if code != exitOK || out != "1 rule file in alerts/of ours\n" || errs != "" {
		t.Fatalf("exit %d: %q, %q", code, out, errs)
	}
	text := s.read("alerts/of ours/readiness.rules.yaml")
	for want, times := range map[string]int{
		`"team", "nobody", "team", ""`: 1, `"org", "nobody", "org", ""`: 1, `"none", "team"`: 0,
		"github.com/prodready/collector/blob/main/rules/runbooks": 0,
	} {
		if n := strings.Count(text, want); n != times {
			t.Errorf("%s is there %d times, want %d", want, n, times)
		}
	}
	if !strings.Contains(text, "https://wiki.example.com/x/ReadinessBadgeRegressed.md") {
		t.Error("the runbooks are elsewhere")
	}
	for arguments, want := range map[string]string{
		"rules":                             "--out is missing",
		"rules --out x --without=":          "--without is empty",
		"rules --out x --runbooks-url wiki": `--runbooks-url is "wiki": an address begins with`,
	} {
		if _, errs, code := s.run(strings.Fields(arguments)...); code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s", arguments, code, errs)
		}
	}
}

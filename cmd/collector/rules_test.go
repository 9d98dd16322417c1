package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRulesAreWritten: with the values of the flags.
func TestRulesAreWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, errs, code := s.run(
		"rules", "--out", "alerts/of ours", "--without", "nobody", "--runbooks-url", "https://wiki.example.com/x",
		"--grafana-url", "https://grafana.example.com/",
	)
	if code != exitOK || out != "1 rule file in alerts/of ours\n" || errs != "" {
		t.Fatalf("exit %d: %q, %q", code, out, errs)
	}
	text := s.read("alerts/of ours/readiness.rules.yaml")
	for want, times := range map[string]int{
		`"team", "nobody", "team", ""`: 1, `"org", "nobody", "org", ""`: 1, `"none", "team"`: 0,
		"github.com/prodready/collector/blob/main/rules/runbooks": 0, "127.0.0.1": 0,
	} {
		if n := strings.Count(text, want); n != times {
			t.Errorf("%s is there %d times, want %d", want, n, times)
		}
	}
	for _, want := range []string{
		"runbook_url: https://wiki.example.com/x/ReadinessBadgeRegressed.md\n",
		"dashboard_url: https://grafana.example.com/d/readiness-service?var-service={{ $labels.service_name | urlquery }}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the rules have no %s", want)
		}
	}
	for arguments, want := range map[string]string{
		"rules":                                  "--out is missing",
		"rules --out x --without=":               "--without is empty",
		"rules --out x --runbooks-url wiki":      `--runbooks-url is "wiki": an address begins with`,
		"rules --out x --format prometheusrules": `--format is "prometheusrules", did you mean "prometheusrule"?`,
		"rules --out x --grafana-url=":           `--grafana-url is "": an address begins with`,
		"rules --out x --values missing.yaml":    "reading the values of the rules",
		"rules --out x --values alerts":          "alerts is not a regular file",
	} {
		if _, errs, code := s.run(strings.Fields(arguments)...); code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s", arguments, code, errs)
		}
	}
}

// TestRulesHaveTheValuesOfAFile: what the file leaves out has the default, a flag counts
// more, and the file of the documentation is that of the defaults.
func TestRulesHaveTheValuesOfAFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(s.folder, "values.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made := func(arguments ...string) string {
		t.Helper()
		_, errs, code := s.run(append([]string{"rules", "--out", "rules"}, arguments...)...)
		if code != exitOK || errs != "" {
			t.Fatalf("%q: exit %d: %s", arguments, code, errs)
		}
		return s.read("rules/readiness.rules.yaml")
	}
	standard := made()
	write("")
	if made("--values", "values.yaml") != standard {
		t.Error("an empty file does not give the defaults")
	}
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	write(block)
	if made("--values", "values.yaml") != standard {
		t.Error("the values of docs/alerts.md are not the defaults")
	}
	write(`
without: nobody
grafana_url: https://grafana.example.com
severity:
  service: {tier_1: page}
thresholds: {noise_ratio: 0.25, target_late_by: 3d}
`)
	text := made("--values", "values.yaml", "--without", "orphans")
	for _, want := range []string{
		`"team", "orphans"`, "https://grafana.example.com/d/", "> 0.25\n", "[20m]) > 259200)",
		`{{ if eq $labels.tier "1" }}page{{ else if eq $labels.tier "2" }}warning{{ else }}info{{ end }}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the rules have no %s", want)
		}
	}
	write("kubernetes: {namespace: monitoring, labels: {release: kube-prometheus}}\n")
	out, errs, code := s.run("rules", "--out", "manifests", "--values", "values.yaml", "--format", "prometheusrule")
	if code != exitOK || out != "1 rule file in manifests\n" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	const head = "kind: PrometheusRule\nmetadata:\n  name: readiness-collector\n  namespace: monitoring\n" +
		"  labels:\n    release: kube-prometheus\nspec:\n  groups:\n    - name: readiness.recording\n"
	if text := s.read("manifests/readiness.prometheusrule.yaml"); !strings.Contains(text, head) {
		t.Errorf("the manifest is %.1500s", text)
	}
	for values, want := range map[string]string{
		"thresholds:\n  noise_ration: 0.3":   `values.yaml:2: unknown key "noise_ration", did you mean "noise_ratio"?`,
		"treshold: {}":                       `values.yaml:1: unknown key "treshold", did you mean "thresholds"?`,
		"thresholds: {news_for: soon}":       `thresholds.news_for: want a duration such as 90s, 1h30m or 14d, got "soon"`,
		"thresholds:\n  minimum_badge: gild": `values.yaml:2: thresholds.minimum_badge: "gild" is not a badge: want bronze,`,
		"thresholds: {noise_ratio: 50}":      "values.yaml:1: thresholds.noise_ratio: 50 is not a share",
		"grafana_url: grafana":               `grafana_url: "grafana": an address begins with https://`,
		"severity: {service: {tier_1: ''}}":  "severity.service.tier_1: \"\" is not a severity",
		"without: ''":                        "without: give services without a team a name",
		"- a":                                "values.yaml:1: ",
		"a: [":                               "values.yaml:1: ",
	} {
		write(values)
		if _, errs, code := s.run("rules", "--out", "x", "--values", "values.yaml"); code != exitConfig || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s", values, code, errs)
		}
	}
}

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
	for format, kind := range map[string]string{"configmap": "ConfigMap", "grafanadashboard": "GrafanaDashboard"} {
		out, errs, code := s.run("dashboards", "--out", "manifests", "--format", format, "--namespace", "monitoring",
			"--labels", "release=prometheus,team=a")
		if code != exitOK || out != "5 dashboards in manifests\n" || errs != "" {
			t.Fatalf("exit %d: %q, %q", code, out, errs)
		}
		text := s.read("manifests/readiness-fleet." + format + ".yaml")
		for _, want := range []string{"kind: " + kind, "namespace: monitoring", "release: prometheus", "team: a", `"uid":"readiness-fleet"`} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s has no %s: %.500s", format, want, text)
			}
		}
	}
	s.refuses(map[string]string{
		"dashboards --out x --format configmaps":                `did you mean "configmap"?`,
		"dashboards --out x --namespace a":                      "--namespace is for --format configmap or grafanadashboard",
		"dashboards --out x --format configmap --instances a=b": "--instances is for --format grafanadashboard",
		"dashboards --out x --format configmap --namespace A":   `--namespace is "A": want letters`,
		"dashboards --out x --format configmap --labels a":      "must be formatted as key=value",
		"dashboards": "--out is missing",
		"dashboards --out x --pages-url readiness.example.com":      "--pages-url is \"readiness.example.com\": an address begins with",
		"dashboards --out x --docs-url https://x.example.com/?a=b":  "--docs-url is",
		"dashboards --out x --pages-url https://a:b@x.example.com/": "leave out the password",
		"dashboards checkout --out x":                               "takes no arguments",
		"dashboards --out x --config missing.yaml":                  "missing.yaml",
		"dashboards --out collector.yaml/x":                         "making a folder for dashboards",
	})
}

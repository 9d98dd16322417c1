package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestInstallGuide: the program knows each of its commands that the guide has, the files that
// it names are there, and its YAML is YAML.
func TestInstallGuide(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := newFolder(t)
	commands := regexp.MustCompile(`(?m)^(?:sudo )?(?:readiness-)?collector (\w.*(?:\\\n.*)*)`).
		FindAllStringSubmatch(string(text), -1)
	if len(commands) < 6 {
		t.Errorf("%d commands", len(commands))
	}
	for _, m := range commands {
		line := regexp.MustCompile(`[|>].*`).ReplaceAllString(strings.ReplaceAll(m[1], "\\\n", " "), "")
		if help, errs, code := s.run(append(strings.Fields(line), "--help")...); code != exitOK || help == "" {
			t.Errorf("%s --help exits %d: %s", line, code, errs)
		}
	}
	for _, file := range regexp.MustCompile(`(?:deploy|rules)/[\w./-]+\w`).FindAllString(string(text), -1) {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Error(err)
		}
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		var value map[string]any
		if err := yaml.Unmarshal([]byte(block[1]), &value); err != nil || len(value) == 0 {
			t.Errorf("%v in\n%s", err, block[1])
		}
	}
	var kustomization struct{ Resources []string }
	manifest, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes", "kustomization.yaml"))
	if err == nil {
		err = yaml.Unmarshal(manifest, &kustomization)
	}
	if err != nil || len(kustomization.Resources) != 1 {
		t.Fatalf("%+v, %v", kustomization, err)
	}
	if _, err := os.Stat(filepath.Join(root, "deploy", "kubernetes", kustomization.Resources[0])); err != nil {
		t.Error(err)
	}
}

// TestInstallGuideRuns: the commands that write files do it, below a folder in the place of
// /, and Prometheus looks for the rules where they are written.
func TestInstallGuideRuns(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := newFolder(t)
	values := regexp.MustCompile("(?s)```yaml\n(kubernetes: .*?)```").FindSubmatch(text)
	if values == nil {
		t.Fatal("the guide has no rules-values.yaml")
	}
	s.write("rules-values.yaml", string(values[1]))
	ran := 0
	commands := regexp.MustCompile(`(?m)^(?:sudo )?readiness-collector ((?:rules|dashboards|man) (?:.*\\\n)*.*)`).
		FindAllSubmatch(text, -1)
	for _, m := range commands {
		arguments := strings.Fields(strings.ReplaceAll(string(m[1]), "\\\n", " "))
		for i, a := range arguments {
			arguments[i] = strings.TrimPrefix(a, "/")
		}
		if out, errs, code := s.run(arguments...); code != exitOK {
			t.Errorf("%s exits %d: %s%s", arguments, code, out, errs)
		}
		ran++
	}
	if ran != 5 {
		t.Errorf("%d commands, want 5", ran)
	}
	for _, file := range []string{
		"etc/prometheus/rules/readiness.rules.yaml", "var/lib/grafana/dashboards/readiness/fleet.json",
		"manifests/readiness.prometheusrule.yaml", "manifests/readiness-fleet.configmap.yaml",
		"usr/local/share/man/man1/collector.1",
	} {
		if _, err := os.Stat(filepath.Join(s.folder, file)); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(string(text), "rule_files: [rules/*.yaml]") {
		t.Error("the guide does not look for the rules in /etc/prometheus/rules")
	}
	if strings.Contains(s.read("manifests/readiness.prometheusrule.yaml"), "127.0.0.1:3000") {
		t.Error("the manifest leads to another Grafana")
	}
}

// TestCommandsWithoutSecrets: what asks no source needs no token, as on a host where the
// service alone has them.
func TestCommandsWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	s.edit("collector.yaml", "token_file: ", "token_file: /run/credentials/nowhere/")
	if _, errs, code := s.run("check"); code != exitConfig || !strings.Contains(errs, "/run/credentials/nowhere/") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, command := range []string{
		"store verify", "store backup copy.db", "dashboards --out boards", "framework show", "score", "score checkout",
	} {
		_, errs, code := s.run(strings.Fields(command)...)
		if strings.Contains(errs, "nowhere") || code == exitConfig {
			t.Errorf("%s: exit %d: %s", command, code, errs)
		}
	}
}

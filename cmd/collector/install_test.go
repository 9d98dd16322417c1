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

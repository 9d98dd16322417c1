package collector_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestWhatAReleaseNames: the files that the archives take are there, but for those that the
// release makes, and so are the variables that the linker sets.
func TestWhatAReleaseNames(t *testing.T) {
	t.Parallel()
	var release struct {
		Builds   []struct{ LDFlags []string }
		Archives []struct{ Files []yaml.Node }
		Dockers  []struct{ Dockerfile string }
		// Changelog.Disable would drop the notes that the workflow gives.
		Changelog struct{ Disable bool }
	}
	text, err := os.ReadFile(".goreleaser.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &release)
	}
	if err != nil || len(release.Builds) != 1 || len(release.Archives) != 1 || len(release.Dockers) != 2 ||
		release.Changelog.Disable {
		t.Fatalf("%+v, %v", release, err)
	}
	patterns := []string{release.Dockers[0].Dockerfile, release.Dockers[1].Dockerfile}
	for _, file := range release.Archives[0].Files {
		pattern := file.Value
		if file.Kind == yaml.MappingNode {
			var made struct{ Src string }
			if err := file.Decode(&made); err != nil || !strings.HasPrefix(made.Src, "build/") {
				t.Errorf("%+v, %v: want what the release makes", made, err)
			}
			continue
		}
		patterns = append(patterns, pattern)
	}
	for _, pattern := range patterns {
		if found, err := filepath.Glob(pattern); err != nil || len(found) == 0 {
			t.Errorf("%s names nothing: %v", pattern, err)
		}
	}
	program, err := os.ReadFile(filepath.Join("cmd", "collector", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`-X main\.(\w+)=`).FindAllStringSubmatch(release.Builds[0].LDFlags[0], -1) {
		if !regexp.MustCompile(`(?m)^var .*\b` + m[1] + `\b`).Match(program) {
			t.Errorf("main has no variable %s", m[1])
		}
	}
	for _, name := range []string{"ci.yml", "release.yml"} {
		var workflow struct {
			Jobs map[string]struct{ Steps []map[string]any }
		}
		text, err := os.ReadFile(filepath.Join(".github", "workflows", name))
		if err == nil {
			err = yaml.Unmarshal(text, &workflow)
		}
		tested := map[string]string{
			"ci.yml": "sudo --preserve-env=PATH .ci/run", "release.yml": "uses: ./.github/workflows/ci.yml",
		}[name]
		if err != nil || len(workflow.Jobs) == 0 || !strings.Contains(string(text), tested) {
			t.Errorf("%s: %+v, %v", name, workflow, err)
		}
	}
}

// TestReleaseNotes: they are the section of the version, and a version without a date has
// none.
func TestReleaseNotes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	script := filepath.Join(folder, ".ci", "release-notes")
	if err := os.CopyFS(filepath.Dir(script), os.DirFS(".ci")); err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`(?m)^## (\d+\.\d+\.\d+) .*$`).FindSubmatch(text)
	if first == nil {
		t.Fatal("CHANGELOG.md has no section of a version")
	}
	version := string(first[1])
	_, section, _ := strings.Cut(string(text), string(first[0])+"\n")
	dated := "# Changelog\n\n## " + version + " - 2026-12-01\n" + section + "\n## 0.0.9 - 2026-01-01\n\nOlder.\n"
	for _, c := range []struct{ text, tag, want string }{
		{string(text), "v" + version, "write the date into the heading"},
		{dated, "v9.9.9", "no section ## 9.9.9"},
		{dated, "v0.0", "no section ## 0.0"},
		{dated, "v0.0.9", "Older."},
		{dated, "v" + version, "The first version."},
	} {
		if err := os.WriteFile(filepath.Join(folder, "CHANGELOG.md"), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), script, c.tag).CombinedOutput()
		refused := strings.Contains(string(out), "release-notes: ")
		if !strings.Contains(string(out), c.want) || refused != (err != nil) {
			t.Errorf("%s: %v: %.300s, want %s", c.tag, err, out, c.want)
		}
		other := strings.Contains(string(out), "\n## ") || strings.Contains(string(out), "Older.") != (c.want == "Older.")
		if other || strings.Contains(string(out), "](docs/") {
			t.Errorf("%s: the notes have another section", c.tag)
		}
	}
}

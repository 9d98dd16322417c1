package collector_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheDocumentationIsASite: mkdocs builds it and finds no broken link, and every page is
// in the navigation or below a page that is.
func TestTheDocumentationIsASite(t *testing.T) {
	t.Parallel()
	mkdocs, err := exec.LookPath("mkdocs")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("mkdocs is missing: .ci/mkdocs installs it")
		}
		t.Skip("mkdocs is missing: .ci/mkdocs installs it")
	}
	folder := filepath.Join(t.TempDir(), "site")
	build := exec.CommandContext(t.Context(), mkdocs, "build", "--strict", "--site-dir", folder)
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, page := range []string{"index.html", "install/index.html", "framework/cicd/index.html"} {
		if _, err := os.Stat(filepath.Join(folder, page)); err != nil {
			t.Error(err)
		}
	}
}

// TestDecisionsAreOneText: each begins with its title, and has no mark of a merge that
// was not finished.
func TestDecisionsAreOneText(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("docs/adr/[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d decisions, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") || strings.Contains(string(text), "\n<<<<<<<") ||
			strings.Contains(string(text), "\n>>>>>>>") {
			t.Errorf("%s does not begin with its title, or has marks of a merge", file)
		}
	}
}

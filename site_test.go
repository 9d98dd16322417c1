package collector_test

import (
	"os"
	"os/exec"
	"path/filepath"
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

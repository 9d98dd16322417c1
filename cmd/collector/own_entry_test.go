package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestItsOwnEntry: the collector can be in its own catalog.
func TestItsOwnEntry(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "catalog-info.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := newFolder(t)
	s.write("catalog-info.yaml", string(text))
	s.write("collector.yaml", "catalog: {backstage: [catalog-info.yaml], teams: [{name: maintainers, org: prodready}]}\n")
	out, errs, code := s.run("check")
	if code != exitOK || !strings.Contains(out, "1 service") || strings.Contains(out, "refused") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

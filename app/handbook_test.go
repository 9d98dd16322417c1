package app

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prodready/collector/handbook"
)

const handbookFolder = "../docs/framework"

func defaultPages(t *testing.T) []handbook.Page {
	t.Helper()
	_, criteria, err := Criteria(Options{}, true)
	if err != nil {
		t.Fatal(err)
	}
	return handbook.New(criteria).Pages()
}

// TestTheFrameworkPages: the folder has the pages of the default framework, and no other.
func TestTheFrameworkPages(t *testing.T) {
	if *update {
		if err := os.RemoveAll(handbookFolder); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{}
	for _, p := range defaultPages(t) {
		name := filepath.Join(handbookFolder, filepath.FromSlash(p.Path))
		known[name] = true
		if *update {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		compare(t, name, p.Markdown())
	}
	err := filepath.WalkDir(handbookFolder, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !known[name] {
			t.Errorf("%s is no page of the framework", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLinksBetweenFrameworkPages: each link to a page leads to one, and each page is
// reached from the index.
func TestLinksBetweenFrameworkPages(t *testing.T) {
	pages := map[string]string{}
	for _, p := range defaultPages(t) {
		if pages[p.Path] != "" {
			t.Errorf("two pages are %s", p.Path)
		}
		pages[p.Path] = p.Markdown()
	}
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	reached := map[string]bool{}
	for from, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			to := path.Join(path.Dir(from), m[1])
			switch {
			case strings.HasPrefix(m[1], "https://"):
			case pages[to] == "":
				t.Errorf("%s: the link %s leads nowhere", from, m[1])
			case from == "index.md":
				reached[to] = true
			}
		}
	}
	for name := range pages {
		if !reached[name] && name != "index.md" {
			t.Errorf("the index does not lead to %s", name)
		}
	}
}

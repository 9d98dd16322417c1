package handbook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/nearest"
)

// Book is a framework as pages.
type Book struct {
	framework *framework.Framework
	pages     []Page
}

// New makes the pages of a framework: the index first, then the modules, each followed by
// its checks.
func New(f *framework.Framework) *Book {
	b := &Book{framework: f}
	b.pages = append(b.pages, b.index(), b.levels())
	for _, m := range f.Modules {
		b.pages = append(b.pages, b.module(m))
		for _, c := range m.Checks {
			b.pages = append(b.pages, b.check(c))
		}
	}
	b.pages = append(b.pages, b.changelog(), glossary())
	return b
}

// Pages are all pages.
func (b *Book) Pages() []Page { return b.pages }

// Page finds a page by its name. The error of an unknown name suggests the nearest.
func (b *Book) Page(name string) (Page, error) {
	var names []string
	for _, p := range b.pages {
		if p.Name == name {
			return p, nil
		}
		if _, short, isCheck := strings.Cut(p.Name, "."); isCheck && short == name {
			return Page{}, fmt.Errorf("the framework has no module or check %q, did you mean %q?", name, p.Name)
		}
		names = append(names, p.Name)
	}
	hint := nearest.Suggest(name, names)
	if hint == "" {
		hint = "; `collector framework show` lists all"
	}
	return Page{}, fmt.Errorf("the framework has no module or check %q%s", name, hint)
}

// Write writes the pages as Markdown into a folder, which is made if it is missing. It
// returns the Markdown files in it that are none of the pages, such as that of a check
// that was dropped; they are left where they are.
func (b *Book) Write(folder string) (others []string, err error) {
	var written []string
	for _, p := range b.pages {
		name := filepath.Join(folder, filepath.FromSlash(p.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // pages are to be read
			return nil, fmt.Errorf("making a folder for the pages of the framework: %w", err)
		}
		if err := os.WriteFile(name, []byte(p.Markdown()), 0o644); err != nil { //nolint:gosec // as above
			return nil, fmt.Errorf("writing a page of the framework: %w", err)
		}
		written = append(written, name)
	}
	err = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(name) == ".md" && !slices.Contains(written, name) {
			others = append(others, name)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(errors.New("looking for pages that are no longer made"), err)
	}
	return others, nil
}

// shortID is the id of a check without its module.
func shortID(c *framework.Check) string { return strings.TrimPrefix(c.ID, c.Module.ID+".") }

func modulePath(m *framework.Module) string { return path.Join(m.ID, "index.md") }

func checkPath(c *framework.Check) string { return path.Join(c.Module.ID, shortID(c)+".md") }

// badgeTitle is the badge of a level, as a name.
func badgeTitle(level int) string {
	name := framework.Badge(level).String()
	return strings.ToUpper(name[:1]) + name[1:]
}

package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

// catalogFiles reads the files of Backstage entities, and those that entities of
// kind Location name.
type catalogFiles struct {
	rules catalog.EntityRules
	// seen are the files that were read, by their real name: two patterns may match
	// one file, and a Location may name one that a pattern matches.
	seen    map[string]bool
	entries catalog.Entries
}

func newCatalogFiles(rules catalog.EntityRules) *catalogFiles {
	return &catalogFiles{rules: rules, seen: map[string]bool{}}
}

// readAll reads every file that the patterns match. A pattern without a file is an
// error; a file that cannot be read is refused.
func (c *catalogFiles) readAll(patterns []string) error {
	var errs []error
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			errs = append(errs, fmt.Errorf("catalog.backstage: %q matches no file", pattern))
		}
		for _, name := range names {
			c.read(name, filepath.Dir(name))
		}
	}
	return errors.Join(errs...)
}

// read reads one file and what it names. Nothing outside of folder is followed.
func (c *catalogFiles) read(name, folder string) {
	resolved := realName(name)
	if c.seen[resolved] {
		return
	}
	c.seen[resolved] = true
	text, err := os.ReadFile(name)
	if err != nil {
		c.refuse(catalog.Origin{File: name}, evidence.UncountedUnreadable, "the file cannot be read: %v", bare(err))
		return
	}
	found := c.rules.ParseBackstage(name, text)
	targets := found.Targets
	c.entries.Add(found)
	for _, target := range targets {
		c.follow(target, folder)
	}
}

// follow reads the files that a Location names.
func (c *catalogFiles) follow(target catalog.Target, folder string) {
	const reason = evidence.UncountedNotFollowed
	if u, err := url.Parse(target.Path); err == nil && u.Host != "" {
		c.refuse(target.Origin, reason, "the target on %s is not a file of this machine; put the files beside this one "+
			"and name them by their path", u.Host)
		return
	}
	path := target.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(target.Origin.File), path)
	}
	names, err := filepath.Glob(path)
	if err != nil || len(names) == 0 {
		if !target.Optional {
			c.refuse(target.Origin, reason, "the target %q matches no file; correct it or say presence: optional", target.Path)
		}
		return
	}
	for _, name := range names {
		if !within(name, folder) {
			c.refuse(target.Origin, reason, "the target %q is outside of the folder %s, and is not followed; "+
				"name its files under catalog.backstage", target.Path, folder)
			return
		}
		c.read(name, folder)
	}
}

func (c *catalogFiles) refuse(at catalog.Origin, reason evidence.UncountedReason, format string, args ...any) {
	c.entries.Refused = append(c.entries.Refused, catalog.Refusal{
		Origin: at, Source: catalog.SourceBackstage, Reason: reason, Texts: []string{fmt.Sprintf(format, args...)},
	})
}

// within reports whether a file is in a folder or below it, links followed.
func within(name, folder string) bool {
	rel, err := filepath.Rel(realName(folder), realName(name))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// realName is the one name of a file that several names and links may lead to.
func realName(name string) string {
	if resolved, err := filepath.EvalSymlinks(name); err == nil {
		name = resolved
	}
	if absolute, err := filepath.Abs(name); err == nil {
		name = absolute
	}
	return name
}

// bare is a file error without the file's name, which the message says itself.
func bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

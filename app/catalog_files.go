package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/textfile"
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

// readPattern reads every file that the pattern matches. A pattern without a file is
// an error; a file that cannot be read is refused, and so is one that a wildcard
// matches and that is a link to outside of the folder before the wildcard: whoever
// writes a repository does not decide which files of this machine are read.
func (c *catalogFiles) readPattern(pattern string) error {
	names, err := glob(pattern)
	if err != nil {
		return fmt.Errorf("the pattern %q cannot be used: %w", pattern, err)
	}
	if len(names) == 0 {
		return fmt.Errorf("%q matches no file; correct it or remove it", pattern)
	}
	root, rest := fixedFolder(pattern)
	for _, name := range names {
		if isPattern(rest) && !within(name, root) {
			c.refuse(catalog.Origin{File: name}, evidence.UncountedNotFollowed,
				"the file is a link that leads out of the folder %s, and is not read; name its target without a wildcard "+
					"under catalog.backstage", root)
			continue
		}
		c.read(name, filepath.Dir(name))
	}
	return nil
}

// anyFolders is the part of a pattern that matches any number of folders, none
// included.
const anyFolders = "**"

// glob lists the files that match a pattern, in their order. Unlike filepath.Glob it
// knows **, which looks into no hidden folder and follows no link to a folder.
func glob(pattern string) ([]string, error) {
	root, rest := fixedFolder(pattern)
	if !slices.Contains(rest, anyFolders) {
		return filepath.Glob(pattern)
	}
	var names []string
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case name == root && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("the folder %s cannot be read: %w", name, bare(err))
		case entry.IsDir() && name != root && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		matches, err := matchParts(rest, partsOf(below))
		if matches {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// fixedFolder divides a pattern into the folder that it begins with and the parts
// after it, the first of which matches several names.
func fixedFolder(pattern string) (folder string, rest []string) {
	parts := partsOf(pattern)
	fixed := slices.IndexFunc(parts, hasWildcard)
	if fixed < 0 {
		fixed = len(parts) - 1
	}
	folder = strings.Join(parts[:fixed], "/")
	if folder == "" && fixed > 0 {
		folder = "/"
	}
	return filepath.Clean(filepath.FromSlash(folder)), parts[fixed:]
}

func hasWildcard(part string) bool { return strings.ContainsAny(part, `*?[\`) }

func isPattern(parts []string) bool { return slices.ContainsFunc(parts, hasWildcard) }

func partsOf(name string) []string { return strings.Split(filepath.ToSlash(name), "/") }

// matchParts reports whether the parts of a name match those of a pattern.
func matchParts(pattern, name []string) (bool, error) {
	if len(pattern) == 0 {
		return len(name) == 0, nil
	}
	if pattern[0] == anyFolders {
		for at := range len(name) + 1 {
			if matches, err := matchParts(pattern[1:], name[at:]); matches || err != nil {
				return matches, err
			}
		}
		return false, nil
	}
	if len(name) == 0 {
		return false, nil
	}
	if matches, err := filepath.Match(pattern[0], name[0]); !matches || err != nil {
		return false, err
	}
	return matchParts(pattern[1:], name[1:])
}

// read reads one file and what it names. Nothing outside of folder is followed.
func (c *catalogFiles) read(name, folder string) {
	resolved := realName(name)
	if c.seen[resolved] {
		return
	}
	c.seen[resolved] = true
	text, err := textfile.Read(name, textfile.MaxBytes)
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
	outside := func() {
		c.refuse(target.Origin, reason, "the target %q is outside of the folder %s, and is not followed; "+
			"name its files under catalog.backstage", target.Path, folder)
	}
	// What ** would look through has to be within the folder, too.
	if begin, rest := fixedFolder(path); slices.Contains(rest, anyFolders) && !within(begin, folder) {
		outside()
		return
	}
	names, err := glob(path)
	switch {
	case err != nil:
		c.refuse(target.Origin, reason, "the target %q cannot be followed: %v", target.Path, err)
		return
	case len(names) == 0 && !target.Optional:
		c.refuse(target.Origin, reason, "the target %q matches no file; correct it or say presence: optional", target.Path)
	}
	for _, name := range names {
		if !within(name, folder) {
			outside()
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

// bare is a file error without the file's name, because the caller's message has it.
func bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

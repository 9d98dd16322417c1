package badges

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/prodready/collector/snapshot"
)

// file is a badge and where it is written, relative to the folder and without extension.
type file struct {
	path  string
	badge Badge
}

// files are the badges of all services, and of all groups that they belong to. Their paths
// are those below /badge/ of the server. A name is escaped as in an address, so that it
// can hold anything and leads out of no folder.
func files(s *snapshot.Snapshot) []file {
	var out []file
	groups := map[string]bool{}
	for i := range s.Services {
		service := &s.Services[i]
		out = append(out, file{fileName(service.Entry.Name), OfService(s, service.Entry.Name)})
		for _, scope := range Scopes() {
			group := scope.GroupOf(service)
			path := filepath.Join(string(scope), fileName(group))
			if group != "" && !groups[path] {
				groups[path] = true
				out = append(out, file{path, OfGroup(s, scope, group)})
			}
		}
	}
	return out
}

// fileName is a name as a file: neither . nor .. and without separators.
func fileName(name string) string {
	escaped := url.PathEscape(name)
	if escaped == "." || escaped == ".." {
		return "%2E" + escaped[1:]
	}
	return escaped
}

// Write writes all badges into a folder, which is made if it is missing: as SVG, and as
// JSON for shields.io. written is the number of badges. others are the SVG files in it that
// were not written, such as that of a service that has left the catalog; they are left
// where they are.
func Write(folder string, s *snapshot.Snapshot, style Style) (written int, others []string, err error) {
	var names []string
	for _, f := range files(s) {
		body, err := f.badge.JSON()
		if err != nil {
			return 0, nil, err
		}
		for extension, body := range map[string][]byte{".svg": f.badge.SVG(style), ".json": body} {
			name := filepath.Join(folder, f.path+extension)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // pictures are to be seen
				return 0, nil, fmt.Errorf("making a folder for badges: %w", err)
			}
			if err := os.WriteFile(name, body, 0o644); err != nil { //nolint:gosec // as above
				return 0, nil, fmt.Errorf("writing a badge: %w", err)
			}
			names = append(names, name)
		}
		written++
	}
	slices.Sort(names)
	err = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".svg" {
			return err
		}
		if _, known := slices.BinarySearch(names, name); !known {
			others = append(others, name)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, fmt.Errorf("looking for badges that are no longer made: %w", err)
	}
	return written, others, nil
}

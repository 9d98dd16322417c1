package framework

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
	"github.com/prodready/collector/textfile"
)

//go:embed default
var embedded embed.FS

const (
	// DefaultName is the name of the embedded framework.
	DefaultName = "default"
	// headerFile is the header of a framework that is a folder.
	headerFile = "framework.yaml"
	// moduleFile is the file of a module in its folder; each other file there is a check.
	moduleFile = "module.yaml"
	// fixtureEnding is how the names of files end that have the fixtures of checks.
	fixtureEnding = ".fixtures.yaml"
)

// Default returns the files of the embedded default framework.
func Default() ([]File, error) {
	folder, err := fs.Sub(embedded, DefaultName)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded framework: %w", err)
	}
	files, err := folderFiles(folder, func(name string) ([]byte, error) { return fs.ReadFile(folder, name) })
	if err != nil {
		return nil, fmt.Errorf("reading the embedded framework: %w", err)
	}
	return files, nil
}

// Load reads a framework, with those that it extends. The reference is
//   - a name, with or without a version: default, default@1, default@1.1.1. Names are those of
//     the embedded framework and of the installed ones; of several versions the newest is
//     meant that fits;
//   - a folder with a framework.yaml. The other files of YAML in it and in its folders are
//     modules, checks and changes, as Parse says, and fixtures;
//   - a file. A framework.yaml without modules and extends means its folder.
//
// installed are files and folders whose frameworks can be named.
func Load(reference string, installed ...string) (*Document, error) {
	l := loader{installed: installed}
	files, err := l.load(reference, "", nil)
	if err != nil {
		return nil, err
	}
	return Parse(files)
}

// loader reads frameworks, and finds them by name.
type loader struct {
	installed []string
	// named are the frameworks with a name; nil before they were looked for.
	named []named
	bytes int
}

// named is a framework that can be named.
type named struct {
	name, version string
	// path is empty for the embedded one.
	path string
}

func (n named) String() string { return n.name + " " + n.version }

// load returns the files of a framework after those of the framework that it extends. Paths
// are relative to a folder. chain are the frameworks that extend this one.
func (l *loader) load(reference, folder string, chain []string) ([]File, error) {
	found, version, err := l.find(reference, folder)
	if err != nil {
		return nil, err
	}
	if found == "" {
		files, err := Default()
		if err != nil {
			return nil, err
		}
		return files, fits(files[0], version)
	}
	key := identity(found)
	if slices.Contains(chain, key) {
		return nil, fmt.Errorf("%s extends itself: %s; take extends out of one of them", reference,
			strings.Join(shortened(append(chain, key)), " → "))
	}
	files, err := l.read(found)
	if err != nil {
		return nil, err
	}
	if err := fits(files[0], version); err != nil {
		return nil, err
	}
	extends, line, err := extendsOf(files[0])
	if err != nil || extends == "" {
		return files, err
	}
	below, err := l.load(extends, folderOf(found), append(chain, key))
	if err != nil {
		return nil, fmt.Errorf("%s:%d: extends: %w", files[0].Name, line, err)
	}
	return append(below, files...), nil
}

// shortened are paths by their last element.
func shortened(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = filepath.Base(p)
	}
	return out
}

// identity is the same for all paths of a file.
func identity(name string) string {
	if absolute, err := filepath.Abs(name); err == nil {
		name = absolute
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	return strings.TrimSuffix(name, string(filepath.Separator)+headerFile)
}

// folderOf is the folder that paths in a framework are relative to.
func folderOf(name string) string {
	if isFolder(name) {
		return name
	}
	return filepath.Dir(name)
}

var (
	// withVersion takes the version off a reference.
	withVersion   = regexp.MustCompile(`^(.+)@([0-9]+(?:\.[0-9]+)*)$`)
	looksLikePath = regexp.MustCompile(`[/\\]|\.ya?ml$`)
)

// find returns the path that a reference means, and the version that it asks for. The path is
// empty for the embedded framework.
func (l *loader) find(reference, folder string) (found, version string, err error) {
	name := reference
	if match := withVersion.FindStringSubmatch(reference); match != nil {
		name, version = match[1], match[2]
	}
	if !looksLikePath.MatchString(name) {
		known, err := l.byName(name, version)
		if err != nil || known != nil {
			if known == nil {
				return "", "", err
			}
			return known.path, version, nil
		}
	}
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(folder, file)
	}
	if _, err := os.Stat(file); err != nil {
		if !looksLikePath.MatchString(name) {
			return "", "", l.unknown(reference, name)
		}
		return "", "", fmt.Errorf("reading the framework %s: %w; give the name of a framework, a file or a folder", reference,
			reason(err))
	}
	return file, version, nil
}

// reason is an error of the file system without the name of the file.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// unknown says which frameworks there are.
func (l *loader) unknown(reference, name string) error {
	var names, all []string
	for _, n := range l.named {
		names, all = append(names, n.name), append(all, n.String())
	}
	return fmt.Errorf("there is no framework %q%s: want a file, a folder, or the name of one that is installed: %s", reference,
		nearest.Suggest(name, names), strings.Join(all, ", "))
}

// byName finds the newest framework of the name whose version fits; nil if none has the name.
func (l *loader) byName(name, version string) (*named, error) {
	if err := l.findNamed(); err != nil {
		return nil, err
	}
	var best *named
	var others []string
	for i := range l.named {
		n := &l.named[i]
		switch {
		case n.name != name:
		case !versionFits(n.version, version):
			others = append(others, n.version)
		case best == nil || compareVersions(n.version, best.version) > 0:
			best = n
		}
	}
	if best == nil && len(others) > 0 {
		return nil, fmt.Errorf("there is no %s of version %s; there is %s@%s", name, version, name,
			strings.Join(others, " and "+name+"@"))
	}
	return best, nil
}

// findNamed reads the name and version of the installed frameworks.
func (l *loader) findNamed() error {
	if l.named != nil {
		return nil
	}
	files, err := Default()
	if err != nil {
		return err
	}
	name, version, err := nameOf(files[0])
	if err != nil {
		return err
	}
	found := []named{{name: name, version: version}}
	for _, path := range l.installed {
		header, err := l.readHeader(path)
		if err != nil {
			return err
		}
		if name, version, err = nameOf(header); err != nil {
			return err
		}
		for _, other := range found {
			if other.name == name && other.version == version {
				return fmt.Errorf("%s: %s %s is installed twice; give one of them another version or name", path, name, version)
			}
		}
		found = append(found, named{name: name, version: version, path: path})
	}
	l.named = found
	return nil
}

// headKeys are the keys of a header that say which framework it is.
type headKeys struct {
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
	Extends string `yaml:"extends"`
}

// peek reads some keys of a header. What else is wrong with the file, Parse says.
func peek(f File) (keys headKeys, document *strictyaml.Document, err error) {
	document, err = strictyaml.Parse(f.Data)
	if err != nil {
		return keys, nil, strictyaml.Located(f.Name, err)
	}
	faults := (strictyaml.Decoder{AllowUnknownKeys: true}).Decode(document, &keys)
	if len(faults) > 0 {
		return keys, nil, &strictyaml.Faults{File: f.Name, List: faults}
	}
	return keys, document, nil
}

func nameOf(header File) (name, version string, err error) {
	keys, _, err := peek(header)
	if err == nil && (keys.Name == "" || keys.Version == "") {
		err = fmt.Errorf("%s:1: name and version are required", header.Name)
	}
	return keys.Name, keys.Version, err
}

// extendsOf is the framework that a header extends, and the line that says so.
func extendsOf(header File) (extends string, line int, err error) {
	keys, document, err := peek(header)
	if err != nil {
		return "", 0, err
	}
	return strings.TrimSpace(keys.Extends), document.Positions["extends"].Line, nil
}

// fits is an error if the framework has another version than was asked for.
func fits(header File, wanted string) error {
	if wanted == "" {
		return nil
	}
	name, version, err := nameOf(header)
	if err == nil && !versionFits(version, wanted) {
		err = fmt.Errorf("%s is %s %s, and version %s was asked for", header.Name, name, version, wanted)
	}
	return err
}

// versionFits reports whether a version is the wanted one, or one of it: 1.4.2 is one of 1.4
// and of 1. Every version is one of no version.
func versionFits(version, wanted string) bool {
	return wanted == "" || version == wanted || strings.HasPrefix(version, wanted+".")
}

// compareVersions compares the numbers of versions, and texts that are no numbers as texts.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		var left, right string
		if i < len(x) {
			left = x[i]
		}
		if i < len(y) {
			right = y[i]
		}
		n, errN := strconv.Atoi(left)
		m, errM := strconv.Atoi(right)
		order := cmp.Compare(n, m)
		if errN != nil || errM != nil {
			order = cmp.Compare(left, right)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// readHeader reads the header of a file or folder.
func (l *loader) readHeader(name string) (File, error) {
	file := name
	if isFolder(name) {
		file = filepath.Join(name, headerFile)
	}
	data, err := textfile.Read(file, textfile.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) && file != name {
		err = errNoHeader
	}
	if err != nil {
		return File{}, fmt.Errorf("reading the framework %s: %w", name, reason(err))
	}
	return File{Name: filepath.Base(file), Data: data}, nil
}

// read reads the files of a file or folder.
func (l *loader) read(name string) ([]File, error) {
	header, err := l.readHeader(name)
	if err != nil {
		return nil, err
	}
	folder := name
	if !isFolder(name) {
		if header.Name != headerFile || hasModules(header) {
			return l.withFixtures(name, header)
		}
		folder = filepath.Dir(name)
	}
	files, err := folderFiles(os.DirFS(folder), func(file string) ([]byte, error) {
		data, err := textfile.Read(filepath.Join(folder, filepath.FromSlash(file)), textfile.MaxBytes)
		if l.bytes += len(data); err == nil && l.bytes > textfile.MaxBytes {
			err = fmt.Errorf("%w: the files of frameworks have more than %d bytes together", textfile.ErrTooLarge,
				textfile.MaxBytes)
		}
		return data, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the framework %s: %w", name, err)
	}
	return files, nil
}

// withFixtures is a file with the fixtures beside it.
func (l *loader) withFixtures(name string, header File) ([]File, error) {
	beside := fixturesBeside(name)
	data, err := textfile.Read(beside, textfile.MaxBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []File{header}, nil
	case err != nil:
		return nil, fmt.Errorf("reading the fixtures %s: %w", beside, reason(err))
	}
	return []File{header, {Name: filepath.Base(beside), Data: data}}, nil
}

// hasModules reports whether a header has all that a framework needs. One that cannot be read
// has: its faults are to be said.
func hasModules(header File) bool {
	_, document, err := peek(header)
	if err != nil {
		return true
	}
	keys, _ := document.Values.(map[string]any)
	return keys["modules"] != nil || keys["extends"] != nil
}

func isFolder(name string) bool {
	about, err := os.Stat(name)
	return err == nil && about.IsDir()
}

// errNoHeader is a folder that is no framework.
var errNoHeader = errors.New("the folder has no " + headerFile + "; it is the header, with the name and version")

// folderFiles reads the files of a folder: the header first, then folder by folder the module
// its checks and their fixtures. Files of other kinds and hidden ones are left alone.
func folderFiles(folder fs.FS, read func(name string) ([]byte, error)) ([]File, error) {
	names, err := folderNames(folder)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, name := range names {
		data, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, reason(err))
		}
		files = append(files, File{Name: name, Data: data})
	}
	if len(files) == 0 || files[0].Name != headerFile {
		return nil, errNoHeader
	}
	return files, nil
}

// folderNames are the names of the files of YAML in a folder, in the order in which they are
// read.
func folderNames(folder fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(path.Base(name), ".") && name != "."
		switch ending := path.Ext(name); {
		case err != nil:
			return err
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case !entry.IsDir() && !hidden && (ending == ".yaml" || ending == ".yml"):
			names = append(names, name)
		}
		return nil
	})
	rank := func(name string) int {
		switch {
		case name == headerFile:
			return 0
		case path.Base(name) == moduleFile:
			return 1
		case strings.HasSuffix(name, fixtureEnding):
			return 3
		}
		return 2
	}
	slices.SortFunc(names, func(a, b string) int {
		if rank(a) == 0 || rank(b) == 0 {
			return rank(a) - rank(b)
		}
		return cmp.Or(cmp.Compare(path.Dir(a), path.Dir(b)), rank(a)-rank(b), cmp.Compare(a, b))
	})
	return names, err
}

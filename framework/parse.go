package framework

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/strictyaml"
)

// Parse reads the files of a framework. The first is the header and may hold modules. Each
// further one is a module, a check that names its module, or changes of the framework that
// is extended, or fixtures if its name ends in .fixtures.yaml. A framework that extends another
// one comes after all files of that one, its header first; Load reads both. Unknown keys are
// errors that name file and line, and so are retired ids of checks that there still are.
func Parse(files []File) (*Document, error) {
	doc, err := parse(files)
	if err == nil {
		err = doc.retiredInUse()
	}
	return doc, err
}

// parse is Parse for files that may have been accepted by an earlier release, which did not
// look at the retired ids.
func parse(files []File) (*Document, error) {
	var criteria []File
	for _, f := range files {
		if !strings.HasSuffix(f.Name, fixtureEnding) {
			criteria = append(criteria, f)
		}
	}
	text, err := json.Marshal(criteria)
	if err != nil {
		return nil, fmt.Errorf("keeping the text of the framework: %w", err)
	}
	parts, err := readParts(files)
	if err != nil {
		return nil, err
	}
	m, err := merge(parts)
	if err != nil {
		return nil, err
	}
	doc := &Document{
		Text: text, Extends: m.extends, Changed: m.changed, Added: m.added, Dropped: m.dropped, files: files,
		fixtures: m.fixtures,
	}
	if err := m.decode(doc); err != nil {
		return nil, err
	}
	doc.modules = doc.header.Modules
	h := doc.header
	if h.APIVersion != APIVersion || h.Kind != Kind {
		return nil, fmt.Errorf("%s: apiVersion %q, kind %q: want %s and %s", doc.place("apiVersion"), h.APIVersion, h.Kind,
			APIVersion, Kind)
	}
	if h.Name == "" || h.Version == "" {
		return nil, fmt.Errorf("%s: name and version are required", doc.place("name"))
	}
	return doc, doc.fillIn()
}

// retiredInUse is an error for each retired id that a check has: what is stored of a
// retired id is about another check.
func (d *Document) retiredInUse() error {
	checks := map[string]*checkDoc{}
	for k := range d.modules {
		for i := range d.modules[k].Checks {
			check := &d.modules[k].Checks[i]
			checks[check.ID] = check
		}
	}
	var faults []error
	for i, id := range d.header.Retired {
		if check := checks[id]; check != nil {
			faults = append(faults, fmt.Errorf("%s: retired: there still is the check %s, at %s:%d; give the check another "+
				"id, or take this one out of retired if no version has dropped it", d.place(fmt.Sprintf("retired[%d]", i)), id, check.file, check.Line))
		}
	}
	return errors.Join(faults...)
}

// decode decodes the merged framework, and gives modules and checks the places where they
// were read.
func (m *merger) decode(doc *Document) error {
	into := &doc.header
	document, err := strictyaml.OfNode(m.root)
	if err != nil {
		return strictyaml.Located(m.file, err)
	}
	if faults := (strictyaml.Decoder{}).Decode(document, into); len(faults) > 0 {
		return &strictyaml.Faults{File: m.file, List: faults}
	}
	doc.positions, doc.keyFiles, doc.file = document.Positions, m.keyFiles, m.file
	for i := range into.Modules {
		module := &into.Modules[i]
		at := m.places[m.modules[module.ID]]
		module.file, module.Line = at.file, strictyaml.Line(at.line)
		for k := range module.Checks {
			check := &module.Checks[k]
			at := m.places[m.checks[check.ID]]
			check.file, check.Line = at.file, strictyaml.Line(at.line)
		}
	}
	return nil
}

// place is the file and line of a key of the header, or of the header if it does not have it.
func (d *Document) place(path string) string {
	key, _, _ := strings.Cut(path, "[")
	file, known := d.keyFiles[key]
	if !known {
		key, _, _ = strings.Cut(key, ".")
		file, known = d.keyFiles[key]
	}
	line := d.positions[path].Line
	if !known {
		file, line = d.file, max(line, 1)
	}
	return place{file, max(line, 1)}.String()
}

// part is one file of a framework.
type part struct {
	kind partKind
	file string
	// root has the keys. Aliases are written out.
	root *yaml.Node
	// fixtures are those of a file of fixtures, and of a header.
	fixtures map[string][]fixtureDoc
}

// partKind is what a file of a framework is about.
type partKind int

const (
	headerPart partKind = iota
	modulePart
	checkPart
	changePart
	fixturePart
)

// changeFile is a file of changes of the framework that is extended.
type changeFile struct {
	Checks  map[string]checkDoc `yaml:"checks"`
	Modules []moduleDoc         `yaml:"modules"`
	Drop    []string            `yaml:"drop"`
}

// readParts reads the files, each apart from the others, so that every fault has its file
// and line. A header that cannot be read is the only fault: what the other files are is not
// known then.
func readParts(files []File) ([]part, error) {
	if len(files) == 0 {
		return nil, errors.New("a framework needs at least one file")
	}
	var parts []part
	var faults []error
	for i, f := range files {
		p, err := readPart(f, i == 0)
		if err != nil && p.kind == headerPart {
			return nil, err
		}
		faults = append(faults, err)
		parts = append(parts, p)
	}
	return parts, errors.Join(faults...)
}

func readPart(f File, first bool) (part, error) {
	p := part{kind: modulePart, file: f.Name}
	if first {
		p.kind = headerPart
	}
	node, err := strictyaml.Node(f.Data)
	if err != nil {
		return p, strictyaml.Located(f.Name, err)
	}
	if node == nil {
		return p, &strictyaml.Faults{File: f.Name, List: []strictyaml.Fault{{Text: "the file is empty"}}}
	}
	document, err := strictyaml.OfNode(node)
	if err != nil {
		return p, strictyaml.Located(f.Name, err)
	}
	keys, isMapping := document.Values.(map[string]any)
	if !first {
		p.kind = kindOf(f.Name, keys)
	}
	faults := p.decode(document)
	if document.Values == nil {
		faults = append(faults, strictyaml.Fault{Text: "the file is empty"})
	} else if !isMapping && len(faults) == 0 {
		faults = append(faults, strictyaml.Fault{Text: "want keys with values"})
	}
	if len(faults) > 0 {
		return p, &strictyaml.Faults{File: f.Name, List: faults}
	}
	p.root = node.Content[0]
	if document.Alias > 0 {
		p.root = written(p.root)
	}
	return p, nil
}

// decode finds what is wrong with a file, and reads its fixtures.
func (p *part) decode(document *strictyaml.Document) []strictyaml.Fault {
	var decoder strictyaml.Decoder
	switch p.kind {
	case headerPart:
		var head header
		faults := decoder.Decode(document, &head)
		p.fixtures = head.Fixtures
		return faults
	case checkPart:
		return decoder.Decode(document, &checkFile{})
	case changePart:
		return decoder.Decode(document, &changeFile{})
	case fixturePart:
		return decoder.Decode(document, &p.fixtures)
	}
	return decoder.Decode(document, &moduleDoc{})
}

// kindOf says by its name and keys what a file is.
func kindOf(name string, keys map[string]any) partKind {
	has := func(key string) bool { _, ok := keys[key]; return ok }
	_, changes := keys["checks"].(map[string]any)
	switch {
	case strings.HasSuffix(name, fixtureEnding):
		return fixturePart
	case has("extends"):
		return headerPart
	case has("module"):
		return checkPart
	case !has("id") && (changes || has("drop") || has("modules")):
		return changePart
	}
	return modulePart
}

// written is a node with its aliases and merge keys written out. Who calls it has made sure
// that this ends, and does not grow without bounds: strictyaml.OfNode refuses both.
func written(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return written(n.Alias)
	}
	out := *n
	out.Anchor, out.Content = "", nil
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			out.Content = append(out.Content, written(child))
		}
		return &out
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := written(n.Content[i]), written(n.Content[i+1])
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		out.Content = append(out.Content, key, value)
	}
	for _, from := range merged {
		sources := []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			sources = from.Content
		}
		for _, source := range sources {
			for i := 0; i+1 < len(source.Content); i += 2 {
				if valueOf(&out, source.Content[i].Value) == nil {
					set(&out, source.Content[i].Value, source.Content[i+1])
				}
			}
		}
	}
	return &out
}

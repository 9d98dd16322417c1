package framework

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// Merge makes one file of the files of a framework: modules become a list of the header,
// checks that have a file of their own a list of their module, and what a framework changes
// of the one that it extends is in its place. Comments stay.
func Merge(files []File) (File, error) {
	parts, err := readParts(files)
	if err != nil {
		return File{}, err
	}
	m, err := merge(parts)
	if err != nil {
		return File{}, err
	}
	set(m.root, "fixtures", m.fixturesNode())
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(m.root), encoder.Close()); err != nil {
		return File{}, fmt.Errorf("writing a framework as one file: %w", err)
	}
	return File{Name: m.file, Data: text.Bytes()}, nil
}

// Merged is the framework as one file.
func (d *Document) Merged() (File, error) {
	return Merge(d.files)
}

// place is where something was read.
type place struct {
	file string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// merger puts the parts of a framework together as nodes of YAML. A framework that extends
// another one is a second layer over the first.
type merger struct {
	root *yaml.Node
	// file is that of the last header.
	file string
	// extends is the name and version of the layer below the last one.
	extends string
	// modules and checks are by id, places where each of them was read last.
	modules, checks map[string]*yaml.Node
	places          map[*yaml.Node]place
	// owner is the module of a check, by the id of the check.
	owner map[string]*yaml.Node
	// moduleIDs and checkIDs are in the order in which they were read.
	moduleIDs, checkIDs []string
	// below are the modules and checks of the layers below the present one.
	below map[*yaml.Node]bool
	// changed, added and dropped are ids of checks.
	changed, added, dropped []string
	// fixtures are the cases of each check.
	fixtures map[string][]fixtureDoc
	// keyFiles are the files of the keys of the header.
	keyFiles map[string]string
	// isChanged and isDropped are the ids of checks and modules as sets.
	isChanged, isDropped map[string]bool
	faults               []error
}

func merge(parts []part) (*merger, error) {
	m := &merger{
		modules: map[string]*yaml.Node{}, checks: map[string]*yaml.Node{}, places: map[*yaml.Node]place{},
		owner: map[string]*yaml.Node{}, below: map[*yaml.Node]bool{}, isChanged: map[string]bool{},
		isDropped: map[string]bool{}, keyFiles: map[string]string{},
		fixtures: map[string][]fixtureDoc{},
	}
	for len(parts) > 0 {
		end := 1
		for end < len(parts) && parts[end].kind != headerPart {
			end++
		}
		m.layer(parts[:end])
		parts = parts[end:]
	}
	if len(m.moduleIDs) > 0 {
		list := listOf(m.root, "modules")
		for _, id := range m.moduleIDs {
			list.Content = append(list.Content, m.modules[id])
		}
	}
	return m, errors.Join(m.faults...)
}

func (m *merger) fail(at place, format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf("%s: %w", at, fmt.Errorf(format, args...)))
}

// layer adds the parts of one framework, the header first. Modules come before the checks
// that name them, and what is added before what is changed, wherever the files are.
func (m *merger) layer(parts []part) {
	header := parts[0]
	own := header.root
	changes := []part{{file: header.file, root: changesNode(valueOf(own, "checks"), valueOf(own, "drop"))}}
	fixtures := valueOf(own, "fixtures")
	for _, key := range []string{"checks", "drop", "extends", "fixtures"} {
		removeKey(own, key)
	}
	modules := taken(valueOf(own, "modules"))
	m.keys(header.file, own)
	if m.root == nil {
		m.root = own
	} else {
		removeKey(own, "modules")
		m.header(header, own)
	}
	m.file = header.file
	m.list(header.file, modules)
	for _, p := range parts[1:] {
		switch p.kind {
		case modulePart:
			m.module(p.file, p.root)
		case changePart:
			m.list(p.file, taken(valueOf(p.root, "modules")))
			changes = append(changes, p)
		}
	}
	for _, p := range parts[1:] {
		if p.kind == checkPart {
			m.checkFile(p)
		}
	}
	for _, p := range changes {
		m.changes(p)
	}
	for _, p := range parts {
		if p.kind == fixturePart {
			m.addFixtures(p.file, p.root, p.fixtures)
		}
	}
	m.addFixtures(header.file, fixtures, header.fixtures)
}

// keys notes the file of the keys of a header, and of those below that are changed one by one.
func (m *merger) keys(file string, header *yaml.Node) {
	for i := 0; i+1 < len(header.Content); i += 2 {
		key, value := header.Content[i].Value, header.Content[i+1]
		m.keyFiles[key] = file
		if slices.Contains(deepKeys(), key) && value.Kind == yaml.MappingNode {
			for k := 0; k+1 < len(value.Content); k += 2 {
				m.keyFiles[strictyaml.Join(key, value.Content[k].Value)] = file
			}
		}
	}
}

// deepKeys are the keys of a header whose keys are changed one by one.
func deepKeys() []string { return []string{"lapse_after", "requirements"} }

// changesNode is a part of changes, as a file of changes has them.
func changesNode(checks, drop *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	set(n, "checks", checks)
	set(n, "drop", drop)
	return n
}

// header puts the keys of a header over those of the framework that it extends.
func (m *merger) header(p part, own *yaml.Node) {
	at := place{p.file, max(own.Line, 1)}
	name, version := textOf(own, "name"), textOf(own, "version")
	m.extends = textOf(m.root, "name") + " " + textOf(m.root, "version")
	switch {
	case name == "" || version == "":
		m.fail(at, "name and version are required")
	case name == textOf(m.root, "name"):
		m.fail(at, "the name %q is that of the framework that it extends; give it a name of its own", name)
	}
	m.changed, m.added, m.dropped = nil, nil, nil
	m.isChanged, m.isDropped = map[string]bool{}, map[string]bool{}
	for _, n := range m.modules {
		m.below[n] = true
	}
	for _, n := range m.checks {
		m.below[n] = true
	}
	removeKey(m.root, "changelog") // it is about the versions of the other framework
	overlay(m.root, own, deepKeys()...)
}

// list adds the modules of a list.
func (m *merger) list(file string, modules []*yaml.Node) {
	for _, n := range modules {
		if n.Kind == yaml.MappingNode {
			m.module(file, n)
		}
	}
}

// module adds a module, or changes one of the framework that is extended: its keys replace
// those that were there, and its checks are added.
func (m *merger) module(file string, n *yaml.Node) {
	id, at := textOf(n, "id"), place{file, n.Line}
	checks := taken(valueOf(n, "checks"))
	known := m.modules[id]
	switch {
	case id == "":
		m.fail(at, "a module needs an id: lower case letters, digits and dashes, such as data")
		return
	case known == nil:
		m.modules[id], m.places[n], known = n, at, n
		m.moduleIDs = append(m.moduleIDs, id)
	case !m.below[known]:
		m.fail(at, "the module %q is there twice, first at %s; give one of them another id", id, m.places[known])
	default:
		removeKey(n, "checks")
		overlay(known, n)
		m.places[known] = at
	}
	for _, c := range checks {
		if c.Kind == yaml.MappingNode {
			m.check(known, c, file)
		}
	}
}

// checkFile adds a check that has a file of its own.
func (m *merger) checkFile(p part) {
	id := textOf(p.root, "module")
	module := m.modules[id]
	if module == nil {
		m.fail(place{p.file, p.root.Line}, "check %s: there is no module %q%s", textOf(p.root, "id"), id,
			nearest.Suggest(id, m.moduleIDs))
		return
	}
	removeKey(p.root, "module")
	m.check(module, p.root, p.file)
}

// check adds a new check to a module.
func (m *merger) check(module, n *yaml.Node, file string) {
	id, at := textOf(n, "id"), place{file, n.Line}
	if id == "" {
		m.fail(at, "a check needs an id: lower case words joined by dots and dashes, such as cicd.no-drift")
		return
	}
	if known := m.checks[id]; known != nil {
		remedy := "give one of them another id"
		if m.below[known] {
			remedy = fmt.Sprintf("write what is to be changed of it under checks, as %s: {...}, or give this one another id", id)
		}
		m.fail(at, "check %s: the id is used twice, first at %s; %s", id, m.places[known], remedy)
		return
	}
	list := listOf(module, "checks")
	list.Content = append(list.Content, n)
	m.checks[id], m.owner[id], m.places[n] = n, module, at
	m.checkIDs = append(m.checkIDs, id)
	if len(m.below) > 0 {
		m.added = append(m.added, id)
	}
}

// changes applies the changes of a part to the checks and modules of the layers below.
func (m *merger) changes(p part) {
	if checks := valueOf(p.root, "checks"); checks != nil {
		for i := 0; i+1 < len(checks.Content); i += 2 {
			m.changeCheck(p.file, checks.Content[i], checks.Content[i+1])
		}
	}
	if drop := valueOf(p.root, "drop"); drop != nil {
		for _, n := range drop.Content {
			m.drop(place{p.file, n.Line}, n.Value)
		}
	}
}

func (m *merger) changeCheck(file string, key, changes *yaml.Node) {
	id, at := key.Value, place{file, key.Line}
	known := m.checks[id]
	switch {
	case len(m.below) == 0:
		m.fail(at, "checks changes checks of a framework that extends names, and this one has none; "+
			"put new checks into the list of a module")
		return
	case known == nil || !m.below[known]:
		m.fail(at, "%s has no check %q%s", m.extends, id, nearest.Suggest(id, m.idsBelow(m.checks, m.checkIDs)))
		return
	case m.isChanged[id]:
		m.fail(at, "check %s is changed twice, first at %s; put the changes together", id, m.places[known])
		return
	case changes.Kind != yaml.MappingNode:
		m.fail(at, "check %s: say which keys are to be changed, such as {value: 5}; drop leaves a check out", id)
		return
	case valueOf(changes, "id") != nil:
		m.fail(at, "check %s: the id cannot be changed; drop the check, and add one with another id", id)
		return
	}
	if slices.ContainsFunc(judgedKeys(), func(key string) bool { return valueOf(changes, key) != nil }) {
		m.forgetFixtures(id)
	}
	overlay(known, changes, "scope", "values", "steps", "remedies")
	m.places[known], m.isChanged[id] = at, true
	m.changed = append(m.changed, id)
}

// drop leaves out a check, or a module with its checks.
func (m *merger) drop(at place, id string) {
	module, check := m.modules[id], m.checks[id]
	switch {
	case check != nil && m.below[check] && m.isChanged[id]:
		m.fail(at, "check %s is changed at %s and dropped here; do one of both", id, m.places[check])
	case m.isDropped[id]:
		m.fail(at, "%s is dropped twice; remove one of them", id)
	case check != nil && m.below[check]:
		m.remove(id)
	case module != nil && m.below[module]:
		for _, check := range slices.Clone(m.checkIDs) {
			if m.owner[check] == module {
				m.remove(check)
			}
		}
		delete(m.modules, id)
		m.moduleIDs = slices.DeleteFunc(m.moduleIDs, func(known string) bool { return known == id })
	case len(m.below) == 0:
		m.fail(at, "drop leaves out checks of a framework that extends names, and this one has none; remove the check itself")
	default:
		m.fail(at, "drop: %s has no check or module %q%s", m.extends, id, nearest.Suggest(id,
			append(m.idsBelow(m.checks, m.checkIDs), m.idsBelow(m.modules, m.moduleIDs)...)))
	}
	m.isDropped[id] = true
}

// remove takes a check out of its module.
func (m *merger) remove(id string) {
	list, check := valueOf(m.owner[id], "checks"), m.checks[id]
	list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return n == check })
	delete(m.checks, id)
	m.forgetFixtures(id)
	m.checkIDs = slices.DeleteFunc(m.checkIDs, func(known string) bool { return known == id })
	m.dropped = append(m.dropped, id)
}

// idsBelow are those of the ids that the framework has which is extended.
func (m *merger) idsBelow(of map[string]*yaml.Node, ids []string) []string {
	var below []string
	for _, id := range ids {
		if m.below[of[id]] {
			below = append(below, id)
		}
	}
	return below
}

// overlay puts the keys of a mapping over those of another one. Of the keys in deep the
// value is a mapping, too, of which the keys that are not given stay.
func overlay(to, from *yaml.Node, deep ...string) {
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i].Value, from.Content[i+1]
		moveTo(from.Content[i], to)
		before := valueOf(to, key)
		if before != nil && slices.Contains(deep, key) && before.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode {
			overlay(before, value)
			continue
		}
		set(to, key, value)
	}
}

// moveTo gives the same key of a mapping the place of a key.
func moveTo(key, mapping *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if known := mapping.Content[i]; known.Value == key.Value {
			known.Line, known.Column = key.Line, key.Column
		}
	}
}

// taken are the entries of a list, which is empty afterwards; none without a list.
func taken(list *yaml.Node) []*yaml.Node {
	if list == nil {
		return nil
	}
	entries := list.Content
	list.Content = nil
	return entries
}

// listOf is the list of a key, which is made if there is none.
func listOf(mapping *yaml.Node, key string) *yaml.Node {
	list := valueOf(mapping, key)
	if list == nil || list.Kind != yaml.SequenceNode {
		list = &yaml.Node{Kind: yaml.SequenceNode}
		set(mapping, key, list)
	}
	list.Style &^= yaml.FlowStyle
	return list
}

// set gives a key of a mapping a value. Nothing is set where value is nil.
func set(mapping *yaml.Node, key string, value *yaml.Node) {
	if value == nil {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content[i+1] = value
			return
		}
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

// valueOf is the value of a key, nil without one.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func textOf(mapping *yaml.Node, key string) string {
	if value := valueOf(mapping, key); value != nil {
		return value.Value
	}
	return ""
}

func removeKey(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}

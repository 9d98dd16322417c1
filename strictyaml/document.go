// Package strictyaml reads YAML strictly, for every file that people write:
// configuration, criteria, presets of facts and catalog entries.
//
// A text is parsed into plain values, which say nothing about types, and the
// line of every key. A Decoder then puts the values into Go types and reports
// all that does not fit at once: keys that a type does not have, with the
// nearest one that it has, and values of another kind.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Plain is a scalar that was written without quotation marks. Only the type of
// its key decides what it is: 1.10 is a text for one key and a number for
// another.
type Plain string

// PlainScalar is the value of a scalar without quotation marks: Plain, or nil
// where YAML reads null.
func PlainScalar(text string) any {
	if node := scalarNode(Plain(text)); node.ShortTag() == "!!null" {
		return nil
	}
	return Plain(text)
}

// Position is a place in a text. Line and Column count from 1.
type Position struct{ Line, Column int }

// Document is one YAML document.
type Document struct {
	// Line is where the document begins.
	Line int
	// Values are map[string]any, []any, string (in quotation marks), Plain or
	// nil. Aliases and merge keys are replaced by what they refer to, entries of
	// lists that are null are left out.
	Values any
	// Positions are those of keys and of entries of lists, by path: a.b[0].c. The
	// path of the document itself is empty.
	Positions map[string]Position
	// Alias is the line of the first alias; 0 when there is none.
	Alias int
	// Faults are keys that are given twice or are no text, and merges of
	// something that has no keys.
	Faults []Fault
}

// SyntaxError is a text that is not YAML, or one that must not be expanded.
type SyntaxError struct {
	// Line is 0 when it is not known.
	Line int
	Text string
}

// Error is the text, without the line.
func (e *SyntaxError) Error() string { return e.Text }

// Parse reads a text of one document. A text without content is a document
// whose Values are nil. The error is a *SyntaxError; it quotes nothing of the text.
func Parse(text []byte) (*Document, error) {
	node, err := Node(text)
	if err != nil {
		return nil, err
	}
	if node == nil {
		return &Document{}, nil
	}
	return OfNode(node)
}

// ParseAll reads every document of a text. With an error it returns the
// documents before the error.
func ParseAll(text []byte) ([]*Document, error) {
	var documents []*Document
	err := each(text, func(node *yaml.Node) error {
		document, err := OfNode(node)
		if err == nil {
			documents = append(documents, document)
		}
		return err
	})
	return documents, err
}

// Node reads a text of one document as YAML has it, with comments: a document node with one
// content, or nil for a text without content. OfNode makes a document of it. The error is a
// *SyntaxError.
func Node(text []byte) (*yaml.Node, error) {
	var only *yaml.Node
	err := each(text, func(node *yaml.Node) error {
		if only != nil {
			return &SyntaxError{
				Line: node.Line,
				Text: "a second YAML document begins here, which would not be read; keep one document",
			}
		}
		only = node
		return nil
	})
	if err != nil {
		return nil, err
	}
	return only, nil
}

// each reads the documents of a text that have a content.
func each(text []byte, use func(*yaml.Node) error) error {
	marks := 0
	for _, mark := range []string{"\n", ",", ":"} {
		marks += bytes.Count(text, []byte(mark))
	}
	if marks > maxMarks {
		return &SyntaxError{Text: fmt.Sprintf("too much to read: %d line ends, commas and colons are more than %d; "+
			"split the file", marks, maxMarks)}
	}
	text = yamlVersion.ReplaceAll(text, []byte("${1}1"))
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var node yaml.Node
		if err := decoder.Decode(&node); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return syntaxError(err)
		}
		if len(node.Content) != 1 {
			continue
		}
		if err := use(&node); err != nil {
			return err
		}
	}
}

// OfNode makes a document of a node of YAML: a document or its content. The error is a
// *SyntaxError.
func OfNode(node *yaml.Node) (*Document, error) {
	root := node
	if node.Kind == yaml.DocumentNode {
		root = node.Content[0]
	}
	b := builder{
		document: &Document{Line: node.Line, Positions: map[string]Position{"": {root.Line, root.Column}}},
		budget:   1000 + 10*count(root),
	}
	b.document.Values = b.value(root, "")
	if b.err != nil {
		return nil, b.err
	}
	return b.document, nil
}

// maxMarks is how many line ends, commas and colons a text may have. Each value that is
// read has at least one, and takes several hundred bytes: a file of some megabytes of
// them would take a gigabyte. The catalog entry of a service has about 50.
const maxMarks = 1_000_000

// yamlVersion is the directive that says the version of YAML. The parser refuses every
// version but 1.1, although it reads the files of 1.2.
var yamlVersion = regexp.MustCompile(`(?m)^(%YAML 1\.)\d+`)

var anchorName = regexp.MustCompile(`^unknown anchor '.*' referenced$`)

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError takes the line out of an error of the parser.
func syntaxError(err error) *SyntaxError {
	match := yamlLine.FindStringSubmatch(err.Error())
	if match == nil {
		return &SyntaxError{Text: "this is not YAML; check indentation and quotes"}
	}
	line, _ := strconv.Atoi(match[1])
	what := err.Error()[len(match[0]):]
	if anchorName.MatchString(what) {
		// The name is a part of the text, which may be no YAML and hold a secret.
		what = "it refers to an anchor that it does not have"
	}
	return &SyntaxError{Line: line, Text: "this is not YAML: " + what +
		"; check indentation and quotes here and in the line above"}
}

// builder makes plain values of nodes.
type builder struct {
	document *Document
	// budget is how many nodes aliases may still add: nested aliases grow
	// exponentially.
	budget int
	// open are the anchors around the present node, to find an alias of itself.
	open []*yaml.Node
	err  *SyntaxError
}

func count(n *yaml.Node) int {
	sum := 1
	for _, child := range n.Content {
		sum += count(child)
	}
	return sum
}

func (b *builder) value(n *yaml.Node, path string) any {
	if b.err != nil {
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return b.alias(n, path)
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, len(list))
			if value := b.value(child, at); value != nil {
				list = append(list, value)
				b.document.Positions[at] = Position{child.Line, child.Column}
			}
		}
		return list
	case yaml.MappingNode:
		return b.mapping(n, path)
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!str":
		return n.Value
	}
	return Plain(n.Value)
}

func (b *builder) alias(n *yaml.Node, path string) any {
	if b.document.Alias == 0 {
		b.document.Alias = n.Line
	}
	b.budget -= count(n.Alias)
	switch {
	case slices.Contains(b.open, n.Alias):
		b.err = &SyntaxError{n.Line, "the alias refers to a value that contains it; write the value out"}
	case b.budget < 0:
		b.err = &SyntaxError{n.Line, "aliases make the file more than ten times larger; write the values out"}
	default:
		b.open = append(b.open, n.Alias)
		defer func() { b.open = b.open[:len(b.open)-1] }()
		return b.value(n.Alias, path)
	}
	return nil
}

func (b *builder) mapping(n *yaml.Node, path string) map[string]any {
	values := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() == "!!merge" {
			b.merge(values, n.Content[i+1], path)
		}
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		position := Position{key.Line, key.Column}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch first, twice := lines[key.Value]; {
		case key.ShortTag() == "!!merge":
		case key.Kind != yaml.ScalarNode:
			b.fault(path, "", position, "a key must be text, got %s", KindOf(b.value(key, path)))
		case twice:
			b.fault(path, key.Value, position, "the key %.60q is given twice, first in line %d; remove one of them",
				key.Value, first)
		default:
			at := Join(path, key.Value)
			lines[key.Value] = position.Line
			values[key.Value] = b.value(n.Content[i+1], at)
			b.document.Positions[at] = position
		}
	}
	return values
}

// merge adds the keys of a merge key that an earlier one has not given.
func (b *builder) merge(values map[string]any, n *yaml.Node, path string) {
	sources := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		sources = n.Content
	}
	for _, source := range sources {
		merged, ok := b.value(source, path).(map[string]any)
		if !ok {
			b.fault(path, "", Position{n.Line, n.Column}, "<< wants keys with values; write the values out")
		}
		for key, value := range merged {
			if _, given := values[key]; !given {
				values[key] = value
			}
		}
	}
}

func (b *builder) fault(path, key string, at Position, format string, args ...any) {
	if b.err == nil {
		fault := Fault{Path: path, Key: key, Position: at, Text: fmt.Sprintf(format, args...)}
		b.document.Faults = append(b.document.Faults, fault)
	}
}

// Join is the path of a key below a path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// KindOf says in words what a value is.
func KindOf(value any) string {
	switch value.(type) {
	case map[string]any:
		return "keys with values"
	case []any:
		return "a list"
	}
	return "a single value"
}

func scalarNode(value any) *yaml.Node {
	if text, plain := value.(Plain); plain {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: string(text)}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: fmt.Sprint(value)}
}

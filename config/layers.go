package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/nearest"
)

// EnvPrefix begins the names of environment variables that set a key. Keys are
// separated by two underscores, READINESS__STORE__URL: Kubernetes makes names
// with single ones for every service it finds.
const EnvPrefix = "READINESS__"

// layers merges what file, environment and flags say; the later wins.
//
// Values go through koanf as numbers of tree nodes. So text stays as it was
// written (1.10 does not become 1.1), lists are replaced whole, and every value
// keeps its place.
type layers struct {
	report *report
	merged *koanf.Koanf
	nodes  []*yaml.Node
}

// leafNumber is the index of a node in layers.nodes.
type leafNumber int

func newLayers(r *report) *layers { return &layers{report: r, merged: koanf.New(".")} }

func (l *layers) keep(n *yaml.Node) leafNumber {
	l.nodes = append(l.nodes, n)
	return leafNumber(len(l.nodes) - 1)
}

// file adds the tree of the file, after the walker has checked it.
func (l *layers) file(root *yaml.Node) error {
	if root == nil || root.Kind != yaml.MappingNode {
		return nil
	}
	return l.merged.Load(confmap.Provider(l.numbered(root, reflect.TypeFor[Config]()), ""), nil)
}

// numbered turns sections into maps and everything else into a number.
func (l *layers) numbered(n *yaml.Node, t reflect.Type) map[string]any {
	section := map[string]any{}
	keys := fieldsOf(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if field := keys.types[key]; isSection(field) && value.Kind == yaml.MappingNode {
			section[key] = l.numbered(value, field)
		} else {
			section[key] = l.keep(value)
		}
	}
	return section
}

func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isLeaf(t) }

// environment adds the variables that begin with EnvPrefix.
func (l *layers) environment(environ []string) error {
	// Sorted, so that errors come in one order.
	environ = slices.Sorted(slices.Values(environ))
	provider := env.Provider(".", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			path := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, EnvPrefix)), "__", ".")
			return l.override(path, value, Place{Other: "environment variable " + name})
		},
	})
	return l.merged.Load(provider, nil)
}

// flags adds the flags that were given on the command line and name a key.
// Dashes in their names stand for underscores. Other flags are not ours.
func (l *layers) flags(set *pflag.FlagSet) error {
	values := map[string]any{}
	// Visit would see only what this very set has parsed, and the flags are
	// parsed by the command that took them over.
	set.VisitAll(func(f *pflag.Flag) {
		path := strings.ReplaceAll(f.Name, "-", "_")
		if !f.Changed || !strings.Contains(path, ".") {
			return
		}
		if key, value := l.override(path, f.Value.String(), Place{Other: "flag --" + f.Name}); key != "" {
			values[key] = value
		}
	})
	return l.merged.Load(confmap.Provider(values, "."), nil)
}

// override checks one value from outside the file. The key is empty when it
// was refused.
func (l *layers) override(path, text string, place Place) (string, any) {
	keys := strings.Split(path, ".")
	t, known := typeAt(reflect.TypeFor[Config](), keys)
	if t == nil {
		l.unknown(keys, known, place)
		return "", nil
	}
	if isSection(t) {
		l.report.addAt(place, path, "this is a section; name one of its keys: %s", strings.Join(fieldsOf(t).names, ", "))
		return "", nil
	}
	node := scalar(t, text)
	if t.Kind() == reflect.Slice {
		var err error
		if node, err = list(t, text); err != nil {
			l.report.addAt(place, path, "the list cannot be read; write it as YAML: [a, b]")
			return "", nil
		}
	}
	// An earlier refusal was about a value that is replaced now.
	delete(l.report.spoilt, path)
	w := walker{report: l.report, placeOf: func(*yaml.Node) Place { return place }}
	w.value(node, t, path)
	return path, l.keep(node)
}

func (l *layers) unknown(keys []string, known int, place Place) {
	above := strings.Join(keys[:known], ".")
	parent, _ := typeAt(reflect.TypeFor[Config](), keys[:known])
	if !isSection(parent) {
		if parent.Kind() == reflect.Slice {
			l.report.addAt(place, above, "a variable or flag replaces the whole list, not one entry of it; write the list as YAML or use the file")
			return
		}
		l.report.addAt(place, above, "there are no keys below this one; name it alone")
		return
	}
	names := fieldsOf(parent).names
	text := nearest.Hint(keys[known], names)
	if text == "" {
		text = "; the keys here are " + strings.Join(names, ", ")
	}
	l.report.addAt(place, above, "unknown key %q%s", short(keys[known]), text)
}

// scalar makes a node of text. For keys that take text it is taken as it is;
// numbers and truth values are read as in the file.
func scalar(t reflect.Type, text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if t.Kind() == reflect.String || t == reflect.TypeFor[Secret]() {
		node.Tag, node.Style = "!!str", yaml.DoubleQuotedStyle
	}
	return node
}

// list reads a list: as YAML, or words with commas between them.
func list(t reflect.Type, text string) (*yaml.Node, error) {
	if strings.TrimSpace(text) == "" {
		return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}, nil
	}
	if t.Elem().Kind() == reflect.String && !strings.HasPrefix(strings.TrimSpace(text), "[") && !strings.HasPrefix(strings.TrimSpace(text), "-") {
		node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, word := range strings.Split(text, ",") {
			node.Content = append(node.Content, scalar(t.Elem(), strings.TrimSpace(word)))
		}
		return node, nil
	}
	node, _, err := parseTree([]byte(text))
	if err != nil || node == nil {
		return nil, fmt.Errorf("not a list: %w", err)
	}
	return node, nil
}

// tree is what all layers say together.
func (l *layers) tree() *yaml.Node { return l.rebuilt(l.merged.Raw()) }

func (l *layers) rebuilt(section map[string]any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for key, value := range section {
		child := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
		switch v := value.(type) {
		case map[string]any:
			child = l.rebuilt(v)
		case leafNumber:
			child = l.nodes[v]
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, child)
	}
	return n
}

package config

import (
	"fmt"
	"reflect"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// walker goes through a YAML tree beside the Go types it is meant for. It
// reports what does not fit and takes it out of the tree, so that the rest can
// be decoded and checked in the same run.
type walker struct {
	report *report
	// placeOf tells where a node was given.
	placeOf func(*yaml.Node) Place
}

// value checks one node against the type of its key.
func (w *walker) value(n *yaml.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	w.report.places[path] = w.placeOf(n)
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return // the default stays
	}
	switch {
	case isLeaf(t):
		w.leaf(n, t, path)
	case t.Kind() == reflect.Struct:
		w.mapping(n, fieldsOf(t), path)
		if t == reflect.TypeFor[HTTPClient]() {
			w.httpClient(n, path)
		}
	case t.Kind() == reflect.Map:
		w.mapping(n, fields{any: t.Elem()}, path)
	case t.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			w.refuse(n, path, "want a list, got %s; begin every entry with a dash", kindOf(n))
			return
		}
		for i, child := range n.Content {
			w.value(child, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// mapping checks the keys of a mapping and goes on to their values.
func (w *walker) mapping(n *yaml.Node, want fields, path string) {
	if n.Kind != yaml.MappingNode {
		w.refuse(n, path, "want keys with values, got %s", kindOf(n))
		return
	}
	kept := n.Content[:0:0]
	lines := map[string]Place{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		place := w.placeOf(key)
		if key.Kind != yaml.ScalarNode {
			w.report.addAt(place, path, "a key must be text, got %s", kindOf(key))
			continue
		}
		if first, dup := lines[key.Value]; dup {
			w.report.addAt(place, path, "the key %q is given twice, first at %s; remove one of them", short(key.Value), first)
			continue
		}
		lines[key.Value] = place
		t := want.typeOf(key.Value)
		if t == nil {
			w.report.addAt(place, path, "unknown key %q%s", short(key.Value), w.hint(key.Value, want.names, path))
			continue
		}
		// A key is text even where YAML would read a number or nothing.
		key.Tag, key.Style = "!!str", yaml.DoubleQuotedStyle
		kept = append(kept, key, value)
		at := join(path, key.Value)
		w.value(value, t, at)
		// A key's line is what a reader looks for; its value may begin later.
		w.report.places[at] = place
	}
	n.Content = kept
}

// hint suggests the key that was probably meant. Nothing more is said about
// that key: its absence follows from the mistake.
func (w *walker) hint(key string, known []string, path string) string {
	for _, k := range known {
		if k == key+"_file" {
			w.report.spoilt[join(path, k)] = true
			return fmt.Sprintf(", did you mean %q?", k)
		}
	}
	if name, ok := nearest.Name(key, known); ok {
		w.report.spoilt[join(path, name)] = true
		return fmt.Sprintf(", did you mean %q?", name)
	}
	return "; the keys here are " + strings.Join(known, ", ")
}

// leaf checks a scalar by decoding it. The error of the decoder is not shown:
// it holds the value, which may be a secret in the wrong place.
func (w *walker) leaf(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.ScalarNode {
		w.refuse(n, path, "want %s, got %s", wanted(t), kindOf(n))
		return
	}
	if t == reflect.TypeFor[promconfig.Secret]() {
		if n.Value != "" {
			w.refuse(n, path, "a secret must not stand in the configuration; %s", secretRemedy(path))
		}
		return
	}
	// The decoder would cut 1.5 to 1.
	cut := (t.Kind() == reflect.Int || t.Kind() == reflect.Int64) && t != reflect.TypeFor[Duration]() && n.ShortTag() != "!!int"
	if err := n.Decode(reflect.New(t).Interface()); cut || err != nil {
		w.refuse(n, path, "want %s", wanted(t))
	}
}

// httpClient checks the rules of an HTTP client that span several keys.
func (w *walker) httpClient(n *yaml.Node, path string) {
	var client HTTPClient
	if n.Kind != yaml.MappingNode {
		return
	}
	if err := n.Decode(&client); err != nil {
		text := err.Error()
		if strings.HasPrefix(text, "yaml:") {
			text = "the values cannot be decoded" // the decoder quotes them
		}
		w.refuse(n, path, "%s; see the keys of Prometheus's HTTP client configuration", text)
		return
	}
	for _, proxy := range []struct {
		key string
		url promconfig.URL
	}{{".proxy_url", client.ProxyURL}, {".oauth2.proxy_url", oauthProxy(client)}} {
		if proxy.url.URL != nil && proxy.url.User != nil {
			w.report.add(path+proxy.key, "the address holds credentials; set proxy_from_environment and put the address into the environment variable HTTPS_PROXY")
		}
	}
}

func oauthProxy(client HTTPClient) promconfig.URL {
	if client.OAuth2 == nil {
		return promconfig.URL{}
	}
	return client.OAuth2.ProxyURL
}

// refuse reports a value and takes it out of the tree.
func (w *walker) refuse(n *yaml.Node, path, format string, args ...any) {
	w.report.add(path, format, args...)
	w.report.spoilt[path] = true
	n.Kind, n.Tag, n.Value, n.Content = yaml.ScalarNode, "!!null", "", nil
}

// secretRemedy says where the secret of a key belongs.
func secretRemedy(path string) string {
	key := path[strings.LastIndexAny(path, ".")+1:]
	switch {
	case strings.HasPrefix(key, "secrets["):
		return "put it into a file and name the file in files"
	case strings.Contains(path, ".proxy_connect_header"):
		return "set proxy_from_environment and put the address with its credentials into the environment variable HTTPS_PROXY"
	}
	return "put it into a file and name the file in " + key + "_file"
}

// short keeps a key that is a whole paragraph out of the error.
func short(key string) string { return evidence.Clean(key, 60) }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return "a single value"
	}
	return "nothing that can be read"
}

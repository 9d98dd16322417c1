package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/config"
)

const example = "../config.example.yaml"

// readExample reads the example from disk and every file it names as a token.
func readExample(name string) ([]byte, error) {
	if filepath.Base(name) == filepath.Base(example) {
		return os.ReadFile(name)
	}
	return []byte("token-of-a-test\n"), nil
}

func TestExampleLoads(t *testing.T) {
	valid, err := config.Load(config.Options{Path: example, ReadFile: readExample})
	if err != nil {
		t.Fatal(err)
	}
	service := valid.Catalog().Services[0]
	// The example fills every field of a service, so that a key that decodes
	// into nothing is noticed.
	value := reflect.ValueOf(service)
	for i := range value.NumField() {
		if value.Type().Field(i).Tag.Get("yaml") != "-" && value.Field(i).IsZero() {
			t.Errorf("catalog.services[0]: the field %s is empty", value.Type().Field(i).Name)
		}
	}
}

// exampleTree collects what the example says: values by key, and comments by
// the key they stand above. List entries have no index: sources.jira[].url.
type exampleTree struct {
	values   map[string]*yaml.Node
	comments map[string]string
	// sections holds all comments within a mapping, where keys that cannot be
	// given together are commented out.
	sections map[string]string
}

func (e *exampleTree) walk(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, child := range n.Content {
			// The comment above a dash belongs to the entry's first key.
			if child.Kind == yaml.MappingNode {
				child.Content[0].HeadComment = child.HeadComment + "\n" + child.Content[0].HeadComment
			}
			e.walk(child, path+"[]")
		}
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at := strings.TrimPrefix(path+"."+key.Value, ".")
			e.values[at] = value
			e.comments[at] = key.HeadComment
			e.sections[path] += "\n" + key.HeadComment + "\n" + key.FootComment
			e.walk(value, at)
		}
	}
}

func parseExample(t *testing.T) *exampleTree {
	t.Helper()
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	e := &exampleTree{values: map[string]*yaml.Node{}, comments: map[string]string{}, sections: map[string]string{}}
	e.walk(document.Content[0], "")
	return e
}

// keysOf lists the keys of the configuration with their types, in the notation
// of exampleTree. The keys of http_client are Prometheus's to explain, those of a
// discovered entry are explained with catalog.services.
func keysOf(t reflect.Type, path string, keys map[string]reflect.Type) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if options == "inline" {
			keysOf(field.Type, path, keys)
		}
		if name == "" || name == "-" || !field.IsExported() {
			continue
		}
		at, member := strings.TrimPrefix(path+"."+name, "."), field.Type
		keys[at] = member
		if member.Kind() == reflect.Slice {
			at, member = at+"[]", member.Elem()
		}
		switch member {
		case reflect.TypeFor[config.Secret](), reflect.TypeFor[config.Date](), reflect.TypeFor[config.HTTPClient]():
			continue
		}
		if member.Kind() == reflect.Struct && at != "catalog.pagerduty[].entry" {
			keysOf(member, at, keys)
		}
	}
}

func TestExampleExplainsEveryKey(t *testing.T) {
	e := parseExample(t)
	keys := map[string]reflect.Type{}
	keysOf(reflect.TypeFor[config.Config](), "", keys)
	if len(keys) < 100 {
		t.Fatalf("found %d keys only", len(keys))
	}
	for key := range keys {
		section, leaf := "", key
		if i := strings.LastIndex(key, "."); i >= 0 {
			section, leaf = key[:i], key[i+1:]
		}
		if _, live := e.values[key]; !live {
			if !regexp.MustCompile(`(?m)^# ` + leaf + `: \S`).MatchString(e.sections[section]) {
				t.Errorf("%s does not occur", key)
			}
			continue
		}
		if strings.TrimSpace(e.comments[key]) == "" {
			t.Errorf("%s is not explained", key)
		}
	}
}

var defaultLine = regexp.MustCompile(`(?m)^# default: (.*)$`)

func TestExampleNamesTheRealDefaults(t *testing.T) {
	e := parseExample(t)
	defaults := map[string]any{}
	collect := func(prefix string, value any) {
		text, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var tree yaml.Node
		if err := yaml.Unmarshal(text, &tree); err != nil {
			t.Fatal(err)
		}
		flat := &exampleTree{values: map[string]*yaml.Node{}, comments: map[string]string{}, sections: map[string]string{}}
		flat.walk(tree.Content[0], prefix)
		for key, node := range flat.values {
			defaults[key] = decoded(t, node)
		}
	}
	collect("", config.Default())
	collect("sources.pagerduty[]", config.DefaultPagerDuty())
	collect("sources.jira[]", config.DefaultJira())
	collect("sources.prometheus[]", config.DefaultPrometheus())
	collect("sources.prometheus[].relabel[]", config.DefaultRelabel())
	collect("sources.file[]", config.DefaultFile())
	collect("sources.file[].facts[]", config.DefaultFileFact())
	// A secret encodes as such; this one is none.
	defaults["store.url"] = config.Default().Store.URL.Reveal()

	named := 0
	for key, comment := range e.comments {
		match := defaultLine.FindStringSubmatch(comment)
		if match == nil {
			continue
		}
		named++
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(match[1]), &node); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		standard, ok := defaults[key]
		if !ok {
			t.Errorf("%s: the program has no default for this key", key)
			continue
		}
		if got := decoded(t, node.Content[0]); !reflect.DeepEqual(got, standard) {
			t.Errorf("%s: the example says %v, the program %v", key, got, standard)
		}
		if live := decoded(t, e.values[key]); !reflect.DeepEqual(live, standard) {
			t.Errorf("%s: the example sets %v, not its default %v", key, live, standard)
		}
	}
	if named < 40 {
		t.Errorf("the example names %d defaults only", named)
	}
	// And the other way round: whatever has a default says so.
	for key, value := range defaults {
		node, live := e.values[key]
		if live && node.Kind == yaml.ScalarNode && !strings.Contains(key, "http_client") &&
			!strings.Contains(key, "severities.") &&
			value != "" && value != nil && defaultLine.FindStringSubmatch(e.comments[key]) == nil {
			t.Errorf("%s has the default %v, which the example does not name", key, value)
		}
	}
}

func decoded(t *testing.T, node *yaml.Node) any {
	t.Helper()
	var value any
	if err := node.Decode(&value); err != nil {
		t.Fatal(err)
	}
	switch v := value.(type) {
	case int:
		return float64(v)
	case string:
		// 14d and 2w are the same.
		if d, err := model.ParseDuration(v); err == nil {
			return d
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case nil:
		return nil
	}
	return value
}

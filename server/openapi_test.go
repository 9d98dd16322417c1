package server

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/report"
)

var update = flag.Bool("update", false, "write openapi.yaml anew")

// answers are what the operations of the API answer, by the names of their schemas.
func answers() map[string]any {
	return map[string]any{
		"ServicesPage": report.ServicesPage{}, "Scorecard": report.Scorecard{}, "History": report.History{},
		"Gate": report.Gate{}, "Incidents": report.Incidents{}, "Teams": report.Teams{}, "Checks": report.Checks{},
		"FrameworkInfo": report.FrameworkInfo{}, "Correlation": report.Correlation{}, "Problem": problem{},
	}
}

// TestOpenAPI: openapi.yaml is made of the operations in testdata/openapi.yaml and of the
// types of the answers, with their comments.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	base, err := os.ReadFile(filepath.Join("testdata", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(base, &document); err != nil {
		t.Fatal(err)
	}
	s := &schemas{t: t, made: map[string]*yaml.Node{}, types: map[string]reflect.Type{}, docs: comments(t)}
	for _, value := range answers() {
		s.of(reflect.TypeOf(value))
	}
	fillResponses(&document)
	all := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(s.made)) {
		all.Content = append(all.Content, text(name), s.made[name])
	}
	components := child(document.Content[0], "components")
	components.Content = append(components.Content, text("schemas"), all)
	var made bytes.Buffer
	made.WriteString("# Generated from testdata/openapi.yaml and the types of report: go test ./server -run OpenAPI -update\n")
	encoder := yaml.NewEncoder(&made)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.yaml", made.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(made.Bytes(), openAPI) {
		t.Error("openapi.yaml is not that of the code: go test ./server -run OpenAPI -update")
	}
}

// fillResponses replaces $ok by the answer, and the errors that all have.
func fillResponses(n *yaml.Node) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && c.Value == "responses" && child(n.Content[i+1], "$ok") != nil {
			*n.Content[i+1] = *responses(child(n.Content[i+1], "$ok").Value)
			continue
		}
		fillResponses(c)
	}
}

func responses(schema string) *yaml.Node {
	var node yaml.Node
	err := yaml.Unmarshal([]byte(`
"200": {description: The answer., content: {application/json: {schema: {$ref: "#/components/schemas/`+schema+`"}}}}
default: {description: An error., content: {application/problem+json: {schema: {$ref: "#/components/schemas/Problem"}}}}
`), &node)
	if err != nil {
		panic(err)
	}
	return node.Content[0]
}

// schemas are those of types, by their names.
type schemas struct {
	t     *testing.T
	made  map[string]*yaml.Node
	types map[string]reflect.Type
	// docs are the comments by package, type and field.
	docs map[string]string
}

// of is the schema of a type, or a reference to that of a struct.
func (s *schemas) of(t reflect.Type) *yaml.Node {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return mapping("type", text("string"), "format", text("date-time"))
	case t == reflect.TypeFor[report.Value]():
		return mapping("nullable", boolean(true), "description",
			text(`A truth, a number, or "+Inf" or "-Inf"; null without a value.`))
	}
	switch t.Kind() {
	case reflect.Pointer:
		inner := s.of(t.Elem())
		if child(inner, "$ref") != nil {
			return mapping("nullable", boolean(true), "allOf", &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{inner}})
		}
		inner.Content = append(inner.Content, text("nullable"), boolean(true))
		return inner
	case reflect.Slice:
		return mapping("type", text("array"), "items", s.of(t.Elem()), "nullable", boolean(true))
	case reflect.Map:
		return mapping("type", text("object"), "additionalProperties", s.of(t.Elem()), "nullable", boolean(true))
	case reflect.Bool:
		return mapping("type", text("boolean"))
	case reflect.Int, reflect.Int64, reflect.Uint8:
		return mapping("type", text("integer"))
	case reflect.Float64:
		return mapping("type", text("number"))
	case reflect.Struct:
		return s.reference(t)
	}
	return mapping("type", text("string"))
}

func (s *schemas) reference(t reflect.Type) *yaml.Node {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if other := s.types[name]; other != nil && other != t {
		s.t.Errorf("%v and %v have one name", t, other)
	}
	if s.made[name] == nil {
		made := mapping("type", text("object"))
		s.made[name], s.types[name] = made, t // a type may be part of itself
		if about := s.docs[t.String()]; about != "" {
			made.Content = append(made.Content, text("description"), text(about))
		}
		properties := &yaml.Node{Kind: yaml.MappingNode}
		required := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		s.fields(t, properties, required)
		if len(required.Content) > 0 {
			made.Content = append(made.Content, text("required"), required)
		}
		made.Content = append(made.Content, text("properties"), properties)
	}
	return mapping("$ref", text("#/components/schemas/"+name))
}

func (s *schemas) fields(t reflect.Type, properties, required *yaml.Node) {
	for field := range t.Fields() {
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && tag == "" {
			s.fields(field.Type, properties, required)
			continue
		}
		if tag == "-" || !field.IsExported() {
			continue
		}
		if !strings.Contains(options, "omit") {
			required.Content = append(required.Content, text(tag))
		}
		schema := s.of(field.Type)
		if about := s.docs[t.String()+"."+field.Name]; about != "" {
			// A comment of Go begins with the name of the field.
			if rest, ok := strings.CutPrefix(about, field.Name+" "); ok {
				about = tag + " " + rest
			}
			if child(schema, "$ref") != nil {
				schema = mapping("allOf", &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{schema}})
			}
			if child(schema, "description") == nil {
				schema.Content = append(schema.Content, text("description"), text(about))
			}
		}
		properties.Content = append(properties.Content, text(tag), schema)
	}
}

// comments are those of the types of the answers and of their fields.
func comments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, folder := range []string{".", "../report", "../correlation"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if declared, ok := n.(*ast.GenDecl); ok {
					commentsOf(parsed.Name.Name, declared, out)
				}
				return true
			})
		}
	}
	return out
}

func commentsOf(in string, declared *ast.GenDecl, out map[string]string) {
	for _, spec := range declared.Specs {
		named, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		about := named.Doc
		if about == nil {
			about = declared.Doc
		}
		out[in+"."+named.Name.Name] = flat(about.Text())
		fields, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range fields.Fields.List {
			for _, name := range field.Names {
				out[in+"."+named.Name.Name+"."+name.Name] = flat(field.Doc.Text())
			}
		}
	}
}

// flat is a comment on one line.
func flat(comment string) string { return strings.Join(strings.Fields(comment), " ") }

func text(value string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(value)
	return node
}

func boolean(value bool) *yaml.Node {
	node := &yaml.Node{}
	if err := node.Encode(value); err != nil {
		panic(err)
	}
	return node
}

// mapping is a mapping of keys and nodes, which take turns.
func mapping(pairs ...any) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, p := range pairs {
		switch p := p.(type) {
		case string:
			node.Content = append(node.Content, text(p))
		case *yaml.Node:
			node.Content = append(node.Content, p)
		}
	}
	return node
}

// child is the value of a key of a mapping, nil without one.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

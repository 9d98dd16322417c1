package catalog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/strictyaml"
)

// EntityRules say how entities of Backstage become services.
type EntityRules struct {
	// Types are the types of components that are services; none means every type.
	// A component that says no type is one of them.
	Types []string `yaml:"types"`
	// ExceptLifecycles are lifecycles of components that are left out.
	ExceptLifecycles []string `yaml:"except_lifecycles"`
	// TierLabels are labels and annotations that hold the tier, besides
	// readiness/tier.
	TierLabels []string `yaml:"tier_labels"`
	// TierWords are the tiers of words: {critical: 1}.
	TierWords map[string]int `yaml:"tier_words"`
	// Names is one of Namings; empty is NamesShort.
	Names string `yaml:"names"`
	// MaxRefusedRatio is the share of entities, 0 to 1, that may be refused.
	MaxRefusedRatio float64 `yaml:"max_refused_ratio"`
}

// DefaultEntityRules are those of an empty configuration.
func DefaultEntityRules() EntityRules {
	return EntityRules{
		Types: []string{"service"}, ExceptLifecycles: []string{"deprecated", "experimental"},
		TierLabels: []string{"tier"}, TierWords: map[string]int{}, Names: NamesShort, MaxRefusedRatio: 0.2,
	}
}

// entity is what is read of a Backstage entity. All other keys are ignored.
type entity struct {
	Metadata struct {
		Name        string            `yaml:"name"`
		Namespace   string            `yaml:"namespace"`
		Title       string            `yaml:"title"`
		Tags        []string          `yaml:"tags"`
		Annotations map[string]string `yaml:"annotations"`
		Labels      map[string]string `yaml:"labels"`
		Links       []struct {
			URL   string `yaml:"url"`
			Title string `yaml:"title"`
			Type  string `yaml:"type"`
		} `yaml:"links"`
	} `yaml:"metadata"`
	Spec struct {
		Type      string `yaml:"type"`
		Owner     string `yaml:"owner"`
		Lifecycle string `yaml:"lifecycle"`
		Tier      string `yaml:"tier"`
		Parent    string `yaml:"parent"`
		Profile   struct {
			DisplayName string `yaml:"displayName"`
		} `yaml:"profile"`
		Target   string   `yaml:"target"`
		Targets  []string `yaml:"targets"`
		Presence string   `yaml:"presence"`
	} `yaml:"spec"`
}

// ParseBackstage reads a catalog-info.yaml file: one or more documents, of which
// those of kind Component become services, those of kind Group teams, and those of
// kind Location targets, which the caller has to read. Other kinds are ignored.
// Join keys are read from the annotations that plugins of Backstage use, and from
// our own under readiness/.
//
// An entity with a fault is refused and costs the others nothing; what follows a
// fault of syntax cannot be read. The checks that need the whole catalog are
// Build's.
func (rules EntityRules) ParseBackstage(file string, data []byte) Entries {
	p := fileParser{rules: rules, file: file, isTemplate: hasPlaceholders(data), known: Annotations()}
	documents, syntax := strictyaml.ParseAll(data)
	for _, document := range documents {
		p.document(document)
	}
	if syntax != nil {
		line := 0
		if fault, ok := syntax.(*strictyaml.SyntaxError); ok { //nolint:errorlint // it is documented not to be wrapped
			line = fault.Line
		}
		p.refuse(Origin{file, max(line, 1)}, "", evidence.UncountedUnreadable, syntax.Error())
	}
	return p.entries
}

// hasPlaceholders reports whether a text has placeholders of the usual template
// languages.
func hasPlaceholders(data []byte) bool {
	return bytes.Contains(data, []byte("{{")) || bytes.Contains(data, []byte("{%")) || bytes.Contains(data, []byte("<%"))
}

// fileParser reads the documents of one file.
type fileParser struct {
	rules EntityRules
	file  string
	// isTemplate says that the file has placeholders, which explains most faults.
	isTemplate bool
	// known are the annotations that are read.
	known   []Annotation
	entries Entries
}

// refuse leaves an entity out, or all that follows in the file.
func (p *fileParser) refuse(origin Origin, subject string, reason evidence.UncountedReason, texts ...string) {
	if p.isTemplate && reason == evidence.UncountedUnreadable {
		reason = evidence.UncountedTemplate
		texts = []string{"this is a template: it has placeholders without values; leave templates out of catalog.backstage"}
	}
	p.entries.Refused = append(p.entries.Refused, Refusal{origin, SourceBackstage, subject, reason, texts})
}

func (p *fileParser) document(document *strictyaml.Document) {
	if document.Values == nil {
		return
	}
	origin := Origin{File: p.file, Line: document.Positions[""].Line}
	values, ok := document.Values.(map[string]any)
	if !ok {
		p.refuse(origin, "", evidence.UncountedUnreadable,
			"not a Backstage entity: want keys with values, got "+strictyaml.KindOf(document.Values))
		return
	}
	kind, version := scalarAt(values, "kind"), scalarAt(values, "apiVersion")
	if kind == "" {
		p.refuse(origin, "", evidence.UncountedUnreadable,
			"not a Backstage entity: there is no kind; name entity files only under catalog.backstage")
		return
	}
	// Other programs have kinds of the same names: Dapr has a Component, too.
	if version != "" && !strings.HasPrefix(version, "backstage.io/") {
		return
	}
	kind = strings.ToLower(kind)
	if !slices.Contains([]string{"component", "group", "user", "location"}, kind) {
		return
	}
	metadata, _ := values["metadata"].(map[string]any)
	name := scalarAt(metadata, "name")
	subject := fmt.Sprintf("%s %q", kind, name)
	if kind == "component" {
		if why := p.rules.unwanted(values); why != "" {
			p.entries.LeftOut = append(p.entries.LeftOut, LeftOut{origin, subject, why})
			return
		}
	}
	if strings.Contains(name, "{{") {
		p.refuse(origin, subject, evidence.UncountedUnreadable)
		return
	}
	p.dropForeign(metadata)
	var e entity
	if faults := (strictyaml.Decoder{AllowUnknownKeys: true}).Decode(document, &e); len(faults) > 0 {
		var texts []string
		for _, fault := range faults {
			text := fault.Text
			if fault.Path != "" && fault.Key == "" {
				text = fault.Path + ": " + text
			}
			texts = append(texts, fmt.Sprintf("not a Backstage entity: line %d: %s", max(fault.Position.Line, 1), text))
		}
		p.refuse(origin, subject, evidence.UncountedUnreadable, texts...)
		return
	}
	p.entity(kind, &e, origin, subject)
}

func (p *fileParser) entity(kind string, e *entity, origin Origin, subject string) {
	switch kind {
	case "component":
		r := componentReader{entity: e, rules: p.rules, known: p.known, origin: origin, subject: subject}
		s := r.service()
		if len(r.faults) > 0 {
			p.refuse(origin, subject, evidence.UncountedBadValue, r.faults...)
			return
		}
		p.entries.Services = append(p.entries.Services, s)
		p.entries.Notes = append(p.entries.Notes, r.notes...)
	case "group":
		p.entries.Teams = append(p.entries.Teams, Team{
			Name: e.Metadata.Name, Namespace: e.Metadata.Namespace, Title: e.Spec.Profile.DisplayName,
			Org: reference(e.Spec.Parent), Origin: origin, Source: SourceBackstage,
		})
	case "user":
		user := Team{Namespace: e.Metadata.Namespace}
		p.entries.Users = append(p.entries.Users, qualified(user.namespace(), e.Metadata.Name))
	case "location":
		for _, path := range append([]string{e.Spec.Target}, e.Spec.Targets...) {
			if path != "" {
				p.entries.Targets = append(p.entries.Targets, Target{origin, path, e.Spec.Presence == "optional"})
			}
		}
	}
}

// scalarAt is the text of a key; empty where it is something else.
func scalarAt(values map[string]any, path ...string) string {
	for _, key := range path[:len(path)-1] {
		values, _ = values[key].(map[string]any)
	}
	switch v := values[path[len(path)-1]].(type) {
	case string:
		return v
	case strictyaml.Plain:
		return string(v)
	}
	return ""
}

// unwanted says what an entity is that is not wanted in the catalog; empty for
// one that is.
func (rules EntityRules) unwanted(values map[string]any) string {
	has := func(words []string, word string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, strings.TrimSpace(word)) })
	}
	kind, lifecycle := scalarAt(values, "spec", "type"), scalarAt(values, "spec", "lifecycle")
	switch {
	case scalarAt(values, "metadata", "annotations", annotationPrefix+"ignore") == "true":
		return annotationPrefix + "ignore"
	case kind != "" && len(rules.Types) > 0 && !has(rules.Types, kind):
		return "type " + kind
	case has(rules.ExceptLifecycles, lifecycle):
		return "lifecycle " + lifecycle
	}
	return ""
}

// dropForeign removes annotations and labels that are not read and no text:
// what other programs write is not ours to judge.
func (p *fileParser) dropForeign(metadata map[string]any) {
	for _, part := range []string{"annotations", "labels"} {
		values, _ := metadata[part].(map[string]any)
		for name, value := range values {
			if strictyaml.KindOf(value) != "a single value" && !p.isRead(name) {
				delete(values, name)
			}
		}
	}
}

// isRead reports whether an annotation or a label of the name is read.
func (p *fileParser) isRead(name string) bool {
	return slices.Contains(p.rules.TierLabels, name) || slices.ContainsFunc(p.known, func(a Annotation) bool {
		return a.Name == name || a.Label && strings.TrimPrefix(a.Name, annotationPrefix) == name
	})
}

// reference is the name in an entity reference, with the namespace unless that is
// the default one: payments of group:default/payments, shop/payments of
// group:shop/payments. Backstage compares references without regard to letter case.
func reference(ref string) string {
	ref = strings.TrimSpace(ref)
	if _, name, ok := strings.Cut(ref, ":"); ok {
		ref = name
	}
	if namespace, name, ok := strings.Cut(ref, "/"); ok && strings.EqualFold(namespace, DefaultNamespace) {
		return name
	}
	return ref
}

// isPerson reports whether an entity reference is to a person.
func isPerson(ref string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(ref)), "user:") || strings.Contains(ref, "@")
}

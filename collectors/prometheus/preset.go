package prometheus

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// RulesPreset is the preset whose facts come from the rules API. They are declared
// in code, in ruleDefinitions.
const RulesPreset = "rules"

// File is the text of one file of PromQL facts.
type File struct {
	// Name is the name of the file in errors.
	Name string
	// Data is its content, YAML.
	Data []byte
}

// Facts is a checked set of PromQL facts: what one server is asked for. It is
// immutable and safe for concurrent use.
type Facts struct {
	facts []fact
	rules bool
}

// fact is one PromQL fact.
type fact struct {
	evidence.Definition
	providers []provider
	// together merges the series of all providers; otherwise the first provider
	// with data is used alone.
	together bool
	absent   *absence
	// lookBack is the longest span of time that its queries look back over.
	lookBack time.Duration
}

// query is one PromQL query, and how its series are joined to services.
type query struct {
	text string
	reading
}

// reading is how the series of an answer are joined to services.
type reading struct {
	join *join
	// relabel are the rules of the file; nil for none.
	relabel *relabelling
}

// provider is one query that can answer a fact.
type provider struct {
	via string
	query
	// note is for the readers of the documentation.
	note string
}

// absence is the value that no data means where the witness has a series.
type absence struct {
	value float64
	// words is the value as it was written: false, 0.
	words   string
	witness witness
}

type witness struct {
	name string
	query
}

// String says in words what no data means.
func (a *absence) String() string {
	if a == nil {
		return "unknown"
	}
	return fmt.Sprintf("%s where %s, else unknown", a.words, a.witness.name)
}

// queries are those of the providers, in their order, and of the witness.
func (f *fact) queries() []query {
	var list []query
	for _, p := range f.providers {
		list = append(list, p.query)
	}
	if f.absent != nil {
		list = append(list, f.absent.witness.query)
	}
	return list
}

// expectedOf reports whether a server is expected to have series of the fact for
// the service.
func (f *fact) expectedOf(s *catalog.Service, server serverName) bool {
	return slices.ContainsFunc(f.providers, func(p provider) bool { return expected(s, server, p.join) })
}

// asked is what the server is asked for the fact, and how the answer is read,
// as text for comparing. It is empty when the server is not asked.
func (f *fact) asked() string {
	if len(f.providers) == 0 {
		return ""
	}
	lines := []string{fmt.Sprintf("together %t, remember %s", f.together, f.Remember)}
	for _, p := range f.providers {
		lines = append(lines, p.asked())
	}
	if f.absent != nil {
		lines = append(lines, fmt.Sprintf("absent %g where %s", f.absent.value, f.absent.witness.asked()))
	}
	return strings.Join(lines, "\n")
}

// asked is the query and how its series are joined to services. Two ways to write
// the same PromQL give one text.
func (q query) asked() string {
	text := q.text
	if parsed, err := parseQuery(text); err == nil {
		text = parsed.String()
	}
	if q.join != nil {
		text += " joined by " + q.join.name
	}
	if q.relabel != nil {
		for _, rule := range q.relabel.rules {
			text += fmt.Sprintf(" relabelled %q", rule.Relabel)
		}
	}
	return text
}

//go:embed presets/*.yaml
var presetFiles embed.FS

// embedded parses the presets once; the result never changes.
var embedded = sync.OnceValues(func() ([]*preset, error) {
	names, err := presetFiles.ReadDir("presets")
	if err != nil {
		return nil, fmt.Errorf("reading the embedded presets: %w", err)
	}
	var all []*preset
	for _, n := range names {
		data, err := presetFiles.ReadFile(path.Join("presets", n.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the embedded preset %s: %w", n.Name(), err)
		}
		p, err := parse(File{Name: n.Name(), Data: data})
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
})

// Presets lists the names of the embedded presets, sorted. The error is that of a
// preset that cannot be parsed, which the tests exclude.
func Presets() ([]string, error) {
	all, err := embedded()
	if err != nil {
		return nil, err
	}
	names := []string{RulesPreset}
	for _, p := range all {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names, nil
}

// Definitions lists the facts of all embedded presets.
func Definitions() ([]evidence.Definition, error) {
	names, err := Presets()
	if err != nil {
		return nil, err
	}
	all, err := Load(names, nil)
	if err != nil {
		return nil, err
	}
	return all.Definitions(), nil
}

// Definitions lists the facts of the set.
func (f *Facts) Definitions() []evidence.Definition {
	var definitions []evidence.Definition
	for _, fact := range f.facts {
		d := fact.Definition
		d.Query = fact.asked()
		for _, p := range fact.providers {
			d.Exporters = append(d.Exporters, p.via)
		}
		definitions = append(definitions, d)
	}
	if f.rules {
		definitions = append(definitions, ruleDefinitions()...)
	}
	return definitions
}

// Load joins the named presets and the files. A file may declare new facts, or
// give providers alone for a fact of an embedded preset; these are asked before
// those of the preset, or instead of them with override. The error names every
// problem by file and line.
func Load(presets []string, files []File) (*Facts, error) {
	embeddedPresets, err := embedded()
	if err != nil {
		return nil, err
	}
	known, err := Presets()
	if err != nil {
		return nil, err
	}
	l := loader{set: &Facts{rules: slices.Contains(presets, RulesPreset)}, embedded: map[string]fact{},
		declaredIn: map[string]string{}}
	for _, name := range presets {
		if !slices.Contains(known, name) {
			l.errs = append(l.errs, fmt.Errorf("unknown preset %q%s: the presets are %s",
				name, nearest.Suggest(name, known), strings.Join(known, ", ")))
		}
	}
	for _, name := range ruleFacts() {
		l.declaredIn[name] = placeRules
	}
	for _, p := range embeddedPresets {
		for _, d := range p.facts {
			l.embedded[d.Name], l.declaredIn[d.Name] = d.fact, "preset "+d.Pack
			if slices.Contains(presets, p.name) {
				l.set.facts = append(l.set.facts, d.fact)
			}
		}
	}
	for _, file := range files {
		p, err := parse(file)
		if err != nil {
			l.errs = append(l.errs, err)
			continue
		}
		for _, d := range p.facts {
			if err := l.add(d, fmt.Sprintf("%s:%d", file.Name, d.line)); err != nil {
				l.errs = append(l.errs, err)
			}
		}
	}
	if err := errors.Join(l.errs...); err != nil {
		return nil, err
	}
	return l.set, nil
}

// placeRules is where the facts of the rules API are declared.
const placeRules = "preset " + RulesPreset

// loader joins presets and files.
type loader struct {
	set *Facts
	// embedded are the facts of all embedded presets, and declaredIn where facts are
	// declared, by name.
	embedded   map[string]fact
	declaredIn map[string]string
	errs       []error
}

// add adds what a file says about a fact, at the place.
func (l *loader) add(d declared, place string) error {
	base, isEmbedded := l.embedded[d.Name]
	switch known := l.declaredIn[d.Name]; {
	case !d.extends && known != "":
		return fmt.Errorf("%s: fact %s is already declared in %s: give name and providers alone to add providers to it, "+
			"or take another name", place, d.Name, known)
	case !d.extends:
		l.declaredIn[d.Name] = place
		l.set.facts = append(l.set.facts, d.fact)
		return nil
	case known == placeRules:
		return fmt.Errorf("%s: fact %s comes from the rules API and takes no providers", place, d.Name)
	case !isEmbedded:
		return fmt.Errorf("%s: fact %s has no type, and no preset declares it%s",
			place, d.Name, nearest.Suggest(d.Name, slices.Sorted(maps.Keys(l.embedded))))
	}
	at := slices.IndexFunc(l.set.facts, func(f fact) bool { return f.Name == d.Name })
	if at < 0 {
		// The preset is not among those asked for: its declaration is used, and its
		// queries are not.
		base.providers, base.lookBack = nil, 0
		at = len(l.set.facts)
		l.set.facts = append(l.set.facts, base)
	}
	if err := extend(&l.set.facts[at], d); err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return nil
}

// extend puts providers before those that a fact has, or in their place.
func extend(base *fact, more declared) error {
	for _, p := range more.providers {
		if why := unfit(base.Definition, p.text); why != nil {
			return fmt.Errorf("fact %s: provider %q: %w", base.Name, p.via, why)
		}
	}
	if more.override {
		base.providers, base.lookBack = nil, 0
	}
	if more.absentOf != nil {
		a, err := more.absentOf(base.Definition)
		if err != nil {
			return err
		}
		base.absent, base.Absent = a, a.String()
	}
	base.providers = append(slices.Clone(more.providers), base.providers...)
	base.lookBack = max(base.lookBack, more.lookBack)
	return nil
}

package prometheus

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// RulesPreset is the preset whose facts come from the rules API. They are
// declared in code, beside what counts them.
const RulesPreset = "rules"

// File is the text of one file of PromQL facts.
type File struct {
	// Name is how errors call the file.
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
	// together merges the series of all providers; otherwise the first
	// provider with data wins.
	together bool
	absent   *absence
	// reach is the longest span of time that its queries look back over.
	reach time.Duration
}

// provider is one query that can answer a fact.
type provider struct {
	via, query string
	reading
	// note is what a reader of the documentation should know.
	note string
}

// reading is how the series of an answer are joined to services.
type reading struct {
	join *join
	// relabel is what the file changes before; nil for nothing.
	relabel *relabelling
}

// asked is what the server is asked for the fact, and how the answer is read,
// as text for comparing. It is empty when the server is not asked.
func (f *fact) asked() string {
	if len(f.providers) == 0 {
		return ""
	}
	lines := []string{fmt.Sprintf("together %t, remember %s", f.together, f.Remember)}
	for _, p := range f.providers {
		lines = append(lines, p.asked(p.query))
	}
	if f.absent != nil {
		lines = append(lines, fmt.Sprintf("absent %g where %s", f.absent.value,
			f.absent.witness.asked(f.absent.witness.query)))
	}
	return strings.Join(lines, "\n")
}

// asked is a query and how its series are joined to services. Two ways to write
// the same PromQL are one.
func (r reading) asked(query string) string {
	if parsed, err := parseQuery(query); err == nil {
		query = parsed.String()
	}
	text := query
	if r.join != nil {
		text += " joined by " + r.join.name
	}
	if r.relabel != nil {
		for _, rule := range r.relabel.rules {
			text += fmt.Sprintf(" relabelled %q", rule.Relabel)
		}
	}
	return text
}

// absence is the value that no data stands for where the witness is.
type absence struct {
	value float64
	// words is the value as it was written: false, 0.
	words   string
	witness witness
}

// String says in words what no data means.
func (a *absence) String() string {
	if a == nil {
		return "unknown"
	}
	return fmt.Sprintf("%s where %s, else unknown", a.words, a.witness.name)
}

type witness struct {
	name, query string
	reading
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

// Presets lists the names of the embedded presets, sorted. The error is that
// of a preset that does not parse, which no released program has.
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
		definitions = append(definitions, d)
	}
	if f.rules {
		definitions = append(definitions, ruleDefinitions()...)
	}
	return definitions
}

// Load puts the named presets and the files together. A file may declare facts
// of its own, or give providers alone for a fact of an embedded preset; these
// are asked before those of the preset, or instead of them with override. The error names every problem by file
// and line.
func Load(presets []string, files []File) (*Facts, error) {
	library, err := embedded()
	if err != nil {
		return nil, err
	}
	known, err := Presets()
	if err != nil {
		return nil, err
	}
	set := &Facts{}
	var errs []error
	wanted := map[string]bool{}
	for _, name := range presets {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("unknown preset %q%s: the presets are %s", name, nearest.Suggest(name, known),
				strings.Join(known, ", ")))
		}
		wanted[name] = true
	}
	set.rules = wanted[RulesPreset]
	at := map[string]int{}
	shelf := map[string]fact{}
	for _, p := range library {
		for _, declared := range p.facts {
			shelf[declared.Name] = declared.fact
			if wanted[p.name] {
				at[declared.Name] = len(set.facts)
				set.facts = append(set.facts, declared.fact)
			}
		}
	}
	from := map[string]string{}
	for _, d := range ruleDefinitions() {
		from[d.Name] = "preset " + RulesPreset
	}
	for name := range shelf {
		from[name] = "preset " + shelf[name].Pack
	}
	for _, file := range files {
		p, err := parse(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, declared := range p.facts {
			place := fmt.Sprintf("%s:%d", file.Name, declared.line)
			switch known := from[declared.Name]; {
			case !declared.extends && known != "":
				errs = append(
					errs,
					fmt.Errorf(
						"%s: fact %s is already declared in %s: give name and providers alone to add providers to it, or take another name",
						place, declared.Name, known,
					),
				)
			case !declared.extends:
				from[declared.Name] = place
				at[declared.Name] = len(set.facts)
				set.facts = append(set.facts, declared.fact)
			case known == "preset "+RulesPreset:
				errs = append(errs, fmt.Errorf("%s: fact %s comes from the rules API and takes no providers", place, declared.Name))
			case shelf[declared.Name].Name == "":
				errs = append(errs, fmt.Errorf("%s: fact %s has no type, and no preset declares it%s", place, declared.Name,
					nearest.Suggest(declared.Name, sortedNames(shelf))))
			default:
				i, ok := at[declared.Name]
				if !ok {
					// The preset itself is not asked for: its declaration
					// stands, its queries do not.
					base := shelf[declared.Name]
					base.providers, base.reach = nil, 0
					i = len(set.facts)
					at[declared.Name] = i
					set.facts = append(set.facts, base)
				}
				if err := extend(&set.facts[i], declared); err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", place, err))
				}
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return set, nil
}

// extend puts providers before those that a fact has, or in their place.
func extend(base *fact, more declared) error {
	for _, p := range more.providers {
		if why := unfit(base.Definition, p.query); why != nil {
			return fmt.Errorf("fact %s: provider %q: %w", base.Name, p.via, why)
		}
	}
	if more.override {
		base.providers, base.reach = nil, 0
	}
	if more.absentOf != nil {
		a, err := more.absentOf(base.Definition)
		if err != nil {
			return err
		}
		base.absent, base.Absent = a, a.String()
	}
	base.providers = append(slices.Clone(more.providers), base.providers...)
	base.reach = max(base.reach, more.reach)
	return nil
}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

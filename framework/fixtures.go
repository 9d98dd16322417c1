package framework

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// Fixture is a case of a check: what is known of a service, and the status that has to follow.
type Fixture struct {
	// Check is the id, Module that of its module.
	Check, Module string
	// Case says in words what the case is about; Place is its file and line.
	Case, Place string
	Attributes  Attributes
	// Facts are the known ones, all of them fresh.
	Facts map[string]evidence.Value
	// Want is pass, fail, unknown or not_applicable; By is the kind of proof that has to
	// decide, empty for any.
	Want string
	By   ProofKind
}

type fixtureDoc struct {
	Case    string         `yaml:"case"`
	Service attributesDoc  `yaml:"service"`
	Facts   map[string]any `yaml:"facts"`
	Want    string         `yaml:"want"`
	By      string         `yaml:"by"`
	Line    strictyaml.Line

	file string
	// node is how it is written.
	node *yaml.Node
}

// attributesDoc are the attributes of the service of a case.
type attributesDoc struct {
	Tier           int64   `yaml:"tier"`
	Runtime        string  `yaml:"runtime"`
	Exposure       string  `yaml:"exposure"`
	Stateful       bool    `yaml:"stateful"`
	DataClass      string  `yaml:"data_class"`
	CoverageTarget float64 `yaml:"coverage_target"`
	RPOMinutes     float64 `yaml:"rpo_minutes"`
}

// SetDefaults makes the service one of which the most is asked: critical, public, on
// Kubernetes, with a state and with personal data.
func (f *fixtureDoc) SetDefaults() {
	f.Service = attributesDoc{Tier: 1, Runtime: "kubernetes", Exposure: "external", Stateful: true, DataClass: "personal",
		CoverageTarget: 0.7, RPOMinutes: 15}
}

// fixtureStatuses are the statuses that a case can want.
func fixtureStatuses() []string { return []string{"pass", "fail", "unknown", "not_applicable"} }

// Fixtures are the cases of the checks in their order, with the types of the facts of the
// framework that was compiled from the document. The error has the faults of all cases, each
// with its place.
func (d *Document) Fixtures(f *Framework) ([]Fixture, error) {
	var out []Fixture
	var faults []error
	for _, c := range f.Checks {
		for i := range d.fixtures[c.ID] {
			fixture, err := d.fixtures[c.ID][i].resolve(c, f.facts)
			out, faults = append(out, fixture), append(faults, err)
		}
	}
	return out, errors.Join(faults...)
}

// Thresholds are those of each check that has one, by name, as they are written.
func (d *Document) Thresholds() map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, m := range d.modules {
		for i := range m.Checks {
			for name, value := range m.Checks[i].thresholds() {
				if out[m.Checks[i].ID] == nil {
					out[m.Checks[i].ID] = map[string]string{}
				}
				out[m.Checks[i].ID][name] = string(value)
			}
		}
	}
	return out
}

func (f *fixtureDoc) place() string { return fmt.Sprintf("%s:%d", f.file, f.Line) }

func (f *fixtureDoc) resolve(c *Check, facts *evidence.Facts) (Fixture, error) {
	out := Fixture{
		Check: c.ID, Module: c.Module.ID, Case: f.Case, Place: f.place(), Attributes: Attributes(f.Service),
		Facts: map[string]evidence.Value{}, Want: f.Want, By: ProofKind(f.By),
	}
	var faults []error
	fail := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: check %s: %w", f.place(), c.ID, fmt.Errorf(format, args...)))
	}
	if !slices.Contains(fixtureStatuses(), f.Want) {
		fail("want %q%s: want one of %s", f.Want, nearest.Suggest(f.Want, fixtureStatuses()),
			strings.Join(fixtureStatuses(), ", "))
	}
	if f.By != "" && !slices.Contains(proofKinds(), f.By) {
		fail("by %q%s: want one of %s", f.By, nearest.Suggest(f.By, proofKinds()), strings.Join(proofKinds(), ", "))
	}
	var read []string
	for _, i := range c.Facts {
		read = append(read, facts.At(i).Name)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Facts)) {
		i, known := facts.Index(name)
		if !known || !slices.Contains(c.Facts, i) {
			fail("no proof reads the fact %q%s: the check reads %s", name, nearest.Suggest(name, read), strings.Join(read, ", "))
			continue
		}
		value, ok := valueFor(facts.At(i).Kind, f.Facts[name])
		if !ok {
			fail("%s: want %s, got %v", name, facts.At(i).Kind, f.Facts[name])
			continue
		}
		out.Facts[name] = value
	}
	return out, errors.Join(faults...)
}

// valueFor is a value of YAML as one of the kind.
func valueFor(kind evidence.Kind, value any) (evidence.Value, bool) {
	switch v := value.(type) {
	case bool:
		return evidence.Bool(v), kind == evidence.KindBool
	case int:
		if kind == evidence.KindInt {
			return evidence.Int(int64(v)), true
		}
		out, ok := evidence.Double(float64(v))
		return out, ok && kind == evidence.KindDouble
	case float64:
		out, ok := evidence.Double(v)
		return out, ok && kind == evidence.KindDouble
	}
	return evidence.Value{}, false
}

// LintFixtures is an error with the checks that lack a case of a status that they can have,
// each with its place. Cases of a framework that is extended count for the checks whose
// thresholds, proofs and scope are as they were.
func (d *Document) LintFixtures() error {
	l := lint{}
	for i := range d.modules {
		for k := range d.modules[i].Checks {
			c := &d.modules[i].Checks[k]
			wanted := fixtureStatuses()
			if c.forAll() {
				wanted = wanted[:len(wanted)-1]
			}
			for _, fixture := range d.fixtures[c.ID] {
				wanted = slices.DeleteFunc(wanted, func(status string) bool { return status == fixture.Want })
			}
			if len(wanted) > 0 {
				l.where = c.place()
				l.fail("no fixture wants %s: add facts and what follows from them, as %s: [{facts: {...}, want: %s}], to a file %s",
					strings.Join(wanted, ", "), c.ID, wanted[0], fixturesBeside(c.file))
			}
		}
	}
	return errors.Join(l.faults...)
}

// forAll reports whether the check is for every service.
func (c *checkDoc) forAll() bool {
	return c.Scope.When == "" && (len(c.Scope.Tiers) == 0 || !slices.ContainsFunc(allTiers(), func(tier int) bool {
		return !slices.Contains(c.Scope.Tiers, tier)
	}))
}

// fixturesBeside is the name of the file of fixtures beside a file.
func fixturesBeside(file string) string {
	return strings.TrimSuffix(strings.TrimSuffix(file, ".yml"), ".yaml") + fixtureEnding
}

// addFixtures adds the cases of a file or header. The checks are those of the layers so far.
func (m *merger) addFixtures(file string, root *yaml.Node, docs map[string][]fixtureDoc) {
	for i := 0; root != nil && i+1 < len(root.Content); i += 2 {
		key, list := root.Content[i], root.Content[i+1]
		id := key.Value
		if m.checks[id] == nil && !m.isStep(id) {
			m.fail(place{file, key.Line}, "fixtures: there is no check %q%s", id, nearest.Suggest(id, m.checkIDs))
			continue
		}
		next := 0
		for _, n := range list.Content {
			if n.Kind == yaml.MappingNode { // an entry without content is left out
				doc := docs[id][next]
				doc.file, doc.node = file, n
				m.fixtures[id] = append(m.fixtures[id], doc)
				next++
			}
		}
	}
}

// forgetFixtures takes the cases of a check and of its steps away.
func (m *merger) forgetFixtures(id string) {
	maps.DeleteFunc(m.fixtures, func(of string, _ []fixtureDoc) bool {
		return of == id || strings.HasPrefix(of, id+".level-")
	})
}

// isStep reports whether an id is that of a step of a check.
func (m *merger) isStep(id string) bool {
	check, level, ok := strings.Cut(id, ".level-")
	steps := m.checks[check]
	return ok && steps != nil && valueOf(steps, "steps") != nil && valueOf(valueOf(steps, "steps"), level) != nil
}

// judgedKeys are the keys of a check whose change makes other cases necessary.
func judgedKeys() []string { return []string{"value", "values", "steps", "proofs", "scope"} }

// fixturesNode are all cases, as a header has them; nil without any.
func (m *merger) fixturesNode() *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, id := range slices.SortedFunc(maps.Keys(m.fixtures), func(a, b string) int {
		of := func(id string) int {
			check, _, _ := strings.Cut(id, ".level-")
			return slices.Index(m.checkIDs, check)
		}
		return cmp.Or(of(a)-of(b), cmp.Compare(a, b))
	}) {
		if len(m.fixtures[id]) == 0 {
			continue
		}
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, doc := range m.fixtures[id] {
			list.Content = append(list.Content, doc.node)
		}
		set(out, id, list)
	}
	if len(out.Content) == 0 {
		return nil
	}
	return out
}

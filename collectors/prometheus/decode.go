package prometheus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
)

// maxFile bounds a file of facts; the largest preset is a hundredth of it.
const maxFile = 1 << 20

// preset is one parsed file.
type preset struct {
	name, help, testedWith string
	facts                  []declared
}

// declared is a fact with the place it was declared at. extends marks an entry
// of providers, which belong to a fact declared elsewhere.
type declared struct {
	fact
	line    int
	extends bool
	// override says that the providers replace those of the preset; absentOf reads
	// what no data means then, and is nil where that is not given.
	override bool
	absentOf func(evidence.Definition) (*absence, error)
}

type presetDoc struct {
	Preset     string                `yaml:"preset"`
	Help       string                `yaml:"help"`
	TestedWith string                `yaml:"tested_with"`
	Relabel    []relabelDoc          `yaml:"relabel"`
	Witnesses  map[string]witnessDoc `yaml:"witnesses"`
	Facts      []factDoc             `yaml:"facts"`
}

type relabelDoc struct {
	SourceLabels []string `yaml:"source_labels"`
	Separator    string   `yaml:"separator"`
	Regex        string   `yaml:"regex"`
	TargetLabel  string   `yaml:"target_label"`
	Replacement  string   `yaml:"replacement"`
	Action       string   `yaml:"action"`

	line int
}

type witnessDoc struct {
	Help  string `yaml:"help"`
	Join  string `yaml:"join"`
	Query string `yaml:"query"`

	line int
}

type factDoc struct {
	Name      string        `yaml:"name"`
	Type      string        `yaml:"type"`
	Unit      string        `yaml:"unit"`
	Help      string        `yaml:"help"`
	Window    string        `yaml:"window"`
	Clock     string        `yaml:"clock"`
	Merge     string        `yaml:"merge"`
	Round     float64       `yaml:"round"`
	Needs     string        `yaml:"needs"`
	Outcome   bool          `yaml:"outcome"`
	Remember  string        `yaml:"remember"`
	FreshFor  string        `yaml:"fresh_for"`
	ValidFor  string        `yaml:"valid_for"`
	Combine   string        `yaml:"combine"`
	Override  bool          `yaml:"override"`
	Absent    absentDoc     `yaml:"absent"`
	Providers []providerDoc `yaml:"providers"`

	line int
	// more says that something was given which only a declaration of its own has.
	more bool
}

type absentDoc struct {
	Value   string `yaml:"value"`
	Witness string `yaml:"witness"`

	given, unknown bool
}

type providerDoc struct {
	Via   string `yaml:"via"`
	Join  string `yaml:"join"`
	Query string `yaml:"query"`
	Note  string `yaml:"note"`

	line int
}

// UnmarshalYAML keeps the line for messages. The keys are checked before.
func (d *relabelDoc) UnmarshalYAML(n *yaml.Node) error {
	type plain relabelDoc
	*d = relabelDoc{Separator: ";", Replacement: "$1", line: n.Line}
	return n.Decode((*plain)(d))
}

// UnmarshalYAML keeps the line for messages. The keys are checked before.
func (d *witnessDoc) UnmarshalYAML(n *yaml.Node) error {
	type plain witnessDoc
	d.line = n.Line
	return n.Decode((*plain)(d))
}

// UnmarshalYAML keeps the line for messages. The keys are checked before.
func (d *factDoc) UnmarshalYAML(n *yaml.Node) error {
	type plain factDoc
	d.line = n.Line
	if err := n.Decode((*plain)(d)); err != nil {
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "name", "providers", "override":
		case "absent":
			d.more = d.more || !d.Override
		default:
			d.more = true
		}
	}
	return nil
}

// UnmarshalYAML keeps the line for messages. The keys are checked before.
func (d *providerDoc) UnmarshalYAML(n *yaml.Node) error {
	type plain providerDoc
	d.line = n.Line
	return n.Decode((*plain)(d))
}

// UnmarshalYAML reads the word unknown, or a value with its witness.
func (d *absentDoc) UnmarshalYAML(n *yaml.Node) error {
	type plain absentDoc
	d.given = true
	if n.Kind == yaml.ScalarNode {
		if n.Value != "unknown" {
			return fmt.Errorf("line %d: absent %q: want unknown, or a value with the witness that makes it evidence", n.Line, evidence.Clean(n.Value, 50))
		}
		d.unknown = true
		return nil
	}
	return n.Decode((*plain)(d))
}

// parse reads and checks one file. Its errors name file and line.
func parse(f File) (*preset, error) {
	problem := func(line int, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %w", f.Name, max(line, 1), fmt.Errorf(format, args...))
	}
	if len(f.Data) > maxFile {
		return nil, problem(1, "the file is larger than %d KiB: divide it", maxFile>>10)
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(f.Data))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, problem(1, "the file is empty: want preset and facts")
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, problem(second.Line, "a second YAML document begins here, which would not be read: keep one document")
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if len(document.Content) != 1 {
		return nil, problem(1, "the file is empty: want preset and facts")
	}
	var errs []error
	strict(document.Content[0], reflect.TypeFor[presetDoc](), func(line int, text string) { errs = append(errs, problem(line, "%s", text)) })
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var doc presetDoc
	if err := document.Content[0].Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	c := checker{doc: doc, problem: problem, used: map[string]bool{}}
	return c.check()
}

// strict refuses keys that the type does not have. It stands in for
// KnownFields, which does not reach below a decoder of one's own.
func strict(n *yaml.Node, t reflect.Type, problem func(line int, text string)) {
	if n.Kind == yaml.AliasNode {
		problem(n.Line, "aliases are not supported: write the value out")
		return
	}
	switch {
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, child := range n.Content {
			strict(child, t.Elem(), problem)
		}
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			strict(n.Content[i+1], t.Elem(), problem)
		}
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		var keys []string
		types := map[string]reflect.Type{}
		for i := range t.NumField() {
			if key := t.Field(i).Tag.Get("yaml"); key != "" {
				keys = append(keys, key)
				types[key] = t.Field(i).Type
			}
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			child, known := types[key.Value]
			if !known {
				hint := nearest.Hint(key.Value, keys)
				if hint == "" {
					hint = "; the keys here are " + strings.Join(keys, ", ")
				}
				problem(key.Line, fmt.Sprintf("unknown key %q%s", evidence.Clean(key.Value, 50), hint))
				continue
			}
			strict(n.Content[i+1], child, problem)
		}
	case t.Kind() == reflect.Struct && n.Kind == yaml.SequenceNode, t.Kind() == reflect.Map && n.Kind == yaml.SequenceNode:
		problem(n.Line, "want keys with values, got a list")
	}
}

// checker turns a decoded file into facts.
type checker struct {
	doc     presetDoc
	problem func(line int, format string, args ...any) error
	used    map[string]bool
	relabel *relabelling
	errs    []error
}

func (c *checker) bad(line int, format string, args ...any) {
	c.errs = append(c.errs, c.problem(line, format, args...))
}

func (c *checker) check() (*preset, error) {
	p := &preset{name: c.doc.Preset, help: c.doc.Help, testedWith: c.doc.TestedWith}
	if c.doc.Preset == "" {
		c.bad(1, "preset is missing: give the file a name, such as preset: payments")
	}
	if len(c.doc.Facts) == 0 {
		c.bad(1, "facts is missing: want at least one fact")
	}
	c.relabelling()
	witnesses := map[string]witness{}
	for _, name := range sortedNames(c.doc.Witnesses) {
		d := c.doc.Witnesses[name]
		where := "witness " + name
		j := c.join(d.line, where, d.Join)
		c.query(d.line, where, d.Query, j)
		witnesses[name] = witness{name: orWord(d.Help, name), query: strings.TrimSpace(d.Query), reading: reading{j, c.relabel}}
	}
	lines := map[string]int{}
	for _, d := range c.doc.Facts {
		if first, twice := lines[d.Name]; twice {
			c.bad(d.line, "fact %s is declared twice, first in line %d", d.Name, first)
			continue
		}
		lines[d.Name] = d.line
		p.facts = append(p.facts, c.fact(d, witnesses))
	}
	for _, name := range sortedNames(witnesses) {
		if !c.used[name] {
			c.bad(c.doc.Witnesses[name].line, "no fact uses the witness %s: remove it", name)
		}
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// relabelling checks the file's relabel rules.
func (c *checker) relabelling() {
	if len(c.doc.Relabel) == 0 {
		return
	}
	c.relabel = &relabelling{}
	for i, d := range c.doc.Relabel {
		rule, err := Relabel{
			SourceLabels: d.SourceLabels, Separator: d.Separator, Regex: d.Regex,
			TargetLabel: d.TargetLabel, Replacement: d.Replacement, Action: d.Action,
		}.rule()
		if err != nil {
			c.bad(d.line, "relabel rule %d: %w", i+1, err)
		}
		c.relabel.rules = append(c.relabel.rules, rule)
	}
}

func orWord(word, otherwise string) string {
	if word != "" {
		return word
	}
	return otherwise
}

func (c *checker) fact(d factDoc, witnesses map[string]witness) declared {
	where := "fact " + d.Name
	f := declared{line: d.line, extends: !d.more, fact: fact{Definition: evidence.Definition{
		Name: d.Name, Unit: d.Unit, Help: d.Help, Pack: c.doc.Preset,
		Clock: evidence.Clock(d.Clock), Merge: evidence.Merge(d.Merge), Needs: d.Needs,
		Outcome: d.Outcome, Remember: evidence.Remember(d.Remember), Round: d.Round, Permissions: []string{"query"},
	}}}
	if d.Round < 0 || math.IsNaN(d.Round) || math.IsInf(d.Round, 0) {
		c.bad(d.line, "%s: round %g: want a step above 0", where, d.Round)
	}
	f.FreshFor = c.duration(d.line, where+": fresh_for", d.FreshFor)
	f.ValidFor = c.duration(d.line, where+": valid_for", d.ValidFor)
	c.providers(d, &f)
	f.Window = f.reach
	if d.Window != "" {
		f.Window = c.duration(d.line, where+": window", d.Window)
	}
	if f.extends {
		if d.Name == "" {
			c.bad(d.line, "a fact has no name")
		}
		if f.override = d.Override; f.override && d.Absent.given {
			// What value it may be, the declaration of the fact says.
			c.used[d.Absent.Witness] = true
			f.absentOf = func(declared evidence.Definition) (*absence, error) {
				later := checker{doc: c.doc, used: map[string]bool{}, problem: func(_ int, format string, args ...any) error { return fmt.Errorf(format, args...) }}
				a := later.absent(d, declared, witnesses)
				return a, errors.Join(later.errs...)
			}
		}
		return f
	}
	if d.Override {
		c.bad(d.line, "%s: override goes with name, providers and absent alone: the rest is the preset's", where)
	}
	kind, err := evidence.ParseKind(d.Type)
	if err != nil {
		c.bad(d.line, "%s: type %q%s: want bool, int or double", where, d.Type, nearest.Hint(d.Type, []string{"bool", "int", "double"}))
		return f
	}
	f.Kind = kind
	if err := f.Validate(); err != nil {
		c.bad(d.line, "%w", err)
	}
	switch f.Remember {
	case evidence.RememberNothing:
	case evidence.RememberLastTrue, evidence.RememberNewest:
		if f.Clock != evidence.Elapsed {
			c.bad(d.line, "%s: remember needs clock: elapsed, since the age of the last occurrence is what is kept", where)
		}
	case evidence.RememberMean:
		if d.Window == "" {
			c.bad(d.line, "%s: remember: mean needs window, the whole days that the mean is over", where)
		}
	default:
		c.bad(d.line, "%s: remember %q%s: want last_true, newest or mean", where, d.Remember, nearest.Hint(d.Remember, []string{"last_true", "newest", "mean"}))
	}
	switch d.Combine {
	case "", "first":
	case "all":
		f.together = true
	default:
		c.bad(d.line, "%s: combine %q: want first (the first provider with data) or all", where, d.Combine)
	}
	f.absent = c.absent(d, f.Definition, witnesses)
	f.Absent = f.absent.String()
	return f
}

func (c *checker) providers(d factDoc, f *declared) {
	where := "fact " + d.Name
	if len(d.Providers) == 0 {
		c.bad(d.line, "%s: providers is missing: want at least one query", where)
	}
	vias := map[string]bool{}
	for i, p := range d.Providers {
		at := fmt.Sprintf("%s: provider %d", where, i+1)
		if p.Via == "" {
			c.bad(p.line, "%s: via is missing: name the exporter", at)
		}
		if vias[p.Via] {
			c.bad(p.line, "%s: there is another provider via %s", at, p.Via)
		}
		vias[p.Via] = true
		j := c.join(p.line, at, p.Join)
		reach := c.query(p.line, at, p.Query, j)
		if kind, err := evidence.ParseKind(d.Type); err == nil {
			if why := unfit(evidence.Definition{Kind: kind}, p.Query); why != nil {
				c.bad(p.line, "%s: %w", at, why)
			}
		}
		f.reach = max(f.reach, reach)
		f.providers = append(f.providers, provider{via: p.Via, query: strings.TrimSpace(p.Query), reading: reading{j, c.relabel}, note: p.Note})
	}
}

func (c *checker) join(line int, where, name string) *join {
	j, ok := joins()[name]
	switch {
	case name == "":
		c.bad(line, "%s: join is missing: want one of %s", where, strings.Join(sortedNames(joins()), ", "))
	case !ok:
		c.bad(line, "%s: unknown join %q%s: want one of %s", where, name, nearest.Hint(name, sortedNames(joins())), strings.Join(sortedNames(joins()), ", "))
	}
	return j
}

// query checks a query and returns how far it looks back.
func (c *checker) query(line int, where, text string, j *join) time.Duration {
	if strings.TrimSpace(text) == "" {
		c.bad(line, "%s: query is missing", where)
		return 0
	}
	e, err := parseQuery(text)
	if err != nil {
		c.bad(line, "%s: query: %w", where, err)
		return 0
	}
	if j != nil {
		if err := j.fits(e, c.relabel.targets()); err != nil {
			c.bad(line, "%s: %w", where, err)
		}
	}
	return lookBack(e)
}

func (c *checker) duration(line int, where, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := model.ParseDuration(text)
	if err != nil || d <= 0 {
		c.bad(line, "%s %q: want a time such as 90m, 24h or 7d", where, evidence.Clean(text, 50))
		return 0
	}
	return time.Duration(d)
}

func (c *checker) absent(d factDoc, def evidence.Definition, witnesses map[string]witness) *absence {
	where := "fact " + d.Name
	switch {
	case !d.Absent.given:
		c.bad(d.line, "%s: absent is missing: want unknown, or a value with the witness that makes it evidence", where)
		return nil
	case d.Absent.unknown:
		return nil
	case d.Absent.Witness == "":
		c.bad(d.line, "%s: absent: witness is missing: no data is evidence only where something proves that the exporter looks at the service", where)
		return nil
	}
	w, ok := witnesses[d.Absent.Witness]
	if !ok {
		c.bad(d.line, "%s: absent: unknown witness %q%s", where, d.Absent.Witness, nearest.Hint(d.Absent.Witness, sortedNames(witnesses)))
		return nil
	}
	c.used[d.Absent.Witness] = true
	a := &absence{words: d.Absent.Value, witness: w}
	var err error
	switch def.Kind {
	case evidence.KindBool:
		var truth bool
		if truth, err = strconv.ParseBool(d.Absent.Value); truth {
			a.value = 1
		}
	case evidence.KindInt:
		var n int64
		n, err = strconv.ParseInt(d.Absent.Value, 10, 32)
		a.value = float64(n)
	default:
		a.value, err = strconv.ParseFloat(d.Absent.Value, 64)
	}
	if err != nil || math.IsNaN(a.value) {
		c.bad(d.line, "%s: absent: value %q is no %s", where, evidence.Clean(d.Absent.Value, 50), def.Kind)
	}
	if def.Remember == evidence.RememberLastTrue && a.value == 0 {
		// The zero is of the day that is asked about, and not the age.
		a.words = "not lately: the age goes on growing"
	}
	return a
}

package prometheus

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/nearest"
	"github.com/prodready/collector/strictyaml"
)

// maxFile bounds a file of facts; the largest preset is a hundredth of it.
const maxFile = 1 << 20

// preset is one parsed file.
type preset struct {
	name, help, testedWith string
	facts                  []declared
}

// declared is a fact with the line it was declared in.
type declared struct {
	fact
	line strictyaml.Line
	// extends marks an entry with providers alone, which belong to a fact declared
	// elsewhere. override reports that they replace those of the preset.
	extends, override bool
	// absentOf reads what no data means for an entry with override; nil where that is
	// not given.
	absentOf func(evidence.Definition) (*absence, error)
}

type presetDoc struct {
	Preset     string                `yaml:"preset"`
	Help       string                `yaml:"help"`
	TestedWith string                `yaml:"tested_with"`
	Relabel    []Relabel             `yaml:"relabel"`
	Witnesses  map[string]witnessDoc `yaml:"witnesses"`
	Facts      []factDoc             `yaml:"facts"`
}

type witnessDoc struct {
	Help  string `yaml:"help"`
	Join  string `yaml:"join"`
	Query string `yaml:"query"`
	Line  strictyaml.Line
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
	Absent    *absentDoc    `yaml:"absent"`
	Providers []providerDoc `yaml:"providers"`
	Line      strictyaml.Line
}

// extends reports whether the entry has only what may be given for a fact that is
// declared elsewhere.
func (d factDoc) extends() bool {
	if d.Override {
		d.Absent = nil
	}
	d.Name, d.Providers, d.Override, d.Line = "", nil, false, 0
	return reflect.ValueOf(d).IsZero()
}

// absentDoc is the word unknown, or a value with its witness.
type absentDoc struct {
	Value   string `yaml:"value"`
	Witness string `yaml:"witness"`

	unknown bool
}

// Wants says how absent is written.
func (*absentDoc) Wants() string { return absentWords }

// UnmarshalText reads the word unknown.
func (d *absentDoc) UnmarshalText(text []byte) error {
	if d.unknown = string(text) == "unknown"; !d.unknown {
		return fmt.Errorf("absent %q: want %s", text, absentWords)
	}
	return nil
}

const absentWords = "unknown, or a value with the witness that makes it evidence"

type providerDoc struct {
	Via   string `yaml:"via"`
	Join  string `yaml:"join"`
	Query string `yaml:"query"`
	Note  string `yaml:"note"`
	Line  strictyaml.Line
}

// parse reads and checks one file. Its errors name file and line.
func parse(f File) (*preset, error) {
	problem := func(line strictyaml.Line, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %w", f.Name, max(line, 1), fmt.Errorf(format, args...))
	}
	if len(f.Data) > maxFile {
		return nil, problem(1, "the file is larger than %d KiB: divide it", maxFile>>10)
	}
	var doc presetDoc
	text, err := strictyaml.Read(f.Name, f.Data, &doc)
	if err != nil {
		return nil, err
	}
	if text.Alias > 0 {
		return nil, problem(strictyaml.Line(text.Alias), "aliases are not supported: write the value out")
	}
	c := checker{doc: doc, problem: problem, used: map[string]bool{}}
	c.relabel = compileRules(doc.Relabel, func(i int, err error) {
		line := text.Positions[fmt.Sprintf("relabel[%d]", i)].Line
		c.bad(strictyaml.Line(line), "relabel rule %d: %w", i+1, err)
	})
	return c.check()
}

// checker turns a decoded file into facts.
type checker struct {
	doc     presetDoc
	problem func(line strictyaml.Line, format string, args ...any) error
	used    map[string]bool
	relabel *relabelling
	errs    []error
}

func (c *checker) bad(line strictyaml.Line, format string, args ...any) {
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
	witnesses := map[string]witness{}
	for _, name := range slices.Sorted(maps.Keys(c.doc.Witnesses)) {
		d := c.doc.Witnesses[name]
		where := "witness " + name
		j := c.join(d.Line, where, d.Join)
		c.query(d.Line, where, d.Query, j)
		witnesses[name] = witness{cmp.Or(d.Help, name), query{strings.TrimSpace(d.Query), reading{j, c.relabel}}}
	}
	lines := map[string]strictyaml.Line{}
	for _, d := range c.doc.Facts {
		if first, twice := lines[d.Name]; twice {
			c.bad(d.Line, "fact %s is declared twice, first in line %d", d.Name, first)
			continue
		}
		lines[d.Name] = d.Line
		p.facts = append(p.facts, c.fact(d, witnesses))
	}
	for _, name := range slices.Sorted(maps.Keys(witnesses)) {
		if !c.used[name] {
			c.bad(c.doc.Witnesses[name].Line, "no fact uses the witness %s: remove it", name)
		}
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	return p, nil
}

func (c *checker) fact(d factDoc, witnesses map[string]witness) declared {
	where := "fact " + d.Name
	f := declared{line: d.Line, extends: d.extends(), fact: fact{Definition: evidence.Definition{
		Name: d.Name, Unit: d.Unit, Help: d.Help, Pack: c.doc.Preset,
		Clock: evidence.Clock(d.Clock), Merge: evidence.Merge(d.Merge), Needs: d.Needs,
		Outcome: d.Outcome, Remember: evidence.Remember(d.Remember), Round: d.Round, Permissions: []string{"query"},
	}}}
	if d.Round < 0 || math.IsNaN(d.Round) || math.IsInf(d.Round, 0) {
		c.bad(d.Line, "%s: round %g: want a step above 0", where, d.Round)
	}
	f.FreshFor = c.duration(d.Line, where+": fresh_for", d.FreshFor)
	f.ValidFor = c.duration(d.Line, where+": valid_for", d.ValidFor)
	c.providers(d, &f)
	f.Window = f.lookBack
	if d.Window != "" {
		f.Window = c.duration(d.Line, where+": window", d.Window)
	}
	if f.extends {
		c.extension(d, &f, witnesses)
		return f
	}
	if d.Override {
		c.bad(d.Line, "%s: override goes with name, providers and absent alone: the rest is the preset's", where)
	}
	kind, err := evidence.ParseKind(d.Type)
	if err != nil {
		c.bad(d.Line, "%s: type %q%s: want bool, int or double",
			where, d.Type, nearest.Suggest(d.Type, []string{"bool", "int", "double"}))
		return f
	}
	f.Kind = kind
	if err := f.Validate(); err != nil {
		c.bad(d.Line, "%w", err)
	}
	c.memory(d, &f)
	switch d.Combine {
	case "", "first":
	case "all":
		f.together = true
	default:
		c.bad(d.Line, "%s: combine %q: want first (the first provider with data) or all", where, d.Combine)
	}
	f.absent = c.absent(d, f.Definition, witnesses)
	f.Absent = f.absent.String()
	return f
}

// extension checks an entry for a fact that is declared elsewhere.
func (c *checker) extension(d factDoc, f *declared, witnesses map[string]witness) {
	if d.Name == "" {
		c.bad(d.Line, "a fact has no name")
	}
	if f.override = d.Override; !f.override || d.Absent == nil {
		return
	}
	// The type of the value is known where the fact is declared.
	c.used[d.Absent.Witness] = true
	f.absentOf = func(base evidence.Definition) (*absence, error) {
		later := checker{doc: c.doc, used: map[string]bool{},
			problem: func(_ strictyaml.Line, format string, args ...any) error {
				return fmt.Errorf(format, args...)
			}}
		a := later.absent(d, base, witnesses)
		return a, errors.Join(later.errs...)
	}
}

// memory checks what the store is to remember of a fact.
func (c *checker) memory(d factDoc, f *declared) {
	where := "fact " + d.Name
	switch f.Remember {
	case evidence.RememberNothing:
	case evidence.RememberLastTrue, evidence.RememberNewest:
		if f.Clock != evidence.Elapsed {
			c.bad(d.Line, "%s: remember needs clock: elapsed, since the age of the last occurrence is what is kept", where)
		}
	case evidence.RememberMean:
		if d.Window == "" {
			c.bad(d.Line, "%s: remember: mean needs window, the whole days that the mean is over", where)
		}
	default:
		c.bad(d.Line, "%s: remember %q%s: want last_true, newest or mean",
			where, d.Remember, nearest.Suggest(d.Remember, []string{"last_true", "newest", "mean"}))
	}
}

func (c *checker) providers(d factDoc, f *declared) {
	where := "fact " + d.Name
	if len(d.Providers) == 0 {
		c.bad(d.Line, "%s: providers is missing: want at least one query", where)
	}
	vias := map[string]bool{}
	for i, p := range d.Providers {
		at := fmt.Sprintf("%s: provider %d", where, i+1)
		if p.Via == "" {
			c.bad(p.Line, "%s: via is missing: name the exporter", at)
		}
		if vias[p.Via] {
			c.bad(p.Line, "%s: there is another provider via %s", at, p.Via)
		}
		vias[p.Via] = true
		j := c.join(p.Line, at, p.Join)
		lookBack := c.query(p.Line, at, p.Query, j)
		if kind, err := evidence.ParseKind(d.Type); err == nil {
			if why := unfit(evidence.Definition{Kind: kind}, p.Query); why != nil {
				c.bad(p.Line, "%s: %w", at, why)
			}
		}
		f.lookBack = max(f.lookBack, lookBack)
		f.providers = append(f.providers, provider{p.Via, query{strings.TrimSpace(p.Query), reading{j, c.relabel}}, p.Note})
	}
}

func (c *checker) join(line strictyaml.Line, where, name string) *join {
	all := joins()
	names := slices.Sorted(maps.Keys(all))
	j, ok := all[name]
	switch {
	case name == "":
		c.bad(line, "%s: join is missing: want one of %s", where, strings.Join(names, ", "))
	case !ok:
		c.bad(line, "%s: unknown join %q%s: want one of %s", where, name, nearest.Suggest(name, names),
			strings.Join(names, ", "))
	}
	return j
}

// query checks a query and returns how far it looks back.
func (c *checker) query(line strictyaml.Line, where, text string, j *join) time.Duration {
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

func (c *checker) duration(line strictyaml.Line, where, text string) time.Duration {
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
	case d.Absent == nil:
		c.bad(d.Line, "%s: absent is missing: want %s", where, absentWords)
		return nil
	case d.Absent.unknown:
		return nil
	case d.Absent.Witness == "":
		c.bad(d.Line,
			"%s: absent: witness is missing: no data is evidence only where something proves that the exporter "+
				"looks at the service", where)
		return nil
	}
	w, ok := witnesses[d.Absent.Witness]
	if !ok {
		c.bad(d.Line,
			"%s: absent: unknown witness %q%s",
			where, d.Absent.Witness, nearest.Suggest(d.Absent.Witness, slices.Sorted(maps.Keys(witnesses))))
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
		c.bad(d.Line, "%s: absent: value %q is no %s", where, evidence.Clean(d.Absent.Value, 50), def.Kind)
	}
	if def.Remember == evidence.RememberLastTrue && a.value == 0 {
		// The zero is a value of the day that is asked about, and not the age.
		a.words = "not lately: the age goes on growing"
	}
	return a
}

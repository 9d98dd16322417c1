package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/exporter"
	"github.com/prodready/collector/rules"
)

// vocabulary is which labels each metric has.
type vocabulary map[string]set

type set map[string]bool

func of(names ...string) set {
	s := set{}
	for _, n := range names {
		s[n] = true
	}
	return s
}

func (s set) and(others ...set) set {
	out := set{}
	for _, o := range append(others, s) {
		for n := range o {
			out[n] = true
		}
	}
	return out
}

// exported is what the collector itself serves.
func exported() vocabulary {
	v := vocabulary{}
	for _, f := range append(exporter.Families(), exporter.ProcessGroup().Families...) {
		labels := of(f.Labels...)
		if f.Kind != exporter.Histogram {
			v[f.FullName()] = labels
			continue
		}
		v[f.FullName()+"_bucket"] = labels.and(of("le"))
		v[f.FullName()+"_sum"], v[f.FullName()+"_count"] = labels, labels
	}
	return v
}

// ofTarget are the labels that a scrape gives to every series.
func ofTarget() set { return of("job", "instance") }

// scraped is what Prometheus stores: what the collector serves, with the labels of the
// target, and what it says of the scrape itself.
func scraped() vocabulary {
	v := vocabulary{"scrape_samples_scraped": ofTarget()}
	for name, labels := range exported() {
		v[name] = labels.and(ofTarget())
		// Where the target has a label of the same name, ours is renamed.
		for l := range labels {
			v[name]["exported_"+l] = true
		}
	}
	return v
}

// rule is a recording or an alerting rule. Prometheus 2.40 knows no other keys.
type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func allRules(t *testing.T) []rule {
	t.Helper()
	paths, err := fs.Glob(rules.Files, "*.rules.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	var all []rule
	for _, path := range paths {
		text, err := rules.Files.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Name     string `yaml:"name"`
				Interval string `yaml:"interval"`
				Rules    []rule `yaml:"rules"`
			} `yaml:"groups"`
		}
		decoder := yaml.NewDecoder(strings.NewReader(string(text)))
		decoder.KnownFields(true)
		if err := decoder.Decode(&file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

// parse reads an expression of a dashboard; its variables stand inside strings
// and are no matter to the parser.
func parse(t *testing.T, at, expr string) parser.Expr {
	t.Helper()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v\n%s", at, err, expr)
	}
	return e
}

// reader works out which labels the result of an expression has, and reports
// metrics and labels that do not exist.
type reader struct {
	t     *testing.T
	at    string
	known vocabulary
	// read collects the metrics that were read.
	read set
}

func (r reader) require(have set, what string, labels ...string) {
	r.t.Helper()
	for _, l := range labels {
		if !have[l] {
			r.t.Errorf("%s: %s names the label %s, which is not there", r.at, what, l)
		}
	}
}

// labels are those of the result.
func (r reader) labels(e parser.Expr) set {
	r.t.Helper()
	switch e := e.(type) {
	case *parser.VectorSelector:
		return r.selector(e)
	case *parser.MatrixSelector:
		return r.labels(e.VectorSelector)
	case *parser.ParenExpr:
		return r.labels(e.Expr)
	case *parser.StepInvariantExpr:
		return r.labels(e.Expr)
	case *parser.UnaryExpr:
		return r.labels(e.Expr)
	case *parser.SubqueryExpr:
		return r.labels(e.Expr)
	case *parser.AggregateExpr:
		return r.aggregate(e)
	case *parser.BinaryExpr:
		return r.binary(e)
	case *parser.Call:
		return r.call(e)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return set{}
	default:
		r.t.Fatalf("%s: the test does not know what %T does to labels", r.at, e)
		return nil
	}
}

func (r reader) selector(e *parser.VectorSelector) set {
	r.t.Helper()
	have, ok := r.known[e.Name]
	if !ok {
		r.t.Errorf("%s: there is no metric %s", r.at, e.Name)
		return set{}
	}
	r.read[e.Name] = true
	for _, m := range e.LabelMatchers {
		if m.Name != "__name__" {
			r.require(have, "a selector of "+e.Name, m.Name)
		}
	}
	return have
}

func (r reader) aggregate(e *parser.AggregateExpr) set {
	r.t.Helper()
	have := r.labels(e.Expr)
	r.require(have, e.Op.String(), e.Grouping...)
	switch {
	case e.Op == parser.TOPK || e.Op == parser.BOTTOMK:
		return have
	case e.Without:
		out := have.and()
		for _, l := range e.Grouping {
			delete(out, l)
		}
		return out
	}
	return of(e.Grouping...)
}

func (r reader) binary(e *parser.BinaryExpr) set {
	r.t.Helper()
	left, right := r.labels(e.LHS), r.labels(e.RHS)
	if e.VectorMatching == nil {
		return left.and(right)
	}
	m := e.VectorMatching
	if m.On {
		r.require(left, "the left of on", m.MatchingLabels...)
		r.require(right, "the right of on", m.MatchingLabels...)
	} else {
		r.require(left.and(right), "ignoring", m.MatchingLabels...)
	}
	switch {
	case e.Op == parser.LOR:
		return left.and(right)
	case e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return left
	case m.Card == parser.CardManyToOne:
		r.require(right, "group_left", m.Include...)
		return left.and(of(m.Include...))
	case m.Card == parser.CardOneToMany:
		r.require(left, "group_right", m.Include...)
		return right.and(of(m.Include...))
	case m.On && !e.Op.IsComparisonOperator(), m.On && e.ReturnBool:
		return of(m.MatchingLabels...)
	case !m.On:
		out := left.and()
		for _, l := range m.MatchingLabels {
			delete(out, l)
		}
		return out
	}
	return left
}

func (r reader) call(e *parser.Call) set {
	r.t.Helper()
	have := set{}
	for _, a := range e.Args {
		have = have.and(r.labels(a))
	}
	switch e.Func.Name {
	case "label_replace":
		word := func(i int) string { return e.Args[i].(*parser.StringLiteral).Val }
		if word(3) != "" {
			r.require(have, "label_replace", word(3))
		}
		return have.and(of(word(1)))
	case "absent", "vector", "time":
		return set{}
	}
	return have
}

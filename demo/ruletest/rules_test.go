package ruletest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"

	ours "github.com/prodready/collector/rules"
)

// ranges finds the range of a range selector in the text of an expression.
var ranges = regexp.MustCompile(`\[(\d\w*)(:\w*)?\]`)

// asPrometheus2 is an expression that means in Prometheus 3 what the given one means in
// Prometheus 2, whose ranges have the sample at their very beginning too: samples of unit
// tests are whole seconds apart, so a millisecond more brings exactly that one.
func asPrometheus2(expr string) string { return ranges.ReplaceAllString(expr, "[${1}1ms$2]") }

// testFiles are the unit tests by file. change, if any, is made to the expressions of
// rules and tests.
func testFiles(t *testing.T, change func(string) string) map[string]file {
	t.Helper()
	// The rule manager reads files from a disk.
	folder := t.TempDir()
	if err := os.CopyFS(folder, ours.Files); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		rewriteRules(t, folder, change)
	}
	paths, err := filepath.Glob(filepath.Join(folder, "tests", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no unit tests of rules: %v", err)
	}
	files := map[string]file{}
	for _, path := range paths {
		f, err := read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range f.Tests {
			for i, e := range u.Expressions {
				if change != nil {
					u.Expressions[i].Expr = change(e.Expr)
				}
			}
		}
		files[filepath.Base(path)] = f
	}
	return files
}

// rewriteRules changes the expressions of the rule files in a folder.
func rewriteRules(t *testing.T, folder string, change func(string) string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.rules.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	changed := false
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		to := change(string(text))
		changed = changed || to != string(text)
		if err := os.WriteFile(path, []byte(to), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !changed {
		t.Fatal("no rule has a range")
	}
}

// TestTheRulesDoWhatTheirUnitTestsSay runs the unit tests twice: as Prometheus 3 reads the
// rules, and as Prometheus 2 does.
func TestTheRulesDoWhatTheirUnitTestsSay(t *testing.T) {
	for version, change := range map[string]func(string) string{"prometheus 3": nil, "prometheus 2": asPrometheus2} {
		for name, f := range testFiles(t, change) {
			for _, u := range f.Tests {
				t.Run(version+"/"+name+"/"+u.Name, func(t *testing.T) {
					t.Parallel()
					runUnitTest(t, f, u)
				})
			}
		}
	}
}

// runUnitTest evaluates the rules at every step, as promtool does.
func runUnitTest(t *testing.T, f file, u unitTest) {
	syntax := parser.NewParser(parser.Options{})
	engine, err := promqltest.NewLazyLoader(
		u.input(), promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true, Parser: syntax},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}()
	groups := load(t, f, u, engine, syntax)
	due := map[time.Duration][]alertCase{}
	for _, a := range u.Alerts {
		if time.Duration(a.At)%time.Duration(f.EvaluationInterval) != 0 {
			t.Fatalf("%s is between two evaluations", a.At)
		}
		due[time.Duration(a.At)] = append(due[time.Duration(a.At)], a)
	}
	start := time.Unix(0, 0).UTC()
	for at := time.Duration(0); at <= time.Duration(u.end()); at += time.Duration(f.EvaluationInterval) {
		now := start.Add(at)
		evaluate(t, engine, groups, now)
		for _, a := range due[at] {
			compare(t, fmt.Sprintf("%s at %s", a.Name, a.At), a.expected(), firing(groups, a.Name))
		}
	}
	for _, e := range u.Expressions {
		compare(t, fmt.Sprintf("%s at %s", e.Expr, e.At), e.expected(t, syntax), ask(t, engine, e, start))
	}
}

// evaluate evaluates the groups at a time, on the samples until then. No rule may fail.
func evaluate(t *testing.T, engine *promqltest.LazyLoader, groups []*rules.Group, at time.Time) {
	t.Helper()
	engine.WithSamplesTill(at, func(err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			g.Eval(engine.Context(), at)
			for _, r := range g.Rules() {
				if err := r.LastError(); err != nil {
					t.Fatalf("%s at %s: %v", r.Name(), at.Format(time.RFC3339), err)
				}
			}
		}
	})
}

// load reads the rule files and puts their groups in order.
func load(t *testing.T, f file, u unitTest, engine *promqltest.LazyLoader, syntax parser.Parser) []*rules.Group {
	t.Helper()
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:    rules.EngineQueryFunc(engine.QueryEngine(), engine.Storage()),
		AppendableV2: engine.Storage(), Context: context.Background(), Logger: promslog.NewNopLogger(), Parser: syntax,
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {},
	})
	byKey, errs := manager.LoadGroups(time.Duration(u.Interval), labels.EmptyLabels(), "", nil, false, f.RuleFiles...)
	if errs != nil {
		t.Fatal(errs)
	}
	groups := slices.Collect(maps.Values(byKey))
	place := func(g *rules.Group) int {
		i := slices.Index(f.GroupEvalOrder, g.Name())
		if i < 0 {
			t.Fatalf("group_eval_order does not name the group %s", g.Name())
		}
		return i
	}
	slices.SortFunc(groups, func(a, b *rules.Group) int { return place(a) - place(b) })
	for _, g := range groups {
		for _, r := range g.Rules() {
			if alert, ok := r.(*rules.AlertingRule); ok {
				// Else there is no series ALERTS until a restart is over.
				alert.SetRestored(true)
			}
		}
	}
	return groups
}

func (a alertCase) expected() []string {
	var out []string
	for _, e := range a.Expected {
		withName := maps.Clone(e.Labels)
		withName[labels.AlertName] = a.Name
		out = append(out, labels.FromMap(withName).String()+"\n"+labels.FromMap(e.Annotations).String())
	}
	return out
}

func firing(groups []*rules.Group, name string) []string {
	var out []string
	for _, g := range groups {
		for _, r := range g.Rules() {
			alert, ok := r.(*rules.AlertingRule)
			if !ok || alert.Name() != name {
				continue
			}
			for _, a := range alert.ActiveAlerts() {
				if a.State == rules.StateFiring {
					out = append(out, a.Labels.String()+"\n"+a.Annotations.String())
				}
			}
		}
	}
	return out
}

func (e exprCase) expected(t *testing.T, syntax parser.Parser) []string {
	t.Helper()
	var out []string
	for _, s := range e.Expected {
		l := labels.EmptyLabels()
		if s.Labels != "" {
			var err error
			if l, err = syntax.ParseMetric(s.Labels); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, fmt.Sprintf("%s %g", l, s.Value))
	}
	return out
}

func ask(t *testing.T, engine *promqltest.LazyLoader, e exprCase, start time.Time) []string {
	t.Helper()
	q, err := engine.QueryEngine().NewInstantQuery(
		engine.Context(), engine.Queryable(), nil, e.Expr, start.Add(time.Duration(e.At)),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	answer := q.Exec(engine.Context())
	vector, err := answer.Vector()
	if err != nil {
		t.Fatalf("%s: %v", e.Expr, err)
	}
	return samples(vector)
}

func samples(vector promql.Vector) []string {
	var out []string
	for _, s := range vector {
		out = append(out, fmt.Sprintf("%s %g", s.Metric, s.F))
	}
	return out
}

func compare(t *testing.T, what string, want, got []string) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("%s\nwant %s\ngot  %s", what, strings.Join(want, "\n     "), strings.Join(got, "\n     "))
	}
}

// TestEveryAlertIsTested asks of the unit tests of each alert that it comes and
// goes within one, that another has it stay away, and that two replicas are met.
func TestEveryAlertIsTested(t *testing.T) {
	files := testFiles(t, nil)
	tested := map[string]map[string]bool{}
	for _, f := range files {
		for _, u := range f.Tests {
			replicas := false
			for _, s := range u.Input {
				replicas = replicas || strings.Contains(s.Series, `instance="b"`)
			}
			told := map[string]string{}
			slices.SortStableFunc(u.Alerts, func(a, b alertCase) int { return int(a.At - b.At) })
			for _, a := range u.Alerts {
				told[a.Name] += map[bool]string{true: "-", false: "+"}[len(a.Expected) == 0]
			}
			for name, story := range told {
				if tested[name] == nil {
					tested[name] = map[string]bool{}
				}
				of := tested[name]
				of["comes and goes"] = of["comes and goes"] || strings.Contains(story, "-+") && strings.HasSuffix(story, "+-")
				of["stays away"] = of["stays away"] || strings.Trim(story, "-") == ""
				of["two replicas"] = of["two replicas"] || replicas
			}
		}
	}
	syntax := parser.NewParser(parser.Options{})
	for _, f := range files {
		for _, g := range load(t, f, unitTest{Interval: model.Duration(time.Minute)}, idle(t, syntax), syntax) {
			for _, r := range g.Rules() {
				if _, ok := r.(*rules.AlertingRule); !ok {
					continue
				}
				for _, story := range []string{"comes and goes", "stays away", "two replicas"} {
					if !tested[r.Name()][story] {
						t.Errorf("%s: no unit test in which it: %s", r.Name(), story)
					}
				}
			}
		}
		break
	}
}

// idle is an engine without series.
func idle(t *testing.T, syntax parser.Parser) *promqltest.LazyLoader {
	t.Helper()
	engine, err := promqltest.NewLazyLoader("load 1m\n", promqltest.LazyLoaderOpts{Parser: syntax})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}

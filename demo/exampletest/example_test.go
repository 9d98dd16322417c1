// Package exampletest holds the examples of the default framework to what reads them.
package exampletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/strictyaml"
)

// readers read the text of an example, by its language.
func readers(labels []string) map[string]func(check, text string) error {
	return map[string]func(check, text string) error{
		"yaml":      func(_, text string) error { return readYAML(text) },
		"json":      func(_, text string) error { return json.Unmarshal([]byte(text), new(any)) },
		"promql":    func(_, text string) error { return readPromQL(text) },
		"rules":     func(_, text string) error { return readRules(text) },
		"catalog":   func(_, text string) error { return readCatalog(text) },
		"terraform": func(_, text string) error { return readTerraform(text) },
		"ticket":    func(check, text string) error { return readTicket(check, text, labels) },
	}
}

func TestExamplesAreReadByWhatTheyAreFor(t *testing.T) {
	read := readers(searched(t))
	seen := map[string]int{}
	for _, c := range defaultFramework(t).Checks {
		reader, known := read[c.Example.Language]
		if !known {
			t.Errorf("%s: nothing reads an example in %q", c.ID, c.Example.Language)
			continue
		}
		seen[c.Example.Language]++
		if err := reader(c.ID, c.Example.Text); err != nil {
			t.Errorf("%s: %s: %v", c.ID, c.Example.Language, err)
		}
	}
	for language := range read {
		if seen[language] == 0 {
			t.Errorf("no example is in %s", language)
		}
	}
}

// TestBrokenExamplesAreFound: each reader refuses what its tool would refuse.
func TestBrokenExamplesAreFound(t *testing.T) {
	for language, broken := range map[string]string{
		"yaml":      "a: 1\na: 2\n",
		"json":      `{"a": 1,}`,
		"promql":    "rate(x)",
		"rules":     "groups: [{name: a, rules: [{alert: B, expr: 'rate(x)'}]}]",
		"catalog":   "name: checkout\ntear: 1\n",
		"terraform": "resource \"a\" \"b\" {\n",
		"ticket":    "type: Task\nsummary: x\ndescription: y\nlabels: [game-dey]\n",
	} {
		if err := readers([]string{"game-day"})[language]("a.b", broken); err == nil {
			t.Errorf("%s: %q is read", language, broken)
		}
	}
}

func readYAML(text string) error {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func readPromQL(text string) error {
	_, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	return err
}

func readRules(text string) error {
	_, faults := rulefmt.Parse([]byte(text), false, model.UTF8Validation, parser.NewParser(parser.Options{}),
		slog.New(slog.DiscardHandler))
	return errors.Join(faults...)
}

func readCatalog(text string) error {
	var s catalog.Service
	if _, err := strictyaml.Read("entry", []byte(text), &s); err != nil {
		return err
	}
	teams := []catalog.Team{{Name: s.Team}}
	if s.DataOwner != "" && s.DataOwner != s.Team {
		teams = append(teams, catalog.Team{Name: s.DataOwner})
	}
	_, err := catalog.Rules{}.Build(catalog.Entries{Services: []catalog.Service{s}, Teams: teams})
	return err
}

func readTerraform(text string) error {
	if _, diagnostics := hclparse.NewParser().ParseHCL([]byte(text), "example.tf"); diagnostics.HasErrors() {
		return diagnostics
	}
	return nil
}

// ticket is the form in which examples show a ticket of Jira.
type ticket struct {
	Type        string   `yaml:"type"`
	Summary     string   `yaml:"summary"`
	Labels      []string `yaml:"labels"`
	Due         string   `yaml:"due"`
	Links       []string `yaml:"links"`
	Description string   `yaml:"description"`
}

// readTicket reads a ticket. Its labels are ones that are searched for, or the one that
// attests the check.
func readTicket(check, text string, labels []string) error {
	var shown ticket
	if _, err := strictyaml.Read("ticket", []byte(text), &shown); err != nil {
		return err
	}
	if shown.Type == "" || shown.Summary == "" || shown.Description == "" {
		return errors.New("type, summary and description are needed")
	}
	if shown.Due != "" {
		if _, err := time.Parse(time.DateOnly, shown.Due); err != nil {
			return err
		}
	}
	for _, label := range shown.Labels {
		if label != framework.AttestationLabel(check) && !slices.Contains(labels, label) {
			return fmt.Errorf("no query asks for the label %q", label)
		}
	}
	return nil
}

// searched are the labels that the queries of the Jira source ask for.
func searched(t *testing.T) []string {
	t.Helper()
	definitions, err := jira.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]bool{"postmortem": true}
	for _, d := range definitions {
		for _, clause := range regexp.MustCompile(`labels (?:=|in) (\([^)]*\)|"[^"]*")`).FindAllString(d.Query, -1) {
			for _, m := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(clause, -1) {
				labels[m[1]] = true
			}
		}
	}
	if !labels["game-day"] || !labels["vulnerability"] {
		t.Fatalf("the labels that are searched for are not found: %v", labels)
	}
	return slices.Collect(maps.Keys(labels))
}

func defaultFramework(t *testing.T) *framework.Framework {
	t.Helper()
	files, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	document, err := framework.Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := jira.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	queries, err := prometheus.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	definitions := slices.Concat(catalog.Facts(), pagerduty.Definitions(), tickets, queries)
	for _, a := range document.Attestations() {
		definitions = append(definitions, a.Fact)
	}
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	f, err := framework.Compile(document, facts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

package rules

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// TestRulesAreFitted: with odd values, each expression parses, and nothing but the values
// has changed.
func TestRulesAreFitted(t *testing.T) {
	t.Parallel()
	committed, err := All(Values{Without: DefaultWithout, Runbooks: DefaultRunbooks})
	if err != nil {
		t.Fatal(err)
	}
	const name, address = `no "team"$1: #`, "https://wiki.example.com/runbooks"
	fitted, err := All(Values{Without: name, Runbooks: address + "/"})
	if err != nil {
		t.Fatal(err)
	}
	syntax, quoted, runbooks := parser.NewParser(parser.Options{}), 0, 0
	for file, text := range fitted {
		original, err := Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(committed[file]) != string(original) {
			t.Errorf("%s is not itself with the values that it has", file)
		}
		var rules struct {
			Groups []struct {
				Rules []struct {
					Expr        string            `yaml:"expr"`
					Annotations map[string]string `yaml:"annotations"`
				} `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(text, &rules); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				e, err := syntax.ParseExpr(r.Expr)
				if err != nil {
					t.Fatalf("%s: %v", r.Expr, err)
				}
				parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
					if s, ok := n.(*parser.StringLiteral); ok && s.Val == strings.ReplaceAll(name, "$", "$$") {
						quoted++
					}
					return nil
				})
				if url := r.Annotations["runbook_url"]; url != "" && !strings.HasPrefix(url, address+"/Readiness") {
					t.Errorf("the runbook is at %s", url)
				} else if url != "" {
					runbooks++
				}
			}
		}
	}
	if quoted != 2 || runbooks < 9 {
		t.Errorf("the name is there %d times, want 2; %d runbooks", quoted, runbooks)
	}
}

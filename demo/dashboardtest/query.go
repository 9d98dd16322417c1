package dashboardtest

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Query is one query of a dashboard.
type Query struct {
	// Place is the title of its panel and the letter of the query, or the name of
	// its annotation or variable.
	Place string
	Expr  string
	// OverTime is true for panels that show a range.
	OverTime bool
}

// definition is how a variable asks for the values of a label.
var definition = regexp.MustCompile(`^label_values\((.+), \w+\)$`)

// Queries are all queries of a dashboard file: those of its panels, annotations
// and variables.
func Queries(path string) ([]Query, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				RefID string `json:"refId"`
				Expr  string `json:"expr"`
				Range bool   `json:"range"`
			} `json:"targets"`
		} `json:"panels"`
		Annotations struct {
			List []struct {
				Name string `json:"name"`
				Expr string `json:"expr"`
			} `json:"list"`
		} `json:"annotations"`
		Templating struct {
			List []struct {
				Name       string `json:"name"`
				Type       string `json:"type"`
				Definition string `json:"definition"`
			} `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal(text, &board); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var queries []Query
	for _, p := range board.Panels {
		for _, t := range p.Targets {
			queries = append(queries, Query{Place: p.Title + " " + t.RefID, Expr: t.Expr, OverTime: t.Range})
		}
	}
	for _, a := range board.Annotations.List {
		if a.Expr != "" {
			queries = append(queries, Query{Place: "annotation " + a.Name, Expr: a.Expr, OverTime: true})
		}
	}
	for _, v := range board.Templating.List {
		if v.Type != "query" {
			continue
		}
		parts := definition.FindStringSubmatch(v.Definition)
		if parts == nil {
			return nil, fmt.Errorf("%s: the variable %s asks %q", path, v.Name, v.Definition)
		}
		queries = append(queries, Query{Place: "variable " + v.Name, Expr: parts[1]})
	}
	return queries, nil
}

// variable is a variable of Grafana within an expression.
var variable = regexp.MustCompile(`\$\{?\w+\}?`)

// Fill puts a service in the place of $service and everything in that of the
// other variables. What only stands in for no data, as in "… or vector(0)", is
// taken away: a query is to find something itself.
func (q Query) Fill(service string) (string, error) {
	filled := strings.ReplaceAll(q.Expr, "$service", service)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(variable.ReplaceAllStringFunc(filled,
		func(name string) string {
			// $1 of label_replace is not Grafana's.
			if name == "$1" {
				return name
			}
			return ".*"
		}))
	if err != nil {
		return "", fmt.Errorf("%s: %w", q.Place, err)
	}
	if or, ok := expr.(*parser.BinaryExpr); ok && or.Op == parser.LOR {
		if call, ok := or.RHS.(*parser.Call); ok && call.Func.Name == "vector" {
			expr = or.LHS
		}
	}
	return expr.String(), nil
}

package dashboardtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/grafana"
)

// Query is one query of a dashboard.
type Query struct {
	// Place is the title of its panel and the letter of the query, or the name of
	// its annotation or variable.
	Place string
	Expr  string
	// OverTime is true for panels that show a range.
	OverTime bool
	// Panel is the type of its panel, and Only is true for a query of a table of which
	// only the labels are shown.
	Panel string
	Only  bool
}

// definition is how a variable asks for the values of a label.
var definition = regexp.MustCompile(`^label_values\((.+), \w+\)$`)

// Queries are all queries of a dashboard: those of its panels, annotations
// and variables. path is the name of its file.
func Queries(path string) ([]Query, error) {
	text, err := grafana.Committed(path)
	if err != nil {
		return nil, err
	}
	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Type    string `json:"type"`
			Targets []struct {
				RefID string `json:"refId"`
				Expr  string `json:"expr"`
				Range bool   `json:"range"`
			} `json:"targets"`
			Transformations []struct {
				Options struct {
					ExcludeByName map[string]bool `json:"excludeByName"`
				} `json:"options"`
			} `json:"transformations"`
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
			q := Query{Place: p.Title + " " + t.RefID, Expr: t.Expr, OverTime: t.Range, Panel: p.Type}
			for _, tr := range p.Transformations {
				q.Only = q.Only || tr.Options.ExcludeByName["Value #"+t.RefID] || tr.Options.ExcludeByName["Value"]
			}
			queries = append(queries, q)
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

// one is how an expression chooses one service.
const one = `="$service"`

// OfService says whether the query is about one service.
func (q Query) OfService() bool { return strings.Contains(q.Expr, one) }

// Fill puts a service in the place of the one that is chosen, and everything in that of
// the variables of which any number is. What only stands in for no data, as in "… or vector(0)", is
// taken away: a query is to find something itself.
func (q Query) Fill(service string) (string, error) {
	filled := strings.ReplaceAll(q.Expr, one, "="+strconv.Quote(service))
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

package prometheus

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/evidence"
)

// maxExpression bounds what is parsed: deeply nested text costs stack.
const maxExpression = 64 << 10

// parseQuery parses PromQL whose result has one number for each of many services: an
// instant vector.
func parseQuery(text string) (parser.Expr, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("it is longer than %d KiB", maxExpression>>10)
	}
	e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return nil, err
	}
	if e.Type() != parser.ValueTypeVector {
		return nil, fmt.Errorf("it gives a %s: want an instant vector with one series for each service",
			parser.DocumentedType(e.Type()))
	}
	return e, nil
}

// unfit is why a query cannot answer a fact of this kind: a comparison without bool
// drops the series for which it is false, so that false looks like no data.
func unfit(d evidence.Definition, query string) error {
	if d.Kind != evidence.KindBool {
		return nil
	}
	// A query that does not parse is reported where it is checked.
	if e, err := parseQuery(query); err == nil {
		if found := bareComparison(e); found != nil {
			return fmt.Errorf(
				"the comparison %s drops the series for which it is false, so that false looks like no data: write %s bool", found,
				found.Op,
			)
		}
	}
	return nil
}

// bareComparison finds a comparison without bool that decides which series an
// expression has: at its top, or inside functions that keep the series.
func bareComparison(e parser.Expr) *parser.BinaryExpr {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return bareComparison(e.Expr)
	case *parser.UnaryExpr:
		return bareComparison(e.Expr)
	case *parser.StepInvariantExpr:
		return bareComparison(e.Expr)
	case *parser.AggregateExpr:
		return bareComparison(e.Expr)
	case *parser.Call:
		if wraps(e.Func.Name) {
			return bareComparison(e.Args[0])
		}
	case *parser.BinaryExpr:
		switch {
		case e.Op.IsComparisonOperator():
			if !e.ReturnBool {
				return e
			}
		case e.Op == parser.LAND || e.Op == parser.LUNLESS:
			return bareComparison(e.LHS)
		default:
			if found := bareComparison(e.LHS); found != nil {
				return found
			}
			return bareComparison(e.RHS)
		}
	}
	return nil
}

// wraps reports whether a function keeps the series of its first argument.
func wraps(function string) bool {
	switch function {
	case "label_replace", "label_join", "abs", "ceil", "floor", "round", "sgn", "clamp", "clamp_min", "clamp_max", "sort",
		"sort_desc":
		return true
	}
	return false
}

// lookBack is the longest range of an expression, subqueries and offsets
// included.
func lookBack(e parser.Node) time.Duration {
	var longest time.Duration
	switch n := e.(type) {
	case *parser.MatrixSelector:
		longest = n.Range
	case *parser.SubqueryExpr:
		longest = n.Range + n.OriginalOffset
		return longest + lookBack(n.Expr)
	case *parser.VectorSelector:
		return max(n.OriginalOffset, 0)
	}
	inner := time.Duration(0)
	for child := range parser.ChildrenIter(e) {
		inner = max(inner, lookBack(child))
	}
	return longest + inner
}

// outputLabels are the labels that the series of an expression have. known is
// false when they depend on the stored series.
func outputLabels(e parser.Expr) (names []string, known bool) {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return outputLabels(e.Expr)
	case *parser.UnaryExpr:
		return outputLabels(e.Expr)
	case *parser.StepInvariantExpr:
		return outputLabels(e.Expr)
	case *parser.SubqueryExpr:
		return outputLabels(e.Expr)
	case *parser.AggregateExpr:
		switch {
		case e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Op == parser.LIMITK || e.Op == parser.LIMIT_RATIO:
			return outputLabels(e.Expr)
		case e.Without:
			return nil, false
		}
		return e.Grouping, true
	case *parser.Call:
		return callLabels(e)
	case *parser.BinaryExpr:
		return binaryLabels(e)
	}
	return nil, false
}

func callLabels(c *parser.Call) ([]string, bool) {
	for _, arg := range c.Args {
		if t := arg.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeMatrix {
			continue
		}
		names, known := outputLabels(arg)
		if (c.Func.Name == "label_replace" || c.Func.Name == "label_join") && len(c.Args) > 1 {
			if dst, ok := c.Args[1].(*parser.StringLiteral); ok {
				names = append(slices.Clone(names), dst.Val)
			}
		}
		return names, known
	}
	return nil, true // vector(1), time()
}

func binaryLabels(b *parser.BinaryExpr) ([]string, bool) {
	left, knownLeft := outputLabels(b.LHS)
	right, knownRight := outputLabels(b.RHS)
	matching := b.VectorMatching
	switch {
	case b.LHS.Type() != parser.ValueTypeVector:
		return right, knownRight
	case b.RHS.Type() != parser.ValueTypeVector:
		return left, knownLeft
	case matching == nil:
		return nil, false
	case b.Op == parser.LAND || b.Op == parser.LUNLESS:
		return left, knownLeft
	case b.Op == parser.LOR:
		// Both sides have series, so only the labels of both are certain.
		both := slices.DeleteFunc(slices.Clone(left), func(name string) bool { return !slices.Contains(right, name) })
		return both, knownLeft && knownRight
	case matching.Card == parser.CardManyToOne:
		return append(slices.Clone(left), matching.Include...), knownLeft
	case matching.Card == parser.CardOneToMany:
		return append(slices.Clone(right), matching.Include...), knownRight
	case matching.On:
		return matching.MatchingLabels, true
	}
	return left, knownLeft
}

// selectors lists every vector selector of an expression, those of ranges
// included.
func selectors(e parser.Expr) []*parser.VectorSelector {
	if e == nil {
		return nil
	}
	var found []*parser.VectorSelector
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			found = append(found, s)
		}
		return nil
	})
	return found
}

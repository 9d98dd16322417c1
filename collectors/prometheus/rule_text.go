package prometheus

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// ruleText is what the expression of a rule shows.
type ruleText struct {
	selectors []*parser.VectorSelector
	// complete is false when there may be selectors that are not in the list.
	complete bool
	// forecasts reports whether it looks ahead, or for anomalies.
	forecasts bool
	// strings are the quoted texts; they are read only from an expression that is no
	// PromQL.
	strings []string
}

// readRule reads the expression of a rule. The error says that it is no PromQL:
// MetricsQL and LogQL have more. Their selectors are written as those of PromQL are,
// and are read from the text.
func readRule(text string) (ruleText, error) {
	e, err := parseRule(text)
	if err != nil {
		return scanRule(text), err
	}
	out := ruleText{selectors: selectors(e), complete: true}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		c, ok := n.(*parser.Call)
		out.forecasts = out.forecasts || ok && slices.Contains(forecasts, c.Func.Name)
		return nil
	})
	return out, nil
}

// parseRule parses the expression of a rule, which may use what only this
// server knows.
func parseRule(text string) (parser.Expr, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("it is longer than %d KiB", maxExpression>>10)
	}
	e, err := parser.NewParser(parser.Options{EnableExperimentalFunctions: true,
		EnableBinopFillModifiers: true}).ParseExpr(text)
	if err != nil {
		return nil, err // the parser returns half an expression with its error
	}
	return e, nil
}

// forecasts are the functions of rules that look ahead or for anomalies.
var forecasts = []string{"predict_linear", "double_exponential_smoothing", "stddev_over_time"}

// burnRateMetric are the recorded burn rates of Sloth, Pyrra and the
// kubernetes-mixin; what follows is the window.
var burnRateMetric = regexp.MustCompile(`^(?:slo:sli_error:ratio_rate|[^:].*:burnrate)(\w*)$`)

// burnRates is over how many windows the expression reads a burn rate.
func (t ruleText) burnRates() int {
	windows := map[string]bool{}
	for _, s := range t.selectors {
		if found := burnRateMetric.FindStringSubmatch(s.Name); found != nil {
			windows[found[1]] = true
		}
	}
	return len(windows)
}

// The parts of an expression that matter to whom it is about.
const (
	quotedPattern = "\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`"
	namePattern   = "[a-zA-Z_:][a-zA-Z0-9_:.]*"
)

var (
	quotedText = regexp.MustCompile("(?s)" + quotedPattern)
	// ruleToken matches a selector, a quoted text, the beginning of a call, a name, or any
	// other character.
	ruleToken = regexp.MustCompile("(?s)(?:" + namePattern + `\s*)?\{(?:` + quotedPattern + "|[^{}\"'`])*\\}|" +
		quotedPattern + "|" + namePattern + `\s*\(|` + namePattern + "|.")
	wholeName = regexp.MustCompile("^" + namePattern + "$")
)

// scanRule reads the selectors of an expression without understanding the rest.
func scanRule(text string) ruleText {
	out := ruleText{complete: len(text) <= maxExpression}
	if !out.complete {
		return out
	}
	for _, quoted := range quotedText.FindAllString(text, -1) {
		out.strings = append(out.strings, quoted[1:len(quoted)-1])
	}
	for _, token := range ruleToken.FindAllString(text, -1) {
		function, isCall := strings.CutSuffix(token, "(")
		function = strings.TrimSpace(function)
		switch {
		case quotedText.FindString(token) == token:
		case strings.HasSuffix(token, "}"):
			out.addSelector(token)
		case token == "{", isCall && strings.EqualFold(function, "with"):
			out.complete = false // with begins a template of MetricsQL, which has selectors in pieces
		case isCall:
			out.forecasts = out.forecasts || slices.Contains(forecasts, function)
		case wholeName.MatchString(token):
			// A metric without labels selects no service, and may be a burn rate.
			out.selectors = append(out.selectors, &parser.VectorSelector{Name: token})
		}
	}
	return out
}

// addSelector parses one selector.
func (t *ruleText) addSelector(text string) {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if s, ok := e.(*parser.VectorSelector); ok && err == nil {
		t.selectors = append(t.selectors, s)
		return
	}
	t.complete = false
}

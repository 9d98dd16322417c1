package prometheus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// The facts about alerting rules.
const (
	factRules          = "alert.rules"
	factPagingRules    = "alert.paging_rules"
	factWithoutRunbook = "alert.paging_rules_without_runbook"
	factBrokenRules    = "alert.broken_rules"
	factBurnRateRules  = "alert.burn_rate_rules"
	factPredictive     = "alert.predictive_rules"
)

// rulesHelp says where the facts of the preset rules come from.
const rulesHelp = "the rules API of Prometheus, Thanos Ruler, Mimir or vmalert"

// ruleFacts are the names of the facts of the preset rules.
func ruleFacts() []string {
	return []string{
		factRules, factPagingRules, factWithoutRunbook, factBrokenRules, factBurnRateRules, factPredictive,
	}
}

// ruleDefinitions declares the facts of the preset rules.
func ruleDefinitions() []evidence.Definition {
	help := map[string]string{
		factRules:          "Healthy alerting rules that cover the service; rules for a whole fleet are not counted",
		factPagingRules:    "Healthy alerting rules that cover the service and have a paging severity",
		factWithoutRunbook: "Paging rules that cover the service and lack the annotation runbook_url or summary",
		factBrokenRules:    "Alerting rules that cover the service and whose last evaluation failed",
		factBurnRateRules: "Paging rules that cover the service and follow an error budget: they carry sloth_severity " +
			"or read burn rates over two windows",
		factPredictive: "Healthy alerting rules that cover the service and forecast or look for anomalies",
	}
	var definitions []evidence.Definition
	for _, name := range ruleFacts() {
		definitions = append(definitions, evidence.Definition{
			Name: name, Kind: evidence.KindInt, Help: help[name] + ", GET /api/v1/rules.", Pack: RulesPreset,
			Permissions: []string{"rules"}, Merge: evidence.MergeSum,
			Absent: "0: a complete list of rules has none for the service",
		})
	}
	return definitions
}

// ruleRecord is one alerting rule as far as the facts need it.
type ruleRecord struct {
	Type        string            `json:"type"`
	Name        string            `json:"name"`
	Query       string            `json:"query"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Health      string            `json:"health"`
	LastError   string            `json:"lastError"`
}

// ruleTally counts the rules of one service.
type ruleTally struct {
	counts map[string]int64
	// examples are the names of the first rules behind each count.
	examples map[string][]string
	// severities counts the healthy rules by severity.
	severities map[string]int
	// failed is the first rule by name whose evaluation failed, with its error.
	failed, error string
}

func (t *ruleTally) add(fact, rule string) {
	if t.counts == nil {
		t.counts, t.examples, t.severities = map[string]int64{}, map[string][]string{}, map[string]int{}
	}
	t.counts[fact]++
	if len(t.examples[fact]) < 3 && !slices.Contains(t.examples[fact], rule) {
		t.examples[fact] = append(t.examples[fact], rule)
	}
}

// detail is the provenance of a count.
func (t *ruleTally) detail(fact string, all, fleetWide int) string {
	names := t.examples[fact]
	if len(names) == 0 {
		return fmt.Sprintf("of %d alerting rules, %d of them for a whole fleet", all, fleetWide)
	}
	slices.Sort(names)
	text := "rules such as " + strings.Join(names, ", ")
	switch {
	case fact == factRules:
		var severities []string
		for _, name := range slices.Sorted(maps.Keys(t.severities)) {
			severities = append(severities, fmt.Sprintf("%d %s", t.severities[name], name))
		}
		text += "; by severity " + strings.Join(severities, ", ")
	case fact == factBrokenRules && t.error != "":
		text += fmt.Sprintf("; %s: %s", t.failed, evidence.Clean(t.error, 200))
	}
	return text
}

// observeRules lists the alerting rules once and counts them for every service
// they cover.
func (r *round) observeRules(ctx context.Context) error {
	rules, listed, skipped, err := r.listRules(ctx)
	if err != nil {
		return err
	}
	for range skipped {
		r.out.Skip("rule")
	}
	if !listed {
		r.notice(RulesPreset, "it lists no group of rules at all, like a server that evaluates none: facts about rules stay "+
			"unknown; name the address of the server that evaluates them as rules_url")
	}
	known := newIdentities(r.scope, r.server)
	tallies := map[string]*ruleTally{}
	for _, s := range r.scope.services {
		tallies[s.Name] = &ruleTally{}
	}
	fleetWide := 0
	for _, rule := range rules {
		expression, err := parseRule(rule.Query)
		if err != nil {
			// Other servers have other functions. The labels still say which service the
			// rule covers.
			r.notice("rule "+evidence.Clean(rule.Name, 100), "its expression cannot be read: "+evidence.Clean(err.Error(), 200))
		}
		r.relabel.rule(&rule, expression)
		covered, isFleetWide := known.covered(rule, expression)
		if isFleetWide {
			fleetWide++
		}
		for _, i := range covered {
			r.count(tallies[r.scope.services[i].Name], rule, expression)
		}
	}
	return r.out.Observe(RulesPreset, ruleFacts(), func(s *catalog.Service, fact string) collectors.Answer {
		t := tallies[s.Name]
		switch {
		case !identifiable(s, r.server):
			return collectors.Answer{Missing: evidence.MissingNoReference}
		case !listed:
			return collectors.Answer{Missing: evidence.MissingNoData}
		}
		return collectors.Answer{Value: evidence.Int(t.counts[fact]), Detail: t.detail(fact, len(rules), fleetWide)}
	})
}

// ruleParameters ask for alerting rules without the alerts they have raised.
func ruleParameters() url.Values {
	return url.Values{"type": {"alert"}, "exclude_alerts": {"true"}}
}

// listRules lists the alerting rules. skipped counts the rules that cannot be
// decoded. A server that does not know the parameters sends other rules, too, which
// are left out. listed is false when there is no group of rules at all:
// VictoriaMetrics without vmalert and Thanos without a ruler answer so, and do not
// know the rules that others evaluate.
func (s *Source) listRules(ctx context.Context) (rules []ruleRecord, listed bool, skipped int, err error) {
	var data struct {
		Groups *[]struct {
			Rules []json.RawMessage `json:"rules"`
		} `json:"groups"`
	}
	warnings, err := s.ruler.get(ctx, callRules, "/api/v1/rules", ruleParameters(), &data)
	switch {
	case err != nil:
		return nil, false, 0, err
	case len(warnings) > 0:
		return nil, false, 0, collectors.Failed(evidence.ReasonIncomplete, callRules,
			"the server says that the answer is incomplete: %s", evidence.Clean(warnings[0], 300))
	case data.Groups == nil:
		return nil, false, 0, collectors.Failed(evidence.ReasonUndecodable, callRules, "the answer has no list of groups")
	}
	for _, group := range *data.Groups {
		for _, raw := range group.Rules {
			var rule ruleRecord
			if err := json.Unmarshal(raw, &rule); err != nil || rule.Type == "" || rule.Name == "" {
				skipped++
			} else if rule.Type == "alerting" {
				rules = append(rules, rule)
			}
		}
	}
	return rules, len(*data.Groups) > 0, skipped, nil
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

// count adds a rule that covers a service to the service's numbers.
func (r *round) count(t *ruleTally, rule ruleRecord, e parser.Expr) {
	switch rule.Health {
	case "err":
		t.add(factBrokenRules, rule.Name)
		if t.error == "" || rule.Name < t.failed {
			t.failed, t.error = rule.Name, rule.LastError
		}
		return
	case "ok":
	default:
		return // not evaluated yet
	}
	t.add(factRules, rule.Name)
	t.severities[cmp.Or(rule.Labels["severity"], "none")]++
	if predictive(rule, e) {
		t.add(factPredictive, rule.Name)
	}
	if !r.pages(rule.Labels["severity"], rule.Labels["sloth_severity"]) {
		return
	}
	t.add(factPagingRules, rule.Name)
	if rule.Annotations["runbook_url"] == "" || rule.Annotations["summary"] == "" {
		t.add(factWithoutRunbook, rule.Name)
	}
	if burnRate(rule, e) {
		t.add(factBurnRateRules, rule.Name)
	}
}

// pages reports whether an alert pages a person, by its severity or Sloth's.
func (s *Source) pages(severity, slothSeverity string) bool {
	return slices.Contains(s.paging, severity) || slothSeverity == "page"
}

// burnRateMetric are the recorded burn rates of Sloth, Pyrra and the
// kubernetes-mixin; what follows is the window.
var burnRateMetric = regexp.MustCompile(`^(?:slo:sli_error:ratio_rate|[^:].*:burnrate)(\w*)$`)

func burnRate(rule ruleRecord, e parser.Expr) bool {
	if rule.Labels["sloth_severity"] != "" {
		return true
	}
	windows := map[string]bool{}
	for _, s := range selectors(e) {
		if found := burnRateMetric.FindStringSubmatch(s.Name); found != nil {
			windows[found[1]] = true
		}
	}
	return len(windows) >= 2
}

// forecasts are the functions of rules that look ahead or for anomalies.
var forecasts = []string{"predict_linear", "double_exponential_smoothing", "stddev_over_time"}

func predictive(rule ruleRecord, e parser.Expr) bool {
	if rule.Labels["detection"] == "anomaly" {
		return true
	}
	if e == nil {
		return false
	}
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		c, ok := n.(*parser.Call)
		found = found || ok && slices.Contains(forecasts, c.Func.Name)
		return nil
	})
	return found
}

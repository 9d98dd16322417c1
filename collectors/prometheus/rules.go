package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

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

// ruleDefinitions declares the facts of the preset rules.
func ruleDefinitions() []evidence.Definition {
	count := func(name, help string) evidence.Definition {
		return evidence.Definition{
			Name: name, Kind: evidence.KindInt, Help: help + ", GET /api/v1/rules.", Pack: RulesPreset,
			Permissions: []string{"rules"}, Merge: evidence.MergeSum,
			Absent: "0: a complete list of rules has none for the service",
		}
	}
	return []evidence.Definition{
		count(factRules, "Healthy alerting rules that cover the service; rules for a whole fleet are not counted"),
		count(factPagingRules, "Healthy alerting rules that cover the service and have a paging severity"),
		count(factWithoutRunbook, "Paging rules that cover the service and lack the annotation runbook_url or summary"),
		count(factBrokenRules, "Alerting rules that cover the service and whose last evaluation failed"),
		count(
			factBurnRateRules,
			"Paging rules that cover the service and follow an error budget: they carry sloth_severity or read burn rates over two windows",
		),
		count(factPredictive, "Healthy alerting rules that cover the service and forecast or look for anomalies"),
	}
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

// ruleTally is what the rules say about one service.
type ruleTally struct {
	counts map[string]int64
	// examples are the first rules by name behind each count.
	examples map[string][]string
	// severities counts the healthy rules by severity, failure is the last error
	// of the first rule that has one.
	severities    map[string]int
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
	switch fact {
	case factRules:
		var severities []string
		for _, name := range sortedNames(t.severities) {
			severities = append(severities, fmt.Sprintf("%d %s", t.severities[name], name))
		}
		text += "; by severity " + strings.Join(severities, ", ")
	case factBrokenRules:
		if t.error != "" {
			text += fmt.Sprintf("; %s: %s", t.failed, evidence.Clean(t.error, 200))
		}
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
	sight := newSight(r.scope, r.name)
	tallies := make([]ruleTally, len(r.scope.services))
	fleetWide := 0
	for _, rule := range rules {
		expression, err := parseRule(rule.Query)
		if err != nil {
			// Other servers have functions of their own. The labels still say
			// whose rule it is.
			r.noting["rule "+evidence.Clean(rule.Name, 100)] = "its expression cannot be read: " +
				evidence.Clean(err.Error(), 200)
		}
		r.relabel.rule(&rule, expression)
		covered, everybody := sight.covered(rule, expression)
		if everybody {
			fleetWide++
		}
		for _, service := range covered {
			r.count(&tallies[service], rule, expression)
		}
	}
	coverage := evidence.Coverage{Group: RulesPreset, At: r.now, Except: map[string]evidence.Missing{}}
	for _, d := range ruleDefinitions() {
		coverage.Facts = append(coverage.Facts, d.Name)
	}
	batch := evidence.Batch{Skipped: skipped}
	if !listed {
		r.noting[RulesPreset] = "it lists no group of rules at all, as a server does that evaluates none: facts about rules stay unknown; name the address of the one that does as rules_url"
	}
	for i, service := range r.scope.services {
		switch {
		case !identifiable(service, r.name):
			coverage.Except[service.Name] = evidence.MissingNoReference
			continue
		case !listed:
			coverage.Except[service.Name] = evidence.MissingNoData
			continue
		}
		for _, fact := range coverage.Facts {
			detail := tallies[i].detail(fact, len(rules), fleetWide)
			batch.Records = append(batch.Records, evidence.Record{
				Service: service.Name, Fact: fact, Value: evidence.Int(tallies[i].counts[fact]), Source: r.id,
				Detail: evidence.Clean(detail, 500), ObservedAt: r.now,
			})
		}
	}
	batch.Covered = []evidence.Coverage{coverage}
	return r.send(batch)
}

// ruleParameters ask for alerting rules without the alerts they have raised.
func ruleParameters() url.Values {
	return url.Values{"type": {"alert"}, "exclude_alerts": {"true"}}
}

// listRules lists the alerting rules. A rule that cannot be decoded costs
// itself; servers that do not know the parameters send more than is asked for.
// listed is false when there is not one group of rules: VictoriaMetrics without
// vmalert and Thanos without a ruler answer so, and know of no rule that others
// evaluate.
func (s *Source) listRules(ctx context.Context) (rules []ruleRecord, listed bool, skipped map[string]int, err error) {
	var data struct {
		Groups *[]struct {
			Rules []json.RawMessage `json:"rules"`
		} `json:"groups"`
	}
	warnings, err := s.ruler.get(ctx, callRules, "/api/v1/rules", ruleParameters(), &data)
	if err != nil {
		return nil, false, nil, err
	}
	if len(warnings) > 0 {
		return nil, false, nil, &collectors.CallError{Reason: evidence.ReasonIncomplete, Call: callRules,
			Err: fmt.Errorf("the server says that the answer is incomplete: %s", evidence.Clean(warnings[0], 300))}
	}
	if data.Groups == nil {
		return nil, false, nil, &collectors.CallError{Reason: evidence.ReasonUndecodable, Call: callRules,
			Err: errors.New("the answer has no list of groups")}
	}
	for _, group := range *data.Groups {
		for _, raw := range group.Rules {
			var rule ruleRecord
			if err := json.Unmarshal(raw, &rule); err != nil || rule.Type == "" || rule.Name == "" {
				if skipped == nil {
					skipped = map[string]int{}
				}
				skipped["rule"]++
				continue
			}
			if rule.Type == "alerting" {
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
		return nil, err // the parser hands half an expression back with its error
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
	t.severities[orWord(rule.Labels["severity"], "none")]++
	if predictive(rule, e) {
		t.add(factPredictive, rule.Name)
	}
	if !r.paging[rule.Labels["severity"]] && rule.Labels["sloth_severity"] != "page" {
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

func predictive(rule ruleRecord, e parser.Expr) bool {
	if rule.Labels["detection"] == "anomaly" {
		return true
	}
	if e == nil {
		return false
	}
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if c, ok := n.(*parser.Call); ok {
			switch c.Func.Name {
			case "predict_linear", "double_exponential_smoothing", "stddev_over_time":
				found = true
			}
		}
		return nil
	})
	return found
}

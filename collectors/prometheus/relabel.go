package prometheus

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/config"
	"github.com/prodready/collector/nearest"
)

// Relabel changes the labels of series before they are joined to services, with
// the meaning that relabelling has in Prometheus. TargetLabel also replaces the
// label with the prefix exported_. Series that are not kept are neither used nor
// counted.
type Relabel = config.Relabel

// The actions of Relabel.
const (
	actionReplace   = "replace"
	actionKeep      = "keep"
	actionDrop      = "drop"
	actionLowercase = "lowercase"
	actionUppercase = "uppercase"
	actionLabelDrop = "labeldrop"
	actionLabelKeep = "labelkeep"
)

// relabelling is a checked list of relabel rules; nil changes nothing.
type relabelling struct{ rules []relabelRule }

type relabelRule struct {
	Relabel
	pattern *regexp.Regexp
}

// misplaced lists the labels that a rule lacks, or has without a use.
func misplaced(r Relabel) (errs []error) {
	ofNames := r.Action == actionLabelDrop || r.Action == actionLabelKeep
	filters := ofNames || r.Action == actionKeep || r.Action == actionDrop
	switch {
	case ofNames && len(r.SourceLabels) > 0:
		errs = append(errs, fmt.Errorf("source_labels has no meaning with action %s, whose regex is matched with the names "+
			"of all labels: remove it", r.Action))
	case !ofNames && len(r.SourceLabels) == 0:
		errs = append(errs, errors.New("source_labels is missing: name the labels that are read"))
	}
	switch {
	case filters && r.TargetLabel != "":
		errs = append(errs, fmt.Errorf("target_label has no meaning with action %s: remove it", r.Action))
	case !filters && r.TargetLabel == "":
		errs = append(errs, errors.New("target_label is missing: name the label that is set"))
	}
	return errs
}

// compileRule fills in the defaults and compiles the expression.
func compileRule(r Relabel) (relabelRule, error) {
	actions := config.RelabelActions()
	r.Action, r.Regex = cmp.Or(r.Action, actionReplace), cmp.Or(r.Regex, "(.*)")
	var errs []error
	if !slices.Contains(actions, r.Action) {
		errs = append(errs, fmt.Errorf("unknown action %q%s: want one of %s", r.Action, nearest.Suggest(r.Action, actions),
			strings.Join(actions, ", ")))
	}
	errs = append(errs, misplaced(r)...)
	for _, name := range append(slices.Clone(r.SourceLabels), r.TargetLabel) {
		if name != "" && !model.UTF8Validation.IsValidLabelName(name) {
			errs = append(errs, fmt.Errorf("%q is no name of a label", name))
		}
	}
	pattern, err := regexp.Compile("^(?s:" + r.Regex + ")$")
	if err != nil {
		errs = append(errs, fmt.Errorf("regex %q: %w", r.Regex, err))
	}
	return relabelRule{r, pattern}, errors.Join(errs...)
}

// newRelabelling checks rules; none give nil.
func newRelabelling(rules []Relabel) (*relabelling, error) {
	var errs []error
	out := compileRules(rules, func(i int, err error) { errs = append(errs, fmt.Errorf("relabel rule %d: %w", i+1, err)) })
	return out, errors.Join(errs...)
}

// compileRules compiles rules and reports those that are wrong; none give nil.
func compileRules(rules []Relabel, bad func(i int, err error)) *relabelling {
	if len(rules) == 0 {
		return nil
	}
	out := &relabelling{}
	for i, r := range rules {
		rule, err := compileRule(r)
		if err != nil {
			bad(i, err)
		}
		out.rules = append(out.rules, rule)
	}
	return out
}

// targets are the labels that the rules may set.
func (r *relabelling) targets() []string {
	if r == nil {
		return nil
	}
	var names []string
	for _, rule := range r.rules {
		if rule.TargetLabel != "" {
			names = append(names, rule.TargetLabel)
		}
	}
	return names
}

// apply returns the labels after all rules. keep is false for a series that is
// dropped. m is not changed.
func (r *relabelling) apply(m model.Metric) (out model.Metric, keep bool) {
	if r == nil {
		return m, true
	}
	out = m
	for _, rule := range r.rules {
		if rule.Action == actionLabelDrop || rule.Action == actionLabelKeep {
			out = maps.Clone(out)
			maps.DeleteFunc(out, func(name model.LabelName, _ model.LabelValue) bool {
				return rule.pattern.MatchString(string(name)) == (rule.Action == actionLabelDrop)
			})
			continue
		}
		values := make([]string, len(rule.SourceLabels))
		for i, name := range rule.SourceLabels {
			values[i] = string(out[model.LabelName(name)])
		}
		source := strings.Join(values, rule.Separator)
		var value string
		switch rule.Action {
		case actionKeep, actionDrop:
			if rule.pattern.MatchString(source) != (rule.Action == actionKeep) {
				return nil, false
			}
			continue
		case actionLowercase:
			value = strings.ToLower(source)
		case actionUppercase:
			value = strings.ToUpper(source)
		default:
			at := rule.pattern.FindStringSubmatchIndex(source)
			if at == nil {
				continue
			}
			value = string(rule.pattern.ExpandString(nil, rule.Replacement, source, at))
		}
		out = maps.Clone(out)
		delete(out, model.LabelName(exported+rule.TargetLabel))
		if value == "" {
			delete(out, model.LabelName(rule.TargetLabel))
		} else {
			out[model.LabelName(rule.TargetLabel)] = model.LabelValue(value)
		}
	}
	return out, true
}

// rule relabels the static labels of an alerting rule.
func (r *relabelling) rule(rule *ruleRecord) {
	if r == nil {
		return
	}
	static := model.Metric{}
	for name, value := range rule.Labels {
		static[model.LabelName(name)] = model.LabelValue(value)
	}
	if changed, keep := r.apply(static); keep {
		rule.Labels = map[string]string{}
		for name, value := range changed {
			rule.Labels[string(name)] = string(value)
		}
	}
}

// selector relabels the labels for which a selector has one value. A matcher by
// regular expression is left as it is.
func (r *relabelling) selector(selector *parser.VectorSelector) {
	if r == nil {
		return
	}
	fixed := model.Metric{}
	var others []*labels.Matcher
	for _, m := range selector.LabelMatchers {
		if m.Type == labels.MatchEqual && m.Value != "" && m.Name != model.MetricNameLabel {
			fixed[model.LabelName(m.Name)] = model.LabelValue(m.Value)
		} else {
			others = append(others, m)
		}
	}
	changed, keep := r.apply(fixed)
	if !keep {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		others = append(others, labels.MustNewMatcher(labels.MatchEqual, string(name), string(changed[name])))
	}
	selector.LabelMatchers = others
}

package prometheus

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/evidence"
)

// recogniseWithin is how recent a series must be. A server that keeps a year of data
// has also metrics that are no longer exported.
const recogniseWithin = time.Hour

// Recognition is what the names of a server's metrics and labels show.
type Recognition struct {
	// Metrics is how many metric names there are.
	Metrics int
	// Presets are all presets, those of the rules API included, in name order.
	Presets []RecognisedPreset
	// Clusters, Namespaces and Jobs are the values of those labels, sorted.
	Clusters, Namespaces, Jobs []string
	// Remarks say what could not be found out, and why.
	Remarks []string

	// known are the metric names.
	known map[string]bool
}

// RecognisedPreset says which facts of a preset the server's metrics can
// answer.
type RecognisedPreset struct {
	// Name and Help are those of the preset.
	Name, Help string
	// Facts are all facts of the preset, in its order.
	Facts []RecognisedFact
}

// Recognised reports whether the server can answer at least one fact.
func (p RecognisedPreset) Recognised() bool { return p.Answerable() > 0 }

// Answerable counts the facts that the server can answer.
func (p RecognisedPreset) Answerable() int {
	return len(slices.DeleteFunc(slices.Clone(p.Facts), func(f RecognisedFact) bool { return len(f.Via) == 0 }))
}

// RecognisedFact says whether the server has the metrics of a fact.
type RecognisedFact struct {
	// Name is the fact.
	Name string
	// Via are the providers all of whose metrics the server has, in the order of the
	// preset; empty when the fact cannot be answered.
	Via []string
	// Missing are the metrics that the server lacks for the provider of which it has
	// most, sorted; empty when Via is not.
	Missing []string
	// Needs is what the exporters need for the fact; empty for nothing special.
	Needs string
}

// Recognise finds out from the server's label values which presets it can answer,
// whichever presets the source was made with. It makes five requests,
// whatever the size of the server: the values of __name__, cluster, namespace
// and job within the last hour, and the rules. Only the first must succeed.
func (s *Source) Recognise(ctx context.Context) (Recognition, error) {
	var out Recognition
	names, remarks, err := s.labelValues(ctx, model.MetricNameLabel)
	if err != nil {
		return Recognition{}, err
	}
	out.Remarks = remarks
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	out.Metrics, out.known = len(known), known
	library, err := embedded()
	if err != nil {
		return Recognition{}, err
	}
	for _, p := range library {
		found := RecognisedPreset{Name: p.name, Help: p.help}
		for _, f := range p.facts {
			found.Facts = append(found.Facts, recognise(f.fact, known))
		}
		out.Presets = append(out.Presets, found)
	}
	out.Presets = append(out.Presets, s.recogniseRules(ctx, &out))
	slices.SortFunc(out.Presets, func(a, b RecognisedPreset) int { return strings.Compare(a.Name, b.Name) })
	for _, wanted := range []struct {
		label string
		into  *[]string
	}{{"cluster", &out.Clusters}, {labelNamespace, &out.Namespaces}, {"job", &out.Jobs}} {
		values, remarks, err := s.labelValues(ctx, wanted.label)
		if err != nil {
			remarks = append(remarks, fmt.Sprintf("the values of the label %s are not known: %v", wanted.label, err))
		}
		*wanted.into, out.Remarks = values, append(out.Remarks, remarks...)
	}
	slices.Sort(out.Remarks)
	return out, ctx.Err()
}

// recogniseRules says whether the rules API lists alerting rules.
func (s *Source) recogniseRules(ctx context.Context, out *Recognition) RecognisedPreset {
	found := RecognisedPreset{Name: RulesPreset, Help: rulesHelp}
	list, err := s.listRules(ctx)
	rules := list.rules
	switch {
	case err != nil:
		out.Remarks = append(out.Remarks, fmt.Sprintf("the rules are not known: %v", err))
	case len(rules) == 0:
		out.Remarks = append(out.Remarks, "the server lists no alerting rule")
	}
	for _, name := range ruleFacts() {
		f := RecognisedFact{Name: name}
		if len(rules) > 0 {
			f.Via = []string{fmt.Sprintf("%d alerting rules", len(rules))}
		}
		found.Facts = append(found.Facts, f)
	}
	return found
}

// labelValues are the values of a label within the last hour, sorted. remarks
// are warnings of the server, which mean that some may be lacking.
func (s *Source) labelValues(ctx context.Context, name string) (values, remarks []string, err error) {
	now := s.now().UTC()
	query := url.Values{"start": {now.Add(-recogniseWithin).Format(time.RFC3339)}, "end": {now.Format(time.RFC3339)}}
	warnings, err := s.api.get(ctx, callLabelValues, "/api/v1/label/"+name+"/values", query, &values)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range warnings {
		remarks = append(remarks, fmt.Sprintf("the values of the label %s may be incomplete: %s", name,
			evidence.Clean(w, 300)))
	}
	for i, v := range values {
		values[i] = evidence.Clean(v, 1000)
	}
	slices.Sort(values)
	return slices.Compact(values), remarks, nil
}

// recognise compares a fact's providers with the metrics that the server has.
func recognise(f fact, known map[string]bool) RecognisedFact {
	out := RecognisedFact{Name: f.Name, Needs: f.Needs}
	for i, p := range f.providers {
		e, err := parseQuery(p.text)
		if err != nil {
			continue // it was parsed when it was loaded
		}
		missing := lacking(e, known)
		if len(missing) == 0 {
			out.Via = append(out.Via, p.via)
		}
		if i == 0 || len(missing) < len(out.Missing) {
			out.Missing = missing
		}
	}
	return out
}

// lacking are the metrics that the server lacks, and without which an expression
// has no series, sorted. Of two sides joined by or, the one that lacks less counts;
// the right side of unless is not needed.
func lacking(e parser.Expr, known map[string]bool) []string {
	var missing []string
	switch e := e.(type) {
	case *parser.VectorSelector:
		if e.Name != "" && !known[e.Name] {
			return []string{e.Name}
		}
		return nil
	case *parser.BinaryExpr:
		left, right := lacking(e.LHS, known), lacking(e.RHS, known)
		switch {
		case e.Op == parser.LUNLESS:
			return left
		case e.Op == parser.LOR && len(right) < len(left):
			return right
		case e.Op == parser.LOR:
			return left
		}
		missing = append(left, right...)
	default:
		for child := range parser.ChildrenIter(e) {
			if inner, ok := child.(parser.Expr); ok {
				missing = append(missing, lacking(inner, known)...)
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

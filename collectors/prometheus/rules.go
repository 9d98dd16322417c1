package prometheus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

// The facts about alerting rules.
const (
	factRules          = "alert.rules"
	factPagingRules    = "alert.paging_rules"
	factWithoutRunbook = "alert.paging_rules_without_runbook"
	factWithoutSummary = "alert.paging_rules_without_summary"
	factBrokenRules    = "alert.broken_rules"
	factBurnRateRules  = "alert.burn_rate_rules"
	factPredictive     = "alert.predictive_rules"
)

// rulesHelp says where the facts of the preset rules come from.
const rulesHelp = "the rules API of Prometheus, Thanos Ruler, Mimir or vmalert"

// ruleFacts are the names of the facts of the preset rules.
func ruleFacts() []string {
	return []string{
		factRules, factPagingRules, factWithoutRunbook, factWithoutSummary, factBrokenRules, factBurnRateRules,
		factPredictive,
	}
}

// ruleDefinitions declares the facts of the preset rules.
func ruleDefinitions() []evidence.Definition {
	help := map[string]string{
		factRules: "Alerting rules that cover the service and are not broken; rules for a whole fleet are not " +
			"counted",
		factPagingRules:    "Alerting rules that cover the service, are not broken and have a paging severity",
		factWithoutRunbook: "Paging rules that cover the service and lack a runbook: the annotation runbook_url or runbook",
		factWithoutSummary: "Paging rules that cover the service and lack a text: the annotation summary, description or " +
			"message",
		factBrokenRules: "Alerting rules that cover the service and whose last evaluation failed",
		factBurnRateRules: "Paging rules that cover the service and follow an error budget: they carry sloth_severity " +
			"or read burn rates over two windows",
		factPredictive: "Alerting rules that cover the service, are not broken, and forecast or look for anomalies",
	}
	var definitions []evidence.Definition
	for _, name := range ruleFacts() {
		definitions = append(definitions, evidence.Definition{
			Name: name, Kind: evidence.KindInt, Help: help[name] + ", GET /api/v1/rules.", Pack: RulesPreset,
			Permissions: []string{"rules"}, Merge: evidence.MergeSum,
			Absent: "0: a complete list of rules has none for the service. Unknown where a rule that cannot be read may " +
				"be about it",
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

	// file and group are where it was written.
	file, group string
}

// place names a rule for people who look for it: file, group and alert.
func (r *ruleRecord) place() string {
	var parts []string
	for _, part := range []string{r.file, r.group, r.Name} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// ruleTally counts the rules of one service.
type ruleTally struct {
	counts map[string]int64
	// examples are the names of the first rules behind each count.
	examples map[string][]string
	// severities counts the healthy rules by severity.
	severities map[string]int
	// unreadable are the facts that a rule which cannot be read may change, and strays
	// those that a rule which names no service may change.
	unreadable, strays map[string]bool
	// failed is the first rule by name whose evaluation failed, with its error.
	failed, error string
}

func newRuleTally() *ruleTally {
	return &ruleTally{
		counts: map[string]int64{}, examples: map[string][]string{}, severities: map[string]int{},
		unreadable: map[string]bool{}, strays: map[string]bool{},
	}
}

func (t *ruleTally) add(fact, rule string) {
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
	list, err := r.listRules(ctx)
	if err != nil {
		return err
	}
	if !list.listed {
		r.notice(RulesPreset, "it lists no group of rules at all, like a server that evaluates none: facts about rules stay "+
			"unknown; name the address of the server that evaluates them as rules_url")
	}
	c := ruleCount{round: r, known: newIdentities(r.scope, r.server)}
	var everyone []int
	for i := range r.scope.services {
		c.tallies = append(c.tallies, newRuleTally())
		everyone = append(everyone, i)
	}
	for _, rule := range list.rules {
		c.add(rule)
	}
	for _, rule := range list.undecodable {
		r.out.Skip("rule")
		c.addUnreadable(rule, everyone)
	}
	at := map[string]*ruleTally{}
	for i, s := range r.scope.services {
		at[s.Name] = c.tallies[i]
	}
	err = r.out.Observe(RulesPreset, ruleFacts(), func(s *catalog.Service, fact string) collectors.Answer {
		t := at[s.Name]
		switch {
		case !identifiable(s, r.server):
			return collectors.Answer{Missing: evidence.MissingNoReference}
		case !list.listed:
			return collectors.Answer{Missing: evidence.MissingNoData}
		case t.unreadable[fact]:
			return collectors.Answer{Withdraw: evidence.MissingUndecodable}
		case len(t.counts) == 0 && t.strays[fact]:
			return collectors.Answer{Withdraw: evidence.MissingUncounted}
		}
		return collectors.Answer{Value: evidence.Int(t.counts[fact]), Detail: t.detail(fact, len(list.rules), c.fleetWide)}
	})
	if err != nil || !list.listed {
		return err
	}
	return r.out.Send(evidence.Batch{Uncounted: []evidence.Uncounted{c.uncounted.Report(evidence.UncountedRule)}})
}

// ruleCount counts the rules of a round.
type ruleCount struct {
	round *round
	known *identities
	// tallies are by the index of the service.
	tallies   []*ruleTally
	fleetWide int
	uncounted collectors.Uncounted
}

// add counts a rule for the services that it covers. A rule whose expression cannot
// be read makes unknown what it might have counted.
func (c *ruleCount) add(rule ruleRecord) {
	text, err := readRule(rule.Query)
	for _, selector := range text.selectors {
		c.round.relabel.selector(selector)
	}
	c.round.relabel.rule(&rule)
	covered, isFleetWide := c.known.covered(rule, text)
	if isFleetWide {
		c.fleetWide++
	}
	if err == nil {
		for _, i := range covered {
			c.round.count(c.tallies[i], rule, text)
		}
		if name := c.known.unknown(rule, text); len(covered) == 0 && name != "" {
			c.uncounted.Add(evidence.UncountedUnknownService, name, 1)
			for _, i := range c.known.mayCover(rule, text) {
				for _, fact := range c.counted(rule, text) {
					c.tallies[i].strays[fact] = true
				}
			}
		}
		return
	}
	// Other servers have other functions. The labels of the rule still say which service
	// it covers.
	byLabels := c.known.named(rule.Labels)
	for i := range byLabels {
		c.round.count(c.tallies[i], rule, text)
	}
	c.round.notice("rule "+evidence.Clean(rule.place(), 200), "its expression cannot be read: "+
		evidence.Clean(err.Error(), 200))
	switch {
	case len(byLabels) > 0:
	case text.complete:
		c.addUnreadable(rule, covered)
	default:
		c.addUnreadable(rule, c.known.quoted(text))
	}
}

// addUnreadable counts a rule that cannot be read. What it would have counted is
// unknown for the services that it may be about.
func (c *ruleCount) addUnreadable(rule ruleRecord, services []int) {
	c.uncounted.Add(evidence.UncountedUnreadable, cmp.Or(rule.place(), "a rule without a name"), 1)
	facts := ruleFacts()
	if rule.Query != "" {
		text, _ := readRule(rule.Query)
		facts = c.counted(rule, text)
	}
	for _, i := range services {
		for _, fact := range facts {
			c.tallies[i].unreadable[fact] = true
		}
	}
}

// counted are the facts that count a rule.
func (c *ruleCount) counted(rule ruleRecord, text ruleText) []string {
	scratch := newRuleTally()
	c.round.count(scratch, rule, text)
	return slices.Collect(maps.Keys(scratch.counts))
}

// ruleParameters ask for alerting rules without the alerts they have raised.
func ruleParameters() url.Values {
	return url.Values{"type": {"alert"}, "exclude_alerts": {"true"}}
}

// ruleList is what the rules API has answered.
type ruleList struct {
	// rules are the alerting rules, and undecodable those of which not everything could
	// be decoded.
	rules, undecodable []ruleRecord
	// listed is false when there is no group of rules at all: VictoriaMetrics without
	// vmalert and Thanos without a ruler answer so, and do not know the rules that
	// others evaluate.
	listed bool
}

// listRules lists the alerting rules. A server that does not know the parameters
// sends other rules, too, which are left out. A rule that is listed twice, because
// two replicas evaluate it, is one.
func (s *Source) listRules(ctx context.Context) (list ruleList, err error) {
	var data struct {
		Groups *[]struct {
			Name  string            `json:"name"`
			File  string            `json:"file"`
			Rules []json.RawMessage `json:"rules"`
		} `json:"groups"`
		// Next is set when there are more groups than the answer has.
		Next string `json:"groupNextToken"`
	}
	warnings, err := s.ruler.get(ctx, callRules, "/api/v1/rules", ruleParameters(), &data)
	switch {
	case err != nil:
		return list, err
	case len(warnings) > 0:
		return list, collectors.Failed(evidence.ReasonIncomplete, callRules,
			"the server says that the answer is incomplete: %s", evidence.Clean(warnings[0], 300))
	case data.Groups == nil:
		return list, collectors.Failed(evidence.ReasonUndecodable, callRules, "the answer has no list of groups")
	case data.Next != "":
		return list, collectors.Failed(evidence.ReasonIncomplete, callRules,
			"the server lists only a part of the groups of rules: raise its limit")
	}
	seen := map[string]int{}
	for _, group := range *data.Groups {
		for _, raw := range group.Rules {
			rule := ruleRecord{file: group.File, group: group.Name}
			err := json.Unmarshal(raw, &rule)
			switch {
			case rule.Type != "" && rule.Type != "alerting":
			case err != nil || rule.Type == "" || rule.Name == "":
				list.undecodable = append(list.undecodable, ruleRecord{file: group.File, group: group.Name, Name: rule.Name})
			default:
				list.add(s.ruleIdentity(rule), rule, seen)
			}
		}
	}
	list.listed = len(*data.Groups) > 0
	return list, nil
}

// add adds a rule, or a copy of one whose place is in seen. A rule works while one
// replica evaluates it.
func (l *ruleList) add(id string, rule ruleRecord, seen map[string]int) {
	at, copied := seen[id]
	switch {
	case !copied:
		seen[id] = len(l.rules)
		l.rules = append(l.rules, rule)
	case l.rules[at].Health == "err":
		l.rules[at] = rule
	}
}

// ruleIdentity is the same for the copies of a rule that replicas of a server evaluate:
// they differ in labels that say which replica it is, and in how they fare.
func (s *Source) ruleIdentity(r ruleRecord) string {
	own := map[string]string{}
	for name, value := range r.Labels {
		if !s.isReplicaLabel(name) {
			own[name] = value
		}
	}
	return fmt.Sprintf("%q", []any{r.file, r.group, r.Name, r.Query, own, r.Annotations})
}

// count adds a rule that covers a service to the service's numbers. A rule that was
// not evaluated yet exists, and is not broken.
func (r *round) count(t *ruleTally, rule ruleRecord, text ruleText) {
	if rule.Health == "err" {
		t.add(factBrokenRules, rule.Name)
		if t.error == "" || rule.Name < t.failed {
			t.failed, t.error = rule.Name, rule.LastError
		}
		return
	}
	t.add(factRules, rule.Name)
	t.severities[cmp.Or(rule.Labels["severity"], "none")]++
	if rule.Labels["detection"] == "anomaly" || text.forecasts {
		t.add(factPredictive, rule.Name)
	}
	if !r.pages(rule.Labels["severity"], rule.Labels["sloth_severity"]) {
		return
	}
	t.add(factPagingRules, rule.Name)
	if !rule.has(r.runbook) {
		t.add(factWithoutRunbook, rule.Name)
	}
	if !rule.has(r.summary) {
		t.add(factWithoutSummary, rule.Name)
	}
	if rule.Labels["sloth_severity"] != "" || text.burnRates() >= 2 {
		t.add(factBurnRateRules, rule.Name)
	}
}

// has reports whether the rule has one of the annotations.
func (r *ruleRecord) has(annotations []string) bool {
	return slices.ContainsFunc(annotations, func(name string) bool { return strings.TrimSpace(r.Annotations[name]) != "" })
}

// pages reports whether an alert pages a person, by its severity or Sloth's.
func (s *Source) pages(severity, slothSeverity string) bool {
	return slices.Contains(s.paging, severity) || slothSeverity == "page"
}

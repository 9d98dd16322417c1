package scaffold

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evaluation"
	"github.com/prodready/collector/framework"
)

// commentWidth is where comments are wrapped, indentation apart.
const commentWidth = 76

// text writes the draft, with the comments on what is not measurable at its end.
func (d *draft) text(notMeasurable []string) []byte {
	root := mapping(
		pair("catalog", d.catalogNode(), "\n"+comment(d.catalogNotes()...)),
		pair("sources", d.sourcesNode(), "\n"+comment("Where evidence comes from. config.example.yaml explains every key, "+
			"and lists take more accounts, sites and servers. Secrets stay in files and variables.")),
	)
	root.HeadComment = comment(
		"A starting configuration, from what the credentials can see. Nothing is final: "+
			"read it through, above all the tiers.",
		"",
		"  collector check                         is it valid?",
		"  collector check --online                are the credentials?",
		"  collector collect --once --dry-run      what would be found?",
	) + "\n\n"
	if len(notMeasurable) > 0 {
		root.FootComment = comment(notMeasurable...)
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	// A tree of strings, numbers and lists encodes; a buffer takes everything.
	_ = encoder.Encode(root)
	_ = encoder.Close()
	return append(bytes.TrimSpace(bytes.ReplaceAll(b.Bytes(), []byte("\n\n\n"), []byte("\n\n"))), '\n')
}

func (d *draft) catalogNotes() []string {
	notes := []string{fmt.Sprintf("What is judged. The sources do not know how important a service is: every tier below "+
		"says %d until a person chooses, 1 (customers and revenue, at any hour) to 4 (best effort). The tier sets the "+
		"badge that a service should reach.", d.options.Tier)}
	if len(d.services) > 0 {
		notes = append(notes, "Nor do they know data_class, data_owner, stateful, exposure, dashboard and github or "+
			"gitlab, which checks ask for, and kubernetes.workload, by which many series are found.")
	}
	return append(notes, d.notes...)
}

func (d *draft) catalogNode() *yaml.Node {
	teams, services := list(), list()
	for _, t := range d.teams {
		teams.Content = append(teams.Content, flow(filled("name", t.Name), filled("title", titleOf(t.Title, t.Name))))
	}
	for _, s := range d.services {
		services.Content = append(services.Content, s.node())
	}
	var pairs [][]*yaml.Node
	if len(d.teams) > 0 {
		pairs = append(pairs, pair("teams", teams,
			comment("org is the organisation that a team belongs to; add it where there are several.")))
	}
	return mapping(append(pairs, pair("services", services, ""))...)
}

func (s draftService) node() *yaml.Node {
	tier := scalar(strconv.Itoa(s.Tier))
	tier.Tag, tier.Style, tier.LineComment = "!!int", 0, "# choose"
	pagerDuty, jira, series := list(), list(), list()
	for _, ref := range s.PagerDuty {
		pagerDuty.Content = append(pagerDuty.Content, flow(filled("service_id", ref.ServiceID)))
	}
	for _, ref := range s.Jira {
		jira.Content = append(jira.Content, flow(filled("project", ref.Project), filled("component", ref.Component)))
	}
	for _, ref := range s.Prometheus {
		var labels [][]*yaml.Node
		for _, label := range slices.Sorted(maps.Keys(ref.Matchers)) {
			labels = append(labels, filled(label, ref.Matchers[label]))
		}
		series.Content = append(series.Content, flow(pair("matchers", flow(labels...), "")))
	}
	node := mapping(
		filled("name", s.Name), filled("title", titleOf(s.Title, s.Name)), filled("team", s.Team), pair("tier", tier, ""),
		unlessEmpty("pagerduty", pagerDuty), unlessEmpty("jira", jira), unlessEmpty("prometheus", series),
		unlessEmpty("kubernetes", flow(filled("namespace", s.Kubernetes.Namespace))),
	)
	if len(s.missing) > 0 {
		node.HeadComment = comment("not found: " + strings.Join(s.missing, ", "))
	}
	return node
}

func (d *draft) sourcesNode() *yaml.Node {
	var pairs [][]*yaml.Node
	if o := d.options.PagerDuty; o != nil {
		entry := mapping(filled("name", o.Name),
			filled("endpoint", unless(o.Endpoint, config.DefaultPagerDuty().Endpoint)),
			filled("token_file", o.TokenFile), filled("token_env", o.TokenEnv))
		pairs = append(pairs, pair("pagerduty", list(entry), d.failure("pagerduty", o.Name)))
	}
	if o := d.options.Jira; o != nil {
		pairs = append(pairs, pair("jira", list(d.jiraNode(o)), d.failure("jira", o.Name)))
	}
	if o := d.options.Prometheus; o != nil {
		pairs = append(pairs, pair("prometheus", list(d.prometheusNode(o)), d.failure("prometheus", o.Name)))
	}
	return mapping(pairs...)
}

// failure is a comment on why a source did not answer; empty when it did.
func (d *draft) failure(kind, name string) string {
	err := d.found.failed[sourceID(kind, name)]
	if err == nil {
		return ""
	}
	return comment("It did not answer, so nothing here is from it: "+err.Error(),
		"When that is corrected, run `collector init` again, into another file.")
}

func (d *draft) jiraNode(o *config.Jira) *yaml.Node {
	var types, labels []string
	var notes []string
	if d.found.jira != nil {
		types, labels = d.found.jira.IssueTypes, d.found.jira.Labels
		for _, err := range d.found.jira.Missing {
			notes = append(notes, "Could not be listed: "+err.Error())
		}
	}
	var pairs [][]*yaml.Node
	pairs = append(pairs,
		filled("name", o.Name), filled("deployment", unless(string(deploymentOf(o)), string(config.Cloud))),
		filled("url", o.URL), filled("api_url", o.APIURL),
		filled("email", o.Email), filled("token_file", o.TokenFile), filled("token_env", o.TokenEnv),
	)
	if jql := incidentsJQL(types); jql != "" {
		pairs = append(pairs, pair("incidents", flow(filled("jql", jql)), ""))
	} else {
		notes = append(notes, "No type of issue is called Incident. Which tickets are incidents? incidents: {jql: …}")
	}
	if jql := reviewsJQL(types); jql != "" {
		pairs = append(pairs, pair("reviews", flow(filled("jql", jql)), ""))
	} else {
		notes = append(notes, "No type of issue is a readiness review. Which tickets are? reviews: {jql: …}. Without them "+
			"nothing can be attested.")
	}
	if len(types) > 0 {
		notes = append(notes, "Types of issues: "+strings.Join(types, ", ")+".")
	}
	if len(labels) > 0 {
		notes = append(notes, "Labels of attestations in use: "+strings.Join(labels, ", ")+".")
	}
	node := mapping(pairs...)
	node.HeadComment = comment(notes...)
	return node
}

func (d *draft) prometheusNode(o *config.Prometheus) *yaml.Node {
	presets := list()
	presets.Style = yaml.FlowStyle
	for _, name := range presetsOf(d.found) {
		presets.Content = append(presets.Content, scalar(name))
	}
	var notes []string
	if found := d.found.prometheus; found != nil {
		for _, p := range found.Presets {
			if p.Recognised() && p.Answerable() < len(p.Facts) {
				notes = append(notes, fmt.Sprintf("%s gives %d of its %d facts; without: %s.", p.Name, p.Answerable(),
					len(p.Facts), strings.Join(unanswerable(p), ", ")))
			}
		}
		for _, text := range found.Remarks {
			notes = append(notes, "Remark: "+text+".")
		}
	}
	pairs := [][]*yaml.Node{filled("name", o.Name), filled("url", o.URL)}
	pairs = append(pairs, unlessEmpty("presets", presets))
	if authorization := o.HTTPClient.Authorization; authorization != nil {
		pairs = append(pairs, pair("http_client", mapping(pair("authorization",
			mapping(filled("credentials_file", authorization.CredentialsFile)), "")), ""))
	}
	node := mapping(pairs...)
	node.HeadComment = comment(notes...)
	return node
}

// unanswerable lists the facts that a server cannot answer, with what is
// missing for them.
func unanswerable(p prometheus.RecognisedPreset) []string {
	var facts []string
	for _, f := range p.Facts {
		if len(f.Via) > 0 {
			continue
		}
		text := f.Name
		if len(f.Missing) > 0 {
			text += " (" + strings.Join(f.Missing, ", ") + ")"
		}
		facts = append(facts, text)
	}
	return facts
}

// missingSources lists for every kind of source, the one with the most checks
// first, the checks that it would make measurable, and those that are decided by
// an attestation where it would give stronger evidence.
func missingSources(w *evaluation.Config, recognised *prometheus.Recognition) []string {
	given := map[string]bool{}
	for _, p := range w.Providers {
		for _, fact := range p.Facts {
			given[fact] = true
		}
	}
	unmeasured, weak := map[string][]string{}, map[string][]string{}
	for _, c := range w.Framework.Checks {
		wants := weak
		if w.NotMeasurable[c.ID] {
			wants = unmeasured
		}
		for _, index := range c.Facts {
			fact := w.Facts.At(index)
			if what := givenBy(fact.Name, fact.Pack); !given[fact.Name] && !slices.Contains(wants[what], c.ID) {
				wants[what] = append(wants[what], c.ID)
			}
		}
	}
	var lines []string
	add := func(head string, wants map[string][]string) {
		if len(wants) == 0 {
			return
		}
		lines = append(lines, head)
		order := slices.Sorted(maps.Keys(wants))
		slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(len(wants[b]), len(wants[a])) })
		for _, what := range order {
			line := "- " + what
			if help := presetHelp(recognised, what); help != "" {
				line += ", from " + help
			}
			lines = append(lines, line+": "+strings.Join(wants[what], ", "))
		}
	}
	add("Checks that are not measurable with these sources, which do not count, and what would give them:",
		unmeasured)
	add("Checks that are decided, and would be decided by stronger evidence with:", weak)
	return lines
}

const presetWords = "the Prometheus preset "

// givenBy names what gives a fact.
func givenBy(fact, pack string) string {
	switch pack {
	case "pagerduty":
		return "a PagerDuty account"
	case "jira":
		return "a Jira site"
	case framework.AttestationPack:
		return "a Jira site with reviews"
	case catalog.SourceID:
		return "the catalog"
	case "":
		return fact
	}
	return presetWords + pack
}

// presetHelp says what a preset reads.
func presetHelp(recognised *prometheus.Recognition, what string) string {
	name, ok := strings.CutPrefix(what, presetWords)
	if !ok || recognised == nil {
		return ""
	}
	for _, p := range recognised.Presets {
		if p.Name == name {
			return p.Help
		}
	}
	return ""
}

// comment makes comment lines of paragraphs, wrapped. Text from outside cannot
// end the comment.
func comment(paragraphs ...string) string {
	var lines []string
	for _, p := range paragraphs {
		indent := ""
		if strings.HasPrefix(p, "  ") { // as it is
			lines = append(lines, "# "+p)
			continue
		}
		if strings.HasPrefix(p, "- ") {
			indent = "  "
		}
		p = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\u0085' || r == '\ufeff' {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(p, "?"))
		line := "#"
		for n, word := range strings.Fields(p) {
			if n > 0 && len(line)+1+len(word) > commentWidth {
				lines = append(lines, line)
				line = "#" + indent
				if indent != "" {
					line = "# " + strings.TrimSuffix(indent, " ")
				}
			}
			line += " " + word
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}

// pair is a key with its value.
func pair(key string, value *yaml.Node, head string) []*yaml.Node {
	k := scalar(key)
	k.HeadComment = head
	return []*yaml.Node{k, value}
}

// filled is a pair, or nothing when there is no value.
func filled(key, value string) []*yaml.Node {
	if value == "" {
		return nil
	}
	return pair(key, scalar(value), "")
}

func unlessEmpty(key string, value *yaml.Node) []*yaml.Node {
	if len(value.Content) == 0 {
		return nil
	}
	return pair(key, value, "")
}

func mapping(pairs ...[]*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: slices.Concat(pairs...)}
}

func flow(pairs ...[]*yaml.Node) *yaml.Node {
	n := mapping(pairs...)
	n.Style = yaml.FlowStyle
	return n
}

func list(entries ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Content: entries}
}

// titleOf is empty for a title that says no more than the name.
func titleOf(title, name string) string { return unless(title, name) }

// unless is the text, or nothing when it is what goes without saying.
func unless(text, otherwise string) string {
	if text == otherwise {
		return ""
	}
	return text
}

package scaffold

import (
	"bytes"
	"cmp"
	_ "embed" // the template
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
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

//go:embed configuration.yaml.tmpl
var configurationTemplate string

// view is what the template of the configuration shows.
type view struct {
	Options
	Teams []catalog.Team
	// MoreTeams are names that could be teams, for the comment beside Teams.
	MoreTeams []string
	// Candidates are the services that jobs and namespaces could be, where no source
	// names services.
	Candidates []catalog.Service
	Services   []draftService
	// Notes are about the catalog; JiraNotes and PrometheusNotes about the source.
	Notes, JiraNotes, PrometheusNotes []string
	// DefaultEndpoint is the address of PagerDuty that needs no mention.
	DefaultEndpoint          string
	IncidentsJQL, ReviewsJQL string
	Presets                  []string
	NotMeasurable            []string
	// Failure says why a source did not answer; nothing when it did.
	Failure func(kind, name string) []string
}

// text writes the draft, with the comments on what is not measurable at its end.
func (d *draft) text(notMeasurable []string) ([]byte, error) {
	parsed, err := template.New("configuration").Funcs(template.FuncMap{
		"yaml": yamlOf, "comment": comment, "unless": unless,
	}).Parse(configurationTemplate)
	if err != nil {
		return nil, fmt.Errorf("reading the template of the configuration: %w", err)
	}
	v := view{
		MoreTeams: d.moreTeams(), Candidates: d.candidates(),
		Options: d.options, Teams: d.teams, Services: d.services, Notes: d.notes,
		DefaultEndpoint: config.DefaultPagerDuty().Endpoint,
		Presets:         presetsOf(d.found), PrometheusNotes: d.prometheusNotes(),
		NotMeasurable: notMeasurable, Failure: d.failure,
	}
	v.IncidentsJQL, v.ReviewsJQL, v.JiraNotes = d.jiraTickets()
	var b bytes.Buffer
	if err := parsed.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return append(bytes.TrimSpace(b.Bytes()), '\n'), nil
}

// NotFound says what could not be found out for the service.
func (s draftService) NotFound() []string {
	if len(s.missing) == 0 {
		return nil
	}
	return []string{"not found: " + strings.Join(s.missing, ", ")}
}

// BackupKeys are the filled-in keys of the service's backups.
func (s draftService) BackupKeys() map[string]string {
	keys := map[string]string{}
	for key, value := range map[string]string{"velero_schedule": s.Backup.VeleroSchedule,
		"pgbackrest_stanza": s.Backup.PgBackRestStanza, "postgres_instance": s.Backup.PostgresInstance} {
		if value != "" {
			keys[key] = value
		}
	}
	return keys
}

func (d *draft) failure(kind, name string) []string {
	err := d.found.failed[kind+"/"+name]
	if err == nil {
		return nil
	}
	return []string{
		"It did not answer, so nothing here is from it: " + err.Error(),
		"When that is corrected, run `collector init` again, into another file.",
	}
}

// jiraTickets are the searches for incidents and reviews, and notes on what was
// found.
func (d *draft) jiraTickets() (incidents, reviews string, notes []string) {
	var types, labels []string
	if d.found.jira != nil {
		types, labels = d.found.jira.IssueTypes, d.found.jira.Labels
		for _, err := range d.found.jira.Missing {
			notes = append(notes, "Could not be listed: "+err.Error())
		}
	}
	if incidents = incidentsJQL(types); incidents == "" {
		notes = append(notes, "No type of issue is called Incident. Which tickets are incidents? incidents: {jql: …}")
	}
	if reviews = reviewsJQL(types); reviews == "" {
		notes = append(notes, "No type of issue is a readiness review. Which tickets are? reviews: {jql: …}. Without them "+
			"nothing can be attested.")
	}
	if len(types) > 0 {
		notes = append(notes, "Types of issues: "+strings.Join(types, ", ")+".")
	}
	if len(labels) > 0 {
		notes = append(notes, "Labels of attestations in use: "+strings.Join(labels, ", ")+".")
	}
	return incidents, reviews, notes
}

func (d *draft) prometheusNotes() []string {
	found := d.found.prometheus
	if found == nil {
		return nil
	}
	var notes []string
	for _, p := range found.Presets {
		if p.Recognised() && p.Answerable() < len(p.Facts) {
			notes = append(notes, fmt.Sprintf("%s gives %d of its %d facts; without: %s.", p.Name, p.Answerable(),
				len(p.Facts), strings.Join(unanswerable(p), ", ")))
		}
	}
	for _, text := range found.Remarks {
		notes = append(notes, "Remark: "+text+".")
	}
	return notes
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

// comment makes comment lines of paragraphs, wrapped and indented. Text from
// outside cannot end the comment.
func comment(indent int, paragraphs []string) string {
	var out strings.Builder
	for _, p := range paragraphs {
		p = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || strings.ContainsRune("\u2028\u2029\u0085\ufeff", r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(p, "?"))
		start, line, next := strings.Repeat(" ", indent), "#", "#"
		if strings.HasPrefix(p, "- ") {
			next = "#  "
		}
		for n, word := range strings.Fields(p) {
			if n > 0 && len(line)+1+len(word) > commentWidth {
				out.WriteString(start + line + "\n")
				line = next
			}
			line += " " + word
		}
		out.WriteString(start + line + "\n")
	}
	return out.String()
}

// yamlOf is a value in one line of YAML that also fits into a flow collection.
func yamlOf(value any) (string, error) {
	var node yaml.Node
	if err := node.Encode(value); err != nil {
		return "", err
	}
	node.Style |= yaml.FlowStyle
	if node.Kind == yaml.ScalarNode {
		switch {
		case strings.ContainsAny(node.Value, "\r\n"):
			node.Style = yaml.DoubleQuotedStyle
		case node.Style&yaml.DoubleQuotedStyle == 0 && strings.ContainsAny(node.Value, ",[]{}"):
			node.Style = yaml.SingleQuotedStyle
		}
	}
	text, err := yaml.Marshal(&node)
	return strings.TrimSuffix(string(text), "\n"), err
}

// unless is the text, or nothing when it is what goes without saying.
func unless(text, otherwise string) string {
	if text == otherwise {
		return ""
	}
	return text
}

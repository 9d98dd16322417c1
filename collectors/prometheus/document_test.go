package prometheus

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/evidence"
)

var update = flag.Bool("update", false, "write docs/presets.md anew")

const document = "../../docs/presets.md"

// TestPresetsAreDocumented: docs/presets.md is made from the presets, so that it
// is never behind them.
func TestPresetsAreDocumented(t *testing.T) {
	want := documentText(t)
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error(
			"docs/presets.md is not what the presets say: look at the change and run go test ./collectors/prometheus -update",
		)
	}
}

const documentHead = `# Presets

<!-- Made from collectors/prometheus/presets by go test ./collectors/prometheus -update. -->

What a Prometheus server is asked for, one preset for each family of exporters.
Name the presets in ` + "`sources.prometheus[].presets`" + `; facts of your own, and
providers of your own for the facts here, go into ` + "`facts_files`" + `, whose form is
described [beside the presets](../collectors/prometheus/presets/README.md).

Every query is sent once a round, whatever the number of services, and its series
are joined to services by their labels. Where a query groups by a label and the
same with ` + "`exported_`" + `, a scrape without ` + "`honor_labels`" + ` may have renamed what the
exporter wrote; the exporter's value is read first. ` + "`cluster`" + ` is read where there is
one.

`

// documentText is the page.
func documentText(t *testing.T) string {
	t.Helper()
	library, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	keys := joinKeys(t)
	var b strings.Builder
	b.WriteString(documentHead)
	b.WriteString("| preset | facts | what it reads | witnesses |\n|---|---|---|---|\n")
	rules := &preset{name: RulesPreset, help: rulesHelp}
	all := append(slices.Clone(library), rules)
	slices.SortFunc(all, func(a, b *preset) int { return strings.Compare(a.name, b.name) })
	for _, p := range all {
		facts := len(p.facts)
		if p == rules {
			facts = len(ruleDefinitions())
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %d | %s | %d |\n", p.name, p.name, facts, p.help, len(witnessesOf(p)))
	}
	for _, p := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", p.name, upper(p.help))
		if p == rules {
			documentRules(&b)
			continue
		}
		fmt.Fprintf(&b, "\nTested with %s.\n", p.testedWith)
		for _, f := range p.facts {
			documentFact(&b, f.fact, keys)
		}
		if list := witnessesOf(p); len(list) > 0 {
			b.WriteString(
				"\n### Witnesses\n\nNo series is evidence only where one of these shows that the exporter looks at the service.\n",
			)
			for _, w := range list {
				fmt.Fprintf(&b, "\n*%s*; joined by %s:\n\n```promql\n%s\n```\n", upper(w.name), keys[w.join.name], w.text)
			}
		}
	}
	return b.String()
}

func documentFact(b *strings.Builder, f fact, keys map[string]string) {
	fmt.Fprintf(b, "\n### `%s`\n\n%s\n\n", f.Name, f.Help)
	words := []string{f.Kind.String()}
	if f.Unit != "" {
		words = append(words, "in "+f.Unit)
	}
	if f.Window > 0 {
		words = append(words, "over "+model.Duration(f.Window).String())
	}
	words = append(words, "merged by "+string(f.EffectiveMerge()), "absent: "+f.Absent)
	switch f.Remember {
	case evidence.RememberLastTrue:
		words = append(words, "the store remembers when it was last above zero")
	case evidence.RememberNewest:
		words = append(words, "the store remembers the newest")
	case evidence.RememberMean:
		words = append(words, "the store makes the mean of one observation a day")
	}
	if f.together {
		words = append(words, "the series of all providers are merged")
	}
	if f.ValidFor > 0 {
		words = append(words, "counts for "+model.Duration(f.ValidFor).String())
	}
	if f.Needs != "" {
		words = append(words, "needs "+f.Needs)
	}
	b.WriteString(upper(strings.Join(words, "; ")) + ".\n")
	for _, p := range f.providers {
		fmt.Fprintf(b, "\n**%s**, joined by %s", p.via, keys[p.join.name])
		if p.note != "" {
			fmt.Fprintf(b, " (%s)", p.note)
		}
		fmt.Fprintf(b, ":\n\n```promql\n%s\n```\n", p.text)
	}
}

func documentRules(b *strings.Builder) {
	b.WriteString("\n`GET /api/v1/rules`, once a round. A rule covers a service when its static labels name the service or its namespace, or when every selector of its expression fits the service and one pins it by `service`, `service_name`, `service.name`, `job`, `namespace`, `workload`, `sloth_service`, `sloth_id`, `slo` or a label that the catalog matches the service on. Rules for a whole fleet cover no service. An expression that is no PromQL, as MetricsQL and LogQL have them, makes unknown what it may change for the services that its selectors fit; the log and `readiness_uncounted_records` name file, group and rule.\n\n| fact | type | what it counts |\n|---|---|---|\n")
	for _, d := range ruleDefinitions() {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", d.Name, d.Kind, strings.TrimSuffix(d.Help, ", GET /api/v1/rules."))
	}
}

// witnessesOf are the witnesses of a preset, each once.
func witnessesOf(p *preset) []witness {
	var list []witness
	for _, f := range p.facts {
		if f.absent != nil && !slices.ContainsFunc(list, func(w witness) bool { return w.query == f.absent.witness.query }) {
			list = append(list, f.absent.witness)
		}
	}
	return list
}

// joinKeys reads the table of joins beside the presets: what each is by name.
func joinKeys(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("presets/README.md")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z_`, ]+) \\| (.*?) \\| (.*?) \\|$").FindAllStringSubmatch(
		string(text), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			name = strings.Trim(name, "`")
			keys[name] = fmt.Sprintf("`%s` (the catalog's %s)", name, row[3])
		}
	}
	for name := range joins() {
		if keys[name] == "" {
			t.Errorf("presets/README.md does not tell the key of the join %s", name)
		}
	}
	return keys
}

func upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

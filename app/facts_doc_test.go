package app

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
	"github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

var update = flag.Bool("update", false, "write docs/facts.md and the table of docs/sources.md anew")

const factsPage = "../docs/facts.md"

// factSheet is everything that pages tell of the facts: a configuration in which every
// source and preset is configured.
type factSheet struct {
	config *runtimeConfig
	// calls are those of the plans, by fact; sources and checks likewise.
	calls, sources, checks map[string][]string
	// rounds are the gaps of the default schedules, by source.
	rounds map[string]time.Duration
	labels map[string]string
}

func newFactSheet(t *testing.T) *factSheet {
	t.Helper()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	account, site, server := config.DefaultPagerDuty(), config.DefaultJira(), config.DefaultPrometheus()
	account.Name, account.TokenEnv = "main", "TOKEN"
	site.Name, site.TokenEnv = "main", "TOKEN"
	site.URL, site.Email = "https://example.atlassian.net", "readiness@example.com"
	site.Incidents.JQL, site.Reviews.JQL = "issuetype = Incident", `issuetype = "Readiness Review"`
	presets, err := prometheus.Presets()
	if err != nil {
		t.Fatal(err)
	}
	server.Name, server.URL, server.Presets = "main", "http://prometheus:9090", presets
	c := config.Default()
	c.Sources = config.Sources{
		PagerDuty: []config.PagerDuty{account}, Jira: []config.Jira{site}, Prometheus: []config.Prometheus{server},
	}
	c.Catalog.Services = []catalog.Service{{
		Name: "checkout", Tier: 1, PagerDuty: []catalog.PagerDutyRef{{ServiceID: "PABC123"}},
		Jira:       []catalog.JiraRef{{Project: "SHOP", Component: "checkout"}},
		Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{"job": "checkout"}}},
	}}
	valid, err := c.Validate(config.Options{Environ: []string{"TOKEN=x"}})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Now: func() time.Time { return now }}.withDefaults()
	w, err := build(valid, nil, sourceDeps{options: o})
	if err != nil {
		t.Fatal(err)
	}
	s := &factSheet{
		config: w, calls: map[string][]string{}, sources: map[string][]string{}, checks: map[string][]string{},
		rounds: map[string]time.Duration{}, labels: map[string]string{},
	}
	for _, a := range w.Document.Attestations() {
		s.labels[a.Fact.Name] = framework.AttestationLabel(a.Check)
	}
	for _, i := range w.instances {
		kind, _, _ := strings.Cut(i.source.ID(), "/")
		s.rounds[kind] = config.LongestGap(i.schedule, now)
		for _, d := range i.source.Facts() {
			s.sources[d.Name] = append(s.sources[d.Name], kind)
		}
		planner, ok := i.source.(collectors.Planner)
		if !ok {
			t.Errorf("%s cannot tell its calls", i.source.ID())
			continue
		}
		for _, call := range planner.Plan(collectors.Request{Services: w.Catalog.Services(), Now: now}) {
			for _, fact := range call.Facts {
				s.calls[fact] = append(s.calls[fact], call.Call)
			}
		}
	}
	for _, c := range w.Framework.Checks {
		for _, index := range c.Facts {
			name := w.Facts.At(index).Name
			s.checks[name] = append(s.checks[name], c.ID)
		}
	}
	return s
}

// TestTheFactsPageIsMadeFromTheDeclarations compares docs/facts.md with them;
// -update writes it.
func TestTheFactsPageIsMadeFromTheDeclarations(t *testing.T) {
	compare(t, factsPage, newFactSheet(t).page())
}

func compare(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is behind the declarations; run: go test ./app -run Page -update", name)
	}
}

// TestTheFactsPageHasEveryFact reads the page as a person does.
func TestTheFactsPageHasEveryFact(t *testing.T) {
	s := newFactSheet(t)
	text, err := os.ReadFile(factsPage)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z][a-z0-9_.]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		if rows[m[1]] {
			t.Errorf("%s has two rows", m[1])
		}
		rows[m[1]] = true
	}
	read, attested := 0, 0
	for n := range s.config.Facts.Len() {
		d := s.config.Facts.At(n)
		if !rows[d.Name] {
			t.Errorf("%s has no row", d.Name)
		}
		delete(rows, d.Name)
		switch {
		case len(s.checks[d.Name]) == 0:
		case d.Pack == framework.AttestationPack:
			attested++
		default:
			read++
		}
		if d.Pack == catalog.SourceID {
			continue
		}
		if len(s.calls[d.Name]) == 0 {
			t.Errorf("%s comes of no planned call", d.Name)
		}
		if len(d.Permissions) == 0 {
			t.Errorf("%s needs no permission", d.Name)
		}
		if d.Absent == "" {
			t.Errorf("%s does not say what no data means", d.Name)
		}
		if len(s.sources[d.Name]) != 1 {
			t.Errorf("%s is given by %v", d.Name, s.sources[d.Name])
		}
	}
	for name := range rows {
		t.Errorf("the page names %s, which does not exist", name)
	}
	if read == 0 || attested == 0 {
		t.Errorf("the checks of the default framework read %d facts and %d attestations", read, attested)
	}
}

// packs are the sections of the page: the titles of those that are not
// presets.
var packTitles = []struct{ pack, title, text string }{
	{catalog.SourceID, "Catalog", "Read off the entries of the catalog whenever it is loaded; nobody is asked."},
	{
		"pagerduty", "PagerDuty",
		"Everything is asked for in lists, nothing for each service. What a call needs and what is lost without it: [sources.md](sources.md).",
	},
	{
		"jira", "Jira",
		"Declared as JQL in [facts.yaml](../collectors/jira/facts.yaml), one search for all services; `facts_file` adds your own.",
	},
	{
		framework.AttestationPack, "Attestations on review tickets",
		"What people attest, on the service's readiness review or one of its sub-tasks: the label, dated by the change to done. An attestation that a machine has contradicted does not count until it is made again.",
	},
}

func (s *factSheet) page() string {
	var b strings.Builder
	b.WriteString(`# Facts

This page is made from the declarations by ` + "`go test ./app -run Page -update`" + `; a test
fails when it is behind them.

A fact is a named, typed observation about a service. Missing evidence is not a
value: "no data" says what silence means, and *unknown* is an answer. A value is
**fresh** for the first time given, counts at all for the second, and is missing
after that; *3 rounds* are three times the longest gap of the source's schedule,
here that of the default. *Age* and *time left* are stored as the instant of the
event and grow by themselves. A fact marked **outcome** is made of incidents or
alerts, and is left out where readiness is compared with incidents. The checks
are those of the default framework; a fact without one is there for criteria of
your own. ` + "`collector collect --once --dry-run`" + ` shows the calls and values of your
sources.
`)
	byPack := map[string][]evidence.Definition{}
	var presets []string
	for n := range s.config.Facts.Len() {
		d := s.config.Facts.At(n)
		byPack[d.Pack] = append(byPack[d.Pack], d)
	}
	for _, p := range packTitles {
		s.section(&b, p.title, p.text, byPack[p.pack])
		delete(byPack, p.pack)
	}
	for pack := range byPack {
		presets = append(presets, pack)
	}
	slices.Sort(presets)
	b.WriteString("\n# Prometheus\n\nDeclared as PromQL, one file for each preset; `facts_files` adds your own and [presets/README.md](../collectors/prometheus/presets/README.md) says how. Each query answers for all services.\n")
	for _, pack := range presets {
		text := fmt.Sprintf("Declared in [%[1]s.yaml](../collectors/prometheus/presets/%[1]s.yaml).", pack)
		if pack == prometheus.RulesPreset {
			text = "From the rules API of Prometheus, Thanos Ruler, Mimir or vmalert. A rule covers a service when an identity label pins it; fleet-wide rules do not count."
		}
		s.section(&b, pack, text, byPack[pack])
	}
	return b.String()
}

func (s *factSheet) section(b *strings.Builder, title, text string, facts []evidence.Definition) {
	fmt.Fprintf(
		b,
		"\n## %s\n\n%s\n\n| fact | type | meaning | from | window | fresh, valid | no data means | permissions | checks |\n|---|---|---|---|---|---|---|---|---|\n",
		title, text,
	)
	for _, d := range facts {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s | %s | %s |\n", d.Name, typeText(d), s.meaning(d), s.from(d),
			windowText(d.Window),
			s.freshness(d), escaped(cmp.Or(d.Absent, "unknown")), quoted(d.Permissions), quoted(s.checks[d.Name]))
	}
}

func typeText(d evidence.Definition) string {
	text := d.Kind.String()
	if d.Unit != "" {
		text += ", " + d.Unit
	}
	switch d.Clock {
	case evidence.Elapsed:
		text += ", age"
	case evidence.Remaining:
		text += ", time left"
	}
	return text
}

func (s *factSheet) meaning(d evidence.Definition) string {
	text := escaped(d.Help)
	if label := s.labels[d.Name]; label != "" {
		text += " Label `" + label + "`."
	}
	if d.Needs != "" {
		text += " Needs " + escaped(strings.TrimSuffix(d.Needs, ".")) + "."
	}
	if d.Outcome {
		text += " **Outcome.**"
	}
	return text
}

// from lists the calls, each with how many queries of it there are.
func (s *factSheet) from(d evidence.Definition) string {
	if d.Pack == catalog.SourceID {
		return "the entry"
	}
	times := map[string]int{}
	var order []string
	for _, call := range s.calls[d.Name] {
		if times[call]++; times[call] == 1 {
			order = append(order, call)
		}
	}
	var parts []string
	for _, call := range order {
		part := "`" + call + "`"
		// PagerDuty is asked by windows of time, whose number says nothing.
		if n := times[call]; n > 1 && d.Pack != "pagerduty" {
			part += fmt.Sprintf(" × %d", n)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func (s *factSheet) freshness(d evidence.Definition) string {
	var rounds time.Duration
	for _, source := range s.sources[d.Name] {
		rounds = freshGaps * s.rounds[source]
	}
	fresh, valid := d.Ageing(rounds)
	text := duration(fresh)
	if d.FreshFor == 0 && fresh == rounds {
		text = "3 rounds (" + text + ")"
	}
	return text + ", " + duration(valid)
}

func windowText(window time.Duration) string {
	if window == 0 {
		return "now"
	}
	return duration(window)
}

func duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%d d", d/day)
	}
	return model.Duration(d).String()
}

func quoted(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	sorted := slices.Clone(words)
	slices.Sort(sorted)
	parts := make([]string, len(sorted))
	for i, w := range sorted {
		parts[i] = "`" + w + "`"
	}
	return strings.Join(slices.Compact(parts), ", ")
}

// escaped keeps a text within its cell.
func escaped(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/grafana"
)

// The tests of this file hold every panel against the kinds of faults by which people were
// misled, so that none comes back.

// headers are the columns of a table by what fills them.
func headers(p boardPanel) map[string]string {
	out := map[string]string{}
	corner, row := "", ""
	for _, tr := range p.Transformations {
		maps.Copy(out, tr.Options.RenameByName)
		if tr.Options.RowField != "" {
			row, corner = tr.Options.RowField, tr.Options.RowField+`\`+tr.Options.ColumnField
		}
	}
	if row != "" {
		out[row] = out[corner]
		delete(out, corner)
	}
	return out
}

// of are the settings of the field that is shown under a name.
func (p boardPanel) of(header string) settings {
	for _, s := range p.FieldConfig.Overrides {
		if s.Matcher.Options == header {
			return s
		}
	}
	return settings{}
}

func TestTheSentenceOfAnEmptyTableIsNotInItsCells(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		if p.Type != "table" {
			return
		}
		for _, header := range headers(p) {
			var text string
			if !p.of(header).get(t, "noValue", &text) || text != "-" {
				t.Errorf("an empty cell of %s shows %q", header, text)
			}
		}
		if p.FieldConfig.Defaults.NoValue == "-" {
			t.Error("an empty table shows a dash")
		}
	})
}

// TestOnlyBadNewsIsColoured: without thresholds Grafana colours green, and red from 80.
func TestOnlyBadNewsIsColoured(t *testing.T) {
	check := func(t *testing.T, where string, s *steps, base string) {
		t.Helper()
		if s == nil || len(s.Steps) == 0 || s.Steps[0].Value != nil || s.Steps[0].Color != base {
			t.Fatalf("%s: what is not coloured by a rule is not neutral: %+v", where, s)
		}
		for i, step := range s.Steps[1:] {
			if step.Value == nil || i > 0 && *step.Value <= *s.Steps[i].Value {
				t.Errorf("%s: step %d is not above the one before it", where, i+1)
			}
		}
	}
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		check(t, "the panel", p.FieldConfig.Defaults.Thresholds, neutral)
		for _, s := range p.FieldConfig.Overrides {
			var own steps
			if s.get(t, "thresholds", &own) {
				base := neutral
				if p.Type == "table" {
					base = unfilled
				}
				check(t, "a field", &own, base)
			} else if p.Type == "table" {
				t.Errorf("the column %v has the colours of the panel", s.Matcher.Options)
			}
		}
	})
}

// TestTimesAreAges: an instant has no better and worse, and no unit but for people who
// count from today.
func TestTimesAreAges(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		units := []string{p.FieldConfig.Defaults.Unit}
		for _, s := range p.FieldConfig.Overrides {
			var own string
			if s.get(t, "unit", &own) {
				units = append(units, own)
			}
		}
		for _, u := range units {
			if !slices.Contains([]string{"", "percentunit", "locale", "dtdurations", "bytes"}, u) {
				t.Errorf("the unit %s: counts are whole (locale), and times are durations (dtdurations)", u)
			}
		}
		for _, q := range p.Targets {
			shown := p.Options.TextMode != "name"
			if shown && strings.Contains(q.Expr, "_timestamp_seconds") && !strings.Contains(q.Expr, "time()") &&
				!strings.HasPrefix(q.Expr, "count(") && !strings.Contains(q.Expr, `"reviewed"`) {
				t.Errorf("query %s shows an instant: %s", q.RefID, q.Expr)
			}
		}
	})
}

// TestATimeLineIsNeverWithoutASeries: Grafana says that data has no time then, where
// nothing is wrong.
func TestATimeLineIsNeverWithoutASeries(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		if p.Type != "state-timeline" {
			return
		}
		for _, q := range p.Targets {
			if !strings.Contains(q.Expr, "readiness:module_checks") || !strings.Contains(q.Expr, "unless on (service_name)") {
				t.Errorf("query %s has nothing to show of a service whose checks pass: %s", q.RefID, q.Expr)
			}
		}
	})
}

// filtered finds what narrows an expression to the chosen services.
var filtered = regexp.MustCompile(`team=~"\$team".*service_name=~"\$service"|service_name="\$service"`)

// TestPanelsFollowTheFilters: a figure of all services beside filters says so.
func TestPanelsFollowTheFilters(t *testing.T) {
	eachPanel(t, func(t *testing.T, b board, p boardPanel) {
		if slices.ContainsFunc(b.Templating.List, func(v variable) bool { return v.Name == "team" && v.Hide != 0 }) {
			return
		}
		says := strings.HasSuffix(p.Title, ofAll) || strings.HasSuffix(p.row, ofAll)
		follows, not := false, false
		for _, q := range p.Targets {
			named := strings.Contains(q.LegendFormat, "all services")
			follows = follows || filtered.MatchString(q.Expr)
			not = not || !named && !filtered.MatchString(q.Expr)
		}
		if not && !says {
			t.Error("a figure does not follow the filters, and the title does not say so")
		}
		if says && follows {
			t.Error("the title says that the figure is of all services, and it follows the filters")
		}
	})
}

// narrow is the width in pixels of so many columns of the grid of Grafana in a window of
// 900 pixels. There are 24, 8 apart.
func narrow(columns int) int { return columns*(900-32+8)/24 - 8 }

// TestEverythingIsSeen: titles and columns fit at 900 pixels, and so at any larger width.
func TestEverythingIsSeen(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		// The mark of the description and the padding are beside the title.
		if room := narrow(p.GridPos.W) - 48; letters(p.Title)-16 > room {
			t.Errorf("the title needs %d pixels and has %d", letters(p.Title)-16, room)
		}
		if p.Type == "bargauge" && (p.Options.NamePlacement != "top" || p.Options.ValueMode != "text") {
			t.Error("names are cut beside their bars")
		}
		if p.Type != "table" {
			return
		}
		width, stretch := 0, 0
		for _, header := range headers(p) {
			var pixels int
			if p.of(header).get(t, "custom.minWidth", &pixels) {
				stretch++
			} else if !p.of(header).get(t, "custom.width", &pixels) {
				t.Errorf("the column %s has the width that Grafana gives it", header)
			}
			least := letters(header)
			if p.Options.SortBy[0].DisplayName == header {
				least += sortMark
			}
			if pixels < least {
				t.Errorf("the header %s needs %d pixels and has %d", header, least, pixels)
			}
			width += pixels
		}
		if room := narrow(p.GridPos.W) - 16; width > room {
			t.Errorf("the columns need %d pixels and have %d", width, room)
		}
		if stretch != 1 {
			t.Errorf("%d columns take what the others leave", stretch)
		}
	})
}

// TestALimitIsNoNews: the ceiling of a service is quiet, and not shown where it is none.
func TestALimitIsNoNews(t *testing.T) {
	met := false
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for _, q := range p.Targets {
			if !strings.Contains(q.Expr, "readiness:badge_ceiling_level") {
				continue
			}
			met = true
			if !strings.HasSuffix(q.Expr, "< 5") {
				t.Error("a ceiling of Diamond is shown")
			}
		}
	})
	if !met {
		t.Error("no panel shows the ceiling")
	}
}

// TestWhatIsNamedLeadsOn: a service leads to its scorecard and its page, a check to the
// page that says how to mend it, with its title beside its id.
func TestWhatIsNamedLeadsOn(t *testing.T) {
	parts, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	criteria, err := framework.Parse(parts)
	if err != nil {
		t.Fatal(err)
	}
	pages := "${" + grafana.PagesVariable + ":raw}"
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for _, target := range p.Targets {
			if target.LegendFormat != "{{check}}" {
				continue
			}
			links := p.FieldConfig.Defaults.Links
			if len(links) != 1 || links[0].URL != pages+"/checks/${__field.labels.check:percentencode}" {
				t.Errorf("the series of checks lead to %v", links)
			}
		}
		for label, prefixes := range map[string][]string{
			"service_name": {"/d/" + serviceUID + "?", pages + "/services/"}, "check": {pages + "/checks/"}, "team": {"/d/" + teamUID + "?"},
		} {
			header, ok := headers(p)[label]
			if !ok {
				continue
			}
			var links []dataLink
			p.of(header).get(t, "links", &links)
			for _, prefix := range prefixes {
				if !slices.ContainsFunc(links, func(l dataLink) bool { return strings.HasPrefix(l.URL, prefix) }) {
					t.Errorf("%s does not lead to %s", header, prefix)
				}
			}
			var named []dashboard.ValueMap
			if label != "check" {
				continue
			}
			if !p.of(header).get(t, "mappings", &named) || len(named) != 1 {
				t.Fatal("checks have no titles")
			}
			for _, id := range criteria.Checks() {
				if got := named[0].Options[id].Text; got == nil || *got != grafana.CheckText(id, criteria.Titles()[id]) {
					t.Errorf("%s is shown as %v", id, got)
				}
			}
		}
	})
}

// TestLinksKeepTheFilters: whoever goes to another dashboard sees the same services there.
func TestLinksKeepTheFilters(t *testing.T) {
	all := boards(t)
	filters := []string{"datasource", "org", "team", "tier", "service"}
	check := func(at, url string) {
		for _, name := range filters {
			if !strings.Contains(url, "${"+name+":queryparam}") && !strings.Contains(url, "var-"+name+"=") {
				t.Errorf("%s: the link %s loses %s", at, url, name)
			}
		}
	}
	for name, b := range all {
		for _, want := range filters {
			if !slices.ContainsFunc(b.Templating.List, func(v variable) bool { return v.Name == want }) {
				t.Errorf("%s has no variable %s", name, want)
			}
		}
		for other, o := range all {
			if other == name {
				continue
			}
			i := slices.IndexFunc(b.Links, func(l dataLink) bool { return strings.HasPrefix(l.URL, "/d/"+o.UID+"?") })
			if i < 0 || !b.Links[i].KeepTime {
				t.Errorf("%s does not lead to %s at the same time", name, other)
				continue
			}
			check(name, b.Links[i].URL)
		}
	}
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for _, s := range p.FieldConfig.Overrides {
			var links []dataLink
			s.get(t, "links", &links)
			for _, l := range links {
				if strings.HasPrefix(l.URL, "/d/") {
					check(p.Title, l.URL)
					if !strings.HasSuffix(l.URL, "&${__url_time_range}") {
						t.Errorf("the link %s loses the time", l.URL)
					}
				}
			}
		}
	})
}

// TestFiltersWorkTogether: each offers what the ones before it leave, and services come last.
func TestFiltersWorkTogether(t *testing.T) {
	labels := map[string]string{"org": "org", "team": "team", "tier": "tier", "service": "service_name"}
	for name, b := range boards(t) {
		var before []string
		for _, v := range b.Templating.List {
			if v.Type != "query" {
				continue
			}
			if !strings.HasSuffix(v.Definition, ", "+labels[v.Name]+")") {
				t.Errorf("%s: the variable %s asks for another label: %s", name, v.Name, v.Definition)
			}
			for _, b := range before {
				if matcher := labels[b] + `=~"$` + b + `"`; !strings.Contains(v.Definition, matcher) {
					t.Errorf("%s: the variable %s does not follow %s: %s", name, v.Name, b, v.Definition)
				}
			}
			before = append(before, v.Name)
		}
		if want := []string{"org", "team", "tier", "service"}; !slices.Equal(before, want) {
			t.Errorf("%s has the filters %q, want %q", name, before, want)
		}
	}
}

// TestAddressesAreConstants: an installation sets them in one place.
func TestAddressesAreConstants(t *testing.T) {
	for name, b := range boards(t) {
		for constant, value := range map[string]string{
			grafana.PagesVariable: grafana.DefaultPages, grafana.DocsVariable: grafana.DefaultDocs,
		} {
			if !slices.ContainsFunc(b.Templating.List, func(v variable) bool {
				return v.Name == constant && v.Type == "constant" && v.Query == value && v.Hide == 2 && v.SkipURLSync
			}) {
				t.Errorf("%s has no constant %s that is hidden", name, constant)
			}
		}
		text, err := grafana.Committed(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{grafana.DefaultPages, grafana.DefaultDocs} {
			if n := strings.Count(string(text), address); n != 1 {
				t.Errorf("%s has the address %s %d times", name, address, n)
			}
		}
	}
}

// TestEmptyPanelsAreExplained: the last row says why figures may be missing, and where
// more about it is written.
func TestEmptyPanelsAreExplained(t *testing.T) {
	for name, b := range boards(t) {
		last := b.Panels[len(b.Panels)-1]
		if last.Type != "text" || last.row != "Why is this empty?" {
			t.Errorf("%s ends with %q", name, last.Title)
		}
		anchor := strings.ReplaceAll(strings.ToLower(b.Title), " ", "-")
		if want := "${" + grafana.DocsVariable + ":raw}/dashboards.md#" + anchor; !strings.Contains(last.Options.Content, want+")") {
			t.Errorf("%s does not lead to %s", name, want)
		}
	}
}

// TestNoRowIsSplitByTheNameOfAMetric: Grafana shows it as a column, and merges rows of
// several queries only if it is the same.
func TestNoRowIsSplitByTheNameOfAMetric(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for _, q := range p.Targets {
			if p.Type == "table" && named(parse(t, p.Title, q.Expr)) {
				t.Errorf("query %s keeps the name of its metric: %s", q.RefID, q.Expr)
			}
		}
	})
}

// named says whether a result keeps the name of its metric.
func named(e parser.Expr) bool {
	switch e := e.(type) {
	case *parser.VectorSelector:
		return true
	case *parser.ParenExpr:
		return named(e.Expr)
	case *parser.StepInvariantExpr:
		return named(e.Expr)
	case *parser.AggregateExpr:
		return (e.Op == parser.TOPK || e.Op == parser.BOTTOMK) && named(e.Expr)
	case *parser.BinaryExpr:
		switch {
		case e.Op == parser.LOR:
			return named(e.LHS) || named(e.RHS)
		case e.Op.IsSetOperator(), e.Op.IsComparisonOperator() && !e.ReturnBool:
			return named(e.LHS)
		}
	case *parser.Call:
		switch e.Func.Name {
		case "label_replace", "last_over_time":
			return named(e.Args[0])
		}
	}
	return false
}

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/grafana"
)

// boardName is what a dashboard is called and the question that it answers.
type boardName struct{ uid, title, question string }

func boardNames() []boardName {
	return []boardName{
		{fleetUID, "Fleet readiness", "Is the fleet ready for production, and what is to be done first?"},
		{serviceUID, "Service scorecard", "What does one service lack for its next badge, and what puts its badge at risk?"},
		{incidentsUID, "Incidents and readiness", "What do incidents cost, and does readiness go together with fewer and shorter ones?"},
		{teamUID, "Team review", "What has a team reached, what does it lack, and what is due?"},
		{collectorUID, "Collector health", "Can the figures of the other dashboards be trusted?"},
	}
}

// section is a row with its panels.
type section struct {
	title  string
	panels []made
}

// assemble makes a dashboard of sections, gives its panels their numbers, and leads to the
// other dashboards.
func assemble(b *dashboard.DashboardBuilder, sections ...section) (dashboard.Dashboard, error) {
	id := uint32(0)
	for _, s := range sections {
		id++
		b.WithRow(dashboard.NewRowBuilder(s.title).Id(id))
		for _, p := range s.panels {
			id++
			p.panel.Id = new(id)
			b.WithPanel(p)
		}
	}
	d, err := b.Build()
	toOthers(&d)
	return d, err
}

// begin is what all dashboards have: their name, the data source, and the addresses that an
// installation sets.
func begin(uid, from string) *dashboard.DashboardBuilder {
	var name boardName
	for _, n := range boardNames() {
		if n.uid == uid {
			name = n
		}
	}
	return dashboard.NewDashboardBuilder(name.title).
		Uid(uid).Description(name.question).Tags([]string{tag}).
		Readonly().Refresh("1m").Time(from, "now").Timezone("browser").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").
			Label("Prometheus").Description("The Prometheus that evaluates the readiness rules.").Type("prometheus")).
		WithVariable(constant(grafana.PagesVariable, "Pages of the collector", grafana.DefaultPages)).
		WithVariable(constant(grafana.DocsVariable, "Documentation", grafana.DefaultDocs))
}

func constant(name, title, value string) fixed {
	return fixed{dashboard.NewConstantVariableBuilder(name).Label(title).Value(dashboard.StringOrMap{String: &value})}
}

// fixed is a constant that is not shown, and that no address in a browser changes: links
// lead to it.
type fixed struct {
	*dashboard.ConstantVariableBuilder
}

// Build returns the variable.
func (f fixed) Build() (dashboard.VariableModel, error) {
	v, err := f.ConstantVariableBuilder.Build()
	v.Hide, v.SkipUrlSync = new(dashboard.VariableHideHideVariable), new(true)
	return v, err
}

// filters are the variables org, team, tier and service, each of which offers what the ones
// before it leave. A hidden one is only kept for the links.
func filters(b *dashboard.DashboardBuilder, hidden bool) *dashboard.DashboardBuilder {
	for _, v := range variables() {
		b.WithVariable(hide(chosen(v), hidden))
	}
	return b
}

// oneService are the same variables, of which service has one value.
func oneService(b *dashboard.DashboardBuilder) *dashboard.DashboardBuilder {
	all := variables()
	for _, v := range all[:len(all)-1] {
		b.WithVariable(chosen(v))
	}
	return b.WithVariable(asked(all[len(all)-1]))
}

// variableName is a variable and how its values are asked for.
type variableName struct{ name, title, expr string }

func variables() []variableName {
	return []variableName{
		{"org", "Organisation", "label_values(readiness:service_info, org)"},
		{"team", "Team", `label_values(readiness:service_info{org=~"$org"}, team)`},
		{"tier", "Tier", `label_values(readiness:service_info{org=~"$org", team=~"$team"}, tier)`},
		{"service", "Service", `label_values(readiness:service_info{org=~"$org", team=~"$team", tier=~"$tier"}, service_name)`},
	}
}

func hide(b *dashboard.QueryVariableBuilder, hidden bool) *dashboard.QueryVariableBuilder {
	if hidden {
		b.Hide(dashboard.VariableHideHideVariable)
	}
	return b
}

// chosen is a variable of which any number of values is chosen. All of them is
// a pattern that matches services without a value too.
func chosen(v variableName) *dashboard.QueryVariableBuilder {
	return asked(v).Multi(true).IncludeAll(true).AllValue(".*").Current(dashboard.VariableOption{
		Selected: new(true),
		Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
		Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
	})
}

// asked is a variable whose values are asked of Prometheus.
func asked(v variableName) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(v.name).Label(v.title).Datasource(source()).
		Query(dashboard.StringOrMap{Map: map[string]any{"qryType": 1, "query": v.expr, "refId": "variable-" + v.name}}).
		Definition(v.expr).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortNaturalAsc)
}

// changes marks the changes of a badge at their time.
func changes(expr string, t tone, name string) cog.Builder[dashboard.AnnotationQuery] {
	return dashboard.NewAnnotationQueryBuilder().Name(name).Enable(true).IconColor(t.mark).
		Datasource(common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}).
		Expr(expr).UseValueForTime(true).Step("60s").
		TitleFormat("{{service_name}}: {{from}} to {{to}}").TextFormat("{{direction}}, cause: {{cause}}").TagKeys(
		"direction,cause",
	)
}

// empty is the row that says why figures may be missing.
func empty(anchor string, reasons ...string) section {
	words := ""
	for _, r := range reasons {
		words += "- " + r + "\n"
	}
	words += "\nMore: [dashboards.md](${" + grafana.DocsVariable + ":raw}/dashboards.md#" + anchor + ")\n"
	return section{"Why is this empty?", []made{note("When a figure is missing", words, uint32(3+len(reasons)))}}
}

package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The dashboards' identities in Grafana, and so in the links between them.
const (
	fleetUID   = "readiness-fleet"
	serviceUID = "readiness-service"
	tag        = "readiness"
)

// section is a row with its panels.
type section struct {
	title  string
	panels []made
}

// assemble makes a dashboard of sections and gives its panels their numbers.
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
	return b.Build()
}

// begin is what both dashboards have.
func begin(title, uid, help string) *dashboard.DashboardBuilder {
	return dashboard.NewDashboardBuilder(title).
		Uid(uid).Description(help).Tags([]string{tag}).
		Readonly().Refresh("1m").Time("now-7d", "now").Timezone("browser").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").
			Label("Prometheus").Description("The Prometheus that evaluates the readiness rules.").Type("prometheus"))
}

// filters are the variables org, team and tier.
func filters(b *dashboard.DashboardBuilder) *dashboard.DashboardBuilder {
	return b.
		WithVariable(chosen("org", "Organisation", "label_values(readiness:service_info, org)")).
		WithVariable(chosen("team", "Team", `label_values(readiness:service_info{org=~"$org"}, team)`)).
		WithVariable(chosen("tier", "Tier", `label_values(readiness:service_info{org=~"$org", team=~"$team"}, tier)`))
}

// chosen is a variable of which any number of values is chosen. All of them is
// a pattern that matches services without a value too.
func chosen(name, title, expr string) *dashboard.QueryVariableBuilder {
	return asked(name, title, expr).Multi(true).IncludeAll(true).AllValue(".*").Current(dashboard.VariableOption{
		Selected: new(true),
		Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
		Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
	})
}

// asked is a variable whose values are asked of Prometheus.
func asked(name, title, expr string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(title).Datasource(source()).
		Query(dashboard.StringOrMap{Map: map[string]any{"qryType": 1, "query": expr, "refId": "variable-" + name}}).
		Definition(expr).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortNaturalAsc)
}

// toService leads from a row or a bar to the dashboard of its service.
func toService() []dashboard.DashboardLink {
	return []dashboard.DashboardLink{{
		Title: "Show ${__value.text}",
		Type:  dashboard.DashboardLinkTypeLink,
		Url: new(
			"/d/" + serviceUID + "?var-datasource=${datasource}&var-service=${__value.raw:percentencode}&${__url_time_range}",
		),
		Tags:    []string{},
		Tooltip: "",
	}}
}

// toOther leads to the other dashboard from the top of one. It is made without
// the builder, whose default hides links in a menu.
func toOther(d *dashboard.Dashboard, title, tooltip, icon, uid string) {
	d.Links = append(d.Links, dashboard.DashboardLink{
		Title: title, Type: dashboard.DashboardLinkTypeLink, Icon: icon, Tooltip: tooltip, KeepTime: true,
		Url: new("/d/" + uid + "?var-datasource=${datasource}"), Tags: []string{},
	})
}

// changes marks the changes of a badge at their time.
func changes(expr, color, name string) cog.Builder[dashboard.AnnotationQuery] {
	return dashboard.NewAnnotationQueryBuilder().Name(name).Enable(true).IconColor(color).
		Datasource(common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}).
		Expr(expr).UseValueForTime(true).Step("60s").
		TitleFormat("{{service_name}}: {{from}} to {{to}}").TextFormat("{{direction}}, cause: {{cause}}").TagKeys(
		"direction,cause",
	)
}

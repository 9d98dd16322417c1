package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Units, by Grafana's names for them.
const (
	unitShare    = "percentunit"
	unitSeconds  = "s"
	unitCount    = "short"
	unitFromNow  = "dateTimeFromNow" // of milliseconds
	unitDateTime = "dateTimeAsIso"   // of milliseconds
)

// panel is what a reader sees in one frame.
type panel struct {
	title, help   string
	width, height uint32
	unit          string
	decimals      *float64
	min, max      *float64
	steps         []step
	mappings      []dashboard.ValueMapping
	// none is shown instead of "No data", where that is an answer.
	none    string
	queries []query
	// colors are by legend.
	colors map[string]string
	// links are from a value to where it leads.
	links []dashboard.DashboardLink
}

// step is a colour from a value on; from is ignored for the first.
type step struct {
	from  float64
	color string
}

// query is one PromQL query.
type query struct {
	expr string
	// legend names the series; labels are written {{like_this}}.
	legend string
}

// ref is how Grafana calls the i-th query of a panel.
func ref(i int) string { return string(rune('A' + i)) }

func source() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

// how a query is asked.
type mode int

const (
	atOnce   mode = iota // one value now
	overTime             // values over the dashboard's time
	asTable              // one row a series, now
)

func (q query) target(id string, how mode) (variants.Dataquery, error) {
	b := prometheus.NewDataqueryBuilder().RefId(id).Expr(q.expr).Datasource(source()).EditorMode(
		prometheus.QueryEditorModeCode,
	)
	if q.legend != "" {
		b.LegendFormat(q.legend)
	}
	switch how {
	case overTime:
		b.Range()
	case asTable:
		b.Instant().Format(prometheus.PromQueryFormatTable)
	default:
		b.Instant()
	}
	return b.Build()
}

// made is a panel that was built already.
type made struct {
	panel dashboard.Panel
	err   error
}

// Build returns the panel.
func (m made) Build() (dashboard.Panel, error) {
	if m.err != nil {
		return m.panel, cog.MakeBuildErrors(deref(m.panel.Title), m.err)
	}
	return m.panel, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// finish gives a panel of any kind what all have.
func (p panel) finish(of cog.Builder[dashboard.Panel], how mode) made {
	out, err := of.Build()
	if err != nil {
		return made{err: fmt.Errorf("the panel %q: %w", p.title, err)}
	}
	out.Title, out.Description, out.Datasource = &p.title, &p.help, new(source())
	out.GridPos = &dashboard.GridPos{W: p.width, H: p.height}
	for i, q := range p.queries {
		target, err := q.target(ref(i), how)
		if err != nil {
			return made{err: fmt.Errorf("the panel %q: %w", p.title, err)}
		}
		out.Targets = append(out.Targets, target)
	}
	if out.FieldConfig == nil {
		out.FieldConfig = dashboard.NewFieldConfigSource()
	}
	d := &out.FieldConfig.Defaults
	if p.unit != "" {
		d.Unit = &p.unit
	}
	d.Decimals, d.Min, d.Max, d.Mappings = p.decimals, p.min, p.max, p.mappings
	if p.none != "" {
		d.NoValue = &p.none
	}
	if p.steps != nil {
		d.Thresholds = thresholds(p.steps)
		d.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds}
	}
	d.Links = append(d.Links, p.links...)
	for _, q := range p.queries {
		if color, ok := p.colors[q.legend]; ok {
			out.FieldConfig.Overrides = append(out.FieldConfig.Overrides, colored(q.legend, color))
		}
	}
	return made{panel: out}
}

// thresholds has its base without a value, which is minus infinity.
func thresholds(steps []step) *dashboard.ThresholdsConfig {
	config := &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute}
	for i, s := range steps {
		t := dashboard.Threshold{Color: s.color}
		if i > 0 {
			t.Value = new(s.from)
		}
		config.Steps = append(config.Steps, t)
	}
	return config
}

func colored(name, color string) dashboard.DashboardFieldConfigSourceOverrides {
	return override(name, dashboard.DynamicConfigValue{
		Id: "color", Value: map[string]any{"mode": "fixed", "fixedColor": color},
	})
}

// override changes fields by the name they are shown under.
func override(name string, properties ...dashboard.DynamicConfigValue) dashboard.DashboardFieldConfigSourceOverrides {
	return dashboard.DashboardFieldConfigSourceOverrides{
		Matcher: dashboard.MatcherConfig{Id: "byName", Options: name}, Properties: properties,
	}
}

func last() *common.ReduceDataOptionsBuilder {
	return common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})
}

// number is one figure, large.
func (p panel) number() made {
	return p.finish(stat.NewPanelBuilder().
		ReduceOptions(last()).ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone), atOnce)
}

// tile is one figure on its colour.
func (p panel) tile() made {
	return p.finish(stat.NewPanelBuilder().
		ReduceOptions(last()).ColorMode(common.BigValueColorModeBackgroundSolid).GraphMode(common.BigValueGraphModeNone),
		atOnce)
}

// label is the name of a series instead of its value.
func (p panel) label() made {
	return p.finish(stat.NewPanelBuilder().
		ReduceOptions(last()).ColorMode(common.BigValueColorModeNone).GraphMode(common.BigValueGraphModeNone).
		TextMode(common.BigValueTextModeName), atOnce)
}

// bars compare figures of now.
func (p panel) bars() made {
	return p.finish(bargauge.NewPanelBuilder().
		ReduceOptions(last()).Orientation(common.VizOrientationHorizontal).DisplayMode(common.BarGaugeDisplayModeBasic).
		NamePlacement(common.BarGaugeNamePlacementLeft).ShowUnfilled(true), atOnce)
}

// lines show figures over time.
func (p panel) lines() made {
	return p.finish(lined(), overTime)
}

// stacked shows parts of a whole over time.
func (p panel) stacked() made {
	return p.finish(lined().FillOpacity(70).LineWidth(0).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A")), overTime)
}

// columns show counts over time.
func (p panel) columns() made {
	return p.finish(lined().DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A")), overTime)
}

// legendBelow lists the series under a panel.
func legendBelow() *common.VizLegendOptionsBuilder {
	return common.NewVizLegendOptionsBuilder().ShowLegend(true).
		DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)
}

func lined() *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().LineWidth(2).FillOpacity(0).ShowPoints(common.VisibilityModeNever).
		Legend(legendBelow()).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
}

// states show what something was over time.
func (p panel) states() made {
	return p.finish(statetimeline.NewPanelBuilder().
		ShowValue(common.VisibilityModeNever).RowHeight(0.8).MergeValues(true).FillOpacity(85).LineWidth(0).
		Legend(legendBelow()), overTime)
}

// column is one column of a table.
type column struct {
	// from is a label, or the letter of a query for its value.
	from   string
	header string
	// The rest is as in panel.
	unit     string
	decimals *float64
	steps    []step
	mappings []dashboard.ValueMapping
	links    []dashboard.DashboardLink
	width    int
}

// rows is a table with the columns in order. Rows of several queries are merged
// by the labels that they share. sort is the header to sort by.
func (p panel) rows(sort string, descending bool, columns ...column) made {
	order := common.NewTableSortByFieldStateBuilder().DisplayName(sort).Desc(descending)
	out := p.finish(table.NewPanelBuilder().SortBy([]cog.Builder[common.TableSortByFieldState]{order}), asTable)
	index, names := map[string]any{}, map[string]any{}
	for i, c := range columns {
		from := c.from
		if len(from) == 1 {
			from = "Value #" + from
			if len(p.queries) == 1 {
				from = "Value"
			}
		}
		index[from], names[from] = i, c.header
		if properties := c.properties(); len(properties) > 0 && out.err == nil {
			out.panel.FieldConfig.Overrides = append(out.panel.FieldConfig.Overrides, override(c.header, properties...))
		}
	}
	out.panel.Transformations = []dashboard.DataTransformerConfig{
		{Id: "merge", Options: map[string]any{}},
		{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]any{"Time": true}, "indexByName": index, "renameByName": names,
		}},
	}
	return out
}

func (c column) properties() []dashboard.DynamicConfigValue {
	var properties []dashboard.DynamicConfigValue
	set := func(id string, value any) {
		properties = append(properties, dashboard.DynamicConfigValue{Id: id, Value: value})
	}
	if c.unit != "" {
		set("unit", c.unit)
	}
	if c.decimals != nil {
		set("decimals", *c.decimals)
	}
	if c.mappings != nil {
		set("mappings", c.mappings)
		set("custom.cellOptions", map[string]any{"type": string(common.TableCellDisplayModeColorText)})
	}
	if c.steps != nil {
		set("thresholds", thresholds(c.steps))
		set("color", map[string]any{"mode": "thresholds"})
		set("custom.cellOptions", map[string]any{"type": string(common.TableCellDisplayModeColorText)})
	}
	if c.links != nil {
		set("links", c.links)
	}
	if c.width > 0 {
		set("custom.width", c.width)
	}
	return properties
}

package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/text"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// unit is how figures are written.
type unit struct {
	id       string
	decimals float64
}

// The units. A count is written whole, however large. Ages are never instants, which have
// no thresholds: age and left make them.
func share() unit    { return unit{"percentunit", 0} }
func count() unit    { return unit{"locale", 0} }
func rate() unit     { return unit{"locale", 2} }
func ratio() unit    { return unit{"locale", 2} }
func duration() unit { return unit{"dtdurations", 1} }

// roomForTwoUnits is how many columns of the grid a panel has, at least, that shows a
// duration as "2 weeks, 5 days". In a narrower one Grafana makes that too small to read.
const roomForTwoUnits = 6

// bridged is how long nothing may be known until a line ends: a restart of Prometheus is no
// end of what it watches. In a time line, no bar has a meaning, so that less is bridged.
const (
	bridged        = 7 * time.Hour
	bridgedInState = 4 * time.Hour
)

// age is how long ago a time was, in seconds; left is how long it is until then.
func age(of string) string  { return `time() - (` + of + `)` }
func left(to string) string { return `(` + to + `) - time()` }

// panel is what a reader sees in one frame.
type panel struct {
	title, help   string
	width, height uint32
	unit          unit
	min, max      *float64
	steps         []step
	mappings      []dashboard.ValueMapping
	// none is shown in the place of a panel without data, where that is an answer.
	none    string
	queries []query
	// colors are those of marks, by the name that a series is shown under.
	colors map[string]string
	// links are from a value to where it leads.
	links []dashboard.DashboardLink
}

// query is one PromQL query.
type query struct {
	expr string
	// legend names the series; labels are written {{like_this}}.
	legend string
	// unit is that of the series, if it is not that of its panel.
	unit unit
	// only says that the labels are the answer: the value is the same in every row.
	only bool
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
	if p.unit != (unit{}) {
		if p.unit == duration() && p.width < roomForTwoUnits {
			p.unit.decimals = 0
		}
		d.Unit, d.Decimals = &p.unit.id, &p.unit.decimals
	}
	d.Min, d.Max, d.Mappings = p.min, p.max, p.mappings
	if p.none != "" {
		d.NoValue = &p.none
	}
	// Without these Grafana colours green, and red from 80.
	d.Thresholds = thresholds(p.steps, neutral, func(t tone) string { return t.mark })
	d.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds}
	if how == overTime && p.mappings == nil {
		// By name, two series can have the same colour.
		d.Color.Mode = dashboard.FieldColorModeIdPaletteClassic
	}
	d.Links = append(d.Links, p.links...)
	out.FieldConfig.Overrides = p.overrides()
	return made{panel: out}
}

// overrides are what single series have otherwise than their panel.
func (p panel) overrides() []dashboard.DashboardFieldConfigSourceOverrides {
	overrides := []dashboard.DashboardFieldConfigSourceOverrides{}
	for _, name := range slices.Sorted(maps.Keys(p.colors)) {
		overrides = append(overrides, override(name, dashboard.DynamicConfigValue{
			Id: "color", Value: map[string]any{"mode": "fixed", "fixedColor": p.colors[name]},
		}))
	}
	for i, q := range p.queries {
		if q.unit == (unit{}) {
			continue
		}
		overrides = append(overrides, matched("byFrameRefID", ref(i),
			dashboard.DynamicConfigValue{Id: "unit", Value: q.unit.id},
			dashboard.DynamicConfigValue{Id: "decimals", Value: q.unit.decimals},
			// What colours the figure says nothing about how it has changed.
			dashboard.DynamicConfigValue{Id: "thresholds", Value: thresholds(nil, neutral, nil)},
		))
	}
	return overrides
}

// thresholds begin with a base that is no news, for whatever is below and for no value.
func thresholds(steps []step, base string, shade func(tone) string) *dashboard.ThresholdsConfig {
	config := &dashboard.ThresholdsConfig{
		Mode: dashboard.ThresholdsModeAbsolute, Steps: []dashboard.Threshold{{Color: base}},
	}
	for _, s := range steps {
		config.Steps = append(config.Steps, dashboard.Threshold{Color: shade(s.tone), Value: new(s.from)})
	}
	return config
}

// override changes fields by the name they are shown under.
func override(name string, properties ...dashboard.DynamicConfigValue) dashboard.DashboardFieldConfigSourceOverrides {
	return matched("byName", name, properties...)
}

// matched changes the fields that a matcher of Grafana finds.
func matched(
	by, what string, properties ...dashboard.DynamicConfigValue,
) dashboard.DashboardFieldConfigSourceOverrides {
	return dashboard.DashboardFieldConfigSourceOverrides{
		Matcher: dashboard.MatcherConfig{Id: by, Options: what}, Properties: properties,
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

// numbers are several figures under each other, with their names above them: beside them, a
// figure has a third of the width, in which a duration is too small to read.
func (p panel) numbers() made {
	return p.finish(stat.NewPanelBuilder().WideLayout(false).
		ReduceOptions(last()).ColorMode(common.BigValueColorModeValue).GraphMode(common.BigValueGraphModeNone).
		Orientation(common.VizOrientationHorizontal).TextMode(common.BigValueTextModeValueAndName), atOnce)
}

// changing shows a figure and, with the unit of, by how much it has changed in 30 days. The
// way of a change is in its name: Grafana writes no plus, and a shorter duration as one that
// is over.
func (p panel) changing(now, change string, of unit) made {
	way := func(expr, name string) string {
		return `label_replace(` + expr + `, "way", "` + name + `", "", "")`
	}
	ways := way(`(`+change+`) > 0`, "▲ in 30 days") + "\nor " + way(`-((`+change+`) < 0)`, "▼ in 30 days") +
		"\nor " + way(`(`+change+`) == 0`, "as 30 days ago")
	p.queries = []query{{expr: now, legend: "now"}, {expr: ways, legend: "{{way}}", unit: of}}
	return p.numbers()
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

// bars compare figures of now. Names are above their bars, where they have the whole width,
// and figures have the colour of text. What a bar does not fill is not shown: Grafana keeps
// room for the figure in it, so that 100 % would be four fifths of it. Letters and bars have
// a size, or two bars are as large as the panel.
func (p panel) bars() made {
	return p.finish(bargauge.NewPanelBuilder().
		ReduceOptions(last()).Orientation(common.VizOrientationHorizontal).DisplayMode(common.BarGaugeDisplayModeBasic).
		NamePlacement(common.BarGaugeNamePlacementTop).ValueMode(common.BarGaugeValueModeText).ShowUnfilled(false).
		Text(common.NewVizTextDisplayOptionsBuilder().TitleSize(13).ValueSize(16)).
		Sizing(common.BarGaugeSizingManual).MinVizHeight(36).MaxVizHeight(60), atOnce)
}

// lines show figures over time.
func (p panel) lines() made {
	return p.finish(lined(), overTime)
}

// stacked shows parts of a whole over time.
func (p panel) stacked() made {
	return p.finish(lined().FillOpacity(70).LineWidth(1).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A")), overTime)
}

// daily shows counts of days, each at its day, also of today so far: queries ask for what is
// within the day after their time.
func (p panel) daily() made {
	return p.finish(lined().DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).
		BarAlignment(common.BarAlignmentAfter).Interval("1d").
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A")), overTime)
}

// legendBelow lists the series under a panel.
func legendBelow() *common.VizLegendOptionsBuilder {
	return common.NewVizLegendOptionsBuilder().ShowLegend(true).
		DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)
}

func lined() *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().LineWidth(2).FillOpacity(0).ShowPoints(common.VisibilityModeAuto).
		SpanNulls(common.BoolOrFloat64{Float64: new(float64(bridged.Milliseconds()))}).
		Legend(legendBelow()).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
}

// states show what something was over time. The expression always has a series: without
// any, the panel complains of a missing time.
func (p panel) states() made {
	return p.finish(statetimeline.NewPanelBuilder().
		ShowValue(common.VisibilityModeNever).RowHeight(0.8).MergeValues(true).FillOpacity(85).LineWidth(0).
		SpanNullsThreshold(uint32(bridgedInState.Milliseconds())).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone)).
		Legend(legendBelow()), overTime)
}

// note is a text in Markdown.
func note(title, words string, height uint32) made {
	out, err := text.NewPanelBuilder().Mode(text.TextModeMarkdown).Content(words).Build()
	if err != nil {
		return made{err: fmt.Errorf("the text %q: %w", title, err)}
	}
	out.Title, out.GridPos = &title, &dashboard.GridPos{W: 24, H: height}
	return made{panel: out}
}

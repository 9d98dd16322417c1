package main

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"

	"github.com/prodready/collector/grafana"
)

// column is one column of a table. The functions below make them.
type column struct {
	// from is a label, or the letter of a query for its value.
	from, header string
	// width is in pixels, and the least of the column that takes what is left.
	width    int
	stretch  bool
	unit     unit
	steps    []step
	mappings []dashboard.ValueMapping
	links    []dashboard.DashboardLink
	// empty is shown where a row has no value, if that is not a dash.
	empty string
}

// word columns show labels.
func textColumn(from, header string, width int) column {
	return column{from: from, header: header, width: max(width, letters(header))}
}

func serviceColumn() column {
	return column{from: "service_name", header: "Service", width: 160, links: toService("${__value.raw:percentencode}")}
}

func checkColumn(titles map[string]string) column {
	return column{
		from: "check", header: grafana.CheckHeader, width: 200, stretch: true, links: toCheck("${__value.raw:percentencode}"),
		mappings: checkTitles(titles),
	}
}

func teamColumn() column   { return column{from: "team", header: "Team", width: 125, links: toTeam()} }
func orgColumn() column    { return textColumn("org", "Org", 120) }
func tierColumn() column   { return textColumn("tier", "Tier", 50) }
func moduleColumn() column { return textColumn("module", "Module", 75) }

// badgeColumn shows a badge that is held: a level, or a label.
func badgeColumn(from, header string) column {
	c := column{from: from, header: header, width: max(85, letters(header)), mappings: badgeNames()}
	if len(from) == 1 {
		c.mappings = badgeLevels()
	}
	return c
}

// otherBadgeColumn shows a badge that is not held: its colour would be louder than the one
// that is.
func otherBadgeColumn(from, header string) column {
	c := badgeColumn(from, header)
	c.mappings = uncoloured(c.mappings)
	return c
}

// wordColumn shows a label or a value as words.
func wordColumn(from, header string, width int, words map[string]word) column {
	return column{from: from, header: header, width: max(width, letters(header)), mappings: celled(words)}
}

// figureColumn shows the value of a query, and is as wide as its header.
func figureColumn(from, header string, u unit, steps ...step) column {
	return column{from: from, header: header, width: max(60, letters(header)), unit: u, steps: steps}
}

// sortMark is how many pixels the arrow beside the header needs that a table is sorted by.
const sortMark = 20

// letters is how many pixels a text needs as the header of a column, which has 14 pixels
// high letters and padding.
func letters(text string) int {
	tenths := 160
	for _, r := range text {
		switch {
		case strings.ContainsRune("iljtfrI .,()/", r):
			tenths += 50
		case strings.ContainsRune("mwMW", r):
			tenths += 130
		case unicode.IsUpper(r):
			tenths += 100
		default:
			tenths += 85
		}
	}
	return tenths / 10
}

// timeColumn shows an age, in one unit of time.
func timeColumn(from, header string, steps ...step) column {
	c := figureColumn(from, header, unit{duration().id, 0}, steps...)
	c.width = max(c.width, letters("59 minutes"))
	return c
}

// leftColumn shows how long it is until a time, in one unit of time. When it is over, it
// shows past, or how long ago that was if past is empty.
func leftColumn(from, header, past string) column {
	c := timeColumn(from, header, soonSteps()...)
	if past == "" {
		c.width = max(c.width, letters("59 minutes ago"))
		return c
	}
	c.mappings = []dashboard.ValueMapping{{RangeMap: &dashboard.RangeMap{
		Type: dashboard.MappingTypeRangeToText,
		Options: dashboard.DashboardRangeMapOptions{
			// Grafana takes an open end for 0.
			From: new(-10 * 365 * day), To: new(0.0),
			Result: dashboard.ValueMappingResult{Text: &past, Color: new(bad().cell)},
		},
	}}}
	return c
}

// wide is the column that takes what the others leave.
func (c column) wide() column {
	c.stretch = true
	return c
}

// rows is a table with the columns in order. Rows of several queries are merged by the
// labels that they share. sort is the header to sort by.
func (p panel) rows(sort string, descending bool, columns ...column) made {
	out := p.table(sort, descending)
	index, names, hidden := map[string]any{}, map[string]any{}, map[string]any{"Time": true}
	for i, q := range p.queries {
		if q.only {
			hidden[p.field(ref(i))] = true
		}
	}
	for i, c := range columns {
		from := c.from
		if len(from) == 1 {
			from = p.field(from)
		}
		index[from], names[from] = i, c.header
		if c.header == sort {
			c.width = max(c.width, letters(sort)+sortMark)
		}
		if out.err == nil {
			out.panel.FieldConfig.Overrides = append(out.panel.FieldConfig.Overrides, override(c.header, c.properties()...))
		}
	}
	out.panel.Transformations = []dashboard.DataTransformerConfig{
		{Id: "merge", Options: map[string]any{}},
		{Id: "organize", Options: map[string]any{
			"excludeByName": hidden, "indexByName": index, "renameByName": names,
		}},
	}
	return out
}

func (p panel) table(sort string, descending bool) made {
	order := common.NewTableSortByFieldStateBuilder().DisplayName(sort).Desc(descending)
	return p.finish(table.NewPanelBuilder().SortBy([]cog.Builder[common.TableSortByFieldState]{order}), asTable)
}

// matrix has a row for each value of one label and a column for each of another. Where there
// is nothing to show, a cell is blank.
func (p panel) matrix(row column, across string, cells map[string]word, links []dashboard.DashboardLink) made {
	out := p.table(row.header, false)
	if out.err != nil {
		return out
	}
	out.panel.Transformations = []dashboard.DataTransformerConfig{
		{Id: "groupingToMatrix", Options: map[string]any{
			"rowField": row.from, "columnField": across, "valueField": "Value", "emptyValue": "null",
		}},
		{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]any{}, "indexByName": map[string]any{},
			"renameByName": map[string]any{row.from + `\` + across: row.header},
		}},
	}
	cell := column{empty: " ", width: 140, mappings: celled(cells), links: links}
	out.panel.FieldConfig.Overrides = append(out.panel.FieldConfig.Overrides,
		matched("byType", "number", cell.properties()...), override(row.header, row.properties()...))
	return out
}

// field is the name of the values of a query.
func (p panel) field(letter string) string {
	if len(p.queries) == 1 {
		return "Value"
	}
	return "Value #" + letter
}

// coloured says whether a value can have a colour.
func (c column) coloured() bool {
	for _, m := range c.mappings {
		if m.RangeMap != nil {
			return true
		}
		for _, result := range m.ValueMap.Options {
			if result.Color != nil {
				return true
			}
		}
	}
	return c.steps != nil
}

func (c column) properties() []dashboard.DynamicConfigValue {
	var properties []dashboard.DynamicConfigValue
	set := func(id string, value any) {
		properties = append(properties, dashboard.DynamicConfigValue{Id: id, Value: value})
	}
	// The sentence of an empty panel is not for its cells.
	set("noValue", cmp.Or(c.empty, "-"))
	if c.stretch {
		set("custom.minWidth", c.width)
	} else {
		set("custom.width", c.width)
	}
	if c.unit != (unit{}) {
		set("unit", c.unit.id)
		set("decimals", c.unit.decimals)
	}
	if c.mappings != nil {
		set("mappings", c.mappings)
	}
	// Colours are those of cells, whose text Grafana makes black or white: coloured text is
	// faint on one of the two themes.
	set("thresholds", thresholds(c.steps, unfilled, func(t tone) string { return t.cell }))
	if c.coloured() {
		set("color", map[string]any{"mode": "thresholds"})
		set("custom.cellOptions", map[string]any{
			"type": string(common.TableCellDisplayModeColorBackground), "mode": string(common.TableCellBackgroundDisplayModeBasic),
		})
	}
	if c.links != nil {
		set("links", c.links)
	}
	return properties
}

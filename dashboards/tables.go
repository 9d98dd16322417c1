package main

import (
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
}

// word columns show labels.
func textColumn(from, header string, width int) column {
	return column{from: from, header: header, width: width}
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

func teamColumn() column   { return column{from: "team", header: "Team", width: 120, links: toTeam()} }
func orgColumn() column    { return textColumn("org", "Org", 120) }
func tierColumn() column   { return textColumn("tier", "Tier", 50) }
func moduleColumn() column { return textColumn("module", "Module", 75) }

// badgeColumn shows a badge: a level, or a label.
func badgeColumn(from, header string) column {
	c := column{from: from, header: header, width: max(85, letters(header)), mappings: badgeNames()}
	if len(from) == 1 {
		c.mappings = badgeLevels()
	}
	return c
}

// wordColumn shows a label or a value as words.
func wordColumn(from, header string, width int, words map[string]word) column {
	return column{from: from, header: header, width: width, mappings: celled(words)}
}

// figureColumn shows the value of a query, and is as wide as its header.
func figureColumn(from, header string, u unit, steps ...step) column {
	return column{from: from, header: header, width: max(60, letters(header)), unit: u, steps: steps}
}

// letters is how many pixels a text needs as the header of a column.
func letters(text string) int { return 7*len(text) + 16 }

// timeColumn shows a time as an age, or as what is left until then, in one unit of time.
func timeColumn(from, header string, steps ...step) column {
	c := figureColumn(from, header, unit{duration().id, 0}, steps...)
	c.width = max(c.width, 90)
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

// matrix has a row for each value of one label and a column for each of another.
func (p panel) matrix(row column, across string, cells map[string]word, links []dashboard.DashboardLink) made {
	corner := row.from + `\` + across
	out := p.table(corner, false)
	if out.err != nil {
		return out
	}
	row.header = corner
	out.panel.Transformations = []dashboard.DataTransformerConfig{
		{Id: "groupingToMatrix", Options: map[string]any{
			"rowField": row.from, "columnField": across, "valueField": "Value", "emptyValue": "null",
		}},
	}
	cell := column{header: "number", width: 110, mappings: celled(cells), links: links}
	of := override("", cell.properties()...)
	of.Matcher = dashboard.MatcherConfig{Id: "byType", Options: "number"}
	out.panel.FieldConfig.Overrides = append(out.panel.FieldConfig.Overrides, of, override(corner, row.properties()...))
	return out
}

// field is the name of the values of a query.
func (p panel) field(letter string) string {
	if len(p.queries) == 1 {
		return "Value"
	}
	return "Value #" + letter
}

func (c column) properties() []dashboard.DynamicConfigValue {
	var properties []dashboard.DynamicConfigValue
	set := func(id string, value any) {
		properties = append(properties, dashboard.DynamicConfigValue{Id: id, Value: value})
	}
	// The sentence of an empty panel is not for its cells.
	set("noValue", "-")
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
	if c.steps != nil || c.mappings != nil && c.header != grafana.CheckHeader {
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

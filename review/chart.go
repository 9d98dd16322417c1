package review

import (
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-analyze/charts"
)

// chart is what is drawn of a table.
type chart struct {
	title  string
	kind   chartKind
	unit   string
	labels []string
	series []series
}

// series is one line, or the bars of one colour. A null value is not known, and nothing
// is drawn there.
type series struct {
	name   string
	values []*float64
}

type chartKind int

const (
	lines chartKind = iota
	bars
)

// The size of a chart in its own pixels: its text can be read where it is as wide as a
// phone, and it grows from there.
const (
	chartWidth  = 360
	chartHeight = 220
	chartFont   = 9
)

// empty reports whether nothing of it is known.
func (c *chart) empty() bool {
	for _, s := range c.series {
		if slices.ContainsFunc(s.values, func(v *float64) bool { return v != nil }) {
			return false
		}
	}
	return true
}

// ink is the colour of a part of a chart while it is drawn. No colour is seen: it becomes
// the name of a class, whose colour the style sheet gives, light or dark.
func ink(part int) charts.Color { return charts.Color{R: 1, G: 2, B: uint8(part), A: 255} }

// The parts of a chart that are no series.
const (
	inkText = 100 + iota
	inkAxis
	inkGrid
)

// svg draws the chart.
func (c *chart) svg() (template.HTML, error) {
	theme := charts.ThemeOption{BackgroundColor: charts.ColorTransparent, TextColor: ink(inkText),
		AxisStrokeColor: ink(inkAxis), AxisSplitLineColor: ink(inkGrid)}
	values := make([][]float64, len(c.series))
	for i, s := range c.series {
		theme.SeriesColors = append(theme.SeriesColors, ink(i+1))
		for _, v := range s.values {
			if v == nil {
				values[i] = append(values[i], charts.GetNullValue())
			} else {
				values[i] = append(values[i], *v)
			}
		}
	}
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: chartWidth,
		Height: chartHeight})
	if err := c.draw(p, charts.MakeTheme(theme), values); err != nil {
		return "", fmt.Errorf("drawing the chart %q: %w", c.title, err)
	}
	drawn, err := p.Bytes()
	if err != nil {
		return "", fmt.Errorf("drawing the chart %q: %w", c.title, err)
	}
	return c.styled(string(drawn))
}

// draw draws it with the library.
func (c *chart) draw(p *charts.Painter, theme charts.ColorPalette, values [][]float64) error {
	font := charts.FontStyle{FontSize: chartFont}
	category := charts.XAxisOption{Labels: c.labels, LabelFontStyle: font, LabelCount: 4}
	value := charts.YAxisOption{Min: new(0.0), LabelFontStyle: font, LabelCount: 5,
		ValueFormatter: func(v float64) string { return valueText(&v, c.unit) }}
	if c.unit == unitRatio {
		value.Max = new(1.0)
	} else {
		value.Unit = 1 // whole numbers
		if c.most() <= 4 {
			value.Max = new(4.0)
		}
	}
	padding, hidden := charts.NewBox(4, 8, 12, 4), charts.LegendOption{Show: new(false)}
	if c.kind == lines {
		o := charts.NewLineChartOptionWithData(values)
		o.Theme, o.Padding, o.Legend, o.XAxis, o.YAxis = theme, padding, hidden, category, []charts.YAxisOption{value}
		return p.LineChart(o)
	}
	o := charts.NewBarChartOptionWithData(values)
	o.Theme, o.Padding, o.Legend, o.CategoryAxis = theme, padding, hidden, category
	o.ValueAxis = []charts.ValueAxisOption{value}
	return p.BarChart(o)
}

// most is the largest value.
func (c *chart) most() float64 {
	most := 0.0
	for _, s := range c.series {
		for _, v := range s.values {
			if v != nil {
				most = max(most, *v)
			}
		}
	}
	return most
}

// styles are the style attributes of what the library draws. A policy that allows one
// style sheet by its hash allows no such attributes.
var styles = regexp.MustCompile(` style="([^"]*)"`)

// styled makes attributes and classes of the styles, and names the chart for those who
// do not see it.
func (c *chart) styled(drawn string) (template.HTML, error) {
	_, body, ok := strings.Cut(drawn, ">")
	if !ok || !strings.HasPrefix(drawn, "<svg ") {
		return "", errors.New("the library has drawn no svg")
	}
	body = styles.ReplaceAllStringFunc(body, func(style string) string {
		var classes []string
		attributes := ""
		for rule := range strings.SplitSeq(styles.FindStringSubmatch(style)[1], ";") {
			name, value, _ := strings.Cut(rule, ":")
			part, inked := strings.CutPrefix(value, "rgb(1,2,")
			switch {
			case inked:
				classes = append(classes, name+"-"+strings.TrimSuffix(part, ")"))
			case name == "stroke" || name == "fill" || name == "stroke-width" || name == "font-size":
				attributes += fmt.Sprintf(" %s=%q", name, value)
			}
		}
		if len(classes) > 0 {
			attributes += fmt.Sprintf(" class=%q", strings.Join(classes, " "))
		}
		return attributes
	})
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img"><title>%s</title>`,
		chartWidth, chartHeight, template.HTMLEscapeString(c.title))
	return template.HTML(head + body), nil //nolint:gosec // its only texts are dates and numbers
}

// legend are the series with the classes of their colours.
func (c *chart) legend() []legendEntry {
	var list []legendEntry
	for i, s := range c.series {
		list = append(list, legendEntry{s.name, "swatch-" + strconv.Itoa(i+1)})
	}
	return list
}

type legendEntry struct{ Name, Class string }

package report

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column is one column of a table.
type column struct {
	head string
	// right aligns numbers by their last digit.
	right bool
	// min is the width to which a narrow terminal may squeeze the column. 0
	// means never, because a cut number is a wrong number.
	min int
	// drop is the order in which columns are left out on a narrow terminal, 1
	// first. 0 means never.
	drop int
	// wrap continues text that is too long on the next line instead of cutting
	// it.
	wrap bool
}

// grid is a table before its columns have a width: each width depends on every
// row. Its cells are safe to print and may contain colours.
type grid struct {
	columns []column
	rows    [][]string
}

// columnGap separates columns.
const columnGap = "  "

// write draws the table. It returns the heads of the columns that the width
// left no room for.
func (g *grid) write(b *strings.Builder, style Style) (dropped []string) {
	widths, hidden := g.layout(style)
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{MiddleVertical: columnGap},
		Options: table.Options{SeparateColumns: true},
	})
	t.SuppressTrailingSpaces()
	head := make(table.Row, len(g.columns))
	configs := make([]table.ColumnConfig, len(g.columns))
	for i, c := range g.columns {
		head[i] = bold.on(c.head, style)
		configs[i] = table.ColumnConfig{Number: i + 1, Hidden: hidden[i], WidthMax: widths[i], WidthMaxEnforcer: cut}
		if c.right {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
		if c.wrap || style.noCut {
			configs[i].WidthMaxEnforcer = text.WrapSoft
		}
		if hidden[i] {
			dropped = append(dropped, c.head)
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(head)
	for _, cells := range g.rows {
		row := make(table.Row, len(cells))
		for i, cell := range cells {
			row[i] = cell
		}
		t.AppendRow(row)
	}
	b.WriteString(t.Render() + "\n")
	return dropped
}

// layout finds the width of every column and the columns to leave out.
func (g *grid) layout(style Style) (widths []int, hidden []bool) {
	widths, least := g.widths(style)
	hidden = make([]bool, len(g.columns))
	if style.Width <= 0 {
		return widths, hidden
	}
	for !style.noCut && total(least, hidden) > style.Width {
		next := g.nextDrop(hidden)
		if next == 0 {
			// No column is left to drop: squeeze all as far as needed.
			for i := range least {
				least[i] = min(least[i], 1)
			}
			break
		}
		for i, c := range g.columns {
			hidden[i] = hidden[i] || c.drop == next
		}
	}
	for total(widths, hidden) > style.Width {
		widest := -1
		for i := range widths {
			if !hidden[i] && widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths, hidden
}

// widths are the widths that the columns want, and the least that they accept.
func (g *grid) widths(style Style) (wanted, least []int) {
	wanted, least = make([]int, len(g.columns)), make([]int, len(g.columns))
	for i, c := range g.columns {
		longestWord := 0
		for _, s := range append([]string{c.head}, g.column(i)...) {
			wanted[i] = max(wanted[i], textWidth(s))
			for word := range strings.FieldsSeq(s) {
				longestWord = max(longestWord, textWidth(word))
			}
		}
		switch {
		case c.min == 0:
			least[i] = wanted[i]
		case style.noCut:
			least[i] = min(wanted[i], max(c.min, longestWord, minProse))
		default:
			least[i] = min(wanted[i], c.min)
		}
	}
	return wanted, least
}

// column lists the cells of a column.
func (g *grid) column(i int) []string {
	cells := make([]string, len(g.rows))
	for n, row := range g.rows {
		cells[n] = row[i]
	}
	return cells
}

// nextDrop is the order of the next columns to drop, 0 when there are none.
func (g *grid) nextDrop(hidden []bool) int {
	next := 0
	for i, c := range g.columns {
		if c.drop > 0 && !hidden[i] && (next == 0 || c.drop < next) {
			next = c.drop
		}
	}
	return next
}

// total is the width of the columns that are not hidden, with the gaps.
func total(widths []int, hidden []bool) int {
	sum := -len(columnGap)
	for i, w := range widths {
		if !hidden[i] {
			sum += w + len(columnGap)
		}
	}
	return sum
}

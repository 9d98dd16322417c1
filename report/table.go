package report

import (
	"slices"
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
	// whole keeps every word: it is a name of something, to be copied. The text is
	// wrapped between words only, and rather exceeds a narrow terminal.
	whole bool
	// fold puts the column below each row where it finds no room beside the others.
	fold bool
}

// grid is a table before its columns have a width: each width depends on every
// row. Its cells are safe to print and may contain colours.
type grid struct {
	columns []column
	rows    [][]string
}

// columnGap separates columns.
const columnGap = "  "

// foldIndent is how far a folded column is indented.
const foldIndent = 4

// write draws the table. It returns the heads of the columns that the width
// left no room for.
func (g *grid) write(b *strings.Builder, style Style) (dropped []string) {
	widths, hidden, folded := g.layout(style)
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{MiddleVertical: columnGap},
		Options: table.Options{SeparateColumns: true},
	})
	t.SuppressTrailingSpaces()
	configs := g.configs(widths, hidden, style)
	head := make(table.Row, len(g.columns))
	for i, c := range g.columns {
		head[i] = bold.on(c.head, style)
		if hidden[i] && i != folded {
			dropped = append(dropped, c.head)
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(head)
	t.AppendRows(g.tableRows())
	if folded < 0 {
		b.WriteString(t.Render() + "\n")
		return dropped
	}
	g.writeFolded(b, strings.Split(t.Render(), "\n"), configs, folded, style)
	return dropped
}

// configs are the columns as the table's writer takes them.
func (g *grid) configs(widths []int, hidden []bool, style Style) []table.ColumnConfig {
	configs := make([]table.ColumnConfig, len(g.columns))
	for i, c := range g.columns {
		configs[i] = table.ColumnConfig{Number: i + 1, Hidden: hidden[i], WidthMax: widths[i], WidthMaxEnforcer: cut}
		if c.right {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
		if c.wrap || c.whole || style.noCut {
			configs[i].WidthMaxEnforcer = text.WrapSoft
		}
	}
	return configs
}

// writeFolded writes the lines of a table, and below those of each row the cell of the
// folded column.
func (g *grid) writeFolded(
	b *strings.Builder, lines []string, configs []table.ColumnConfig, folded int, style Style,
) {
	heads := make([]string, len(g.columns))
	for i, c := range g.columns {
		heads[i] = bold.on(c.head, style)
	}
	for _, cells := range append([][]string{heads}, g.rows...) {
		height := 1
		for i, cell := range cells {
			if c := configs[i]; !c.Hidden {
				height = max(height, 1+strings.Count(c.WidthMaxEnforcer(cell, c.WidthMax), "\n"))
			}
		}
		b.WriteString(strings.Join(lines[:height], "\n") + "\n")
		lines = lines[height:]
		for _, line := range wrap(cells[folded], style.Width-foldIndent) {
			b.WriteString(strings.Repeat(" ", foldIndent) + line + "\n")
		}
	}
}

// tableRows are the rows as the table's writer takes them.
func (g *grid) tableRows() []table.Row {
	rows := make([]table.Row, len(g.rows))
	for n, cells := range g.rows {
		rows[n] = make(table.Row, len(cells))
		for i, cell := range cells {
			rows[n][i] = cell
		}
	}
	return rows
}

// layout finds the width of every column, the columns to leave out, and the one to
// put below the rows, -1 for none.
func (g *grid) layout(style Style) (widths []int, hidden []bool, folded int) {
	widths, least := g.widths(style)
	hidden = make([]bool, len(g.columns))
	folded = -1
	if style.Width <= 0 {
		return widths, hidden, folded
	}
	if !style.noCut {
		folded = g.makeRoom(least, hidden, style.Width)
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
	return widths, hidden, folded
}

// makeRoom hides columns until the least widths of the others fit: those to drop in
// their order, then the one to fold, whose number it returns, else -1. When none is
// left, all but names may be squeezed as far as needed.
func (g *grid) makeRoom(least []int, hidden []bool, width int) (folded int) {
	folded = -1
	for total(least, hidden) > width {
		if next := g.nextDrop(hidden); next > 0 {
			for i, c := range g.columns {
				hidden[i] = hidden[i] || c.drop == next
			}
			continue
		}
		if foldable := slices.IndexFunc(g.columns, func(c column) bool { return c.fold }); folded < 0 && foldable >= 0 {
			folded, hidden[foldable] = foldable, true
			continue
		}
		for i, c := range g.columns {
			if !c.whole {
				least[i] = min(least[i], 1)
			}
		}
		break
	}
	return folded
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
		case c.whole && !style.noCut:
			least[i] = min(wanted[i], max(c.min, longestWord))
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

package report

import "strings"

// span is a piece of text in one colour.
type span struct {
	text  string
	paint paint
}

// cell is the content of one field of a table.
type cell []span

// text makes a cell of uncoloured text, safe to print.
func text(s string) cell { return cell{{text: clean(s)}} }

func (c cell) cells() int {
	n := 0
	for _, s := range c {
		n += cells(s.text)
	}
	return n
}

// fit cuts the cell to at most limit cells.
func (c cell) fit(limit int) cell {
	if c.cells() <= limit {
		return c
	}
	var cut cell
	for _, s := range c {
		size := cells(s.text)
		// A span that fills the field up to its end leaves no room for the
		// mark of the cut, so it is shortened too.
		if size >= limit {
			return append(cut, span{truncate(s.text+"…", limit), s.paint})
		}
		cut = append(cut, s)
		limit -= size
	}
	return cut
}

// column is one column of a table.
type column struct {
	head string
	// right aligns numbers by their last digit.
	right bool
	// floor is the width the column may be squeezed to; 0 means never, since a
	// cut number is a wrong number.
	floor int
	// drop is the order in which columns are left out where the width does not
	// suffice; 0 means never.
	drop int
	// wrap continues text that is too long on the next line, where a list
	// would lose its end.
	wrap bool
}

// table is laid out as a whole, because every width depends on every row.
type table struct {
	columns []column
	rows    [][]cell
}

// tableGap separates columns.
const tableGap = "  "

// write draws the table and returns the heads of the columns that were left
// out for want of width.
func (t *table) write(b *strings.Builder, style Style) (dropped []string) {
	natural := make([]int, len(t.columns))
	for i, c := range t.columns {
		natural[i] = cells(c.head)
		for _, row := range t.rows {
			natural[i] = max(natural[i], row[i].cells())
		}
	}
	widths, hidden := t.layout(natural, style.Width)
	head := make([]cell, len(t.columns))
	for i, c := range t.columns {
		head[i] = cell{{c.head, bold}}
		if hidden[i] {
			dropped = append(dropped, c.head)
		}
	}
	t.line(b, head, widths, hidden, style)
	for _, row := range t.rows {
		for _, line := range t.unfold(row, widths, hidden) {
			t.line(b, line, widths, hidden, style)
		}
	}
	return dropped
}

// unfold breaks the cells that may wrap into further lines of the table.
func (t *table) unfold(row []cell, widths []int, hidden []bool) [][]cell {
	lines := [][]cell{append([]cell(nil), row...)}
	for i, c := range row {
		if !t.columns[i].wrap || hidden[i] || c.cells() <= widths[i] {
			continue
		}
		whole := ""
		for _, s := range c {
			whole += s.text
		}
		for n, part := range wrap(whole, widths[i]) {
			if n == len(lines) {
				lines = append(lines, make([]cell, len(row)))
			}
			lines[n][i] = cell{{part, plain}}
			// A painted beginning keeps its colour.
			if rest, ok := strings.CutPrefix(part, c[0].text); n == 0 && ok {
				lines[n][i] = cell{c[0], {rest, plain}}
			}
		}
	}
	return lines
}

// layout finds the width of every column and the columns to hide.
func (t *table) layout(natural []int, limit int) (widths []int, hidden []bool) {
	hidden = make([]bool, len(t.columns))
	widths = append([]int(nil), natural...)
	if limit <= 0 {
		return widths, hidden
	}
	floors := make([]int, len(natural))
	for i, c := range t.columns {
		floors[i] = natural[i]
		if c.floor > 0 {
			floors[i] = min(natural[i], c.floor)
		}
	}
	for t.total(floors, hidden) > limit {
		next := t.nextDrop(hidden)
		if next < 0 {
			// Nothing is left to hide: squeeze what remains as far as it goes.
			for i := range floors {
				floors[i] = min(floors[i], 1)
			}
			break
		}
		// Columns of one order mean something only together.
		for i, c := range t.columns {
			hidden[i] = hidden[i] || c.drop == t.columns[next].drop
		}
	}
	for t.total(widths, hidden) > limit {
		widest := -1
		for i := range widths {
			if !hidden[i] && widths[i] > floors[i] && (widest < 0 || widths[i] > widths[widest]) {
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

// nextDrop is the next column to hide, -1 when there is none.
func (t *table) nextDrop(hidden []bool) int {
	next := -1
	for i, c := range t.columns {
		if c.drop > 0 && !hidden[i] && (next < 0 || c.drop < t.columns[next].drop) {
			next = i
		}
	}
	return next
}

func (t *table) total(widths []int, hidden []bool) int {
	sum := -len(tableGap)
	for i, w := range widths {
		if !hidden[i] {
			sum += w + len(tableGap)
		}
	}
	return sum
}

func (t *table) line(b *strings.Builder, row []cell, widths []int, hidden []bool, style Style) {
	pending := 0 // spaces owed, so that no line ends in them
	first := true
	for i, c := range row {
		if hidden[i] {
			continue
		}
		if !first {
			pending += len(tableGap)
		}
		first = false
		c = c.fit(widths[i])
		pad := widths[i] - c.cells()
		if t.columns[i].right {
			pending += pad
			pad = 0
		}
		for _, s := range c {
			if s.text == "" {
				continue
			}
			b.WriteString(strings.Repeat(" ", pending))
			pending = 0
			b.WriteString(s.paint.on(s.text, style))
		}
		pending += pad
	}
	b.WriteByte('\n')
}

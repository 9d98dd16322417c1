// Package handbook makes pages of a framework, for people: an index, a page for each
// module and check, the levels, the changelog and the words that are used. A page is
// written as Markdown, which MkDocs and Confluence take, as HTML, or as text for a terminal.
package handbook

import (
	"fmt"
	"strings"

	"github.com/prodready/collector/report"
)

// Page is one page.
type Page struct {
	// Path is the file below the folder of all pages, with slashes.
	Path string
	// Name is what a person calls the page: the id of a module or check, or a word such as
	// levels.
	Name string

	title  string
	blocks []block
}

// block is a part of a page.
type block interface {
	markdown(b *strings.Builder)
	text(b *strings.Builder, width int)
	html(w *htmlWriter)
}

// words are a piece of a line; with href a link to a page, relative or public.
type words struct{ text, href string }

// line is pieces, one behind the other.
type line []words

func plain(format string, args ...any) line { return line{{text: fmt.Sprintf(format, args...)}} }

type (
	heading   string
	paragraph line
	// code is a text in a language; fence is what pages call the language.
	code struct{ fence, content string }
)

// list is a list of lines.
type list struct {
	// ordered numbers the lines, tasks puts a box before each.
	ordered, tasks bool
	lines          []line
}

// table has its longest column last.
type table struct {
	head []string
	rows [][]line
}

// Markdown is the page as Markdown.
func (p Page) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", escape(p.title))
	for _, part := range p.blocks {
		b.WriteString("\n")
		part.markdown(&b)
	}
	return b.String()
}

// Text is the page for a terminal of that many columns.
func (p Page) Text(width int) string {
	var b strings.Builder
	b.WriteString(report.Wrap("", p.title, 0, width) + "\n")
	for _, part := range p.blocks {
		b.WriteString("\n")
		part.text(&b, width)
	}
	return b.String()
}

// escape keeps the characters of Markdown outside of code what they are.
func escape(text string) string {
	parts := strings.Split(text, "`")
	special := strings.NewReplacer("&", "&amp;", "<", "&lt;", "*", `\*`, "[", `\[`, "]", `\]`, "|", `\|`)
	for i := 0; i < len(parts); i += 2 {
		parts[i] = special.Replace(parts[i])
	}
	for i := 1; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], "|", `\|`)
	}
	return strings.Join(parts, "`")
}

func (l line) markdown() string {
	var b strings.Builder
	for _, w := range l {
		if w.href == "" {
			b.WriteString(escape(w.text))
			continue
		}
		fmt.Fprintf(&b, "[%s](%s)", escape(w.text), w.href)
	}
	return b.String()
}

// plain is the line without marks; a public address stands behind its text.
func (l line) plain() string {
	var b strings.Builder
	for _, w := range l {
		b.WriteString(w.text)
		if strings.Contains(w.href, "://") {
			b.WriteString(" " + w.href)
		}
	}
	return strings.ReplaceAll(b.String(), "`", "")
}

func (h heading) markdown(b *strings.Builder) { fmt.Fprintf(b, "## %s\n", escape(string(h))) }

func (h heading) text(b *strings.Builder, _ int) { b.WriteString(strings.ToUpper(string(h)) + "\n") }

func (p paragraph) markdown(b *strings.Builder) { b.WriteString(line(p).markdown() + "\n") }

func (p paragraph) text(b *strings.Builder, width int) {
	b.WriteString(report.Wrap("", line(p).plain(), 0, width) + "\n")
}

func (c code) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "```%s\n%s\n```\n", c.fence, strings.TrimRight(c.content, "\n"))
}

func (c code) text(b *strings.Builder, _ int) {
	for l := range strings.Lines(strings.TrimRight(c.content, "\n")) {
		b.WriteString("  " + strings.TrimRight(l, "\n") + "\n")
	}
}

func (l list) markdown(b *strings.Builder) {
	for i, item := range l.lines {
		b.WriteString(l.mark(i) + item.markdown() + "\n")
	}
}

func (l list) text(b *strings.Builder, width int) {
	for i, item := range l.lines {
		mark := l.mark(i)
		b.WriteString(report.Wrap(mark, item.plain(), len(mark), width) + "\n")
	}
}

func (l list) mark(i int) string {
	switch {
	case l.ordered:
		return fmt.Sprintf("%d. ", i+1)
	case l.tasks:
		return "- [ ] "
	}
	return "- "
}

func (t table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		for _, cell := range row {
			b.WriteString("| " + cell.markdown() + " ")
		}
		b.WriteString("|\n")
	}
}

// columnGap separates the columns of a table in a terminal.
const columnGap = "  "

func (t table) text(b *strings.Builder, width int) {
	last := len(t.head) - 1
	widths := make([]int, last)
	rows := [][]string{t.head}
	for _, row := range t.rows {
		var cells []string
		for _, cell := range row {
			cells = append(cells, cell.plain())
		}
		rows = append(rows, cells)
	}
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], len([]rune(row[i])))
		}
	}
	for _, row := range rows {
		lead := ""
		for i, size := range widths {
			lead += fmt.Sprintf("%-*s", size, row[i]) + columnGap
		}
		b.WriteString(strings.TrimRight(report.Wrap(lead, row[last], len([]rune(lead)), width), " ") + "\n")
	}
}

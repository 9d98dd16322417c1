package handbook

import (
	"fmt"
	"html/template"
	"strings"
)

// Title is the title of the page.
func (p Page) Title() string { return p.title }

// HTML is what stands on the page below its title. href turns the address of a link, which
// is public or leads to the Markdown of a page, into the one that is shown.
func (p Page) HTML(href func(string) string) template.HTML {
	w := &htmlWriter{href: href}
	for _, part := range p.blocks {
		part.html(w)
	}
	return template.HTML(w.b.String()) //nolint:gosec // every text is escaped as it is written
}

// Inline is a text of one line as HTML; what stands between backquotes is code.
func Inline(text string) template.HTML {
	w := &htmlWriter{}
	w.line(plain("%s", text))
	return template.HTML(w.b.String()) //nolint:gosec // the text is escaped as it is written
}

// htmlWriter writes HTML and escapes the texts.
type htmlWriter struct {
	b    strings.Builder
	href func(string) string
}

// line writes pieces of a line; what stands between backquotes is code.
func (w *htmlWriter) line(l line) {
	for _, piece := range l {
		if piece.href != "" {
			fmt.Fprintf(&w.b, `<a href="%s">`, template.HTMLEscapeString(w.href(piece.href)))
		}
		for i, part := range strings.Split(piece.text, "`") {
			text := template.HTMLEscapeString(part)
			if i%2 == 1 {
				text = "<code>" + text + "</code>"
			}
			w.b.WriteString(text)
		}
		if piece.href != "" {
			w.b.WriteString("</a>")
		}
	}
}

func (h heading) html(w *htmlWriter) {
	fmt.Fprintf(&w.b, "<h2>%s</h2>\n", template.HTMLEscapeString(string(h)))
}

func (p paragraph) html(w *htmlWriter) {
	w.b.WriteString("<p>")
	w.line(line(p))
	w.b.WriteString("</p>\n")
}

func (c code) html(w *htmlWriter) {
	fmt.Fprintf(&w.b, "<pre tabindex=\"0\"><code>%s</code></pre>\n", template.HTMLEscapeString(strings.TrimRight(c.content, "\n")))
}

func (l list) html(w *htmlWriter) {
	element := "ul"
	if l.ordered {
		element = "ol"
	}
	fmt.Fprintf(&w.b, "<%s>\n", element)
	for _, item := range l.lines {
		w.b.WriteString("<li>")
		w.line(item)
		w.b.WriteString("</li>\n")
	}
	fmt.Fprintf(&w.b, "</%s>\n", element)
}

func (t table) html(w *htmlWriter) {
	w.b.WriteString("<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>")
	for _, head := range t.head {
		fmt.Fprintf(&w.b, "<th scope=\"col\">%s</th>", template.HTMLEscapeString(head))
	}
	w.b.WriteString("</tr></thead><tbody>\n")
	for _, row := range t.rows {
		w.b.WriteString("<tr>")
		for i, cell := range row {
			open, end := "<td>", "</td>"
			if i == 0 {
				open, end = `<th scope="row">`, "</th>"
			}
			w.b.WriteString(open)
			w.line(cell)
			w.b.WriteString(end)
		}
		w.b.WriteString("</tr>\n")
	}
	w.b.WriteString("</tbody></table></div>\n")
}

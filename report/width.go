package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/text/unicode/norm"
)

// clean makes text of other systems safe to print: line breaks become spaces,
// and control characters and those that reorder text are removed, so that a
// name can neither colour the terminal nor move its cursor. Letters that are
// given in parts are composed, so that their width is known.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r == utf8.RuneError:
			return utf8.RuneError
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, norm.NFC.String(s))
}

// Printable makes a text of several lines safe to print, each line as a cell of a table
// is. It is for texts that quote other systems and files, such as errors.
func Printable(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

// width is the number of terminal columns that a text takes; colours take none.
func textWidth(s string) int { return text.StringWidthWithoutEscSequences(s) }

// cut shortens text to the given width and marks the cut.
func cut(s string, limit int) string { return text.Snip(s, limit, "…") }

// wrap breaks text at spaces into lines of the given width. A word that is
// longer than a line has one for itself and is not broken, because it is most
// often a name or an address to be copied.
func wrap(s string, limit int) []string { return wrapWords(strings.Fields(s), limit) }

// wrapWords makes lines of words, which may contain spaces.
func wrapWords(words []string, limit int) []string {
	lines := []string{""}
	used := 0
	for _, word := range words {
		last := len(lines) - 1
		switch size := textWidth(word); {
		case lines[last] == "":
			lines[last], used = word, size
		case used+1+size > limit:
			lines, used = append(lines, word), size
		default:
			lines[last] += " " + word
			used += 1 + size
		}
	}
	return lines
}

// Wrap puts a text behind its lead and breaks it at spaces where it is wider than the
// width; what continues it is indented by that many columns. A word is not broken. A
// width of 0, or one that is too small to read, changes nothing.
func Wrap(lead, text string, indent, width int) string {
	if width < minProse || textWidth(lead+text) <= width {
		return lead + text
	}
	lines := wrap(text, width-max(textWidth(lead), indent))
	return lead + strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

// WrapLines wraps each line of a text, and indents what continues a line by two
// columns more than the line.
func WrapLines(text string, width int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		words := strings.TrimLeft(line, " ")
		indent := len(line) - len(words)
		lines[i] = Wrap(line[:indent], words, indent+2, width)
	}
	return strings.Join(lines, "\n")
}

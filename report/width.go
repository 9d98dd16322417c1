package report

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// clean makes text from outside safe to print: line breaks become spaces, and
// control characters and those that reorder text are left out, so that a name
// can neither colour the terminal nor move its cursor.
func clean(s string) string {
	safe := true
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			safe = false
			break
		}
	}
	if safe {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// runeCells is the number of terminal cells a rune takes. Characters of
// ambiguous width take one, as they do outside East Asian locales.
func runeCells(r rune) int {
	switch {
	case r < 0x20 || r == 0x7f:
		return 0
	case r < 0x300:
		return 1
	case r >= 0x1160 && r <= 0x11ff: // vowels and finals that join a Hangul initial
		return 0
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cells is the number of terminal cells a text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// truncate cuts text to at most limit cells and marks the cut.
func truncate(s string, limit int) string {
	if cells(s) <= limit {
		return s
	}
	if limit <= 0 {
		return ""
	}
	used := 0
	for i, r := range s {
		used += runeCells(r)
		if used > limit-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// wrap breaks text at spaces into lines of at most limit cells. A word that is
// longer than a line has one for itself and is not broken, since it is most
// often a name or an address to be copied.
func wrap(s string, limit int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	for word := range strings.FieldsSeq(s) {
		size := cells(word)
		if used > 0 && used+1+size > limit {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += size
	}
	if used > 0 || len(lines) == 0 {
		lines = append(lines, line.String())
	}
	return lines
}

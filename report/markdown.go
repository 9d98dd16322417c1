package report

import (
	"strings"
	"unicode"
)

// Markdown escapes plain text, so that names and titles from outside cannot be markup.
func Markdown(text string) string {
	var b strings.Builder
	for _, c := range Unbroken(text) {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case strings.ContainsRune("\\`*_[]|~", c):
			b.WriteRune('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	// An address would become a link.
	return strings.ReplaceAll(b.String(), "://", ":&#47;&#47;")
}

// Unbroken is text without line breaks and control characters.
func Unbroken(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)
	}), " ")
}

package evidence

import (
	"regexp"
	"strings"
)

// maxTemplate bounds a template, and maxTitle what is read of a title.
const (
	maxTemplate = 200
	maxTitle    = 1000
)

// variable is a part of titles that differs between incidents of one problem.
type variable struct {
	pattern     *regexp.Regexp
	replacement string
}

// variables in the order they are replaced: whole things before their parts.
// The patterns see lower case.
var variables = [...]variable{
	{regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^\s"'<>)\]]+`), "<url>"},
	{regexp.MustCompile(`[^\s@<>"'(,;:]+@[^\s@<>"'),;:]+\.[a-z]+`), "<email>"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<id>"},
	{regexp.MustCompile(`"[^"]*"`), "<value>"},
	{regexp.MustCompile("`[^`]*`"), "<value>"},
	// An apostrophe inside a word opens no quotation.
	{regexp.MustCompile(`(^|[\s=(\[{:,])'[^']*'`), "$1<value>"},
	{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`), "<ip>"},
	{regexp.MustCompile(`\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b`), "<ip>"},
	// Pods of a Deployment end in the hash of the ReplicaSet and five letters
	// of an alphabet without vowels; those of a DaemonSet in the latter.
	{regexp.MustCompile(`-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "-<pod>"},
	{regexp.MustCompile(`-[0-9a-f]{6,10}-[a-z0-9]{5}\b`), "-<pod>"},
	{regexp.MustCompile(`\b0x[0-9a-f]+\b`), "<id>"},
}

var (
	shortIP = regexp.MustCompile(`[0-9a-f:]*::[0-9a-f:]*`)
	hexWord = regexp.MustCompile(`\b[0-9a-f]{7,}\b`)
	digits  = regexp.MustCompile(`\d+(?:[.,:]\d+)*`)
)

// Template is a title with its variable parts removed, so that the same
// problem has the same template. It is lower case, without digits, at most 200
// bytes long, and names no e-mail address.
func Template(title string) string {
	t := strings.ToLower(Clean(title, maxTitle))
	for _, v := range variables {
		t = v.pattern.ReplaceAllString(t, v.replacement)
	}
	t = shortIP.ReplaceAllStringFunc(t, func(word string) string {
		if !strings.ContainsAny(word, "0123456789") {
			return word // the :: of std::vector
		}
		return "<ip>"
	})
	t = hexWord.ReplaceAllStringFunc(t, func(word string) string {
		// facade and defaced are words; a hash has digits and letters.
		if strings.Trim(word, "0123456789") == "" || !strings.ContainsAny(word, "0123456789") {
			return word
		}
		return "<id>"
	})
	t = digits.ReplaceAllString(t, "<n>")
	return strings.TrimSpace(Clean(strings.Join(strings.Fields(t), " "), maxTemplate))
}

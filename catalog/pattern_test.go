package catalog

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A pattern does what the regular expression does that it is written for.
func TestMatchName(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?/.]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab/.ü]{0,8}`).Draw(t, "name")
		wanted := regexp.QuoteMeta(pattern)
		wanted = strings.ReplaceAll(strings.ReplaceAll(wanted, `\*`, `(?s:.*)`), `\?`, `(?s:.)`)
		if got, want := MatchName(pattern, name), regexp.MustCompile(`^`+wanted+`$`).MatchString(name); got != want {
			t.Fatalf("MatchName(%q, %q) = %t", pattern, name, got)
		}
	})
}

// Package rules holds the recording and alerting rules with their unit tests and runbooks,
// and fits the rules to an installation.
package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Files are the rules (*.rules.yaml), their unit tests in promtool's format
// (tests/*.yaml) and the runbooks (runbooks/*.md).
//
//go:embed *.rules.yaml tests/*.yaml runbooks/*.md
var Files embed.FS

// What the committed rules say where an installation may say something else.
const (
	// DefaultWithout is the team of services without a team, and the organisation of
	// those without an organisation.
	DefaultWithout = "none"
	// DefaultRunbooks is where the runbooks of alerts are.
	DefaultRunbooks = "https://github.com/prodready/collector/blob/main/rules/runbooks"
)

// Values fit the rules to an installation.
type Values struct {
	// Without is the team and the organisation of services that have none.
	Without string
	// Runbooks is the address under which the runbooks are, without a slash at its end.
	Runbooks string
}

// All are the texts of the rule files by their names, with the values of an installation.
func All(v Values) (map[string][]byte, error) {
	names, err := fs.Glob(Files, "*.rules.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing the embedded rules: %w", err)
	}
	texts, labels := map[string][]byte{}, 0
	for _, name := range names {
		committed, err := Files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the embedded rules: %w", err)
		}
		text := string(committed)
		for _, label := range []string{"team", "org"} {
			from := without(label, DefaultWithout)
			labels += strings.Count(text, from)
			text = strings.ReplaceAll(text, from, without(label, v.Without))
		}
		text = strings.ReplaceAll(text, DefaultRunbooks+"/", strings.TrimRight(v.Runbooks, "/")+"/")
		texts[name] = []byte(text)
	}
	if labels != 2 {
		return nil, fmt.Errorf("the embedded rules name services without a team or organisation in %d places, want 2", labels)
	}
	return texts, nil
}

// without is how a rule gives a label to series that do not have it. A dollar sign in the
// value is one, and no reference to a group.
func without(label, value string) string {
	return fmt.Sprintf(`"%[1]s", %[2]s, "%[1]s", ""`, label, strconv.Quote(strings.ReplaceAll(value, "$", "$$")))
}

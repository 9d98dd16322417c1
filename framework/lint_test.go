package framework

import (
	"strings"
	"testing"
)

// TestLevelGaps: a tier that has no check at a level below the highest is named.
func TestLevelGaps(t *testing.T) {
	t.Parallel()
	const check = "      - {id: a.LEVEL, level: LEVEL, title: B, scope: {tiers: TIERS}, proofs: [{by: machine, pass: deploy.automated}]}\n"
	text := "apiVersion: readiness/v1\nkind: Framework\nname: test\nversion: 0.1.0\nmodules:\n  - id: a\n    checks:\n"
	for level, tiers := range map[string]string{"1": "[]", "3": "[1, 2]", "4": "[1, 2, 3, 4]"} {
		text += strings.NewReplacer("LEVEL", level, "TIERS", tiers).Replace(check)
	}
	document, err := Parse([]File{{Name: "f.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	said := document.Lint().Error()
	for _, want := range []string{
		"f.yaml:6: module a: level 2 has no check for tier 1, 2, 3, 4, and level 4 has one: add a check, or move one down",
		"f.yaml:6: module a: level 3 has no check for tier 3, 4, and level 4 has one",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%s\nwant %s", said, want)
		}
	}
	if strings.Contains(said, "level 1 has") || strings.Contains(said, "level 5 has") {
		t.Error(said)
	}
}

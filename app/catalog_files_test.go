package app

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
)

// Files in the shape of public ones, each with one vice: what loads of them, and
// why the rest does not.
func TestFilesOfOthersCostThemselves(t *testing.T) {
	t.Chdir(filepath.Join("..", "catalog", "testdata"))
	entities := catalog.DefaultEntityRules()
	entities.TierWords = map[string]int{"Critical": 1}
	rules := catalog.Rules{
		Sources:  catalog.Sources{PagerDuty: []string{"main"}, Jira: []string{"main"}},
		Entities: entities,
	}
	files := newCatalogFiles(entities)
	if err := files.readAll([]string{"public/*.yaml", "public/0*.yaml"}); err != nil {
		t.Fatal(err)
	}
	_, err := rules.Build(files.entries)
	if err == nil || !strings.Contains(err.Error(), "catalog.entities.max_refused_ratio") {
		t.Errorf("with the default ratio: %v", err)
	}
	rules.Entities.MaxRefusedRatio = 1
	built, err := rules.Build(files.entries)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	refused := built.Refused()
	_, _ = fmt.Fprintf(&out, "%d services\n", len(built.Services()))
	for _, s := range built.Services() {
		_, _ = fmt.Fprintf(&out, "%s: tier %d, team %q, jira %v\n", s.Name, s.Tier, s.Team, s.Jira)
	}
	_, _ = fmt.Fprintf(&out, "\n%d refused\n", len(refused))
	for _, r := range refused {
		_, _ = fmt.Fprintf(&out, "%s: %s\n", r.Reason, strings.Join(r.Lines(), "\n  "))
	}
	out.WriteString("\nleft out\n")
	left := built.LeftOut()
	for _, why := range slices.Sorted(maps.Keys(left)) {
		_, _ = fmt.Fprintf(&out, "%d of %s\n", left[why], why)
	}
	out.WriteString("\nnotes\n")
	for _, note := range built.Notes() {
		_, _ = fmt.Fprintln(&out, note.Line())
	}
	const golden = "public.txt"
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

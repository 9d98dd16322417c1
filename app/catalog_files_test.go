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

// A target with ** is looked for in all folders below, and never outside of the folder
// of the file that the configuration names.
func TestTargetsInAnyFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	location := func(target string) string {
		return "kind: Location\nmetadata: {name: all}\nspec: {target: \"" + target + "\"}\n"
	}
	component := func(name string) string {
		return "kind: Component\nmetadata: {name: " + name + "}\nspec: {type: service}\n"
	}
	write("in/top/catalog-info.yaml", component("one"))
	write("in/top/team/shop/catalog-info.yaml", component("two"))
	write("in/top/team/shop/other.yaml", component("other"))
	write("in/top/.git/catalog-info.yaml", component("hidden"))
	write("in/elsewhere/catalog-info.yaml", component("elsewhere"))
	write("outside/catalog-info.yaml", component("outside"))
	for target, want := range map[string]struct {
		names   []string
		refused string
	}{
		"./top/**/catalog-info.yaml":   {[]string{"one", "two"}, ""},
		"top/**/shop/*.yaml":           {[]string{"other", "two"}, ""},
		"./**/shop/**/c*.yaml":         {[]string{"two"}, ""},
		"../**/catalog-info.yaml":      {nil, "outside of the folder in"},
		"../in/**/catalog-info.yaml":   {[]string{"elsewhere", "one", "two"}, ""},
		"./nothing/**/catalog-info.ya": {nil, "matches no file"},
		"./top/**/[.yaml":              {nil, "cannot be followed: syntax error in pattern"},
	} {
		write("in/all.yaml", location(target))
		files := newCatalogFiles(catalog.DefaultEntityRules())
		if err := files.readPattern("in/all.yaml"); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range files.entries.Services {
			names = append(names, s.Name)
		}
		slices.Sort(names)
		if !slices.Equal(names, want.names) {
			t.Errorf("%s: read %v, want %v", target, names, want.names)
		}
		refused := ""
		for _, r := range files.entries.Refused {
			refused += strings.Join(r.Lines(), "\n")
		}
		if (want.refused == "") != (refused == "") || !strings.Contains(refused, want.refused) {
			t.Errorf("%s: refused %q, want %q", target, refused, want.refused)
		}
	}
	files := newCatalogFiles(catalog.DefaultEntityRules())
	if err := files.readPattern("in/**/catalog-info.yaml"); err != nil || len(files.entries.Services) != 3 {
		t.Errorf("a pattern of the configuration: %v, %d services", err, len(files.entries.Services))
	}
}

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
	for _, pattern := range []string{"public/*.yaml", "public/0*.yaml"} {
		if err := files.readPattern(pattern); err != nil {
			t.Fatal(err)
		}
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

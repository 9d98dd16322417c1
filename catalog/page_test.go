package catalog_test

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
)

const page = "../docs/catalog.md"

// section replaces what is between a comment that begins with the word and the next
// end.
func section(t *testing.T, text, word, rows string) string {
	t.Helper()
	at := strings.Index(text, "<!-- "+word+":")
	begin := at + strings.Index(text[max(at, 0):], "\n") + 1
	end := strings.Index(text[max(begin, 0):], "<!-- end -->")
	if at < 0 || end < 0 {
		t.Fatalf("%s has no section %s", page, word)
	}
	return text[:begin] + rows + text[begin+end:]
}

// The page has every annotation that is read, and every example sets something.
func TestPageHasEveryAnnotation(t *testing.T) {
	var read strings.Builder
	read.WriteString("\n| annotation | key | meaning | example |\n|---|---|---|---|\n")
	for _, a := range catalog.Annotations() {
		name, key := "`"+a.Name+"`", "`"+a.Key+"`"
		if a.Label {
			name += ", or a label or annotation `" + strings.TrimPrefix(a.Name, "readiness/") + "`"
		}
		if a.Key == "" {
			key = ""
		}
		_, _ = fmt.Fprintf(&read, "| %s | %s | %s | `%s` |\n", name, key, a.Help, a.Example)
		exampleSetsSomething(t, a)
	}
	read.WriteString("\n")
	var unread strings.Builder
	unread.WriteString("\n| annotation | instead |\n|---|---|\n")
	instead := catalog.UnreadAnnotations()
	for _, name := range slices.Sorted(maps.Keys(instead)) {
		_, _ = fmt.Fprintf(&unread, "| `%s` | %s |\n", name, instead[name])
	}
	unread.WriteString("\n")
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := section(t, section(t, string(have), "annotations", read.String()), "unread", unread.String())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(have) {
		t.Errorf("%s is behind the code; run go test ./catalog -run Page -update", page)
	}
}

func exampleSetsSomething(t *testing.T, a catalog.Annotation) {
	t.Helper()
	// Some annotations add to others.
	base := map[string]string{"jira/project-key": "BASE", "pagerduty.com/service-id": "PBASE"}
	parsed := func(annotations map[string]string) catalog.Entries {
		text := "kind: Component\nmetadata:\n  name: a\n  annotations:\n"
		for name, value := range annotations {
			text += fmt.Sprintf("    %s: %q\n", name, value)
		}
		return catalog.DefaultEntityRules().ParseBackstage("a.yaml", []byte(text))
	}
	without := parsed(base)
	base[a.Name] = a.Example
	with := parsed(base)
	if len(with.Refused) > 0 || reflect.DeepEqual(with.Services, without.Services) {
		t.Errorf("%s: %s sets nothing: %v", a.Name, a.Example, with.Refused)
	}
}

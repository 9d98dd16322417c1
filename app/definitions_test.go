package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prodready/collector/evidence"
)

// TestQueriesOfSeveralSources: every source may ask in its own way; an edit of
// one of them changes the fact, and their order does not.
func TestQueriesOfSeveralSources(t *testing.T) {
	fact := func(query string) []evidence.Definition {
		return []evidence.Definition{{Name: "x.y", Kind: evidence.KindInt, Help: "X.", Query: query}}
	}
	hash := func(queries ...string) string {
		t.Helper()
		all := declarations{}
		for _, q := range queries {
			if err := all.add("s/1", fact(q)); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.addEmbedded("s", fact("embedded")); err != nil || len(all) != 1 {
			t.Fatalf("%d definitions of one fact (%v)", len(all), err)
		}
		return all["x.y"].Hash()
	}
	if hash("a", "b") != hash("b", "a") || hash("a", "a", "b") != hash("b", "b", "a") || hash("", "a") != hash("a") {
		t.Error("the order or number of sources changes the hash")
	}
	if hash("a", "b") == hash("a", "c") || hash("a") == hash("a", "b") {
		t.Error("another query of one source has the same hash")
	}
	other := fact("a")
	other[0].Kind = evidence.KindDouble
	all := declarations{}
	if err := all.add("s/1", fact("a")); err != nil {
		t.Fatal(err)
	}
	err := all.add("s/2", other)
	for _, want := range []string{"s/1", "s/2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("two types of one name: no %s in %v", want, err)
		}
	}
}

// TestTwoKindsOfSourceDeclareOneFact: the same name is one fact, or an error
// that names both.
func TestTwoKindsOfSourceDeclareOneFact(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "collector.yaml")
	err := os.WriteFile(path, []byte(`catalog: {services: [{name: shop, tier: 1, prometheus: [{matchers: {job: shop}}]}]}
sources:
  pagerduty: [{name: main, token_env: TOKEN}]
  prometheus: [{name: main, url: "http://127.0.0.1:1", facts_files: [facts.yaml]}]
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	check := func(unit string) error {
		t.Helper()
		facts := `preset: own
facts:
  - name: pagerduty.oncall_now
    type: int
    unit: ` + unit + `
    help: People on call.
    absent: unknown
    providers: [{via: any, join: job, query: "max by (cluster, namespace, job) (up)"}]
`
		if err := os.WriteFile(filepath.Join(folder, "facts.yaml"), []byte(facts), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Check(t.Context(), Options{ConfigPath: path, Environ: []string{"TOKEN=x"}}, false)
		return err
	}
	err = check("seconds")
	for _, want := range []string{"pagerduty.oncall_now", "facts of prometheus/main", "declared by pagerduty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}

	one := []evidence.Definition{{Name: "x.y", Kind: evidence.KindInt, Help: "X."}}
	all := declarations{}
	if err := errors.Join(all.addEmbedded("a", one), all.add("b/main", one)); err != nil || len(all) != 1 {
		t.Errorf("the same definition twice: %v", err)
	}
	unasked := []evidence.Definition{{Name: "x.y", Kind: evidence.KindInt, Help: "X.", Query: "of a preset"}}
	if err := all.addEmbedded("d", unasked); err != nil || all["x.y"].Query != "" {
		t.Errorf("a fact that nothing asks for is in the way of one that a file gives: %v", err)
	}
	asked := []evidence.Definition{{Name: "x.y", Kind: evidence.KindInt, Help: "X.", Query: "up"}}
	if err := all.add("c/main", asked); err == nil {
		t.Error("another kind of source may ask for something else by the same name")
	}
}

package app

import (
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
		var all []evidence.Definition
		for _, q := range queries {
			var err error
			if all, err = addDefinitions(all, fact(q), "s/1"); err != nil {
				t.Fatal(err)
			}
		}
		if len(all) != 1 {
			t.Fatalf("%d definitions of one fact", len(all))
		}
		return addUnasked(all, fact("embedded"))[0].Hash()
	}
	if hash("a", "b") != hash("b", "a") || hash("a", "a", "b") != hash("b", "b", "a") || hash("", "a") != hash("a") {
		t.Error("the order or number of sources changes the hash")
	}
	if hash("a", "b") == hash("a", "c") || hash("a") == hash("a", "b") {
		t.Error("another query of one source has the same hash")
	}
	other := fact("a")
	other[0].Kind = evidence.KindDouble
	if _, err := addDefinitions(fact("a"), other, "s/2"); err == nil {
		t.Error("two types of one name are accepted")
	}
}

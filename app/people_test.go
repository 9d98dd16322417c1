package app

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

func TestPeopleAreHashedWithAKeyOfTheStore(t *testing.T) {
	facts, err := evidence.NewFacts(nil)
	if err != nil {
		t.Fatal(err)
	}
	hash := func(file, id string) string {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{URL: file, Facts: facts})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		person, err := hashPeople(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return person(id)
	}
	folder := t.TempDir()
	one, two := filepath.Join(folder, "one.db"), filepath.Join(folder, "two.db")
	first := hash(one, "PALICE")
	if len(first) != 2*personBytes || strings.Contains(first, "PALICE") {
		t.Errorf("the hash is %q", first)
	}
	if again := hash(one, "PALICE"); again != first {
		t.Error("a restart makes another person of somebody")
	}
	if hash(one, "PBERTA") == first {
		t.Error("two people are one")
	}
	if hash(two, "PALICE") == first {
		t.Error("the hash does not depend on the store's key, so that it could be looked up")
	}
	if got := hash(one, ""); got != "" {
		t.Errorf("nobody is %q", got)
	}
}

package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// TestASourceOfTheSameInputsIsKept: a source whose configuration has not changed is the
// same one after a reload, with what it remembers; with another configuration it is made
// anew.
func TestASourceOfTheSameInputsIsKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "collector.yaml")
	write := func(interval, timeout string) {
		t.Helper()
		text := `store: {url: ` + filepath.Join(folder, "s.db") + `}
evaluation: {interval: ` + interval + `}
sources:
  file: [{name: ci, files: [facts.yaml], timeout: ` + timeout + `, facts: [{name: test.x, type: bool, help: X.}]}]
`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("30s", "30s")
	a, err := New(t.Context(), Options{ConfigPath: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := a.reloader
	before := r.config().instances[0].source
	for _, test := range []struct {
		interval, timeout string
		kept              bool
	}{{"30s", "30s", true}, {"40s", "30s", true}, {"30s", "29s", false}} {
		write(test.interval, test.timeout)
		valid, err := r.options.load()
		if err != nil {
			t.Fatal(err)
		}
		next, err := r.build(valid, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := next.instances[0].source == before; got != test.kept {
			t.Errorf("%+v: the source is kept: %t", test, got)
		}
	}
}

package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command's help says its exit codes and an example in 80 columns; the flags of
// all commands are in the help of the program alone.
func TestHelp(t *testing.T) {
	var visit func(cmd *cobra.Command, path []string)
	visit = func(cmd *cobra.Command, path []string) {
		var out, errs bytes.Buffer
		if code := execute(t.Context(), append(slices.Clone(path), "--help"), nil, &out, &errs); code != exitOK {
			t.Errorf("%q exits %d: %s", path, code, errs.String())
		}
		help := out.String()
		for line := range strings.Lines(help) {
			if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
				t.Errorf("%q: longer than 80 columns: %s", path, line)
			}
		}
		wanted := []string{"Exit codes:", "Examples:", "see collector --help"}
		if len(path) == 0 {
			wanted = []string{"Exit codes:", "Start with:", "--config", "--store.url"}
		}
		for _, want := range wanted {
			if !strings.Contains(help, want) {
				t.Errorf("%q: the help lacks %q:\n%s", path, want, help)
			}
		}
		if strings.Contains(help, "--store.url string") != (len(path) == 0) {
			t.Errorf("%q: flags of all commands:\n%s", path, help)
		}
		for _, c := range cmd.Commands() {
			if !c.Hidden && c.Name() != "help" {
				visit(c, append(slices.Clone(path), c.Name()))
			}
		}
	}
	visit(newRoot(&streams{}), nil)
}

// A table that goes to a pipe is as wide as COLUMNS says.
func TestAPipedTableFitsTheColumns(t *testing.T) {
	s := newSite(t)
	s.environ = []string{"COLUMNS=60"}
	out, errs, code := s.run("collect", "--once")
	if code != exitOK || !strings.Contains(out, "checkout") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 60 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

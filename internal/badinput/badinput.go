// Package badinput tests the messages about bad input. A file has inputs and, after
// each, the exact message:
//
//	=== an unknown key
//	log: {lvel: info}
//	=== says
//	config.yaml:1: log: unknown key "lvel", did you mean "level"?
package badinput

import (
	"os"
	"strings"
	"testing"
)

const (
	beginsCase    = "=== "
	beginsMessage = "=== says\n"
)

// Run calls read with every input of the file and compares its error with the
// message in the file, which is "(accepted)" where there is no error. With update it
// writes the file with the messages of read.
func Run(t *testing.T, file string, update bool, read func(t *testing.T, input string) error) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	cases := strings.Split("\n"+string(text), "\n"+beginsCase)[1:]
	for i := 0; i+1 < len(cases); i += 2 {
		name, input, _ := strings.Cut(cases[i], "\n")
		want, isMessage := strings.CutPrefix(cases[i+1]+"\n", strings.TrimPrefix(beginsMessage, beginsCase))
		if !isMessage && cases[i+1] != "says" {
			t.Fatalf("%s: %q has no line %q after its input", file, name, strings.TrimSpace(beginsMessage))
		}
		if input != "" {
			input += "\n"
		}
		t.Run(name, func(t *testing.T) {
			got := "(accepted)\n"
			if err := read(t, input); err != nil {
				got = err.Error() + "\n"
			}
			written.WriteString(beginsCase + name + "\n" + input + beginsMessage + got)
			if want = strings.TrimRight(want, "\n") + "\n"; got != want && !update {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
	if len(cases) == 0 || len(cases)%2 != 0 {
		t.Fatalf("%s: %d parts, want inputs with their messages", file, len(cases))
	}
	if update && !t.Failed() {
		if err := os.WriteFile(file, []byte(written.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

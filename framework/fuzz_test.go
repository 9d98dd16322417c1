package framework

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prodready/collector/evidence"
)

// FuzzFramework: whatever is in a file, reading it ends with a framework or with errors that
// name the file and the line, each in one line.
func FuzzFramework(f *testing.F) {
	for _, file := range []string{"messages.txt", "change_messages.txt", "module_messages.txt"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "\n=== ") {
			if _, input, ok := strings.Cut(part, "\n"); ok {
				f.Add([]byte(input))
			}
		}
	}
	f.Add([]byte(bomb))
	base := []byte(strings.Replace(frame, "PASS", "deploy.automated", 1))
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "pagerduty.oncall_now", Kind: evidence.KindInt, Help: "people"},
		{Name: "deploy.automated", Kind: evidence.KindBool, Help: "yes"},
	})
	if err != nil {
		f.Fatal(err)
	}
	place := regexp.MustCompile(`^(f|mine|base)\.yaml:[1-9][0-9]*: .`)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, files := range [][]File{
			{{Name: "f.yaml", Data: data}},
			{{Name: "base.yaml", Data: base}, {Name: "mine.yaml", Data: data}},
		} {
			document, err := Parse(files)
			if err == nil {
				if merged, err := document.Merged(); err != nil {
					t.Fatalf("it cannot be written as one file: %v", err)
				} else if _, err := Parse([]File{merged}); err != nil {
					t.Fatalf("as one file it cannot be read: %v\n%s", err, merged.Data)
				}
				_ = document.Lint()
				_, err = Compile(document, facts)
			}
			if err == nil {
				continue
			}
			for line := range strings.Lines(err.Error()) {
				if !place.MatchString(line) {
					t.Errorf("without file and line: %q", line)
				}
			}
		}
	})
}

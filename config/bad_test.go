package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prodready/collector/config"
)

var update = flag.Bool("update", false, "write the error texts of testdata/bad anew")

// Every file of testdata/bad breaks one rule, or a few that belong together.
// The text beside it is exactly what a person reads.
func TestBadConfiguration(t *testing.T) {
	t.Chdir(filepath.Join("testdata", "bad"))
	names, err := filepath.Glob("*.yaml")
	if err != nil || len(names) < 30 {
		t.Fatalf("found %d files (%v), want at least 30", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			valid, err := config.Load(config.Options{Path: name})
			if err == nil {
				t.Fatalf("loaded without an error: %v", valid)
			}
			got := err.Error() + "\n"
			golden := strings.TrimSuffix(name, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("the error shows a secret")
			}
			for line := range strings.Lines(got) {
				if !strings.HasPrefix(line, name) {
					t.Errorf("the line does not begin with its place: %s", line)
				}
			}
		})
	}
}

// An error text without a configuration tests nothing.
func TestBadConfigurationHasNoOrphans(t *testing.T) {
	texts, err := filepath.Glob(filepath.Join("testdata", "bad", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if _, err := os.Stat(strings.TrimSuffix(text, ".txt") + ".yaml"); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

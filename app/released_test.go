package app

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
)

var release = flag.Bool(
	"release", false, "write testdata/released.txt and released.yaml: the default framework is released",
)

// releasedFile lists the checks that the last tag, or before it the first one, has, each
// after the version that brought it.
const releasedFile = "../framework/testdata/released.txt"

// releasedText is the default framework as one file, as the last tag of the program has it;
// before the first tag, as that will.
const releasedText = "../framework/testdata/released.yaml"

// TestTheVersionOfTheDefaultSaysWhatHasChanged: since the last release.
func TestTheVersionOfTheDefaultSaysWhatHasChanged(t *testing.T) {
	t.Parallel()
	sheet := newFactSheet(t)
	document, err := framework.Load(releasedText)
	if err != nil {
		t.Fatal(err)
	}
	released, err := framework.Compile(document, sheet.config.Facts)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range framework.Compare(released, sheet.config.Framework).Versions() {
		t.Error(fault)
	}
}

// TestNewChecksAreAnnounced: a check that no release has would fail services
// overnight. It says which coming version brings it, and counts from a day after
// that version's.
func TestNewChecksAreAnnounced(t *testing.T) {
	f := newFactSheet(t).config.Framework
	if *release {
		var b strings.Builder
		for _, c := range f.Checks {
			b.WriteString(c.Since + " " + c.ID + "\n")
		}
		merged, err := newFactSheet(t).config.Document.Merged()
		if err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string][]byte{releasedFile: []byte(b.String()), releasedText: merged.Data} {
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	text, err := os.ReadFile(releasedFile)
	if err != nil {
		t.Fatal(err)
	}
	since, versions := map[string]string{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		version, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		since[id], versions[version] = version, true
	}
	for _, fault := range unannounced(f, since, versions) {
		t.Error(fault)
	}
}

// unannounced lists what is wrong with the announcement of checks.
func unannounced(f *framework.Framework, released map[string]string, versions map[string]bool) (faults []string) {
	dates := map[string]time.Time{}
	for _, change := range f.Changelog {
		dates[change.Version] = change.Date
	}
	for _, c := range f.Checks {
		date, noted := dates[c.Since]
		switch version, known := released[c.ID]; {
		case !noted:
			faults = append(faults, c.ID+": since "+c.Since+" is no version of the changelog")
		case known && version != c.Since:
			faults = append(faults, c.ID+": since "+c.Since+", but it was released with "+version)
		case known:
		case versions[c.Since]:
			faults = append(
				faults,
				c.ID+" is new, and version "+c.Since+" is released: give it a since and a changelog entry of the coming one",
			)
		case !c.EnforceFrom.After(date):
			faults = append(
				faults, c.ID+" is new: give it an enforce_from after the date of version "+c.Since+", so that owners can prepare",
			)
		}
	}
	return faults
}

func TestUnannouncedChecksAreFound(t *testing.T) {
	f := newFactSheet(t).config.Framework
	released, versions := map[string]string{}, map[string]bool{}
	for _, c := range f.Checks {
		released[c.ID] = c.Since
	}
	if faults := unannounced(f, released, versions); len(faults) != 0 {
		t.Fatalf("%q", faults)
	}
	delete(released, f.Checks[0].ID)
	if faults := unannounced(f, released, versions); len(faults) != 1 || !strings.Contains(faults[0], "enforce_from") {
		t.Errorf("a new check without enforce_from: %q", faults)
	}
	versions[f.Checks[0].Since] = true
	if faults := unannounced(f, released, versions); len(faults) != 1 || !strings.Contains(faults[0], "is released") {
		t.Errorf("a new check of a released version: %q", faults)
	}
	released[f.Checks[0].ID] = "0.9.0"
	if faults := unannounced(f, released, versions); len(faults) != 1 || !strings.Contains(faults[0], "0.9.0") {
		t.Errorf("a check that moved to another version: %q", faults)
	}
}

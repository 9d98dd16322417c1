package project

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/demo/company"
	"github.com/prodready/collector/framework"
)

// TestNewChecksStayScheduled: a check with an enforce_from, whatever its day, is
// one that the company does not practise and that the demo does not count.
func TestNewChecksStayScheduled(t *testing.T) {
	files, err := framework.Default()
	if err != nil {
		t.Fatal(err)
	}
	original, err := framework.Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	check := &files[2].Data
	*check = append(*check, []byte("enforce_from: \"2020-01-01\"\n")...)
	scheduled := 0
	for _, f := range files {
		scheduled += bytes.Count(f.Data, []byte("\nenforce_from: "))
	}
	file, err := merged(files, time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(file.Data, []byte(` enforce_from: "2031-05-01"`)); got != scheduled || scheduled < 2 {
		t.Errorf("%d of %d checks with an enforce_from are scheduled", got, scheduled)
	}
	document, err := framework.Parse([]framework.File{file})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := document.Checks(), original.Checks(); !slices.Equal(got, want) {
		t.Errorf("the merged file has the checks %q, want %q", got, want)
	}
	practised, err := company.ChecksOf(files)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(practised), len(original.Checks())-scheduled; got != want {
		t.Errorf("the company practises %d checks, want the %d without an enforce_from", got, want)
	}
}

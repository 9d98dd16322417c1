package app

import (
	"testing"

	"github.com/prodready/collector/framework"
)

// TestTheFrameworkAsOneFile: the default framework in one file is loaded, and judges as
// the files do.
func TestTheFrameworkAsOneFile(t *testing.T) {
	w := newFactSheet(t).config
	file, err := w.Document.Merged()
	if err != nil {
		t.Fatal(err)
	}
	document, err := framework.Parse([]framework.File{file})
	if err != nil {
		t.Fatal(err)
	}
	again, err := framework.Compile(document, w.Facts)
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash != w.Framework.Hash || len(again.Checks) != len(w.Framework.Checks) {
		t.Errorf("%d checks of meaning %s, want %d of %s", len(again.Checks), again.Hash, len(w.Framework.Checks),
			w.Framework.Hash)
	}
	for i, c := range again.Checks {
		if want := w.Framework.Checks[i]; c.ID != want.ID || c.Title != want.Title || c.Example.Text != want.Example.Text {
			t.Errorf("%s is %q, want %s: %q", c.ID, c.Title, want.ID, want.Title)
		}
	}
}

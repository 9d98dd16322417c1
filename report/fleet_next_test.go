package report

import (
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// The overview says what is left to the next badge and where to read on, also in a
// narrow terminal.
func TestTheFleetSaysWhatComesNext(t *testing.T) {
	fleet := NewFleet(company(t))
	out := tableOf(t, fleet, Style{Width: 80})
	for _, want := range []string{"GAP TO NEXT", "2 to Gold", "Bronze in 21 h", "Silver in 9 h: proved, and awarded then",
		"next: `collector score SERVICE` says", "`collector framework coverage`"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	f := newFixture(t)
	f.add(catalog.Service{Name: "a", Tier: 1}, held(framework.Gold), complete())
	if out := tableOf(t, NewFleet(f.snapshot()), Style{Width: 80}); strings.Contains(out, "next:") {
		t.Errorf("nothing lacks\n%s", out)
	}
}

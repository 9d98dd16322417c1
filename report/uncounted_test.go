package report

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

func TestARoundShowsWhatCouldNotBeUsed(t *testing.T) {
	facts, err := evidence.NewFacts(nil)
	if err != nil {
		t.Fatal(err)
	}
	table := func(found ...evidence.Uncounted) string {
		r := NewRound("prometheus/main", "anew", facts, 1, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
		r.Uncounted = found
		r.Finish(time.Second)
		var b strings.Builder
		if err := r.WriteTable(&b, Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := table(evidence.Uncounted{
		Kind: evidence.UncountedSeries, Total: 1234,
		Reasons: map[evidence.UncountedReason]int{
			evidence.UncountedUnknownService: 1200, evidence.UncountedNoReference: 34,
		},
		Largest: []evidence.UncountedGroup{
			{Name: "workload shop/cart", Reason: evidence.UncountedUnknownService, Count: 1200},
		},
	})
	for _, want := range []string{
		"NOT COUNTED", "workload shop/cart    1,200  of no service in the catalog",
		"1,234 series of prometheus/main could not be used, or only in part: 34 without\n" +
			"  anything that the catalog could name, 1,200 of no service in the catalog.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for _, none := range []string{table(), table(evidence.Uncounted{Kind: evidence.UncountedSeries})} {
		if strings.Contains(none, "NOT COUNTED") {
			t.Errorf("a table of nothing in\n%s", none)
		}
	}
}

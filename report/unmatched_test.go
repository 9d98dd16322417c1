package report

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
)

func TestARoundShowsTheSeriesOfNobody(t *testing.T) {
	facts, err := evidence.NewFacts(nil)
	if err != nil {
		t.Fatal(err)
	}
	table := func(u *evidence.Unmatched) string {
		r := NewRound("prometheus/main", "anew", facts, 1, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
		r.Unmatched = u
		r.Finish(time.Second)
		var b strings.Builder
		if err := r.WriteTable(&b, Style{Width: 100}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := table(&evidence.Unmatched{Series: 1234,
		Largest: []evidence.UnmatchedGroup{{Name: "workload shop/cart", Series: 1200}}})
	for _, want := range []string{"SERIES OF NO SERVICE", "workload shop/cart", "belong to no service of the catalog"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for _, none := range []*evidence.Unmatched{nil, {}} {
		if text := table(none); strings.Contains(text, "SERIES OF NO SERVICE") {
			t.Errorf("a table of nothing in\n%s", text)
		}
	}
}

package report

import (
	"bytes"
	"io"
	"testing"
)

func TestViewsLookAsTheyDid(t *testing.T) {
	s := company(t)
	fleet, coverage := NewFleet(s), NewCoverage(s)
	card := func(name string) Scorecard {
		c, ok := NewScorecard(s, name)
		if !ok {
			t.Fatalf("no scorecard of %s", name)
		}
		return c
	}
	styled := func(write func(io.Writer, Style) error, style Style) func(io.Writer) error {
		return func(w io.Writer) error { return write(w, style) }
	}
	check := func(service, id string) func(io.Writer, Style) error {
		c := card(service)
		return func(w io.Writer, style Style) error { return c.WriteCheck(w, checkNamed(t, c, id), style) }
	}
	for name, write := range map[string]func(io.Writer) error{
		"fleet.txt":                styled(fleet.WriteTable, Style{}),
		"fleet-80.txt":             styled(fleet.WriteTable, Style{Width: 80}),
		"fleet-colour.txt":         styled(fleet.WriteTable, Style{Colour: true}),
		"fleet.csv":                fleet.WriteCSV,
		"fleet.json":               fleet.WriteJSON,
		"failing.txt":              styled(card("checkout").WriteText, Style{}),
		"failing-all.txt":          styled(card("checkout").WriteText, Style{All: true}),
		"failing-all-60.txt":       styled(card("checkout").WriteText, Style{All: true, Width: 60}),
		"failing-60.txt":           styled(card("checkout").WriteText, Style{Width: 60}),
		"check-fails.txt":          styled(check("checkout", "cicd.rollback"), Style{}),
		"check-passes.txt":         styled(check("checkout", "cicd.source"), Style{}),
		"check-scheduled.txt":      styled(check("checkout", "legal.signed"), Style{}),
		"check-unknown.txt":        styled(check("gateway", "inc.on-call"), Style{Width: 60}),
		"check-not-applicable.txt": styled(check("checkout", "inc.restored"), Style{}),
		"check-exempt.txt":         styled(check("ledger", "inc.acknowledged"), Style{}),
		"failing.csv":              card("checkout").WriteCSV,
		"failing.json":             card("checkout").WriteJSON,
		"held.txt":                 styled(card("gateway").WriteText, Style{}),
		"exempt.txt":               styled(card("ledger").WriteText, Style{}),
		"awarding.txt":             styled(card("search").WriteText, Style{}),
		"not-judged.txt":           styled(card("attic").WriteText, Style{}),
		"wide.txt":                 styled(card("在庫管理").WriteText, Style{}),
		"coverage.txt":             styled(coverage.WriteTable, Style{}),
		"coverage-all-70.txt":      styled(coverage.WriteTable, Style{All: true, Width: 70}),
		"coverage.json":            coverage.WriteJSON,
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		})
	}
}

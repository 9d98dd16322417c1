package report

import (
	"fmt"
	"strings"
	"testing"
)

// Names are to be copied: no width cuts or breaks one. What has no room beside them
// stands below.
func TestTablesKeepNamesWhole(t *testing.T) {
	names := []string{"data.lower-environments-cleaned", "inc.on-call"}
	facts := []string{"pagerduty.machine_acknowledged_ratio_90d", "deploy.last_abort_age_days"}
	for _, limit := range []int{60, 80, 100} {
		g := &grid{columns: []column{
			{head: "CHECK", min: 20, whole: true}, {head: "LEVEL", right: true, drop: 1}, {head: "DECIDED", right: true},
			{head: "TEXT", min: 10, wrap: true}, {head: "WANTS", min: 24, whole: true, fold: true},
		}}
		for _, name := range names {
			g.rows = append(g.rows, []string{name, "1", "0/12", "some words of text", strings.Join(facts, ", ")})
		}
		var b strings.Builder
		g.write(&b, Style{Width: limit})
		out := b.String()
		for line := range strings.Lines(out) {
			if size := textWidth(strings.TrimSuffix(line, "\n")); size > limit {
				t.Errorf("%d: a line of %d: %s", limit, size, line)
			}
		}
		for _, name := range append(names, facts...) {
			if n := strings.Count(out, name); n == 0 || strings.Contains(out, "…") {
				t.Errorf("%d: %s is not whole in\n%s", limit, name, out)
			}
		}
		first := strings.Index(out, facts[0])
		if strings.Index(out, names[0]) > first || first > strings.Index(out, names[1]) {
			t.Errorf("%d: what is below a row is not that row's\n%s", limit, out)
		}
	}
}

// The table of coverage cuts no id, so that each can be copied from a narrow terminal,
// and a legend explains the reasons.
func TestCoverageHasWholeNamesAndExplainsReasons(t *testing.T) {
	c := NewCoverage(newFixture(t).snapshot())
	for _, limit := range []int{40, 60, 80} {
		var b strings.Builder
		if err := c.WriteTable(&b, Style{All: true, Width: limit}); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		for _, check := range c.Checks {
			if !strings.Contains(out, check.ID) {
				t.Errorf("%d: no %s", limit, check.ID)
			}
		}
		for _, fact := range c.Facts {
			if !strings.Contains(out, fact.Name) {
				t.Errorf("%d: no %s", limit, fact.Name)
			}
			for _, r := range fact.Missing {
				if text := fmt.Sprintf("%s: %s", r.Reason, missingWords(r.Reason)); !strings.Contains(
					strings.Join(strings.Fields(out), " "), text) {
					t.Errorf("%d: %q is not said", limit, text)
				}
			}
		}
	}
}

// Messages wrap between words, and continue below their text.
func TestMessagesWrap(t *testing.T) {
	const id = "pagerduty.machine_acknowledged_ratio_90d_of_all_accounts"
	text := "collector: some words that are too long for the line\n  and " + id
	want := "collector: some words that are too long\n  for the line\n  and\n    " + id
	if got := WrapLines(text, 42); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := WrapLines(text, 0); got != text {
		t.Errorf("got\n%s", got)
	}
}

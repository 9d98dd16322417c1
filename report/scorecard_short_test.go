package report

import (
	"strings"
	"testing"
)

// The short form fits a terminal of 80 columns and 40 rows, and names the part of a
// check that failed.
func TestTheShortScorecardFitsAScreen(t *testing.T) {
	s := company(t)
	for _, service := range NewFleet(s).Services {
		card, _ := NewScorecard(s, service.Service)
		text := textOf(t, card, Style{Width: 80})
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		if len(lines) > 40 {
			t.Errorf("%s: %d lines\n%s", service.Service, len(lines), text)
		}
		for _, line := range lines {
			if textWidth(line) > 80 {
				t.Errorf("%s: %d columns: %s", service.Service, textWidth(line), line)
			}
		}
	}
}

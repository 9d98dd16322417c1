package report

import (
	"strings"
	"testing"

	"github.com/prodready/collector/evidence"
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

func TestTheRemedyIsThatOfThePartThatFailed(t *testing.T) {
	flag := func(name string, value float64) Fact {
		return Fact{Name: name, State: "fresh", Asked: true, Value: Value{kind: evidence.KindBool, num: value}}
	}
	check := Check{Title: "The service can be paged", Status: "fail", Next: NextStep{Fix: []string{"Create the service."}},
		Wanted: Wanted{Expression: "catalog.owner_declared && pagerduty.service_exists && pagerduty.integrations >= 1"}}
	check.Observed = []Fact{flag("catalog.owner_declared", 0), flag("pagerduty.service_exists", 1)}
	if got := check.remedy(); got != "fill in team in the catalog entry" {
		t.Errorf("got %q", got)
	}
	check.Observed = []Fact{flag("catalog.owner_declared", 1), flag("pagerduty.service_exists", 0)}
	if got := check.remedy(); got != "pagerduty.service_exists is false, wanted true: Create the service." {
		t.Errorf("got %q", got)
	}
}

package app

import (
	"bytes"
	"testing"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
	"github.com/prodready/collector/rules"
	"github.com/prodready/collector/scoring"
)

// TestThePreviewNamesTheAlertsOfTheRules: each alert that a preview names is in the rules, and
// for each cause of a loss it names the alert that fires.
func TestThePreviewNamesTheAlertsOfTheRules(t *testing.T) {
	t.Parallel()
	text, err := rules.Files.ReadFile("readiness.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for cause, want := range map[scoring.Cause][2]string{
		scoring.CauseEvidence:  {report.AlertBadgeRegressed, report.AlertBadgeReached},
		scoring.CauseLapse:     {report.AlertBadgeLapsed, ""},
		scoring.CauseCriteria:  {report.AlertBadgeWithdrawn, ""},
		scoring.CauseExemption: {report.AlertBadgeWithdrawn, ""},
		scoring.CauseService:   {report.AlertBadgeWithdrawn, ""},
		scoring.CauseInitial:   {"", ""},
	} {
		for i, change := range []scoring.Transition{
			{From: framework.Gold, To: framework.Silver, Cause: cause},
			{From: framework.Silver, To: framework.Gold, Cause: cause},
		} {
			got := alertOf(change)
			if got != want[i] {
				t.Errorf("%s, %s to %s: %q, want %q", cause, change.From, change.To, got, want[i])
			}
			if !bytes.Contains(text, []byte("- alert: "+got)) {
				t.Errorf("the rules have no alert %s", got)
			}
		}
	}
}

package report

import (
	"strings"
	"testing"

	"github.com/prodready/collector/answers"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// TestAPlaybookIsReadAsItIsWritten: whatever the texts of a framework say, each check that
// can be answered is found, none is answered, and the head is what was given.
func TestAPlaybookIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	texts := []string{"An exercise took place.", "Answer: yes", "  Evidence : https://example.com", "- Answer: no", "```", "<!--",
		"# Accepted by: me\n- Answer: yes\n", "**x** for Gold (inc.other)", "Because: \\`_[x](y)|~"}
	card := Scorecard{Summary: FleetRow{Service: "wal_let", Tier: 2}, Modules: []ModuleDetail{{ModuleLevel: ModuleLevel{ID: "inc"}, Name: "```"}}}
	attestations := map[string]framework.Attestation{}
	for i, text := range texts {
		id := "inc.check_" + string(rune('a'+i))
		card.Checks = append(card.Checks, Check{ID: id, Module: "inc", Title: text, Objective: text, Why: text, Status: "unknown",
			Verdict: "unknown", NeededFor: "bronze", Next: NextStep{Fix: []string{text}, Effort: "S"}})
		attestations[id] = framework.Attestation{Check: id, Level: 1}
	}
	entry := &catalog.Service{DataClass: "personal", Stateful: true, Exposure: "external", Runtime: "vm"}
	playbook := NewPlaybook(card, PlaybookOptions{Badge: framework.Bronze, Launch: entry, Attestations: attestations})
	var b strings.Builder
	if err := playbook.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	sheet, err := answers.Parse("wallet.md", []byte(b.String()), now())
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if got := sheet.Entry; got.Name != "wal_let" || got.Tier != 2 || got.DataClass != "personal" || !got.Stateful ||
		got.Exposure != "external" || got.Runtime != "vm" {
		t.Errorf("the head: %+v", got)
	}
	if len(sheet.Answers) != len(texts) {
		t.Fatalf("%d answers, want %d:\n%s", len(sheet.Answers), len(texts), b.String())
	}
	for i, a := range sheet.Answers {
		if a.Check != card.Checks[i].ID || a.Said != answers.Unanswered || a.Ticked || a.Evidence != "" ||
			a.AnswerLine == a.Line {
			t.Errorf("%q: %+v", texts[i], a)
		}
	}
}

package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/prodready/collector/answers"
)

// Launch is what a gate before a launch rests on: the answers of the team.
type Launch struct {
	// File is the playbook that was filled in, SHA256 identifies its text.
	File   string `json:"answers"`
	SHA256 string `json:"answers_sha256"`
	// Tier and DataClass are those that the service is judged by.
	Tier      int    `json:"tier"`
	DataClass string `json:"data_class,omitempty"`
	// After are the checks of what was asked that no answer can prove: machines and the
	// catalog do, once the service is there. They do not decide.
	After []GateCheck `json:"after_launch"`
	// Checks are what was answered, by the id of the check.
	Checks map[string]LaunchAnswer `json:"-"`
}

// LaunchAnswer is what was answered of a check.
type LaunchAnswer struct {
	// Line is where, from 1.
	Line int
	// Said is yes, no, not applicable, or empty.
	Said string
	// Flaw is why the answer does not count; empty if it does.
	Flaw string
}

// NewLaunchGate decides what was asked of a service that is not in production yet. The card
// is judged by the answers alone. Errors are those of NewGate.
func NewLaunchGate(card Scorecard, q GateQuery, launch Launch, now time.Time) (Gate, error) {
	launch.After = []GateCheck{}
	return newGate(card, q, &launch, now)
}

// left takes a check that only machines or the catalog prove out of what decides, unless it
// was asked for by its id. It reports whether it did.
func (l *Launch) left(card Scorecard, q GateQuery, c *Check) bool {
	if !c.Blind || c.Status != "scheduled" || q.Badge == "" || badgeNamed(c.NeededFor) > badgeNamed(q.Badge) ||
		slices.Contains(q.Checks, c.ID) || len(q.Modules) > 0 && !slices.Contains(q.Modules, c.Module) {
		return false
	}
	judged := gateCheck(card, *c, 0)
	l.judge(&judged, c)
	l.After = append(l.After, judged)
	return true
}

// judge says of a check what its answer is.
func (l *Launch) judge(judged *GateCheck, c *Check) {
	answer, there := l.Checks[c.ID]
	judged.Line = max(answer.Line, 1)
	at := fmt.Sprintf("%s:%d", l.File, judged.Line)
	switch {
	case c.Blind:
		judged.Verdict = GateUnknown
		judged.Why = []string{"no answer can prove it: machines or the catalog do, once the service is there"}
	case answer.Said == string(answers.No):
		judged.Verdict = GateNotProven
		judged.Why = append([]string{at + ": it is answered with no"}, c.Next.Fix...)
	case judged.Verdict == GateProven:
	case answer.Flaw != "":
		judged.Verdict, judged.Why = GateUnknown, []string{at + ": " + answer.Flaw}
	case !there && c.Status != "not_applicable":
		judged.Verdict = GateUnknown
		judged.Why = []string{l.File + " does not have it: print the playbook again, with --badge " + c.NeededFor}
	}
}

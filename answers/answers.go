// Package answers reads what a team has answered in the playbook of a service that is not
// in production yet. The playbook is Markdown; its head has lines such as
//
//   - Tier: 1
//   - Answered by: ann
//
// and each check that people can attest ends with
//
//   - Answer: yes
//   - Evidence: https://wiki.example.com/runbook
//
// Nothing but these lines is read.
package answers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/nearest"
)

// The fields of the head, as the playbook prints them.
const (
	FieldService   = "Service"
	FieldTier      = "Tier"
	FieldDataClass = "Data class"
	FieldStateful  = "Stateful"
	FieldExposure  = "Exposure"
	FieldRuntime   = "Runtime"
)

// The fields of a check. Those of who and when may be in the head, too: they are then for
// all checks that do not say otherwise.
const (
	FieldAnswer   = "Answer"
	FieldEvidence = "Evidence"
	FieldBecause  = "Because"
	FieldBy       = "Answered by"
	FieldOn       = "Answered on"
	FieldAccepted = "Accepted by"
)

func headFields() []string {
	return []string{FieldService, FieldTier, FieldDataClass, FieldStateful, FieldExposure, FieldRuntime,
		FieldBy, FieldOn, FieldAccepted}
}

func checkFields() []string {
	return []string{FieldAnswer, FieldEvidence, FieldBecause, FieldBy, FieldOn, FieldAccepted}
}

// IsField reports whether a line of a check would be read as a field of its answer.
func IsField(line string) bool {
	key, _, ok := strings.Cut(line, ":")
	_, isField := known(strings.TrimSpace(key), checkFields())
	return ok && isField
}

// Said is an answer. The set is closed.
type Said string

// The answers. A check that has no answer is not said to fail.
const (
	Unanswered    Said = ""
	Yes           Said = "yes"
	No            Said = "no"
	NotApplicable Said = "not applicable"
)

// Sheet is a playbook that a team has filled in.
type Sheet struct {
	// File is its name, for messages.
	File string
	// Entry is what the head says of the service; Lines has the lines of the fields that
	// have a value.
	Entry catalog.Service
	Lines map[string]int
	// Answers are by the id of the check, in the order of the file.
	Answers []Answer
}

// Answer is what the team says of a check.
type Answer struct {
	Check string
	// Line is that of the check's title, from 1; AnswerLine that of the answer, or Line.
	Line, AnswerLine int
	Said             Said
	// Ticked reports that the box before the title has a cross.
	Ticked bool
	// Evidence is an address, empty for none.
	Evidence string
	// Because is why the check does not apply.
	Because string
	// By is who answered, AcceptedBy who agreed; On is the day, at midnight UTC. All may be
	// empty.
	By, AcceptedBy string
	On             time.Time
}

// Rules are what an answer takes to count.
type Rules struct {
	NeedsLink, NeedsSecondPerson bool
	// Level is that of the check, for the message.
	Level int
	// ValidFor is how long the answer is good from its day on.
	ValidFor time.Duration
}

// Flaw is why an answer of yes or not applicable does not count; empty if it does. They are
// the rules for the tickets of Jira that attest, and those for exemptions.
func (a *Answer) Flaw(r Rules, now time.Time) string {
	switch {
	case a.Said == Unanswered && a.Ticked:
		return "it is ticked and not answered: write `Answer: yes`, and who and when"
	case a.Said == Unanswered:
		return "it is not answered"
	case a.Said == No:
		return ""
	case a.By == "":
		return "it is not said who answered: write `Answered by:`, here or in the head"
	case a.On.IsZero():
		return "it is not said when it was answered: write `Answered on:` with a day, here or in the head"
	case !now.Before(a.On.Add(r.ValidFor)):
		return "the answer is older than " + days(r.ValidFor) + ": look again, and write the new day"
	case a.Said == NotApplicable:
		return a.flawOfNotApplicable()
	case r.NeedsLink && a.Evidence == "":
		return fmt.Sprintf("it has no link to evidence, which level %d needs: write `Evidence:`", r.Level)
	case r.NeedsSecondPerson && !a.secondPerson():
		return fmt.Sprintf("nobody else has accepted it, and level %d needs a second person: write `Accepted by:`", r.Level)
	}
	return ""
}

func (a *Answer) flawOfNotApplicable() string {
	switch {
	case a.Because == "":
		return "it is not said why it does not apply: write `Because:`"
	case !a.secondPerson():
		return "nobody else agrees that it does not apply: write `Accepted by:` with another person"
	}
	return ""
}

// secondPerson reports whether somebody else than who answered has agreed.
func (a *Answer) secondPerson() bool {
	return a.AcceptedBy != "" && !strings.EqualFold(a.AcceptedBy, a.By)
}

// suggest names the field that was probably meant by a key that is none.
func suggest(key string, fields []string) (string, bool) {
	lower := make([]string, len(fields))
	for i, f := range fields {
		lower[i] = strings.ToLower(f)
	}
	found, ok := nearest.Name(strings.ToLower(key), lower)
	if !ok {
		return "", false
	}
	return fields[slices.Index(lower, found)], true
}

// firstAddress is the first web address in a text: bare, in angle brackets or in
// parentheses, as Markdown has them.
func firstAddress(text string) string {
	at := strings.Index(text, "https://")
	if i := strings.Index(text, "http://"); i >= 0 && (at < 0 || i < at) {
		at = i
	}
	if at < 0 {
		return ""
	}
	end, inside := text[at:], text[:at]
	stop := " \t<>\"`"
	if strings.HasSuffix(inside, "(") {
		stop += ")"
	}
	if i := strings.IndexAny(end, stop); i >= 0 {
		end = end[:i]
	}
	u, err := url.Parse(end)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	return end
}

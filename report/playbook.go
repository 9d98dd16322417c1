package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/answers"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
)

// Playbook is a self-assessment that a team works through without a meeting: the checks of
// a service up to a badge, with what is known of each and what is left to do.
type Playbook struct {
	Service string `json:"service"`
	Team    string `json:"team,omitempty"`
	Tier    int    `json:"tier"`
	// At is the time of what is known.
	At        time.Time `json:"at"`
	Framework Framework `json:"framework"`
	// Held is the badge that is held, and Badge the one that the playbook leads to.
	Held  string `json:"held"`
	Badge string `json:"badge"`
	// Launch is true for a service that is not in production yet: nothing is known of it.
	Launch bool `json:"launch"`
	// Entry is what was said of a service that is not in production yet.
	Entry   *catalog.Service `json:"-"`
	Modules []PlaybookModule `json:"modules"`
}

// PlaybookModule are the checks of one module, the lowest badge first.
type PlaybookModule struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Checks []PlaybookCheck `json:"checks"`
}

// PlaybookCheck is one question to the team.
type PlaybookCheck struct {
	Check
	// Label is that of the sub-task which attests the check, also where it is proved now;
	// empty where the check cannot be attested.
	Label string `json:"label,omitempty"`
	// NeedsLink and NeedsSecondPerson are what an attestation of the level takes.
	NeedsLink         bool `json:"needs_link"`
	NeedsSecondPerson bool `json:"needs_second_person"`
	// GoodForDays is how long an attestation is good.
	GoodForDays int `json:"good_for_days,omitempty"`
}

// PlaybookOptions select what a playbook has.
type PlaybookOptions struct {
	// Module is the id of the only one; empty for all.
	Module string
	// Badge is the badge that it leads to; no badge for the target or the next badge,
	// whichever is higher.
	Badge framework.Badge
	// Launch is the entry of a service that is not in production yet; nil for others.
	Launch *catalog.Service
	// Attestations are what can be attested, by the id of the check.
	Attestations map[string]framework.Attestation
}

// NewPlaybook makes the playbook of a service.
func NewPlaybook(card Scorecard, o PlaybookOptions) Playbook {
	badge := o.Badge
	if badge == framework.NoBadge {
		badge = max(card.nextBadge(), badgeNamed(card.Summary.Target), badgeNamed(card.Badge.Held), framework.Bronze)
	}
	p := Playbook{
		Service: card.Summary.Service, Team: card.Summary.Team, Tier: card.Summary.Tier, At: card.At,
		Framework: card.Framework, Held: card.Badge.Held, Badge: badge.String(), Launch: o.Launch != nil,
		Entry:   o.Launch,
		Modules: []PlaybookModule{},
	}
	for _, m := range card.Modules {
		if o.Module != "" && m.ID != o.Module {
			continue
		}
		module := PlaybookModule{ID: m.ID, Name: m.Name, Checks: []PlaybookCheck{}}
		for _, check := range card.Checks {
			if check.Module != m.ID || check.Status == "not_applicable" || badgeNamed(check.NeededFor) > badge {
				continue
			}
			entry := PlaybookCheck{Check: check}
			if a, ok := o.Attestations[check.ID]; ok {
				entry.Label = framework.AttestationLabel(check.ID)
				entry.NeedsLink, entry.NeedsSecondPerson = a.NeedsLink(), a.NeedsSecondPerson()
				entry.GoodForDays = int(a.ValidFor() / (24 * time.Hour))
			}
			module.Checks = append(module.Checks, entry)
		}
		slices.SortStableFunc(module.Checks, func(a, b PlaybookCheck) int {
			return int(badgeNamed(a.NeededFor)) - int(badgeNamed(b.NeededFor))
		})
		if len(module.Checks) > 0 {
			p.Modules = append(p.Modules, module)
		}
	}
	return p
}

// progress says how many checks are done, and how many are exempt.
func (p Playbook) progress() string {
	done, exempt, all := 0, 0, 0
	for _, m := range p.Modules {
		for _, c := range m.Checks {
			all++
			switch c.Status {
			case "pass":
				done++
			case "exempt":
				exempt++
			}
		}
	}
	text := fmt.Sprintf("%d of %s done", done, Plural(all, "check"))
	if exempt > 0 {
		text += fmt.Sprintf(", %d exempt", exempt)
	}
	return text
}

// done reports whether there is nothing to do about the check.
func (c PlaybookCheck) done() bool { return c.Status == "pass" || c.Status == "exempt" }

// WriteJSON writes the playbook.
func (p Playbook) WriteJSON(w io.Writer) error { return writeJSON(w, p, "playbook") }

// WriteMarkdown writes the playbook as a page that a team works through.
func (p Playbook) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Readiness of %s: the way to %s\n\n", Markdown(p.Service), titled(p.Badge))
	fmt.Fprintf(&b, "%s\n\n", Markdown(p.about()))
	if p.Launch {
		p.writeForm(&b)
	} else {
		b.WriteString(p.progress() + ". For each open one: do the steps, or say in the ticket why it does not apply.\n")
		b.WriteString("What a machine can see needs no answer: it is ticked by the next round.\n" +
			"What it cannot see is attested by a sub-task of the review ticket, done, with the label that is named.\n")
	}
	for _, m := range p.Modules {
		fmt.Fprintf(&b, "\n## %s\n\n", Markdown(m.Name))
		for _, c := range m.Checks {
			c.write(&b, p.Launch)
		}
	}
	return flush(w, b.String(), "playbook")
}

func (p Playbook) about() string {
	text := fmt.Sprintf("Tier %d", p.Tier)
	if p.Team != "" {
		text += ", team " + p.Team
	}
	switch {
	case p.Launch:
		text += ". It is not in production yet, so that nothing is known of it"
	case p.Held == "none":
		text += ". It has no badge"
	default:
		text += ". It is " + titled(p.Held)
	}
	return fmt.Sprintf("%s. Judged by %s %s at %s.", text, p.Framework.Name, p.Framework.Version, minute(p.At))
}

// write writes one check: done in one line, open with everything that the team needs.
func (c PlaybookCheck) write(b *strings.Builder, launch bool) {
	box, state := "[ ] ", ""
	switch {
	case c.Status == "exempt" && c.Exemption != nil:
		// It has no box: it is neither open nor done.
		box, state = "", fmt.Sprintf(", exempt until %s: %s", day(c.Exemption.Expires), c.Exemption.Reason)
	case c.done():
		box = "[x] "
	case c.Status == "scheduled" && !c.EnforcedFrom.IsZero():
		state = ", counts from " + day(c.EnforcedFrom)
	}
	fmt.Fprintf(b, "- %s**%s** for %s (%s)%s\n", box, Markdown(c.Title), titled(c.NeededFor), Markdown(c.ID), Markdown(state))
	if c.done() {
		return
	}
	line := func(text string) {
		text = Markdown(text)
		if answers.IsField(text) {
			text = strings.Replace(text, ":", "&#58;", 1) // it would be read as an answer
		}
		fmt.Fprintf(b, "  - %s\n", text)
	}
	line(c.Objective)
	if c.Why != "" {
		line("Why: " + c.Why)
	}
	line("Now: " + c.now())
	for i, step := range c.Next.Fix {
		fmt.Fprintf(b, "  %d. %s\n", i+1, Markdown(step))
	}
	if c.Next.Effort != "" {
		line("Effort: " + effortWords(c.Next.Effort))
	}
	if c.Label != "" {
		line(c.attestText())
	}
	for _, link := range c.Links {
		fmt.Fprintf(b, "  - <%s>\n", strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20").Replace(clean(link)))
	}
	if launch && c.Label != "" {
		fmt.Fprintf(b, "  - %s:\n  - %s:\n", answers.FieldAnswer, answers.FieldEvidence)
	}
}

// writeForm writes what a team fills in before a launch, and how: the head that
// `collector gate --launch` reads.
func (p Playbook) writeForm(b *strings.Builder) {
	e, stateful := p.Entry, "no"
	if e.Stateful {
		stateful = "yes"
	}
	for _, field := range [][2]string{
		{answers.FieldService, p.Service}, {answers.FieldTier, strconv.Itoa(p.Tier)}, {answers.FieldDataClass, e.DataClass},
		{answers.FieldStateful, stateful}, {answers.FieldExposure, e.Exposure}, {answers.FieldRuntime, e.Runtime},
		{answers.FieldBy, ""}, {answers.FieldOn, ""}, {answers.FieldAccepted, ""},
	} {
		b.WriteString(strings.TrimRight("- "+field[0]+": "+Markdown(field[1]), " ") + "\n")
	}
	fmt.Fprintf(b, "\n%s. Do the steps of each open one, then write `yes`, `no` or `not applicable` behind `%s:`, and\n"+
		"a link to what shows it behind `%s:`. Who answers and when is in the head; a check may have such lines\n"+
		"of its own, with `%s:`, `%s:` and `%s:`. What does not apply needs a line `%s:` and a\n"+
		"second person. What has no `%s:` is proved by machines and the catalog after the launch.\n\n",
		p.progress(), answers.FieldAnswer, answers.FieldEvidence, answers.FieldBy, answers.FieldOn, answers.FieldAccepted,
		answers.FieldBecause, answers.FieldAnswer)
	fmt.Fprintf(b, "Whether the answers are enough:\n\n    collector gate %s --launch --answers THIS-FILE --badge %s\n",
		Unbroken(p.Service), p.Badge)
}

// now says what is known of the check.
func (c PlaybookCheck) now() string {
	switch {
	case c.Contradicted:
		return c.driftText()
	case len(c.Unmet) > 0:
		return c.Unmet[0].what()
	case c.Status == "fail":
		return "it fails"
	}
	return "not known: " + c.unknownBecause()
}

// attestText says how the check is attested.
func (c PlaybookCheck) attestText() string {
	text := "Attest: label " + c.Label
	if c.NeedsLink {
		text += ", with a link to the evidence"
	}
	if c.NeedsSecondPerson {
		text += ", closed by somebody else than its assignee"
	}
	return fmt.Sprintf("%s; good for %d days", text, c.GoodForDays)
}

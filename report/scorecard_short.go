package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

// The short form lists as many checks of each kind as fit on a screen, within bounds.
const (
	screenLines        = 40
	maxSteps, minSteps = 6, 2
)

// writeShort writes what fits on a screen: the way to the next badge, the cheapest
// checks first, what is unknown and why, and how many checks are left out.
func (c Scorecard) writeShort(p *prose) {
	for most := maxSteps; ; most-- {
		body := &prose{style: p.style}
		c.writeSteps(body, most)
		lines := strings.Count(p.b.String(), "\n") + strings.Count(body.b.String(), "\n")
		if lines <= screenLines || most == minSteps {
			p.b.WriteString(body.b.String())
			return
		}
	}
}

// Steps are the checks that are not proved and that the next badge, or the badge held,
// needs.
type Steps struct {
	// Failing checks and Unknown ones, which lack evidence, have the cheapest first.
	Failing, Unknown []Check
	// Later are the checks beyond these up to the target, and Beyond those above it.
	Later, Beyond int
}

// Steps are the shortest way to the next badge.
func (c Scorecard) Steps() Steps {
	wanted := max(c.nextBadge(), badgeNamed(c.Summary.Target))
	var s Steps
	for _, check := range c.Checks {
		undone := check.Status == "fail" || check.Status == "unknown"
		switch {
		case !undone || check.Blind:
		case check.InTheWay && check.Status == "fail":
			s.Failing = append(s.Failing, check)
		case check.InTheWay:
			s.Unknown = append(s.Unknown, check)
		case badgeNamed(check.NeededFor) > wanted:
			s.Beyond++
		default:
			s.Later++
		}
	}
	cheapest := func(a, b Check) int {
		return cmp.Or(cmp.Compare(effortRank(a), effortRank(b)), cmp.Compare(kindRank(a), kindRank(b)),
			cmp.Compare(badgeNamed(a.NeededFor), badgeNamed(b.NeededFor)))
	}
	slices.SortStableFunc(s.Failing, cheapest)
	slices.SortStableFunc(s.Unknown, cheapest)
	return s
}

// Rest says how many checks the steps leave out, empty if none.
func (s Steps) Rest() string {
	var rest []string
	if s.Later > 0 {
		rest = append(rest, Plural(s.Later, "check")+" more up to your target")
	}
	if s.Beyond > 0 {
		rest = append(rest, Plural(s.Beyond, "check")+" beyond your target")
	}
	if len(rest) == 0 {
		return ""
	}
	return "And " + strings.Join(rest, ", and ") + "."
}

// writeSteps lists at most so many checks of each kind.
func (c Scorecard) writeSteps(p *prose, most int) {
	steps := c.Steps()
	way, unknown := steps.Failing, steps.Unknown
	writeList(p, "TO DO, THE CHEAPEST FIRST", way, most, Check.remedy)
	writeList(p, "UNKNOWN", unknown, most, Check.unknownBecause)
	c.writeExempt(p)
	p.blank()
	var labels []string
	for _, check := range slices.Concat(way[:min(len(way), most)], unknown[:min(len(unknown), most)]) {
		if check.attestable() {
			labels = append(labels, framework.AttestationLabel(check.ID))
		}
	}
	if len(labels) > 0 {
		p.wrapped(dim, clean("* or attest it: "+attestWords+" "+strings.Join(labels, ", ")))
	}
	if rest := steps.Rest(); rest != "" {
		p.wrapped(dim, rest)
	}
	p.wrapped(dim, clean("`collector score "+c.Summary.Service+" CHECK` shows one check in full, --all every check."))
	c.writeRest(p)
}

func writeList(p *prose, heading string, checks []Check, most int, what func(Check) string) {
	if len(checks) == 0 {
		return
	}
	p.blank()
	p.heading(heading)
	for _, check := range checks[:min(len(checks), most)] {
		mark := ""
		if check.attestable() {
			mark = " *"
		}
		effort := ""
		if check.Next.Effort != "" && check.Status == "fail" {
			effort = "  " + effortWords(check.Next.Effort)
		}
		head := statusPaint(check.Status).on(clean(check.ID), p.style)
		p.b.WriteString(head + mark + "  for " + clean(titled(check.NeededFor)) + clean(effort) + "\n")
		for _, text := range check.inShort(what(check)) {
			for _, line := range firstLines(clean(text), p.style.prose()-2, 1) {
				p.b.WriteString("  " + line + "\n")
			}
		}
	}
	if more := len(checks) - most; more > 0 {
		fmt.Fprintf(&p.b, "and %d more\n", more)
	}
}

// inShort says what stands in the way of a check, and then what to do.
func (check Check) inShort(todo string) []string {
	switch {
	case check.Contradicted:
		return []string{check.driftText()}
	case !check.RefusedAt.IsZero():
		return []string{check.refusedText()}
	case len(check.Unmet) > 0:
		return []string{check.Unmet[0].what(), todo}
	}
	return []string{todo}
}

// InShort says what stands in the way of a check that fails or is unknown, and what to do
// first.
func (check Check) InShort() []string {
	if check.Status == "unknown" {
		return check.inShort(check.unknownBecause())
	}
	return check.inShort(check.remedy())
}

// firstLines shortens a text to lines.
func firstLines(text string, width, most int) []string {
	lines := wrap(text, width-2)
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] += " …"
	}
	return lines
}

// attestWords say how to attest; the label follows.
const attestWords = "a sub-task, done, of the service's review, with a link to the evidence and the label"

// effortRank orders efforts, the smallest first; one that is not known is last.
func effortRank(c Check) int {
	if at := slices.Index([]string{"S", "M", "L"}, c.Next.Effort); at >= 0 {
		return at
	}
	return len("SML")
}

// kindRank orders checks of one effort by what they take: a line of the catalog entry,
// an attestation, work.
func kindRank(c Check) int { return slices.Index(stepKinds[:], c.Next.Kind) }

// attestable reports whether an attestation can prove the check. Where a machine says no,
// it cannot.
func (check Check) attestable() bool {
	return slices.ContainsFunc(check.Observed, func(f Fact) bool {
		return isAttestation(f.Name) && (f.Asked || check.Verdict != scoring.Fail.String())
	})
}

// remedy says what to do first.
func (check Check) remedy() string {
	if len(check.Next.Fix) > 0 {
		return check.Next.Fix[0]
	}
	return check.Title
}

// unknownBecause says why a check is unknown.
func (check Check) unknownBecause() string {
	for _, fact := range check.Observed {
		if fact.Asked && !fact.observed() {
			text := fact.Name + ": " + fact.missingWords()
			if fact.Needs != "" && fact.CatalogKey == "" {
				text += "; needs " + fact.Needs
			}
			return text
		}
	}
	return "no evidence decides it"
}

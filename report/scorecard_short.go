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

// writeSteps lists at most so many checks of each kind.
func (c Scorecard) writeSteps(p *prose, most int) {
	wanted := max(c.nextBadge(), badgeNamed(c.Summary.Target))
	var way, unknown []Check
	later, beyond := 0, 0
	for _, check := range c.Checks {
		undone := check.Status == "fail" || check.Status == "unknown"
		switch {
		case !undone || check.Blind:
		case check.InTheWay && check.Status == "fail":
			way = append(way, check)
		case check.InTheWay:
			unknown = append(unknown, check)
		case badgeNamed(check.NeededFor) > wanted:
			beyond++
		default:
			later++
		}
	}
	cheapest := func(a, b Check) int {
		return cmp.Or(cmp.Compare(effortRank(a), effortRank(b)), cmp.Compare(kindRank(a), kindRank(b)),
			cmp.Compare(badgeNamed(a.NeededFor), badgeNamed(b.NeededFor)))
	}
	slices.SortStableFunc(way, cheapest)
	slices.SortStableFunc(unknown, cheapest)
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
	var rest []string
	if later > 0 {
		rest = append(rest, Plural(later, "check")+" more up to your target")
	}
	if beyond > 0 {
		rest = append(rest, Plural(beyond, "check")+" beyond your target")
	}
	if len(rest) > 0 {
		p.wrapped(dim, "And "+strings.Join(rest, ", and ")+".")
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
		texts := []string{what(check)}
		switch {
		case check.Contradicted:
			texts = []string{check.driftText()}
		case !check.RefusedAt.IsZero():
			texts = []string{check.refusedText()}
		case len(check.Unmet) > 0:
			texts = []string{check.Unmet[0].what(), what(check)}
		}
		for _, text := range texts {
			for _, line := range firstLines(clean(text), p.style.prose()-2, 1) {
				p.b.WriteString("  " + line + "\n")
			}
		}
	}
	if more := len(checks) - most; more > 0 {
		fmt.Fprintf(&p.b, "and %d more\n", more)
	}
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

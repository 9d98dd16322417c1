package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// maxSteps bounds how many checks of each kind the short form lists.
const maxSteps = 6

// writeShort writes what fits on a screen: the way to the next badge, the cheapest
// checks first, what is unknown and why, and how many checks are left out.
func (c Scorecard) writeShort(p *prose) {
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
		return cmp.Or(cmp.Compare(effortRank(a), effortRank(b)),
			cmp.Compare(badgeNamed(a.NeededFor), badgeNamed(b.NeededFor)))
	}
	slices.SortStableFunc(way, cheapest)
	slices.SortStableFunc(unknown, cheapest)
	c.writeSteps(p, "TO DO, THE CHEAPEST FIRST", way, Check.remedy)
	c.writeSteps(p, "UNKNOWN", unknown, Check.unknownBecause)
	c.writeExempt(p)
	attestable := slices.ContainsFunc(append(slices.Clone(way), unknown...), Check.attestable)
	p.blank()
	if attestable {
		p.wrapped(dim, "* may be attested: a sub-task of the service's review with the label "+
			framework.AttestationLabel("CHECK")+", dots as dashes, and a link to the evidence.")
	}
	var rest []string
	if later > 0 {
		rest = append(rest, Plural(later, "check")+" more up to your target")
	}
	if beyond > 0 {
		rest = append(rest, Plural(beyond, "check")+" beyond your target")
	}
	if len(rest) > 0 {
		p.wrapped(dim, "And "+strings.Join(rest, ", and ")+": --all")
	}
	p.wrapped(dim, "--all lists every check with what was observed and what is wanted.")
	c.writeRest(p)
}

func (c Scorecard) writeSteps(p *prose, heading string, checks []Check, what func(Check) string) {
	if len(checks) == 0 {
		return
	}
	p.blank()
	p.heading(heading)
	for _, check := range checks[:min(len(checks), maxSteps)] {
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
		text := clean(what(check))
		if check.Contradicted {
			text = clean(check.driftText())
		}
		p.b.WriteString("  " + oneLine(text, p.style.prose()-2) + "\n")
	}
	if more := len(checks) - maxSteps; more > 0 {
		fmt.Fprintf(&p.b, "and %d more\n", more)
	}
}

// oneLine shortens a text to a line.
func oneLine(text string, width int) string {
	lines := wrap(text, width-2)
	if len(lines) == 0 {
		return ""
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return lines[0] + " …"
}

// effortRank orders efforts, the smallest first; one that is not known is last.
func effortRank(c Check) int {
	if at := slices.Index([]string{"S", "M", "L"}, c.Next.Effort); at >= 0 {
		return at
	}
	return len("SML")
}

// attestable reports whether an attestation can prove the check.
func (check Check) attestable() bool {
	return slices.ContainsFunc(check.Proofs, func(p Proof) bool { return p.Proof == string(framework.ByAttested) })
}

// remedy says in one line what to do: of a check with several parts, for the part
// that failed.
func (check Check) remedy() string {
	for _, part := range check.failedParts() {
		if key := catalog.FactKey(part.fact.Name); key != "" {
			return "fill in " + key + " in the catalog entry"
		}
	}
	remedy := check.Title
	if len(check.Next.Fix) > 0 {
		remedy = check.Next.Fix[0]
	}
	if parts := check.failedParts(); len(parts) > 0 && strings.Contains(check.Wanted.Expression, "&&") {
		return fmt.Sprintf("%s is %s, wanted %s: %s", parts[0].fact.Name, parts[0].fact.Value.Text(parts[0].fact.Unit),
			parts[0].wanted, remedy)
	}
	return remedy
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

// failedPart is a condition of a check that its fact does not meet.
type failedPart struct {
	fact   Fact
	wanted string
}

// failedParts are those of the conditions joined by && that are known not to hold.
// Conditions in parentheses are left out.
func (check Check) failedParts() []failedPart {
	var failed []failedPart
	for part := range strings.SplitSeq(check.Wanted.Expression, "&&") {
		words := strings.Fields(part)
		if len(words) == 0 || strings.ContainsAny(part, "()|?") {
			continue
		}
		at := slices.IndexFunc(check.Observed, func(f Fact) bool { return f.Name == strings.TrimPrefix(words[0], "!") })
		if at < 0 || !check.Observed[at].observed() {
			continue
		}
		fact := check.Observed[at]
		switch {
		case len(words) == 1 && fact.Value.kind == evidence.KindBool:
			if wanted := !strings.HasPrefix(words[0], "!"); (fact.Value.num != 0) != wanted {
				failed = append(failed, failedPart{fact, strconv.FormatBool(wanted)})
			}
		case len(words) == 3:
			bound, err := strconv.ParseFloat(words[2], 64)
			if err == nil && !holds(fact.Value.num, words[1], bound) {
				failed = append(failed, failedPart{fact, words[1] + " " + words[2]})
			}
		}
	}
	return failed
}

// holds compares; an operator that it does not know holds.
func holds(value float64, operator string, bound float64) bool {
	switch operator {
	case ">=":
		return value >= bound
	case ">":
		return value > bound
	case "<=":
		return value <= bound
	case "<":
		return value < bound
	case "==":
		return value == bound
	}
	return true
}

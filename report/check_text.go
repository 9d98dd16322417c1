package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/framework"
)

// writeCheck writes one check of a list.
func (c Scorecard) writeCheck(p *prose, check Check) {
	c.writeVerdict(p, check)
	if check.undone() {
		p.fields(c.Next(check))
		writeReasons(p, check)
	}
}

// writeVerdict writes the verdict on a check and what it rests on.
func (c Scorecard) writeVerdict(p *prose, check Check) {
	c.writeCheckHead(p, check)
	statement := check.Title
	if check.Objective != "" {
		statement += ": " + check.Objective
	}
	p.indented(clean(statement))
	p.fields(c.Basis(check))
}

// Basis says what the verdict on a check rests on: what was observed and is missing, what
// is wanted, and since when it is so.
func (c Scorecard) Basis(check Check) []Statement {
	out := factStatements(check)
	if check.Error != "" {
		out.add("error", check.Error)
	}
	if check.Contradicted {
		out.add("drift", check.driftText())
	}
	if !check.RefusedAt.IsZero() {
		out.add("refused", check.refusedText())
	}
	out = append(out, c.wanted(check)...)
	if since := c.sinceText(check); since != "" {
		out.add("since", since)
	}
	if len(check.Feedback) > 0 {
		out.add("feedback", feedbackText(check.Feedback)+" in issues of all teams")
	}
	return out
}

// undone reports whether there is something to do about the check.
func (check Check) undone() bool {
	return slices.Contains([]string{"fail", "unknown", "scheduled"}, check.Status)
}

// WriteCheck writes one check in full, whatever its status is: what --all says of it, and
// its background.
func (c Scorecard) WriteCheck(w io.Writer, check Check, style Style) error {
	p := &prose{style: style}
	c.writeTitle(p)
	p.fieldLine("badge", c.badgeLine(style))
	p.blank()
	c.writeVerdict(p, check)
	if check.undone() {
		p.fields(c.Next(check))
	}
	c.writeBackground(p, check)
	writeReasons(p, check)
	return flush(w, p.b.String(), "check")
}

// writeBackground writes what a list of checks leaves out.
func (c Scorecard) writeBackground(p *prose, check Check) {
	if e := check.Exemption; e != nil {
		c.writeExemption(p, *e)
	}
	for _, proof := range check.Proofs {
		if !proof.Asked {
			p.field("not asked", proof.Expression+" ("+proof.Proof+")")
		}
	}
	if check.When != "" {
		p.field("applies", "where "+check.When)
	}
	c.writeModule(p, check)
	switch check.Status {
	case "fail":
		if !check.attestable() && slices.ContainsFunc(check.Observed, func(f Fact) bool { return isAttestation(f.Name) }) {
			p.field("attest", "does not help while a machine says no")
		}
	case "pass":
		if check.DwellSeconds > 0 {
			p.field("dwell", "if it fails, it costs a badge after "+lasting(time.Duration(check.DwellSeconds)*time.Second))
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(check.Next.Example), "\n") {
		if line != "" {
			p.fieldLine([...]string{"example", ""}[min(i, 1)], clean(line))
		}
	}
	if check.Note != "" {
		p.field("note", check.Note)
	}
}

// refusedText says why a proof that says yes does not count.
func (check Check) refusedText() string {
	return "a machine said no until " + minute(check.RefusedAt) +
		"; what says yes is older, and counts when it is made or changed again"
}

// driftText says that a machine says no where an attestation says yes, and names
// the ticket of the attestation.
func (check Check) driftText() string {
	var attestations []string
	for _, fact := range check.Observed {
		if fact.Detail != "" && fact.observed() && check.attestedBy(fact) && !slices.Contains(attestations, fact.Detail) {
			attestations = append(attestations, fact.Detail)
		}
	}
	attestation := "an attestation"
	if len(attestations) > 0 {
		attestation = strings.Join(attestations, "; ")
	}
	return "a machine contradicts " + attestation + "; it does not count until it is made again"
}

// attestedBy reports whether the fact says yes and is read by an attestation.
func (check Check) attestedBy(fact Fact) bool {
	if fact.Value.kind != evidence.KindBool || fact.Value.num == 0 {
		return false
	}
	between := func(c rune) bool { return c != '.' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	return slices.ContainsFunc(check.Proofs, func(p Proof) bool {
		return p.Proof == string(framework.ByAttested) && slices.Contains(strings.FieldsFunc(p.Expression, between),
			fact.Name)
	})
}

// writeCheckHead writes the line that says what the status rests on.
func (c Scorecard) writeCheckHead(p *prose, check Check) {
	var basis []string
	if check.Proof != "" {
		basis = append(basis, check.Proof)
	}
	switch seen := check.Seen(); {
	case check.Blind:
		basis = append(basis, "not measurable: no configured source can decide it")
	case seen != "":
		basis = append(basis, seen)
	case check.SourceDown:
	default:
		basis = append(basis, "not observed")
	}
	if check.SourceDown {
		basis = append(basis, "a source does not answer")
	}
	word := strings.ToUpper(strings.ReplaceAll(check.Status, "_", " "))
	if check.Status == "scheduled" && check.Verdict != "" {
		word += " (would be " + check.Verdict + ")"
	}
	id, text := clean(check.ID), clean(strings.Join(basis, ", "))
	head := bold.on(id, p.style) + "   " + statusPaint(check.Status).on(word, p.style)
	if textWidth(id)+textWidth(word)+textWidth(text)+6 <= p.style.prose() {
		p.b.WriteString(head + "   " + text + "\n")
		return
	}
	p.b.WriteString(head + "\n")
	p.indented(text)
}

// factStatements are one for each fact that the verdict rests on: the values first, then
// what is missing.
func factStatements(check Check) statements {
	var out statements
	for _, fact := range check.Observed {
		if !fact.Asked || !fact.observed() {
			continue
		}
		text := fact.Value.Text(fact.Unit) + " (" + fact.Name
		if fact.Detail != "" {
			text += ", " + fact.Detail
		}
		text += ")"
		if fact.State == "stale" {
			text += ", stale: " + ago(time.Duration(fact.AgeSeconds)*time.Second)
		}
		out.add("observed", text)
	}
	for _, fact := range check.Observed {
		if !fact.Asked || fact.observed() {
			continue
		}
		text := fact.Name + ": " + fact.missingWords()
		if fact.Missing == "expired" {
			text += fmt.Sprintf(" (%s, %s by %s)", fact.Value.Text(fact.Unit), ago(time.Duration(fact.AgeSeconds)*time.Second),
				fact.Source)
		}
		switch {
		case fact.Needs != "" && fact.CatalogKey != "":
			text += ", and " + fact.Needs
		case fact.Needs != "":
			text += "; needs " + fact.Needs
		}
		out.add("missing", text)
	}
	return out
}

// wanted are the proofs that the verdict rests on. Those behind a deciding proof are left
// out: they cannot help.
func (c Scorecard) wanted(check Check) []Statement {
	var out []Statement
	label, due := "wanted", ", "+c.dueText(check)
	for _, proof := range check.Proofs {
		if !proof.Asked {
			continue
		}
		text := proof.Expression
		if proof.Proof != check.Proof {
			text += " (" + proof.Proof + ")"
		}
		out = append(out, Statement{label, text + due})
		label, due = "or", ""
	}
	return out
}

// dueText says which badge wants the check and what that means now.
func (c Scorecard) dueText(check Check) string {
	text := "for " + titled(check.NeededFor)
	target := titled(c.Summary.Target)
	switch check.Due {
	case dueNothing:
		if c.Summary.OnTarget == targetNone {
			return text
		}
		return text + "; your target is " + target + ", so nothing is due"
	case dueAtRisk:
		return text + "; your target " + target + " rests on it"
	case dueLate:
		return text + "; late for your target " + target
	case dueYes:
		text += "; due for your target " + target
		if !c.Summary.TargetDue.IsZero() {
			text += " by " + day(c.Summary.TargetDue)
		}
	}
	return text
}

func (c Scorecard) sinceText(check Check) string {
	if check.Since.IsZero() {
		return ""
	}
	text := minute(check.Since) + ", " + ago(c.At.Sub(check.Since))
	if last := c.Badge.LastTransition; last != nil && last.Cause != "initial" {
		for _, flip := range last.Flips {
			if flip.Check == check.ID && flip.After == check.Status {
				text += fmt.Sprintf("; %s before, and part of the change from %s to %s", flip.Before, titled(last.From),
					titled(last.To))
			}
		}
	}
	return text
}

// Next says what to do about a check, and what it brings.
func (c Scorecard) Next(check Check) []Statement {
	var out statements
	for _, one := range check.Unmet {
		out.add("lacking", one.what())
	}
	for i, step := range check.Next.Fix {
		if i == len(check.Next.Fix)-1 && check.Next.Effort != "" {
			step += " (" + effortWords(check.Next.Effort) + ")"
		}
		out.add("next", step)
	}
	if check.attestable() {
		out.add("attest", attestWords+" "+framework.AttestationLabel(check.ID))
	}
	switch {
	case check.Lifecycle == string(framework.Experimental):
		out.add("counts", "not yet: the check is experimental")
	case check.Status == "scheduled" && !check.EnforcedFrom.IsZero():
		out.add("counts", "from "+day(check.EnforcedFrom))
	}
	if check.Lifecycle == string(framework.Deprecated) {
		out.add("outdated", "deprecated; replaced by "+check.ReplacedBy)
	}
	if check.InTheWay && badgeNamed(check.NeededFor) <= c.nextBadge() {
		for _, m := range c.Modules {
			if m.ID == check.Module && m.Gap > 0 {
				out.add("left", fmt.Sprintf("%d of %s to %s in %s", m.Gap, Plural(m.GapOf, "check"), titled(c.Summary.NextBadge),
					m.Name))
			}
		}
	}
	return out
}

func (c Scorecard) writeModule(p *prose, check Check) {
	for _, m := range c.Modules {
		switch {
		case m.ID != check.Module:
		case m.Scale == string(framework.PassFail):
			p.field("module", m.Name)
		default:
			p.field("module", fmt.Sprintf("%s, level %d", m.Name, check.Level))
		}
	}
}

// writeReasons writes why the check is asked for, and what to read about it.
func writeReasons(p *prose, check Check) {
	if check.Why != "" {
		p.field("why", check.Why)
	}
	for i, link := range check.Links {
		p.field([...]string{"read", ""}[min(i, 1)], link)
	}
}

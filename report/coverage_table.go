package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// WriteTable writes the checks and then the facts that lack evidence, each
// with what it takes to have it; with Style.All the complete ones too. The
// table of checks leads, since that is what the evidence is for.
func (c Coverage) WriteTable(w io.Writer, style Style) error {
	p := &prose{style: style}
	c.writeChecks(p)
	c.writeFacts(p)
	c.writeReasons(p)
	c.writeNeeds(p)
	writeUncounted(p, c.Uncounted)
	c.writeFeedback(p)
	writeGaps(p, c.Gaps)
	c.writeSummary(p)
	return flush(w, p.b.String(), "coverage table")
}

func (c Coverage) writeChecks(p *prose) {
	t := &grid{columns: []column{
		{head: "CHECK", min: 20, whole: true}, {head: "LEVEL", right: true, drop: 1}, {head: "DECIDED", right: true},
		{head: "SHARE", right: true, drop: 2}, {head: "WANTS", min: 24, whole: true, fold: true},
	}}
	for _, check := range c.Checks {
		if check.complete() && !p.style.All {
			continue
		}
		wants := ""
		if check.Blind {
			wants = yellow.on("not measurable:", p.style) + " "
		}
		var facts []string
		for _, want := range check.Wants {
			part := want.Fact
			// Where all services lack a fact their number says nothing.
			if want.Services < check.Applies {
				part += fmt.Sprintf(" (%d)", want.Services)
			}
			facts = append(facts, part)
		}
		wants += clean(orNone(strings.Join(facts, ", ")))
		t.rows = append(t.rows, []string{clean(check.ID), clean(strconv.Itoa(check.Level)),
			clean(fmt.Sprintf("%d/%d", check.Decided, check.Applies)), clean(shareText(check.Share)), wants})
	}
	p.table(t)
}

func (c Coverage) writeFacts(p *prose) {
	t := &grid{columns: []column{
		{head: "FACT", min: 20, whole: true}, {head: "DATA", right: true}, {head: "SHARE", right: true, drop: 3},
		{head: "STALE", right: true, drop: 1},
		{head: "CHECKS", right: true, drop: 2}, {head: "MISSING BECAUSE", min: 18, whole: true, fold: true},
	}}
	for _, fact := range c.Facts {
		if !fact.shown(c.Services, p.style) {
			continue
		}
		var reasons []string
		for _, r := range fact.Missing {
			reasons = append(reasons, fmt.Sprintf("%s %d", r.Reason, r.Services))
		}
		t.rows = append(t.rows, []string{
			clean(fact.Name), clean(fmt.Sprintf("%d/%d", fact.WithData, c.Services)), clean(shareText(fact.Share)),
			clean(countText(fact.Stale)),
			clean(countText(len(fact.Checks))), clean(orNone(strings.Join(reasons, ", "))),
		})
	}
	p.table(t)
}

// writeReasons explains the reasons that the table of facts has.
func (c Coverage) writeReasons(p *prose) {
	occur := map[string]bool{}
	for _, fact := range c.Facts {
		for _, r := range fact.Missing {
			occur[r.Reason] = occur[r.Reason] || fact.shown(c.Services, p.style)
		}
	}
	written := false
	for _, reason := range slices.Sorted(maps.Keys(occur)) {
		if occur[reason] {
			p.b.WriteString(Wrap("", clean(reason)+": "+clean(missingWords(reason)), 2, p.style.prose()) + "\n")
			written = true
		}
	}
	if written {
		p.blank()
	}
}

// writeNeeds groups what is missing by what it takes, most checks first: one
// exporter is often behind many facts.
func (c Coverage) writeNeeds(p *prose) {
	type need struct {
		what   string
		facts  []string
		checks map[string]bool
	}
	var needs []*need
	byWhat := map[string]*need{}
	for _, fact := range c.Facts {
		if fact.Needs == "" || len(fact.Checks) == 0 || fact.complete(c.Services) {
			continue
		}
		n := byWhat[fact.Needs]
		if n == nil {
			n = &need{what: fact.Needs, checks: map[string]bool{}}
			byWhat[fact.Needs] = n
			needs = append(needs, n)
		}
		n.facts = append(n.facts, fact.Name)
		for _, check := range fact.Checks {
			n.checks[check] = true
		}
	}
	if len(needs) == 0 {
		return
	}
	slices.SortStableFunc(needs, func(a, b *need) int { return cmp.Compare(len(b.checks), len(a.checks)) })
	p.heading("WHAT IT TAKES")
	for _, n := range needs {
		p.wrapped(plain, clean(n.what)+", for "+Plural(len(n.checks), "check"))
		p.field("facts", strings.Join(n.facts, ", "))
	}
	p.blank()
}

// writeFeedback writes what issues say about checks, most first.
func (c Coverage) writeFeedback(p *prose) {
	type said struct {
		check  CheckCoverage
		issues int
	}
	var all []said
	for _, check := range c.Checks {
		sum := 0
		for _, f := range check.Feedback {
			sum += f.Issues
		}
		if sum > 0 {
			all = append(all, said{check, sum})
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b said) int { return cmp.Compare(b.issues, a.issues) })
	p.heading("WHAT TEAMS SAY")
	t := &grid{columns: []column{
		{head: "CHECK", min: 20, whole: true}, {head: "ISSUES", right: true},
		{head: "VERDICT"}, {head: "FEEDBACK", min: 18, wrap: true, fold: true},
	}}
	for _, s := range all {
		t.rows = append(t.rows, []string{clean(s.check.ID), clean(strconv.Itoa(s.issues)),
			string(s.check.Worth.Verdict), clean(feedbackText(s.check.Feedback))})
	}
	p.table(t)
}

func (c Coverage) writeSummary(p *prose) {
	decided, unmeasurable, complete, unread := 0, 0, 0, 0
	for _, check := range c.Checks {
		if check.complete() {
			decided++
		}
		if check.Blind {
			unmeasurable++
		}
	}
	for _, fact := range c.Facts {
		if fact.complete(c.Services) {
			complete++
		}
		if len(fact.Checks) == 0 {
			unread++
		}
	}
	p.b.WriteString(Wrap("", fmt.Sprintf(
		"%s: %d decided for every service they apply to, %d not measurable with the configured sources",
		Plural(len(c.Checks), "check"), decided, unmeasurable), 2, p.style.Width) + "\n")
	fmt.Fprintf(&p.b, "%s: %d with data for every service, %d read by no check\n",
		Plural(len(c.Facts), "fact"), complete, unread)
	fmt.Fprintf(&p.b, "%s, framework %s %s, evaluated %s\n",
		Plural(c.Services, "service"), clean(c.Framework.Name), clean(c.Framework.Version), minute(c.At))
}

// complete reports whether there is nothing to do for a check.
func (c CheckCoverage) complete() bool { return c.Decided == c.Applies && !c.Blind }

func (f FactCoverage) complete(services int) bool { return f.WithData == services }

// shown reports whether the table of facts has the fact: one that lacks data that a
// check reads, or any.
func (f FactCoverage) shown(services int, style Style) bool {
	return style.All || !f.complete(services) && len(f.Checks) > 0
}

func shareText(share *float64) string {
	if share == nil {
		return none
	}
	return percent(*share)
}

func countText(n int) string {
	if n == 0 {
		return none
	}
	return strconv.Itoa(n)
}

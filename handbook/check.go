package handbook

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/prodready/collector/framework"
)

func (b *Book) check(c *framework.Check) Page {
	p := Page{Path: checkPath(c), Name: c.ID, title: c.ID + ": " + c.Title, blocks: []block{b.about(c)}}
	add := func(title string, blocks ...block) {
		p.blocks = append(append(p.blocks, heading(title)), blocks...)
	}
	if c.Objective != "" {
		add("Objective", paragraph(plain("%s", c.Objective)))
	}
	if c.Why != "" {
		add("Why", paragraph(plain("%s", c.Why)))
	}
	add("How it is judged", b.judged(c)...)
	add("Facts", b.factsOf(c))
	if len(c.Remediation) > 0 {
		steps := list{ordered: true}
		for _, step := range c.Remediation {
			steps.lines = append(steps.lines, plain("%s", step))
		}
		add("What to do", steps)
	}
	if len(c.Remedies) > 0 {
		var l list
		for _, fact := range slices.Sorted(maps.Keys(c.Remedies)) {
			l.lines = append(l.lines, plain("`%s`: %s", fact, c.Remedies[fact]))
		}
		add("If one part fails", l)
	}
	if c.Example.Text != "" {
		add("Example", paragraph(plain("%s", cmp.Or(c.Example.Shows, "A text to begin with."))),
			code{fence(c.Example.Language), c.Example.Text})
	}
	add("How to attest it", attest(c)...)
	if c.Note != "" {
		add("Note", paragraph(plain("%s", c.Note)))
	}
	p.blocks = append(p.blocks, reading(c.Links, c.Ground)...)
	return p
}

// about is what is known of a check at a glance.
func (b *Book) about(c *framework.Check) table {
	level := strconv.Itoa(c.Level)
	if c.Level <= len(b.framework.Levels) {
		level += ", " + b.framework.Levels[c.Level-1].Name
	}
	t := table{head: []string{"About", "Value"}, rows: [][]line{
		{plain("Module"), {{c.Module.Name, "index.md"}}},
		{plain("Level"), {{level, "../" + levelsPath}}},
		{plain("Badge"), plain("%s", badgeTitle(c.Level))},
		{plain("Tiers"), plain("%s", tierText(c))},
	}}
	row := func(name, text string) {
		if text != "" {
			t.rows = append(t.rows, []line{plain("%s", name), plain("%s", text)})
		}
	}
	if c.When != nil {
		row("Applies when", "`"+c.When.Source+"`")
	}
	weight := fmt.Sprintf("%g", c.Weight)
	if c.ScoreWeight() != c.Weight {
		weight += fmt.Sprintf(", times %g of the module", c.Module.Weight)
	}
	row("Weight", weight)
	row("Dwell", "a failure costs a badge after "+lasting(c.Dwell))
	row("Effort", effortText(c.Effort))
	row("Since", c.Since)
	switch c.Lifecycle {
	case framework.Experimental:
		row("Lifecycle", "experimental: judged and shown, and does not count")
	case framework.Deprecated:
		row("Lifecycle", "deprecated: it counts until it is dropped; replaced by "+c.ReplacedBy)
	}
	if !c.EnforceFrom.IsZero() {
		row("Counts from", c.EnforceFrom.Format(time.DateOnly))
	}
	return t
}

// judged is the rule in words, and the proofs in the order in which they are asked.
func (b *Book) judged(c *framework.Check) []block {
	var blocks []block
	if c.Judged != "" {
		blocks = append(blocks, paragraph(plain("%s", c.Judged)))
	}
	for i, proof := range c.Proofs {
		text := fmt.Sprintf("Proof %d of %d, by %s. ", i+1, len(c.Proofs), kindText(proof.By))
		switch {
		case proof.Suffices:
			text += "Yes passes; no asks the next."
		case len(c.Proofs) == 1:
			text += "Yes passes, no fails."
		case i == len(c.Proofs)-1:
			text += "Yes passes; no fails, unless one before it was unknown."
		default:
			text += "Yes passes, no fails; where it is unknown, the next is asked."
		}
		blocks = append(blocks, paragraph(plain("%s", text)), code{"cel", proof.Pass.Source})
	}
	return append(blocks, paragraph(line{{text: "Missing evidence is neither a pass nor a fail: the check is unknown if any "},
		{"proof", "../" + glossaryPath}, {text: " that was asked was unknown and none has decided."}}))
}

func kindText(kind framework.ProofKind) string {
	switch kind {
	case framework.ByMachine:
		return "a machine"
	case framework.ByTicket:
		return "a ticket"
	case framework.ByCatalog:
		return "the catalog"
	}
	return "attestation"
}

// factsOf lists the facts that the proofs read.
func (b *Book) factsOf(c *framework.Check) block {
	var l list
	for _, fact := range c.Facts {
		d := b.framework.Facts().At(fact)
		l.lines = append(l.lines, plain("`%s`: %s", d.Name, d.Help))
	}
	return l
}

// attest says how to attest a check, or that it cannot be.
func attest(c *framework.Check) []block {
	if !c.Attestable() {
		return []block{paragraph(plain("It cannot be attested: the sources always know."))}
	}
	l := list{ordered: true, lines: []line{
		plain("Make a sub-task of the readiness review ticket with the label `%s`.", framework.AttestationLabel(c.ID)),
	}}
	if c.Attest != "" {
		l.lines = append(l.lines, plain("%s", c.Attest))
	}
	const needsLink, needsSecond = framework.Gold, framework.Platinum
	if c.Level >= int(needsLink) {
		l.lines = append(l.lines, plain("An address in the description, or a web link, is required at this level."))
	}
	done := "Move it to done"
	if c.Level >= int(needsSecond) {
		done += "; at this level somebody else than its assignee has to do that"
	}
	l.lines = append(l.lines, plain("%s. It is good for %s, unless a machine sees the opposite.", done, lasting(c.GoodFor())))
	return []block{l}
}

// fence is what Markdown calls a language of examples.
func fence(language string) string {
	switch language {
	case "rules", "catalog", "ticket":
		return "yaml"
	case "terraform":
		return "hcl"
	}
	return language
}

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/prodready/collector/framework"
)

// Diff is what changes from a framework to another one: the answer of `collector framework
// diff`.
type Diff struct {
	Old Framework `json:"old"`
	New Framework `json:"new"`
	// Step is the step of the version that the changes need: major, minor, patch or none.
	Step string `json:"step"`
	// Changes are in the order of the new framework.
	Changes []DiffChange `json:"changes"`
	// NewFacts are read by the new framework alone, GoneFacts by the old one alone.
	NewFacts  []string `json:"new_facts"`
	GoneFacts []string `json:"gone_facts"`
}

// DiffChange is one change, in words.
type DiffChange struct {
	// Check is absent for a change of the whole framework.
	Check  string `json:"check,omitempty"`
	What   string `json:"what"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Step is the step of the version that the change needs, Why says why.
	Step string `json:"step"`
	Why  string `json:"why"`

	text string
}

// NewDiff makes the view of a difference.
func NewDiff(d *framework.Diff) Diff {
	out := Diff{
		Old: frameworkOf(d.Old), New: frameworkOf(d.New), Step: d.Step().String(), Changes: []DiffChange{},
		NewFacts: []string{}, GoneFacts: []string{},
	}
	for _, c := range d.Changes {
		out.Changes = append(out.Changes, DiffChange{
			Check: c.Check, What: c.What, Before: c.Before, After: c.After, Step: c.Step.String(), Why: c.Why, text: c.Words(),
		})
	}
	added, gone := d.Facts()
	out.NewFacts, out.GoneFacts = append(out.NewFacts, added...), append(out.GoneFacts, gone...)
	return out
}

// WriteJSON writes the difference for machines.
func (d Diff) WriteJSON(w io.Writer) error { return writeJSON(w, d, "difference") }

func (d Diff) title() string {
	return fmt.Sprintf("%s %s → %s %s", d.Old.Name, d.Old.Version, d.New.Name, d.New.Version)
}

// conclusion says which version the changes need.
func (d Diff) conclusion() string {
	switch d.Step {
	case "none":
		return "Nothing differs."
	case "patch":
		return "Needs a patch version: what people read has changed, and no outcome."
	case "minor":
		return "Needs a minor version: no badge is lost."
	}
	return "Needs a major version: badges may be lost. `collector framework preview` says which."
}

// about are the lines about facts.
func (d Diff) about() []string {
	var lines []string
	if len(d.NewFacts) > 0 {
		lines = append(lines, "Reads also "+strings.Join(d.NewFacts, ", ")+".")
	}
	if len(d.GoneFacts) > 0 {
		lines = append(lines, "Reads no more "+strings.Join(d.GoneFacts, ", ")+".")
	}
	return lines
}

// eachSubject calls fn with the changes of each check, and of the framework.
func (d Diff) eachSubject(fn func(subject string, changes []DiffChange)) {
	for from := 0; from < len(d.Changes); {
		to := from + 1
		for to < len(d.Changes) && d.Changes[to].Check == d.Changes[from].Check {
			to++
		}
		subject := d.Changes[from].Check
		if subject == "" {
			subject = "The framework"
		}
		fn(subject, d.Changes[from:to])
		from = to
	}
}

// WriteText writes the difference for a terminal.
func (d Diff) WriteText(w io.Writer, style Style) error {
	p := &prose{style: style}
	p.heading(clean(d.title()))
	p.wrapped(plain, d.conclusion())
	d.eachSubject(func(subject string, changes []DiffChange) {
		p.blank()
		p.heading(clean(subject))
		for _, c := range changes {
			paint := dim
			if c.Step == framework.Major.String() {
				paint = red
			}
			step := c.Step + strings.Repeat(" ", max(0, len("major")-len(c.Step)))
			for i, text := range wrap(clean(c.text)+" ("+c.Why+")", style.prose()-diffIndent) {
				lead := strings.Repeat(" ", diffIndent)
				if i == 0 {
					lead = "  " + paint.on(step, style) + "  "
				}
				p.b.WriteString(lead + text + "\n")
			}
		}
	})
	if lines := d.about(); len(lines) > 0 {
		p.blank()
		for _, line := range lines {
			p.wrapped(plain, clean(line))
		}
	}
	return flush(w, p.b.String(), "difference")
}

// diffIndent aligns what follows the step.
const diffIndent = 9

// WriteMarkdown writes the difference as the comment of a pull request.
func (d Diff) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n**%s**\n", Markdown(d.title()), Markdown(d.conclusion()))
	d.eachSubject(func(subject string, changes []DiffChange) {
		fmt.Fprintf(&b, "\n**%s**\n\n", Markdown(subject))
		for _, c := range changes {
			fmt.Fprintf(&b, "- %s: %s (%s)\n", c.Step, Markdown(c.text), Markdown(c.Why))
		}
	})
	for i, line := range d.about() {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString(Markdown(line) + "\n")
	}
	return flush(w, b.String(), "difference")
}

package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxPreviewed is how many changes the comment of a pull request lists: a comment may have
// 65,536 characters.
const maxPreviewed = 100

func badgeWords(name string) string {
	if name == "none" {
		return "no badge"
	}
	return titled(name)
}

// when says when a change begins and ends.
func (c *PreviewChange) when() string {
	if c.Until.IsZero() {
		return "since " + day(c.At)
	}
	return day(c.At) + " for " + lasting(c.Until.Sub(c.At))
}

// because names the checks that decide.
func (c *PreviewChange) because() string {
	var parts []string
	for _, d := range c.Checks {
		text := d.Check + " " + d.Status
		if len(d.NeverSeen) > 0 {
			text += " (no record yet of " + strings.Join(d.NeverSeen, ", ") + ")"
		} else if d.Status == "unknown" && len(d.Missing) > 0 {
			text += " (" + strings.Join(d.Missing, ", ") + ")"
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "what the badge asks beyond checks"
	}
	if more := len(parts) - maxNamed; more > 0 {
		parts = append(parts[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

func (c *PreviewChange) step() string { return badgeWords(c.Present) + " → " + badgeWords(c.Other) }

// words say what a team would be told.
func (t *PreviewTold) words() string {
	alerts := map[string]int{}
	for _, n := range t.Notices {
		if n.Alert != "" {
			alerts[n.Alert]++
		}
	}
	text := Plural(len(t.Notices), "change") + " of a badge"
	if len(alerts) == 0 {
		return text + ", no alert"
	}
	var named []string
	for _, alert := range slices.Sorted(maps.Keys(alerts)) {
		named = append(named, fmt.Sprintf("%d as %s", alerts[alert], alert))
	}
	return text + ", " + strings.Join(named, ", ")
}

func (t *PreviewTold) name() string {
	if t.Team == "" {
		return "(no team)"
	}
	return t.Team
}

func (p *Preview) title() string {
	present := make([]string, 0, len(p.Present))
	for _, f := range p.Present {
		present = append(present, f.Name+" "+f.Version)
	}
	return fmt.Sprintf("Preview: %s %s against %s", p.Other.Name, p.Other.Version, strings.Join(present, " and "))
}

func (p *Preview) span() string {
	return fmt.Sprintf("Stored evidence from %s to %s, judged by both.", minute(p.From), minute(p.To))
}

// holding says how many services end on hold.
func (p *Preview) holding() string {
	switch {
	case p.OnHold > 0:
		return Plural(p.OnHold, "more service") + " on hold at the end."
	case p.OnHold < 0:
		return Plural(-p.OnHold, "service") + " fewer on hold at the end."
	}
	return ""
}

// WriteText writes the preview for a terminal.
func (p *Preview) WriteText(w io.Writer, style Style) error {
	out := &prose{style: style}
	out.heading(clean(p.title()))
	out.wrapped(plain, p.span())
	out.blank()
	out.wrapped(bold, p.Headline())
	if text := p.holding(); text != "" {
		out.wrapped(plain, text)
	}
	for _, loses := range []bool{true, false} {
		g := grid{columns: []column{
			{head: "SERVICE", min: 12}, {head: "TEAM", min: 8, drop: 2}, {head: "TIER", right: true, drop: 1}, {head: "BADGE"},
			{head: "WHEN"}, {head: "BY", min: 20, wrap: true, fold: true},
		}}
		for i := range p.Changes {
			if c := &p.Changes[i]; c.Loses == loses {
				g.rows = append(g.rows, []string{clean(c.Service), clean(orNone(c.Team)), strconv.Itoa(c.Tier), c.step(), c.when(),
					clean(c.because())})
			}
		}
		if len(g.rows) > 0 {
			out.blank()
			out.heading(map[bool]string{true: "Lose", false: "Gain"}[loses])
			g.write(&out.b, style)
		}
	}
	p.writeAhead(out)
	if len(p.Told) > 0 {
		out.blank()
		out.heading("Who would be told")
		for i := range p.Told {
			out.wrapped(plain, clean(p.Told[i].name())+": "+p.Told[i].words())
		}
	}
	if len(p.Notes) > 0 {
		out.blank()
		for _, note := range p.Notes {
			out.wrapped(dim, note)
		}
	}
	return flush(w, out.b.String(), "preview")
}

// writeAhead writes who will lose or gain a badge.
func (p *Preview) writeAhead(out *prose) {
	g := grid{columns: []column{
		{head: "SERVICE", min: 12}, {head: "TEAM", min: 8, drop: 2}, {head: "TIER", right: true, drop: 1}, {head: "BADGE"},
		{head: "BY", min: 20, wrap: true, fold: true},
	}}
	for i := range p.Ahead {
		a := &p.Ahead[i]
		g.rows = append(g.rows, []string{clean(a.Service), clean(orNone(a.Team)), strconv.Itoa(a.Tier), a.step(),
			clean(a.because())})
	}
	if len(g.rows) > 0 {
		out.blank()
		out.heading("If the evidence stays as it is")
		g.write(&out.b, out.style)
	}
}

// WriteMarkdown writes the preview as the comment of a pull request.
func (p *Preview) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n**%s** %s\n\n%s\n", Markdown(p.title()), Markdown(p.Headline()), p.holding(), p.span())
	if len(p.Changes) > 0 {
		b.WriteString("\n| | Service | Team | Tier | Badge | When | By |\n|---|---|---|--:|---|---|---|\n")
		for i := range p.Changes[:min(maxPreviewed, len(p.Changes))] {
			c := &p.Changes[i]
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %s | %s |\n", map[bool]string{true: "loses", false: "gains"}[c.Loses],
				Markdown(c.Service), Markdown(orNone(c.Team)), c.Tier, c.step(), c.when(), Markdown(c.because()))
		}
		if more := len(p.Changes) - maxPreviewed; more > 0 {
			fmt.Fprintf(&b, "\nand %d more; `-o json` has all.\n", more)
		}
	}
	for i := range p.Ahead[:min(maxPreviewed, len(p.Ahead))] {
		if i == 0 {
			b.WriteString("\n**If the evidence stays as it is**\n\n| Service | Team | Tier | Badge | By |\n|---|---|--:|---|---|\n")
		}
		a := &p.Ahead[i]
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s |\n", Markdown(a.Service), Markdown(orNone(a.Team)), a.Tier, a.step(),
			Markdown(a.because()))
	}
	if more := len(p.Ahead) - maxPreviewed; more > 0 {
		fmt.Fprintf(&b, "\nand %d more; `-o json` has all.\n", more)
	}
	if len(p.Told) > 0 {
		b.WriteString("\n**Who would be told**\n\n")
		for i := range p.Told {
			fmt.Fprintf(&b, "- %s: %s\n", Markdown(p.Told[i].name()), p.Told[i].words())
		}
	}
	for i, note := range p.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "- _%s_\n", Markdown(note))
	}
	return flush(w, b.String(), "preview")
}

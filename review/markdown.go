package review

import (
	"fmt"
	"io"
	"strings"

	"github.com/prodready/collector/report"
)

// writeMarkdown writes the review as a page of a wiki, in the dialect of GitHub.
func (r *Review) writeMarkdown(w io.Writer) error {
	d := r.document()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n**%s**\n\n", report.Markdown(d.title), report.Markdown(d.sentence))
	markdownTable(&b, &d.numbers)
	if len(d.actions) > 0 {
		b.WriteString("What is worth most now:\n\n")
	}
	for i, a := range d.actions {
		fmt.Fprintf(&b, "%d. **%s**\\\n   %s\n", i+1, report.Markdown(a.text), report.Markdown(a.why))
	}
	if len(d.actions) > 0 {
		b.WriteString("\n")
	}
	for _, text := range d.about {
		fmt.Fprintf(&b, "%s\n\n", report.Markdown(text))
	}
	for _, s := range d.sections {
		fmt.Fprintf(&b, "## %s\n\n", report.Markdown(s.title))
		for _, p := range s.parts {
			if p.text != "" {
				fmt.Fprintf(&b, "%s\n\n", report.Markdown(p.text))
			}
			for _, line := range p.list {
				fmt.Fprintf(&b, "- %s\n", report.Markdown(line))
			}
			if len(p.list) > 0 {
				b.WriteString("\n")
			}
			if p.table != nil {
				fmt.Fprintf(&b, "*%s*\n\n", report.Markdown(p.table.caption))
				markdownTable(&b, p.table)
			}
		}
	}
	if _, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n"); err != nil {
		return fmt.Errorf("writing the review as Markdown: %w", err)
	}
	return nil
}

func markdownTable(b *strings.Builder, t *table) {
	var head, rule strings.Builder
	for _, c := range t.head {
		fmt.Fprintf(&head, "| %s ", report.Markdown(c.name))
		if c.right {
			rule.WriteString("|---:")
		} else {
			rule.WriteString("|---")
		}
	}
	fmt.Fprintf(b, "%s|\n%s|\n", head.String(), rule.String())
	for _, row := range t.rows {
		for _, cell := range row {
			fmt.Fprintf(b, "| %s ", report.Markdown(cell))
		}
		b.WriteString("|\n")
	}
	b.WriteString("\n")
}

// shortLimit is how many characters a post in a chat may have.
const shortLimit = 4000

// writeShort writes the first screen and the shortest lists as a post for a chat: at most
// 4,000 characters, without tables.
func (r *Review) writeShort(w io.Writer) error {
	d := r.document()
	lines := []string{"*" + chat(d.title) + "*", chat(d.sentence), ""}
	for i := range r.Summary.Numbers {
		n := &r.Summary.Numbers[i]
		line := fmt.Sprintf("• %s: %s, before %s", n.Name, n.nowText(), n.beforeText())
		for _, more := range []string{n.Change, n.Why} {
			if more != "" {
				line += " (" + strings.TrimSuffix(more, ".") + ")"
			}
		}
		lines = append(lines, chat(line))
	}
	if len(d.actions) > 0 {
		lines = append(lines, "", "*Worth most now*")
	}
	for i, a := range d.actions {
		lines = append(lines, fmt.Sprintf("%d. %s: %s", i+1, chat(a.text), chat(a.why)))
	}
	for _, part := range r.shortParts() {
		if len(part.lines) > 0 {
			lines = append(lines, "", "*"+chat(part.title)+"*")
		}
		for _, line := range part.lines {
			lines = append(lines, "• "+chat(line))
		}
	}
	lines = append(lines, "")
	for _, text := range d.about {
		lines = append(lines, chat(text))
	}
	if _, err := io.WriteString(w, fit(lines, shortLimit)); err != nil {
		return fmt.Errorf("writing the review as a post: %w", err)
	}
	return nil
}

// shortPart is a heading with some lines.
type shortPart struct {
	title string
	lines []string
}

const shortLines = 4

func (r *Review) shortParts() []shortPart {
	kudos, lost, gaps := shortPart{title: "Kudos"}, shortPart{title: "Regressions"}, shortPart{title: "On-call gaps ahead"}
	for _, p := range r.kudosSection().parts {
		kudos.lines = append(kudos.lines, p.list...)
	}
	for i := range r.Regressions {
		c := &r.Regressions[i]
		lost.lines = append(lost.lines, fmt.Sprintf("%s%s: %s, %s", c.Service, teamText(c.Team), moveText(c.From, c.To),
			c.causeText()))
	}
	for _, g := range r.OnCall.Gaps {
		gaps.lines = append(gaps.lines, fmt.Sprintf("%s%s: %s", g.Service, teamText(g.Team), minuteText(g.Start)))
	}
	late, noisy := shortPart{title: "Targets that are late"}, shortPart{title: "Noisiest problems"}
	for _, l := range r.Late {
		late.lines = append(late.lines, fmt.Sprintf("%s%s: %s instead of %s, %s", l.Service, teamText(l.Team),
			badgeText(l.Badge), badgeText(l.Target), l.Words))
	}
	for _, t := range r.Noisiest.Templates {
		noisy.lines = append(noisy.lines, fmt.Sprintf("%s: %s of %s pages (%s)", t.Title, thousands(t.Noise),
			thousands(t.Incidents), names(t.Services, 3)))
	}
	parts := []shortPart{kudos, lost, late, gaps, noisy, {"Do readiness reviews work?", []string{r.Effect.Words}}}
	for i := range parts {
		if more := len(parts[i].lines) - shortLines; more > 0 {
			parts[i].lines = append(parts[i].lines[:shortLines], fmt.Sprintf("and %s more", thousands(more)))
		}
	}
	return parts
}

// chat escapes plain text for a chat: what would be a mention, a link or a tag, and what
// would be bold.
func chat(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "`", "'", "~", "∼").
		Replace(report.Unbroken(text))
}

// fit joins lines, and leaves out the last ones if there are too many characters.
func fit(lines []string, limit int) string {
	const more = "The rest is in the full review."
	text := strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
	if len([]rune(text)) <= limit {
		return text
	}
	left := limit - len([]rune(more)) - 2
	var b strings.Builder
	for _, line := range lines {
		// One line alone must not be longer than what is left, and its end must be whole.
		n := len([]rune(line)) + 1
		if n > left {
			break
		}
		left -= n
		b.WriteString(line + "\n")
	}
	return b.String() + more + "\n"
}

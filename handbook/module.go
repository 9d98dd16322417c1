package handbook

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/prodready/collector/framework"
)

func (b *Book) module(m *framework.Module) Page {
	p := Page{Path: modulePath(m), Name: m.ID, title: m.Name + " (" + m.ID + ")"}
	if m.Objective != "" {
		p.blocks = append(p.blocks, paragraph(plain("%s", m.Objective)))
	}
	if m.Scale == framework.PassFail {
		from := badgeTitle(int(m.RequiredFrom))
		p.blocks = append(p.blocks, paragraph(plain("All of its checks have to pass from %s on.", from)))
	}
	if len(m.Levels) > 0 {
		levels := table{head: []string{"Level", "Badge", "What a service does"}}
		for i, text := range m.Levels {
			levels.rows = append(levels.rows, []line{plain("%d", i+1), plain("%s", badgeTitle(i+1)), plain("%s", text)})
		}
		p.blocks = append(p.blocks, heading("Levels"), levels)
	}
	checks := table{head: []string{"Level", "Tiers", "Effort", "Check", "Title"}}
	tasks := list{tasks: true}
	for _, c := range m.Checks {
		href := shortID(c) + ".md"
		checks.rows = append(checks.rows, []line{
			plain("%d", c.Level), plain("%s", tierText(c)), plain("%s", effortText(c.Effort)), {{"`" + c.ID + "`", href}},
			plain("%s", c.Title),
		})
		tasks.lines = append(tasks.lines, line{
			{text: fmt.Sprintf("Level %d: ", c.Level)}, {c.Title, href}, {text: ". " + c.Objective},
		})
	}
	p.blocks = append(p.blocks, heading("Checks"), checks, heading("Checklist"), tasks)
	p.blocks = append(p.blocks, reading(m.Links, m.Docs)...)
	return p
}

// reading is what to read, and what the criteria are grounded in.
func reading(links []framework.Link, ground string) []block {
	var blocks []block
	if len(links) > 0 || ground != "" {
		blocks = append(blocks, heading("Read on"))
	}
	if len(links) > 0 {
		var l list
		for _, link := range links {
			title := link.Title
			if title == "" {
				title = link.URL
			}
			l.lines = append(l.lines, line{{title, link.URL}})
		}
		blocks = append(blocks, l)
	}
	if ground != "" {
		blocks = append(blocks, paragraph(plain("Grounded in: %s.", strings.TrimSuffix(ground, "."))))
	}
	return blocks
}

// tierText is the tiers of a check: all, 1–3, or 1, 3.
func tierText(c *framework.Check) string {
	if len(c.Tiers) == len(tiers()) {
		return "all"
	}
	var texts []string
	for _, tier := range c.Tiers {
		texts = append(texts, strconv.Itoa(tier))
	}
	if n := len(c.Tiers); n > 1 && c.Tiers[n-1]-c.Tiers[0] == n-1 {
		return texts[0] + "–" + texts[n-1]
	}
	return strings.Join(texts, ", ")
}

// effortText is the effort in words.
func effortText(effort string) string {
	switch effort {
	case "S":
		return "hours"
	case "M":
		return "days"
	case "L":
		return "weeks"
	}
	return effort
}

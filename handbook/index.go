package handbook

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
)

const (
	levelsPath    = "levels.md"
	changelogPath = "changelog.md"
	glossaryPath  = "glossary.md"
)

// tiers are those that services can have.
func tiers() []int { return []int{1, 2, 3, 4} }

// badges are those that can be given, the lowest first.
func badges() []framework.Badge { return framework.Badges()[1:] }

func (b *Book) index() Page {
	f := b.framework
	modules := table{head: []string{"Module", "Checks", "What it is for"}}
	for _, m := range f.Modules {
		modules.rows = append(modules.rows, []line{
			{{m.Name, modulePath(m)}, {text: " (`" + m.ID + "`)"}}, plain("%d", len(m.Checks)), plain("%s", m.Objective),
		})
	}
	all := table{head: []string{"Level", "Check", "Title"}}
	for _, m := range f.Modules {
		for _, c := range m.Checks {
			all.rows = append(all.rows, []line{plain("%d", c.Level), {{"`" + c.ID + "`", checkPath(c)}}, plain("%s", c.Title)})
		}
	}
	p := Page{Path: "index.md", Name: "index", title: "Readiness framework " + f.Title(), blocks: []block{
		paragraph(plain("What a service is judged by: %s in %s. A service has the badge of a level when every check of this "+
			"level and of those below passes in every module that applies.",
			report.Plural(len(f.Checks), "check"), report.Plural(len(f.Modules), "module"))),
		list{lines: []line{
			{{"Levels and badges", levelsPath}, {text: ": what each level means, and the way from Bronze to Diamond."}},
			{{"Changelog", changelogPath}, {text: ": what each version changed."}},
			{{"Glossary", glossaryPath}, {text: ": the words that these pages use."}},
		}},
	}}
	p.blocks = append(p.blocks, b.differs()...)
	p.blocks = append(p.blocks, heading("Modules"), modules, heading("All checks"), all)
	return p
}

// differs says what the framework changes of the one that it extends; nothing if it extends
// none.
func (b *Book) differs() []block {
	f := b.framework
	if f.Extends == "" {
		return nil
	}
	var lines list
	for _, group := range []struct {
		name string
		ids  []string
	}{{"Changed: ", f.Changed}, {"Added: ", f.Added}, {"Left out: ", f.Dropped}} {
		if len(group.ids) == 0 {
			continue
		}
		one := line{{text: group.name}}
		for i, id := range group.ids {
			if i > 0 {
				one = append(one, words{text: ", "})
			}
			href := ""
			if c, err := f.Check(id); err == nil {
				href = checkPath(c)
			}
			one = append(one, words{"`" + id + "`", href})
		}
		lines.lines = append(lines.lines, one)
	}
	blocks := []block{heading("What differs from " + f.Extends)}
	if len(lines.lines) == 0 {
		return append(blocks, paragraph(plain("No check differs.")))
	}
	return append(blocks, lines)
}

func (b *Book) levels() Page {
	f := b.framework
	meaning := table{head: []string{"Level", "Badge", "Checks", "Name"}}
	var texts list
	for i, level := range f.Levels {
		count := 0
		for _, c := range f.Checks {
			if c.Level == i+1 {
				count++
			}
		}
		meaning.rows = append(meaning.rows, []line{
			plain("%d", i+1), plain("%s", badgeTitle(i+1)), plain("%d", count), plain("%s", level.Name),
		})
		texts.lines = append(texts.lines, plain("Level %d, %s. %s %s", i+1, level.Name, level.Meaning, level.Relies))
	}
	blocks := []block{meaning, texts, heading("From Bronze to Diamond"),
		paragraph(plain("How many checks a badge asks of a service, by tier: all of its level and of the levels below. Some " +
			"checks apply only to services of one kind, such as those that keep data; where it depends on that, the fewest and " +
			"the most are given.")),
		b.ladder(),
		paragraph(plain("The tier says how much depends on the service, 1 for customers and revenue at any hour, 4 for best " +
			"effort. It decides the target, and not how hard a badge is.")),
	}
	if len(f.Targets) > 0 {
		blocks = append(blocks, heading("Targets"), b.targets())
	}
	blocks = append(blocks,
		heading("What a badge asks besides checks"), b.asks(), heading("When badges change"), b.changes())
	return Page{Path: levelsPath, Name: "levels", title: "Levels and badges of " + f.Name, blocks: blocks}
}

// ladder counts the checks up to each badge, by tier.
func (b *Book) ladder() table {
	t := table{head: []string{"Tier"}}
	for _, badge := range badges() {
		t.head = append(t.head, badgeTitle(int(badge)))
	}
	for _, tier := range tiers() {
		row := []line{plain("%d", tier)}
		fewest, most := 0, 0
		for _, badge := range badges() {
			for _, c := range b.framework.Checks {
				if c.Level != int(badge) || !slices.Contains(c.Tiers, tier) {
					continue
				}
				most++
				if c.When == nil {
					fewest++
				}
			}
			text := strconv.Itoa(most)
			if fewest < most {
				text = fmt.Sprintf("%d–%d", fewest, most)
			}
			row = append(row, plain("%s", text))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (b *Book) targets() block {
	t := table{head: []string{"Tier", "Badge to reach"}}
	for _, tier := range tiers() {
		if target, ok := b.framework.Target(tier); ok {
			text := badgeTitle(int(target.Badge))
			if !target.Due.IsZero() {
				text += " by " + target.Due.Format(time.DateOnly)
			}
			t.rows = append(t.rows, []line{plain("%d", tier), plain("%s", text)})
		}
	}
	return t
}

// asks says what each badge asks besides levels.
func (b *Book) asks() block {
	var l list
	for _, badge := range badges() {
		r := b.framework.Requirements[badge]
		var parts []string
		if r.MaxExempt >= 0 {
			text := fmt.Sprintf("at most %s behind it", report.Plural(r.MaxExempt, "exempt check"))
			if r.ExemptFromLevel > 0 {
				text += fmt.Sprintf(" from level %d on", r.ExemptFromLevel)
			}
			parts = append(parts, text)
		}
		if r.MaxAttestedPerModule >= 0 {
			parts = append(parts, fmt.Sprintf("at most %s decided by attestation alone in a module at its level",
				report.Plural(r.MaxAttestedPerModule, "check")))
		}
		if r.MaxAttested >= 0 {
			parts = append(parts, fmt.Sprintf("at most %s decided by attestation alone at its level",
				report.Plural(r.MaxAttested, "check")))
		}
		if len(parts) > 0 {
			l.lines = append(l.lines, plain("%s: %s.", badgeTitle(int(badge)), strings.Join(parts, "; ")))
		}
	}
	if len(l.lines) == 0 {
		return paragraph(plain("Nothing."))
	}
	return l
}

// changes says how long things last before a badge changes.
func (b *Book) changes() block {
	f := b.framework
	held := map[time.Duration][]string{}
	for _, badge := range badges() {
		held[f.LapseAfter[badge]] = append(held[f.LapseAfter[badge]], badgeTitle(int(badge)))
	}
	l := list{lines: []line{
		plain("It is given when it has been proved for %s by fresh evidence.", lasting(f.AwardDwell)),
		plain("It is withdrawn when fresh evidence has contradicted one of its checks for the dwell of the check."),
	}}
	for _, after := range slices.Backward(slices.Sorted(maps.Keys(held))) {
		l.lines = append(l.lines, plain("It lapses after %s on hold (%s), which is time with neither proof nor contradiction "+
			"while the sources answer.", lasting(after), strings.Join(held[after], ", ")))
	}
	return l
}

func (b *Book) changelog() Page {
	p := Page{Path: changelogPath, Name: "changelog", title: "Changelog of " + b.framework.Name, blocks: []block{
		paragraph(plain("A patch version changes no outcome, a minor version adds checks or loosens them, and a major version " +
			"may take badges away.")),
	}}
	for _, change := range b.framework.Changelog {
		title := change.Version
		if !change.Date.IsZero() {
			title += ", " + change.Date.Format(time.DateOnly)
		}
		var notes list
		for _, note := range change.Notes {
			notes.lines = append(notes.lines, plain("%s", note))
		}
		p.blocks = append(p.blocks, heading(title), notes)
	}
	return p
}

// lasting is a time in days or hours.
func lasting(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "no time"
	case d > day && d%day == 0:
		return report.Plural(int(d/day), "day")
	case d%time.Hour == 0:
		return report.Plural(int(d/time.Hour), "hour")
	}
	return d.String()
}

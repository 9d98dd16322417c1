package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/prodready/collector/framework"
)

// WriteTable writes one line per service and the count of badges below.
func (f Fleet) WriteTable(w io.Writer, style Style) error {
	var b strings.Builder
	if len(f.Services) > 0 {
		t := f.table()
		dropped := t.write(&b, style)
		b.WriteByte('\n')
		f.legend(&b, dropped, style)
	}
	f.footer(&b, style)
	return flush(w, b.String(), "fleet table")
}

// flush writes a rendered view in one piece.
func flush(w io.Writer, rendered, what string) error {
	if _, err := io.WriteString(w, rendered); err != nil {
		return fmt.Errorf("writing the %s: %w", what, err)
	}
	return nil
}

func (f Fleet) table() *table {
	t := &table{columns: []column{
		{head: "SERVICE", floor: 16},
		{head: "TEAM", floor: 10, drop: 3},
		{head: "TIER", right: true, drop: 2},
		{head: "BADGE", floor: 14},
		{head: "SCORE", drop: 6},
	}}
	for _, m := range f.Modules {
		t.columns = append(t.columns, column{head: clean(m.ID), floor: 5, drop: 5})
	}
	t.columns = append(t.columns, column{head: "COVERED", right: true, drop: 1}, column{head: "GAP TO NEXT", drop: 4})
	for _, row := range f.Services {
		line := []cell{text(row.Service), text(orNone(row.Team)), text(tier(row.Tier)), badgeCell(row), text(scoreText(row.Score))}
		for i, m := range f.Modules {
			level := none
			if i < len(row.Modules) {
				level = levelText(m.Scale, row.Modules[i])
			}
			line = append(line, text(level))
		}
		coverage := none
		if row.Coverage != nil {
			coverage = percent(*row.Coverage)
		}
		t.rows = append(t.rows, append(line, text(coverage), text(gapText(row))))
	}
	return t
}

// legend explains the short marks, and only those that occur.
func (f Fleet) legend(b *strings.Builder, dropped []string, style Style) {
	var exempt, attested, held, open bool
	for _, row := range f.Services {
		exempt = exempt || row.Qualifiers.Exempt > 0
		attested = attested || row.Qualifiers.Attested > 0
		held = held || row.OnHold
		open = open || row.Score != nil && rangeText(row.Score.Lower, row.Score.Upper) != twoDigits(row.Score.Lower)
		for _, m := range row.Modules {
			open = open || m.Applies && m.LevelUpper > m.Level
		}
	}
	var parts []string
	if held {
		parts = append(parts, "held: in doubt, neither proved nor contradicted")
	}
	if exempt {
		parts = append(parts, "e: exempt checks behind the badge")
	}
	if attested {
		parts = append(parts, "a: checks that pass by attestation alone")
	}
	if open {
		parts = append(parts, "1-3: depends on missing evidence")
	}
	if len(dropped) > 0 {
		parts = append(parts, "left out for width: "+strings.Join(dropped, ", "))
	}
	if len(parts) == 0 {
		return
	}
	for _, line := range wrap(strings.Join(parts, "; "), style.prose()) {
		b.WriteString(dim.on(line, style) + "\n")
	}
}

// footer counts services per badge, best first.
func (f Fleet) footer(b *strings.Builder, style Style) {
	counts := map[string]int{}
	held, unjudged := 0, 0
	for _, row := range f.Services {
		counts[row.Badge]++
		if row.OnHold {
			held++
		}
		if row.NoBadge == noBadgeNotJudged {
			unjudged++
		}
	}
	parts := []span{{plural(len(f.Services), "service") + ":", plain}}
	badges := framework.Badges()
	for i := len(badges) - 1; i >= 0; i-- {
		name := badges[i].String()
		parts = append(parts, span{fmt.Sprintf("%d %s", counts[name], name), badgePaint(name)})
	}
	if unjudged > 0 {
		parts = append(parts, span{fmt.Sprintf("%d not judged", unjudged), plain})
	}
	if held > 0 {
		parts = append(parts, span{fmt.Sprintf("%d held in doubt", held), yellow})
	}
	writeList(b, parts, style)
	fmt.Fprintf(b, "framework %s %s, evaluated %s\n", clean(f.Framework.Name), clean(f.Framework.Version), minute(f.At))
}

// writeList writes a heading and what follows it, separated by commas and
// wrapped between the parts.
func writeList(b *strings.Builder, parts []span, style Style) {
	used := 0
	for i, part := range parts {
		size := cells(part.text) + 2 // with the space before and the comma after
		switch {
		case i == 0:
			size--
		case used+size > style.prose():
			b.WriteString("\n  ")
			used = 2
		default:
			b.WriteByte(' ')
		}
		b.WriteString(part.paint.on(part.text, style))
		if i > 0 && i < len(parts)-1 {
			b.WriteByte(',')
		}
		used += size
	}
	b.WriteByte('\n')
}

// badgeCell is the badge with its mark and its qualifiers.
func badgeCell(row FleetRow) cell {
	if row.NoBadge == noBadgeNotJudged {
		return cell{{"not judged", dim}}
	}
	c := cell{{titled(clean(row.Badge)), badgePaint(row.Badge)}}
	if row.Badge == framework.NoBadge.String() {
		c[0].text = "none"
	}
	if row.OnHold {
		c = append(c, span{" ", plain}, span{"held", yellow})
	}
	var marks []string
	if n := row.Qualifiers.Exempt; n > 0 {
		marks = append(marks, strconv.Itoa(n)+"e")
	}
	if n := row.Qualifiers.Attested; n > 0 {
		marks = append(marks, strconv.Itoa(n)+"a")
	}
	if len(marks) > 0 {
		c = append(c, span{" (" + strings.Join(marks, " ") + ")", plain})
	}
	return c
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func tier(n int) string {
	if n == 0 {
		return none
	}
	return strconv.Itoa(n)
}

func scoreText(score *Bounds) string {
	if score == nil {
		return none
	}
	return rangeText(score.Lower, score.Upper)
}

// rangeText shows both bounds where they differ.
func rangeText(lower, upper float64) string {
	low, high := twoDigits(lower), twoDigits(upper)
	if low == high {
		return low
	}
	return low + "-" + high
}

// twoDigits rounds down, so that only a full score reads 1.00.
func twoDigits(score float64) string {
	hundredths := int(score*100 + 1e-9)
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

// levelText is a level, or both bounds where they differ.
func levelText(scale string, m ModuleLevel) string {
	switch {
	case !m.Applies || m.Score == nil && m.LevelUpper == 0:
		return none
	case scale == string(framework.PassFail):
		switch {
		case m.Level > 0:
			return "yes"
		case m.LevelUpper > 0:
			return "?"
		}
		return "no"
	case m.LevelUpper > m.Level:
		return fmt.Sprintf("%d-%d", m.Level, m.LevelUpper)
	}
	return strconv.Itoa(m.Level)
}

func gapText(row FleetRow) string {
	switch {
	case row.Blocked == blockedCeiling:
		return "at its ceiling"
	case row.Blocked == blockedLimits:
		return titled(clean(row.NextBadge)) + ": limits"
	case row.NextBadge == framework.NoBadge.String():
		return none
	}
	return fmt.Sprintf("%d to %s", row.GapChecks, titled(clean(row.NextBadge)))
}

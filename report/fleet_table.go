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
		t := f.table(style)
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

func (f Fleet) table(style Style) *grid {
	t := &grid{columns: []column{
		{head: "SERVICE", min: 16},
		{head: "TEAM", min: 10, drop: 3},
		{head: "TIER", right: true, drop: 2},
		{head: "BADGE", min: 14},
		{head: "SCORE", drop: 6},
	}}
	for _, m := range f.Modules {
		t.columns = append(t.columns, column{head: clean(m.ID), min: 5, drop: 5})
	}
	t.columns = append(t.columns, column{head: "COVERED", right: true, drop: 1}, column{head: "GAP TO NEXT", drop: 4})
	for _, row := range f.Services {
		line := []string{clean(row.Service), clean(orNone(row.Team)), clean(tier(row.Tier)), badgeCell(row, style), clean(scoreText(row.Score))}
		for i, m := range f.Modules {
			level := none
			if i < len(row.Modules) {
				level = levelText(m.Scale, row.Modules[i])
			}
			line = append(line, clean(level))
		}
		coverage := none
		if row.Coverage != nil {
			coverage = percent(*row.Coverage)
		}
		t.rows = append(t.rows, append(line, clean(coverage), clean(gapText(row))))
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
	parts := []string{plural(len(f.Services), "service") + ":"}
	badges := framework.Badges()
	for i := len(badges) - 1; i >= 0; i-- {
		name := badges[i].String()
		parts = append(parts, badgePaint(name).on(fmt.Sprintf("%d %s", counts[name], name), style)+",")
	}
	if unjudged > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged,", unjudged))
	}
	if held > 0 {
		parts = append(parts, yellow.on(fmt.Sprintf("%d held in doubt", held), style)+",")
	}
	lines := strings.Join(wrapWords(parts, style.prose()-2), "\n  ")
	b.WriteString(strings.TrimSuffix(lines, ",") + "\n")
	fmt.Fprintf(b, "framework %s %s, evaluated %s\n", clean(f.Framework.Name), clean(f.Framework.Version), minute(f.At))
}

// badgeCell is the badge with its mark and its qualifiers.
func badgeCell(row FleetRow, style Style) string {
	if row.NoBadge == noBadgeNotJudged {
		return dim.on("not judged", style)
	}
	c := titled(clean(row.Badge))
	if row.Badge == framework.NoBadge.String() {
		c = "none"
	}
	c = badgePaint(row.Badge).on(c, style)
	if row.OnHold {
		c += " " + yellow.on("held", style)
	}
	var marks []string
	if n := row.Qualifiers.Exempt; n > 0 {
		marks = append(marks, strconv.Itoa(n)+"e")
	}
	if n := row.Qualifiers.Attested; n > 0 {
		marks = append(marks, strconv.Itoa(n)+"a")
	}
	if len(marks) > 0 {
		c += " (" + strings.Join(marks, " ") + ")"
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

package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/framework"
)

// The columns of the checks that a badge rests on without proof of a machine.
const (
	headAttested = "ATTESTED"
	headExempt   = "EXEMPT"
)

// WriteTable writes one line per service and the count of badges below.
func (f Fleet) WriteTable(w io.Writer, style Style) error {
	p := &prose{style: style}
	if len(f.Services) > 0 {
		dropped := f.table(style).write(&p.b, style)
		p.blank()
		f.legend(p, dropped)
	}
	f.footer(&p.b, style)
	return flush(w, p.b.String(), "fleet table")
}

// flush writes a rendered view in one piece.
func flush(w io.Writer, rendered, what string) error {
	if _, err := io.WriteString(w, rendered); err != nil {
		return fmt.Errorf("writing the %s: %w", what, err)
	}
	return nil
}

func (f Fleet) table(style Style) *grid {
	exempt, attested := f.qualified()
	g := &grid{columns: []column{
		{head: "SERVICE", min: 16},
		{head: "TEAM", min: 10, drop: 3},
		{head: "TIER", right: true, drop: 2},
		{head: "BADGE"},
	}}
	if attested {
		g.columns = append(g.columns, column{head: headAttested, right: true, drop: 4})
	}
	if exempt {
		// It is never left out: a badge would look as if all of its checks passed.
		g.columns = append(g.columns, column{head: headExempt, right: true})
	}
	g.columns = append(g.columns, column{head: "SCORE", right: true, drop: 7})
	for _, m := range f.Modules {
		g.columns = append(g.columns, column{head: clean(m.ID), min: 5, drop: 5})
	}
	g.columns = append(g.columns, column{head: "COVERED", right: true, drop: 1},
		column{head: "GAP TO NEXT", min: minGap, drop: 6})
	for _, row := range f.Services {
		line := []string{clean(row.Service), clean(orNone(row.Team)), tier(row.Tier), badgeCell(row, style)}
		if attested {
			line = append(line, countText(row.Qualifiers.Attested))
		}
		if exempt {
			line = append(line, countText(row.Qualifiers.Exempt))
		}
		line = append(line, scoreText(row.Score))
		for i, m := range f.Modules {
			level := none
			if i < len(row.Modules) {
				level = levelText(m.Scale, row.Modules[i], row.Badge)
			}
			line = append(line, level)
		}
		g.rows = append(g.rows, append(line, shareText(row.Coverage), f.gapText(row)))
	}
	return g
}

// qualified reports whether checks behind any badge are exempt, and whether any
// pass by attestation alone.
func (f Fleet) qualified() (exempt, attested bool) {
	for _, row := range f.Services {
		exempt = exempt || row.Qualifiers.Exempt > 0
		attested = attested || row.Qualifiers.Attested > 0
	}
	return exempt, attested
}

// legend explains the short marks that occur.
func (f Fleet) legend(p *prose, dropped []string) {
	var held, open, ended, awarding bool
	for _, row := range f.Services {
		awarding = awarding || len(row.Awarding) > 0
		held = held || row.OnHold
		open = open || row.Score != nil && percent(row.Score.Lower) != percent(row.Score.Upper)
		for i, m := range row.Modules {
			open = open || m.Applies && m.LevelUpper > m.Level
			ended = ended || i < len(f.Modules) && m.ended(f.Modules[i].Scale, row.Badge)
		}
	}
	exempt, attested := f.qualified()
	for _, part := range []struct {
		occurs bool
		text   string
	}{
		{held, "on hold: neither proved nor contradicted"},
		{
			attested && !slices.Contains(dropped, headAttested),
			headAttested + ": checks behind the badge that pass by attestation alone",
		},
		{exempt, headExempt + ": exempt checks behind the badge"},
		{awarding, "Silver in 9 h: proved, and awarded then if that stays"},
		{open, "1-3: depends on missing evidence"},
		{ended, "n/a: no check of the module counts beyond this level"},
		{len(dropped) > 0, "left out for width: " + strings.Join(dropped, ", ")},
	} {
		if part.occurs {
			p.wrapped(dim, part.text)
		}
	}
}

// footer counts services per badge and names the framework.
func (f Fleet) footer(b *strings.Builder, style Style) {
	b.WriteString(f.Summary(style) + "\n")
	fmt.Fprintf(b, "framework %s %s, evaluated %s\n", clean(f.Framework.Name), clean(f.Framework.Version), minute(f.At))
	pinned := map[string]int{}
	for _, row := range f.Services {
		pinned[row.PinnedTo]++
	}
	delete(pinned, "")
	for _, title := range slices.Sorted(maps.Keys(pinned)) {
		fmt.Fprintf(b, "%s pinned to %s\n", Plural(pinned[title], "service"), clean(title))
	}
	if slices.ContainsFunc(f.Services, FleetRow.lacks) {
		b.WriteString(strings.Join(wrapWords([]string{"next:", "`collector score SERVICE`", "says what one lacks,",
			"`collector framework coverage`", "which catalog keys", "and exporters", "all lack"}, style.prose()-2),
			"\n  ") + "\n")
	}
}

// lacks reports whether there is something to do for the service.
func (row FleetRow) lacks() bool {
	return row.GapChecks > 0 || row.Blocked == blockedLimits || row.NoBadge == noBadgeNotJudged || row.OnHold ||
		row.Score != nil && row.Score.Lower < row.Score.Upper
}

// Summary counts services per badge, best first. A service that is not judged
// yet is counted apart from those judged to have no badge, so that the counts
// add up to the fleet.
func (f Fleet) Summary(style Style) string {
	counts := map[string]int{}
	held, unjudged := 0, 0
	for _, row := range f.Services {
		if row.NoBadge == noBadgeNotJudged {
			unjudged++
		} else {
			counts[row.Badge]++
		}
		if row.OnHold {
			held++
		}
	}
	parts := []string{Plural(len(f.Services), "service") + ":"}
	badges := framework.Badges()
	for _, badge := range slices.Backward(badges) {
		name := badge.String()
		parts = append(parts, badgePaint(name).on(fmt.Sprintf("%d %s", counts[name], name), style)+",")
	}
	if unjudged > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged,", unjudged))
	}
	last := len(parts) - 1
	parts[last] = strings.TrimSuffix(parts[last], ",")
	if held > 0 {
		parts[last] += ";"
		parts = append(parts, yellow.on(fmt.Sprintf("%d of them on hold", held), style))
	}
	return strings.Join(wrapWords(parts, style.prose()-2), "\n  ")
}

// badgeCell is the badge and whether it is on hold.
func badgeCell(row FleetRow, style Style) string {
	if row.NoBadge == noBadgeNotJudged {
		return dim.on("not judged", style)
	}
	badge := badgePaint(row.Badge).on(badgeName(row.Badge), style)
	if row.OnHold {
		badge += " " + yellow.on("on hold", style)
	}
	return badge
}

// badgeName is a badge as it is shown: Gold, or none.
func badgeName(badge string) string {
	if badge == framework.NoBadge.String() {
		return badge
	}
	return titled(clean(badge))
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

// rangeText shows two shares in percent, or one where they do not differ.
func rangeText(lower, upper float64) string {
	low, high := percent(lower), percent(upper)
	if low == high {
		return low
	}
	return strings.TrimSuffix(low, "%") + "-" + high
}

// ended reports whether the service has passed all that a maturity module asks
// of it, at a level below the badge it holds: no check counts beyond.
func (m ModuleLevel) ended(scale, badge string) bool {
	return m.Applies && scale == string(framework.Maturity) && m.Level > 0 && m.Level == m.LevelUpper &&
		m.Level == m.HighestLevel && m.HighestLevel < int(badgeNamed(badge))
}

// levelText is a level, or both bounds where they differ. n/a follows a level
// below the badge beyond which no check of the module counts.
func levelText(scale string, m ModuleLevel, badge string) string {
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
	case m.ended(scale, badge):
		return fmt.Sprintf("%d, n/a", m.Level)
	}
	return strconv.Itoa(m.Level)
}

// minGap is the width of what is never cut: 12 to Platinum, Platinum in 23 h. A gap
// behind the second may be.
const minGap = 17

// gapText is what is missing to the next badge, behind the highest badge that is proved
// and not awarded yet.
func (f Fleet) gapText(row FleetRow) string {
	gap := row.gapText()
	if len(row.Awarding) == 0 {
		return gap
	}
	highest := row.Awarding[len(row.Awarding)-1]
	text := titled(clean(highest.Badge)) + " in " + shortly(highest.end().Sub(f.At))
	if gap == none {
		return text
	}
	return text + ", " + gap
}

// shortly is a span of time in one unit, rounded up.
func shortly(left time.Duration) string {
	switch {
	case left <= time.Minute:
		return "1 min"
	case left <= time.Hour:
		return strconv.Itoa(int(math.Ceil(left.Minutes()))) + " min"
	case left < 48*time.Hour:
		return strconv.Itoa(int(math.Ceil(left.Hours()))) + " h"
	}
	return strconv.Itoa(int(math.Ceil(left.Hours()/24))) + " days"
}

func (row FleetRow) gapText() string {
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

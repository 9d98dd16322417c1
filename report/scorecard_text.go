package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/framework"
)

// WriteText writes what the owner of a red cell needs, on one screen: the badge, the
// way to the next one, and what is unknown. With Style.All it writes every check with
// what was observed, when and by whom, what is wanted, and what to do next; failing
// checks come first, then the unknown ones, each the lowest badge first.
func (c Scorecard) WriteText(w io.Writer, style Style) error {
	p := &prose{style: style}
	c.writeHead(p)
	if !style.All {
		c.writeShort(p)
		return flush(w, p.b.String(), "scorecard")
	}
	c.writeModules(p)
	c.writeChecks(p, "FAILING", "fail")
	c.writeChecks(p, "UNKNOWN", "unknown")
	c.writeExempt(p)
	c.writeChecks(p, "PASSING", "pass")
	c.writeChecks(p, "SCHEDULED: judged, but not counted yet", "scheduled")
	c.writeNotApplicable(p)
	return flush(w, p.b.String(), "scorecard")
}

// prose writes indented, labelled and wrapped lines.
type prose struct {
	b     strings.Builder
	style Style
}

// labelWidth aligns what follows the labels.
const labelWidth = 10

// field writes a labelled text, wrapped below itself.
func (p *prose) field(label, content string) {
	for i, line := range wrap(clean(content), p.style.prose()-2-labelWidth) {
		if i > 0 {
			label = ""
		}
		p.fieldLine(label, line)
	}
}

// fields writes statements.
func (p *prose) fields(list []Statement) {
	for _, s := range list {
		p.field(s.Label, s.Text)
	}
}

// fieldLine writes a labelled line as it is; its text is safe to print.
func (p *prose) fieldLine(label, line string) {
	fmt.Fprintf(&p.b, "  %s%s%s\n", dim.on(label, p.style), strings.Repeat(" ", max(1, labelWidth-textWidth(label))), line)
}

// indented writes wrapped text; its text is safe to print.
func (p *prose) indented(text string) {
	for _, line := range wrap(text, p.style.prose()-2) {
		p.b.WriteString("  " + line + "\n")
	}
}

// wrapped writes wrapped text in a colour; its text is safe to print.
func (p *prose) wrapped(colour paint, text string) {
	for _, line := range wrap(text, p.style.prose()) {
		p.b.WriteString(colour.on(line, p.style) + "\n")
	}
}

func (p *prose) blank() { p.b.WriteByte('\n') }

func (p *prose) heading(s string) { p.b.WriteString(bold.on(s, p.style) + "\n") }

// writeTitle writes which service it is.
func (c Scorecard) writeTitle(p *prose) {
	row := c.Summary
	head := bold.on(clean(row.Service), p.style)
	if row.Title != row.Service {
		head += "  " + clean(row.Title)
	}
	p.b.WriteString(head + "\n")
	var about []string
	for _, part := range []struct{ word, value string }{{"team", row.Team}, {"org", row.Org}, {"tier", tier(row.Tier)},
		{"", row.Environment}} {
		if part.value != "" && part.value != none {
			about = append(about, strings.TrimSpace(part.word+" "+part.value))
		}
	}
	if len(about) > 0 {
		p.b.WriteString("  " + clean(strings.Join(about, ", ")) + "\n")
	}
}

func (c Scorecard) writeHead(p *prose) {
	row := c.Summary
	c.writeTitle(p)
	p.fieldLine("badge", c.badgeLine(p.style))
	p.fields(c.Clocks())
	if text := c.TargetWords(); text != "" {
		p.field("target", text)
	}
	if row.Score == nil {
		p.field("score", "-, because no check counts")
	} else {
		p.field("score", scoreText(row.Score)+", from evidence that covers "+percent(*row.Coverage))
	}
	if text := c.nextText(); text != "" {
		p.field("next", text)
	}
	p.field("judged", fmt.Sprintf("%s by framework %s %s (%s)", minute(c.At), c.Framework.Name, c.Framework.Version,
		c.Framework.Hash))
	if c.Pin != nil {
		p.field("criteria", c.Pin.String())
	}
}

// badgeLine is the badge with its qualifiers, in colour.
func (c Scorecard) badgeLine(style Style) string {
	row := c.Summary
	var line string
	switch row.NoBadge {
	case noBadgeNotJudged:
		line = dim.on("not judged", style) + ": evidence is missing"
		if row.Score == nil {
			line = dim.on("not judged", style) + ": no check counts"
		}
	case noBadgeNotYetBronze:
		line = dim.on("no badge", style) + ": " + row.shortOfBronze()
	case noBadgeAwarding:
		line = dim.on("no badge yet", style) + ": proved, but not for long enough"
	default:
		line = badgePaint(row.Badge).on(titled(clean(row.Badge)), style)
		var marks []string
		if n := row.Qualifiers.Exempt; n > 0 {
			marks = append(marks, fmt.Sprintf("%d exempt", n))
		}
		if n := row.Qualifiers.Attested; n > 0 {
			marks = append(marks, fmt.Sprintf("%d attested", n))
		}
		if len(marks) > 0 {
			line += " (" + strings.Join(marks, ", ") + ")"
		}
	}
	if !c.Badge.Since.IsZero() {
		line += " since " + minute(c.Badge.Since)
	}
	return line
}

// shortOfBronze says what a service without a badge lacks.
func (row FleetRow) shortOfBronze() string {
	switch row.Blocked {
	case blockedCeiling:
		return "too few modules have checks for this service"
	case blockedLimits:
		return "more checks are exempt or attested than Bronze allows"
	}
	return Plural(row.GapChecks, "check") + " short of Bronze"
}

// Clocks say what is about to happen to the badge, and its last change.
func (c Scorecard) Clocks() []Statement {
	var out statements
	badge := c.Badge
	if badge.OnHold {
		text := "since " + minute(badge.HoldSince)
		if badge.HoldReason != "" {
			text += ": " + badge.HoldReason
		}
		if !badge.LapseAt.IsZero() {
			text += "; lapses " + minute(badge.LapseAt) + " if it is not proved by then"
		}
		out.add("on hold", text)
	}
	for _, clock := range soonest(badge.Contradicted) {
		left := time.Duration(clock.left()) * time.Second
		out.add("losing", fmt.Sprintf("%s is contradicted for %s; it is lost in %s if that stays", titled(clock.Badge),
			lasting(time.Duration(clock.RanSeconds)*time.Second), lasting(left)))
	}
	for _, clock := range badge.Awarding {
		out.add("earning", fmt.Sprintf("%s is proved since %s; awarded from %s if that stays", titled(clock.Badge),
			minute(clock.Since), minute(clock.end())))
	}
	if last := badge.LastTransition; last != nil && last.Cause != "initial" {
		text := fmt.Sprintf("%s to %s on %s, cause: %s", titled(last.From), titled(last.To), minute(last.At), last.Cause)
		if len(last.Contributing) > 0 {
			text += " (also " + strings.Join(last.Contributing, ", ") + ")"
		}
		for i, flip := range last.Flips {
			text += [...]string{"; ", ", "}[min(i, 1)] + fmt.Sprintf("%s %s → %s", flip.Check, flip.Before, flip.After)
		}
		out.add("changed", text)
	}
	return out
}

// left is how long a contradiction must still last, in seconds.
func (c Contradicted) left() int64 { return max(0, c.DwellSeconds-c.RanSeconds) }

// soonest keeps of every badge the contradiction that costs it first.
func soonest(clocks []Contradicted) []Contradicted {
	var out []Contradicted
	for _, clock := range clocks {
		i := slices.IndexFunc(out, func(known Contradicted) bool { return known.Badge == clock.Badge })
		switch {
		case i < 0:
			out = append(out, clock)
		case clock.left() < out[i].left():
			out[i] = clock
		}
	}
	return out
}

// nextText is what is left to the next badge.
func (c Scorecard) nextText() string {
	row, next := c.Summary, titled(c.Summary.NextBadge)
	switch {
	case row.Blocked == blockedCeiling:
		return fmt.Sprintf("nothing above %s can be reached: too few modules have checks for this service",
			titled(c.Badge.Ceiling))
	case row.Blocked == blockedLimits:
		return fmt.Sprintf("every check for %s passes, but more are exempt or attested than %s allows", next, next)
	case row.NextBadge == framework.NoBadge.String():
		return ""
	}
	var parts []string
	for _, m := range c.Modules {
		if m.Gap > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", m.Name, m.Gap))
		}
	}
	perModule := ""
	if len(parts) > 0 {
		perModule = ": " + strings.Join(parts, ", ")
	}
	held := badgeNamed(c.Badge.Held)
	if c.nextBadge() > held {
		return fmt.Sprintf("%s left to %s%s", Plural(row.GapChecks, "check"), next, perModule)
	}
	// A badge that is held without proof: what stands between it and its
	// proof may be more than the way to the next lower one.
	text := fmt.Sprintf("%s left to prove %s again", Plural(c.inTheWay(), "check"), titled(c.Badge.Held))
	if c.nextBadge() < held {
		return text + fmt.Sprintf(", %d of them for %s already%s", row.GapChecks, next, perModule)
	}
	return text + perModule
}

// inTheWay counts the checks that are in the way.
func (c Scorecard) inTheWay() int {
	n := 0
	for _, check := range c.Checks {
		if check.InTheWay {
			n++
		}
	}
	return n
}

func (c Scorecard) writeModules(p *prose) {
	t := &grid{columns: []column{
		{head: "MODULE", min: 12, whole: true}, {head: "LEVEL"}, {head: "SCORE", right: true},
		{head: "PASS", right: true}, {head: "FAIL", right: true}, {head: "UNKNOWN", right: true},
		{head: "EXEMPT", right: true, drop: 3}, {head: "SCHEDULED", right: true, drop: 2},
		{head: "N/A", right: true, drop: 1},
	}}
	for _, m := range c.Modules {
		score := none
		if m.Score != nil && m.ScoreUpper != nil {
			score = rangeText(*m.Score, *m.ScoreUpper)
		}
		level := levelText(m.Scale, m.ModuleLevel, c.Summary.Badge)
		if m.ended(m.Scale, c.Summary.Badge) {
			level += " beyond"
		}
		row := []string{clean(m.Name), level, score}
		for _, status := range []string{"pass", "fail", "unknown", "exempt", "scheduled", "not_applicable"} {
			n := m.Counts[status]
			switch {
			case n == 0:
				row = append(row, dim.on(none, p.style))
			case status == "fail" || status == "unknown":
				row = append(row, statusPaint(status).on(strconv.Itoa(n), p.style))
			default:
				row = append(row, clean(strconv.Itoa(n)))
			}
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) > 0 {
		p.blank()
		t.write(&p.b, p.style)
	}
}

// writeChecks writes every check with the given status, lowest badge first:
// that is the order in which they stand in the way.
func (c Scorecard) writeChecks(p *prose, heading, status string) {
	var found []Check
	for _, check := range c.Checks {
		if check.Status == status && (!check.Blind || p.style.All) {
			found = append(found, check)
		}
	}
	if len(found) == 0 {
		return
	}
	slices.SortStableFunc(found, func(a, b Check) int {
		return cmp.Or(cmp.Compare(badgeNamed(a.NeededFor), badgeNamed(b.NeededFor)), cmp.Compare(a.Level, b.Level))
	})
	p.blank()
	p.heading(heading)
	for _, check := range found {
		p.blank()
		c.writeCheck(p, check)
	}
}

// writeExempt lists exemptions, because they end.
func (c Scorecard) writeExempt(p *prose) {
	first := true
	for _, check := range c.Checks {
		if check.Status != "exempt" {
			continue
		}
		if first {
			p.blank()
			p.heading("EXEMPT")
			first = false
		}
		p.blank()
		p.b.WriteString(clean(check.ID) + "  " + clean(check.Title) + "\n")
		if e := check.Exemption; e != nil {
			c.writeExemption(p, *e)
		}
	}
}

func (c Scorecard) writeExemption(p *prose, e Exemption) {
	p.field("until", fmt.Sprintf("%s (%s), %s", day(e.Expires), upTo(e.Expires.Sub(c.At)),
		agreed(e.RequestedBy, e.Approver, e.Ticket)))
	p.field("reason", e.Reason)
}

func upTo(left time.Duration) string {
	if left <= 0 {
		return "over"
	}
	return lasting(left) + " left"
}

func (c Scorecard) writeNotApplicable(p *prose) {
	var ids []string
	for _, check := range c.Checks {
		if check.Status == "not_applicable" {
			ids = append(ids, check.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	p.blank()
	p.heading("NOT APPLICABLE")
	p.field("", strings.Join(ids, ", "))
}

// writeRest says what was not shown and where to find it.
func (c Scorecard) writeRest(p *prose) {
	if p.style.All {
		return
	}
	passing, scheduled, unmeasurable := 0, 0, 0
	for _, check := range c.Checks {
		switch {
		case check.Blind && check.Status != "not_applicable" && check.Status != "exempt":
			unmeasurable++
		case check.Status == "pass":
			passing++
		case check.Status == "scheduled":
			scheduled++
		}
	}
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{
		{passing, "passing"}, {scheduled, "scheduled for later"},
		{unmeasurable, "not measurable with the configured sources (`collector framework coverage` says what is needed)"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	if len(parts) == 0 {
		return
	}
	p.blank()
	p.wrapped(dim, "Not shown: "+strings.Join(parts, ", ")+".")
}

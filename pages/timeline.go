package pages

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/report"
)

// The time line in its own pixels: it grows and shrinks with the page.
const (
	lineWidth, lineHeight = 720, 170
	lineLeft, lineRight   = 64, 8
	lineTop, lineBottom   = 10, 26
)

// timeLine draws the badge over the time of a history, with the times on hold. What was
// before the store knows anything of the service is empty. All that it shows is text in
// the list of events, too.
func timeLine(h report.History) template.HTML {
	from := h.Since
	span := h.At.Sub(from)
	if span <= 0 {
		return ""
	}
	x := func(at time.Time) float64 {
		share := float64(at.Sub(from)) / float64(span)
		return lineLeft + max(0, min(1, share))*(lineWidth-lineLeft-lineRight)
	}
	const rows = int(framework.Diamond)
	y := func(level framework.Badge) float64 {
		return lineHeight - lineBottom - float64(level)*(lineHeight-lineTop-lineBottom)/float64(rows)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="line" viewBox="0 0 %d %d" role="img" aria-label="The badge over the last %d days">`,
		lineWidth, lineHeight, int(span.Hours()/24))
	for _, badge := range framework.Badges() {
		fmt.Fprintf(&b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			lineLeft, y(badge), lineWidth-lineRight, lineLeft-6, y(badge)+4, report.BadgeName(badge.String()))
	}
	for month := firstOfMonth(from); month.Before(h.At); month = month.AddDate(0, 1, 0) {
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %dV%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			x(month), lineTop, lineHeight-lineBottom, x(month), lineHeight-8, month.Format("2 Jan"))
	}
	path, dots := badgeLine(h, x, y)
	for _, e := range h.Events {
		if e.Kind != report.EventHold {
			continue
		}
		until := e.Until
		if until.IsZero() {
			until = h.At
		}
		fmt.Fprintf(&b, `<rect class="hold" x="%.1f" y="%d" width="%.1f" height="%d"><title>on hold</title></rect>`,
			x(e.At), lineTop, max(1, x(until)-x(e.At)), lineHeight-lineTop-lineBottom)
	}
	fmt.Fprintf(&b, `<path class="held" d="%s"/>%s</svg>`, path, dots)
	return template.HTML(b.String()) //nolint:gosec // numbers, and names of badges and months
}

// badgeLine is the line of the badge held, and a dot for each change.
func badgeLine(h report.History, x func(time.Time) float64, y func(framework.Badge) float64) (path, dots string) {
	level := func(name string) framework.Badge {
		badge, err := framework.ParseBadge(name)
		if err != nil {
			return framework.NoBadge
		}
		return badge
	}
	var changes []*report.Transition
	for i := range h.Events {
		if t := h.Events[i].Transition; t != nil {
			changes = append([]*report.Transition{t}, changes...)
		}
	}
	begin, now := h.Since, level(h.Badge.Held)
	if len(changes) > 0 {
		now = level(changes[0].From)
		if changes[0].Cause == "initial" {
			begin, now = changes[0].At, level(changes[0].To)
		}
	}
	if h.KnownSince.After(begin) {
		begin = h.KnownSince
	}
	path = fmt.Sprintf("M%.1f %.1f", x(begin), y(now))
	for _, t := range changes {
		to := level(t.To)
		path += fmt.Sprintf("H%.1fV%.1f", x(t.At), y(to))
		dots += fmt.Sprintf(`<circle class="change" cx="%.1f" cy="%.1f" r="4"><title>%s: %s to %s</title></circle>`,
			x(t.At), y(to), report.Day(t.At), report.BadgeName(t.From), report.BadgeName(t.To))
	}
	return path + fmt.Sprintf("H%.1f", x(h.At)), dots
}

// firstOfMonth is the first begin of a month after a time.
func firstOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

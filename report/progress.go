package report

import (
	"strings"
	"time"
)

// Bounds of the parts of a progress line, in cells.
const (
	minBar  = 10
	maxBar  = 40
	minName = 12
)

// ProgressLine draws one long step of a source as one line of at most width
// cells: what it is, a bar, the share that is done, the pace and the time left.
// Where the width does not suffice the bar goes first, then the end of the
// pace; the share stays.
func ProgressLine(source, step string, pace *Pace, now time.Time, width int) string {
	name := clean(source)
	if step != "" {
		name += "  " + clean(step)
	}
	share := percent(pace.Share())
	share = strings.Repeat(" ", len("100%")-len(share)) + share
	tail := share
	if text := pace.Text(now); text != "" {
		tail += "  " + text
	}
	room := width - textWidth(name) - textWidth(tail) - 2*len(columnGap)
	if room >= minBar {
		return name + columnGap + bar(pace.Share(), min(room, maxBar)) + columnGap + tail
	}
	// Without a bar; what is still too long is cut.
	if over := textWidth(name) + len(columnGap) + textWidth(tail) - width; over > 0 {
		name = cut(name, max(minName, textWidth(name)-over))
	}
	return OneLine(name+columnGap+tail, width)
}

// OneLine cuts a text that a line of the width is redrawn with: a line that wraps
// would leave its first part behind.
func OneLine(text string, width int) string { return cut(text, max(0, width)) }

// ProgressDone is the line of a step that has ended.
func ProgressDone(source, step string, pace *Pace) string {
	return clean(source) + "  " + clean(step) + ": " + Plural(pace.latest,
		"record") + " in " + lasting(pace.last.Sub(pace.began).Round(time.Second))
}

// bar draws a share in the given number of cells.
func bar(share float64, size int) string {
	inner := size - 2
	full := min(int(share*float64(inner)+1e-9), inner)
	text := strings.Repeat("=", full)
	if full < inner {
		text += ">" + strings.Repeat(" ", inner-full-1)
	}
	return "[" + text + "]"
}

// Package report turns a snapshot into what people and machines read: the
// fleet table, the scorecard of one service, the coverage of the criteria, as
// text, CSV and JSON. Building a view is pure and needs the snapshot;
// rendering needs the view alone, so that a view decoded from a running
// daemon's JSON looks exactly like a local one.
package report

import "github.com/prodready/collector/framework"

// Style says how text and tables are drawn. The zero value is plain text of
// unlimited width that shows what needs attention.
type Style struct {
	// Colour turns ANSI colours on. Whether the output is a terminal, and
	// whether the user wants colours, is the caller's business.
	Colour bool
	// All shows what is in order as well: passing checks, complete facts.
	All bool
	// Width is the number of columns of the terminal. Tables are squeezed, and
	// if need be lose columns, to fit. 0 means unlimited for tables and 100 for
	// running text.
	Width int
	// noCut wraps text beyond Width, keeps all columns, and lets a long name
	// exceed Width: what a program reads must be complete.
	noCut bool
}

// proseWidth is where running text is wrapped: long lines are hard to read
// even on wide terminals.
const proseWidth = 100

// minProse is the width below which text is hard to read and to search.
const minProse = 40

func (s Style) prose() int {
	switch {
	case s.Width <= 0 || s.Width > proseWidth:
		return proseWidth
	case s.Width < minProse:
		return minProse
	}
	return s.Width
}

// paint is the parameter of an ANSI "select graphic rendition" sequence; the
// empty paint leaves text alone.
type paint string

const (
	plain  paint = ""
	bold   paint = "1"
	dim    paint = "2"
	red    paint = "31"
	green  paint = "32"
	yellow paint = "33"
)

// on wraps text in the paint when the style wants colours.
func (p paint) on(text string, style Style) string {
	if !style.Colour || p == plain || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// badgePaint is the colour of a badge by its lower-case name. Having no badge
// is not an alarm, so it is dim instead of red.
func badgePaint(name string) paint {
	badge, err := framework.ParseBadge(name)
	if err != nil {
		return plain
	}
	return [...]paint{framework.NoBadge: dim, framework.Bronze: "33", framework.Silver: "37", framework.Gold: "93",
		framework.Platinum: "96", framework.Diamond: "95"}[badge]
}

// statusPaint is the colour of a check's status by its name.
func statusPaint(status string) paint {
	switch status {
	case "fail":
		return red
	case "unknown":
		return yellow
	case "pass":
		return green
	}
	return dim
}

package main

import "github.com/prodready/collector/framework"

// tone is what a colour says. Its two shades differ because a mark has to be seen against
// the panel, dark or light, and a cell has to carry text, which Grafana makes black or
// white by the brightness of the cell. Red and green never tell a difference alone.
type tone struct{ mark, cell string }

// The names that Grafana gives to the colour of text and to none, which follow the theme.
const (
	neutral  = "text"
	unfilled = "transparent"
)

// The tones for the dark and the light theme. A panel of figures uses bad and notice for what
// somebody should look at, and the neutral base colour for all else.
func bad() tone    { return tone{"#d6263b", "#d6263b"} }
func notice() tone { return tone{"#d9770d", "#ffb357"} }
func good() tone   { return tone{"#3b7ddd", "#2b69cc"} }
func quiet() tone  { return tone{"#7d858e", "#6b7280"} }

// faint is for what is of no interest beside good, and never alone.
func faint() tone { return tone{"#9cc2f5", "#9cc2f5"} }

// plain is no colour.
func plain() tone { return tone{neutral, unfilled} }

// badgeColor is the colour of a badge. It is never that of text: silver and gold are faint
// on white.
func badgeColor(b framework.Badge) string {
	return [...]string{"#786a63", "#a65a1f", "#c3ccd5", "#f2c218", "#0a7a8f", "#7c4ddb"}[b]
}

// step is a tone from a value on. Below the first, and for no value, nothing is coloured.
type step struct {
	from float64
	tone tone
}

// shareSteps are for shares that should be near one.
func shareSteps() []step {
	return []step{{0, bad()}, {0.5, notice()}, {0.75, plain()}}
}

// durationSteps are for durations of incidents, in seconds: two hours and eight.
func durationSteps() []step { return []step{{2 * 3600, notice()}, {8 * 3600, bad()}} }

// noiseSteps are for shares of what should not have happened.
func noiseSteps() []step { return []step{{0.25, notice()}, {0.5, bad()}} }

// anySteps mark what should not be there at all.
func anySteps(t tone) []step { return []step{{1, t}} }

// soonSteps mark what ends within a week, and what has ended, of seconds that are left.
func soonSteps() []step {
	return []step{{-10 * 365 * day, bad()}, {0, notice()}, {7 * day, plain()}}
}

// oldSteps mark ages in seconds.
func oldSteps(warn, alarm float64) []step { return []step{{warn, notice()}, {alarm, bad()}} }

// day is the seconds of a day.
const day = 86400.0

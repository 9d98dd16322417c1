package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The tests of this file hold every panel against what Grafana makes of it on the screen.

// hasColour finds a colour in the words for values.
var hasColour = regexp.MustCompile(`"color": ?"#`)

// TestOnlyWhatIsHeldIsColoured: the colour of a target, a limit or a former badge would be
// louder than that of the badge that a service has.
func TestOnlyWhatIsHeldIsColoured(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		shown := headers(p)
		for _, q := range p.Targets {
			other := regexp.MustCompile(`readiness:(target_badge|badge_ceiling)_level( >|$|\{[^}]*\}( < 5)?$)`).MatchString(
				strings.TrimPrefix(q.Expr, "("))
			if other && p.Type == "stat" && (p.Options.ColorMode != "value" || hasColour.Match(p.FieldConfig.Defaults.Mappings)) {
				t.Errorf("%s has the colour of a badge", p.Title)
			}
		}
		for from, header := range shown {
			if from != "from" && header != "Target" {
				continue
			}
			var words json.RawMessage
			if !p.of(header).get(t, "mappings", &words) || hasColour.Match(words) {
				t.Errorf("the badges of %s are not shown as words without a colour: %s", header, words)
			}
		}
	})
}

// TestALineBridgesARestart: a chart with a gap for each restart of Prometheus looks as if
// services had gone, and zeros for what is not known are wrong.
func TestALineBridgesARestart(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		if p.Type != "timeseries" && p.Type != "state-timeline" {
			return
		}
		want := bridged
		if p.Type == "state-timeline" {
			want = bridgedInState
		}
		if got := p.FieldConfig.Defaults.Custom.SpanNulls; got != float64(want.Milliseconds()) {
			t.Errorf("gaps of %g ms are bridged", got)
		}
		for _, q := range p.Targets {
			if strings.Contains(q.Expr, "vector(0)") {
				t.Errorf("query %s is 0 where nothing is known: %s", q.RefID, q.Expr)
			}
		}
	})
}

// TestSeriesAreToldApart: Grafana's palette by name gives two names the same colour.
func TestSeriesAreToldApart(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		if mode := p.FieldConfig.Defaults.Color.Mode; mode != "thresholds" && mode != "palette-classic" {
			t.Errorf("the colours are %q", mode)
		}
		if tip := p.Options.Tooltip; tip != nil && tip.Mode == "" {
			t.Error("the tooltip has no mode")
		}
	})
}

// TestABarOfADayStandsAtItsDay: bars of a moving day count each change many times.
func TestABarOfADayStandsAtItsDay(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		if p.FieldConfig.Defaults.Custom.DrawStyle != "bars" {
			return
		}
		if p.Interval != "1d" {
			t.Errorf("a bar is of %q", p.Interval)
		}
		for _, q := range p.Targets {
			if strings.Count(q.Expr, "[1d") != strings.Count(q.Expr, " offset -1d)") {
				t.Errorf("query %s is not of the day that begins: %s", q.RefID, q.Expr)
			}
		}
	})
}

// TestBarsAreAsLongAsTheirShare: Grafana keeps room for the figure within what a bar does
// not fill, and makes letters as large as the panel allows.
func TestBarsAreAsLongAsTheirShare(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		o := p.Options
		if p.Type != "bargauge" {
			return
		}
		if o.ShowUnfilled {
			t.Error("100 % does not fill what is shown as the whole")
		}
		if o.Sizing != "manual" || o.Text.TitleSize == 0 || o.Text.ValueSize == 0 {
			t.Error("letters and bars have no size")
		}
	})
}

// TestFiguresAreLargeEnoughToRead: two units of a duration need room.
func TestFiguresAreLargeEnoughToRead(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		d := p.FieldConfig.Defaults
		if d.Unit == duration().id && d.Decimals > 0 && p.GridPos.W < roomForTwoUnits {
			t.Errorf("a duration in %g units has %d columns", d.Decimals+1, p.GridPos.W)
		}
		if p.Options.TextMode == "value_and_name" && p.Options.WideLayout {
			t.Error("a figure has a third of the width, the name beside it the rest")
		}
	})
}

// TestAChangeSaysItsWay: Grafana writes no plus, and a shorter duration as one that is over.
func TestAChangeSaysItsWay(t *testing.T) {
	met := 0
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for _, q := range p.Targets {
			if p.Type != "stat" || !strings.Contains(q.Expr, "offset 30d") {
				continue
			}
			met++
			if q.LegendFormat != "{{way}}" || !strings.Contains(q.Expr, "▲") || !strings.Contains(q.Expr, "▼") {
				t.Errorf("query %s is called %q", q.RefID, q.LegendFormat)
			}
		}
	})
	if met == 0 {
		t.Error("no panel shows a change")
	}
}

// TestATimeThatIsOverIsRead: "59 minutes ago" is longer than "59 minutes", and a table cuts
// figures at their beginning.
func TestATimeThatIsOverIsRead(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for from, header := range headers(p) {
			var u string
			if c := p.of(header); !c.get(t, "unit", &u) || u != duration().id {
				continue
			}
			width, least := 0, letters("59 minutes")
			if !p.of(header).get(t, "custom.width", &width) {
				p.of(header).get(t, "custom.minWidth", &width)
			}
			ref := strings.TrimPrefix(from, "Value #")
			for _, q := range p.Targets {
				over := strings.Contains(q.Expr, " - time()")
				if len(p.Targets) > 1 && q.RefID != ref || !over {
					continue
				}
				var words []dashboard.RangeMap
				if !p.of(header).get(t, "mappings", &words) {
					least = letters("59 minutes ago")
				} else if o := words[0].Options; o.From == nil || o.To == nil || o.Result.Text == nil {
					t.Errorf("%s says nothing of what is over: %+v", header, o)
				}
			}
			if width < least {
				t.Errorf("%s has %d pixels and needs %d", header, width, least)
			}
		}
	})
}

// TestAStretchedColumnIsQuiet: the column that takes what is left is half a screen wide.
func TestAStretchedColumnIsQuiet(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for _, header := range headers(p) {
			var width int
			var words json.RawMessage
			c := p.of(header)
			if c.get(t, "custom.minWidth", &width) && c.get(t, "mappings", &words) && hasColour.Match(words) {
				t.Errorf("%s is coloured", header)
			}
		}
	})
}

// TestNamesAreWords: the name of a series is read by people, and a class, an outcome or a
// direction is not yet a word.
func TestNamesAreWords(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		for _, q := range p.Targets {
			for _, raw := range []string{"{{class}}", "{{direction}}"} {
				if strings.Contains(q.LegendFormat, raw) {
					t.Errorf("query %s shows %s as it is", q.RefID, raw)
				}
			}
		}
	})
}

// TestEveryBarIsSeen: bars that do not fit are scrolled out of sight. The test counts the
// bars of panels with one query for each bar; a query that makes several bars is left out,
// because their number depends on the data.
func TestEveryBarIsSeen(t *testing.T) {
	eachPanel(t, func(t *testing.T, _ board, p boardPanel) {
		// A row of the grid has 30 pixels and 8 between them; title and padding have 48.
		room := p.GridPos.H*38 - 8 - 48
		if n := len(p.Targets); p.Type == "bargauge" && n*(36+10)-10 > room {
			t.Errorf("%d bars do not fit in %d pixels", n, room)
		}
	})
}

package main

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/framework"
)

// The colours that have a meaning, the same on both dashboards.
const (
	green  = "#56a64b"
	yellow = "#e0b400"
	orange = "#fa6400"
	red    = "#e02f44"
	blue   = "#5794f2"
	grey   = "#8e8e8e"
)

// badgeColors are by level. They differ in lightness too, for those who do not
// tell the hues apart.
var badgeColors = [...]string{"#5a5f66", "#b06a2c", "#b4bdc6", "#e5b80b", "#4fb7c5", "#8f6bf2"}

// badgeTitle is a badge as a person writes it.
func badgeTitle(b framework.Badge) string {
	name := b.String()
	return string(name[0]-'a'+'A') + name[1:]
}

// badgeNames shows levels as the names of badges, in their colours.
func badgeNames() []dashboard.ValueMapping {
	named := map[string]dashboard.ValueMappingResult{}
	for i, b := range framework.Badges() {
		named[strconv.Itoa(int(b))] = dashboard.ValueMappingResult{
			Text: new(badgeTitle(b)), Color: new(badgeColors[b]), Index: new(int32(i)),
		}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText,
		Options: named}}}
}

// badgeWords colours the names of badges where they are text.
func badgeWords() []dashboard.ValueMapping {
	named := map[string]dashboard.ValueMappingResult{}
	for i, b := range framework.Badges() {
		named[b.String()] = dashboard.ValueMappingResult{
			Text: new(badgeTitle(b)), Color: new(badgeColors[b]), Index: new(int32(i)),
		}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText,
		Options: named}}}
}

// named shows some values as coloured words.
func named(words map[string]word) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for value, w := range words {
		options[value] = dashboard.ValueMappingResult{Text: new(w.text), Color: new(w.color)}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText,
		Options: options}}}
}

// word is how a value is shown.
type word struct{ text, color string }

// levelSteps colours levels like the badges they allow.
func levelSteps() []step {
	steps := []step{{color: badgeColors[0]}}
	for level := 1; level < len(badgeColors); level++ {
		steps = append(steps, step{from: float64(level), color: badgeColors[level]})
	}
	return steps
}

// shareSteps are for shares that should be near one.
func shareSteps() []step {
	return []step{{color: red}, {from: 0.5, color: orange}, {from: 0.75, color: yellow}, {from: 0.9, color: green}}
}

// hoursSteps are for durations of incidents, in seconds: half an hour, two
// hours and eight.
func hoursSteps() []step {
	return []step{{color: green}, {from: 1800, color: yellow}, {from: 7200, color: orange}, {from: 28800, color: red}}
}

// anySteps turn something that should not be there into the colour.
func anySteps(color string) []step {
	return []step{{color: green}, {from: 1, color: color}}
}

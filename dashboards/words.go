package main

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/grafana"
)

// word is how a value is shown.
type word struct {
	text string
	tone tone
}

// badgeTitle is a badge as a person writes it.
func badgeTitle(b framework.Badge) string {
	name := b.String()
	return string(name[0]-'a'+'A') + name[1:]
}

// badgeLevels shows levels as the names of badges, in their colours.
func badgeLevels() []dashboard.ValueMapping {
	return badgeMapping(func(b framework.Badge) string { return strconv.Itoa(int(b)) })
}

// badgeNames does so where badges are text.
func badgeNames() []dashboard.ValueMapping { return badgeMapping(framework.Badge.String) }

func badgeMapping(key func(framework.Badge) string) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for i, b := range framework.Badges() {
		options[key(b)] = dashboard.ValueMappingResult{
			Text: new(badgeTitle(b)), Color: new(badgeColor(b)), Index: new(int32(i)),
		}
	}
	return mapping(options)
}

// uncoloured are the same words without their colours.
func uncoloured(mappings []dashboard.ValueMapping) []dashboard.ValueMapping {
	for _, m := range mappings {
		for value, result := range m.ValueMap.Options {
			result.Color = nil
			m.ValueMap.Options[value] = result
		}
	}
	return mappings
}

// marked shows some values as words in the colour of marks, and celled in that of cells.
func marked(words map[string]word) []dashboard.ValueMapping {
	return inWords(words, func(t tone) string { return t.mark })
}

func celled(words map[string]word) []dashboard.ValueMapping {
	return inWords(words, func(t tone) string { return t.cell })
}

func inWords(words map[string]word, shade func(tone) string) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for value, w := range words {
		options[value] = dashboard.ValueMappingResult{Text: new(w.text), Color: new(shade(w.tone))}
	}
	return mapping(options)
}

func mapping(options map[string]dashboard.ValueMappingResult) []dashboard.ValueMapping {
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: options,
	}}}
}

// checkTitles shows the id of a check with its title beside it. The titles are those of
// the default framework: generating the dashboards with `collector dashboards` puts those
// of the configured one in their place.
func checkTitles(titles map[string]string) []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for id, title := range titles {
		options[id] = dashboard.ValueMappingResult{Text: new(grafana.CheckText(id, title))}
	}
	return mapping(options)
}

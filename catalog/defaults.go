package catalog

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Defaults are what the configuration says of services whose entry does not say
// it. A key of a selector counts before the same key for all services.
type Defaults struct {
	Declared `yaml:",inline"`
	// Selectors are defaults for some services. Of several that select a service
	// and have a key, the first gives it.
	Selectors []SelectedDefaults `yaml:"selectors"`
}

// SelectedDefaults are defaults for the services that Select fits.
type SelectedDefaults struct {
	Select   Selector `yaml:"select"`
	Declared `yaml:",inline"`
}

// Declared are the keys of a service that can have a default. In the texts
// {{service}} is replaced by the service's name, {{team}} by its team and
// {{namespace}} by its namespace; a text whose placeholder has no value gives
// nothing.
type Declared struct {
	// Tier is 1 to 4; 0 gives none.
	Tier int `yaml:"tier,omitempty"`
	// Exposure, DataClass and Runtime are words of Exposures, DataClasses and
	// Runtimes.
	Exposure  string `yaml:"exposure"`
	DataClass string `yaml:"data_class"`
	Runtime   string `yaml:"runtime"`
	// DataOwner is a team; {{team}} is the service's own.
	DataOwner string `yaml:"data_owner"`
	// Environment is a free word.
	Environment string `yaml:"environment"`
	// Dashboard is an address.
	Dashboard string `yaml:"dashboard"`
}

// Selector selects services by what their entries say. All keys that are given
// have to fit; a selector without keys selects nothing.
type Selector struct {
	// Name is a regular expression (RE2) that the whole name has to match.
	Name string `yaml:"name"`
	// Team and Namespace are names.
	Team      string `yaml:"team"`
	Namespace string `yaml:"namespace"`
	// Source is one of EntrySources.
	Source EntrySource `yaml:"source"`
	// File is a pattern of the file that the entry was read from.
	File string `yaml:"file"`
	// Type and Lifecycle are those of a Backstage component; case does not matter.
	Type      string `yaml:"type"`
	Lifecycle string `yaml:"lifecycle"`
	// Tag is one of the tags of a Backstage component.
	Tag string `yaml:"tag"`
	// Labels are labels of the entry and their values.
	Labels map[string]string `yaml:"labels"`
}

// words are the texts of Declared by their key.
func (d *Declared) words() map[string]*string {
	return map[string]*string{
		"exposure": &d.Exposure, "data_class": &d.DataClass, "runtime": &d.Runtime, "data_owner": &d.DataOwner,
		"environment": &d.Environment, "dashboard": &d.Dashboard,
	}
}

// defaultable are the fields of a service that can have a default, by their key.
func (s *Service) defaultable() map[string]*string {
	return map[string]*string{
		"exposure": &s.Exposure, "data_class": &s.DataClass, "runtime": &s.Runtime, "data_owner": &s.DataOwner,
		"environment": &s.Environment, "dashboard": &s.Dashboard,
	}
}

var doubleBraces = regexp.MustCompile(`\{\{\s*([A-Za-z_]*)\s*\}\}`)

// placeholders are those that a default may have.
func (s *Service) placeholders() map[string]string {
	return map[string]string{"service": s.Name, "team": s.Team, "namespace": s.Namespace}
}

// fillIn replaces the placeholders of a default, such as {{team}}, by the values of a
// service. If one of them has no value, filled is empty and missing is the name of that
// placeholder.
func fillIn(text string, places map[string]string) (filled, missing string) {
	filled = doubleBraces.ReplaceAllStringFunc(text, func(word string) string {
		place := doubleBraces.FindStringSubmatch(word)[1]
		if places[place] == "" {
			missing = place
		}
		return places[place]
	})
	if missing != "" {
		return "", missing
	}
	return filled, ""
}

// defaultsKey is where the defaults are in the configuration.
const defaultsKey = "catalog.defaults"

// apply gives a service the keys that its entry does not have, and records in
// Defaulted where each comes from.
func (d Defaults) apply(s *Service) {
	for i, selected := range d.Selectors {
		if selected.Select.fits(s) {
			selected.apply(s, fmt.Sprintf("%s.selectors[%d]", defaultsKey, i))
		}
	}
	d.Declared.apply(s, defaultsKey)
}

func (d Declared) apply(s *Service, place string) {
	note := func(key string) { s.Defaulted = with(s.Defaulted, key, place) }
	if s.Tier == 0 && d.Tier != 0 {
		s.Tier = d.Tier
		note("tier")
	}
	fields, places := s.defaultable(), s.placeholders()
	for key, text := range d.words() {
		value, missing := fillIn(*text, places)
		switch {
		case *fields[key] != "":
		case value != "":
			*fields[key] = value
			note(key)
		case missing != "":
			s.Unfilled = with(s.Unfilled, key, missing)
		}
	}
}

// with is a copy of the map that has the key, too.
func with(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// fits reports whether the selector selects the service. A selector that does
// not pass Validate fits nothing.
func (sel Selector) fits(s *Service) bool {
	if sel.empty() {
		return false
	}
	for name, value := range sel.Labels {
		if have, ok := s.Labels[name]; !ok || have != value {
			return false
		}
	}
	for _, word := range []struct{ want, have string }{
		{sel.Team, s.Team}, {sel.Namespace, s.namespace()}, {string(sel.Source), string(s.source())},
		{strings.ToLower(sel.Type), strings.ToLower(s.Type)},
		{strings.ToLower(sel.Lifecycle), strings.ToLower(s.Lifecycle)},
	} {
		if word.want != "" && word.want != word.have {
			return false
		}
	}
	return (sel.Tag == "" || slices.Contains(s.Tags, sel.Tag)) && sel.fitsPatterns(s)
}

func (sel Selector) fitsPatterns(s *Service) bool {
	if sel.Name != "" {
		if pattern, err := wholePattern(sel.Name); err != nil || !pattern.MatchString(s.Name) {
			return false
		}
	}
	ok, err := filepath.Match(sel.File, s.Origin.File)
	return sel.File == "" || ok && err == nil
}

func (sel Selector) empty() bool {
	return len(sel.Labels) == 0 && sel.Name+sel.Team+sel.Namespace+string(sel.Source)+sel.File+sel.Type+sel.Lifecycle+
		sel.Tag == ""
}

// haveTier reports whether the defaults give some services a tier.
func (d Defaults) haveTier() bool {
	return d.Tier != 0 || slices.ContainsFunc(d.Selectors, func(s SelectedDefaults) bool { return s.Tier != 0 })
}

func wholePattern(expression string) (*regexp.Regexp, error) {
	return regexp.Compile(`^(?:` + expression + `)$`)
}

// Validate reports what is wrong with the defaults, each with its field.
func (d Defaults) Validate() map[string]error {
	bad := map[string]error{}
	d.validateKeys("", bad)
	for i, selected := range d.Selectors {
		at := fmt.Sprintf("selectors[%d]", i)
		selected.validateKeys(at+".", bad)
		selected.Select.validate(at+".select", bad)
		if selected.Declared == (Declared{}) {
			bad[at] = errors.New("no key is given for the services that are selected; give one, tier for instance")
		}
	}
	return bad
}

func (d Declared) validateKeys(prefix string, bad map[string]error) {
	if d.Tier != 0 && (d.Tier < HighestTier || d.Tier > LowestTier) {
		bad[prefix+"tier"] = tierOutOfRange(d.Tier)
	}
	closed := map[string][]string{"exposure": Exposures[:], "data_class": DataClasses[:], "runtime": Runtimes[:]}
	known := slices.Sorted(maps.Keys((&Service{}).placeholders()))
	for key, text := range d.words() {
		if err := unknownWord(*text, closed[key]); err != nil && closed[key] != nil {
			bad[prefix+key] = err
		}
		for _, match := range doubleBraces.FindAllStringSubmatch(*text, -1) {
			if !slices.Contains(known, match[1]) {
				bad[prefix+key] = fmt.Errorf("nothing is known for %s; use {{service}}, {{team}} or {{namespace}}", match[0])
			}
		}
	}
	if d.DataOwner == "team" {
		bad[prefix+"data_owner"] = errors.New(
			`this is a team with the name "team"; write "{{team}}" for the service's own team`)
	}
	sample, _ := fillIn(d.Dashboard, map[string]string{"service": "a", "team": "a", "namespace": "a"})
	if text := faultOfAddress(sample); d.Dashboard != "" && bad[prefix+"dashboard"] == nil && text != "" {
		bad[prefix+"dashboard"] = errors.New(text)
	}
}

func (sel Selector) validate(at string, bad map[string]error) {
	if sel.empty() {
		bad[at] = errors.New(
			"nothing is selected; give a key such as name, team or labels; defaults for all services are keys of " + defaultsKey)
	}
	if _, err := wholePattern(sel.Name); err != nil {
		bad[at+".name"] = fmt.Errorf("this is not a regular expression: %w", err)
	}
	if _, err := filepath.Match(sel.File, ""); err != nil {
		bad[at+".file"] = errors.New("this is not a file pattern; write it like shop/*/catalog-info.yaml")
	}
	if err := unknownWord(string(sel.Source), EntrySources[:]); err != nil {
		bad[at+".source"] = err
	}
}

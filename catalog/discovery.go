package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/prodready/collector/evidence"
)

// Discovery is a rule that makes services of the catalog out of those of a
// PagerDuty account. Of several rules the first that matches a service is used.
type Discovery struct {
	// Account is a configured account; empty means the only one.
	Account string `yaml:"account"`
	// Name is a regular expression (RE2) that the whole name of a PagerDuty
	// service has to match; empty fits all. Its group "service" becomes the
	// name in the catalog, its group "tier" the tier.
	Name string `yaml:"name"`
	// Tag is the label of a tag that the service's escalation policy or one of
	// its teams has to carry; empty asks for none.
	Tag string `yaml:"tag"`
	// Entry is what the catalog says about every service found. In its texts
	// {service} is replaced by the name in the catalog, {team} by its team, and
	// {group} by what a named group of Name has matched.
	Entry Service `yaml:"entry"`
}

// Groups of Discovery.Name and placeholders in Discovery.Entry with a meaning.
const (
	groupService = "service"
	groupTier    = "tier"
	placeTeam    = "team"
)

// Validate reports what is wrong with the rule, each with the field it is in. The
// defaults may give what the rule leaves out.
func (d Discovery) Validate(defaults Defaults) map[string]error {
	bad := map[string]error{}
	groups := []string{groupService, placeTeam}
	if d.Name == "" && d.Tag == "" {
		bad[""] = errors.New("neither a name nor a tag is given; give one of them, name: .* finds every service")
	}
	pattern, err := d.pattern()
	if err != nil {
		bad["name"] = fmt.Errorf("this is not a regular expression: %w", err)
	} else {
		groups = append(groups, pattern.SubexpNames()...)
	}
	hasTier := slices.Contains(groups, groupTier)
	switch {
	case d.Entry.Tier == 0 && !hasTier && !defaults.haveTier():
		bad["entry.tier"] = errors.New(
			"the tier is missing; declare 1 (customers and revenue, at any hour) to 4 (best effort), let a " +
				"group (?P<tier>[1-4]) of the name tell it, or give one under catalog.defaults")
	case d.Entry.Tier != 0 && (d.Entry.Tier < HighestTier || d.Entry.Tier > LowestTier):
		bad["entry.tier"] = fmt.Errorf(
			"tier %d does not exist; use 1 (customers and revenue, at any hour) to 4 (best effort)", d.Entry.Tier)
	}
	if d.Entry.Name != "" {
		bad["entry.name"] = errors.New(
			"the name comes from PagerDuty; use a group (?P<service>…) in name and remove this")
	}
	if len(d.Entry.PagerDuty) > 0 {
		bad["entry.pagerduty"] = errors.New("the reference comes from PagerDuty; remove it")
	}
	rewrite(reflect.ValueOf(&d.Entry).Elem(), func(text string) string {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(groups, m[1]) {
				bad["entry"] = fmt.Errorf(
					"nothing is known for %s in %q; use {service}, {team} or a named group of name", m[0], text)
			}
		}
		return text
	})
	return bad
}

func (d Discovery) pattern() (*regexp.Regexp, error) {
	name := d.Name
	if name == "" {
		name = ".*"
	}
	return regexp.Compile(`^(?:` + name + `)$`)
}

// PagerDutyService is what discovery reads of a service in PagerDuty.
type PagerDutyService struct {
	Account string   `json:"account"`
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Teams   []string `json:"teams,omitempty"`
	// Tags are those labels that the rules ask for.
	Tags []string `json:"tags,omitempty"`
	// Keys are the digests of the keys of its integrations, where entries of the catalog
	// name PagerDuty services by such keys.
	Keys []string `json:"keys,omitempty"`
}

// Discovered is what rules have made of PagerDuty's services.
type Discovered struct {
	Services []Service
	Teams    []Team
	// Refused are services that fit a rule and cannot be in the catalog.
	Refused []Refusal
	// withKey are the ids of the PagerDuty services by the digests of their integration
	// keys; empty for a key that several have.
	withKey map[string]string
}

// Discover applies the rules. Several PagerDuty services of one name are one
// service of the catalog with several references. The result depends on what is
// in found and not on its order.
func Discover(rules []Discovery, found []PagerDutyService) (Discovered, error) {
	var out Discovered
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b PagerDutyService) int {
		return strings.Compare(a.Account+"\x00"+a.ID, b.Account+"\x00"+b.ID)
	})
	byName := map[string]int{}
	teams := map[string]bool{}
	patterns := make([]*regexp.Regexp, len(rules))
	for i, rule := range rules {
		var err error
		if patterns[i], err = rule.pattern(); err != nil {
			return out, fmt.Errorf("catalog.pagerduty[%d].name: %w", i, err)
		}
	}
	out.withKey = withKey(found)
	for _, f := range found {
		for i, rule := range rules {
			groups, fits := rule.fit(patterns[i], f)
			if !fits {
				continue
			}
			s, team, err := rule.entry(f, groups)
			if err != nil {
				out.Refused = append(out.Refused, refusal(origin(f), evidence.UncountedBadValue, err.Error()))
				break
			}
			if at, again := byName[s.Name]; again {
				out.Services[at].PagerDuty = append(out.Services[at].PagerDuty, s.PagerDuty...)
				break
			}
			byName[s.Name] = len(out.Services)
			out.Services = append(out.Services, s)
			if team.Name != "" && !teams[team.Name] {
				teams[team.Name] = true
				out.Teams = append(out.Teams, team)
			}
			break
		}
	}
	return out, nil
}

// withKey are the ids of services by the digests of their keys.
func withKey(found []PagerDutyService) map[string]string {
	ids := map[string]string{}
	for _, f := range found {
		for _, key := range f.Keys {
			if id, known := ids[key]; known && id != f.ID {
				ids[key] = ""
				continue
			}
			ids[key] = f.ID
		}
	}
	return ids
}

// fit reports whether the service fits the rule, and what its groups matched.
func (d Discovery) fit(pattern *regexp.Regexp, f PagerDutyService) (map[string]string, bool) {
	if d.Account != "" && d.Account != f.Account || d.Tag != "" && !slices.Contains(f.Tags, d.Tag) {
		return nil, false
	}
	match := pattern.FindStringSubmatch(f.Name)
	if match == nil {
		return nil, false
	}
	groups := map[string]string{groupService: f.Name}
	for i, name := range pattern.SubexpNames() {
		if name != "" && match[i] != "" {
			groups[name] = match[i]
		}
	}
	return groups, true
}

// entry makes the entry of a service that fits.
func (d Discovery) entry(f PagerDutyService, groups map[string]string) (Service, Team, error) {
	s := d.Entry
	s.Name = slug(groups[groupService])
	if s.Name == "" {
		return s, Team{}, errors.New("its name has no letter or digit")
	}
	if tier := groups[groupTier]; tier != "" {
		n, err := strconv.Atoi(tier)
		if err != nil || n < HighestTier || n > LowestTier {
			return s, Team{}, fmt.Errorf("its name tells tier %q, which does not exist", cut(tier, 20))
		}
		s.Tier = n
	}
	var team Team
	if len(f.Teams) > 0 {
		team = Team{
			Name: slug(f.Teams[0]), Title: plain(f.Teams[0]), Origin: origin(f), Source: SourcePagerDuty,
		}
	}
	if s.Team == "" {
		s.Team = team.Name
	}
	places := make(map[string]string, len(groups)+1)
	for group, text := range groups {
		places[group] = plain(text)
	}
	places[groupService], places[placeTeam] = s.Name, s.Team
	if strings.Contains(s.Team, "{"+placeTeam+"}") {
		places[placeTeam] = team.Name // the rule's team is made of PagerDuty's
	}
	rewrite(reflect.ValueOf(&s).Elem(), func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(word string) string { return places[word[1:len(word)-1]] })
	})
	if s.Title == "" {
		s.Title = plain(f.Name)
	}
	if s.Team != team.Name {
		team = Team{} // the rule names another, which is declared elsewhere
	}
	s.PagerDuty = []PagerDutyRef{{Account: f.Account, ServiceID: f.ID}}
	s.Origin, s.Source = origin(f), SourcePagerDuty
	return s, team, nil
}

func origin(f PagerDutyService) Origin {
	return Origin{File: "pagerduty/" + f.Account + " service " + f.ID}
}

// refusal is that of a service of PagerDuty.
func refusal(origin Origin, reason evidence.UncountedReason, text string) Refusal {
	return Refusal{Origin: origin, Source: SourcePagerDuty, Reason: reason, Texts: []string{text}}
}

// Merge adds what was discovered to declared entries. What is declared wins:
// a PagerDuty service that an entry refers to is not another one, and one of an
// entry's name or alias gives the entry its reference and its team if it has none.
// One whose name several namespaces have is refused: it may be of either.
func (r Rules) Merge(in Entries, found Discovered) Entries {
	merged := r.Qualify(in)
	merged.Services, merged.Teams = slices.Clone(merged.Services), slices.Clone(merged.Teams)
	known := index(merged.Services, found.withKey)
	merged.Refused = append(slices.Clip(merged.Refused), found.Refused...)
	for _, s := range found.Services {
		s.PagerDuty = slices.DeleteFunc(
			slices.Clone(s.PagerDuty), func(ref PagerDutyRef) bool { return known.referred[ref.ServiceID] },
		)
		if len(s.PagerDuty) == 0 {
			continue
		}
		at, declared := known.named[s.Name]
		several := known.namespaces[s.Name]
		switch {
		case !declared && len(several) > 1:
			merged.Refused = append(merged.Refused, refusal(s.Origin, evidence.UncountedSameName, fmt.Sprintf(
				"the name %q may mean %s; give the one it is the annotation pagerduty.com/service-id",
				s.Name, strings.Join(several, " or "))))
			continue
		case !declared && len(several) == 1:
			at, declared = known.named[several[0]], true
		}
		if !declared {
			merged.Services = append(merged.Services, s)
			continue
		}
		entry := &merged.Services[at]
		if len(entry.PagerDuty) == 0 {
			entry.PagerDuty = s.PagerDuty
		}
		if entry.Team == "" {
			entry.Team = s.Team
		}
	}
	for _, team := range found.Teams {
		if !slices.ContainsFunc(merged.Teams, func(t Team) bool { return t.Name == team.Name }) {
			merged.Teams = append(merged.Teams, team)
		}
	}
	return merged
}

// declaredIndex finds declared services.
type declaredIndex struct {
	// named are their places by name and alias, namespaces the names of those that
	// have their namespace in front, by what stands behind it.
	named      map[string]int
	namespaces map[string][]string
	// referred are the PagerDuty services that they refer to, by id or by the key of an
	// integration.
	referred map[string]bool
}

func index(services []Service, withKey map[string]string) declaredIndex {
	known := declaredIndex{map[string]int{}, map[string][]string{}, map[string]bool{}}
	for i, s := range services {
		known.named[s.Name] = i
		if s.short() != s.Name {
			known.namespaces[s.short()] = append(known.namespaces[s.short()], s.Name)
		}
		for _, alias := range s.Aliases {
			known.named[alias] = i
		}
		for _, ref := range s.PagerDuty {
			if id := cmp.Or(ref.ServiceID, withKey[ref.IntegrationKey.Digest()]); id != "" {
				known.referred[id] = true
			}
		}
	}
	return known
}

// placeholder is what is replaced in a text of an entry.
var placeholder = regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// rewrite replaces every text of a value, in place. Lists and maps become copies
// that are shared with no other value.
func rewrite(v reflect.Value, replace func(string) string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(replace(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("yaml") != "-" {
				rewrite(v.Field(i), replace)
			}
		}
	case reflect.Slice:
		v.Set(reflect.AppendSlice(reflect.Zero(v.Type()), v))
		for i := range v.Len() {
			rewrite(v.Index(i), replace)
		}
	case reflect.Map:
		fresh := reflect.MakeMap(v.Type())
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			rewrite(value, replace)
			fresh.SetMapIndex(key, value)
		}
		if !v.IsNil() {
			v.Set(fresh)
		}
	}
}

var notInNames = regexp.MustCompile(`[^a-z0-9._]+`)

// edges may not begin or end a name.
const edges = `-._`

// slug makes a name of the catalog of a name for people: lower case, with
// dashes for what names cannot hold. It is empty when nothing is left.
func slug(name string) string {
	s := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), edges)
	return strings.Trim(cut(s, 100), edges)
}

// plain is a text that may be a title.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.TrimSpace(cut(strings.Join(strings.Fields(text), " "), maxText))
}

func cut(text string, limit int) string {
	for len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}

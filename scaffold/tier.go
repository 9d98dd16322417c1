package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/app"
	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/nearest"
)

// TierRule chooses the tier of some services.
type TierRule struct {
	// Text is the rule as it was given.
	Text string
	// Team selects the services of a team; else Name is matched with the whole name.
	Team string
	Name *regexp.Regexp
	Tier int
}

const teamRule = "team:"

// ParseTiers reads tiers as they are given on a command line: a number for every
// service, and NAME=N or team:TEAM=N for some. NAME is a regular expression that the
// whole name has to match. The first rule that fits counts.
func ParseTiers(texts []string, every int) (tier int, rules []TierRule, err error) {
	for _, text := range texts {
		selector, number := "", text
		if at := strings.LastIndexByte(text, '='); at >= 0 {
			selector, number = text[:at], text[at+1:]
		}
		n, err := strconv.Atoi(number)
		switch {
		case err != nil:
			return 0, nil, fmt.Errorf("tier %q: want a number such as 3, NAME=N or team:TEAM=N", text)
		case n < catalog.HighestTier || n > catalog.LowestTier:
			return 0, nil, fmt.Errorf("tier %d does not exist; use %d (customers and revenue, at any hour) to %d (best "+
				"effort)", n, catalog.HighestTier, catalog.LowestTier)
		case selector == "":
			every = n
			continue
		}
		rule := TierRule{Text: text, Tier: n}
		team, isTeam := strings.CutPrefix(selector, teamRule)
		if isTeam {
			rule.Team = catalog.NameOf(team)
		} else if rule.Name, err = regexp.Compile("^(?:" + selector + ")$"); err != nil {
			return 0, nil, fmt.Errorf("tier %q: the name is no regular expression: %w", text, err)
		}
		rules = append(rules, rule)
	}
	return every, rules, nil
}

func (r TierRule) fits(s *draftService) bool {
	if r.Name == nil {
		return s.Team == r.Team
	}
	return r.Name.MatchString(s.Name)
}

// chooseTiers gives the services the tiers that were chosen. A rule that fits no service,
// or only such that an earlier rule has fitted, is an *app.InvalidError.
func (d *draft) chooseTiers() error {
	used := make([]bool, len(d.options.Tiers))
	// before is for each rule the first that has chosen in its place.
	before := make([]string, len(d.options.Tiers))
	for i := range d.services {
		s, first := &d.services[i], ""
		for n, rule := range d.options.Tiers {
			switch {
			case !rule.fits(s):
			case first == "":
				s.Tier, s.Chosen, used[n], first = rule.Tier, true, true, rule.Text
			default:
				before[n] = cmp.Or(before[n], first)
			}
		}
	}
	var errs []error
	for n, rule := range d.options.Tiers {
		switch {
		case used[n]:
		case before[n] != "":
			errs = append(errs, fmt.Errorf("tier %q chooses nothing: %q is before it and fits the same services; the first "+
				"that fits counts, so give the narrower one first", rule.Text, before[n]))
		default:
			errs = append(errs, fmt.Errorf("tier %q fits no service%s", rule.Text, d.suggest(rule)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &app.InvalidError{Err: err}
	}
	return nil
}

// suggest names what a rule probably meant.
func (d *draft) suggest(rule TierRule) string {
	var names []string
	for _, s := range d.services {
		if rule.Name != nil {
			names = append(names, s.Name)
		} else if s.Team != "" && !slices.Contains(names, s.Team) {
			names = append(names, s.Team)
		}
	}
	if len(d.services) == 0 {
		return ": no source names services"
	}
	if rule.Name == nil && len(names) == 0 {
		return ": no service has a team; choose by name, such as " + d.services[0].Name + "=" + strconv.Itoa(rule.Tier)
	}
	if rule.Name != nil {
		return nearest.Suggest(rule.Text[:strings.LastIndexByte(rule.Text, '=')], names)
	}
	return nearest.Suggest(rule.Team, names)
}

package report

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/nearest"
)

// FleetQuery selects services and puts them in an order. The zero value selects all, in
// the order of SortWorst.
type FleetQuery struct {
	// Text is contained in the name, the title or the team, in any case.
	Text string
	// Team, Org and Badge are names; empty means any. A team - is that of services without one.
	Team, Org, Badge string
	// Tier is 1 to 4, 0 for any.
	Tier int
	// Target is one of TargetFilters, empty for any.
	Target string
	// OnHold keeps services whose badge is on hold.
	OnHold bool
	Sort   FleetSort
}

// FleetSort is an order of services. The set is closed.
type FleetSort string

// The orders. A minus before one turns it round.
const (
	// SortWorst has those first that are late for their target, then those below it; of
	// these the more critical tier, and the one that is furthest from its target.
	SortWorst FleetSort = "worst"
	SortName  FleetSort = "name"
	SortTeam  FleetSort = "team"
	SortTier  FleetSort = "tier"
	SortBadge FleetSort = "badge"
	SortScore FleetSort = "score"
	SortGap   FleetSort = "gap"
)

// FleetSorts are all orders.
func FleetSorts() []FleetSort {
	return []FleetSort{SortWorst, SortName, SortTeam, SortTier, SortBadge, SortScore, SortGap}
}

// ParseFleetQuery reads a query from the parameters q, team, org, tier, badge,
// target, below_target, on_hold and sort; others may stand beside them. An error names the
// parameter, and the value that was probably meant.
func ParseFleetQuery(values url.Values, others ...string) (FleetQuery, error) {
	q := FleetQuery{Text: values.Get("q"), Team: values.Get("team"), Org: values.Get("org")}
	readers := map[string]func(value string) error{
		"q": nil, "team": nil, "org": nil,
		"tier":         func(v string) (err error) { q.Tier, err = parseTier(v); return err },
		"badge":        func(v string) (err error) { q.Badge, err = parseBadge(v); return err },
		"target":       func(v string) (err error) { q.Target, err = parseTarget(v); return err },
		"below_target": q.parseBelow,
		"on_hold":      func(v string) (err error) { q.OnHold, err = parseTruth(v); return err },
		"sort":         func(v string) (err error) { q.Sort, err = parseSort(v); return err },
	}
	known := append(slices.Collect(maps.Keys(readers)), others...)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			return FleetQuery{}, fmt.Errorf("unknown parameter %q%s", name, nearest.Suggest(name, known))
		}
		if read, value := readers[name], values.Get(name); read != nil && value != "" {
			if err := read(value); err != nil {
				return FleetQuery{}, fmt.Errorf("%s=%q: %w", name, value, err)
			}
		}
	}
	return q, nil
}

func parseTier(text string) (int, error) {
	tier, err := strconv.Atoi(text)
	if err != nil || tier < 1 || tier > 4 {
		return 0, errors.New("want a tier from 1 to 4")
	}
	return tier, nil
}

func parseBadge(text string) (string, error) {
	badge, err := framework.ParseBadge(strings.ToLower(text))
	if err != nil {
		return "", err
	}
	return badge.String(), nil
}

// targetBelow is the filter for services that are due or late.
const targetBelow = "below"

// TargetFilters are the words of FleetQuery.Target: how services stand to their target.
func TargetFilters() []string {
	return []string{targetBelow, targetLate, targetDue, onTarget, targetNone}
}

func parseTarget(text string) (string, error) {
	known := TargetFilters()
	if slices.Contains(known, text) {
		return text, nil
	}
	last := len(known) - 1
	return "", fmt.Errorf("want %s or %s%s", strings.Join(known[:last], ", "), known[last], nearest.Suggest(text, known))
}

// parseBelow reads below_target, which is short for target=below.
func (q *FleetQuery) parseBelow(text string) error {
	below, err := parseTruth(text)
	if below && q.Target == "" {
		q.Target = targetBelow
	}
	return err
}

func parseTruth(text string) (bool, error) {
	truth, err := strconv.ParseBool(text)
	if err != nil {
		return false, errors.New("want true or false")
	}
	return truth, nil
}

func parseSort(text string) (FleetSort, error) {
	var names []string
	for _, sort := range FleetSorts() {
		if strings.TrimPrefix(text, "-") == string(sort) {
			return FleetSort(text), nil
		}
		names = append(names, string(sort))
	}
	return "", fmt.Errorf("want %s, with a minus before it to turn it round%s", strings.Join(names, ", "),
		nearest.Suggest(text, names))
}

// Values are the parameters that ParseFleetQuery reads the query from.
func (q FleetQuery) Values() url.Values {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("q", q.Text)
	set("team", q.Team)
	set("org", q.Org)
	set("badge", q.Badge)
	set("sort", string(q.Sort))
	if q.Tier != 0 {
		set("tier", strconv.Itoa(q.Tier))
	}
	set("target", q.Target)
	if q.OnHold {
		set("on_hold", "true")
	}
	return values
}

// Select returns the rows that the query selects, in its order.
func (q FleetQuery) Select(rows []FleetRow) []*FleetRow {
	text := strings.ToLower(q.Text)
	var out []*FleetRow
	for i := range rows {
		if row := &rows[i]; q.selects(row) && (text == "" || row.contains(text)) {
			out = append(out, row)
		}
	}
	compare := q.Sort.compare()
	slices.SortStableFunc(out, func(a, b *FleetRow) int {
		return cmp.Or(compare(a, b), cmp.Compare(a.Service, b.Service))
	})
	return out
}

func (q FleetQuery) selects(row *FleetRow) bool {
	return (q.Team == "" || row.Team == q.Team || q.Team == none && row.Team == "") &&
		(q.Org == "" || row.Org == q.Org) &&
		(q.Tier == 0 || row.Tier == q.Tier) &&
		(q.Badge == "" || row.Badge == q.Badge) &&
		(q.Target == "" || row.stands(q.Target)) &&
		(!q.OnHold || row.OnHold)
}

// stands reports whether the row stands to its target as one of TargetFilters says.
func (row *FleetRow) stands(filter string) bool {
	return row.OnTarget == filter || filter == targetBelow && row.BelowTarget()
}

func (row *FleetRow) contains(lower string) bool {
	return strings.Contains(strings.ToLower(row.Service), lower) || strings.Contains(strings.ToLower(row.Title), lower) ||
		strings.Contains(strings.ToLower(row.Team), lower)
}

// compare orders by what the sort says; rows that it does not tell apart are equal.
func (sort FleetSort) compare() func(a, b *FleetRow) int {
	name, turned := strings.CutPrefix(string(sort), "-")
	compare := map[FleetSort]func(a, b *FleetRow) int{
		SortName:  func(a, b *FleetRow) int { return cmp.Compare(a.Service, b.Service) },
		SortTeam:  func(a, b *FleetRow) int { return cmp.Compare(a.Team, b.Team) },
		SortTier:  func(a, b *FleetRow) int { return cmp.Compare(a.Tier, b.Tier) },
		SortBadge: func(a, b *FleetRow) int { return cmp.Compare(badgeNamed(a.Badge), badgeNamed(b.Badge)) },
		SortScore: func(a, b *FleetRow) int { return cmp.Compare(a.lowerScore(), b.lowerScore()) },
		SortGap:   func(a, b *FleetRow) int { return cmp.Compare(a.GapChecks, b.GapChecks) },
	}[FleetSort(name)]
	if compare == nil {
		compare = compareWorst
	}
	if turned {
		return func(a, b *FleetRow) int { return compare(b, a) }
	}
	return compare
}

// lowerScore is -1 for a service of which nothing counts.
func (row *FleetRow) lowerScore() float64 {
	if row.Score == nil {
		return -1
	}
	return row.Score.Lower
}

func compareWorst(a, b *FleetRow) int {
	return cmp.Or(cmp.Compare(a.urgency(), b.urgency()), cmp.Compare(a.Tier, b.Tier),
		cmp.Compare(b.short(), a.short()), cmp.Compare(badgeNamed(a.Badge), badgeNamed(b.Badge)),
		cmp.Compare(b.GapChecks, a.GapChecks))
}

// urgency is smaller for what has to be done sooner.
func (row *FleetRow) urgency() int {
	switch {
	case row.Late():
		return 0
	case row.BelowTarget():
		return 1
	case row.OnHold:
		return 2
	}
	return 3
}

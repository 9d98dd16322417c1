package scoring_test

import (
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
)

func TestTargetOf(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	target := func(from string, badge framework.Badge, chosen scoring.Selector) scoring.Target {
		return scoring.Target{Selector: chosen, Badge: badge, From: from}
	}
	later := func(t scoring.Target, since, by time.Time) scoring.Target {
		t.Since, t.By = since, by
		return t
	}
	tier := scoring.Selector{Tiers: []int{1}}
	for name, c := range map[string]struct {
		targets     []scoring.Target
		want, rival string
	}{
		"none":        {nil, "", ""},
		"none for it": {[]scoring.Target{target("a", framework.Gold, scoring.Selector{Tiers: []int{2}})}, "", ""},
		"the most specific": {[]scoring.Target{
			target("a", framework.Gold, tier), target("b", framework.Silver, scoring.Selector{Services: []string{"check*"}}),
			target("c", framework.Bronze, scoring.Selector{Teams: []string{"payments"}}),
		}, "b", ""},
		"the one that began last": {[]scoring.Target{
			later(target("a", framework.Gold, tier), day(5, 1), time.Time{}), target("b", framework.Silver, tier),
		}, "a", ""},
		"the one that began last, in any order": {[]scoring.Target{
			target("b", framework.Silver, tier), later(target("a", framework.Gold, tier), day(5, 1), time.Time{}),
		}, "a", ""},
		"not one that has not begun": {[]scoring.Target{
			later(target("a", framework.Gold, tier), day(7, 1), time.Time{}), target("b", framework.Silver, tier),
		}, "b", ""},
		"two that ask different badges": {[]scoring.Target{
			target("a", framework.Gold, tier), target("b", framework.Silver, scoring.Selector{Tiers: []int{1, 2}}),
		}, "a", "b"},
		"two with different days": {[]scoring.Target{
			later(target("a", framework.Gold, tier), time.Time{}, day(7, 1)),
			later(target("b", framework.Gold, tier), time.Time{}, day(8, 1)),
		}, "a", "b"},
		"two that ask the same": {[]scoring.Target{
			target("a", framework.Gold, tier), target("b", framework.Gold, scoring.Selector{Tiers: []int{1, 2}}),
		}, "a", ""},
		"two below a more specific one": {[]scoring.Target{
			target("a", framework.Gold, tier), target("b", framework.Silver, tier),
			target("c", framework.NoBadge, scoring.Selector{Services: []string{"checkout"}}),
		}, "c", ""},
	} {
		service := &catalog.Service{Name: "checkout", Team: "payments", Org: "shop", Tier: 1}
		found, rival := scoring.TargetOf(c.targets, service, day(6, 1))
		from := func(t *scoring.Target) string {
			if t == nil {
				return ""
			}
			return t.From
		}
		if from(found) != c.want || from(rival) != c.rival {
			t.Errorf("%s: %q with rival %q, want %q and %q", name, from(found), from(rival), c.want, c.rival)
		}
	}
}

// TestWhichTargetIsMoreSpecific gives the same service selectors from the most specific to
// the least; of each two the first decides, in whichever order they stand.
func TestWhichTargetIsMoreSpecific(t *testing.T) {
	t.Parallel()
	service := &catalog.Service{Name: "checkout", Team: "payments", Org: "shop", Tier: 1}
	order := []scoring.Selector{
		{Services: []string{"checkout"}, Tiers: []int{1}},
		{Services: []string{"check*", "checkout"}},
		{Services: []string{"check*"}, Teams: []string{"payments"}},
		{Services: []string{"*"}},
		{Teams: []string{"payments"}, Orgs: []string{"shop"}},
		{Teams: []string{"payments"}},
		{Orgs: []string{"shop"}, Tiers: []int{1}},
		{Orgs: []string{"shop"}},
		{Tiers: []int{1}},
	}
	for i := range order[1:] {
		first := scoring.Target{Selector: order[i], Badge: framework.Gold}
		second := scoring.Target{Selector: order[i+1], Badge: framework.Silver}
		for _, targets := range [][]scoring.Target{{first, second}, {second, first}} {
			found, rival := scoring.TargetOf(targets, service, time.Time{})
			if found == nil || found.Badge != framework.Gold || rival != nil {
				t.Errorf("%+v is not before %+v: %+v, %+v", order[i], order[i+1], found, rival)
			}
		}
	}
}

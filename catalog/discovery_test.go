package catalog_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
)

func names(services []catalog.Service) (list []string) {
	for _, s := range services {
		list = append(list, s.Name)
	}
	return list
}

func TestDiscoveryMakesEntries(t *testing.T) {
	rules := []catalog.Discovery{
		{Name: `(?P<service>.+)-prod(?:-\w+)?`, Entry: catalog.Service{
			Tier: 2, Environment: "production", Labels: map[string]string{"from": "{team}"},
			Prometheus: []catalog.PrometheusRef{{Matchers: map[string]string{"job": "shop/{service}"}}},
			Jira:       []catalog.JiraRef{{Project: "OPS", Component: "{service}"}},
		}},
		{Name: `T(?P<tier>\d) (?P<service>.+)`},
		{Account: "eu", Tag: "readiness", Entry: catalog.Service{Tier: 4, Team: "platform"}},
	}
	for i, rule := range rules {
		if bad := rule.Validate(catalog.Defaults{}); len(bad) > 0 {
			t.Fatalf("rule %d: %v", i, bad)
		}
	}
	found := []catalog.PagerDutyService{
		{Account: "main", ID: "P2", Name: "Check Out-prod-us", Teams: []string{"Pay & Ship", "Other"}},
		{Account: "main", ID: "P1", Name: "Check Out-prod", Teams: []string{"Pay & Ship"}},
		{Account: "main", ID: "P3", Name: "T3 Search\x00  engine"},
		{Account: "main", ID: "P4", Name: "T9 nothing"},
		{Account: "main", ID: "P5", Name: "???-prod"},
		{Account: "main", ID: "P6", Name: "sandbox", Tags: []string{"readiness"}},
		{Account: "eu", ID: "P7", Name: "tagged", Tags: []string{"readiness"}},
	}
	got, err := catalog.Discover(rules, found)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"tagged", "check-out", "search-engine"}; !slices.Equal(names(got.Services), want) {
		t.Fatalf("found %v, want %v", names(got.Services), want)
	}
	shop := got.Services[1]
	if want := []catalog.PagerDutyRef{
		{Account: "main", ServiceID: "P1"}, {Account: "main", ServiceID: "P2"},
	}; !reflect.DeepEqual(shop.PagerDuty, want) {
		t.Errorf("references %v", shop.PagerDuty)
	}
	if shop.Team != "pay-ship" || shop.Tier != 2 || shop.Prometheus[0].Matchers["job"] != "shop/check-out" ||
		shop.Jira[0].Component != "check-out" || shop.Labels["from"] != "pay-ship" {
		t.Errorf("entry %+v", shop)
	}
	if got.Services[2].Tier != 3 || got.Services[2].Title != "T3 Search engine" {
		t.Errorf("entry %+v", got.Services[2])
	}
	if len(got.Refused) != 2 || !strings.Contains(
		got.Refused[0].Lines()[0], `pagerduty/main service P4: its name tells tier "9"`,
	) {
		t.Errorf("refused %q", got.Refused)
	}
	if len(got.Teams) != 1 || got.Teams[0].Title != "Pay & Ship" {
		t.Errorf("teams %+v", got.Teams)
	}
	if rules[0].Entry.Prometheus[0].Matchers["job"] != "shop/{service}" {
		t.Error("the rule itself was changed")
	}
	slices.Reverse(found)
	if again, _ := catalog.Discover(rules, found); !reflect.DeepEqual(again, got) {
		t.Error("the order of the listing changes the result")
	}
}

func TestTheTeamOfARuleMayBeMadeOfPagerDutys(t *testing.T) {
	found := []catalog.PagerDutyService{{ID: "P1", Name: "a", Teams: []string{"Pay & Ship"}}, {ID: "P2", Name: "b"}}
	for rule, want := range map[string][2]string{
		"{team}": {"pay-ship", ""}, "sre-{team}": {"sre-pay-ship", "sre-"}, "": {"pay-ship", ""},
		"platform": {"platform", "platform"},
	} {
		got, err := catalog.Discover(
			[]catalog.Discovery{{Name: ".*", Entry: catalog.Service{Tier: 1, Team: rule, Environment: "of {team}"}}}, found,
		)
		if err != nil || got.Services[0].Team != want[0] || got.Services[1].Team != want[1] {
			t.Errorf("%q: teams %q and %q, want %q (%v)", rule, got.Services[0].Team, got.Services[1].Team, want, err)
		}
		if made := len(got.Teams); made != map[bool]int{true: 1}[want[0] == "pay-ship"] {
			t.Errorf("%q: %d teams were made", rule, made)
		}
	}
}

func TestDeclaredEntriesCount(t *testing.T) {
	found := catalog.Discovered{
		Services: []catalog.Service{
			{Name: "cart", Tier: 3, PagerDuty: []catalog.PagerDutyRef{{Account: "main", ServiceID: "P1"}}},
			{Name: "old-name", Tier: 3, PagerDuty: []catalog.PagerDutyRef{{Account: "main", ServiceID: "P2"}}},
			{Name: "else", Tier: 3, PagerDuty: []catalog.PagerDutyRef{{Account: "main", ServiceID: "P3"}}},
			{Name: "fresh", Tier: 3, PagerDuty: []catalog.PagerDutyRef{{Account: "main", ServiceID: "P4"}}},
		},
		Teams: []catalog.Team{{Name: "payments", Title: "found"}, {Name: "search"}},
	}
	declared := []catalog.Service{
		{Name: "cart", Tier: 1},
		{Name: "new-name", Aliases: []string{"old-name"}, Tier: 2, PagerDuty: []catalog.PagerDutyRef{{ServiceID: "P9"}}},
		{Name: "third", Tier: 2, PagerDuty: []catalog.PagerDutyRef{{ServiceID: "P3"}}},
	}
	merged := catalog.Rules{}.Merge(
		catalog.Entries{Services: declared, Teams: []catalog.Team{{Name: "payments", Title: "declared"}}}, found)
	services, teams := merged.Services, merged.Teams
	if want := []string{"cart", "new-name", "third", "fresh"}; !slices.Equal(names(services), want) {
		t.Fatalf("services %v, want %v", names(services), want)
	}
	if services[0].Tier != 1 || len(services[0].PagerDuty) != 1 || services[0].PagerDuty[0].ServiceID != "P1" {
		t.Errorf("the declared entry was not completed: %+v", services[0])
	}
	if len(services[1].PagerDuty) != 1 || services[1].PagerDuty[0].ServiceID != "P9" {
		t.Errorf("the declared reference was changed: %+v", services[1])
	}
	if len(declared[0].PagerDuty) != 0 {
		t.Error("the declared entries themselves were changed")
	}
	if len(teams) != 2 || teams[0].Title != "declared" {
		t.Errorf("teams %+v", teams)
	}
}

// TestAnIntegrationKeyIsTheService: an entry that names its PagerDuty service by a key is
// the one that is found, whatever their names. A key of two services names neither.
func TestAnIntegrationKeyIsTheService(t *testing.T) {
	key := func(last string) catalog.IntegrationKey {
		return catalog.NewIntegrationKey("0123456789abcdef0123456789abcde" + last)
	}
	found, err := catalog.Discover([]catalog.Discovery{{Name: ".*", Entry: catalog.Service{Tier: 3}}},
		[]catalog.PagerDutyService{
			{Account: "main", ID: "P1", Name: "Checkout PROD", Keys: []string{key("1").Digest()}},
			{Account: "main", ID: "P2", Name: "Cart", Keys: []string{key("2").Digest(), key("3").Digest()}},
			{Account: "main", ID: "P3", Name: "Search", Keys: []string{key("3").Digest()}},
			{Account: "main", ID: "P4", Name: "Mail", Keys: []string{key("4").Digest()}},
		})
	if err != nil {
		t.Fatal(err)
	}
	by := func(id string, k catalog.IntegrationKey) []catalog.PagerDutyRef {
		return []catalog.PagerDutyRef{{ServiceID: id, IntegrationKey: k}}
	}
	declared := []catalog.Service{{Name: "checkout", PagerDuty: by("", key("1"))},
		{Name: "basket", PagerDuty: by("", key("3"))}, {Name: "letters", PagerDuty: by("P9", key("4"))}}
	merged := catalog.Rules{}.Merge(catalog.Entries{Services: declared}, found)
	want := []string{"checkout", "basket", "letters", "cart", "search", "mail"}
	if got := names(merged.Services); !slices.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
	if !reflect.DeepEqual(merged.Services[0].PagerDuty, declared[0].PagerDuty) {
		t.Errorf("the reference is now %v", merged.Services[0].PagerDuty)
	}
}

func TestBadDiscoveryRules(t *testing.T) {
	for want, test := range map[string]struct {
		field string
		rule  catalog.Discovery
	}{
		"neither a name nor a tag": {"", catalog.Discovery{Entry: catalog.Service{Tier: 1}}},
		"not a regular expression": {"name", catalog.Discovery{Name: "(", Entry: catalog.Service{Tier: 1}}},
		"the tier is missing":      {"entry.tier", catalog.Discovery{Name: ".*"}},
		"tier 7 does not exist":    {"entry.tier", catalog.Discovery{Name: ".*", Entry: catalog.Service{Tier: 7}}},
		"the name comes from PagerDuty": {
			"entry.name", catalog.Discovery{Name: ".*", Entry: catalog.Service{Tier: 1, Name: "x"}},
		},
		"the reference comes from": {
			"entry.pagerduty",
			catalog.Discovery{Name: ".*", Entry: catalog.Service{Tier: 1, PagerDuty: []catalog.PagerDutyRef{{}}}},
		},
		"nothing is known for {servcie}": {
			"entry", catalog.Discovery{Name: ".*", Entry: catalog.Service{Tier: 1, ArgoCD: "{servcie}"}},
		},
	} {
		if err := test.rule.Validate(catalog.Defaults{})[test.field]; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, test.rule.Validate(catalog.Defaults{}))
		}
	}
}

// Whatever people call their services, the catalog can be built.
func FuzzDiscovery(f *testing.F) {
	f.Add("checkout-prod", "Payments", "check-out prod")
	f.Add("\xff\x00", strings.Repeat("é", 300), "--..__")
	f.Add("a.", "\u202e", "A.")
	rules := []catalog.Discovery{{
		Name: "(?s).*", Entry: catalog.Service{Tier: 2, Labels: map[string]string{"x": "{service}"}, Environment: "{team}"},
	}}
	f.Fuzz(func(t *testing.T, one, team, two string) {
		found := []catalog.PagerDutyService{
			{Account: "main", ID: "P1", Name: one, Teams: []string{team}}, {Account: "main", ID: "P2", Name: two},
		}
		got, err := catalog.Discover(rules, found)
		if err != nil {
			t.Fatal(err)
		}
		rules := catalog.Rules{Sources: catalog.Sources{PagerDuty: []string{"main"}}}
		declared := catalog.Entries{Services: []catalog.Service{{Name: "declared", Aliases: []string{"a"}, Tier: 1}}}
		built, err := rules.Build(rules.Merge(declared, got))
		if err != nil || len(built.Refused()) != len(got.Refused) {
			t.Fatalf("%s: %v %v", fmt.Sprintf("%q %q %q", one, team, two), err, built.Refused())
		}
	})
}

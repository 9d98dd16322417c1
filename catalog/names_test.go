package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

func component(namespace, name, team string) catalog.Service {
	return catalog.Service{
		Name: name, Namespace: namespace, Team: team, Tier: 2, Source: catalog.SourceBackstage,
		Origin: at(namespace+".yaml", 1),
	}
}

func group(namespace, name string) catalog.Team {
	return catalog.Team{
		Name: name, Namespace: namespace, Source: catalog.SourceBackstage, Origin: at(namespace+".yaml", 9),
	}
}

func TestNamesAcrossNamespaces(t *testing.T) {
	entries := catalog.Entries{
		Services: []catalog.Service{
			service("web", 1), component("shop", "api", "core"), component("bank", "api", "shop/core"),
			component("", "api", "core"), component("shop", "cart", "payments"),
		},
		Teams: []catalog.Team{group("shop", "core"), group("bank", "core"), group("shop", "payments")},
	}
	for naming, want := range map[string]string{
		catalog.NamesShort:     "api:core bank/api:shop/core cart:payments shop/api:shop/core web:",
		catalog.NamesQualified: "bank/api:shop/core default/api:core shop/api:shop/core shop/cart:shop/payments web:",
	} {
		built, err := catalog.Rules{Entities: catalog.EntityRules{Names: naming}}.Build(entries)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range built.Services() {
			got = append(got, s.Name+":"+s.Team)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", naming, got, want)
		}
		for _, full := range []string{"shop/api", "default/api", "shop/cart"} {
			if s, ok := built.Resolve(full); !ok || s.Namespace == "bank" {
				t.Errorf("%s: %s is not found", naming, full)
			}
		}
	}
}

func TestADiscoveredNameOfTwoNamespacesIsOfNeither(t *testing.T) {
	rules := catalog.Rules{Sources: catalog.Sources{PagerDuty: []string{"main"}}}
	found := catalog.Discovered{Services: []catalog.Service{{
		Name: "api", Tier: 1, Source: catalog.SourcePagerDuty, PagerDuty: []catalog.PagerDutyRef{{ServiceID: "P1"}},
	}}}
	built, err := rules.Build(rules.Merge(catalog.Entries{Services: []catalog.Service{
		component("shop", "api", ""), component("bank", "api", ""),
	}}, found))
	if err != nil {
		t.Fatal(err)
	}
	refused := built.Refused()
	if len(built.Services()) != 2 || len(refused) != 1 || refused[0].Reason != evidence.UncountedSameName {
		t.Errorf("services %d, refused %v", len(built.Services()), refused)
	}
	if slices.ContainsFunc(built.Services(), func(s *catalog.Service) bool { return len(s.PagerDuty) > 0 }) {
		t.Error("one of them got the reference")
	}
}

func TestAnAliasOfAnotherCostsTheEntity(t *testing.T) {
	first, second := component("", "cart", ""), component("", "basket", "")
	second.Aliases = []string{"cart"}
	built, err := catalog.Rules{Entities: catalog.EntityRules{MaxRefusedRatio: 0.5}}.Build(
		catalog.Entries{Services: []catalog.Service{first, second}})
	if err != nil || len(built.Services()) != 1 || len(built.Refused()) != 1 {
		t.Fatalf("%v: %v", err, built)
	}
	if _, ok := built.Resolve("basket"); ok {
		t.Error("the refused component is found")
	}
}

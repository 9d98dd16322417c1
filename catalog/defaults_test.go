package catalog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
)

func TestDefaultsFillWhatEntriesLeaveOut(t *testing.T) {
	rules := catalog.Rules{Defaults: catalog.Defaults{
		Declared: catalog.Declared{
			Tier: 3, Exposure: "internal", DataClass: "internal", Runtime: "kubernetes", DataOwner: "{{team}}",
			Environment: "production", Dashboard: "https://grafana.example.com/d/x?var-service={{service}}",
		},
		Selectors: []catalog.SelectedDefaults{
			{
				Select:   catalog.Selector{Name: "pay.*", Labels: map[string]string{"area": "money"}},
				Declared: catalog.Declared{Tier: 1, DataClass: "cardholder"},
			},
			{Select: catalog.Selector{Team: "payments"}, Declared: catalog.Declared{Tier: 2, Exposure: "external"}},
			{Select: catalog.Selector{}, Declared: catalog.Declared{Tier: 4}},
		},
	}}
	payments := func(s *catalog.Service) { s.Team = "payments" }
	entries := []catalog.Service{
		service("cart", 0),
		service("refund", 0, payments),
		service("payment", 0, payments, func(s *catalog.Service) { s.Labels = map[string]string{"area": "money"} }),
		service("web", 2, func(s *catalog.Service) { s.Exposure, s.Dashboard = "external", "https://d" }),
	}
	c, err := rules.Build(catalog.Entries{Services: entries, Teams: []catalog.Team{{Name: "payments"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		name                         string
		tier                         int
		exposure, class, owner, dash string
	}{
		{"cart", 3, "internal", "internal", "", "https://grafana.example.com/d/x?var-service=cart"},
		{"refund", 2, "external", "internal", "payments", "https://grafana.example.com/d/x?var-service=refund"},
		{"payment", 1, "external", "cardholder", "payments", "https://grafana.example.com/d/x?var-service=payment"},
		{"web", 2, "external", "internal", "", "https://d"},
	} {
		s, _ := c.Service(want.name)
		if s.Tier != want.tier || s.Exposure != want.exposure || s.DataClass != want.class ||
			s.DataOwner != want.owner || s.Dashboard != want.dash || s.Runtime != "kubernetes" {
			t.Errorf("got %+v, want %+v", *s, want)
		}
	}
	if entries[0].Tier != 0 || entries[0].Defaulted != nil {
		t.Error("Build changed the caller's entry")
	}
	payment, _ := c.Service("payment")
	if got := payment.Defaulted; got["tier"] != "catalog.defaults.selectors[0]" ||
		got["exposure"] != "catalog.defaults.selectors[1]" || got["runtime"] != "catalog.defaults" {
		t.Errorf("the defaults came from %v", got)
	}
	web, _ := c.Service("web")
	if _, ok := web.Defaulted["tier"]; ok {
		t.Error("what the entry says counts as a default")
	}
	details := map[string]string{}
	for _, r := range catalog.Observe(c, time.Unix(0, 0)) {
		details[r.Service+" "+r.Fact] = r.Detail
	}
	if got := details["payment catalog.data_class_declared"]; !strings.HasSuffix(
		got, `data_class is "cardholder", by catalog.defaults.selectors[0]`) {
		t.Errorf("the fact says %q", got)
	}
	if got := details["web catalog.dashboard_declared"]; strings.Contains(got, "by") {
		t.Errorf("the fact says %q", got)
	}
}

func TestSelectorsFitWhatComponentsSay(t *testing.T) {
	component := service("fees", 0, func(s *catalog.Service) {
		s.Source, s.Namespace, s.Type, s.Lifecycle = catalog.SourceBackstage, "shop", "Service", "production"
		s.Tags, s.Origin = []string{"money"}, at("shop/a.yaml", 1)
	})
	for name, c := range map[string]struct {
		selector catalog.Selector
		fits     bool
	}{
		"namespace":       {catalog.Selector{Namespace: "shop"}, true},
		"other namespace": {catalog.Selector{Namespace: "default"}, false},
		"source":          {catalog.Selector{Source: "backstage"}, true},
		"other source":    {catalog.Selector{Source: "inline"}, false},
		"file":            {catalog.Selector{File: "shop/*.yaml"}, true},
		"other file":      {catalog.Selector{File: "bank/*.yaml"}, false},
		"type":            {catalog.Selector{Type: "service"}, true},
		"lifecycle":       {catalog.Selector{Lifecycle: "experimental"}, false},
		"tag":             {catalog.Selector{Tag: "money"}, true},
		"two keys":        {catalog.Selector{Tag: "money", Type: "website"}, false},
		"part of a name":  {catalog.Selector{Name: "fee"}, false},
	} {
		rules := catalog.Rules{Defaults: catalog.Defaults{
			Declared: catalog.Declared{Tier: 4},
			Selectors: []catalog.SelectedDefaults{{
				Select: c.selector, Declared: catalog.Declared{Tier: 1},
			}},
		}}
		built, err := rules.Build(catalog.Entries{Services: []catalog.Service{component}})
		if err != nil {
			t.Fatal(err)
		}
		if s := built.Services()[0]; (s.Tier == 1) != c.fits {
			t.Errorf("%s: tier %d", name, s.Tier)
		}
	}
}

func TestAMissingTierSaysWhereItIsWritten(t *testing.T) {
	for source, want := range map[catalog.EntrySource]string{
		catalog.SourceInline:    "as tier: 2 in the entry, or for many services at once under catalog.defaults",
		catalog.SourceBackstage: `as the label tier: "2" (metadata.labels)`,
		catalog.SourcePagerDuty: "as entry.tier of the rule under catalog.pagerduty",
	} {
		c, err := catalog.Rules{}.Build(catalog.Entries{
			Services: []catalog.Service{service("a", 0, func(s *catalog.Service) { s.Source = source })},
		})
		got := fmt.Sprint(err)
		if c != nil {
			got += fmt.Sprint(c.Refused())
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", source, got, want)
		}
	}
}

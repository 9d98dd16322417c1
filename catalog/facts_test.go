package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/evidence"
)

func TestFactsAreValid(t *testing.T) {
	facts, err := evidence.NewFacts(catalog.Facts())
	if err != nil {
		t.Fatal(err)
	}
	want := "catalog.dashboard_declared catalog.data_class_declared catalog.data_owner_declared catalog.owner_declared catalog.source_declared"
	if got := strings.Join(facts.Names(), " "); got != want {
		t.Errorf("facts = %s", got)
	}
}

func TestObserve(t *testing.T) {
	type change = func(*catalog.Service)
	tests := []struct {
		fact   string
		name   string
		change change
		want   bool
		detail string
	}{
		{catalog.FactOwnerDeclared, "silent", func(*catalog.Service) {}, false, "team is not declared"},
		{catalog.FactOwnerDeclared, "known", func(s *catalog.Service) { s.Team = "payments" }, true, `team is "payments"`},
		{
			catalog.FactOwnerDeclared, "unknown", func(s *catalog.Service) { s.Team = "nobody" }, false,
			`team "nobody" does not exist in the catalog`,
		},
		{catalog.FactSourceDeclared, "silent", func(*catalog.Service) {}, false, "no source is declared"},
		{catalog.FactSourceDeclared, "github", func(s *catalog.Service) { s.GitHub = "a/b" }, true, `github is "a/b"`},
		{catalog.FactSourceDeclared, "gitlab", func(s *catalog.Service) { s.GitLab = "a/b" }, true, `gitlab is "a/b"`},
		{
			catalog.FactSourceDeclared, "location", func(s *catalog.Service) { s.SourceLocation = "url:x" }, true,
			`source_location is "url:x"`,
		},
		{catalog.FactDashboardDeclared, "silent", func(*catalog.Service) {}, false, "no dashboard is declared"},
		{catalog.FactDashboardDeclared, "field", func(s *catalog.Service) { s.Dashboard = "d" }, true, `dashboard is "d"`},
		{catalog.FactDashboardDeclared, "link", func(s *catalog.Service) {
			s.Links = []catalog.Link{{URL: "https://w", Type: "wiki"}, {URL: "https://g", Type: "dashboard"}}
		}, true, `links is "https://g"`},
		{
			catalog.FactDashboardDeclared, "other link",
			func(s *catalog.Service) { s.Links = []catalog.Link{{URL: "https://w", Type: "wiki"}} }, false,
			"no dashboard is declared",
		},
		{catalog.FactDataClassDeclared, "silent", func(*catalog.Service) {}, false, "data_class is not declared"},
		{
			catalog.FactDataClassDeclared, "none is a class", func(s *catalog.Service) { s.DataClass = "none" }, true,
			`data_class is "none"`,
		},
		{catalog.FactDataOwnerDeclared, "silent", func(*catalog.Service) {}, false, "data_owner is not declared"},
		{
			catalog.FactDataOwnerDeclared, "known", func(s *catalog.Service) { s.DataOwner = "payments" }, true,
			`data_owner is "payments"`,
		},
		{
			catalog.FactDataOwnerDeclared, "unknown", func(s *catalog.Service) { s.DataOwner = "nobody" }, false,
			`data_owner "nobody" does not exist in the catalog`,
		},
	}
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	for _, test := range tests {
		t.Run(test.fact+" "+test.name, func(t *testing.T) {
			c := build(
				t, catalog.Sources{}, []catalog.Team{{Name: "payments"}}, service("cart", 2), service("checkout", 1, test.change),
			)
			records := catalog.Observe(c, now)
			if len(records) != 10 {
				t.Fatalf("got %d records, want five for each service", len(records))
			}
			for _, r := range records {
				if r.Service != "checkout" || r.Fact != test.fact {
					continue
				}
				if r.Value != evidence.Bool(test.want) || r.Detail != "services.yaml:1: "+test.detail || r.Source != "catalog" ||
					!r.ObservedAt.Equal(now) {
					t.Errorf("got %s, %q", r.Value, r.Detail)
				}
				return
			}
			t.Error("there is no record")
		})
	}
}

// Every declared fact is observed for every service, and nothing else is.
func TestObserveGivesEveryFact(t *testing.T) {
	seen := map[string]int{}
	for _, r := range catalog.Observe(build(t, catalog.Sources{}, nil, service("a", 1), service("b", 1)), time.Now()) {
		seen[r.Fact]++
	}
	for _, fact := range catalog.Facts() {
		if seen[fact.Name] != 2 {
			t.Errorf("%s: %d records, want 2", fact.Name, seen[fact.Name])
		}
		delete(seen, fact.Name)
	}
	if len(seen) != 0 {
		t.Errorf("observed but not declared: %v", seen)
	}
}

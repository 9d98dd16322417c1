package scaffold

import (
	"slices"
	"testing"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/report"
)

func TestRepositoryOfAnAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]repository{
		"https://github.com/shop/checkout":                             {"github", "shop/checkout"},
		"https://www.GitHub.com/shop/checkout.git":                     {"github", "shop/checkout"},
		"https://github.example.com/shop/checkout/blob/main/README.md": {"github", "shop/checkout"},
		"https://user:password@github.com/shop/checkout/":              {"github", "shop/checkout"},
		"https://gitlab.com/shop/online/checkout":                      {"gitlab", "shop/online/checkout"},
		"https://gitlab.example.com/shop/checkout/-/merge_requests/7":  {"gitlab", "shop/checkout"},
		"https://gitlab.example.com/shop/checkout/tree/main/docs":      {"gitlab", "shop/checkout"},
		"https://git.example.com/shop/online/checkout/-/tree/main?a=b": {"gitlab", "shop/online/checkout"},
		"https://gitlab.com/shop":                                      {},
		"https://gitlab.com/groups/shop/-/issues":                      {},
		"https://github.com/shop":                                      {},
		"https://github.com/orgs/shop/projects/1":                      {},
		"https://gist.github.com/me/0123456789":                        {},
		"https://docs.github.com/en/actions":                           {},
		"https://git.example.com/shop/checkout":                        {},
		"https://example.com/github/shop":                              {},
		"https://github.com/shop/check%0Aout":                          {},
		"https://github.com/shop/caf\u00e9":                            {},
		"https://github.com//checkout":                                 {},
		"https://[github.com/shop/checkout":                            {},
	} {
		got, ok := repositoryOf(address)
		if !ok {
			got = repository{}
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
}

// TestRepositoryOfAService fills in a repository where links leave one, and else leaves
// the choice to a person.
func TestRepositoryOfAService(t *testing.T) {
	t.Parallel()
	const till, checkout, other = "https://github.com/shop/till", "https://github.com/shop/checkout",
		"https://gitlab.com/shop/basket"
	for name, c := range map[string]struct {
		series         string // the key github, from series
		links, project []string
		github, gitlab string
		choice         []string
	}{
		"none":                         {},
		"one":                          {links: []string{other, "https://example.com/a/b"}, gitlab: "shop/basket"},
		"one by two addresses":         {links: []string{till, till + "/issues"}, github: "shop/till"},
		"the one of its name":          {links: []string{other, checkout, till}, github: "shop/checkout"},
		"two":                          {links: []string{other, till}, choice: []string{"shop/basket", "shop/till"}},
		"of the project":               {project: []string{till}, choice: []string{"shop/till"}},
		"of the project, and its name": {project: []string{till, checkout}, github: "shop/checkout"},
		"its own before the project's": {links: []string{till}, project: []string{checkout}, github: "shop/till"},
		"series have it, too":          {series: "Shop/Checkout", links: []string{till, checkout}, github: "Shop/Checkout"},
		"series have another": {
			series: "a/checkout", links: []string{till}, choice: []string{"shop/till", "a/checkout"},
		},
		"series and the project": {series: "a/checkout", project: []string{till}, github: "a/checkout"},
	} {
		s := draftService{Service: catalog.Service{Name: "checkout", GitHub: c.series}, links: c.links,
			projectLinks: c.project}
		s.fillRepository()
		var choice []string
		for _, r := range s.repositories {
			choice = append(choice, r.slug)
		}
		if s.GitHub != c.github || s.GitLab != c.gitlab || !slices.Equal(choice, c.choice) ||
			len(s.suggestedRepositories()) != len(c.choice) {
			t.Errorf("%s: github %q, gitlab %q, to be chosen %v", name, s.GitHub, s.GitLab, choice)
		}
	}
}

// What was found stands in the place of a made-up example.
func TestFoundRepositoriesAreTheCommentedKeys(t *testing.T) {
	t.Parallel()
	s := draftService{
		Service: catalog.Service{Name: "checkout"}, repositories: []repository{{"gitlab", "shop/basket"}},
		gaps: []report.Gap{
			{CatalogKey: "github", Checks: []string{"a"}}, {CatalogKey: "dashboard", Checks: []string{"b"}},
		},
	}
	want := []string{"gitlab: shop/basket # found: is it?", "dashboard: https://grafana.example.com/d/checkout # b"}
	if got := s.Commented(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

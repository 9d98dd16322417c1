package catalog_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
)

func at(file string, line int) catalog.Origin { return catalog.Origin{File: file, Line: line} }

func service(name string, tier int, change ...func(*catalog.Service)) catalog.Service {
	s := catalog.Service{Name: name, Tier: tier, Origin: at("services.yaml", tier)}
	for _, c := range change {
		c(&s)
	}
	return s
}

func build(t *testing.T, refs catalog.Sources, teams []catalog.Team, entries ...catalog.Service) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Rules{Sources: refs}.Build(catalog.Entries{Services: entries, Teams: teams})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBuildFillsInWhatIsNotSaid(t *testing.T) {
	refs := catalog.Sources{PagerDuty: []string{"main"}, Jira: []string{"site"}, Prometheus: []string{"one"}}
	entry := service("checkout", 1, func(s *catalog.Service) {
		s.Team = "payments"
		s.PagerDuty = []catalog.PagerDutyRef{{ServiceID: "P1"}}
		s.Jira = []catalog.JiraRef{{Project: "SHOP"}}
		s.Prometheus = []catalog.PrometheusRef{{Matchers: map[string]string{"job": "checkout"}}}
	})
	c := build(t, refs, []catalog.Team{{Name: "payments", Org: "commerce"}}, entry)
	s, ok := c.Service("checkout")
	if !ok {
		t.Fatal("the service is not there")
	}
	if s.Title != "checkout" || s.Org != "commerce" || s.Exposure != "external" || s.CoverageTarget != 0.7 ||
		s.RPOMinutes != 15 || s.Runtime != "" || s.DataClass != "" {
		t.Errorf("got %+v", s)
	}
	if s.EffectiveDataClass() != "confidential" {
		t.Errorf("undeclared data counts as %q", s.EffectiveDataClass())
	}
	if s.PagerDuty[0].Account != "main" || s.Jira[0].Site != "site" {
		t.Errorf("references = %+v %+v, want the only instances named", s.PagerDuty, s.Jira)
	}
	if s.Prometheus[0].Server != "" {
		t.Errorf("server = %q, want every server", s.Prometheus[0].Server)
	}
	if entry.PagerDuty[0].Account != "" || entry.Title != "" {
		t.Error("Build changed the caller's entry")
	}
	if c.Teams()["payments"].Title != "payments" {
		t.Error("the team has no title")
	}
}

func TestBuildKeepsWhatIsSaid(t *testing.T) {
	entry := service("checkout", 2, func(s *catalog.Service) {
		s.Title, s.Org, s.Exposure, s.DataClass = "Checkout", "x", "internal", "public"
		s.CoverageTarget, s.RPOMinutes = 0.5, 0.5
		s.PagerDuty = []catalog.PagerDutyRef{{Account: "b", ServiceID: "P1"}}
	})
	c := build(t, catalog.Sources{PagerDuty: []string{"a", "b"}}, nil, entry)
	if got, _ := c.Service("checkout"); !reflect.DeepEqual(*got, entry) {
		t.Errorf("got  %+v\nwant %+v", *got, entry)
	}
}

func TestBuildMergesAndSorts(t *testing.T) {
	c := build(t, catalog.Sources{}, nil, service("web", 1), service("cart", 2, func(s *catalog.Service) {
		s.Origin = at("other.yaml", 7)
		s.Aliases = []string{"basket"}
	}))
	var names []string
	for _, s := range c.Services() {
		names = append(names, s.Name)
	}
	if strings.Join(names, " ") != "cart web" {
		t.Errorf("services = %v, want them in name order", names)
	}
	if s, ok := c.Resolve("basket"); !ok || s.Name != "cart" {
		t.Error("the alias does not lead to its service")
	}
	if _, ok := c.Service("basket"); ok {
		t.Error("an alias is not a name")
	}
	if _, err := c.Lookup("crat"); err == nil || err.Error() != `unknown service "crat", did you mean "cart"?` {
		t.Errorf("Lookup: %v", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	type change = func(*catalog.Service)
	refs := catalog.Sources{PagerDuty: []string{"main", "emea"}, Jira: nil, Prometheus: []string{"one"}}
	tests := []struct {
		name   string
		change change
		want   string
	}{
		{"no name", func(s *catalog.Service) { s.Name = "" }, "service without a name: name: the name is missing"},
		{"a name with a slash", func(s *catalog.Service) { s.Name = "a/b" }, "name: the name cannot be used"},
		{"a long name", func(s *catalog.Service) { s.Name = strings.Repeat("a", 101) }, "name: the name cannot be used"},
		{"no tier", func(s *catalog.Service) { s.Tier = 0 }, "tier: the tier is missing"},
		{"tier 5", func(s *catalog.Service) { s.Tier = 5 }, "tier: tier 5 does not exist"},
		{"tier -1", func(s *catalog.Service) { s.Tier = -1 }, "tier: tier -1 does not exist"},
		{"a control character", func(s *catalog.Service) { s.Team = "a\x00b" }, "team: the text holds control characters"},
		{"bad UTF-8", func(s *catalog.Service) { s.Org = "\xff" }, "org: the text holds control characters"},
		{
			"a long text", func(s *catalog.Service) { s.Environment = strings.Repeat("a", 201) },
			"environment: the text is too long",
		},
		{"white space", func(s *catalog.Service) { s.Title = " x" }, "title: the text begins or ends with white space"},
		{"runtime", func(s *catalog.Service) { s.Runtime = "vmm" }, `runtime: unknown word "vmm", did you mean "vm"?`},
		{
			"exposure", func(s *catalog.Service) { s.Exposure = "extern" },
			`exposure: unknown word "extern", did you mean "external"?`,
		},
		{
			"data class", func(s *catalog.Service) { s.DataClass = "Personal" },
			`data_class: unknown word "Personal", did you mean "personal"?`,
		},
		{
			"low coverage", func(s *catalog.Service) { s.CoverageTarget = 0.49 },
			"coverage_target: the coverage target is out of range",
		},
		{
			"high coverage", func(s *catalog.Service) { s.CoverageTarget = 70 },
			"coverage_target: the coverage target is out of range",
		},
		{
			"negative RPO", func(s *catalog.Service) { s.RPOMinutes = -1 },
			"rpo_minutes: the recovery point objective is out of range",
		},
		{
			"unknown account", func(s *catalog.Service) { s.PagerDuty = []catalog.PagerDutyRef{{Account: "mian", ServiceID: "P1"}} },
			`pagerduty[0].account: unknown PagerDuty account "mian", did you mean "main"?`,
		},
		{
			"which account", func(s *catalog.Service) { s.PagerDuty = []catalog.PagerDutyRef{{ServiceID: "P1"}} },
			"pagerduty[0].account: several of the kind PagerDuty account",
		},
		{
			"no service id", func(s *catalog.Service) { s.PagerDuty = []catalog.PagerDutyRef{{Account: "main", ServiceID: " "}} },
			"pagerduty[0].service_id: the PagerDuty service id is missing",
		},
		{
			"the same twice", func(s *catalog.Service) {
				s.PagerDuty = []catalog.PagerDutyRef{{Account: "main", ServiceID: "P1"}, {Account: "main", ServiceID: "P1"}}
			},
			"pagerduty[1]: the same reference is given twice",
		},
		{
			"the same key twice", func(s *catalog.Service) {
				key := func() catalog.IntegrationKey { return catalog.NewIntegrationKey("0123456789abcdef0123456789abcdef") }
				s.PagerDuty = []catalog.PagerDutyRef{
					{Account: "main", IntegrationKey: key()}, {Account: "main", IntegrationKey: key()},
				}
			},
			"pagerduty[1]: the same reference is given twice",
		},
		{
			"no integration key", func(s *catalog.Service) {
				s.PagerDuty = []catalog.PagerDutyRef{{Account: "main", IntegrationKey: catalog.NewIntegrationKey("${{ key }}")}}
			},
			"pagerduty[0].integration_key: this is not an integration key; copy it from",
		},
		{
			"no Jira", func(s *catalog.Service) { s.Jira = []catalog.JiraRef{{Site: "main", Project: "SHOP"}} },
			`jira[0].site: unknown Jira site "main": none is configured`,
		},
		{
			"no project", func(s *catalog.Service) { s.Jira = []catalog.JiraRef{{}} },
			"jira[0].project: the Jira project key is missing",
		},
		{
			"no matchers", func(s *catalog.Service) { s.Prometheus = []catalog.PrometheusRef{{Server: "one"}} },
			"prometheus[0].matchers: there are no matchers",
		},
		{"empty matcher", func(s *catalog.Service) {
			s.Prometheus = []catalog.PrometheusRef{{Matchers: map[string]string{"job": ""}}}
		}, "prometheus[0].matchers.job: the matcher is empty"},
		{"bad label", func(s *catalog.Service) {
			s.Prometheus = []catalog.PrometheusRef{{Matchers: map[string]string{" a": "x"}}}
		}, `prometheus[0].matchers: " a" is not a label name`},
		{"unknown server", func(s *catalog.Service) {
			s.Prometheus = []catalog.PrometheusRef{{Server: "two", Matchers: map[string]string{"a": "b"}}}
		}, `prometheus[0].server: unknown Prometheus server "two"`},
		{
			"job role", func(s *catalog.Service) { s.Jobs = map[string]string{"maskin": "x"} },
			`jobs.maskin: unknown word "maskin", did you mean "masking"?`,
		},
		{
			"job name", func(s *catalog.Service) { s.Jobs = map[string]string{"masking": ""} },
			"jobs.masking: the name of the job is missing",
		},
		{"GitHub", func(s *catalog.Service) { s.GitHub = "https://github.com/a/b" }, "github: this is not a project slug"},
		{"GitLab", func(s *catalog.Service) { s.GitLab = "a" }, "gitlab: this is not a project slug"},
		{"SLO", func(s *catalog.Service) { s.SLO = []string{""} }, "slo[0]: the name of the objective is missing"},
		{
			"link", func(s *catalog.Service) { s.Links = []catalog.Link{{URL: "ftp://x"}} },
			"links[0].url: this is not a web address",
		},
		{
			"credentials", func(s *catalog.Service) { s.PublicURLs = []string{"https://u:hunter2@x"} },
			"public_urls[0]: the address holds credentials",
		},
		{"empty alias", func(s *catalog.Service) { s.Aliases = []string{""} }, "aliases[0]: the alias is empty"},
		{
			"own alias", func(s *catalog.Service) { s.Aliases = []string{"checkout"} },
			`aliases[0]: the alias "checkout" is the service's own name`,
		},
		{
			"alias twice", func(s *catalog.Service) { s.Aliases = []string{"x", "x"} },
			`aliases[1]: the alias "x" is also given at services.yaml:1`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := catalog.Rules{Sources: refs}.Build(catalog.Entries{
				Services: []catalog.Service{service("checkout", 1, test.change), service("cart", 2)},
			})
			var problems catalog.Problems
			if !errors.As(err, &problems) || c != nil {
				t.Fatalf("got %v and %v", c, err)
			}
			if len(problems) != 1 {
				t.Errorf("got %d problems, want one:\n%v", len(problems), err)
			}
			if p := problems[0]; p.Index != 0 || p.List != catalog.ListServices || !strings.Contains(p.Text, "; ") {
				t.Errorf("problem = %+v", p)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %q, want it to hold %q", err, test.want)
			}
		})
	}
}

// An account need not be named while none is configured: catalog files often
// say more than the configuration asks for.
func TestBuildAllowsUnnamedReferencesWithoutSources(t *testing.T) {
	build(t, catalog.Sources{}, nil, service("checkout", 1, func(s *catalog.Service) {
		s.PagerDuty = []catalog.PagerDutyRef{{ServiceID: "P1"}}
		s.Jira = []catalog.JiraRef{{Project: "SHOP"}}
		s.GitLab = "group/sub/project"
	}))
}

func TestBuildNamesBothPlaces(t *testing.T) {
	_, err := catalog.Rules{}.Build(catalog.Entries{
		Services: []catalog.Service{
			{Name: "checkout", Tier: 1, Origin: at("a.yaml", 3)},
			{Name: "cart", Tier: 1, Aliases: []string{"checkout", "basket"}, Origin: at("b.yaml", 5)},
			{Name: "checkout", Tier: 1, Aliases: []string{"basket"}, Origin: at("c.yaml", 7)},
		},
		Teams: []catalog.Team{
			{Name: "x", Origin: at("a.yaml", 1)}, {Name: "x", Origin: at("b.yaml", 2)}, {Origin: at("c.yaml", 4)},
		},
	})
	want := strings.TrimSpace(`
b.yaml:2: team "x": name: the team is declared twice, first at a.yaml:1; remove or rename one of them
c.yaml:4: team without a name: name: the name is missing; name the team
b.yaml:5: service "cart": aliases[0]: the alias "checkout" is the name of the service at a.yaml:3; remove the alias or rename the service
c.yaml:7: service "checkout": name: the service is declared twice, first at a.yaml:3; remove or rename one of them
c.yaml:7: service "checkout": aliases[0]: the alias "basket" is also given at b.yaml:5; remove one of them`)
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestOrigin(t *testing.T) {
	for want, origin := range map[string]catalog.Origin{
		"a.yaml:3": at("a.yaml", 3), "a.yaml": at("a.yaml", 0), "catalog": {},
	} {
		if got := origin.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestShrunk(t *testing.T) {
	fleet := func(n int) []catalog.Service {
		var entries []catalog.Service
		for i := range n {
			entries = append(entries, service(fmt.Sprintf("s%02d", i), 1))
		}
		return entries
	}
	old := build(t, catalog.Sources{}, nil, fleet(10)...)
	if err := catalog.Shrunk(old.Names(), build(t, catalog.Sources{}, nil, fleet(8)...)); err != nil {
		t.Errorf("a fifth: %v", err)
	}
	err := catalog.Shrunk(old.Names(), build(t, catalog.Sources{}, nil, fleet(7)...))
	if err == nil || !strings.Contains(err.Error(), "lost 3 of 10 services (s07, s08, s09)") {
		t.Errorf("three tenths: %v", err)
	}
	if err := catalog.Shrunk(old.Names(), build(t, catalog.Sources{}, nil)); err == nil ||
		!strings.Contains(err.Error(), "and 5 more") {
		t.Errorf("all: %v", err)
	}
	if err := catalog.Shrunk(
		build(t, catalog.Sources{}, nil, fleet(9)...).Names(), build(t, catalog.Sources{}, nil, fleet(7)...),
	); err == nil {
		t.Error("two of nine, a little more than a fifth: no error")
	}
	// New services do not make up for lost ones.
	others := append(fleet(5), service("a", 1), service("b", 1), service("c", 1), service("d", 1), service("e", 1))
	if err := catalog.Shrunk(old.Names(), build(t, catalog.Sources{}, nil, others...)); err == nil {
		t.Error("half of the services were exchanged without an error")
	}
	renamed := fleet(5)
	for i := range 5 {
		renamed = append(
			renamed,
			service(fmt.Sprintf("new%d", i), 1, func(s *catalog.Service) { s.Aliases = []string{fmt.Sprintf("s%02d", i+5)} }),
		)
	}
	if err := catalog.Shrunk(old.Names(), build(t, catalog.Sources{}, nil, renamed...)); err != nil {
		t.Errorf("renamed with an alias: %v", err)
	}
	if err := catalog.Shrunk(nil, old); err != nil {
		t.Errorf("from nothing: %v", err)
	}
}

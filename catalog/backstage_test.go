package catalog_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/prodready/collector/catalog"
)

const twoDocuments = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  title: Checkout
  annotations:
    pagerduty.com/service-id: PCHECK, PCHECK2
    jira/project-key: SHOP
    jira/component: checkout
    github.com/project-slug: shop/checkout
    argocd/app-name: checkout-prod
    backstage.io/kubernetes-id: checkout
    backstage.io/kubernetes-namespace: shop
    grafana/dashboard-selector: "tags @> 'checkout'"
    readiness/prometheus: |
      prod-eu: job=checkout, namespace=shop, cluster=eu1
      job=checkout
    readiness/slo: checkout-availability, checkout-latency
    readiness/job-restore-check: verify-backup
    readiness/backup-velero-schedule: shop-daily
  labels:
    tier: tier-1
    data-classification: cardholder
    data-owner: group:default/payments
    exposure: external
    stateful: "true"
    coverage-target: "0.8"
    rpo-minutes: "5"
  links:
    - {url: https://shop.example.com, type: production}
    - {url: https://grafana.example.com/d/1, title: Overview, type: dashboard}
spec:
  type: service
  owner: group:default/payments
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: checkout-api}
---
---
kind: Group
metadata: {name: payments}
spec:
  type: team
  profile: {displayName: Payments}
  parent: group:default/shop
---
kind: Component
metadata:
  name: old-thing
  annotations: {readiness/ignore: "true"}
`

// parse reads a file with the rules of an empty configuration. The error has a line
// for each fault of what is refused.
func parse(file, text string) ([]catalog.Service, []catalog.Team, error) {
	entries := catalog.DefaultEntityRules().ParseBackstage(file, []byte(text))
	var lines []string
	for _, refused := range entries.Refused {
		lines = append(lines, refused.Lines()...)
	}
	if lines == nil {
		return entries.Services, entries.Teams, nil
	}
	return entries.Services, entries.Teams, errors.New(strings.Join(lines, "\n"))
}

func TestBackstageComponentsBecomeServices(t *testing.T) {
	services, teams, err := parse("catalog-info.yaml", twoDocuments)
	if err != nil {
		t.Fatal(err)
	}
	if len(services) != 1 || len(teams) != 1 {
		t.Fatalf("%d services, %d teams", len(services), len(teams))
	}
	s := services[0]
	s.Labels = nil
	want := catalog.Service{
		Name: "checkout", Title: "Checkout", Team: "payments", Tier: 1, Exposure: "external", Stateful: true,
		DataClass: "cardholder", DataOwner: "payments", CoverageTarget: 0.8, RPOMinutes: 5,
		PagerDuty: []catalog.PagerDutyRef{{ServiceID: "PCHECK"}, {ServiceID: "PCHECK2"}},
		Jira:      []catalog.JiraRef{{Project: "SHOP", Component: "checkout"}},
		Prometheus: []catalog.PrometheusRef{
			{Server: "prod-eu", Cluster: "eu1", Matchers: map[string]string{"job": "checkout", "namespace": "shop"}},
			{Matchers: map[string]string{"job": "checkout"}},
		},
		Kubernetes: catalog.KubernetesRef{Workload: "checkout", Namespace: "shop"},
		GitHub:     "shop/checkout", ArgoCD: "checkout-prod", SLO: []string{"checkout-availability", "checkout-latency"},
		Backup: catalog.BackupRef{VeleroSchedule: "shop-daily"}, Jobs: map[string]string{"restore_check": "verify-backup"},
		Dashboard: "tags @> 'checkout'", PublicURLs: []string{"https://shop.example.com"},
		Links: []catalog.Link{
			{URL: "https://shop.example.com", Type: "production"},
			{URL: "https://grafana.example.com/d/1", Title: "Overview", Type: "dashboard"},
		},
		Origin: catalog.Origin{File: "catalog-info.yaml", Line: 1},
		Source: catalog.SourceBackstage, Type: "service",
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got\n%+v\nwant\n%+v", s, want)
	}
	if teams[0].Name != "payments" || teams[0].Org != "shop" || teams[0].Title != "Payments" {
		t.Errorf("team %+v", teams[0])
	}
	built, err := catalog.Rules{Sources: catalog.Sources{
		PagerDuty: []string{"main"}, Jira: []string{"main"}, Prometheus: []string{"prod-eu"},
	}}.Build(catalog.Entries{Services: services, Teams: teams})
	if err != nil {
		t.Fatal(err)
	}
	if checkout, ok := built.Service("checkout"); !ok || checkout.Org != "shop" ||
		checkout.PagerDuty[0].Account != "main" {
		t.Errorf("built %+v", checkout)
	}
}

// A place for the tier that other programs use, too, may hold a word of theirs: it costs
// the component nothing, and is named where no other place says the tier.
func TestAForeignTierIsAsIfNotWritten(t *testing.T) {
	for text, want := range map[string]struct {
		tier int
		note string
	}{
		"labels: {tier: backend}":   {3, `the label tier says "backend", which is no tier`},
		"annotations: {tier: gold}": {3, `the annotation tier says "gold"`},
		"tags: [tier-two]":          {3, `the tag tier-two says "two"`},
		`labels: {tier: "0"}`:       {3, `the label tier says "0"`},
		`labels: {tier: backend}, annotations: {readiness/tier: "1"}`:        {1, ""},
		"labels: {tier: backend}, tags: [tier-2]":                            {2, ""},
		`labels: {tier: backend}, annotations: {readiness/tier: "frontend"}`: {0, ""},
	} {
		rules := catalog.Rules{Entities: catalog.DefaultEntityRules()}
		rules.Defaults.Tier = 3
		rules.Entities.MaxRefusedRatio = 1
		built, err := rules.Build(rules.Entities.ParseBackstage("c.yaml",
			[]byte("kind: Component\nmetadata: {name: a, "+text+"}\nspec: {type: service}\n")))
		if err != nil {
			t.Fatal(err)
		}
		tier, notes := 0, ""
		if s, ok := built.Service("a"); ok {
			tier = s.Tier
		}
		for _, note := range built.Notes() {
			notes += note.Line()
		}
		if tier != want.tier || !strings.Contains(notes, want.note) || want.note == "" && notes != "" {
			t.Errorf("%s: tier %d, noted %q, want %d and %q", text, tier, notes, want.tier, want.note)
		}
		if want.note != "" && !strings.Contains(notes, "readiness/tier, or map the word under catalog.entities.tier_words") {
			t.Errorf("%s: the note does not say what to write: %s", text, notes)
		}
	}
}

func TestBackstageFaultsNameFileAndLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"matcher": {
			"\n\nkind: Component\nmetadata: {name: a, annotations: {readiness/prometheus: job}}",
			`c.yaml:3: component "a": readiness/prometheus: matcher "job": want label=value`,
		},
		"number": {
			"kind: Component\nmetadata: {name: a, labels: {readiness/tier: high}}",
			`c.yaml:1: component "a": tier: "high" is not a number`,
		},
		"fraction": {"kind: Component\nmetadata: {name: a, annotations: {readiness/tier: \"1.5\"}}", `tier: "1.5" is not a number`},
		"no such tier": {
			"kind: Component\nmetadata: {name: a, annotations: {readiness/tier: \"0\"}}", `tier: tier "0" does not exist`,
		},
		"boolean": {
			"kind: Component\nmetadata: {name: a, labels: {stateful: \"yes\"}}", `stateful: "yes": want true or false`,
		},
		"misspelt": {
			"kind: Component\nmetadata: {name: a, annotations: {readiness/promethus: job=a}}",
			`readiness/promethus: unknown annotation, did you mean "prometheus"?`,
		},
		"no mapping": {"- a\n- b", "c.yaml:1: not a Backstage entity"},
		"syntax":     {"kind: [", "c.yaml"},
	} {
		if _, _, err := parse("c.yaml", c.text); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

func TestOwnersInAllForms(t *testing.T) {
	for owner, want := range map[string]struct {
		team  string
		notes int
	}{
		"payments":                  {"payments", 0},
		"group:payments":            {"payments", 0},
		"api":                       {"api", 0},
		"default/payments":          {"payments", 0},
		"group:default/payments":    {"payments", 0},
		"Group:Default/payments":    {"payments", 0},
		" group:default/payments ":  {"payments", 0},
		"group:shop/payments":       {"shop/payments", 0},
		"USER:default/erika":        {"", 1},
		"erika@example.com":         {"", 1},
		"component:default/billing": {"", 1},
	} {
		entries := catalog.DefaultEntityRules().ParseBackstage("c.yaml", []byte(fmt.Sprintf(
			"kind: Component\nmetadata: {name: a, labels: {tier: 1}}\nspec: {type: ' Service ', owner: %q}", owner)))
		if len(entries.Services) != 1 || entries.Services[0].Team != want.team || len(entries.Notes) != want.notes {
			t.Errorf("%q: services %+v, notes %v, want team %q", owner, entries.Services, entries.Notes, want.team)
		}
	}
}

func FuzzParseBackstage(f *testing.F) {
	f.Add([]byte(twoDocuments))
	f.Add([]byte("kind: Component\nmetadata: {name: &a [*a]}"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = catalog.Rules{}.Build(catalog.DefaultEntityRules().ParseBackstage("f.yaml", data))
	})
}

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// discovering is a site whose catalog stands in PagerDuty alone.
func discovering(t *testing.T) *site {
	s := newSite(t)
	s.vendor.SetAccount(account("checkout-prod", "cart-prod", "search-prod", "sandbox"))
	s.edit("collector.yaml", `  teams: [{name: payments, org: shop}]
  services:
    - {name: checkout, team: payments, org: shop, tier: 1, pagerduty: [{service_id: PCHECK}]}
    - {name: cart, team: payments, org: shop, tier: 2, pagerduty: [{service_id: PCART}]}
    - {name: ghost, team: payments, org: shop, tier: 3, pagerduty: [{service_id: PGONE}]}
`, `  services:
    - {name: checkout, tier: 1, aliases: [kasse]}
  pagerduty:
    - {name: "(?P<service>.+)-prod", tag: readiness, entry: {tier: 3, environment: production}}
    - {tag: raediness, entry: {tier: 1}}
`)
	return s
}

// account has one service for each name, all tagged through their policy.
func account(names ...string) pagerdutytest.Account {
	a := pagerdutytest.Account{
		Teams: []pagerdutytest.Team{{ID: "T1", Name: "Pay & Ship"}},
		EscalationPolicies: []pagerdutytest.EscalationPolicy{{
			ID: "E1", Name: "Everything", Levels: []pagerdutytest.Level{{Users: []string{"UBOSS"}}},
		}},
		Tags: []pagerdutytest.Tag{{ID: "TAG1", Label: "readiness", EscalationPolicies: []string{"E1"}}},
	}
	for i, name := range names {
		a.Services = append(a.Services, pagerdutytest.Service{
			ID: fmt.Sprintf("P%d", i), Name: name, EscalationPolicy: "E1", Teams: []string{"T1"},
			Integrations: []string{"events_api_v2_inbound_integration"},
		})
	}
	return a
}

// TestTheServicesComeFromDiscovery: a catalog without an entry of its own is no fault where
// a rule finds services, and where none does, check says so.
func TestTheServicesComeFromDiscovery(t *testing.T) {
	s := discovering(t)
	s.edit("collector.yaml", "  services:\n    - {name: checkout, tier: 1, aliases: [kasse]}\n", "")
	const ofDiscovery = "0 services, 0 teams; discovery adds the services that the rules of catalog.pagerduty find"
	out, errs, code := s.run("check")
	if code != exitOK || !strings.Contains(out, "ok    catalog: "+ofDiscovery) ||
		strings.Contains(out, "nothing is judged") {
		t.Errorf("check exits %d\n%s%s", code, out, errs)
	}
	d := s.start()
	d.eventually("a discovered service is judged", func() bool {
		_, judged := d.value("readiness_badge_level", "service_name", "search")
		return judged
	})
	if log := d.log.String(); strings.Contains(log, "the catalog has no services") {
		t.Errorf("the log warns of an empty catalog:\n%s", log)
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.vendor.SetAccount(account("sandbox"))
	if out, _, _ := s.run("check", "--online"); !strings.Contains(out,
		"warn  discovery in pagerduty/main: 0 of 1 PagerDuty service make 0 services") {
		t.Errorf("check --online does not warn of rules that find nothing\n%s", out)
	}
}

// TestTheTableOfCheckSaysWhichServicesItCounts: discovered services are not in its table.
func TestTheTableOfCheckSaysWhichServicesItCounts(t *testing.T) {
	for name, c := range map[string]struct {
		site func(*testing.T) *site
		says bool
	}{"discovery": {discovering, true}, "declared": {newSite, false}} {
		t.Run(name, func(t *testing.T) {
			out, _, _ := c.site(t).run("check", "--online")
			const counted = "SERVICES counts the services that the configuration and its files declare."
			if says := strings.Contains(out, counted); says != c.says {
				t.Errorf("it says which services it counts: %t, want %t\n%s", says, c.says, out)
			}
		})
	}
}

// TestAKeyIsTheDiscoveredService: an entry that names its PagerDuty service by the key of
// an integration is not found once more, and the program stores no key.
func TestAKeyIsTheDiscoveredService(t *testing.T) {
	const key = "0123456789abcdef0123456789abbeef"
	s := discovering(t)
	a := account("checkout-prod", "cart-prod")
	a.Services[1].IntegrationKeys = []string{key}
	s.vendor.SetAccount(a)
	s.edit("collector.yaml", "    - {name: checkout, tier: 1, aliases: [kasse]}\n",
		"    - {name: basket, tier: 1, pagerduty: [{integration_key: "+key+"}]}\n")
	out, errs, code := s.run("collect", "--once")
	if code != exitOK || !strings.Contains(out, "basket") || !strings.Contains(out, "checkout") ||
		strings.Contains(out, "cart") {
		t.Errorf("exit %d, want basket and checkout\n%s%s", code, out, errs)
	}
	if out, errs, _ := s.run("score", "--output", "csv"); strings.Count(out, "\n") != 3 || strings.Contains(out, "cart") {
		t.Errorf("after a restart\n%s%s", out, errs)
	}
	if strings.Contains(s.read("readiness.db"), key[len(key)-8:]) {
		t.Error("the store has the key")
	}
	for i := range a.Services {
		a.Services[i].IntegrationKeys = []string{""}
	}
	s.vendor.SetAccount(a)
	const unseen = "the credential sees no integration keys, so that services with such a key in the catalog may be found " +
		"once more (basket): name their PagerDuty services by service_id"
	if out, _, _ := s.run("check", "--online"); !strings.Contains(out, unseen) {
		t.Errorf("check --online lacks %q:\n%s", unseen, out)
	}
}

func TestServicesAreDiscovered(t *testing.T) {
	s := discovering(t)
	out, errs, code := s.run("check", "--online")
	if code != 0 || !strings.Contains(out, "3 of 4 PagerDuty services make 3 services (cart, checkout, search)") {
		t.Errorf("check exits %d\n%s%s", code, out, errs)
	}
	if !strings.Contains(
		out,
		`no tag has the label "raediness", did you mean "readiness"?: rules with it find nothing; rule 2 fits no service`,
	) {
		t.Errorf("check does not tell of the rule that finds nothing\n%s", out)
	}
	d := s.start()
	d.eventually("the discovered service is judged", func() bool {
		v, ok := d.value("readiness_badge_level", "service_name", "search")
		return ok && v >= 1
	})
	if v, ok := d.value("readiness_service_info", "service_name", "cart", "team", "pay-ship", "tier", "3"); !ok || v != 1 {
		t.Error("the entry of cart is not as the rule and PagerDuty tell")
	}
	if _, ok := d.value("readiness_service_info", "service_name", "checkout", "tier", "1"); !ok {
		t.Error("the declared entry of checkout does not count")
	}
	if v, ok := d.value("readiness_badge_level", "service_name", "checkout"); !ok || v < 1 {
		t.Errorf("checkout was not completed with its reference: %v, %v", v, ok)
	}
	if _, ok := d.value("readiness_service_info", "service_name", "sandbox"); ok {
		t.Error("sandbox fits no rule and is in the catalog")
	}
	reload := func() {
		t.Helper()
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	// A credential that suddenly sees next to nothing is not a company that has
	// closed.
	s.vendor.SetAccount(account("checkout-prod"))
	reload()
	d.eventually(
		"the loss is refused",
		func() bool { return strings.Contains(d.log.String(), "has lost 2 of 3 services (cart, search)") },
	)
	if v, ok := d.value("readiness_collector_reload_success"); !ok || v != 0 {
		t.Errorf("the refused catalog shows as a good reload: %v, %v", v, ok)
	}
	if _, ok := d.value("readiness_service_info", "service_name", "search"); !ok {
		t.Error("search was lost")
	}
	// One more is taken over while the program runs.
	s.vendor.SetAccount(account("checkout-prod", "cart-prod", "search-prod", "Mail out-prod"))
	reload()
	d.eventually("the new service is there", func() bool {
		_, ok := d.value("readiness_badge_level", "service_name", "mail-out")
		return ok
	})
	// A restart without PagerDuty keeps what was found.
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("the daemon ended with %v\n%s", err, d.log.String())
	}
	s.vendor.Inject(pagerdutytest.Fault{Status: 503})
	d = s.start()
	if v, ok := d.value("readiness_service_info", "service_name", "mail-out"); !ok || v != 1 {
		t.Errorf("a restart without PagerDuty has lost mail-out\n%s", d.log.String())
	}
	if out, errs, code := s.run("score", "-o", "csv"); code != 0 || strings.Count(out, "\n") != 5 {
		t.Errorf("score beside the daemon exits %d\n%s%s", code, out, errs)
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatalf("the daemon ended with %v\n%s", err, d.log.String())
	}
	// A restart alone does not agree that services are gone: a person does.
	s.vendor.Heal()
	s.vendor.SetAccount(account("checkout-prod"))
	out, errs, code = s.run("collect", "--once")
	if code != 1 || !strings.Contains(out, "search") || !strings.Contains(errs, "--accept-catalog-loss") {
		t.Errorf("a restart loses services: exit %d\n%s%s", code, out, errs)
	}
	out, errs, code = s.run("collect", "--once", "--accept-catalog-loss")
	if code != 0 || strings.Contains(out, "search") || !strings.Contains(out, "checkout") {
		t.Errorf("the accepted loss does not count: exit %d\n%s%s", code, out, errs)
	}
}

package main

import (
	"fmt"
	"net/http"
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
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/-/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
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
	// A restart is how a person agrees that services are gone.
	s.vendor.Heal()
	s.vendor.SetAccount(account("checkout-prod"))
	out, errs, code = s.run("collect", "--once")
	if code != 0 || strings.Contains(out, "search") || !strings.Contains(out, "checkout") {
		t.Errorf("after a restart the loss counts not: exit %d\n%s%s", code, out, errs)
	}
}

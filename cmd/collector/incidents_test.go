package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// withIncidents is an account of two services and the incidents, from now on.
func (s *site) withIncidents(incidents []pagerdutytest.Incident) {
	s.vendor.SetAccount(pagerdutytest.Account{
		Services: []pagerdutytest.Service{
			{ID: "PCHECK", Name: "Checkout", EscalationPolicy: "ELONE"},
			{ID: "PCART", Name: "Cart", EscalationPolicy: "ELONE"},
		},
		EscalationPolicies: []pagerdutytest.EscalationPolicy{
			{ID: "ELONE", Name: "Cart", Levels: []pagerdutytest.Level{{Users: []string{"UALONE"}}}},
		},
		Incidents: incidents,
	})
}

// TestTypesOfIncidentsAreNamed by check --online and by a dry run, with the number of
// incidents that have them.
func TestTypesOfIncidentsAreNamed(t *testing.T) {
	s := newSite(t)
	s.edit("collector.yaml", "    - {name: ghost, team: payments, org: shop, tier: 3, pagerduty: [{service_id: PGONE}]}\n", "")
	s.edit("collector.yaml", `token_file: token,`, `token_file: token, incident_types: [base incident],`)
	var incidents []pagerdutytest.Incident
	for i, name := range []string{"Base Incident", "Service request", "Service request"} {
		begun := time.Now().UTC().Add(time.Duration(i-50) * time.Hour)
		incidents = append(incidents, pagerdutytest.Incident{
			ID: fmt.Sprint("Q", i), Title: "Disk full", Service: "PCHECK", Type: name, Channel: "api",
			CreatedAt: begun, ResolvedAt: begun.Add(time.Hour), ResolvedBy: "user_reference",
		})
	}
	s.withIncidents(incidents)
	const types = "Base Incident 1, Service request 2 (do not count)"
	out, errs, code := s.run("check", "--online")
	want := "pagerduty/main incident types: of the 3 newest incidents of the last 90 days: " + types
	if code != exitOK || !strings.Contains(out, want) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	out, errs, code = s.run("collect", "--dry-run")
	if code != exitOK || !strings.Contains(strings.Join(strings.Fields(out), " "), types) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if out, _, _ = s.run("collect", "--dry-run", "-o", "json"); !strings.Contains(out, types) {
		t.Errorf("the types are not in the JSON:\n%s", out)
	}
}

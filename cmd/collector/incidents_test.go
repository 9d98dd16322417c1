package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/store"
)

// withIncidents is an account of two services and the incidents, from now on.
func (s *site) withIncidents(incidents []pagerdutytest.Incident) {
	s.vendor.SetAccount(twoServices(incidents))
}

func twoServices(incidents []pagerdutytest.Incident) pagerdutytest.Account {
	return pagerdutytest.Account{
		Services: []pagerdutytest.Service{
			{ID: "PCHECK", Name: "Checkout", EscalationPolicy: "ELONE"},
			{ID: "PCART", Name: "Cart", EscalationPolicy: "ELONE"},
		},
		EscalationPolicies: []pagerdutytest.EscalationPolicy{
			{ID: "ELONE", Name: "Cart", Levels: []pagerdutytest.Level{{Users: []string{"UALONE"}}}},
		},
		Incidents: incidents,
	}
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

// TestEachCallReadsOnInTheHistory: the time-out of a call is too short for all of the
// history. The closing line says how far it was read, the exit code is that of a complete
// round, and each further call reads on.
func TestEachCallReadsOnInTheHistory(t *testing.T) {
	s := newSite(t)
	s.edit("collector.yaml", "timeout: 30s, rate: {per_minute: 100000}", "timeout: 10s, rate: {per_minute: 600}")
	var incidents []pagerdutytest.Incident
	for i := range 8000 {
		begun := time.Now().UTC().Truncate(time.Second).Add(-600 * 24 * time.Hour).Add(time.Duration(i) * time.Hour)
		incidents = append(incidents, pagerdutytest.Incident{
			ID: fmt.Sprint("Q", i), Title: "Disk full", Service: "PCHECK", Channel: "api",
			CreatedAt: begun, ResolvedAt: begun.Add(time.Hour), ResolvedBy: "user_reference",
		})
	}
	s.withIncidents(incidents)
	closing := regexp.MustCompile(`(?m)^pagerduty/main: history read back to (\d{4}-\d\d-\d\d), continues with the next round$`)
	back, stored := "9999", 0
	for range 2 {
		_, errs, code := s.run("collect", "--once")
		found := closing.FindStringSubmatch(errs)
		if code != exitOK || found == nil {
			t.Fatalf("exit %d\n%s", code, errs)
		}
		now := s.incidents()
		if found[1] >= back || now <= stored {
			t.Errorf("read back to %s after %s; %d incidents are stored, %d before", found[1], back, now, stored)
		}
		back, stored = found[1], now
	}
	s.edit("collector.yaml", "timeout: 10s, rate: {per_minute: 600}", "timeout: 60s, rate: {per_minute: 100000}")
	if _, errs, code := s.run("collect", "--once"); code != exitOK || strings.Contains(errs, "continues with") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	if n := s.incidents(); n != len(incidents) {
		t.Errorf("%d incidents are stored, want %d", n, len(incidents))
	}
}

// incidents is how many incidents the store of the site has.
func (s *site) incidents() int {
	s.t.Helper()
	file := filepath.Join(s.folder, "readiness.db")
	db, err := store.OpenReadOnly(s.t.Context(), store.Options{URL: file, Now: time.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	list, err := db.Incidents(s.t.Context(), store.IncidentFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/report"
)

// TestHistoryNamesTheEvidenceOfEachChange: a second level is added to the escalation policy
// between two rounds. The time line has the check that this has changed, with both values,
// and the incident.
func TestHistoryNamesTheEvidenceOfEachChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	begun := time.Now().UTC().Truncate(time.Second).Add(-50 * time.Hour)
	account := twoServices([]pagerdutytest.Incident{{
		ID: "QONE", Title: "Disk full", Service: "PCART", Channel: "api", CreatedAt: begun, ResolvedAt: begun.Add(time.Hour),
		ResolvedBy: "user_reference",
	}})
	s.vendor.SetAccount(account)
	s.edit("collector.yaml", "    - {name: ghost, team: payments, org: shop, tier: 3, pagerduty: [{service_id: PGONE}]}\n", "")
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	account.EscalationPolicies[0].Levels = append(account.EscalationPolicies[0].Levels,
		pagerdutytest.Level{Users: []string{"UALONE", "UOTHER"}})
	s.vendor.SetAccount(account)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	out, errs, code := s.run("history", "cart", "-o", "json")
	var history report.History
	if err := json.Unmarshal([]byte(out), &history); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v: %s\n%s", code, err, errs, out)
	}
	kinds := map[report.EventKind]int{}
	var moved []report.FactMoved
	for _, e := range history.Events {
		kinds[e.Kind]++
		if e.Check != nil {
			moved = append(moved, e.Check.Facts...)
		}
	}
	if len(moved) == 0 || kinds[report.EventIncident] != 1 || kinds[report.EventFramework] != 1 {
		t.Errorf("events %v, facts %+v\n%s", kinds, moved, out)
	}
	for _, m := range moved {
		if m.Fact == "pagerduty.escalation_levels" && (m.Before != "1" || m.After != "2") {
			t.Errorf("%+v", m)
		}
	}
	text, _, _ := s.run("history", "cart", "--since", "7d")
	markdown, _, _ := s.run("history", "cart", "-o", "md")
	for _, out := range []string{text, markdown} {
		for _, want := range []string{"1 → 2 (pagerduty/main)", "QONE", "ended after 1 h"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
	}
	for _, wrong := range [][]string{
		{"history"}, {"history", "cart", "payments"}, {"history", "crat"}, {"history", "cart", "--since", "soon"},
	} {
		if _, errs, code := s.run(wrong...); code != exitConfig || errs == "" {
			t.Errorf("%v: exit %d, %s", wrong, code, errs)
		}
	}
}

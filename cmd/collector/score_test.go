package main

import (
	"strings"
	"testing"
)

const compoundChecks = `apiVersion: readiness/v1
kind: Framework
name: compound
version: 1.0.0
modules:
  - id: inc
    name: Incident Preparedness
    checks:
      - id: inc.both
        level: 1
        title: A
        remediation: [Do all of it.]
        remedies: {pagerduty.escalation_levels: Add a level.}
        proofs: [{by: machine, pass: "pagerduty.service_exists && (pagerduty.escalation_levels >= 2)"}]
      - id: inc.either
        level: 1
        title: B
        remediation: [Do one of them.]
        proofs:
          - {by: machine, pass: "pagerduty.oncall_now >= 1 && (pagerduty.escalation_levels >= 3 || pagerduty.escalation_people >= 5)"}
      - id: inc.by-tier
        level: 1
        title: C
        remediation: [Do it.]
        proofs:
          - {by: machine, pass: "pagerduty.service_exists && pagerduty.escalation_levels >= (service.tier == 1 ? 8 : 4)"}
      - id: inc.cheapest
        level: 1
        title: D
        remediation: [Do it.]
        proofs: [{by: machine, pass: "pagerduty.escalation_levels >= 9 || catalog.data_owner_declared"}]
      - id: inc.attested
        level: 1
        title: E
        remediation: [Do it.]
        proofs: [{by: machine, pass: "pagerduty.escalation_levels >= 9 || attest.inc_attested"}]
`

// A check of several parts says which of them failed, and what mends that one.
func TestScoreNamesThePartThatFailed(t *testing.T) {
	s := newSite(t)
	s.write("four.yaml", compoundChecks)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, arguments := range [][]string{{"score", "cart"}, {"score", "cart", "--all"}} {
		out, errs, code := s.run(arguments...)
		text := strings.Join(strings.Fields(out), " ")
		for _, want := range []string{
			"pagerduty.escalation_levels is 1, wanted >= 2: Add a level.",
			"pagerduty.escalation_levels is 1, wanted >= 3, or pagerduty.escalation_people is 1, wanted >= 5",
			"pagerduty.escalation_levels is 1, wanted >= 4",
			"data_owner is not in the catalog entry, or pagerduty.escalation_levels is 1, wanted >= 9: Fill it in.",
			"with a link to the evidence and the label attest-inc-attested",
		} {
			if code != exitOK || !strings.Contains(text, want) {
				t.Errorf("%v: exit %d, want %q in\n%s%s", arguments, code, want, out, errs)
			}
		}
		if strings.Contains(text, "service_exists is") || strings.Contains(text, "attest-inc-both") {
			t.Errorf("%v: a part that holds, or a check that cannot be attested\n%s", arguments, out)
		}
	}
	if out, _, _ := s.run("score", "checkout"); !strings.Contains(out, "pagerduty.escalation_levels is 2, wanted >= 8:") {
		t.Errorf("the bound of tier 1 is not said\n%s", out)
	}
	out, _, _ := s.run("score", "cart", "-o", "json")
	for _, want := range []string{`"attestation_label": "attest-inc-attested"`, `"fix": "Add a level."`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

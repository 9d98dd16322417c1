package main

import (
	"encoding/json"
	"os"
	"path/filepath"
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
			"pagerduty.escalation_levels is 1, wanted >= 2", "Add a level.",
			"pagerduty.escalation_levels is 1, wanted >= 3, or pagerduty.escalation_people is 1, wanted >= 5",
			"pagerduty.escalation_levels is 1, wanted >= 4",
			"data_owner is not in the catalog entry, or pagerduty.escalation_levels is 1, wanted >= 9", "Fill it in.",
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
	if out, _, _ := s.run("score", "checkout"); !strings.Contains(out, "pagerduty.escalation_levels is 2, wanted >= 8\n") {
		t.Errorf("the bound of tier 1 is not said\n%s", out)
	}
	out, _, _ := s.run("score", "cart", "-o", "json")
	for _, want := range []string{`"attestation_label": "attest-inc-attested"`, `"fix": "Add a level."`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

// One check is shown in full, also on machines; a wrong id is answered with the one that
// was meant.
func TestScoreShowsOneCheck(t *testing.T) {
	s := newSite(t)
	s.write("four.yaml", compoundChecks)
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for id, wants := range map[string][]string{
		"inc.both": {"inc.both   FAIL", "lacking   pagerduty.escalation_levels is 1, wanted >= 2", "next      Add a level.",
			"module    Incident Preparedness, level 1"},
		"inc.attested": {"inc.attested   UNKNOWN", "missing   attest.inc_attested: no configured source gives this fact",
			"with a link to the evidence", "attest-inc-attested"},
	} {
		out, errs, code := s.run("score", "cart", id)
		for _, want := range wants {
			if code != exitOK || !strings.Contains(out, want) {
				t.Errorf("%s: exit %d, want %q in\n%s%s", id, code, want, out, errs)
			}
		}
		if strings.Contains(out, "inc.either") {
			t.Errorf("%s: other checks are shown\n%s", id, out)
		}
	}
	var card struct {
		Summary struct{ Service string }
		Checks  []struct{ ID string }
	}
	out, errs, code := s.run("score", "cart", "inc.attested", "-o", "json")
	if err := json.Unmarshal([]byte(out), &card); code != exitOK || err != nil || card.Summary.Service != "cart" ||
		len(card.Checks) != 1 || card.Checks[0].ID != "inc.attested" {
		t.Errorf("exit %d, %v: %+v %s", code, err, card, errs)
	}
	for id, want := range map[string]string{
		"inc.atested": `did you mean "inc.attested"?`, "attested": `did you mean "inc.attested"?`,
		"inc": "those of inc are inc.both, inc.either", "nothing-like-it": "`collector score cart --all` lists all",
	} {
		if out, errs, code := s.run("score", "cart", id); code != exitConfig || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, want %q in %s%s", id, code, want, out, errs)
		}
	}
}

const adviceChecks = `apiVersion: readiness/v1
kind: Framework
name: advice
version: 1.0.0
modules:
  - id: inc
    name: Incident Preparedness
    checks:
      - id: inc.work
        level: 1
        title: A
        effort: S
        remediation: [Work.]
        proofs: [{by: machine, pass: "pagerduty.escalation_levels >= 9"}]
      - id: inc.owner
        level: 1
        title: B
        effort: S
        remediation: ["Write §data_owner§."]
        proofs: [{by: catalog, pass: catalog.data_owner_declared}]
      - id: inc.dashboard
        level: 1
        title: C
        effort: S
        remediation: ["Add §grafana/dashboard-selector§."]
        proofs: [{by: catalog, pass: catalog.dashboard_declared}]
      - id: inc.class
        level: 1
        title: D
        effort: S
        remediation: ["Write §data_class§. If in doubt take the higher class."]
        proofs: [{by: catalog, pass: catalog.data_class_declared}]
      - id: inc.long
        level: 1
        title: E
        effort: M
        remediation: ["Create the service; write its id as §pagerduty.com/service-id§. Then add levels."]
        remedies: {pagerduty.escalation_levels: Add levels.}
        proofs:
          - by: machine
            pass: "pagerduty.service_exists && (pagerduty.escalation_levels >= 9 || pagerduty.escalation_people >= 1009 || pagerduty.oncall_now >= 1009)"
      - id: inc.machine
        level: 1
        title: F
        effort: L
        remediation: [Work long.]
        proofs:
          - {by: machine, pass: "pagerduty.escalation_levels >= 9"}
          - {by: attested, pass: attest.inc_machine}
`

// Advice is in the words of the entry that the service comes from, the cheapest is the
// first, and a long part that failed leaves room for what to do.
func TestAdviceIsInTheWordsOfTheEntry(t *testing.T) {
	s := newSite(t)
	s.write("four.yaml", strings.ReplaceAll(adviceChecks, "§", "`"))
	s.write("catalog-info.yaml", `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: basket, annotations: {pagerduty.com/service-id: PCART, readiness/tier: "2"}}
spec: {type: service, owner: payments}
`)
	s.edit("collector.yaml", "  services:", "  defaults: {data_owner: '{{team}}'}\n  backstage: [catalog-info.yaml]\n  services:\n"+
		"    - {name: loner, tier: 2, pagerduty: [{service_id: PCART}]}")
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if out, _, _ := s.run("score", "loner"); !strings.Contains(out,
		"Fill in `team`, from which the defaults of the catalog make `data_owner`.") {
		t.Errorf("a default that lacks the team is not named\n%s", out)
	}
	for service, want := range map[string][2]string{
		"cart":   {"Add `dashboard`.", "Write `data_class`."},
		"basket": {"Add `grafana/dashboard-selector`.", "Write `readiness/data-classification`."},
	} {
		for _, arguments := range [][]string{{"score", service}, {"score", service, "--all"}} {
			out, errs, _ := s.run(arguments...)
			for _, text := range append(want[:], "Add levels.") {
				if !strings.Contains(out, text) {
					t.Errorf("%v: no %q in\n%s%s", arguments, text, out, errs)
				}
			}
			for _, wrong := range []string{"Create the service", "attest-inc-machine"} {
				if strings.Contains(out, wrong) {
					t.Errorf("%v: the part that holds, or what a machine contradicts: %q\n%s", arguments, wrong, out)
				}
			}
		}
		out, _, _ := s.run("score", service)
		at := 0
		for _, id := range []string{"inc.dashboard", "inc.class", "inc.work", "inc.long", "inc.machine"} {
			next := strings.Index(out, "\n"+id)
			if next < at {
				t.Errorf("%s: %s is not behind what costs less\n%s", service, id, out)
			}
			at = next
		}
	}
}

// TestWhatReadsTheStoreNeedsNoToken: a person who may read the store, and has no token,
// can look at the scores. A round needs the token.
func TestWhatReadsTheStoreNeedsNoToken(t *testing.T) {
	for name, credential := range map[string]string{"a file": "token_file: token", "a variable": "token_env: PD_KEY"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.edit("collector.yaml", "token_file: token", credential)
			s.environ = []string{"PD_KEY=the-secret-token"}
			if _, errs, code := s.run("collect", "--once"); code != exitOK {
				t.Fatalf("exit %d: %s", code, errs)
			}
			want, _, _ := s.run("score", "-o", "json")
			if err := os.Remove(filepath.Join(s.folder, "token")); err != nil {
				t.Fatal(err)
			}
			s.environ = []string{"PD_KEY="}
			if got, errs, code := s.run("score", "-o", "json"); code != exitOK || len(got) != len(want) {
				t.Errorf("score: exit %d: %s%s", code, got, errs)
			}
			for _, reads := range [][]string{
				{"framework", "coverage"}, {"history", "cart"}, {"incidents"}, {"correlate"}, {"playbook", "cart"}, {"review"},
				{"badges", "--out", "badges"},
			} {
				if _, errs, code := s.run(reads...); code != exitOK {
					t.Errorf("%v: exit %d: %s", reads, code, errs)
				}
			}
			if _, errs, code := s.run("collect", "--once"); code != exitConfig {
				t.Errorf("collect: exit %d: %s", code, errs)
			}
		})
	}
}

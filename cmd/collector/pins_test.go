package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/report"
)

// twoVersions makes the framework of the site the second version, which asks for more and
// has a module more, and pins services to the first one.
func (s *site) twoVersions(pins ...string) {
	s.t.Helper()
	second := strings.NewReplacer("version: 1.0.0", "version: 2.0.0", "escalation_levels >= 2", "escalation_levels >= 3").
		Replace(fourChecks)
	s.write("second.yaml", second+`  - id: cost
    name: Cost
    checks:
      - id: cost.owner
        level: 1
        title: Somebody answers for the cost
        proofs: [{by: attested, pass: attest.cost_owner}]
`)
	text := s.read("collector.yaml")
	if old := strings.Index(text, "framework: {"); old >= 0 {
		end := old + strings.IndexByte(text[old:], '\n')
		text = text[:old] + "framework: {file: second.yaml, pins: [" + strings.Join(pins, ", ") + "]}" + text[end:]
	}
	s.write("collector.yaml", text)
}

// TestPins: one service is judged by an earlier version until a day, and every surface says
// by which one.
func TestPins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	last := time.Now().UTC().AddDate(0, 2, 0)
	until := last.Format(time.DateOnly)
	s.twoVersions("{framework: four.yaml, services: [checkout], until: " + until + ", reason: an audit}")
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for service, want := range map[string]struct {
		version string
		checks  int
	}{"checkout": {"1.0.0", 4}, "cart": {"2.0.0", 5}} {
		out, errs, code := s.run("score", service, "-o", "json")
		var card report.Scorecard
		if err := json.Unmarshal([]byte(out), &card); err != nil || code != exitOK {
			t.Fatalf("exit %d, %v: %s%s", code, err, errs, out)
		}
		if card.Framework.Version != want.version || len(card.Checks) != want.checks ||
			(card.Pin != nil) != (service == "checkout") {
			t.Errorf("%s: %+v, %d checks, pin %+v", service, card.Framework, len(card.Checks), card.Pin)
		}
		if p := card.Pin; p != nil && (p.Then.Version != "2.0.0" || p.Reason != "an audit" ||
			p.Until.Format(time.DateOnly) != last.AddDate(0, 0, 1).Format(time.DateOnly)) {
			t.Errorf("%+v", p)
		}
		gate, errs, code := s.run("gate", service, "--check", "inc.registered", "-o", "json", "--config", "collector.yaml")
		if !strings.Contains(gate, `"version": "`+want.version+`"`) {
			t.Errorf("the gate: exit %d: %s%s", code, errs, gate)
		}
	}
	for arguments, want := range map[string][]string{
		"score checkout": {"four 1.0.0", "pinned until", "then four 2.0.0 (an audit)"},
		"score":          {"cost COVERED", "four 2.0.0", "1 service pinned to four 1.0.0"},
		"check": {"collector.yaml:2: framework.pins[0] to four 1.0.0: 1 service, until " + until,
			"four 2.0.0, 2 modules, 5 checks"},
		"framework coverage":                 {"cost.owner", "inc.escalates"},
		"score checkout inc.escalates --all": {"pagerduty.escalation_levels >= 2"},
	} {
		out, errs, code := s.run(strings.Fields(arguments)...)
		for _, text := range want {
			if code != exitOK || !strings.Contains(strings.Join(strings.Fields(out), " "), text) {
				t.Errorf("%s: exit %d, want %q in\n%s%s", arguments, code, text, out, errs)
			}
		}
	}
	d := s.start()
	d.ready()
	for version, services := range map[string]float64{"1.0.0": 1, "2.0.0": 2} {
		if n, ok := d.value("readiness_framework_services", "version", version); !ok || n != services {
			t.Errorf("%s judges %v services (%t), want %v", version, n, ok, services)
		}
		if n, _ := d.value("readiness_framework_info", "version", version); n != 1 {
			t.Errorf("%s is not in readiness_framework_info", version)
		}
	}
	if end, ok := d.value("readiness_framework_pin_end_timestamp_seconds", "version", "1.0.0"); !ok ||
		int64(end) <= last.Unix()-24*3600 {
		t.Errorf("the pin ends at %v (%t)", end, ok)
	}
	// The check that only one version has is counted for its services alone.
	if n, ok := d.value("readiness_checks", "check", "cost.owner"); !ok || n != 2 {
		t.Errorf("cost.owner is counted for %v services (%t)", n, ok)
	}
	if status, page := d.get("/services/checkout"); status != 200 || !strings.Contains(page, "four 1.0.0, pinned until") {
		t.Errorf("the page: %d\n%s", status, page)
	}
	for _, path := range []string{"/checks/cost.owner", "/checks/inc.escalates", "/framework/", "/", "/api/v1/checks"} {
		if status, _ := d.get(path); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// TestHistoryOfAPin: the time line says when the service was judged by which version.
func TestHistoryOfAPin(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	until := time.Now().UTC().AddDate(0, 2, 0).Format(time.DateOnly)
	for _, pins := range [][]string{nil, {"{framework: four.yaml, orgs: [shop], tiers: [1], until: " + until + "}"}, nil} {
		s.twoVersions(pins...)
		if _, errs, code := s.run("collect", "--once"); code != exitOK {
			t.Fatalf("exit %d: %s", code, errs)
		}
	}
	for service, want := range map[string]string{"checkout": "2.0.0 1.0.0 2.0.0", "cart": "2.0.0"} {
		out, errs, code := s.run("history", service, "-o", "json")
		var history report.History
		if err := json.Unmarshal([]byte(out), &history); err != nil || code != exitOK {
			t.Fatalf("exit %d, %v: %s%s", code, err, errs, out)
		}
		var versions []string
		for _, e := range history.Events {
			if version, ok := strings.CutPrefix(e.Text, "judged by four "); ok {
				versions = append(versions, strings.Fields(version)[0])
			}
		}
		if got := strings.Join(versions, " "); got != want {
			t.Errorf("%s was judged by %s, want %s\n%s", service, got, want, out)
		}
	}
}

// Wrong pins are refused with their line; those that do nothing are warned of.
func TestWrongPins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const later = "until: 2999-01-01"
	for pin, want := range map[string]string{
		"{framework: four.yaml, services: [checkout]}":                    "framework.pins[0].until: the last day is missing",
		"{services: [checkout], " + later + "}":                           "framework.pins[0].framework: the framework is missing",
		"{framework: four.yaml, " + later + "}":                           "no services, tiers, teams or orgs are named",
		"{framework: fuor.yaml, tiers: [1], " + later + "}":               `the file "fuor.yaml" cannot be read`,
		"{framework: four@3, tiers: [1], " + later + "}":                  `framework.pins[0]: there is no framework "four@3"`,
		"{framework: four.yaml, teams: [payment], " + later + "}":         `has the team "payment", did you mean "payments"?`,
		"{framework: four.yaml, services: [chekout], " + later + "}":      `unknown service "chekout", did you mean "checkout"?`,
		"{framework: four.yaml, tiers: [5], " + later + "}":               "tier 5 does not exist",
		"{framework: four.yaml, tiers: [1], until: soon}":                 "want a day such as 2027-03-31",
		"{framework: four.yaml, tiers: [1], " + later + ", untill: 2999}": `unknown key "untill", did you mean "until"?`,
	} {
		s.twoVersions(pin)
		_, errs, code := s.run("check")
		if code != exitConfig || !strings.Contains(errs, want) || !strings.Contains(errs, "collector.yaml:2") {
			t.Errorf("%s: exit %d, want %q in\n%s", pin, code, want, errs)
		}
	}
	soon := time.Now().UTC().AddDate(0, 0, 5).Format(time.DateOnly)
	s.twoVersions("{framework: four.yaml, tiers: [1], until: 2020-01-01}", "{framework: four.yaml, tiers: [4], "+later+"}",
		"{framework: four.yaml, tiers: [2], until: "+soon+"}", "{framework: four.yaml, services: [gh*], "+later+"}",
		"{framework: four.yaml, services: [ghost], "+later+"}")
	out, errs, code := s.run("check")
	for _, want := range []string{
		"framework.pins[0] to four 1.0.0: it ended on 2020-01-01 and does nothing; remove it",
		"framework.pins[1] to four 1.0.0: it selects no service of the catalog",
		"framework.pins[2] to four 1.0.0: it ends after " + soon + "; 1 service then judged by four 2.0.0",
		"framework.pins[3] to four 1.0.0: more specific or earlier pins have all services that it selects",
	} {
		if code != exitOK || !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("exit %d, want %q in\n%s%s", code, want, out, errs)
		}
	}
}

// TestPreviewOfTheEndOfPins: of the services that are pinned, what the criteria of the fleet
// would have done to them.
func TestPreviewOfTheEndOfPins(t *testing.T) {
	t.Parallel()
	s := lived(t, 24)
	if _, errs, code := s.preview(); code != exitConfig || !strings.Contains(errs, "none is in force") {
		t.Errorf("without pins: exit %d: %s", code, errs)
	}
	s.twoVersions("{framework: four.yaml, services: [checkout], until: 2999-01-01}")
	if _, errs, code := s.preview("--enforced"); code != exitConfig || !strings.Contains(errs, "--enforced needs --file") {
		t.Errorf("--enforced without --file: exit %d: %s", code, errs)
	}
	p, errs, code := s.preview("--max-regressions", "0")
	if code != exitFailure || p.Services != 1 || p.Lose != 1 || len(p.Present) != 1 || p.Present[0].Version != "1.0.0" ||
		p.Other.Version != "2.0.0" {
		t.Fatalf("exit %d, %s%+v", code, errs, p)
	}
	if c := p.Changes[0]; c.Service != "checkout" || c.Present != "gold" || c.Other != "bronze" {
		t.Errorf("%+v", c)
	}
	// A third version leaves it where it is.
	s.write("third.yaml", strings.Replace(s.read("second.yaml"), "version: 2.0.0", "version: 3.0.0", 1))
	s.edit("third.yaml", "service_exists", "service_exists && pagerduty.escalation_levels >= 9")
	p, errs, code = s.preview("--file", "third.yaml")
	for _, c := range p.Changes {
		if c.Service == "checkout" {
			t.Errorf("exit %d, %s%+v", code, errs, c)
		}
	}
	if p.Services != 3 || !strings.Contains(strings.Join(p.Notes, " "), "pinned stay on their criteria") {
		t.Errorf("%+v", p)
	}
	// Services that are pinned to several versions are compared with all of them.
	s.twoVersions("{framework: four.yaml, services: [checkout], until: 2999-01-01}",
		"{framework: third.yaml, tiers: [1, 2, 3, 4], until: 2999-01-01}")
	p, errs, code = s.preview()
	if code != exitOK || len(p.Present) != 2 || p.Present[0].Version != "1.0.0" || p.Present[1].Version != "3.0.0" {
		t.Errorf("exit %d, %s%+v", code, errs, p)
	}
}

// TestALaunchOfAServiceThatAPinSelects: its playbook asks, and the gate judges, by what the
// service will be judged by.
func TestALaunchOfAServiceThatAPinSelects(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.twoVersions("{framework: four.yaml, tiers: [1], until: 2999-01-01}")
	const answered = "- Answered by: ann\n- Answered on: 2026-01-02\n\n- [ ] **Cost** for Bronze (cost.owner)\n  - Answer: yes\n"
	s.write("wallet.md", answered)
	for arguments, want := range map[string]string{
		"gate wallet --launch --answers wallet.md --badge bronze --tier 1": `no check "cost.owner" in the framework four 1.0.0`,
		"gate wallet --launch --answers wallet.md --badge bronze --tier 2": "",
		"playbook wallet --launch --tier 1 --module cost":                  `no module "cost" in the framework`,
		"playbook wallet --launch --tier 2 --module cost":                  "",
	} {
		_, errs, code := s.run(strings.Fields(arguments)...)
		if (code == exitConfig) != (want != "") || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, want %q in %s", arguments, code, want, errs)
		}
	}
}

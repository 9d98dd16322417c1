package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
)

// exemptions writes some into the configuration, the first in the line after the key.
func (s *site) exemptions(text string, entries ...string) (firstLine int) {
	s.t.Helper()
	s.write("collector.yaml", text+"exemptions:\n  - "+strings.Join(entries, "\n  - ")+"\n")
	return strings.Count(text, "\n") + 2
}

// Whose reason and end count has to be clear, for every way to select a service and a
// check. The line and what to do about it are said.
func TestCheckRefusesExemptionsThatOverlap(t *testing.T) {
	s := newSite(t)
	text := s.read("collector.yaml")
	const who = "reason: r, requested_by: b, approver: a, "
	next := time.Now().AddDate(0, 1, 0).UTC().Format(time.DateOnly)
	long := who + "expires: " + next + "}"
	first := "{check: inc.covered, services: [cart], " + long
	for second, overlaps := range map[string]bool{
		"{check: inc.covered, tiers: [2, 3], " + long:                                 true,
		"{check: inc.covered, teams: [payments], " + long:                             true,
		"{check: inc.covered, orgs: [shop], " + long:                                  true,
		"{checks: [inc.escalates, inc.covered], teams: [payments], " + long:           true,
		"{module: inc, tiers: [2], " + long:                                           true,
		"{module: inc, tiers: [1], " + long:                                           false,
		"{check: inc.covered, teams: [payments], tiers: [1], " + long:                 false,
		"{check: inc.escalates, services: [cart], " + long:                            false,
		"{checks: [inc.registered, inc.escalates], orgs: [shop], tiers: [2], " + long: false,
	} {
		line := s.exemptions(text, first, second)
		want := fmt.Sprintf("FAIL  exemptions: collector.yaml:%d: inc.covered is already exempt for cart by collector.yaml:%d, "+
			"until %s; keep one of them", line+1, line, next)
		out, errs, code := s.run("check")
		if found := strings.Contains(out, want); found != overlaps || (code == exitConfig) != overlaps {
			t.Errorf("%s: exit %d, overlaps %t, want %t\n%s%s", second, code, found, overlaps, out, errs)
		}
	}
	// One that has ended is no overlap.
	s.exemptions(text, "{check: inc.covered, tiers: [2], "+who+"expires: 2020-01-01}", first)
	if out, _, _ := s.run("check"); strings.Contains(out, "already exempt") ||
		!strings.Contains(out, "it ended on 2020-01-01") {
		t.Errorf("got\n%s", out)
	}
}

func TestExemptionsNameWhatExists(t *testing.T) {
	s := newSite(t)
	text := s.read("collector.yaml")
	for entry, want := range map[string]string{
		"{check: inc.coverd, tiers: [1]":               `exemptions: unknown check "inc.coverd", did you mean "inc.covered"?`,
		"{checks: [inc.covered, inc.all], tiers: [1]":  `exemptions: unknown check "inc.all"`,
		"{module: ink, tiers: [1]":                     `exemptions: unknown module "ink", did you mean "inc"?`,
		"{check: inc.covered, teams: [payment]":        `exemptions: inc.covered: no service of the catalog has the team "payment", did you mean "payments"?`,
		"{module: inc, orgs: [shops]":                  `exemptions: module inc: no service of the catalog has the org "shops", did you mean "shop"?`,
		"{check: inc.covered, services: [card]":        `unknown service "card", did you mean "cart"?; use a name of the catalog`,
		"{check: inc.covered, tiers: [0]":              "tier 0 does not exist; use 1 to 4",
		"{check: inc.covered, approver: B, tiers: [1]": `"B" also asked for the exemption; name another person, role or team that approved it`,
		"{check: inc.covered, tiers: [1], module: inc": "check and module are given; keep one of them",
	} {
		approver := ", approver: a"
		if strings.Contains(entry, "approver") {
			approver = ""
		}
		line := s.exemptions(text, entry+", reason: r, requested_by: ' b '"+approver+", expires: 2099-01-01}")
		_, errs, code := s.run("check")
		if where := fmt.Sprintf("collector.yaml:%d: ", line); code != exitConfig || !strings.Contains(errs, where) ||
			!strings.Contains(errs, want) {
			t.Errorf("%s: exit %d\n%s", entry, code, errs)
		}
	}
}

// A ticket takes a check off a service once a second person has closed it, and no longer
// when it is opened again. The entry of the configuration for the same comes first.
func TestAnExemptionOfATicket(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	vendor := jiratest.New(jiratest.Options{Fail: func(msg string) { t.Error(msg) }})
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	s.edit("collector.yaml", "tier: 2, pagerduty:", "tier: 2, jira: [{project: PRR, component: cart}], pagerduty:")
	text := s.read("collector.yaml") + fmt.Sprintf("  jira: [{name: main, url: %q, email: a@b.c, token_file: token, "+
		"schedule: '@every 1h', exemptions: {jql: 'issuetype = \"Waiver\"'}}]\n", server.URL)
	s.write("collector.yaml", text)
	day := 24 * time.Hour
	now := time.Now().UTC()
	ticket := jiratest.Issue{
		Key: "PRR-1", Type: "Waiver", Summary: "One person is enough", Components: []string{"cart"},
		Labels: []string{"exempt-inc-covered"}, Created: now.Add(-3 * day), Due: now.Add(30 * day), Reporter: "bob",
	}
	score := func(change func(*jiratest.Issue)) (text, log string) {
		t.Helper()
		changed := ticket
		change(&changed)
		vendor.SetSite(jiratest.Site{Projects: []string{"PRR"}, Components: map[string][]string{"PRR": {"cart"}},
			Issues: []jiratest.Issue{changed}})
		_, log, code := s.run("collect", "--once")
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, log)
		}
		text, _, _ = s.run("score", "cart", "inc.covered")
		return text, log
	}
	approved := func(i *jiratest.Issue) { i.Done, i.DoneBy = now.Add(-day), "ann" }
	if got, log := score(func(*jiratest.Issue) {}); strings.Contains(got, "PRR-1") ||
		!strings.Contains(log, "waiting for an approval") {
		t.Errorf("before it is approved:\n%s%s", got, log)
	}
	if got, _ := score(approved); !strings.Contains(got, "approved in PRR-1") ||
		!strings.Contains(got, "One person is enough") {
		t.Errorf("after it is approved:\n%s", got)
	}
	byBob := func(i *jiratest.Issue) { i.Done, i.DoneBy = now.Add(-day), "bob" }
	if got, _ := score(byBob); strings.Contains(got, "PRR-1") {
		t.Errorf("approved by who asked:\n%s", got)
	}
	s.exemptions(text, "{check: inc.covered, services: [cart], reason: the entry, requested_by: b, approver: a, expires: "+
		now.Add(10*day).Format(time.DateOnly)+"}")
	if got, log := score(approved); !strings.Contains(got, "the entry") || strings.Contains(got, "PRR-1") ||
		!strings.Contains(log, "the exemption of a ticket does not count") {
		t.Errorf("with an entry of the configuration:\n%s%s", got, log)
	}
}

package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/report"
)

const attestedChecks = `apiVersion: readiness/v1
kind: Framework
name: attested
version: 1.0.0
award_dwell: 1ms
modules:
  - id: inc
    name: Incident Preparedness
    checks:
      - id: inc.registered
        level: 1
        title: The service can be paged
        remediation: [Create it.]
        proofs: [{by: machine, pass: pagerduty.service_exists}]
      - id: inc.exercised
        level: 1
        title: The team has *practised*
        objective: An exercise took place.
        effort: M
        remediation: [Have a game day., Write it down.]
        links: [https://sre.google/workbook/incident-response/]
        proofs: [{by: attested, pass: attest.inc_exercised}]
      - id: inc.never
        level: 5
        title: Beyond
        remediation: [Do it.]
        proofs: [{by: attested, pass: attest.inc_never}]
`

// issueOf is a ticket as Jira makes it of the fields.
func issueOf(t *testing.T, key string, fields map[string]any) jiratest.Issue {
	t.Helper()
	text := func(of any, name string) string {
		object, _ := of.(map[string]any)
		value, _ := object[name].(string)
		return value
	}
	made := jiratest.Issue{Key: key, Type: text(fields["issuetype"], "name"), Parent: text(fields["parent"], "key"),
		Created: time.Now().Add(-time.Hour), Assignee: "ann", Reporter: "ann", Fields: map[string]any{}}
	made.Summary, _ = fields["summary"].(string)
	made.Description, _ = fields["description"].(string)
	if project := text(fields["project"], "key"); !strings.HasPrefix(key, project+"-") {
		t.Errorf("%s is to be in project %q", key, project)
	}
	for _, label := range fields["labels"].([]any) {
		made.Labels = append(made.Labels, label.(string))
	}
	components, _ := fields["components"].([]any)
	for _, c := range components {
		made.Components = append(made.Components, text(c, "name"))
	}
	for name, value := range fields {
		if strings.HasPrefix(name, "customfield_") {
			made.Fields[name] = value
		}
	}
	return made
}

// TestPlaybookRoundTrip: the tickets that a playbook prints are created in Jira and done,
// and the badge is awarded. Each way in which a review can name its service is tried.
func TestPlaybookRoundTrip(t *testing.T) {
	t.Parallel()
	for by, services := range map[string]string{
		"component": "{by: component}",
		"label":     "{by: label, prefix: svc-}",
		"field":     "{by: field, field: customfield_10070}",
	} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			vendor := jiratest.New(jiratest.Options{Fail: func(msg string) { t.Error(msg) }})
			server := httptest.NewServer(vendor)
			t.Cleanup(server.Close)
			site := jiratest.Site{Projects: []string{"PRR"}, Components: map[string][]string{"PRR": {"cart"}},
				Fields: map[string]string{"customfield_10070": "Service"}}
			create := func(issues ...jiratest.Issue) {
				site.Issues = append(site.Issues, issues...)
				vendor.SetSite(site)
			}
			create()
			s.write("four.yaml", attestedChecks)
			s.edit("collector.yaml", "tier: 2, pagerduty:", "tier: 2, jira: [{project: PRR, component: cart}], pagerduty:")
			s.write("collector.yaml", s.read("collector.yaml")+fmt.Sprintf(
				"  jira: [{name: main, url: %q, email: a@b.c, token_file: token, schedule: '@every 1h', "+
					"reviews: {jql: 'project = \"PRR\" AND issuetype = \"Review\"', services: %s}}]\n", server.URL, services))
			round := func() {
				t.Helper()
				if _, errs, code := s.run("collect", "--once"); code != exitOK {
					t.Fatalf("exit %d: %s", code, errs)
				}
			}
			tickets := func(arguments ...string) (found report.ReviewTickets) {
				t.Helper()
				out, errs, code := s.run(append([]string{"playbook", "cart", "--jira", "--project", "PRR",
					"--issue-type", "Review"}, arguments...)...)
				if err := json.Unmarshal([]byte(out), &found); err != nil || code != exitOK {
					t.Fatalf("exit %d, %v: %s%s", code, err, errs, out)
				}
				return found
			}
			round()
			first := tickets()
			if first.Review == nil || len(first.IssueUpdates) != 0 {
				t.Fatalf("%+v", first)
			}
			create(issueOf(t, "PRR-1", first.Review.Fields))
			second := tickets("--parent", "PRR-1")
			if second.Review != nil || len(second.IssueUpdates) != 1 {
				t.Fatalf("%+v, want one check: the other is proved, or beyond the badge", second)
			}
			sub := issueOf(t, "PRR-2", second.IssueUpdates[0].Fields)
			sub.Done, sub.DoneBy = time.Now().Add(-time.Minute), "bob"
			create(sub)
			round()
			round() // the award dwell has passed
			out, _, _ := s.run("score", "cart", "-o", "json")
			var card report.Scorecard
			if err := json.Unmarshal([]byte(out), &card); err != nil || card.Badge.Held != "platinum" {
				t.Errorf("badge %q, %v\n%s", card.Badge.Held, err, out)
			}
			out, _, _ = s.run("playbook", "cart", "--badge", "bronze")
			if strings.Contains(out, "[ ]") || !strings.Contains(out, "2 of 2 checks done") {
				t.Errorf("not all is ticked:\n%s", out)
			}
		})
	}
}

func TestPlaybook(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("four.yaml", attestedChecks)
	s.write("collector.yaml", s.read("collector.yaml")+
		"  jira: [{name: main, url: 'http://127.0.0.1:1', email: a@b.c, token_file: token, "+
		"reviews: {jql: project = PRR, services: {by: label, prefix: svc-}}}]\n")
	// The vendor of tickets does not answer: what PagerDuty has said is known.
	if _, _, code := s.run("collect", "--once"); code != exitFailure {
		t.Errorf("exit %d", code)
	}
	out, errs, code := s.run("playbook", "cart")
	for _, want := range []string{
		"# Readiness of cart: the way to Bronze", "1 of 2 checks done", "- [x] **The service can be paged** for Bronze",
		`- [ ] **The team has \*practised\*** for Bronze (inc.exercised)`, "  2. Write it down.",
		"Attest: label attest-inc-exercised; good for 365 days", "<https://sre.google/workbook/incident-response/>",
	} {
		if !strings.Contains(out, want) || code != exitOK {
			t.Errorf("exit %d, %q is not in\n%s%s", code, want, out, errs)
		}
	}
	out, _, _ = s.run("playbook", "cart", "--badge", "diamond")
	if want := "Attest: label attest-inc-never, with a link to the evidence, closed by somebody else than its assignee; " +
		"good for 180 days"; !strings.Contains(out, want) {
		t.Errorf("%q is not in\n%s", want, out)
	}
	out, errs, code = s.run("playbook", "wallet", "--launch", "--tier", "1")
	if want := "It is not in production yet"; code != exitOK || !strings.Contains(out, want) ||
		!strings.Contains(out, "0 of 2 checks done") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	out, _, _ = s.run("playbook", "wallet", "--launch", "--tier", "1", "--jira", "--project", "PRR", "-o", "csv")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 3 || rows[2][1] != rows[1][0] || rows[1][6] != "svc-wallet" ||
		rows[2][6] != "attest-inc-exercised" {
		t.Errorf("%v\n%q", err, rows)
	}
	for _, wrong := range [][]string{
		{"playbook"}, {"playbook", "crat"}, {"playbook", "cart", "--module", "imc"},
		{"playbook", "cart", "--badge", "golden"},
		{"playbook", "wallet", "--launch"}, {"playbook", "cart", "--launch", "--tier", "1"},
		{"playbook", "cart", "--tier", "1"}, {"playbook", "cart", "--parent", "PRR-1"}, {"playbook", "cart", "-o", "csv"},
		{"playbook", "cart", "--jira"}, {"playbook", "wallet", "--launch", "--tier", "9"},
		{"playbook", "wallet", "--launch", "--tier", "1", "--data-class", "restricted"},
	} {
		if out, errs, code := s.run(wrong...); code != exitConfig || out != "" || errs == "" {
			t.Errorf("%v: exit %d, %s%s", wrong, code, out, errs)
		}
	}
}

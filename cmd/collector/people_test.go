package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// people are the ids of everybody in the fakes, in every role there is. Names
// and e-mail addresses are made of them: Somebody PZALICE, PZALICE@example.com.
var people = []string{
	"PZALICE", "PZBERTA", "PZCARLA", "PZDORIS", "PZERIKA", "PZFRIDA", "pzgerda", "pzhelga", "pzirene", "pzjulia",
	"pzklara",
}

// TestPeopleLeaveNoTrace collects what people do and then looks for who they
// are in all that the program writes and says.
func TestPeopleLeaveNoTrace(t *testing.T) {
	s := newSite(t)
	now := time.Now().UTC().Truncate(time.Second)
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	pagerduty := httptest.NewServer(pagerdutytest.New(pagerdutytest.Options{
		Token: "the-secret-token", Fail: func(msg string) { t.Error(msg) },
		Account: pagerdutytest.Account{
			Services: []pagerdutytest.Service{{ID: "PCHECK", Name: "Checkout", EscalationPolicy: "EGOOD"}},
			EscalationPolicies: []pagerdutytest.EscalationPolicy{{ID: "EGOOD", Name: "Payments", Levels: []pagerdutytest.Level{
				{Schedules: []string{"S1"}}, {Users: []string{"PZCARLA"}},
			}}},
			Schedules: []pagerdutytest.Schedule{{
				ID: "S1", Name: "Payments", Users: []string{"PZALICE", "PZBERTA"}, Start: ago(2000), Shift: 24 * time.Hour,
			}},
			Users: []pagerdutytest.User{{ID: "PZALICE", TimeZone: "Europe/Berlin"}},
			Incidents: []pagerdutytest.Incident{
				{
					ID: "QINC1", Number: 1, Title: "Login of PZFRIDA@example.com failed 17 times", Service: "PCHECK",
					CreatedAt:      ago(60),
					AcknowledgedAt: ago(59), AcknowledgedBy: "PZDORIS", ResolvedAt: ago(58), ResolvedBy: "user_reference",
					ResolvedByID:  "PZERIKA",
					Notes:         []pagerdutytest.Note{{At: ago(59)}},
					Notifications: []pagerdutytest.Notification{{At: ago(60), User: "PZALICE"}, {At: ago(60), User: "PZBERTA"}},
				},
				{
					ID: "QINC2", Number: 2, Title: "Still open", Service: "PCHECK", CreatedAt: ago(2), AcknowledgedAt: ago(1),
					AcknowledgedBy: "PZDORIS",
				},
				{
					ID: "QINC3", Number: 3, Title: "Resolved by nobody known", Service: "PCHECK", CreatedAt: ago(30),
					ResolvedAt: ago(29), ResolvedBy: "user_reference", ResolvedByID: "PZERIKA",
				},
			},
		},
	}))
	defer pagerduty.Close()
	site := jiratest.Site{Projects: []string{"INC", "PRR"}, Issues: []jiratest.Issue{
		{
			Key: "INC-1", Type: "Incident", Summary: "Checkout down", Labels: []string{"service-checkout"}, Created: ago(60),
			Reporter: "pzgerda", Assignee: "pzhelga",
			Creator: "pzirene", Done: ago(50), DoneBy: "pzjulia",
			Changes: []jiratest.Change{
				{At: ago(55), By: "pzklara", Field: "assignee", From: "pzgerda", To: "pzhelga"},
				{At: ago(54), By: "pzklara", Field: "status", From: "To Do", To: "In Progress"},
			},
		},
		{
			Key: "PRR-1", Type: "Review", Summary: "Review of checkout",
			Labels: []string{"service-checkout", "attest-inc-covered"}, Created: ago(600), Reporter: "pzgerda",
			Assignee: "pzhelga", Done: ago(500), DoneBy: "pzjulia",
		},
	}}
	cloud := httptest.NewServer(jiratest.New(jiratest.Options{Site: site}))
	defer cloud.Close()
	center := httptest.NewServer(jiratest.New(jiratest.Options{Site: site, DataCenter: true}))
	defer center.Close()
	jira := `incidents: {jql: 'issuetype = "Incident"', acknowledged: {statuses: [In Progress]}, services: {by: label, prefix: service-}}, reviews: {jql: 'issuetype = "Review"', services: {by: label, prefix: service-}}`
	s.write("collector.yaml", `store: {url: readiness.db}
log: {level: debug}
server: {listen_address: "127.0.0.1:0"}
evaluation: {interval: 1s}
catalog:
  teams: [{name: payments, org: shop}]
  services: [{name: checkout, team: payments, org: shop, tier: 1, pagerduty: [{service_id: PCHECK}]}]
sources:
  pagerduty: [{name: main, endpoint: "`+pagerduty.URL+`", token_file: token, rate: {per_minute: 100000}}]
  jira:
    - {name: cloud, url: "`+cloud.URL+`", email: us@example.org, token_file: token, `+jira+`}
    - {name: center, deployment: datacenter, url: "`+center.URL+`", `+jira+`}
`)
	said := map[string]string{}
	run := func(args ...string) {
		t.Helper()
		out, errs, code := s.run(args...)
		if code != 0 {
			t.Errorf("%v exits %d: %s", args, code, errs)
		}
		said[strings.Join(args, " ")] = out + errs
	}
	run("check", "--online")
	run("collect", "--once", "--dry-run")
	run("collect", "--once")
	run("collect", "--once") // the second goes by the log
	run("score", "checkout", "-o", "json")
	d := s.start()
	d.ready()
	for _, path := range []string{"/metrics", "/api/v1/services", "/api/v1/services/checkout", "/"} {
		_, said[path] = d.get(path)
	}
	if err := d.stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	said["the log of the daemon"] = d.log.String()
	names, err := filepath.Glob(filepath.Join(s.folder, "readiness.db*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	stored := ""
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		said[filepath.Base(name)] = string(text)
		stored += string(text)
	}
	for _, what := range []string{"QINC1", "INC-1", "PRR-1"} {
		if !strings.Contains(stored, what) {
			t.Errorf("%s is not stored: the test looks at too little", what)
		}
	}
	if !regexp.MustCompile(`\["[0-9a-f]{20}"`).MatchString(stored) {
		t.Error("no hash of a person is stored: the test looks at too little")
	}
	for where, text := range said {
		lower := bytes.ToLower([]byte(text))
		for _, who := range slices.Concat(people, []string{"Somebody P", "Somebody p", "@example.com", "557058:"}) {
			needle := []byte(strings.ToLower(who))
			if strings.HasPrefix(who, "Somebody ") {
				needle = append(needle, 'z')
			}
			if i := bytes.Index(lower, needle); i >= 0 {
				t.Errorf("%s tells of %s: …%q…", where, who, text[max(0, i-150):min(len(text), i+80)])
			}
		}
	}
}

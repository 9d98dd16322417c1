package jira_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
)

func TestSurvey(t *testing.T) {
	long := strings.Repeat("long", 200)
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(
			incident(1, "cart", noon.Add(-day)),
			incident(2, "Check out", noon.Add(-2*day)),
			incident(3, "long ago", noon.Add(-400*day)),
			review(1, "cart", noon.Add(-90*day)),
			attestation(2, "PRR-1", "rel-failover-proven", noon.Add(-9*day)),
		)
		site.Categories = map[string]string{"SHOP": "Storefront"}
		site.Addresses = map[string]string{"REP": "https://gitlab.example.com/shop/reports"}
		site.Descriptions = map[string]string{
			"REP":       "Reports. Code: [here|https://gitlab.example.com/shop/reports/-/tree/main], plan: https://" + long,
			"SHOP/cart": "The cart, see https://github.com/shop/cart.",
		}
		w := start(t, dataCenter, site, services, func(s setup) { s.jira.Reviews.JQL = "" })
		got, err := w.source.Survey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := jira.Survey{
			Projects: []jira.SurveyedProject{
				{Key: "INC", Name: "Project INC"}, {Key: "PRR", Name: "Project PRR"}, {Key: "REP", Name: "Project REP",
					Links: []string{"https://gitlab.example.com/shop/reports", "https://gitlab.example.com/shop/reports/-/tree/main"}},
				{Key: "SHOP", Name: "Project SHOP", Category: "Storefront", Components: []jira.SurveyedComponent{
					{Name: "Check out"}, {Name: "cart", Links: []string{"https://github.com/shop/cart"}},
				}},
			},
			IssueTypes: []string{"Incident", "Review", "Sub-task", "Task"},
			Labels:     []string{"attest-rel-failover-proven"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// The requests of a survey grow with pages of projects, and not with them.
func TestSurveyOfALargeSite(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(crowd(900, day/24)...)
		for n := range 230 {
			site.Projects = append(site.Projects, fmt.Sprintf("P%03d", n))
		}
		w := start(t, dataCenter, site, services)
		got, err := w.source.Survey(t.Context())
		if err != nil || len(got.Projects) != 234 {
			t.Fatalf("%d projects, error %v", len(got.Projects), err)
		}
		// The account and five pages on Cloud, or one list; the types, at most
		// five pages of issues, the labels.
		want := 1 + 1 + 5 + 1
		if !dataCenter {
			want += 1 + 4
		}
		if n := len(w.fake.Requests()); n != want {
			t.Errorf("%d requests, want %d", n, want)
		}
	})
}

func TestSurveyFails(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		projects := "GET /rest/api/2/project/search"
		if dataCenter {
			projects = "GET /rest/api/2/project"
		}
		for name, tc := range map[string]struct {
			fault   jiratest.Fault
			err     string // of the survey
			missing string
		}{
			"no projects": {jiratest.Fault{Call: projects, Status: 403}, projects + " forbidden", ""},
			"not a list":  {jiratest.Fault{Call: projects, Body: `null`}, projects + " undecodable", ""},
			"without a key": {jiratest.Fault{Call: projects, Body: `{"values":[{"name":"x"}]}`}, projects + " undecodable",
				""},
			"no search": {jiratest.Fault{Search: true, Status: 403}, "", searchCall(dataCenter) + " forbidden, " +
				searchCall(dataCenter) + " forbidden"},
			"no types": {jiratest.Fault{Call: "GET /rest/api/2/issuetype", Status: 404}, "",
				"GET /rest/api/2/issuetype not_found"},
			"a bad issue": {jiratest.Fault{Search: true, Issues: []string{`null`}}, "", ""},
			"types not a list": {jiratest.Fault{Call: "GET /rest/api/2/issuetype", Body: `{}`}, "",
				"GET /rest/api/2/issuetype undecodable"},
		} {
			site, services := shop(incident(1, "cart", noon.Add(-day)))
			w := start(t, dataCenter, site, services)
			w.fake.Inject(tc.fault)
			got, err := w.source.Survey(t.Context())
			var missing []string
			for _, e := range got.Missing {
				missing = append(missing, calls(e))
			}
			if calls(err) != tc.err || strings.Join(missing, ", ") != tc.missing || (tc.err == "") != (len(got.Projects) == 4) {
				t.Errorf("%s: error %v, missing %v of %d projects", name, err, got.Missing, len(got.Projects))
			}
		}
	})
	// Cloud shows an empty site to a visitor without an account.
	site, services := shop()
	w := start(t, false, site, services, func(s setup) { s.fake.Token = "another" })
	if got, err := w.source.Survey(t.Context()); calls(err) != "GET /rest/api/2/myself unauthorized" ||
		len(got.Projects) != 0 {
		t.Errorf("%v, error %v", got, err)
	}
}

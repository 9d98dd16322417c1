package jira_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/internal/sourcetest"
)

// Data sets with more issues than a page has by far.
const (
	manyIncidents sourcetest.Data = "10,001 incidents"
	manyReviews   sourcetest.Data = "10,001 reviews"
)

func TestContractOfCloud(t *testing.T) { sourcetest.Run(t, contract(t, false, 3)) }

func TestContractOfDataCenter(t *testing.T) {
	race.Skip(t, "TestContractOfCloud takes the same ways")
	sourcetest.Run(t, contract(t, true, 3))
}

func TestContractOfLargeSites(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		s := contract(t, dataCenter, 100)
		s.Large = []sourcetest.Large{{Data: manyIncidents, Incidents: 10001}, {Data: manyReviews, Reviews: 10001}}
		sourcetest.RunLarge(t, s)
	})
}

// searches are the listings of the contract, by what is in their queries and in
// no other's.
func searches() map[string]string {
	return map[string]string{
		`issuetype = "Incident"`: "search incidents",
		`issuetype = "Review"`:   "search reviews",
		"attest-":                "search attestations",
		"readiness-feedback":     "search feedback",
		`issuetype = "Waiver"`:   "search exemptions",
		`"postmortem"`:           "search post-mortems",
		"game-day":               "search game days",
		"vulnerability":          "search security issues",
	}
}

// contract is the source with pages of so many issues.
func contract(t *testing.T, dataCenter bool, pageLimit int) sourcetest.Subject {
	t.Helper()
	all, err := jira.DefaultFacts()
	if err != nil {
		t.Fatal(err)
	}
	// The others are searched for in the same way.
	facts := slices.DeleteFunc(all, func(f jira.Fact) bool {
		return !slices.Contains([]string{
			"jira.last_gameday_age_days", "jira.overdue_security_issues", "jira.major_incidents_180d",
			"jira.postmortem_ratio_180d",
		}, f.Name)
	})
	form := jiratest.Form()
	plain, list := form.Call, form.List
	form.Call = func(r *http.Request) string {
		jql := r.URL.Query().Get("jql")
		for part, name := range searches() {
			if strings.Contains(jql, part) {
				return name
			}
		}
		return plain(r)
	}
	form.List = func(call string) string {
		if strings.HasPrefix(call, "search ") {
			return "issues"
		}
		return list(call)
	}
	deployment := jira.Cloud
	s := sourcetest.Subject{
		Start: noon,
		Services: []*catalog.Service{refers("checkout", "SHOP/checkout"), refers("cart", "SHOP/cart"),
			refers("reports", "REP"), refers("plain")},
		Upstream: func(data sourcetest.Data, now func() time.Time, fail func(string)) http.Handler {
			return jiratest.New(jiratest.Options{
				Site: contractSite(data), DataCenter: dataCenter, Now: now, Email: "us@example.com", Token: "of-the-file",
				Fail: fail,
			})
		},
		HTTP:   config.HTTPClientConfig{BasicAuth: &config.BasicAuth{Username: "us@example.com", Password: "of-the-file"}},
		Secret: "of-the-file",
		Form:   form,
		BadBodies: map[string]sourcetest.BadBody{
			"200 with an error": {
				Body:   `{"errorMessages":["The value 'PRR' does not exist for the field 'project'."],"errors":{}}`,
				Reason: evidence.ReasonUndecodable,
			},
			"null lists": {Body: `{"issues":null,"total":0,"isLast":true,"issueChangeLogs":null}`,
				Reason: evidence.ReasonUndecodable},
		},
	}
	if dataCenter {
		deployment = jira.DataCenter
		s.HTTP = config.HTTPClientConfig{Authorization: &config.Authorization{Type: "Bearer", Credentials: "of-the-file"}}
	}
	source := func(mapping jira.Incidents) sourcetest.NewSource {
		mapping.JQL = incidentsJQL
		return func(address string, client *http.Client, now func() time.Time) (collectors.Source, error) {
			return jira.New(jira.Options{
				Name: "main", Deployment: deployment, OnlySite: true, URL: address, HTTPClient: client, Now: now,
				PageLimit: pageLimit,
				BrowseURL: "https://jira.example.com", Facts: facts,
				Incidents:    mapping,
				Reviews:      jira.Reviews{JQL: reviewsJQL, Services: jira.ServiceLink{By: "label", Prefix: "service-"}},
				Attestations: attestations(),
				Opinions:     []jira.Opinion{{Check: "cicd.no-drift", Label: "about-cicd-no-drift"}},
				Exemptions:   waivers(),
				Exemptible:   []jira.Exemptible{{Check: "cicd.no-drift", Label: "exempt-cicd-no-drift"}},
				MaxExemption: 365 * day,
			})
		}
	}
	s.Source = source(jira.Incidents{})
	s.WrongNames = []sourcetest.WrongName{
		{Name: "SHPO", Nearest: `"SHOP"`, User: "till", Service: refers("till", "SHPO")},
		{Name: "cort", Nearest: `"cart"`, User: "till", Service: refers("till", "SHOP/cort")},
		{Name: "Dome", Nearest: `"Done"`, User: "incidents.resolved",
			Source: source(jira.Incidents{Resolved: jira.Moment{Statuses: []string{"Dome"}}})},
	}
	search := "GET /rest/api/2/search/jql"
	if dataCenter {
		search = "GET /rest/api/2/search"
	}
	s.Calls = []sourcetest.Call{
		{Name: "GET /rest/api/2/status"},
		{Name: "GET /rest/api/2/issue/{id}/remotelink", Reasons: map[string]evidence.Reason{"404": ""},
			Optional: "it costs the attestations of the services whose issue was asked for, and no others"},
	}
	if !dataCenter {
		s.Calls = append(s.Calls, sourcetest.Call{Name: "GET /rest/api/2/myself"},
			sourcetest.Call{Name: "POST /rest/api/2/changelog/bulkfetch"})
	}
	for _, name := range searches() {
		call := sourcetest.Call{Name: name, Error: search}
		if name == "search feedback" {
			call.Optional = "feedback is no fact"
		}
		if name == "search exemptions" {
			call.Optional = "exemptions are no facts"
		}
		s.Calls = append(s.Calls, call)
	}
	slices.SortFunc(s.Calls, func(a, b sourcetest.Call) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// contractSite is the site with the data.
func contractSite(data sourcetest.Data) jiratest.Site {
	site, _ := shop()
	if data == sourcetest.Empty {
		return site
	}
	switch data {
	case manyIncidents:
		site.Issues = crowd(10001, 10*time.Minute)
		return site
	case manyReviews:
		for n := range 10001 {
			site.Issues = append(site.Issues, review(n, "cart", noon.Add(-300*day+time.Duration(n)*time.Minute)))
		}
		return site
	}
	changed := data == sourcetest.Changed
	for n := range 4 {
		in := incident(n, []string{"cart", "checkout"}[n%2], noon.Add(-time.Duration(30+n)*day))
		in.Priority, in.Done, in.DoneBy = "Highest", in.Created.Add(time.Hour), "ann"
		if n == 3 {
			// Only its long history says when it ended.
			in.NoResolution = true
			for k := range 45 {
				in.Changes = append(in.Changes, jiratest.Change{At: in.Created.Add(2*time.Hour + time.Duration(k)*time.Minute),
					Field: "comment"})
			}
		}
		site.Issues = append(site.Issues, in)
		if n < 2 {
			site.Issues = append(site.Issues, jiratest.Issue{
				Key: fmt.Sprintf("SHOP-%d", 500+n), Labels: []string{"postmortem"}, Created: in.Created.Add(day),
				Done: in.Created.Add(3 * day), Links: []string{in.Key},
			})
		}
		site.Issues = append(site.Issues,
			jiratest.Issue{Key: fmt.Sprintf("REP-%d", 10+n), Labels: []string{"security"}, Created: noon.Add(-40 * day),
				Due: noon.Add(-9 * day)},
			jiratest.Issue{Key: fmt.Sprintf("REP-%d", 20+n), Labels: []string{"game-day"}, Created: noon.Add(-90 * day),
				Done: noon.Add(-time.Duration(60+n) * day)},
			jiratest.Issue{Key: fmt.Sprintf("PRR-%d", 70+n),
				Labels: []string{"readiness-feedback", "about-cicd-no-drift", "unclear"}, Created: noon.Add(-20 * day)},
			waiver(80+n, []string{"cart", "checkout", "cart", "checkout"}[n]),
			review(n, []string{"cart", "checkout", "reports", "cart"}[n], noon.Add(-time.Duration(100+n)*day)),
		)
		c := attestation(40+n, fmt.Sprintf("PRR-%d", n),
			[]string{"cicd-change-reviewed", "data-access-reviewed", "rel-failover-proven"}[n%3], noon.Add(-50*day))
		if n == 2 {
			c.Description, c.RemoteLinks = "", []string{"https://wiki.example.com/evidence"}
		}
		site.Issues = append(site.Issues, c)
	}
	open := incident(90, "cart", noon.Add(-5*time.Hour))
	open.Priority = "High"
	if !changed {
		site.Issues = append(site.Issues, open)
		return site
	}
	// What was done since: something ended, began, was found, and was deleted.
	since := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	site.Issues = slices.DeleteFunc(site.Issues, func(i jiratest.Issue) bool {
		return slices.Contains([]string{"REP-11", "PRR-71", "REP-20"}, i.Key)
	})
	for n := range site.Issues {
		if site.Issues[n].Key == "PRR-81" {
			site.Issues[n].Changes = []jiratest.Change{
				{At: since(2), By: "ann", Field: "status", From: "Done", To: "To Do"},
			}
		}
	}
	open.Done, open.DoneBy = since(2), "ann"
	site.Issues = append(site.Issues, open, review(6, "reports", since(1)),
		attestation(46, "PRR-6", "cicd-change-reviewed", since(3)),
		jiratest.Issue{Key: "REP-29", Labels: []string{"game-day"}, Created: noon.Add(-3 * day), Done: since(4)})
	for n := range 4 {
		site.Issues = append(site.Issues, incident(95+n, "checkout", since(1+n)))
	}
	return site
}

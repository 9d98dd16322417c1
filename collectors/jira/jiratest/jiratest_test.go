package jiratest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func site() jiratest.Site {
	return jiratest.Site{Projects: []string{"EMPTY"}, Issues: []jiratest.Issue{
		{Key: "SHOP-1", Labels: []string{"a"}, Created: noon.Add(-50 * time.Hour), Due: noon.Add(-30 * time.Hour)},
		{Key: "SHOP-2", Labels: []string{"b"}, Created: noon.Add(-40 * time.Hour), Done: noon.Add(-90 * time.Second)},
		{Key: "REP-1", Type: "Bug", Parent: "SHOP-1", Labels: []string{"a", "b"}, Created: noon.Add(-time.Hour)},
		{Key: "REP-2", Created: noon.Add(time.Hour)},
	}}
}

// ask sends one request and returns the status, the headers and the answer.
func ask(s *jiratest.Server, method, target, body string) (int, http.Header, map[string]any) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	var answer map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, w.Header(), answer
}

// keys are the issues of a search.
func keys(answer map[string]any) string {
	var found []string
	issues, _ := answer["issues"].([]any)
	for _, i := range issues {
		key, _ := i.(map[string]any)["key"].(string)
		found = append(found, key)
	}
	return strings.Join(found, " ")
}

func TestQueries(t *testing.T) {
	s := jiratest.New(jiratest.Options{Site: site(), Now: func() time.Time { return noon },
		Fail: func(msg string) { t.Error(msg) }})
	for jql, want := range map[string]string{
		`project in ("SHOP", "rep")`:                          "SHOP-1 SHOP-2 REP-1",
		`project = "SHOP" AND labels = "a"`:                   "SHOP-1",
		`labels in ("a", "b") ORDER BY updated ASC`:           "SHOP-1 REP-1 SHOP-2",
		`statusCategory != "Done"`:                            "SHOP-1 REP-1",
		`statusCategory = "Done" OR issuetype = "Bug"`:        "SHOP-2 REP-1",
		`(labels = "a" OR labels = "b") AND key in ("REP-1")`: "REP-1",
		`labels = "b" AND (labels = "a" OR due is EMPTY)`:     "SHOP-2 REP-1",
		`due < startOfDay()`:                                  "SHOP-1",
		`created <= "-41h"`:                                   "SHOP-1",
		`parent in ("SHOP-1")`:                                "REP-1",
		// By the minute: done 90 seconds ago is no less than a minute ago, and
		// was updated in the minute before.
		`updated >= "-1m"`:  "",
		`updated >= "-2m"`:  "SHOP-2",
		`project = "EMPTY"`: "",
	} {
		status, _, answer := ask(s, "GET", "/rest/api/2/search/jql?fields=status&jql="+url.QueryEscape(jql), "")
		if got := keys(answer); status != 200 || got != want {
			t.Errorf("%s: %d %q, want %q", jql, status, got, want)
		}
	}
}

// Whoever names a time gets what it is where the account lives.
func TestTimesAreThoseOfTheAccount(t *testing.T) {
	for hours, want := range map[int]string{0: "SHOP-2", 2: "SHOP-2 REP-1", -2: ""} {
		zone := time.FixedZone("", hours*3600)
		s := jiratest.New(jiratest.Options{Site: site(), Now: func() time.Time { return noon }, TimeZone: zone,
			Fail: func(msg string) { t.Error(msg) }})
		_, _, answer := ask(s, "GET", "/rest/api/2/search/jql?fields=status&jql="+
			url.QueryEscape(`updated >= "2026-03-04 11:30"`), "")
		if got := keys(answer); got != want {
			t.Errorf("%d hours from UTC: %q, want %q", hours, got, want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, tc := range []struct {
		dataCenter bool
		method     string
		target     string
		status     int
		told       bool
		message    string
	}{
		{false, "GET", "/rest/api/2/search?jql=" + url.QueryEscape(`key in ("A-1")`), 410, true, "has been removed"},
		{true, "GET", "/rest/api/2/search/jql?jql=" + url.QueryEscape(`key in ("A-1")`), 404, true, ""},
		{true, "POST", "/rest/api/2/changelog/bulkfetch", 404, true, ""},
		{false, "GET", "/rest/api/3/search/jql", 404, true, ""},
		{false, "GET", "/rest/api/2/search/jql?jql=", 400, true, "Unbounded"},
		{false, "GET", "/rest/api/2/search/jql?jql=" + url.QueryEscape("ORDER BY created ASC"), 400, true, "Unbounded"},
		{false, "GET", "/rest/api/2/search/jql?jql=" + url.QueryEscape(`project in ("SHOP", "NO", "NOR")`), 400, false,
			"The value 'NO' does not exist for the field 'project'."},
		{false, "GET", "/rest/api/2/search/jql?jql=" + url.QueryEscape(`project = SHOP`), 400, true, "not quoted"},
		{false, "GET", "/rest/api/2/search/jql?jql=" + url.QueryEscape(`assignee = "me"`), 400, true, "not known"},
		{false, "GET", "/rest/api/2/search/jql?jql=" + url.QueryEscape(`updated >= "10 o'clock"`), 400, true, "not known"},
		{false, "GET", "/rest/api/2/search/jql?startAt=0&jql=" + url.QueryEscape(`project = "SHOP"`), 400, true, "startAt"},
		{false, "GET", "/rest/api/2/search/jql?fields=watches&jql=" + url.QueryEscape(`project = "SHOP"`), 400, true,
			"watches"},
		{false, "GET", "/rest/api/2/search/jql?nextPageToken=x&jql=" + url.QueryEscape(`project = "SHOP"`), 400, true,
			"token"},
		{false, "GET", "/rest/api/2/issue/NO-1/remotelink", 404, false, ""},
	} {
		var told []string
		s := jiratest.New(jiratest.Options{Site: site(), DataCenter: tc.dataCenter, Now: func() time.Time { return noon },
			Fail: func(msg string) { told = append(told, msg) }})
		status, _, answer := ask(s, tc.method, tc.target, "{}")
		messages, _ := answer["errorMessages"].([]any)
		found := slices.ContainsFunc(messages,
			func(m any) bool { text, _ := m.(string); return strings.Contains(text, tc.message) })
		if status != tc.status || (len(told) > 0) != tc.told || !found {
			t.Errorf("%s %s: %d %v, told %v", tc.method, tc.target, status, messages, told)
		}
	}
}

func TestPagesAndDefaults(t *testing.T) {
	s := jiratest.New(jiratest.Options{Site: site(), Now: func() time.Time { return noon }, MaxPage: 2})
	query := "/rest/api/2/search/jql?maxResults=500&jql=" + url.QueryEscape(`project in ("SHOP", "REP")`)
	_, _, answer := ask(s, "GET", query, "")
	if got := keys(answer); got != " " || answer["isLast"] != false {
		t.Errorf("the default is more than ids: %q, %v", got, answer)
	}
	token, _ := answer["nextPageToken"].(string)
	_, _, answer = ask(s, "GET", query+"&fields=status&nextPageToken="+url.QueryEscape(token), "")
	if got := keys(answer); got != "REP-1" || answer["isLast"] != true || answer["nextPageToken"] != nil {
		t.Errorf("the second page is %q, %v", got, answer)
	}
	dc := jiratest.New(jiratest.Options{Site: site(), DataCenter: true, Now: func() time.Time { return noon }, MaxPage: 2})
	_, _, answer = ask(dc, "GET", "/rest/api/2/search?startAt=1&maxResults=500&jql=", "")
	if got := keys(answer); got != "SHOP-2 REP-1" || answer["maxResults"] != 2.0 || answer["total"] != 3.0 {
		t.Errorf("Data Center: %q, %v", got, answer)
	}
}

func TestLimitAndStrangers(t *testing.T) {
	s := jiratest.New(jiratest.Options{Site: site(), Now: func() time.Time { return noon.Add(50 * time.Second) },
		RateLimit: 1, Token: "secret"})
	query := "/rest/api/2/search/jql?jql=" + url.QueryEscape(`project in ("SHOP", "REP")`)
	status, header, _ := ask(s, "GET", "/rest/api/2/myself", "")
	if status != 401 || header.Get("X-RateLimit-Reset") != "2026-03-04T12:01Z" {
		t.Errorf("%d %v", status, header)
	}
	status, header, _ = ask(s, "GET", query, "")
	if status != 429 || header.Get("Retry-After") != "11" {
		t.Errorf("%d %v", status, header)
	}
	s = jiratest.New(jiratest.Options{Site: site(), Token: "secret"})
	query = "/rest/api/2/search/jql?jql=" + url.QueryEscape(`labels = "a"`)
	status, header, answer := ask(s, "GET", query, "")
	if status != 200 || keys(answer) != "" || header.Get("X-Seraph-LoginReason") == "" {
		t.Errorf("%d %v %v", status, header, answer)
	}
}

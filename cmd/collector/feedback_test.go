package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/report"
)

// documentedForm is the address of Jira's form, as config.example.yaml documents it.
func documentedForm(t *testing.T) string {
	t.Helper()
	example, err := os.ReadFile(filepath.Join("..", "..", "config.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(example)) {
		if strings.Contains(line, "/secure/CreateIssueDetails!init.jspa?") {
			return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#"))
		}
	}
	t.Fatal("config.example.yaml documents no form of Jira")
	return ""
}

// TestTheLinkOfAPageMakesFeedback follows the links of the page of a check and of a service,
// submits Jira's form as they fill it in, and has the issues read back: each is feedback
// about that check, of the kind that the link says.
func TestTheLinkOfAPageMakesFeedback(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	vendor := jiratest.New(jiratest.Options{Fail: func(msg string) { t.Error(msg) }})
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	vendor.SetSite(jiratest.Site{Projects: []string{"REP"}})
	text := s.read("collector.yaml") + fmt.Sprintf("  jira: [{name: main, url: %q, email: a@b.c, token_file: token, "+
		"schedule: '@every 1h', incidents: {jql: 'issuetype = \"Incident\"'}}]\n", server.URL)
	s.write("collector.yaml", text)
	s.environ = append(s.environ, "READINESS__SERVER__FEEDBACK_URL="+documentedForm(t))

	d := s.start()
	d.ready()
	var issues []jiratest.Issue
	for _, page := range []string{"/checks/inc.escalates", "/services/cart"} {
		_, body := d.get(page)
		found := regexp.MustCompile(`href="([^"]*CreateIssueDetails[^"]*)">([^<]*)<`).FindAllStringSubmatch(body, -1)
		for _, link := range found {
			address := html.UnescapeString(link[1])
			if page == "/services/cart" && !strings.Contains(address, "inc.escalates") {
				continue // of another check
			}
			issue, err := jiratest.FromLink(fmt.Sprintf("REP-%d", len(issues)+1), address)
			if err != nil {
				t.Fatalf("%s: %v", page, err)
			}
			if !strings.Contains(issue.Summary, "inc.escalates") {
				t.Errorf("the summary %q does not say which check it is about", issue.Summary)
			}
			if page == "/services/cart" && !strings.Contains(issue.Summary, "cart") {
				t.Errorf("the summary %q does not say which service it is about", issue.Summary)
			}
			issue.Created = time.Now().Add(-time.Hour)
			issues = append(issues, issue)
			if strings.Contains(link[2], "overkill") { // two people say so
				issue.Key = fmt.Sprintf("REP-%d", len(issues)+1)
				issues = append(issues, issue)
			}
		}
	}
	if len(issues) != 10 {
		t.Fatalf("%d issues of two pages with a link for each of four kinds, and overkill twice: want 10: %+v", len(issues), issues)
	}
	if err := d.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}

	vendor.SetSite(jiratest.Site{Projects: []string{"REP"}, Issues: issues})
	if _, errs, code := s.run("collect", "--once"); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	d = s.start()
	d.ready()
	_, body := d.get("/api/v1/checks")
	var checks report.Checks
	if err := json.Unmarshal([]byte(body), &checks); err != nil {
		t.Fatal(err)
	}
	for _, check := range checks.Checks {
		got := map[string]int{}
		for _, f := range check.Feedback {
			got[f.Kind] = f.Issues
		}
		want := map[string]int{}
		if check.ID == "inc.escalates" {
			want = map[string]int{"unclear": 2, "overkill": 4, "wrong-evidence": 2, "missing-docs": 2}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("feedback about %s is %v, want %v", check.ID, got, want)
		}
		if clarify := check.Worth.Verdict == report.Clarify; clarify != (check.ID == "inc.escalates") {
			t.Errorf("%s: %+v", check.ID, check.Worth)
		}
	}
	_, page := d.get("/checks/inc.escalates")
	for _, want := range []string{
		"<strong>clarify</strong>: whether it predicts incidents is not known; 6 issues question its text, evidence or " +
			"documentation (2 unclear, 2 wrong evidence, 2 missing docs), and 4 issues call it overkill.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the check lacks %q", want)
		}
	}
	if err := d.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

// A form whose issues would not be counted is said when the configuration is checked.
func TestCheckWarnsOfAFormThatMakesNoFeedback(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	plain := s.environ
	const form = "https://example.atlassian.net/secure/CreateIssueDetails!init.jspa?pid=1&issuetype=2&summary={check}"
	for address, want := range map[string]string{
		form: "add labels=readiness-feedback and labels={label} and labels={kind}",
		form + "&labels=readiness-feedback&labels={label}": "add labels={kind}",
		documentedForm(t): "",
		"https://example.com/issues/new?title={check}": "",
	} {
		s.environ = append(slices.Clip(plain), "READINESS__SERVER__FEEDBACK_URL="+address)
		out, errs, code := s.run("check")
		said := strings.Join(strings.Fields(out+errs), " ")
		if code != exitOK || strings.Contains(said, "not read as feedback") != (want != "") || !strings.Contains(said, want) {
			t.Errorf("%s: exit %d, want %q:\n%s", address, code, want, said)
		}
	}
}

package jira_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

func TestCountsAndAges(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		task := func(n int, component, label string, created time.Duration) jiratest.Issue {
			return jiratest.Issue{Key: fmt.Sprintf("SHOP-%d", n), Components: []string{component}, Labels: []string{label},
				Created: noon.Add(-created)}
		}
		late, dueToday, undated, young, done := task(1, "cart", "security", 30*day), task(2, "cart", "vulnerability", 30*day),
			task(3, "cart", "security", 30*day), task(4, "cart", "security", 3*day), task(5, "cart", "security", 30*day)
		late.Due, dueToday.Due, done.Due = noon.Add(-36*time.Hour), noon.Truncate(day), noon.Add(-10*day)
		done.Done = noon.Add(-day)
		whole := jiratest.Issue{Key: "REP-1", Labels: []string{"privacy"}, Created: noon.Add(-30 * day),
			Due: noon.Add(-3 * day)}

		// The age is that of the change to a done status: neither that of a later
		// comment, nor of a move to another done status, nor of an older done one.
		game := task(10, "cart", "game-day", 50*day)
		game.Changes = []jiratest.Change{
			{At: noon.Add(-40 * day), By: "ann", Field: "status", To: "Done"},
			{At: noon.Add(-35 * day), By: "ann", Field: "status", To: "In Progress"},
			{At: noon.Add(-30 * day), By: "ann", Field: "status", To: "Done"},
			{At: noon.Add(-20 * day), By: "ann", Field: "status", To: "Closed"},
			{At: noon.Add(-10 * day), By: "ann", Field: "comment"},
		}
		older := task(11, "cart", "game-day", 90*day)
		older.Done = noon.Add(-80 * day)
		// It was done from the beginning, and moved on to another done status.
		imported := task(12, "cart", "restore-test", 60*day)
		imported.Status, imported.Changes = "Done",
			[]jiratest.Change{{At: noon.Add(-50 * day), Field: "status", To: "Closed"}}
		bare := task(13, "cart", "threat-model", 70*day)
		bare.Status = "Done"
		site, services := shop(late, dueToday, undated, young, done, whole, game, older, imported, bare)
		services = append(services, refers("both", "SHOP/cart", "REP"))
		w := start(t, dataCenter, site, services)
		r := w.mustCollect()
		at := func(d time.Duration) string { return noon.Add(-d).Format(time.RFC3339) }
		r.want(t, "cart", map[string]string{
			"overdue_security_issues": "1", "undated_security_issues": "1", "overdue_privacy_issues": "0",
			"last_gameday_age_days": at(30 * day), "last_restore_test_age_days": at(60 * day),
			"last_threat_model_age_days":  at(70 * day),
			"last_failover_test_age_days": "never",
		})
		r.want(t, "checkout", map[string]string{"overdue_security_issues": "0", "last_gameday_age_days": "never"})
		r.want(t, "reports", map[string]string{"overdue_privacy_issues": "1"})
		r.want(t, "both", map[string]string{"overdue_privacy_issues": "1", "overdue_security_issues": "1"})
		if got := r.records["cart jira.last_gameday_age_days"].Detail; got != "SHOP-10, done 2026-02-02 12:00 UTC" {
			t.Errorf("detail %q", got)
		}
		if got := r.records["cart jira.overdue_security_issues"].Detail; !strings.HasPrefix(got, "SHOP-1 with labels in") {
			t.Errorf("detail %q", got)
		}
		for _, q := range w.fake.Requests() {
			if strings.Contains(q.JQL, "game-day") &&
				!strings.HasPrefix(q.JQL, `project in ("REP", "SHOP") AND (labels = "game-day"`) {
				t.Errorf("query %s", q.JQL)
			}
		}
	})
}

func TestCutChangelogsAreFetchedInBulk(t *testing.T) {
	for _, asText := range []bool{false, true} {
		var issues []jiratest.Issue
		for n := range 3 {
			game := jiratest.Issue{Key: fmt.Sprintf("REP-%d", n), Labels: []string{"game-day"}, Created: noon.Add(-90 * day),
				Done: noon.Add(-80*day + time.Duration(n)*time.Hour)}
			for c := range []int{20, 39, 60}[n] {
				game.Changes = append(game.Changes, jiratest.Change{At: noon.Add(-70*day + time.Duration(c)*time.Hour), By: "ann",
					Field: "comment"})
			}
			issues = append(issues, game)
		}
		site, services := shop(issues...)
		w := start(t, false, site, services, func(s setup) { s.fake.BulkTimesAsText, s.fake.BulkPage = asText, 1 })
		r := w.mustCollect()
		r.want(t, "reports", map[string]string{"last_gameday_age_days": noon.Add(-80*day + 2*time.Hour).Format(time.RFC3339)})
		// Two have as many entries as Cloud surely sends, or more, on two pages.
		if n := w.fake.Count("POST /rest/api/2/changelog/bulkfetch"); n != 2 {
			t.Errorf("%d bulk fetches", n)
		}
	}
}

func TestAProjectThatIsNotThereCostsItsServices(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		late := jiratest.Issue{Key: "REP-1", Labels: []string{"security"}, Created: noon.Add(-30 * day),
			Due: noon.Add(-3 * day)}
		site, services := shop(late)
		services = append(services, refers("lost", "GONE"), refers("half", "REP", "gone"), refers("odd", `A"B\`),
			refers("project", "PROJECT"))
		site.Projects = append(site.Projects, "PROJECT")
		w := start(t, dataCenter, site, services)
		for range 2 {
			w.pass(time.Hour)
			r := w.mustCollect()
			if got := r.groups(); got != allGroups {
				t.Errorf("covered %q", got)
			}
			r.want(t, "reports", map[string]string{"overdue_security_issues": "1", "attest.cicd_change_reviewed": "false"})
			r.want(t, "project", map[string]string{"overdue_security_issues": "0"})
			for _, service := range []string{"lost", "half", "odd"} {
				r.want(t, service, map[string]string{
					"overdue_security_issues": "except not_found", "last_gameday_age_days": "except not_found",
					"attest.cicd_change_reviewed": "false",
				})
			}
		}
		// Only the first fact of a round is asked for twice.
		if n := w.fake.Count(searchCall(dataCenter)); n != 2*(10+1+3) {
			t.Errorf("%d searches", n)
		}
		if n := strings.Count(w.log.String(), "no such project"); n != 2 {
			t.Errorf("logged %d times", n)
		}
		w.fake.SetSite(jiratest.Site{Issues: []jiratest.Issue{{Key: "GONE-1"}, {Key: "SHOP-1"}, {Key: "REP-1"},
			{Key: "PRR-1", Created: noon.Add(time.Hour)}}, Projects: []string{`A"B\`}})
		w.pass(time.Hour)
		w.collect().want(t, "half", map[string]string{"overdue_security_issues": "0"})
	})
}

func TestAFailingSearchCostsItsGroup(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		for jql, group := range map[string]string{
			"Incident": "incidents", "game-day": "jira.last_gameday_age_days", "Review": "reviews", "attest-": "reviews",
			`(labels = "postmortem"`: "jira.postmortem_ratio_180d",
		} {
			issue := incident(1, "cart", noon.Add(-60*day))
			site, services := shop(issue)
			w := start(t, dataCenter, site, services)
			w.fake.Inject(jiratest.Fault{Search: true, JQL: jql, Status: 403})
			r := w.collect()
			if got := calls(r.err); got != searchCall(dataCenter)+" forbidden" {
				t.Errorf("error %q", got)
			}
			left := strings.Replace(allGroups, group, "", 1)
			if group == "incidents" {
				left = strings.Replace(left, "jira.postmortem_ratio_180d", "", 1)
			}
			if got := strings.Fields(left); !slices.Equal(got, strings.Fields(r.groups())) {
				t.Errorf("%s: covered %q", jql, r.groups())
			}
		}
	})
}

func TestManyProjectsAreAskedForInParts(t *testing.T) {
	var site jiratest.Site
	services := shopServices(600)
	for n := range 600 {
		project := fmt.Sprintf("PROJ%03d", n)
		site.Projects = append(site.Projects, project)
		site.Issues = append(site.Issues, jiratest.Issue{Key: project + "-1", Labels: []string{"security"},
			Created: noon.Add(-30 * day), Due: noon.Add(-20 * day)})
	}
	site.Projects = append(site.Projects, "PRR")
	w := start(t, false, site, services)
	r := w.mustCollect()
	r.want(t, "service-000", map[string]string{"overdue_security_issues": "1"})
	r.want(t, "service-599", map[string]string{"overdue_security_issues": "1"})
	for _, q := range w.fake.Requests() {
		if len(q.Query) > 6000 {
			t.Errorf("an address of %d bytes", len(q.Query))
		}
	}
}

func TestDefinitionsAreSound(t *testing.T) {
	definitions, err := jira.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	facts, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	if facts.Len() != 12 {
		t.Errorf("%d facts, want 12", facts.Len())
	}
	for i := range facts.Len() {
		d := facts.At(i)
		outcome := strings.Contains(d.Name, "_180d") || strings.Contains(d.Name, "postmortem")
		if d.Outcome != outcome || d.Absent == "" || d.Pack != "jira" ||
			strings.HasSuffix(d.Name, "_days") != (d.Clock == evidence.Elapsed) {
			t.Errorf("definition %+v", d)
		}
	}
}

func TestFilesOfFacts(t *testing.T) {
	base, err := jira.DefaultFacts()
	if err != nil {
		t.Fatal(err)
	}
	more, err := jira.ParseFacts("own.yaml", []byte(`
facts:
  - name: jira.open_risks
    mode: count
    jql: issuetype = "Risk" AND statusCategory != "Done"
    help: Risks that are open.
  - name: jira.overdue_postmortem_actions
    mode: count
    jql: labels = "capa" AND statusCategory != "Done" AND due < startOfDay()
    help: Corrective actions that are late.
`))
	if err != nil {
		t.Fatal(err)
	}
	merged, err := jira.MergeFacts(base, more)
	if err != nil || len(merged) != 13 {
		t.Fatalf("%d facts, error %v", len(merged), err)
	}
	site, services := shop(jiratest.Issue{Key: "REP-1", Type: "Risk", Created: noon.Add(-day)},
		jiratest.Issue{Key: "REP-2", Labels: []string{"capa"}, Created: noon.Add(-9 * day), Due: noon.Add(-8 * day)})
	w := start(t, false, site, services, func(s setup) { s.jira.Facts = merged })
	w.mustCollect().want(t, "reports", map[string]string{"open_risks": "1", "overdue_postmortem_actions": "1"})
	for _, d := range w.source.Facts() {
		if d.Name == "jira.overdue_postmortem_actions" && !d.Outcome {
			t.Error("it is no outcome any more")
		}
	}
	other := more[0]
	other.Name, other.Mode = "jira.last_gameday_age_days", jira.ModeCount
	if _, err := jira.MergeFacts(base, []jira.Fact{other}); err == nil ||
		!strings.Contains(err.Error(), "use another name") {
		t.Errorf("error %v", err)
	}
	for want, text := range map[string]string{
		"own.yaml:1: the file is empty":                      "",
		"own.yaml:2: a second YAML document begins here":     "facts: []\n---\nfacts: []\n",
		`own.yaml:2: unknown key "jlq", did you mean "jql"?`: "facts:\n- {name: jira.x, mode: count, jlq: a, help: h}",
		`mode "cuont" is not known, did you mean "count"?`:   "facts:\n- {name: jira.x, mode: cuont, jql: a = b, help: h}",
		`fact "x.y": the name must begin with jira.`:         "facts:\n- {name: x.y, mode: count, jql: a = b, help: h}",
		"own.yaml:3: fact jira.x is declared twice":          "facts:\n- {name: jira.x, mode: count, jql: a = b, help: h}\n- {name: jira.x, mode: count, jql: a = b, help: h}",
		"jql: a quotation is not closed":                     "facts:\n- {name: jira.x, mode: count, jql: 'a = \"b', help: h}",
		"jql: the query is empty":                            "facts:\n- {name: jira.x, mode: count, help: h}",
		"fact jira.x: help is missing":                       "facts:\n- {name: jira.x, mode: count, jql: a = b}",
		"2 facts have mode major_incidents":                  "facts:\n- {name: jira.x, mode: major_incidents, help: h}\n- {name: jira.y, mode: major_incidents, help: h}",
		"its issues are the configured incidents":            "facts:\n- {name: jira.x, mode: major_incidents, jql: a = b, help: h}",
		`jql: it has ORDER BY`:                               "facts:\n- {name: jira.x, mode: count, jql: (a = b)ORDER BY c, help: h}",
		"jql: a parenthesis is closed that was not opened":   "facts:\n- {name: jira.x, mode: count, jql: a = b) OR (c = d, help: h}",
	} {
		if _, err := jira.ParseFacts("own.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestADefinitionHasItsQuery(t *testing.T) {
	hash := func(mode, jql, incidents string) string {
		t.Helper()
		facts, err := jira.ParseFacts("f.yaml", []byte("facts:\n  - {name: jira.x, mode: "+mode+", help: X.,"+jql+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return jira.DefinitionsOf(facts, incidents)[0].Hash()
	}
	const query = " jql: 'labels = x'"
	count := hash("count", query, "type = Incident")
	if hash("count", " jql: 'labels = y'", "type = Incident") == count {
		t.Error("another query has the same hash")
	}
	if hash("count", " jql: 'labels  =  x'", "type = Bug") != count {
		t.Error("spaces, or incidents that are not counted, change the hash")
	}
	if hash("postmortem_ratio", query, "type = Incident") == hash("postmortem_ratio", query, "type = Bug") {
		t.Error("the share of other incidents has the same hash")
	}
}

package jira_test

import (
	"strings"
	"testing"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
)

// faults are all faults that Verify finds, each after its kind of names.
func (w *world) faults() string {
	var lines []string
	for _, v := range w.source.Verify(w.t.Context(), w.services) {
		for _, err := range v.Faults() {
			lines = append(lines, v.What+": "+err.Error())
		}
	}
	return strings.Join(lines, "\n")
}

func TestVerifyFindsWhatTheSiteHas(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(incident(1, "cart", noon.Add(-day)))
		site.Components = map[string][]string{"SHOP": {"checkout"}}
		site.Fields = map[string]string{"customfield_10020": "PagerDuty incident"}
		w := start(t, dataCenter, site, services, func(s setup) {
			s.jira.Incidents.Acknowledged.Statuses = []string{"in progress", "3"}
		})
		if got := w.faults(); got != "" {
			t.Errorf("faults\n%s", got)
		}
		found := map[string]int{}
		for _, v := range w.source.Verify(t.Context(), w.services) {
			found[v.What] = v.Found
		}
		for what, n := range map[string]int{"projects": 3, "components": 2, "statuses": 2} {
			if found[what] != n {
				t.Errorf("found %v, want %d %s", found, n, what)
			}
		}
	})
}

// Every name that the site does not have is named where it is written, with the
// nearest one; requests do not grow with services.
func TestVerifyNamesWhatTheSiteLacks(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(incident(1, "cart", noon.Add(-day)))
		site.Components = map[string][]string{"SHOP": {"checkout"}}
		site.Fields = map[string]string{"customfield_10021": "Started"}
		services = append(services, refers("till", "SHPO"), refers("pay", "SHPO"), refers("desk", "Project REP"),
			refers("basket", "SHOP/carts"))
		w := start(t, dataCenter, site, services, func(s setup) {
			s.fake.Fail = func(string) {} // a search is wrong, as intended
			s.jira.Incidents.JQL = `issuetyp = "Incident"`
			s.jira.Incidents.Started.Field = "Started"
			s.jira.Incidents.LinkFields = []string{"customfield_10021"}
			s.jira.Incidents.Resolved.Statuses = []string{"Dome"}
			s.jira.Reviews.JQL = `project = "PR" AND issuetype = "Review"`
		})
		const project = `the site has no such project, or the account cannot browse it, did you mean `
		want := `projects: "Project REP" of desk: ` + project + `"REP", the key of the project with this name?
projects: "SHPO" of till, pay: ` + project + `"SHOP"?
components: "carts" of basket: project SHOP has no such component, did you mean "cart"?
statuses: "Dome" of incidents.resolved: the site has no such status, did you mean "Done"?
fields: "Started" of incidents.started: the site has no field with this id, or the account cannot see it, ` +
			`did you mean "customfield_10021", the id of the field with this name?
searches: "issuetyp = \"Incident\"" of incidents.jql: Jira refuses the search: field "issuetyp" is not known
searches: "project = \"PR\" AND issuetype = \"Review\"" of reviews.jql: Jira refuses the search: The value 'PR' does ` +
			`not exist for the field 'project'., did you mean "PRR"?`
		if got := w.faults(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		for _, r := range w.fake.Requests() {
			if strings.Contains(r.Call, "search") && !strings.Contains(r.Call, "project/search") &&
				!strings.Contains(r.Query, "maxResults=1&") && !strings.HasSuffix(r.Query, "maxResults=1") {
				t.Errorf("%s %s asks for more than one issue", r.Call, r.Query)
			}
		}
		before := len(w.fake.Requests())
		for range 100 {
			w.services = append(w.services, refers("more", "SHOP/cart"))
		}
		w.faults()
		if n := len(w.fake.Requests()) - before; n != before {
			t.Errorf("%d requests with 100 services more, want %d", n, before)
		}
	})
}

// A site that does not answer has not lost a project.
func TestVerifyTakesNoAnswerForNoAnswer(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		for _, status := range []int{401, 503} {
			site, services := shop(incident(1, "cart", noon.Add(-day)))
			w := start(t, dataCenter, site, services, func(s setup) { s.jira.Reviews = jira.Reviews{} })
			w.fake.Inject(jiratest.Fault{Status: status})
			answers := w.source.Verify(t.Context(), w.services)
			if len(answers) == 0 {
				t.Error("nothing was said")
			}
			for _, v := range answers {
				if v.Err == nil || len(v.Absent) > 0 {
					t.Errorf("status %d: got %+v", status, v)
				}
			}
		}
	})
}

// The site's resolutions and types of links are listed, with a warning where none is in
// the list of the configuration: the defaults are English.
func TestVerifyWarnsOfResolutionsOfAnotherLanguage(t *testing.T) {
	const notDone = "none of them is in not_done: work that was closed as not done counts as done; " +
		"add those that mean it"
	const notIncidents = "; none of them is in incidents.not_incidents: a ticket that was closed as a duplicate counts " +
		"as an incident; add those that mean it"
	for name, tc := range map[string]struct {
		change func(*jiratest.Site, *jira.Options)
		// resolutions and links are the notes, with ! before a warning.
		resolutions, links string
	}{
		"Jira's own": {func(*jiratest.Site, *jira.Options) {}, "the site has Cannot Reproduce, Done, Duplicate, Won't Do",
			"the site has Blocks, Cloners, Duplicate, Relates"},
		"German": {func(s *jiratest.Site, _ *jira.Options) {
			s.Resolutions = []string{"Fertig", "Wird nicht erledigt", "Duplikat"}
			s.LinkTypes = [][3]string{{"Duplikat", "wird dupliziert von", "dupliziert"}}
		}, "!the site has Duplikat, Fertig, Wird nicht erledigt; " + notDone + `, did you mean "Duplikat"?` + notIncidents +
			`, did you mean "Duplikat"?`, "!the site has Duplikat; none of them is in incidents.duplicate_links: the services " +
			`of duplicates are not added to the original; name the type, did you mean "Duplikat"?`},
		"without a name like it": {func(s *jiratest.Site, o *jira.Options) {
			s.Resolutions, o.Incidents.JQL = []string{"Fertig", "Verworfen"}, ""
		}, "!the site has Fertig, Verworfen; " + notDone, ""},
		"named by the configuration": {func(s *jiratest.Site, o *jira.Options) {
			s.Resolutions, s.LinkTypes = []string{"Fertig", "Duplikat"}, [][3]string{{"Dupe", "von", "wiederholt"}}
			o.NotDone, o.Incidents.NotIncidents = []string{"duplikat"}, []string{"10101"}
			o.Incidents.DuplicateLinks = []string{"wiederholt"}
		}, "the site has Duplikat, Fertig", "the site has Dupe"},
		"a status": {func(s *jiratest.Site, o *jira.Options) {
			s.Resolutions, o.Incidents.JQL = []string{"Fertig"}, ""
			s.Statuses = []jiratest.Status{{ID: "700", Name: "Cancelled", Category: "done"}}
		}, "the site has Fertig", ""},
		"empty lists": {func(s *jiratest.Site, o *jira.Options) {
			s.Resolutions = []string{}
			o.NotDone, o.Incidents.NotIncidents, o.Incidents.DuplicateLinks = []string{}, []string{}, []string{}
		}, "the site has none", ""},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				site, services := shop(incident(1, "cart", noon.Add(-day)))
				site.Components = map[string][]string{"SHOP": {"checkout"}}
				site.Fields = map[string]string{"customfield_10020": "PagerDuty incident"}
				w := start(t, dataCenter, site, services, func(s setup) {
					tc.change(&s.fake.Site, s.jira)
				})
				notes := map[string]string{}
				for _, v := range w.source.Verify(t.Context(), w.services) {
					if v.Note != "" {
						notes[v.What] = map[bool]string{true: "!"}[v.Warning] + v.Note
					}
				}
				if notes["resolutions"] != tc.resolutions || notes["types of links"] != tc.links || w.faults() != "" {
					t.Errorf("got %q and %q, want %q and %q", notes["resolutions"], notes["types of links"], tc.resolutions,
						tc.links)
				}
			})
		})
	}
}

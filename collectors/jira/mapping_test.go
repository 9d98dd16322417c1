package jira_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// moved is a change of status.
func moved(at time.Duration, by, to string) jiratest.Change {
	return jiratest.Change{At: noon.Add(at), By: by, Field: "status", To: to}
}

// hour is a time as an offset of hours from noon, - for none.
func hour(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return fmt.Sprint(at.Sub(noon).Hours())
}

// An incident's times come from fields, from entering a status, or from a label.
func TestTimesOfAnIncident(t *testing.T) {
	const h = time.Hour
	for name, tc := range map[string]struct {
		mapping jira.Incidents
		change  func(*jiratest.Issue)
		// want are started, detected, acknowledged and resolved in hours from
		// noon, and whether acknowledgements are known.
		want string
	}{
		"nothing is mapped": {jira.Incidents{}, func(i *jiratest.Issue) {
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "In Progress"), moved(-8*h, "ann", "Done")}
		}, "-10 - - -8 false"},
		"acknowledged by entering a status": {jira.Incidents{Acknowledged: jira.Moment{Statuses: []string{"in progress"}}},
			func(i *jiratest.Issue) {
				i.Changes = []jiratest.Change{moved(-9*h, "ann", "In Progress"), moved(-8*h, "ann", "To Do"),
					moved(-7*h, "ann", "In Progress")}
			}, "-10 - -9 - true"},
		"never acknowledged": {jira.Incidents{Acknowledged: jira.Moment{Statuses: []string{"In Progress"}}},
			func(i *jiratest.Issue) {
				i.Changes = []jiratest.Change{moved(-8*h, "ann", "Done")}
			}, "-10 - - -8 true"},
		"created in the status": {jira.Incidents{Acknowledged: jira.Moment{Statuses: []string{"In Progress"}}},
			func(i *jiratest.Issue) {
				i.Status = "In Progress"
			}, "-10 - -10 - true"},
		"created in the status and moved on": {jira.Incidents{Acknowledged: jira.Moment{Statuses: []string{"3"}}},
			func(i *jiratest.Issue) {
				i.Status, i.Changes = "In Progress", []jiratest.Change{moved(-8*h, "ann", "Done")}
			}, "-10 - -10 -8 true"},
		"a status that was deleted since": {jira.Incidents{Acknowledged: jira.Moment{Statuses: []string{"Triage",
			"In Progress"}}}, func(i *jiratest.Issue) {
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "Triage"), moved(-8*h, "ann", "In Progress")}
		}, "-10 - -9 - true"},
		"acknowledged by a field": {jira.Incidents{Acknowledged: jira.Moment{Field: "customfield_1",
			Statuses: []string{"In Progress"}}}, func(i *jiratest.Issue) {
			i.Fields = map[string]any{"customfield_1": "2026-03-04T04:30:00Z"}
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "In Progress")}
		}, "-10 - -7.5 - true"},
		"an empty field and then the status": {jira.Incidents{Acknowledged: jira.Moment{Field: "customfield_1",
			Statuses: []string{"In Progress"}}}, func(i *jiratest.Issue) {
			i.Fields = map[string]any{"customfield_1": ""}
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "In Progress")}
		}, "-10 - -9 - true"},
		"a label is added": {jira.Incidents{Acknowledged: jira.Moment{Label: "Acked"}, Detected: jira.Moment{Label: "seen"}},
			func(i *jiratest.Issue) {
				i.Labels = []string{"seen", "x"}
				i.Changes = []jiratest.Change{
					{At: noon.Add(-9 * h), Field: "labels", From: "seen", To: "seen acked"},
					{At: noon.Add(-8 * h), Field: "labels", From: "seen acked", To: "seen x"},
				}
			}, "-10 -10 -9 - true"},
		"a label from the beginning": {jira.Incidents{Detected: jira.Moment{Label: "seen"}},
			func(i *jiratest.Issue) { i.Labels = []string{"seen"} }, "-10 -10 - - false"},
		"a label that is not there": {jira.Incidents{Detected: jira.Moment{Label: "seen"}},
			func(i *jiratest.Issue) { i.Labels = []string{"sea"} }, "-10 - - - false"},
		"began and noticed before the ticket": {jira.Incidents{Started: jira.Moment{Field: "customfield_1"},
			Detected: jira.Moment{Field: "customfield_2"}}, func(i *jiratest.Issue) {
			i.Fields = map[string]any{"customfield_1": "2026-03-03T12:00:00.000+0000",
				"customfield_2": "2026-03-03T18:00:00.000+0000"}
		}, "-24 -18 - - false"},
		"noticed before it began": {jira.Incidents{Started: jira.Moment{Statuses: []string{"In Progress"}},
			Detected: jira.Moment{Field: "created"}}, func(i *jiratest.Issue) {
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "In Progress")}
		}, "-9 - - - false"},
		"began nowhere that is known": {jira.Incidents{Started: jira.Moment{Statuses: []string{"In Review"}}},
			func(i *jiratest.Issue) {}, "-10 - - - false"},
		"resolved in a status that is no done one": {jira.Incidents{Resolved: jira.Moment{Statuses: []string{"Mitigated"}}},
			func(i *jiratest.Issue) {
				i.Changes = []jiratest.Change{moved(-9*h, "ann", "Mitigated"), moved(-8*h, "ann", "Done")}
			}, "-10 - - -9 false"},
		"left again": {jira.Incidents{Resolved: jira.Moment{Statuses: []string{"Mitigated"}}}, func(i *jiratest.Issue) {
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "Mitigated"), moved(-8*h, "ann", "In Progress")}
		}, "-10 - - - false"},
		"left and entered again": {jira.Incidents{Resolved: jira.Moment{Statuses: []string{"Mitigated"}}},
			func(i *jiratest.Issue) {
				i.Changes = []jiratest.Change{moved(-9*h, "ann", "Mitigated"), moved(-8*h, "ann", "In Progress"),
					moved(-7*h, "ann", "Mitigated")}
			}, "-10 - - -7 false"},
		"done without the status": {jira.Incidents{Resolved: jira.Moment{Statuses: []string{"Mitigated"}}},
			func(i *jiratest.Issue) {
				i.NoResolution, i.Changes = true, []jiratest.Change{moved(-8*h, "ann", "Closed")}
			}, "-10 - - -8 false"},
		"closed without a resolution": {jira.Incidents{}, func(i *jiratest.Issue) {
			i.NoResolution, i.Changes = true, []jiratest.Change{moved(-8*h, "ann", "Closed"), moved(-7*h, "ann", "Done")}
		}, "-10 - - -8 false"},
		"a status that was renamed since": {jira.Incidents{Acknowledged: jira.Moment{Statuses: []string{"Investigating"}}},
			func(i *jiratest.Issue) {
				i.Changes = []jiratest.Change{moved(-9*h, "ann", "Looking")}
			}, "-10 - -9 - true"},
		"resolved by a label": {jira.Incidents{Resolved: jira.Moment{Label: "fixed"}}, func(i *jiratest.Issue) {
			i.Labels, i.Changes = []string{"fixed"}, []jiratest.Change{{At: noon.Add(-6 * h), Field: "labels", To: "fixed"}}
		}, "-10 - - -6 false"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				issue := incident(1, "cart", noon.Add(-10*h))
				tc.change(&issue)
				site, services := shop(issue)
				site.Statuses = []jiratest.Status{
					{ID: "500", Name: "Mitigated", Category: "indeterminate"},
					{ID: "501", Name: "Investigating", Was: "Looking", Category: "indeterminate"},
				}
				w := start(t, dataCenter, site, services, func(s setup) {
					jql := s.jira.Incidents.JQL
					s.jira.Incidents = tc.mapping
					s.jira.Incidents.JQL = jql
				})
				in := w.mustCollect().incidents["SHOP-1"]
				got := strings.Join([]string{hour(in.StartedAt), hour(in.DetectedAt), hour(in.AcknowledgedAt), hour(in.ResolvedAt),
					strconv.FormatBool(in.AcksKnown)}, " ")
				if got != tc.want {
					t.Errorf("%s, want %s", got, tc.want)
				}
			})
		})
	}
}

// A status change beyond what a search brings of the changelog is fetched.
func TestTimesInLongChangelogs(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		var issues []jiratest.Issue
		for n := range 20 {
			issue := incident(n, "cart", noon.Add(-10*day))
			issue.Changes = []jiratest.Change{moved(-9*day, "ann", "In Progress"),
				{At: noon.Add(-8 * day), By: "ann", Field: "assignee", From: "ann", To: "bob"}}
			for k := range 45 {
				issue.Changes = append(issue.Changes,
					jiratest.Change{At: noon.Add(-time.Duration(k) * time.Hour), Field: "comment"})
			}
			issues = append(issues, issue)
		}
		site, services := shop(issues...)
		w := start(t, dataCenter, site, services,
			func(s setup) { s.jira.Incidents.Acknowledged.Statuses = []string{"In Progress"} })
		r := w.mustCollect()
		for key, in := range r.incidents {
			if !in.AcknowledgedAt.Equal(noon.Add(-9*day)) || in.Reassignments != 1 {
				t.Errorf("%s: %+v", key, in)
			}
		}
		want := 1
		if dataCenter {
			want = 0
		}
		if n := w.fake.Count("POST /rest/api/2/changelog/bulkfetch"); n != want || len(r.incidents) != 20 {
			t.Errorf("%d bulk fetches for %d incidents", n, len(r.incidents))
		}
	})
}

func TestSeverityAndUrgency(t *testing.T) {
	words := map[string]int{"1": 1, "two": 2, "Highest": 1}
	for name, tc := range map[string]struct {
		mapping jira.Incidents
		change  func(*jiratest.Issue)
		want    string // severity, urgent, priority
	}{
		"priority":          {jira.Incidents{}, func(i *jiratest.Issue) { i.Priority = "High" }, "2 true High"},
		"a low priority":    {jira.Incidents{}, func(i *jiratest.Issue) { i.Priority = "Low" }, "4 false Low"},
		"no priority":       {jira.Incidents{}, func(i *jiratest.Issue) { i.Priority = "" }, "0 false "},
		"a word unheard of": {jira.Incidents{}, func(i *jiratest.Issue) { i.Priority = "P0" }, "0 false P0"},
		"no severity pages": {jira.Incidents{Urgent: []int{}}, func(i *jiratest.Issue) { i.Priority = "Highest" },
			"1 false Highest"},
		"low ones page": {jira.Incidents{Urgent: []int{4}}, func(i *jiratest.Issue) { i.Priority = "Low" },
			"4 true Low"},
		"a field": {jira.Incidents{Severity: jira.Severity{Field: "customfield_9"}, Severities: words},
			func(i *jiratest.Issue) { i.Fields = map[string]any{"customfield_9": map[string]any{"value": "TWO"}} },
			"2 true TWO"},
		"a label": {jira.Incidents{Severity: jira.Severity{By: "label", Prefix: "SEV-"},
			Severities: words}, func(i *jiratest.Issue) { i.Labels = []string{"sev-x", "s", "sev-two"} }, "2 true two"},
		"no label": {jira.Incidents{Severity: jira.Severity{By: "label", Prefix: "sev-"},
			Severities: words}, func(i *jiratest.Issue) { i.Priority = "Highest" }, "0 false "},
		"a component": {jira.Incidents{Severity: jira.Severity{By: "component", Prefix: "Severity "},
			Severities: words}, func(i *jiratest.Issue) { i.Components = append(i.Components, "severity 1") }, "1 true 1"},
		"a label without any": {jira.Incidents{Severity: jira.Severity{By: "label"}, Severities: words},
			func(i *jiratest.Issue) { i.Labels = []string{"highest"} }, "1 true highest"},
	} {
		t.Run(name, func(t *testing.T) {
			issue := incident(1, "cart", noon.Add(-time.Hour))
			tc.change(&issue)
			site, services := shop(issue)
			w := start(t, false, site, services, func(s setup) {
				jql := s.jira.Incidents.JQL
				s.jira.Incidents = tc.mapping
				s.jira.Incidents.JQL = jql
			})
			in := w.mustCollect().incidents["SHOP-1"]
			if got := fmt.Sprint(in.Severity, in.Urgent, " ", in.Priority); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// People are stored as keyed hashes, programs are not stored, and without a key
// there are no responders.
func TestWhoRespondedToAnIncident(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		issue := incident(1, "cart", noon.Add(-10*time.Hour))
		issue.Summary, issue.Creator = "Disk 97% full on db-12", "app:monitor"
		issue.Changes = []jiratest.Change{
			{At: noon.Add(-590 * time.Minute), By: "app:rules", Field: "assignee", To: "ann"},
			moved(-9*time.Hour, "ann", "In Progress"),
			{At: noon.Add(-8 * time.Hour), By: "ann", Field: "assignee", From: "ann", To: "bob"},
			moved(-7*time.Hour, "carl", "Done"),
		}
		robot := incident(2, "cart", noon.Add(-10*time.Hour))
		robot.Creator = "customer:guest"
		robot.Changes = []jiratest.Change{moved(-9*time.Hour, "app:rules", "In Progress"),
			moved(-8*time.Hour, "app:rules", "Done")}
		site, services := shop(issue, robot)
		w := start(t, dataCenter, site, services,
			func(s setup) { s.jira.Incidents.Acknowledged.Statuses = []string{"In Progress"} })
		w.person = func(id string) string {
			return "hash of " + strings.TrimPrefix(strings.TrimPrefix(id, "557058:"), "JIRAUSER")
		}
		r := w.mustCollect()
		in, other := r.incidents["SHOP-1"], r.incidents["SHOP-2"]
		if got := strings.Join(in.Responders, ", "); got != "hash of ann, hash of bob, hash of carl" ||
			in.Reassignments != 1 || in.Resolver != evidence.ResolverPerson {
			t.Errorf("%+v", in)
		}
		if in.Template != "disk <n>% full on db-<n>" {
			t.Errorf("template %q", in.Template)
		}
		channels := [][]any{{in.Channel, in.MachineDetected}, {other.Channel, other.MachineDetected}}
		switch {
		case dataCenter && fmt.Sprint(channels) != "[[ false] [ false]]", !dataCenter &&
			fmt.Sprint(channels) != "[[app true] [customer false]]":
			t.Errorf("channels %v", channels)
		case !dataCenter && (len(other.Responders) != 0 || other.Resolver != evidence.ResolverIntegration):
			t.Errorf("%+v", other)
		}
		w.person = nil
		w.cursors = map[string]string{}
		if in := w.mustCollect().incidents["SHOP-1"]; len(in.Responders) != 0 || in.Reassignments != 1 {
			t.Errorf("%+v", in)
		}
	})
}

// An app that moves a ticket answers for no person; a person who does so later answers.
// On Data Center the configuration names the accounts of apps.
func TestAPersonWhoAcknowledgesAfterAnApp(t *testing.T) {
	both(t, testAcknowledgementAfterAnApp)
}

func testAcknowledgementAfterAnApp(t *testing.T, dataCenter bool) {
	for name, tc := range map[string]struct {
		mapping jira.Moment
		changes []jiratest.Change
	}{
		"statuses": {jira.Moment{Statuses: []string{"In Progress"}}, []jiratest.Change{
			moved(-9*time.Hour, "app:rules", "In Progress"), moved(-8*time.Hour, "ann", "To Do"),
			moved(-7*time.Hour, "ann", "In Progress")}},
		"a label": {jira.Moment{Label: "seen"}, []jiratest.Change{
			{At: noon.Add(-9 * time.Hour), By: "app:rules", Field: "labels", To: "seen"},
			{At: noon.Add(-8 * time.Hour), By: "ann", Field: "labels", From: "seen"},
			{At: noon.Add(-7 * time.Hour), By: "ann", Field: "labels", To: "seen"}}},
	} {
		issue, opened := incident(1, "cart", noon.Add(-10*time.Hour)), incident(2, "cart", noon.Add(-10*time.Hour))
		issue.Changes = append(tc.changes, jiratest.Change{
			At: noon.Add(-6 * time.Hour), By: "app:rules", Field: "assignee", From: "ann", To: "bob"})
		opened.Creator, opened.Status, opened.Labels = "app:rules", "In Progress", []string{"seen"}
		site, services := shop(issue, opened)
		w := start(t, dataCenter, site, services, func(s setup) { s.jira.Incidents.Acknowledged = tc.mapping })
		if dataCenter {
			if in := w.mustCollect().incidents["SHOP-1"]; hour(in.AcknowledgedAt) != "-9" || in.Reassignments != 1 {
				t.Errorf("%s, no account is named: %+v", name, in)
			}
			w.options.AutomationUsers = []string{"APP:rules "}
			w.restart() // with other options everything is read again
		}
		found := w.mustCollect().incidents
		in, other := found["SHOP-1"], found["SHOP-2"]
		if !in.AcksKnown || hour(in.AcknowledgedAt) != "-7" || hour(in.MachineAcknowledgedAt) != "-9" ||
			in.Reassignments != 0 {
			t.Errorf("%s: %+v", name, in)
		}
		if !other.AcksKnown || hour(other.AcknowledgedAt) != "-" || hour(other.MachineAcknowledgedAt) != "-10" ||
			other.Channel != "app" || !other.MachineDetected {
			t.Errorf("%s: opened by an app, as acknowledged: %+v", name, other)
		}
	}
}

func TestAStatusThatIsNotThereIsLoggedOnce(t *testing.T) {
	site, services := shop()
	w := start(t, false, site, services, func(s setup) {
		s.jira.Incidents.Acknowledged.Statuses = []string{"Done", "Investigating", "10001"}
	})
	w.mustCollect()
	w.mustCollect()
	lines := slices.Collect(strings.Lines(w.log.String()))
	if len(lines) != 1 || !strings.Contains(lines[0], "Investigating") {
		t.Errorf("logged %q", lines)
	}
}

// A label of the reference narrows it to the issues that have the label, as a
// component does, for incidents as for facts declared in data.
func TestALabelNarrowsAReference(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		fees, other, both := incident(1, "", noon.Add(-time.Hour)), incident(2, "", noon.Add(-time.Hour)),
			incident(3, "checkout", noon.Add(-time.Hour))
		fees.Components, fees.Labels = nil, []string{"Fees", "security"}
		other.Components, other.Labels = nil, []string{"rates", "security"}
		both.Labels = []string{"fees"}
		fees.Due, other.Due = noon.Add(-9*day), noon.Add(-9*day)
		site, _ := shop(fees, other, both)
		w := start(t, dataCenter, site, []*catalog.Service{
			{Name: "fees", Jira: []catalog.JiraRef{{Project: "SHOP", Label: "fees"}}},
			{Name: "prices", Jira: []catalog.JiraRef{{Project: "SHOP", Label: "fees"}, {Project: "SHOP", Label: "rates"}}},
			{Name: "checkout", Jira: []catalog.JiraRef{{Project: "SHOP", Component: "checkout", Label: " fees "}}},
			{Name: "whole", Jira: []catalog.JiraRef{{Project: "SHOP"}}},
		})
		r := w.mustCollect()
		for key, want := range map[string]string{
			"SHOP-1": "[fees prices whole]", "SHOP-2": "[prices whole]", "SHOP-3": "[checkout fees prices whole]",
		} {
			if got := fmt.Sprint(r.incidents[key].Services); got != want {
				t.Errorf("%s is of %s, want %s", key, got, want)
			}
		}
		for service, want := range map[string]string{"fees": "1", "prices": "2", "checkout": "0", "whole": "2"} {
			r.want(t, service, map[string]string{"overdue_security_issues": want})
		}
		// By project the component does not count, and the label does.
		w.options.Incidents.Services = jira.ServiceLink{By: "project"}
		w.restart()
		r = w.mustCollect()
		for key, want := range map[string]string{
			"SHOP-1": "[checkout fees prices whole]", "SHOP-2": "[prices whole]", "SHOP-3": "[checkout fees prices whole]",
		} {
			if got := fmt.Sprint(r.incidents[key].Services); got != want {
				t.Errorf("by project: %s is of %s, want %s", key, got, want)
			}
		}
	})
}

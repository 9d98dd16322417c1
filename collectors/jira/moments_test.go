package jira_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// Times that are contradictory, not there, in the future or no instants are unknown
// and counted. The status says whether an incident is open.
func TestTimesThatCannotBe(t *testing.T) {
	const h = time.Hour
	field := func(name string, at time.Time) map[string]any {
		return map[string]any{name: at.Format("2006-01-02T15:04:05.000-0700")}
	}
	custom := jira.Incidents{Started: jira.Moment{Field: "customfield_1"},
		Resolved: jira.Moment{Field: "customfield_2"}, Acknowledged: jira.Moment{Field: "customfield_3"}}
	for name, tc := range map[string]struct {
		mapping jira.Incidents
		change  func(*jiratest.Issue)
		// want are started, acknowledged and resolved in hours from noon, whether the
		// incident is open and whether acknowledgements are known; counted is the reason.
		want, counted string
	}{
		"reopened with the date of the resolution": {jira.Incidents{}, func(i *jiratest.Issue) {
			i.KeepsResolution = true
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "Done"), moved(-8*h, "ann", "In Progress")}
		}, "-10 - - open false", ""},
		"done again": {jira.Incidents{}, func(i *jiratest.Issue) {
			i.KeepsResolution = true
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "Done"), moved(-8*h, "ann", "In Progress"),
				moved(-7*h, "ann", "Done")}
		}, "-10 - -7 ended false", ""},
		"done again with the date of the first end": {jira.Incidents{}, func(i *jiratest.Issue) {
			i.Raw = map[string]string{"resolutiondate": `"2026-03-04T03:00:00.000+0000"`}
			i.Changes = []jiratest.Change{moved(-9*h, "ann", "Done"), moved(-8*h, "ann", "In Progress"),
				moved(-7*h, "ann", "Done"), moved(-6*h, "ann", "In Progress"), moved(-5*h, "ann", "Done")}
		}, "-10 - -5 ended false", ""},
		"imported with a date in the future": {jira.Incidents{}, func(i *jiratest.Issue) {
			i.Status, i.Raw = "Done", map[string]string{"resolutiondate": `"2026-04-04T06:00:00.000+0000"`}
		}, "-10 - - ended false", "in_future"},
		"imported with a date in the future, in a list": {jira.Incidents{Resolved: jira.Moment{Statuses: []string{"Done"}}},
			func(i *jiratest.Issue) {
				i.Status, i.Raw = "Done", map[string]string{"resolutiondate": `"2026-04-04T06:00:00.000+0000"`}
			}, "-10 - - ended false", "in_future"},
		"imported": {jira.Incidents{}, func(i *jiratest.Issue) { i.Status, i.NoResolution = "Done", true },
			"-10 - - ended false", "end_unknown"},
		"imported with a date": {jira.Incidents{}, func(i *jiratest.Issue) {
			i.Status, i.Raw = "Done", map[string]string{"resolutiondate": `"2026-03-04T06:00:00.000+0000"`}
		}, "-10 - -6 ended false", ""},
		"imported before its status in a list": {jira.Incidents{Resolved: jira.Moment{Statuses: []string{"Done"}}},
			func(i *jiratest.Issue) { i.Status, i.NoResolution = "Done", true }, "-10 - - ended false", "end_unknown"},
		"began after its end": {custom, func(i *jiratest.Issue) {
			i.Fields = field("customfield_1", noon.Add(-8*h))
			maps.Copy(i.Fields, field("customfield_2", noon.Add(-9*h)))
		}, "-8 - - ended true", "end_before_start"},
		"began in the future": {custom, func(i *jiratest.Issue) {
			i.Fields, i.Done = field("customfield_1", noon.Add(9*h)), noon.Add(-9*h)
		}, "-10 - - ended true", "in_future"},
		"ended in the future": {custom, func(i *jiratest.Issue) {
			i.Fields, i.Done = field("customfield_2", noon.Add(9*h)), noon.Add(-9*h)
		}, "-10 - - ended true", "in_future"},
		"will end in the future": {custom, func(i *jiratest.Issue) { i.Fields = field("customfield_2", noon.Add(9*h)) },
			"-10 - - open true", "in_future"},
		"began on a day": {custom, func(i *jiratest.Issue) {
			i.Fields, i.Done = map[string]any{"customfield_1": "2026-03-04"}, noon.Add(-9*h)
		}, "-10 - - ended true", "not_an_instant"},
		"ended on a day": {custom, func(i *jiratest.Issue) { i.Fields = map[string]any{"customfield_2": "2026-03-04"} },
			"-10 - - ended true", "not_an_instant"},
		"acknowledged before it began": {custom, func(i *jiratest.Issue) {
			i.Fields = field("customfield_3", noon.Add(-11*h))
		}, "-10 - - open false", "end_before_start"},
		"acknowledged on a day": {custom, func(i *jiratest.Issue) {
			i.Fields = map[string]any{"customfield_3": "2026-03-04"}
		}, "-10 - - open false", "not_an_instant"},
		"ended before it is closed": {custom, func(i *jiratest.Issue) { i.Fields = field("customfield_2", noon.Add(-9*h)) },
			"-10 - -9 ended true", ""},
		"ended and reopened": {custom, func(i *jiratest.Issue) {
			i.Fields = field("customfield_2", noon.Add(-9*h))
			i.Changes = []jiratest.Change{moved(-8*h, "ann", "Done"), moved(-7*h, "ann", "In Progress")}
		}, "-10 - - open true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				issue := incident(1, "cart", noon.Add(-10*h))
				tc.change(&issue)
				site, services := shop(issue)
				w := start(t, dataCenter, site, services, func(s setup) {
					s.jira.Incidents = tc.mapping
					s.jira.Incidents.JQL = incidentsJQL
				})
				r := w.mustCollect()
				in := r.incidents["SHOP-1"]
				state := map[bool]string{true: "open", false: "ended"}[in.Open()]
				got := strings.Join([]string{hour(in.StartedAt), hour(in.AcknowledgedAt), hour(in.ResolvedAt), state,
					strconv.FormatBool(in.AcksKnown)}, " ")
				if got != tc.want {
					t.Errorf("%s, want %s", got, tc.want)
				}
				want := ""
				if tc.counted != "" {
					want = "incident tickets (project SHOP): 1 " + tc.counted
				}
				if got := r.tickets(); got != want {
					t.Errorf("counted %q, want %q", got, want)
				}
			})
		})
	}
}

// Work that was done at an unknown time, at one that has not come yet, or before its
// ticket was created proves nothing about when, and its absence neither.
func TestWorkThatWasDoneAtAnUnknownTime(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		for reason, raw := range map[string]map[string]string{
			"end_unknown": nil, "in_future": {"resolutiondate": `"2026-04-04T06:00:00.000+0000"`},
			"end_before_start": {"resolutiondate": `"2025-11-04T06:00:00.000+0000"`},
		} {
			v, a := review(1, "cart", noon.Add(-90*day)), attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-20*day))
			game := jiratest.Issue{Key: "REP-1", Labels: []string{"game-day"}, Created: noon.Add(-90 * day)}
			for _, i := range []*jiratest.Issue{&v, &a, &game} {
				i.Done, i.Status, i.NoResolution, i.Raw = time.Time{}, "Done", true, raw
			}
			site, services := shop(v, a, game)
			w := start(t, dataCenter, site, services)
			r := w.mustCollect()
			r.want(t, "reports", map[string]string{"last_gameday_age_days": "except uncounted"})
			r.want(t, "cart", map[string]string{"attest.cicd_change_reviewed": "except ",
				"attest.data_access_reviewed": "false"})
			if v := r.reviews["PRR-1 cart"]; v.Status != evidence.ReviewDone || !v.CompletedAt.IsZero() {
				t.Errorf("%s: %+v", reason, v)
			}
			want := fmt.Sprintf("attestations (project PRR): 1 %s; issues (project REP): 1 %[1]s; "+
				"reviews (project PRR): 1 %[1]s", reason)
			if got := r.tickets(); got != want {
				t.Errorf("counted %q, want %q", got, want)
			}
		}
	})
}

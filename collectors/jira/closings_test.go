package jira_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// worked are issues that prove work of cart, closed in the way that closed gives them:
// a review with an attestation, a game day, a post-mortem, and a fact of one's own
// that counts done work.
func worked(closed func(*jiratest.Issue)) []jiratest.Issue {
	outage := incident(1, "cart", noon.Add(-60*day))
	outage.Done = noon.Add(-59 * day)
	issues := []jiratest.Issue{
		review(1, "cart", noon.Add(-90*day)),
		attestation(2, "PRR-1", "cicd-change-reviewed", noon.Add(-20*day)),
		{Key: "SHOP-3", Components: []string{"cart"}, Labels: []string{"game-day", "drill"}, Created: noon.Add(-40 * day)},
		{Key: "SHOP-4", Components: []string{"cart"}, Labels: []string{"postmortem"}, Created: noon.Add(-58 * day),
			Links: []string{"SHOP-1"}},
	}
	for n := range issues {
		issues[n].Done, issues[n].DoneBy = noon.Add(-20*day), "bob"
		closed(&issues[n])
	}
	return append(issues, outage)
}

// Work that was closed as not done proves nothing, whether the resolution says so or
// the status.
func TestWorkThatWasClosedAsNotDoneProvesNothing(t *testing.T) {
	facts, err := jira.DefaultFacts()
	if err != nil {
		t.Fatal(err)
	}
	own, err := jira.ParseFacts("own.yaml", []byte(`
facts:
  - {name: jira.drills, mode: count, jql: 'labels = "drill" AND statusCategory = "Done"', help: Drills that were made.}
`))
	if err != nil {
		t.Fatal(err)
	}
	facts = append(facts, own...)
	with := func(resolution string) func(*jiratest.Issue) {
		return func(i *jiratest.Issue) { i.Resolution = resolution }
	}
	status := func(name string) func(*jiratest.Issue) {
		return func(i *jiratest.Issue) {
			i.Changes, i.Done = []jiratest.Change{{At: i.Done, By: "bob", Field: "status", To: name}}, time.Time{}
			i.NoResolution = true
		}
	}
	for name, tc := range map[string]struct {
		closed  func(*jiratest.Issue)
		notDone []string
		done    bool
	}{
		"Done":                     {with("Done"), nil, true},
		"a word of the site's":     {with("Fixed"), nil, true},
		"no resolution":            {func(i *jiratest.Issue) { i.NoResolution = true }, nil, true},
		"Won't Do":                 {with("Won't Do"), nil, false},
		"another apostrophe":       {with(" won’t  do "), nil, false},
		"Duplicate":                {with("DUPLICATE"), nil, false},
		"Declined":                 {with("Declined"), nil, false},
		"Cannot Reproduce":         {with("Cannot Reproduce"), nil, false},
		"Cancelled":                {with("Cancelled"), nil, false},
		"Not a Bug":                {with("Not a Bug"), nil, false},
		"a status":                 {status("Cancelled"), nil, false},
		"a status of done work":    {status("Closed"), nil, true},
		"a list of one's own":      {with("Wird nicht erledigt"), []string{"wird nicht erledigt "}, false},
		"the id of a status":       {status("Verworfen"), []string{"700"}, false},
		"one's own list is all":    {with("Won't Do"), []string{"Wird nicht erledigt"}, true},
		"an empty list means none": {with("Won't Do"), []string{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				site, services := shop(worked(tc.closed)...)
				site.Statuses = []jiratest.Status{{ID: "700", Name: "Verworfen", Category: "done"},
					{ID: "701", Name: "Cancelled", Category: "done"}}
				w := start(t, dataCenter, site, services, func(s setup) { s.jira.NotDone, s.jira.Facts = tc.notDone, facts })
				r := w.mustCollect()
				want := map[string]string{"attest.cicd_change_reviewed": "true", "postmortem_ratio_180d": "1", "drills": "1",
					"last_gameday_age_days": noon.Add(-20 * day).Format(time.RFC3339), "major_incidents_180d": "1"}
				state, completed := evidence.ReviewDone, noon.Add(-20*day)
				if !tc.done {
					want = map[string]string{"attest.cicd_change_reviewed": "false", "postmortem_ratio_180d": "0", "drills": "0",
						"last_gameday_age_days": "never", "major_incidents_180d": "1"}
					state, completed = evidence.ReviewNotDone, time.Time{}
				}
				r.want(t, "cart", want)
				if v := r.reviews["PRR-1 cart"]; v.Status != state || !v.CompletedAt.Equal(completed) {
					t.Errorf("%+v", v)
				}
				detail := r.records["cart attest.cicd_change_reviewed"].Detail
				if strings.Contains(detail, "it was closed as") == tc.done {
					t.Errorf("detail %q", detail)
				}
			})
		})
	}
}

// A query that names resolutions decides for itself what it counts. One that asks whether
// there is a resolution, or leaves out another category than that of done work, does not.
func TestACountOfWhatWasDeclined(t *testing.T) {
	for jql, want := range map[string]string{
		`resolution = "Declined"`:    "1",
		`statusCategory = "Done"`:    "0",
		`resolution != "Unresolved"`: "0",
		`statusCategory != "To Do"`:  "0",
	} {
		facts, err := jira.ParseFacts("own.yaml", []byte(`
facts:
  - {name: jira.declined, mode: count, jql: 'labels = "risk" AND `+jql+`', help: Risks that are accepted.}
`))
		if err != nil {
			t.Fatal(err)
		}
		risk := jiratest.Issue{Key: "REP-1", Labels: []string{"risk"}, Created: noon.Add(-9 * day), Done: noon.Add(-day),
			Resolution: "Declined"}
		site, services := shop(risk)
		w := start(t, false, site, services, func(s setup) { s.jira.Facts = facts })
		if got := w.mustCollect().value("reports", "jira.declined"); got != want {
			t.Errorf("%s: %s, want %s", jql, got, want)
		}
	}
}

// A ticket that is closed as a duplicate is not counted as an incident. A ticket that
// is closed as Won't Do is counted.
func TestADuplicateIsNoIncident(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		outage, again, unsolved := incident(1, "cart", noon.Add(-30*day)), incident(2, "cart", noon.Add(-30*day)),
			incident(3, "cart", noon.Add(-30*day))
		outage.Done, unsolved.Done, unsolved.Resolution = noon.Add(-29*day), noon.Add(-29*day), "Won't Do"
		again.Resolution = "Duplicate"
		site, services := shop(outage, again, unsolved)
		w := start(t, dataCenter, site, services)
		w.mustCollect().want(t, "cart", map[string]string{"major_incidents_180d": "3"})
		again.Done = noon.Add(5 * time.Minute)
		next, _ := shop(outage, again, unsolved)
		w.fake.SetSite(next)
		w.pass(10 * time.Minute)
		r := w.mustCollect()
		r.want(t, "cart", map[string]string{"major_incidents_180d": "2"})
		if in := r.incidents["SHOP-2"]; !in.Gone || !strings.Contains(in.GoneWhy, "closed as Duplicate") {
			t.Errorf("%+v", in)
		}
		// From the beginning, and with a list of one's own.
		w = start(t, dataCenter, next, services)
		w.pass(10 * time.Minute)
		w.mustCollect().want(t, "cart", map[string]string{"major_incidents_180d": "2"})
		w = start(t, dataCenter, next, services, func(s setup) { s.jira.Incidents.NotIncidents = []string{"won't do"} })
		w.pass(10 * time.Minute)
		w.mustCollect().want(t, "cart", map[string]string{"major_incidents_180d": "2"})
	})
}

// An issue of which the answer does not say what it was closed as is neither done nor
// not.
func TestAnAnswerWithoutTheResolution(t *testing.T) {
	const issue = `{"id":"1","key":"REP-9","fields":{"project":{"key":"REP"},"components":[],"labels":["game-day"],` +
		`"status":{"id":"6","statusCategory":{"key":"done"}},"created":"2026-01-01T00:00:00.000+0000",` +
		`"resolutiondate":"2026-02-01T00:00:00.000+0000"}}`
	site, services := shop()
	w := start(t, false, site, services)
	w.fake.Inject(jiratest.Fault{Search: true, JQL: "game-day", Issues: []string{issue}})
	w.mustCollect().want(t, "reports", map[string]string{"last_gameday_age_days": "except undecodable"})
}

// A done post-mortem whose links the answer lacks may be about any incident that has no
// other one: the account may not see the links, or the site does not show them.
func TestAPostmortemWithoutItsLinks(t *testing.T) {
	const issue = `{"id":"1","key":"REP-9","fields":{"project":{"key":"REP"},"resolution":{"name":"Done"},` +
		`"status":{"id":"6","statusCategory":{"key":"done"}},"parent":{"id":"7","key":"REP-1"}}}`
	both(t, func(t *testing.T, dataCenter bool) {
		open, written := incident(1, "cart", noon.Add(-60*day)), incident(2, "checkout", noon.Add(-60*day))
		pm := jiratest.Issue{Key: "REP-8", Labels: []string{"postmortem"}, Created: noon.Add(-50 * day),
			Done: noon.Add(-40 * day), Links: []string{"SHOP-2"}}
		site, services := shop(open, written, pm)
		w := start(t, dataCenter, site, services)
		w.fake.Inject(jiratest.Fault{Search: true, JQL: "postmortem", Issues: []string{issue}})
		r := w.mustCollect()
		r.want(t, "cart", map[string]string{"postmortem_ratio_180d": "except uncounted", "major_incidents_180d": "1"})
		r.want(t, "checkout", map[string]string{"postmortem_ratio_180d": "1"})
		r.want(t, "reports", map[string]string{"postmortem_ratio_180d": "1"})
		if got := r.tickets(); got != "links of post-mortems (project REP): 1 unreadable" || r.skipped["postmortem"] != 0 {
			t.Errorf("counted %q, skipped %v", got, r.skipped)
		}
		w.fake.Heal()
		w.pass(time.Hour)
		r = w.mustCollect()
		r.want(t, "cart", map[string]string{"postmortem_ratio_180d": "0"})
		if got := r.tickets(); got != "" || len(r.uncounted) != 1 {
			t.Errorf("counted %q of %v", got, r.uncounted)
		}
	})
}

// Attestations are found by their labels: an answer that lacks them may be any.
func TestAnAttestationWithoutLabels(t *testing.T) {
	v := review(1, "cart", noon.Add(-90*day))
	v.ID = 10100
	site, services := shop(v)
	w := start(t, false, site, services)
	const issue = `{"id":"1","key":"PRR-9","fields":{"project":{"key":"PRR"},"resolution":{"name":"Done"},` +
		`"status":{"id":"6","statusCategory":{"key":"done"}},"parent":{"id":"10100","key":"PRR-1"},` +
		`"created":"2026-01-01T00:00:00.000+0000","updated":"2026-01-01T00:00:00.000+0000"}}`
	w.fake.Inject(jiratest.Fault{Search: true, JQL: "attest-", Issues: []string{issue}})
	r := w.mustCollect()
	r.want(t, "cart", map[string]string{"attest.cicd_change_reviewed": "except undecodable"})
	r.want(t, "checkout", map[string]string{"attest.cicd_change_reviewed": "false"})
}

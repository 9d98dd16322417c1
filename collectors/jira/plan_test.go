package jira_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// asked lists what the fake was asked, each listing once.
func (w *world) asked() []string {
	var list []string
	for _, q := range w.fake.Requests() {
		call := strings.ReplaceAll(q.Call, "{key}", "{id}") + " " + q.JQL
		if !slices.Contains(list, call) {
			list = append(list, call)
		}
	}
	return list
}

// planned lists a plan in the same form.
func (w *world) planned() []string {
	w.t.Helper()
	request := collectors.Request{Services: w.services, Now: w.clock(), Cursors: w.cursors}
	request.Incidents = w.stored
	before := len(w.fake.Requests())
	var list []string
	for _, c := range w.source.Plan(request) {
		if c.Requests == "" || strings.Contains(c.Query, "of-the-file") || !slices.IsSorted(c.Facts) {
			w.t.Errorf("planned %+v", c)
		}
		list = append(list, c.Call+" "+c.Query)
	}
	if len(w.fake.Requests()) != before {
		w.t.Error("planning asked for something")
	}
	return list
}

// A plan is what the next round asks for, in its order.
func TestPlan(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		v, c := review(1, "cart", noon.Add(-90*day)), attestation(2, "PRR-1", "rel-failover-proven", noon.Add(-9*day))
		c.Description = ""
		site, services := shop(append(crowd(250, 6*time.Hour), v, c)...)
		w := start(t, dataCenter, site, services, func(s setup) { s.jira.Opinions = opinions() })
		first := w.source.Plan(collectors.Request{Services: w.services, Now: w.clock()})
		for round, wait := range []time.Duration{0, 10 * time.Minute, jira.DefaultReconcileEvery, 10 * time.Minute,
			50 * time.Minute,
			5*time.Hour + 30*time.Minute, time.Minute} {
			w.pass(wait)
			w.fake.Forget()
			plan := w.planned()
			w.mustCollect()
			asked := w.asked()
			// Attestations that name no address are asked for their links, when there are any.
			const links = "GET /rest/api/2/issue/{id}/remotelink "
			if !slices.Contains(asked, links) {
				plan = slices.DeleteFunc(plan, func(call string) bool { return call == links })
			}
			// Post-mortems are asked for within the hour when the major incidents are
			// others than before.
			again := func(call string) bool { return strings.Contains(call, `(labels = "postmortem"`) }
			if round > 0 && !slices.ContainsFunc(asked, again) {
				plan = slices.DeleteFunc(plan, again)
			}
			if !slices.Equal(plan, asked) {
				t.Errorf("round %d:\nplanned\n%s\nasked\n%s", round, strings.Join(plan, "\n"), strings.Join(asked, "\n"))
			}
		}
		// Every fact has a call that it comes of.
		from := map[string]bool{}
		for _, call := range first {
			for _, fact := range call.Facts {
				from[fact] = true
			}
		}
		for _, d := range w.source.Facts() {
			if !from[d.Name] {
				t.Errorf("%s comes of no planned call", d.Name)
			}
		}
	})
}

func opinions() []jira.Opinion {
	return []jira.Opinion{{Check: "cicd.no-drift", Label: "about-cicd-no-drift"},
		{Check: "rel.stable", Label: "about-rel-stable"}}
}

// labels is an issue with labels.
func labels(key string, labels ...string) jiratest.Issue {
	return jiratest.Issue{Key: key, Labels: labels, Created: noon.Add(-day)}
}

func TestFeedbackIsCountedByCheckAndKind(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(
			labels("REP-1", "readiness-feedback", "about-cicd-no-drift", "unclear"),
			labels("REP-2", "Readiness-Feedback", "About-cicd-no-drift", "Unclear", "missing-docs"),
			labels("REP-3", "readiness-feedback", "about-rel-stable", "about-cicd-no-drift", "overkill"),
			labels("REP-4", "readiness-feedback", "about-something-else", "unclear"),
			labels("REP-5", "readiness-feedback", "about-rel-stable"),
			labels("REP-6", "about-rel-stable", "wrong-evidence"),
		)
		w := start(t, dataCenter, site, services, func(s setup) { s.jira.Opinions = opinions() })
		want := []evidence.Feedback{
			{Check: "cicd.no-drift", Kind: evidence.FeedbackMissingDocs, Count: 1},
			{Check: "cicd.no-drift", Kind: evidence.FeedbackOverkill, Count: 1},
			{Check: "cicd.no-drift", Kind: evidence.FeedbackUnclear, Count: 2},
			{Check: "rel.stable", Kind: evidence.FeedbackOverkill, Count: 1},
		}
		if r := w.mustCollect(); !slices.Equal(r.feedback, want) {
			t.Errorf("%v, want %v", r.feedback, want)
		}
		// It is listed as seldom as everything is, and replaced whole.
		empty, _ := shop()
		w.fake.SetSite(empty)
		w.pass(time.Hour)
		if r := w.mustCollect(); r.feedback != nil {
			t.Errorf("listed again at once: %v", r.feedback)
		}
		w.pass(jira.DefaultReconcileEvery)
		if r := w.mustCollect(); r.feedback == nil || len(r.feedback) != 0 {
			t.Errorf("%v, want none", r.feedback)
		}
	})
}

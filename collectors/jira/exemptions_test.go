package jira_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	cfg "github.com/prodready/collector/config"
	"github.com/prodready/collector/evidence"
)

// waivers are the tickets that ask for exemptions.
func waivers() cfg.JiraExemptions {
	return cfg.JiraExemptions{JQL: `issuetype = "Waiver"`, Services: cfg.ServiceLink{By: cfg.ByLabel, Prefix: "service-"}}
}

// waiver is a ticket that bob has asked for and ann has approved, 20 days ago and for 40
// days from now.
func waiver(n int, service string) jiratest.Issue {
	return jiratest.Issue{
		Key: fmt.Sprintf("PRR-%d", n), Type: "Waiver", Summary: "The library has no support",
		Labels: []string{"exempt-cicd-no-drift", "service-" + service}, Created: noon.Add(-30 * day),
		Due: noon.Add(40 * day), Reporter: "bob", Done: noon.Add(-20 * day), DoneBy: "ann",
	}
}

func readsWaivers(s setup) {
	s.jira.Exemptions, s.jira.MaxExemption = waivers(), 90*day
	s.jira.Exemptible = []jira.Exemptible{
		{Check: "cicd.no-drift", Label: "exempt-cicd-no-drift"}, {Check: "obs.traces", Label: "exempt-obs-traces"},
	}
}

// An exemption counts that a second person has approved as it is now. Of all others it is
// said why they do not.
func TestExemptionsOfTickets(t *testing.T) {
	reopen := jiratest.Change{At: noon.Add(-5 * day), By: "bob", Field: "status", From: "Done", To: "To Do"}
	for name, tc := range map[string]struct {
		change func(*jiratest.Issue)
		// want are service and check of the exemptions.
		want   string
		reason evidence.UncountedReason
	}{
		"approved": {func(*jiratest.Issue) {}, "cart cicd.no-drift", ""},
		"for two": {func(i *jiratest.Issue) { i.Labels = append(i.Labels, "Exempt-Obs-Traces", "service-checkout") },
			"cart cicd.no-drift, cart obs.traces, checkout cicd.no-drift, checkout obs.traces", ""},
		"open":           {func(i *jiratest.Issue) { i.Done = time.Time{} }, "", evidence.UncountedUndecided},
		"opened again":   {func(i *jiratest.Issue) { i.Changes = append(i.Changes, reopen) }, "", evidence.UncountedUndecided},
		"declined":       {func(i *jiratest.Issue) { i.Resolution = "Declined" }, "", evidence.UncountedDeclined},
		"of oneself":     {func(i *jiratest.Issue) { i.DoneBy = "bob" }, "", evidence.UncountedNotApproved},
		"by a program":   {func(i *jiratest.Issue) { i.DoneBy = "app:robot" }, "", evidence.UncountedNotApproved},
		"by nobody":      {func(i *jiratest.Issue) { i.DoneBy = "" }, "", evidence.UncountedNotApproved},
		"of nobody":      {func(i *jiratest.Issue) { i.Reporter = "" }, "", evidence.UncountedNotApproved},
		"without an end": {func(i *jiratest.Issue) { i.Due = time.Time{} }, "", evidence.UncountedNoLastDay},
		"too long":       {func(i *jiratest.Issue) { i.Due = noon.Add(72 * day) }, "", evidence.UncountedTooLong},
		"just as long":   {func(i *jiratest.Issue) { i.Due = noon.Add(70 * day) }, "cart cicd.no-drift", ""},
		// What has ended is kept, for the history; its end decides.
		"over":            {func(i *jiratest.Issue) { i.Due = noon.Add(-day) }, "cart cicd.no-drift", evidence.UncountedOver},
		"on its last day": {func(i *jiratest.Issue) { i.Due = noon }, "cart cicd.no-drift", ""},
		"of an unknown check": {func(i *jiratest.Issue) { i.Labels[0] = "exempt-cicd-no-drifd" }, "",
			evidence.UncountedUnknownCheck},
		"of no check": {func(i *jiratest.Issue) { i.Labels = i.Labels[1:] }, "", evidence.UncountedUnknownCheck},
		"of an unknown service": {func(i *jiratest.Issue) { i.Labels[1] = "service-kart" }, "",
			evidence.UncountedUnknownService},
		"of a service and an unknown one": {func(i *jiratest.Issue) { i.Labels = append(i.Labels, "service-kart") },
			"cart cicd.no-drift", evidence.UncountedUnknownService},
		"a later day after the approval": {func(i *jiratest.Issue) {
			i.Changes = append(i.Changes, jiratest.Change{At: noon.Add(-day), By: "bob", Field: "duedate"})
		}, "", evidence.UncountedNotApproved},
		"a check more after the approval": {func(i *jiratest.Issue) {
			i.Changes = append(i.Changes, jiratest.Change{At: noon.Add(-day), By: "bob", Field: "labels",
				From: "service-cart", To: "service-cart exempt-cicd-no-drift"})
		}, "", evidence.UncountedNotApproved},
		"another label after the approval": {func(i *jiratest.Issue) {
			i.Changes = append(i.Changes, jiratest.Change{At: noon.Add(-day), By: "bob", Field: "labels",
				From: "exempt-cicd-no-drift service-cart", To: "exempt-cicd-no-drift service-cart later"})
		}, "cart cicd.no-drift", ""},
		"done before it was there": {func(i *jiratest.Issue) { i.Created = noon.Add(-10 * day); i.Done = noon.Add(-9 * day) },
			"cart cicd.no-drift", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, dataCenter bool) {
				if dataCenter && name == "by a program" {
					t.Skip("accounts of Data Center have no types")
				}
				ticket := waiver(7, "cart")
				tc.change(&ticket)
				site, services := shop(ticket)
				r := start(t, dataCenter, site, services, readsWaivers).mustCollect()
				if got := exempted(r.exemptions); got != tc.want {
					t.Errorf("exempt: %q, want %q", got, tc.want)
				}
				for _, e := range r.exemptions {
					end := ticket.Due.Truncate(day).Add(day)
					if e.Key != "PRR-7" || e.Reason != ticket.Summary || !e.Expires.Equal(end) || !e.Approved.Equal(ticket.Done) {
						t.Errorf("%+v, want the end %s", e, end)
					}
				}
				var reason evidence.UncountedReason
				for _, u := range r.uncounted {
					for is := range u.Reasons {
						reason = is
					}
				}
				if reason != tc.reason {
					t.Errorf("uncounted: %q, want %q", reason, tc.reason)
				}
			})
		})
	}
}

func exempted(list []evidence.TicketExemption) string {
	var names []string
	for _, e := range list {
		names = append(names, e.Service+" "+e.Check)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// An exemption ends when its ticket says so, and not because a ticket cannot be read or
// many are missing at once.
func TestExemptionsStayWhileTheirTicketsAreNotKnown(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(waiver(7, "cart"), waiver(8, "checkout"))
		w := start(t, dataCenter, site, services, readsWaivers)
		next := func(change func(*jiratest.Site)) string {
			t.Helper()
			changed := site
			changed.Issues = slices.Clone(site.Issues)
			change(&changed)
			w.fake.SetSite(changed)
			w.pass(10 * time.Minute)
			return exempted(w.mustCollect().exemptions)
		}
		const all = "cart cicd.no-drift, checkout cicd.no-drift"
		if got := next(func(*jiratest.Site) {}); got != all {
			t.Fatalf("exempt: %q", got)
		}
		at := func(s *jiratest.Site, key string) *jiratest.Issue {
			return &s.Issues[slices.IndexFunc(s.Issues, func(i jiratest.Issue) bool { return i.Key == key })]
		}
		if got := next(func(s *jiratest.Site) { at(s, "PRR-7").Raw = map[string]string{"created": `"soon"`} }); got != all {
			t.Errorf("with a ticket that cannot be read: %q", got)
		}
		if got := next(func(s *jiratest.Site) { at(s, "PRR-7").DoneBy = "bob" }); got != "checkout cicd.no-drift" {
			t.Errorf("without an approval: %q", got)
		}
		if got := next(func(s *jiratest.Site) {
			s.Issues = slices.DeleteFunc(s.Issues, func(i jiratest.Issue) bool { return i.Key == "PRR-8" })
		}); got != "cart cicd.no-drift" {
			t.Errorf("without a ticket: %q", got)
		}
		for n := range 20 {
			site.Issues = append(site.Issues, waiver(100+n, "cart"))
		}
		full := next(func(*jiratest.Site) {})
		if got := next(func(s *jiratest.Site) { s.Issues = s.Issues[:len(s.Issues)-20] }); got != full {
			t.Errorf("when most are missing at once: %d, want %d", strings.Count(got, ","), strings.Count(full, ","))
		}
	})
}

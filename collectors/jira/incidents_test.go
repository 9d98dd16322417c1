package jira_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// incident is an incident ticket of a component of SHOP.
func incident(n int, component string, created time.Time) jiratest.Issue {
	return jiratest.Issue{Key: fmt.Sprintf("SHOP-%d", n), Type: "Incident", Components: []string{component},
		Priority: "Highest", Created: created}
}

func TestIncidents(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		closed := incident(1, "checkout", noon.Add(-50*time.Hour))
		closed.Done, closed.DoneBy = noon.Add(-48*time.Hour), "ann"
		closed.Description = "Paged as https://shop.eu.pagerduty.com/incidents/Q2ABCDEF, see https://wiki.example.com/x."
		closed.Fields = map[string]any{"customfield_10020": "Q1XYZ123"}
		// Closed by a program without a resolution, and then moved from one done
		// status to another.
		open := incident(2, "Checkout", noon.Add(-3*time.Hour))
		open.Priority = "Medium"
		byApp := incident(3, "cart", noon.Add(-9*time.Hour))
		byApp.NoResolution = true
		byApp.Changes = []jiratest.Change{
			{At: noon.Add(-8 * time.Hour), By: "ann", Field: "status", To: "Done"},
			{At: noon.Add(-7 * time.Hour), By: "ann", Field: "status", To: "In Progress"},
			{At: noon.Add(-6 * time.Hour), By: "app:rules", Field: "status", To: "Done"},
			{At: noon.Add(-5 * time.Hour), By: "ann", Field: "status", To: "Closed"},
			{At: noon.Add(-4 * time.Hour), By: "ann", Field: "comment"},
		}
		nobody := incident(4, "search", noon.Add(-9*time.Hour))
		oldOpen := incident(5, "cart", noon.Add(-900*day))
		oldClosed := incident(6, "cart", noon.Add(-900*day))
		oldClosed.Done = noon.Add(-890 * day)
		oldTouched := incident(7, "cart", noon.Add(-900*day))
		oldTouched.Done, oldTouched.Changes = noon.Add(-890*day), []jiratest.Change{{At: noon.Add(-day), Field: "comment"}}
		site, services := shop(closed, open, byApp, nobody, oldOpen, oldClosed, oldTouched)
		w := start(t, dataCenter, site, services, func(s setup) { s.fake.ADF = !dataCenter })
		r := w.mustCollect()

		var ids []string
		for id := range r.incidents {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		if got := strings.Join(ids, " "); got != "SHOP-1 SHOP-2 SHOP-3 SHOP-5" {
			t.Errorf("incidents %s", got)
		}
		in := r.incidents["SHOP-1"]
		if !in.StartedAt.Equal(closed.Created) || !in.ResolvedAt.Equal(closed.Done) || in.Severity != 1 ||
			in.Resolver != evidence.ResolverPerson || fmt.Sprint(in.Services) != "[checkout]" {
			t.Errorf("%+v", in)
		}
		want := "[SHOP-1 https://jira.example.com/browse/SHOP-1 Q1XYZ123 https://shop.eu.pagerduty.com/incidents/Q2ABCDEF Q2ABCDEF]"
		if got := fmt.Sprint(in.Links); got != want {
			t.Errorf("links %s, want %s", got, want)
		}
		if in := r.incidents["SHOP-2"]; !in.ResolvedAt.IsZero() || in.Severity != 3 || in.Resolver != "" ||
			fmt.Sprint(in.Services) != "[checkout]" {
			t.Errorf("%+v", in)
		}
		resolver := evidence.ResolverIntegration
		if dataCenter {
			resolver = evidence.ResolverPerson // it has no kinds of accounts
		}
		if in := r.incidents["SHOP-3"]; !in.ResolvedAt.Equal(noon.Add(-6*time.Hour)) || in.Resolver != resolver {
			t.Errorf("%+v", in)
		}
	})
}

func TestHowTicketsNameServices(t *testing.T) {
	issue := incident(1, "Cart", noon.Add(-time.Hour))
	issue.Labels = []string{"svc-Checkout", "svc-unheard-of", "checkout"}
	issue.Fields = map[string]any{"customfield_1": []map[string]string{{"value": "reports"}, {"value": "The till"}},
		"customfield_2": "reports, cart", "customfield_3": nil}
	site, services := shop(issue)
	services[0].Aliases = []string{"the till"}
	for want, link := range map[string]jira.ServiceLink{
		"[cart]":             {},
		"[cart checkout]":    {By: "project"},
		"[checkout]":         {By: "label", Prefix: "SVC-"},
		"[checkout reports]": {By: "field", Field: "customfield_1"},
		"[cart reports]":     {By: "field", Field: "customfield_2"},
		"[]":                 {By: "field", Field: "customfield_3"},
	} {
		w := start(t, false, site, services, func(s setup) { s.jira.Incidents.Services = link })
		if got := fmt.Sprint(w.mustCollect().incidents["SHOP-1"].Services); got != want {
			t.Errorf("by %v: %s, want %s", link, got, want)
		}
	}
}

func TestConfiguredFields(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		issue := incident(1, "cart", noon.Add(-time.Hour))
		// Times as apps and people write them.
		issue.Raw = map[string]string{"customfield_1": `"2026-03-04T08:15:00Z"`,
			"customfield_2": `"2026-03-04T10:00:00+01:00"`, "customfield_3": `{"value":"sev two"}`}
		empty := incident(2, "cart", noon.Add(-2*time.Hour))
		empty.Raw = map[string]string{"customfield_1": `""`, "customfield_2": `null`, "customfield_3": `[]`}
		backwards := incident(3, "cart", noon.Add(-2*time.Hour))
		backwards.Raw = map[string]string{"customfield_1": `"2026-03-04"`, "customfield_2": `1772000000000`}
		site, services := shop(issue, empty, backwards)
		w := start(t, dataCenter, site, services, func(s setup) {
			o := &s.jira.Incidents
			o.Started.Field, o.Resolved.Field, o.Severity.Field = "customfield_1", "customfield_2", "customfield_3"
			o.Severities = map[string]int{"SEV TWO": 2}
		})
		r := w.mustCollect()
		in := r.incidents["SHOP-1"]
		if got := in.StartedAt.Format(time.TimeOnly) + in.ResolvedAt.Format(time.TimeOnly); got != "08:15:0009:00:00" ||
			in.Severity != 2 {
			t.Errorf("%+v", in)
		}
		if in := r.incidents["SHOP-2"]; !in.StartedAt.Equal(empty.Created) || !in.ResolvedAt.IsZero() || in.Severity != 0 {
			t.Errorf("%+v", in)
		}
		// A day is no start, and nothing can be compared with it.
		if in := r.incidents["SHOP-3"]; !in.StartedAt.Equal(backwards.Created) || !in.ResolvedAt.IsZero() || in.Open() {
			t.Errorf("its start is a day: %+v", in)
		}
	})
}

// crowd are incidents of one component, closed, one every so often.
func crowd(n int, gap time.Duration) []jiratest.Issue {
	var issues []jiratest.Issue
	for i := range n {
		in := incident(1000+i, "cart", noon.Add(-time.Duration(n-i)*gap))
		in.Done = in.Created.Add(20 * time.Minute)
		issues = append(issues, in)
	}
	return issues
}

func TestOnlyChangesAreListedAfterwards(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		issues := crowd(250, time.Hour)
		open := incident(1, "cart", noon.Add(-5*day))
		open.Done = noon.Add(12 * time.Minute)
		later := incident(2, "cart", noon.Add(5*time.Minute))
		site, services := shop(append(issues, open, later)...)
		w := start(t, dataCenter, site, services)
		if r := w.mustCollect(); len(r.incidents) != 251 {
			t.Fatalf("%d incidents", len(r.incidents))
		}
		w.pass(10 * time.Minute)
		w.fake.Forget()
		r := w.mustCollect()
		if len(r.incidents) != 1 || r.incidents["SHOP-2"].ID == "" {
			t.Errorf("incidents %v", r.incidents)
		}
		for _, q := range w.fake.Requests() {
			if strings.Contains(q.JQL, "Incident") && !strings.Contains(q.JQL, `updated >= "-20m"`) {
				t.Errorf("query %s", q.JQL)
			}
		}
		w.pass(10 * time.Minute)
		w.restart() // a cursor outlives the program
		if r = w.mustCollect(); !r.incidents["SHOP-1"].ResolvedAt.Equal(open.Done) || len(r.incidents) != 2 {
			t.Errorf("incidents %v", r.incidents)
		}
		// Without a store behind it, a cursor says nothing.
		w.storeless = true
		if r = w.mustCollect(); len(r.incidents) != 252 {
			t.Errorf("%d incidents without a store", len(r.incidents))
		}
	})
}

func TestTheIndexRunsBehindAndPagesRepeat(t *testing.T) {
	issues := crowd(150, time.Hour)
	late := incident(1, "cart", noon.Add(-2*time.Minute))
	v, c := review(1, "cart", noon.Add(-2*time.Minute)),
		attestation(2, "PRR-1", "rel-failover-proven", noon.Add(-time.Minute))
	c.Created = noon.Add(-2 * time.Minute)
	site, services := shop(append(issues, late, v, c)...)
	w := start(t, false, site, services, func(s setup) { s.fake.IndexLag, s.fake.RepeatIssues = 5*time.Minute, true })
	if r := w.mustCollect(); len(r.incidents) != 150 || r.emitted != 150 || len(r.reviews) != 0 {
		t.Errorf("%d incidents, emitted %d times, %d reviews", len(r.incidents), r.emitted, len(r.reviews))
	}
	w.pass(10 * time.Minute)
	r := w.mustCollect()
	r.want(t, "cart", map[string]string{"attest.rel_failover_proven": "true"})
	if r.incidents["SHOP-1"].ID == "" || len(r.reviews) != 1 {
		t.Error("an issue that the index came late with is lost")
	}
}

func TestAnInterruptedFirstListingIsGoneOnWith(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		site, services := shop(crowd(350, time.Hour)...)
		w := start(t, dataCenter, site, services)
		w.fake.Inject(jiratest.Fault{Search: true, JQL: "Incident", Skip: 2, Times: 4, Status: 500})
		r := w.collect()
		if len(r.incidents) < 190 || r.covered["incidents"].Group != "" ||
			r.covered["jira.postmortem_ratio_180d"].Group != "" || r.covered["reviews"].Group == "" {
			t.Errorf("%d incidents, covered %q", len(r.incidents), r.groups())
		}
		w.fake.Heal()
		w.fake.Forget()
		w.pass(10 * time.Minute)
		r = w.mustCollect()
		if len(w.incidents) != 350 || r.covered["incidents"].Group == "" {
			t.Errorf("%d incidents, covered %q", len(w.incidents), r.groups())
		}
		first := w.fake.Requests()[slices.IndexFunc(w.fake.Requests(),
			func(q jiratest.Request) bool { return strings.Contains(q.JQL, "Incident") })]
		if strings.Contains(first.JQL, "statusCategory") {
			t.Errorf("it began anew: %s", first.JQL)
		}
	})
}

func TestACompleteListingFindsWhatLeft(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		kept, deleted, moved, bad := incident(1, "cart", noon.Add(-5*day)), incident(2, "cart", noon.Add(-5*day)),
			incident(3, "cart", noon.Add(-5*day)), incident(4, "cart", noon.Add(-5*day))
		site, services := shop(kept, deleted, moved, bad)
		w := start(t, dataCenter, site, services)
		w.mustCollect()
		moved.Type = "Task"
		bad.Raw = map[string]string{"created": `"yesterday"`}
		next, _ := shop(kept, moved, bad)
		w.fake.SetSite(next)
		w.pass(time.Hour)
		if r := w.mustCollect(); len(r.incidents) != 0 {
			t.Errorf("before the complete listing: %v", r.incidents)
		}
		w.pass(jira.DefaultReconcileEvery)
		r := w.mustCollect()
		if len(r.incidents) != 3 || !r.incidents["SHOP-2"].Gone || !r.incidents["SHOP-3"].Gone || r.incidents["SHOP-1"].Gone {
			t.Errorf("after the complete listing: %v", r.incidents)
		}
		if why := r.incidents["SHOP-2"].GoneWhy; why != "not in the complete listing of "+
			w.clock().Format("2006-01-02 15:04")+" UTC: deleted, moved, or out of the query" {
			t.Errorf("the note is %q", why)
		}
		if !strings.Contains(w.log.String(), "count=2") {
			t.Errorf("logged %s", w.log)
		}
		w.pass(10 * time.Minute)
		w.fake.Forget()
		w.mustCollect()
		for _, q := range w.fake.Requests() {
			if strings.Contains(q.JQL, "Incident") && strings.Contains(q.JQL, "statusCategory") {
				t.Error("swept again at once")
			}
		}
		// A service that is new in the catalog gets its incidents at once.
		w.services = append(w.services, refers("till", "SHOP/cart"))
		if r := w.mustCollect(); fmt.Sprint(r.incidents["SHOP-1"].Services) != "[cart till]" {
			t.Errorf("%+v", r.incidents["SHOP-1"])
		}
	})
}

func TestAnIncidentOfNobodyAnyMoreIsGone(t *testing.T) {
	issue := incident(1, "cart", noon.Add(-time.Hour))
	site, services := shop(issue)
	w := start(t, false, site, services)
	w.mustCollect()
	issue.Components = []string{"search"}
	issue.Changes = []jiratest.Change{{At: noon.Add(time.Minute), Field: "Component"}}
	next, _ := shop(issue)
	w.fake.SetSite(next)
	w.pass(10 * time.Minute)
	in := w.mustCollect().incidents["SHOP-1"]
	if !in.Gone || fmt.Sprint(in.Services) != "[cart]" || !strings.Contains(in.GoneWhy, "no service") {
		t.Errorf("%+v", in)
	}
	// Nothing to withdraw twice, and nothing of those that never were of anybody.
	w.pass(10 * time.Minute)
	if r := w.mustCollect(); len(r.incidents) != 0 {
		t.Errorf("%+v", r.incidents)
	}
}

func TestADoubtfulIncidentIsDoubtedUntilItCanBeRead(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		issue := incident(1, "cart", noon.Add(-30*day))
		issue.Raw = map[string]string{"created": `"yesterday"`}
		site, services := shop(issue)
		w := start(t, dataCenter, site, services)
		for range 2 {
			w.mustCollect().want(t, "cart", map[string]string{"major_incidents_180d": "except undecodable"})
			w.pass(30 * time.Minute)
		}
		issue.Raw, issue.Changes = nil, []jiratest.Change{{At: w.clock(), Field: "summary"}}
		next, _ := shop(issue)
		w.fake.SetSite(next)
		w.mustCollect().want(t, "cart", map[string]string{"major_incidents_180d": "1"})
	})
}

func TestWhoEndedAnIncidentIsNotGuessed(t *testing.T) {
	issue := incident(1, "cart", noon.Add(-30*day))
	issue.Done, issue.DoneBy = noon.Add(-29*day), "ann"
	for n := range 50 {
		issue.Changes = append(issue.Changes, jiratest.Change{At: noon.Add(-20*day + time.Duration(n)*time.Hour),
			Field: "comment"})
	}
	// Among those that are delivered is a move between statuses that both were
	// done ones; the first of them is deleted since.
	issue.Changes = append(issue.Changes, jiratest.Change{At: noon.Add(-day), By: "app:archive", Field: "status",
		From: "Done and gone", To: "Closed"})
	site, services := shop(issue)
	w := start(t, false, site, services)
	if in := w.mustCollect().incidents["SHOP-1"]; in.Resolver != "" || !in.ResolvedAt.Equal(issue.Done) {
		t.Errorf("%+v", in)
	}
	if n := w.fake.Count("POST /rest/api/2/changelog/bulkfetch"); n != 0 {
		t.Errorf("%d bulk fetches for a time that is known", n)
	}
}

func TestMajorIncidentsAndPostmortems(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		ago := func(n int, component string, d time.Duration, priority string) jiratest.Issue {
			in := incident(n, component, noon.Add(-d))
			in.Priority, in.Done = priority, noon.Add(-d).Add(time.Hour)
			return in
		}
		postmortem := func(n int, done bool, about ...string) jiratest.Issue {
			p := jiratest.Issue{Key: fmt.Sprintf("REP-%d", n), Labels: []string{"postmortem"}, Created: noon.Add(-30 * day),
				Links: about}
			if done {
				p.Done = noon.Add(-20 * day)
			}
			return p
		}
		subTask := postmortem(4, true)
		subTask.Parent = "SHOP-7"
		site, services := shop(
			ago(1, "cart", 40*day, "Highest"),
			ago(2, "cart", 50*day, "High"),
			ago(3, "cart", 60*day, "Medium"),
			ago(4, "cart", 13*day, "Highest"), // nine working days
			ago(5, "cart", 181*day, "Highest"),
			ago(6, "checkout", 14*day+time.Hour, "High"), // ten
			ago(7, "checkout", 100*day, "High"),
			postmortem(1, true, "SHOP-1"), postmortem(2, false, "SHOP-2"), postmortem(3, true, "SHOP-6"), subTask,
		)
		w := start(t, dataCenter, site, services)
		for round := range 3 {
			r := w.mustCollect()
			r.want(t, "cart", map[string]string{"major_incidents_180d": "2", "postmortem_ratio_180d": "0.5"})
			r.want(t, "checkout", map[string]string{"major_incidents_180d": "2", "postmortem_ratio_180d": "1"})
			r.want(t, "reports", map[string]string{"major_incidents_180d": "0", "postmortem_ratio_180d": "1"})
			if got := r.records["cart jira.postmortem_ratio_180d"].Detail; !strings.HasSuffix(got, "not written up: SHOP-2") {
				t.Errorf("detail %q", got)
			}
			w.storeless = round == 1
			w.pass(time.Hour)
		}
	})
}

func TestAPostmortemThatCannotBeReadMayBeTheMissingOne(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		missing, written := incident(1, "cart", noon.Add(-40*day)), incident(2, "checkout", noon.Add(-40*day))
		done := jiratest.Issue{Key: "REP-1", Labels: []string{"postmortem"}, Created: noon.Add(-30 * day),
			Done: noon.Add(-20 * day), Links: []string{"SHOP-2"}}
		site, services := shop(missing, written, done)
		w := start(t, dataCenter, site, services)
		w.fake.Inject(jiratest.Fault{Search: true, JQL: `(labels = "postmortem"`,
			Issues: []string{`{"id":"1","key":"REP-9","fields":{"status":7}}`}})
		r := w.mustCollect()
		r.want(t, "cart", map[string]string{"postmortem_ratio_180d": "except undecodable", "major_incidents_180d": "1"})
		r.want(t, "checkout", map[string]string{"postmortem_ratio_180d": "1"})
		r.want(t, "reports", map[string]string{"postmortem_ratio_180d": "1"})
	})
}

func TestAStoreThatFails(t *testing.T) {
	site, services := shop(crowd(250, time.Hour)...)
	w := start(t, false, site, services)
	n := 0
	r := w.collectWith(t.Context(), func(evidence.Batch) error {
		if n++; n == 2 {
			return errors.New("the disk is full")
		}
		return nil
	})
	if !strings.HasSuffix(calls(r.err), "store") || r.batches != 1 || len(r.incidents) != 100 {
		t.Errorf("error %v after %d batches", r.err, r.batches)
	}
	if w.mustCollect(); len(w.incidents) != 250 {
		t.Errorf("%d incidents", len(w.incidents))
	}
}

package pagerduty_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

func capAt(n int) setting {
	return func(o *pagerdutytest.Options, _ *pagerduty.Options, _ *transport.Config) { o.MaxRecords = n }
}

func history(d time.Duration) setting {
	return func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) { o.History = d }
}

// crowd makes n incidents of a service, the last of them an hour ago.
func crowd(service string, n int, apart time.Duration) []pagerdutytest.Incident {
	list := make([]pagerdutytest.Incident, n)
	for i := range list {
		created := noon.Add(-time.Hour - time.Duration(n-1-i)*apart)
		list[i] = pagerdutytest.Incident{
			ID: fmt.Sprintf("Q%s%06d", service, i), Number: i + 1, Title: "Disk full", Service: service,
			CreatedAt: created, ResolvedAt: created.Add(10 * time.Minute), ResolvedBy: "service_reference",
			ResolvedByID: service,
			Channel:      "api",
		}
	}
	return list
}

func TestIncidents(t *testing.T) {
	account, services := shop()
	at := func(d time.Duration) time.Time { return noon.Add(-d) }
	account.Incidents = []pagerdutytest.Incident{
		{
			ID: "Q1", Title: `CPU at 97% on web-7f9c6b5d4f-x2lkq ("eu-west-1a")`, Service: "PGOOD", Priority: "P2",
			CreatedAt: at(80 * day), AcknowledgedAt: at(80*day - time.Minute), ResolvedAt: at(80*day - time.Hour),
			ResolvedBy: "user_reference", ResolvedByID: "U1", Channel: "web_trigger",
			ExternalReferences: []pagerdutytest.ExternalReference{{ID: "SHOP-12", URL: "https://jira.example/browse/SHOP-12"}},
		},
		{
			ID: "Q2", Title: "x", Service: "PGOOD", CreatedAt: at(20 * day), ResolvedAt: at(20*day - 2*time.Minute),
			ResolvedBy: "events_api_v2_inbound_integration_reference", Channel: "api",
		},
		{
			ID: "Q3", Title: "x", Service: "PGOOD", CreatedAt: at(19 * day),
			ResolvedAt: at(19*day - 4*time.Hour - 5*time.Second), ResolvedBy: "service_reference", ResolvedByID: "PGOOD",
			Channel: "nagios",
		},
		{ID: "Q4", Title: "x", Service: "PGOOD", CreatedAt: at(2 * time.Hour), AcknowledgedAt: at(time.Hour), Urgency: "low"},
		{ID: "Q5", Title: "x", Service: "PGOOD", CreatedAt: at(400 * day), AcknowledgedAt: at(399 * day)},
		{
			ID: "Q6", Title: "x", Service: "PGOOD", CreatedAt: at(300 * day), ResolvedAt: at(299 * day),
			ResolvedBy: "user_reference",
		},
		{
			ID: "Q7", Title: "x", Service: "PNOBODY", CreatedAt: at(day), ResolvedAt: at(day - time.Hour),
			ResolvedBy: "user_reference",
		},
		{
			ID: "Q8", Title: "x", Service: "PGOOD", CreatedAt: at(time.Second), ResolvedAt: at(0),
			ResolvedBy: "service_reference", ResolvedByID: "PGOOD",
		},
	}
	r := start(t, account, services).collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	if len(r.incidents) != 6 {
		t.Errorf("%d incidents, want 6: the old open one too, the old resolved and the unmapped one not", len(r.incidents))
	}
	q1 := r.incidents["Q1"]
	want := evidence.Incident{
		Source: "pagerduty/main", ID: "Q1", Services: []string{"checkout"},
		StartedAt: at(80 * day), AcknowledgedAt: at(80*day - time.Minute), AcksKnown: true,
		ResolvedAt: at(80*day - time.Hour), Resolver: evidence.ResolverPerson,
		Urgent: true, Severity: 2, Priority: "P2", Channel: "web_trigger", Template: "cpu at <n>% on web-<pod> (<value>)",
		Group:     "EGOOD",
		Links:     []string{"https://example.pagerduty.com/incidents/Q1", "SHOP-12", "https://jira.example/browse/SHOP-12"},
		UpdatedAt: at(80*day - time.Hour), Responders: []string{"hash of PUSER", "hash of U1"},
		HasTicket: evidence.Yes, FalseAlarm: evidence.No, Interruptions: evidence.Interruptions{Known: true},
	}
	if fmt.Sprintf("%+v", q1) != fmt.Sprintf("%+v", want) {
		t.Errorf("incident\n%+v, want\n%+v", q1, want)
	}
	for id, want := range map[string]evidence.Resolver{
		"Q2": evidence.ResolverIntegration, "Q3": evidence.ResolverTimeout, "Q4": evidence.ResolverUnknown,
		"Q5": evidence.ResolverUnknown, "Q8": evidence.ResolverIntegration,
	} {
		if got := r.incidents[id].Resolver; got != want {
			t.Errorf("%s was resolved by %q, want %q", id, got, want)
		}
	}
	for id, known := range map[string]bool{"Q4": true, "Q5": false} {
		// The log of Q5's first days is not read.
		if in := r.incidents[id]; !in.ResolvedAt.IsZero() || in.AcksKnown != known {
			t.Errorf(
				"%s is open and acknowledged, got resolved at %s, acknowledgements known %t", id, in.ResolvedAt, in.AcksKnown,
			)
		}
	}
	if r.incidents["Q4"].Urgent || !r.incidents["Q2"].MachineDetected || r.incidents["Q1"].MachineDetected {
		t.Error("urgency or channel read wrongly")
	}
}

func TestIncidentFacts(t *testing.T) {
	account, services := shop()
	add := func(n int, service, channel, by, title string, age time.Duration, urgency string) {
		for i := range n {
			created := noon.Add(-age - time.Duration(i)*time.Hour)
			account.Incidents = append(account.Incidents, pagerdutytest.Incident{
				ID: fmt.Sprintf("Q%d", len(account.Incidents)), Title: fmt.Sprintf(title, i), Service: service, Urgency: urgency,
				CreatedAt: created, ResolvedAt: created.Add(10 * time.Minute), ResolvedBy: by, Channel: channel,
			})
		}
	}
	add(3, "PGOOD", "api", "user_reference", "Disk %d full", 10*day, "high")
	add(2, "PGOOD", "api", "user_reference", "Queue %d is long", 10*day, "low")
	add(4, "PGOOD", "api", "service_reference", "Latency above %d ms", 70*day, "high")
	add(1, "PGOOD", "website", "user_reference", "Customer calls %d", 20*day, "high")
	add(7, "PGOOD", "api", "user_reference", "Old %d", 91*day, "high")
	add(4, "PBAD", "email", "user_reference", "Slow %d", 20*day, "high")
	add(5, "PBAD", "", "user_reference", "Nobody knows how %d", 20*day, "high")
	w := start(t, account, services)
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{
		"high_urgency_90d": "8", "machine_detected_ratio_90d": "0.9", "repeat_manual_templates_90d": "1",
		"page_load_per_week": "0.5",
	})
	r.want(t, "reports", map[string]string{
		"high_urgency_90d": "9", "machine_detected_ratio_90d": "too_few", "repeat_manual_templates_90d": "2",
		"page_load_per_week": "1.125",
	})
	t.Run("over two services", func(t *testing.T) {
		w.services = append(services, refers("both", "PGOOD", "PBAD"))
		r := w.collect()
		r.want(t, "both", map[string]string{
			"high_urgency_90d": "17", "machine_detected_ratio_90d": "0.6429", "repeat_manual_templates_90d": "3",
			"page_load_per_week": "1.125",
		})
	})
}

// The vendor's own bound of 10,000 is passed in TestRequestsGrowWithPagesAndNotWithServices.
func TestMoreIncidentsThanOneWindowHolds(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	for name, tc := range map[string]struct {
		incidents, most int
		apart           time.Duration
		requests        int
	}{
		"exactly the bound": {300, 300, time.Hour, 3},
		// Three windows of three pages and a refusal, and two pages.
		"refused with 2002":    {1000, 300, time.Hour, 3*4 + 2},
		"many in one moment":   {130, 120, 0, 0},
		"all but in a moment":  {290, 300, 0, 3},
		"pages do not divide":  {799, 250, time.Hour, 0},
		"one window is enough": {99, 300, time.Hour, 1},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = crowd("PGOOD", tc.incidents, tc.apart)
			w := start(t, account, services, capAt(tc.most))
			r := w.collect()
			if tc.apart == 0 && tc.incidents > tc.most {
				if got := calls(r.err); got != "GET /incidents incomplete" ||
					r.groups() != every("incidents", "pages", "urgency", "response", "change_failure", "sleep") {
					t.Errorf("error %q, covered %q", got, r.groups())
				}
				return
			}
			if r.err != nil {
				t.Fatal(r.err)
			}
			if len(r.incidents) != tc.incidents {
				t.Errorf("%d incidents, want %d", len(r.incidents), tc.incidents)
			}
			r.want(t, "checkout", map[string]string{"high_urgency_90d": strconv.Itoa(tc.incidents)})
			if got := w.fake.Count("GET /incidents") - 1; tc.requests > 0 && got != tc.requests {
				t.Errorf("%d requests, want %d", got, tc.requests)
			}
		})
	}
}

func TestWindowIsHalvedWhereOrderIsNotKept(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = crowd("PGOOD", 900, time.Hour)
	w := start(t, account, services, capAt(300))
	// An incident out of order at the head of every page.
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Times: 4, Records: []string{
		`{"id":"QOUT","title":"x","status":"resolved","urgency":"low","created_at":"2026-03-04T11:00:00Z","resolved_at":"2026-03-04T11:30:00Z","service":{"id":"PGOOD"}}`,
	}})
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	if len(r.incidents) != 901 {
		t.Errorf("%d incidents, want 901", len(r.incidents))
	}
}

func TestWindowsAreWithinSixMonthsAndInUTC(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = crowd("PGOOD", 900, 10*time.Hour) // 375 days
	elsewhere := time.FixedZone("elsewhere", 5*3600)
	w := start(
		t, account, services, history(400*day),
		func(o *pagerdutytest.Options, _ *pagerduty.Options, _ *transport.Config) { o.TimeZone = elsewhere },
	)
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	if len(r.incidents) != 900 {
		t.Errorf("%d incidents, want 900", len(r.incidents))
	}
	// Only those of 90 days count.
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "216"})
	for _, q := range w.fake.Requests() {
		values, err := url.ParseQuery(q.Query)
		if err != nil {
			t.Fatal(err)
		}
		if q.Call == "GET /incidents" && values.Get("date_range") == "" {
			since, err1 := time.Parse(time.RFC3339, values.Get("since"))
			until, err2 := time.Parse(time.RFC3339, values.Get("until"))
			if err1 != nil || err2 != nil || until.Sub(since) > 180*day || since.Location() != time.UTC ||
				!strings.HasPrefix(values.Get("sort_by"), "created_at:") {
				t.Errorf("query %s", q.Query)
			}
		}
	}
}

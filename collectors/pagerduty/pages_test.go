package pagerduty_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// TestPagesThatAreNotKnown: the people of an escalation policy share the pages of all its
// services. An incident that cannot be read, or whose start or policy cannot be right,
// leaves the pages of its policy unknown, or those of all policies where it does not say
// which.
func TestPagesThatAreNotKnown(t *testing.T) {
	incident := func(fields string) string {
		return `{"id":"Q9","status":"resolved","urgency":"high",` + fields + `}`
	}
	const (
		created = `"created_at":"2026-03-03T11:00:00Z","resolved_at":"2026-03-03T12:00:00Z"`
		known   = "0"
	)
	for name, tc := range map[string]struct {
		record string
		// own is what is known of the service, same of one with another PagerDuty service of the same policy, and
		// other of one with another policy.
		own, same, other string
	}{
		"that can be read": {
			incident(created + `,"service":{"id":"PGOOD"},"escalation_policy":{"id":"EGOOD"}`), "0.125", "0.125", known,
		},
		"without a start": {
			incident(`"service":{"id":"PGOOD"},"escalation_policy":{"id":"EGOOD"}`),
			"except undecodable", "except undecodable", known,
		},
		"of another policy than its service": {
			incident(`"service":{"id":"PGOOD"},"escalation_policy":{"id":"EBAD"}`), known, known, "except undecodable",
		},
		"without a start and a policy": {
			incident(`"service":{"id":"PGOOD"}`), "except undecodable", "except undecodable", known,
		},
		"without a policy": {
			incident(created + `,"service":{"id":"PGOOD"},"escalation_policy":null`),
			"except partial", "except partial", known,
		},
		"of nothing that can be read": {
			incident(`"service":[]`), "except undecodable", "except undecodable", "except undecodable",
		},
		"of a service that is gone": {
			incident(`"service":{"id":"PGONE"}`), "except undecodable", "except undecodable", "except undecodable",
		},
		"that begins in the future": {
			incident(`"created_at":"2026-03-04T15:00:00Z","service":{"id":"PGOOD"},"escalation_policy":{"id":"EGOOD"}`),
			"except partial", "except partial", known,
		},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Services = append(account.Services,
				pagerdutytest.Service{ID: "PSAME", Name: "Basket", EscalationPolicy: "EGOOD"})
			services = append([]*catalog.Service{refers("basket", "PSAME")}, services...)
			w := start(t, account, services)
			w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: []string{tc.record}})
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			for service, want := range map[string]string{"checkout": tc.own, "basket": tc.same, "reports": tc.other} {
				r.want(t, service, map[string]string{"page_load_per_week": want})
				if want == "0.125" {
					want = known // nobody was notified
				}
				r.want(t, service, map[string]string{"sleep_interruptions_30d": want})
			}
			if got := r.value("reports", "high_urgency_90d"); tc.other == known && got != "0" {
				t.Errorf("the incidents of a service with another policy: %s", got)
			}
		})
	}
}

// TestNotificationsThatAreNotKnown: a notification that cannot be read may have woken
// somebody of the escalation policy of its incident, or of any where it does not say.
func TestNotificationsThatAreNotKnown(t *testing.T) {
	const unknown = "except partial"
	of := func(kind, incident, more string) string {
		return `{"id":"L9","type":"` + kind + `","incident":{"id":"` + incident + `"}` + more + `}`
	}
	const at, user = `,"created_at":"2026-03-03T11:00:00Z"`, `,"user":{"id":"UBERLIN"}`
	for record, want := range map[string][2]string{
		of("notify_log_entry", "Q1", at+user):                         {"0", "0"},
		of("notify_log_entry", "Q1", user):                            {unknown, "0"},
		of("notify_log_entry", "Q1", at):                              {unknown, "0"},
		of("", "Q1", at+user):                                         {unknown, "0"},
		of("notify_log_entry", "", at+user):                           {unknown, unknown},
		of("annotate_log_entry", "Q1", user):                          {"0", "0"},
		of("notify_log_entry", "Q1", user+`,"created_at":1772535600`): {unknown, "0"},
		of("notify_log_entry", "Q2", user):                            {"0", "0"}, // low urgency waits
		`[]`:                                                          {unknown, unknown},
	} {
		account, services := shop()
		account.Users = []pagerdutytest.User{{ID: "UBERLIN", TimeZone: "Europe/Berlin"}}
		account.Incidents = []pagerdutytest.Incident{
			happening("Q1", 2*day, time.Minute, time.Hour, "user_reference"),
			happening("Q2", 3*day, time.Minute, time.Hour, "user_reference"),
		}
		account.Incidents[1].Urgency = "low"
		w := start(t, account, services)
		w.fake.Inject(pagerdutytest.Fault{Call: "GET /log_entries", Records: []string{record}})
		r := w.collect()
		got := [2]string{r.value("checkout", "sleep_interruptions_30d"), r.value("reports", "sleep_interruptions_30d")}
		if r.err != nil || got != want {
			t.Errorf("%s: %v, error %v, want %v", record, got, r.err, want)
		}
	}
}

// TestIncidentsThatFiguresMayLack: an incident that cannot be read, or whose start cannot
// be right, may be missing from the figures of its service, or of every service where it
// does not say which, until it can be read.
func TestIncidentsThatFiguresMayLack(t *testing.T) {
	const day = "{%s 2026-03-04 00:00:00 +0000 UTC true}"
	for record, want := range map[string]string{
		`{"id":"Q9","urgency":"high","service":{"id":"PGOOD"}}`: "[" + fmt.Sprintf(day, "checkout") + "]",
		`{"id":"Q9","status":"resolved","urgency":"high","created_at":"2026-03-04T15:00:00Z","service":{"id":"PGOOD"}}`: "[" +
			fmt.Sprintf(day, "checkout") + "]",
		`{"id":"Q9","status":"resolved","urgency":"high","created_at":"2026-03-03T11:00:00Z",` +
			`"resolved_at":"2026-03-03T12:00:00Z","service":{"id":"PGOOD"}}`: "[]",
		`{"id":"Q9","urgency":"high","service":{"id":"PELSE"}}`: "[]",
	} {
		account, services := shop()
		w := start(t, account, services)
		w.store = newStored()
		w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: []string{record}})
		if r := w.collect(); r.err != nil || fmt.Sprint(r.doubts) != want {
			t.Errorf("%s: %v, %v, want %s", record, r.doubts, r.err, want)
		}
		if r := w.collect(); r.doubts != nil {
			t.Errorf("%s: emitted again: %v", record, r.doubts)
		}
	}
}

package pagerduty_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

func TestChanges(t *testing.T) {
	account, services := shop()
	change := func(age time.Duration, services ...string) {
		account.ChangeEvents = append(account.ChangeEvents, pagerdutytest.ChangeEvent{
			ID: fmt.Sprint("C", len(account.ChangeEvents)), At: noon.Add(-age), Services: services,
		})
	}
	for i := range 9 {
		change(time.Duration(10*i+2)*day, "PGOOD")
	}
	change(time.Hour, "PGOOD")      // of which one cannot say yet
	change(100*day, "PGOOD")        // too old
	change(20*day, "PBAD", "PGOOD") // both
	change(3*day, "PBAD")
	account.Incidents = []pagerdutytest.Incident{
		happening("QA", 2*day-time.Hour, time.Minute, time.Hour, "user_reference"),     // after the first
		happening("QB", 12*day-25*time.Hour, time.Minute, time.Hour, "user_reference"), // too late after the second
		happening("QC", 22*day+time.Hour, time.Minute, time.Hour, "user_reference"),    // before the third
		happening("QD", 32*day-time.Hour, 0, time.Minute, "service_reference"),         // noisy
		happening("QE", 42*day-24*time.Hour, time.Minute, time.Hour, "user_reference"), // just in time
		happening("QF", 42*day-23*time.Hour, time.Minute, time.Hour, "user_reference"), // the same change
		happening("QG", 59*time.Minute, time.Minute, 20*time.Minute, "user_reference"), // after the one of today
	}
	other := happening("QH", 20*day-time.Hour, time.Minute, time.Hour, "user_reference")
	other.Service = "PBAD"
	low := happening("QI", 52*day-time.Hour, time.Minute, time.Hour, "user_reference")
	low.Urgency = "low"
	account.Incidents = append(account.Incidents, other, low)
	w := start(t, account, append(services, refers("both", "PGOOD", "PBAD")))
	w.keep()
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{"change_events_30d": "5", "change_failure_ratio_90d": "0.2"})
	r.want(t, "reports", map[string]string{"change_events_30d": "2", "change_failure_ratio_90d": "too_few"})
	// A change of both services is one.
	r.want(t, "both", map[string]string{"change_events_30d": "6", "change_failure_ratio_90d": "0.2727"})

	// Later only what is new is asked for.
	account.ChangeEvents = append(
		account.ChangeEvents, pagerdutytest.ChangeEvent{ID: "CNEW", At: noon.Add(time.Minute), Services: []string{"PGOOD"}},
	)
	w.fake.SetAccount(account)
	w.later(30 * time.Minute)
	w.fake.Forget()
	r = w.collect()
	r.want(t, "checkout", map[string]string{"change_events_30d": "6"})
	if n := w.fake.Count("GET /change_events"); n != 1 {
		t.Errorf("%d requests for new change events", n)
	}
}

// TestChangesThatAreNotKnown: a change event that cannot be read may be one of the services
// that it names, or of any where it does not say, until it can be read or is too old.
func TestChangesThatAreNotKnown(t *testing.T) {
	const unknown, few = "except undecodable", "too_few"
	for record, want := range map[string][4]string{
		`{"id":"C9","timestamp":"soon","services":[{"id":"PGOOD"}]}`:        {unknown, unknown, "0", few},
		`{"timestamp":"soon","services":[{"id":"PGOOD"}]}`:                  {unknown, unknown, "0", few},
		`{"id":"C9","services":[{"id":"PELSE"}]}`:                           {"0", few, "0", few},
		`{"id":"C9","timestamp":"2026-03-04T11:00:00Z","services":"PGOOD"}`: {unknown, unknown, unknown, unknown},
		`"C9"`: {unknown, unknown, unknown, unknown},
		`{"timestamp":"2026-01-10T11:00:00Z","services":[{"id":"PGOOD"}]}`:           {"0", unknown, "0", few},
		`{"id":"C9","timestamp":"2026-03-04T11:30:00Z","services":[{"id":"PGOOD"}]}`: {"1", few, "0", few},
	} {
		account, services := shop()
		w := start(t, account, services)
		w.keep()
		w.fake.Inject(pagerdutytest.Fault{Call: "GET /change_events", Records: []string{record}})
		r := w.collect()
		got := [4]string{}
		for i, service := range []string{"checkout", "reports"} {
			got[2*i], got[2*i+1] = r.value(service, "change_events_30d"), r.value(service, "change_failure_ratio_90d")
		}
		if r.err != nil || got != want || (r.skipped["change_event"] > 0) != (want[0] == unknown || want[1] == unknown ||
			want == [4]string{"0", few, "0", few}) {
			t.Errorf("%s: %v, error %v, skipped %v; want %v", record, got, r.err, r.skipped, want)
		}
		if want[0] != unknown {
			continue
		}
		w.fake.Heal()
		account.ChangeEvents = []pagerdutytest.ChangeEvent{
			{ID: "C9", At: noon.Add(-time.Minute), Services: []string{"PGOOD"}},
		}
		w.fake.SetAccount(account)
		w.later(30 * time.Minute)
		known := map[bool]string{true: "1", false: unknown}[strings.Contains(record, "C9") && record[0] == '{']
		if got := w.collect().value("checkout", "change_events_30d"); got != known {
			t.Errorf("%s: %s once it can be read, want %s", record, got, known)
		}
	}
}

func TestMoreChangesThanOneWindowHolds(t *testing.T) {
	account, services := shop()
	for i := range 2000 {
		account.ChangeEvents = append(
			account.ChangeEvents,
			pagerdutytest.ChangeEvent{
				ID: fmt.Sprint("C", i), At: noon.Add(-time.Duration(i) * 20 * time.Minute), Services: []string{"PGOOD"},
			},
		)
	}
	w := start(t, account, services, capAt(300))
	w.collect()
	// Two windows without any, seven of three pages and a refusal that are each
	// continued where they end.
	if n := w.fake.Count("GET /change_events"); n > 2+7*4 {
		t.Errorf("%d requests", n)
	}
	w = start(t, account, services, capAt(300))
	w.keep()
	// A listing that breaks off is continued and not begun again.
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /change_events", Skip: 12, Times: 4, Status: http.StatusBadGateway})
	if r := w.collect(); calls(r.err) != "GET /change_events server_error" ||
		r.groups() != every("changes", "change_failure") {
		t.Errorf("covered %q, error %v", r.groups(), r.err)
	}
	w.later(5 * time.Minute)
	w.fake.Forget()
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{"change_events_30d": "2000"})
	for _, q := range w.fake.Requests() {
		values, _ := url.ParseQuery(q.Query)
		if since, _ := time.Parse(time.RFC3339, values.Get("since")); q.Call == "GET /change_events" &&
			since.Before(noon.Add(-88*day)) {
			t.Errorf("asked again since %s", since)
		}
	}
}

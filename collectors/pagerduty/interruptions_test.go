package pagerduty_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
)

// TestInterruptionsOfIncidents by the hour of who was notified: a first round has those of
// all the time that facts look back over, a later process keeps what is stored.
func TestInterruptionsOfIncidents(t *testing.T) {
	account, services := shop()
	account.Users = []pagerdutytest.User{
		{ID: "UTOKYO", TimeZone: "Asia/Tokyo"}, {ID: "UBERLIN", TimeZone: "Europe/Berlin"},
		{ID: "UODD", TimeZone: "Middle/Earth"},
	}
	// at is a time of a day in February, in UTC. The 20th is a Friday; Berlin is an hour
	// ahead.
	at := func(d, hour, minute int) time.Time { return time.Date(2026, 2, d, hour, minute, 0, 0, time.UTC) }
	want := map[string]evidence.Interruptions{}
	add := func(id string, counts evidence.Interruptions, notices ...pagerdutytest.Notification) {
		in := pagerdutytest.Incident{
			ID: id, Title: id, Service: "PGOOD", CreatedAt: at(27, 12, 0), Channel: "api", Notifications: notices,
			ResolvedBy: "user_reference",
		}
		if len(notices) > 0 {
			in.CreatedAt = notices[0].At
		}
		in.ResolvedAt = in.CreatedAt.Add(12 * time.Hour)
		account.Incidents = append(account.Incidents, in)
		want[id] = counts
	}
	is := func(business, off, sleep int) evidence.Interruptions {
		return evidence.Interruptions{Known: true, Business: business, Off: off, Sleep: sleep}
	}
	berlin := func(at time.Time) pagerdutytest.Notification {
		return pagerdutytest.Notification{User: "UBERLIN", At: at}
	}
	tokyo := func(at time.Time) pagerdutytest.Notification {
		return pagerdutytest.Notification{User: "UTOKYO", At: at}
	}
	add("QNOBODY", is(0, 0, 0))
	add("QMORNING", is(1, 0, 0), berlin(at(20, 7, 0)))  // Friday 8:00
	add("QEVENING", is(0, 1, 0), berlin(at(20, 17, 0))) // Friday 18:00
	add("QNIGHT", is(0, 0, 1), berlin(at(20, 21, 0)))   // Friday 22:00
	add("QWEEKEND", is(0, 1, 0), berlin(at(21, 9, 0)))  // Saturday 10:00
	add("QABROAD", is(0, 0, 1), tokyo(at(20, 14, 0)))   // Friday 23:00 in Tokyo
	add("QAGAIN", is(1, 0, 0), berlin(at(19, 8, 0)), berlin(at(19, 8, 5)), berlin(at(19, 16, 0)))
	add("QOVERNIGHT", is(0, 0, 1), berlin(at(18, 22, 50)), berlin(at(18, 23, 5)), berlin(at(19, 6, 0)))
	add("QLONG", is(1, 1, 1), berlin(at(19, 16, 0)), berlin(at(19, 17, 30)), berlin(at(19, 22, 0)))
	add("QTWO", is(1, 1, 0), berlin(at(19, 9, 0)), tokyo(at(19, 9, 30)))
	add("QODD", evidence.Interruptions{}, berlin(at(19, 9, 0)), pagerdutytest.Notification{User: "UODD", At: at(19, 10, 0)})
	add("QLONGAGO", is(1, 0, 0), berlin(noon.Add(-50*day))) // a Tuesday, 13:00
	w := start(t, account, services)
	w.keep()
	expect := func(when string) {
		t.Helper()
		for id, counts := range want {
			if got := w.store.incidents[id].Interruptions; got != counts {
				t.Errorf("%s: %s %+v, want %+v", when, id, got, counts)
			}
		}
	}
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	expect("the first round")
	// One that goes on is counted anew; of one that is over it stays known when the person
	// leaves.
	open := pagerdutytest.Incident{ID: "QOPEN", Title: "Open", Service: "PGOOD", Channel: "api"}
	open.CreatedAt = noon.Add(time.Minute)
	open.Notifications = []pagerdutytest.Notification{berlin(noon.Add(2 * time.Minute)), berlin(noon.Add(5 * time.Hour))}
	account.Incidents = append(account.Incidents, open)
	tokyoUser := account.Users[0]
	account.Users = account.Users[1:]
	w.fake.SetAccount(account)
	w.later(time.Hour)
	w.collect()
	want["QOPEN"] = is(1, 0, 0)
	expect("an hour later")
	w.restart()
	w.later(5 * time.Hour)
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	want["QOPEN"] = is(1, 1, 0)
	expect("another process")
	// Without the users nothing is known of whom it notified.
	w = start(t, account, services)
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /users", Status: 403})
	w.collect()
	for id, in := range w.store.incidents {
		if in.Interruptions != (evidence.Interruptions{}) {
			t.Errorf("without users: %s %+v", id, in.Interruptions)
		}
	}
	// Another process counts what the first has read of the log, however long ago it was.
	w.fake.Heal()
	account.Users = append(account.Users, tokyoUser)
	w.fake.SetAccount(account)
	w.restart()
	w.later(time.Hour)
	w.fake.Forget()
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	want["QOPEN"] = is(1, 0, 0)
	expect("when the users can be read")
	for _, q := range w.fake.Requests() {
		values, _ := url.ParseQuery(q.Query)
		since, err := time.Parse(time.RFC3339, values.Get("since"))
		if q.Call == "GET /log_entries" && (err != nil || since.Before(noon.Add(-31*day))) {
			t.Errorf("the log was read again: %s", q.Query)
		}
	}
}

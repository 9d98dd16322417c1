package pagerduty_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

// large is an account of 1,000 services, 300 policies, 400 schedules, 1,000
// on-call entries, 500 people and 5,000 incidents.
func large() (pagerdutytest.Account, []*catalog.Service) {
	var account pagerdutytest.Account
	var services []*catalog.Service
	for i := range 500 {
		account.Users = append(account.Users, pagerdutytest.User{ID: fmt.Sprintf("U%d", i), TimeZone: "Europe/Berlin"})
	}
	for i := range 400 {
		account.Schedules = append(account.Schedules, pagerdutytest.Schedule{
			ID: fmt.Sprintf("S%d", i), Users: []string{account.Users[i].ID, account.Users[(i+1)%500].ID},
			Start: noon.Add(-50 * day), Shift: 100 * day,
		})
	}
	for i := range 300 {
		p := pagerdutytest.EscalationPolicy{
			ID: fmt.Sprintf("E%d", i), Levels: []pagerdutytest.Level{{Schedules: []string{fmt.Sprintf("S%d", i)}}},
		}
		if i < 100 {
			p.Levels = append(p.Levels, pagerdutytest.Level{Schedules: []string{fmt.Sprintf("S%d", 300+i)}})
		}
		if i < 200 {
			p.Levels = append(p.Levels, pagerdutytest.Level{Users: []string{fmt.Sprintf("U%d", 400+i%100)}})
		}
		account.EscalationPolicies = append(account.EscalationPolicies, p)
	}
	for i := range 1000 {
		id := fmt.Sprintf("P%d", i)
		account.Services = append(
			account.Services, pagerdutytest.Service{ID: id, EscalationPolicy: fmt.Sprintf("E%d", i%300)},
		)
		services = append(services, refers("service-"+id, id))
	}
	for i := range 5000 {
		created := noon.Add(-time.Duration(i) * (89 * day / 5000))
		account.Incidents = append(account.Incidents, pagerdutytest.Incident{
			ID: fmt.Sprintf("Q%d", i), Number: 5000 - i, Title: "Disk full", Service: fmt.Sprintf("P%d", i%1000), Channel: "api",
			CreatedAt: created, AcknowledgedAt: created.Add(time.Minute), ResolvedAt: created.Add(10 * time.Minute),
			ResolvedBy:    "user_reference",
			Notifications: []pagerdutytest.Notification{{At: created, User: "U1"}},
		})
	}
	return account, services
}

func TestRequestsOfAFullAndOfASteadyRound(t *testing.T) {
	race.Skip(t, "many services run the same code paths as a few")
	account, services := large()
	w := start(t, account, services)
	w.keep()
	if r := w.collect(); r.err != nil || r.groups() != every() {
		t.Fatalf("covered %q, error %v", r.groups(), r.err)
	}
	if n := len(w.fake.Requests()) - w.fake.Count("GET /log_entries"); n > 90 {
		t.Errorf("%d requests in the first round beside the log, want at most 90", n)
	}
	if n, most := w.fake.Count("GET /log_entries"), pages(3*5000)+pages(4*5000/3)+6; n > most {
		t.Errorf("%d requests for the log in the first round, want at most %d", n, most)
	}

	// Twenty incidents change: ten end, and ten are new.
	w.later(5 * time.Minute)
	changed := account
	changed.Incidents = append([]pagerdutytest.Incident(nil), account.Incidents...)
	for i := range 10 {
		changed.Incidents = append(changed.Incidents, pagerdutytest.Incident{
			ID: fmt.Sprintf("QNEW%d", i), Title: "Disk full", Service: "P7", Channel: "api",
			CreatedAt: noon.Add(time.Duration(i) * time.Second),
		})
	}
	for i := range 10 {
		in := &changed.Incidents[i+1]
		in.ResolvedAt = noon.Add(time.Minute)
	}
	w.fake.SetAccount(changed)
	w.fake.Forget()
	r := w.collect()
	if r.err != nil || r.groups() != "incidents pages response urgency" {
		t.Errorf("steady round: covered %q, error %v", r.groups(), r.err)
	}
	if n := len(w.fake.Requests()); n > 10 {
		t.Errorf("%d requests in a steady round, want at most 10: %v", n, w.fake.Requests())
	}
	r.want(t, "service-P7", map[string]string{"high_urgency_90d": "15"})

	// A day later everything is listed again.
	w.later(day)
	w.fake.Forget()
	if r = w.collect(); r.err != nil || r.groups() != every() {
		t.Errorf("full round: covered %q, error %v", r.groups(), r.err)
	}
	if n := len(w.fake.Requests()); n > 90 {
		t.Errorf("%d requests in a full round, want at most 90", n)
	}
	for id, in := range r.incidents {
		// Of the new ones it is known now whom they notified.
		if in.ResolvedAt.Before(noon) && in.StartedAt.Before(noon) {
			t.Errorf("incident %s is stored again and has not changed", id)
		}
	}
}

func TestASteadyRoundFollowsTheLog(t *testing.T) {
	account, services := shop()
	// One that has been open for longer than the log is read.
	account.Incidents = append(
		crowd("PGOOD", 4, 10*day),
		pagerdutytest.Incident{ID: "QOLD", Service: "PGOOD", Title: "x", CreatedAt: noon.Add(-200 * day)},
	)
	w := start(t, account, services)
	w.keep()
	w.collect()
	in := pagerdutytest.Incident{
		ID: "QNEW", Title: "Queue 7 is long", Service: "PGOOD", Channel: "web_trigger", CreatedAt: noon.Add(2 * time.Minute),
		AcknowledgedAt: noon.Add(7 * time.Minute),
		ResolvedAt:     noon.Add(12 * time.Minute), ResolvedBy: "user_reference", ResolvedByID: "U1",
	}
	account.Incidents = append(account.Incidents, in)
	w.fake.SetAccount(account)
	for i, want := range []evidence.Incident{
		{},
		{AcknowledgedAt: in.AcknowledgedAt},
		{AcknowledgedAt: in.AcknowledgedAt, ResolvedAt: in.ResolvedAt, Resolver: evidence.ResolverPerson},
	} {
		w.later(5 * time.Minute)
		w.fake.Forget()
		r := w.collect()
		got := r.incidents["QNEW"]
		if r.err != nil || !got.AcksKnown || !got.AcknowledgedAt.Equal(want.AcknowledgedAt) ||
			!got.ResolvedAt.Equal(want.ResolvedAt) || got.Resolver != want.Resolver ||
			got.Channel != "web_trigger" || got.MachineDetected || got.Template != "queue <n> is long" {
			t.Errorf("round %d: incident %+v, error %v", i, got, r.err)
		}
		if len(r.incidents) != 1 {
			t.Errorf("round %d: %d incidents stored, want the one that changed", i, len(r.incidents))
		}
		r.want(t, "checkout", map[string]string{"high_urgency_90d": "5", "machine_detected_ratio_90d": "0.8"})
		if i < 2 && w.fake.Count("GET /services") != 0 {
			t.Errorf("round %d asks for services", i)
		}
		for _, q := range w.fake.Requests() {
			values, _ := url.ParseQuery(q.Query)
			if q.Call != "GET /log_entries" {
				continue
			}
			// Ten minutes before the newest entry of the round before.
			newest := []time.Time{noon.Add(-50 * time.Minute), in.CreatedAt, in.AcknowledgedAt}[i]
			if since, _ := time.Parse(time.RFC3339, values.Get("since")); newest.Sub(since) != 10*time.Minute {
				t.Errorf("round %d reads the log since %s", i, since)
			}
		}
	}
	// Nothing happens, and nothing is stored again.
	w.later(5 * time.Minute)
	if r := w.collect(); len(r.incidents) != 0 || !strings.Contains(r.groups(), "incidents") {
		t.Errorf("stored %v, covered %q", r.incidents, r.groups())
	}
}

func TestARestartContinuesFromTheStore(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 40, 2*day)
	for i := range account.Incidents {
		if i%2 == 0 {
			account.Incidents[i].AcknowledgedAt = account.Incidents[i].CreatedAt.Add(time.Minute)
		}
	}
	w := start(t, account, services)
	w.keep()
	first := w.collect()
	w.later(5 * time.Minute)
	w.restart()
	w.fake.Forget()
	r := w.collect()
	if r.err != nil || r.groups() != every() {
		t.Fatalf("covered %q, error %v", r.groups(), r.err)
	}
	since := map[string]int{}
	for _, q := range w.fake.Requests() {
		values, _ := url.ParseQuery(q.Query)
		if q.Call == "GET /log_entries" {
			since[values.Get("since")]++
		}
	}
	// From the cursor, and back over the 30 days that notifications count for.
	if got, want := fmt.Sprint(since), "map[2026-02-02T12:05:00Z:1 2026-02-12T11:00:00Z:1 2026-02-22T11:00:00Z:1 2026-03-04T11:00:00Z:1]"; got != want {
		t.Errorf("the log was asked for since %s after a restart, want since %s", got, want)
	}
	if len(r.incidents) != 0 {
		t.Errorf("%d incidents stored again after a restart: %+v", len(r.incidents), r.incidents)
	}
	for _, fact := range []string{"mtta_p90_seconds_90d", "unacknowledged_ratio_90d", "noise_ratio_30d"} {
		if got, want := r.value("checkout", fact), first.value("checkout", fact); got != want || got == "too_few" {
			t.Errorf("%s is %s after a restart, %s before", fact, got, want)
		}
	}

	// A store that cannot tell what acknowledgements it knows is not relied on.
	w.store.incidents = map[string]evidence.Incident{}
	w.restart()
	r = w.collect()
	r.want(
		t, "checkout", map[string]string{"unacknowledged_ratio_90d": first.value("checkout", "unacknowledged_ratio_90d")},
	)
	// Nor is memory where the store is empty.
	w.keep()
	if r = w.collect(); r.groups() != every() || len(r.incidents) != 40 ||
		!r.incidents[account.Incidents[0].ID].AcksKnown {
		t.Errorf("with an empty store: covered %q, %d incidents", r.groups(), len(r.incidents))
	}
}

func TestAnInterruptedFirstRoundIsContinued(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 85, day)
	for i := range account.Incidents {
		account.Incidents[i].AcknowledgedAt = account.Incidents[i].CreatedAt.Add(time.Minute)
	}
	w := start(t, account, services)
	w.keep()
	// The log comes in windows of 10 days, of a page each.
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /log_entries", Skip: 1, Times: 4, Status: http.StatusBadGateway})
	r := w.collect()
	if got := calls(r.err); got != "GET /log_entries server_error" ||
		r.groups() != every("response", "change_failure", "sleep") {
		t.Errorf("error %q, covered %q", got, r.groups())
	}
	known := 0
	for _, in := range w.store.incidents {
		if in.AcksKnown {
			known++
		}
	}
	cursor, err := time.Parse(time.RFC3339, w.store.cursors["log_entries"])
	if known < 4 || known > 6 || err != nil {
		t.Errorf("acknowledgements known of %d incidents, cursor %q", known, w.store.cursors["log_entries"])
	}
	w.restart()
	w.fake.Forget()
	r = w.collect()
	if r.err != nil || r.groups() != every() {
		t.Fatalf("covered %q, error %v", r.groups(), r.err)
	}
	r.want(t, "checkout", map[string]string{"mtta_p90_seconds_90d": "60", "unacknowledged_ratio_90d": "0"})
	for _, q := range w.fake.Requests() {
		values, _ := url.ParseQuery(q.Query)
		if since, _ := time.Parse(time.RFC3339, values.Get("since")); q.Call == "GET /log_entries" &&
			since.Before(cursor.Add(-2*day)) {
			t.Errorf("the log was read since %s, before the cursor %s", since, cursor)
		}
	}
}

func TestDeletedIncidents(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 20, 2*day)
	old := pagerdutytest.Incident{ID: "QOLD", Service: "PGOOD", Title: "x", CreatedAt: noon.Add(-200 * day)}
	ending := old
	ending.ID, ending.ResolvedAt, ending.ResolvedBy = "QEND", noon.Add(day+2*time.Minute), "user_reference"
	account.Incidents = append(account.Incidents, old, ending)
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			w := start(t, account, services)
			w.keep()
			w.collect()
			less := account
			less.Incidents = append([]pagerdutytest.Incident(nil), account.Incidents[1:20]...)
			w.fake.SetAccount(pagerdutytest.Account{Services: account.Services, Incidents: append(less.Incidents, ending)})
			w.later(5 * time.Minute)
			w.collect()
			w.later(day)
			if restart {
				w.restart()
			}
			w.collect()
			w.later(3 * time.Hour)
			w.collect()
			for id, in := range w.store.incidents {
				if want := id == account.Incidents[0].ID || id == "QOLD"; in.Gone != want {
					t.Errorf("%s is gone: %t", id, in.Gone)
				}
			}
			if end := w.store.incidents["QEND"]; !end.ResolvedAt.Equal(ending.ResolvedAt) {
				t.Errorf("the end of an old incident was missed: %+v", end)
			}
		})
	}
	// A listing that may lack one in what it could not read withdraws nothing.
	w := start(t, account, services)
	w.keep()
	w.collect()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Body: `{"incidents":[{"id":7}],"more":false}`})
	w.later(day)
	w.collect()
	for id, in := range w.store.incidents {
		if in.Gone {
			t.Errorf("%s is gone", id)
		}
	}
}

// An old incident that ends in the middle of a round is no longer open, and the
// log that the round reads does not tell of its end yet.
func TestAnIncidentThatEndsDuringTheRoundIsNotDeleted(t *testing.T) {
	account, services := shop()
	old := pagerdutytest.Incident{
		ID: "QOLD", Service: "PGOOD", Title: "x", CreatedAt: noon.Add(-200 * day), ResolvedAt: noon.Add(day + 30*time.Second),
		ResolvedBy: "user_reference",
	}
	account.Incidents = []pagerdutytest.Incident{old}
	w := start(t, account, services)
	w.keep()
	w.collect()
	w.later(day)
	once := true
	w.collectWith(t.Context(), func(evidence.Batch) error {
		if once {
			w.later(time.Minute)
		}
		once = false
		return nil
	})
	if in := w.store.incidents["QOLD"]; in.Gone || !in.ResolvedAt.IsZero() {
		t.Fatalf("after the round it ends in: %+v", in)
	}
	w.later(5 * time.Minute)
	w.collect()
	if in := w.store.incidents["QOLD"]; in.Gone || !in.ResolvedAt.Equal(old.ResolvedAt) ||
		in.Resolver != evidence.ResolverPerson {
		t.Errorf("after the next: %+v", in)
	}
}

func TestWithoutTheLogIncidentsAreListed(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 5, day)
	w := start(t, account, services)
	w.keep()
	w.collect()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /log_entries", Status: http.StatusBadGateway})
	w.later(5 * time.Minute)
	if r := w.collect(); strings.Contains(r.groups(), "incidents") {
		t.Errorf("covered %q without knowing what has changed", r.groups())
	}
	account.Incidents = append(account.Incidents, pagerdutytest.Incident{
		ID: "QNEW", Title: "x", Service: "PGOOD", CreatedAt: noon.Add(time.Minute), ResolvedAt: noon.Add(2 * time.Minute),
		ResolvedBy: "user_reference",
	})
	w.fake.SetAccount(account)
	w.later(5 * time.Minute)
	r := w.collect()
	if got := r.incidents["QNEW"]; got.ID == "" || got.AcksKnown || r.groups() != "incidents pages urgency" {
		t.Errorf("covered %q, incident %+v", r.groups(), got)
	}
	w.fake.Heal()
	w.later(5 * time.Minute)
	if r := w.collect(); !r.incidents["QNEW"].AcksKnown || !strings.HasPrefix(r.groups(), "change_failure") &&
		r.groups() != "incidents pages response urgency" && r.err != nil {
		t.Errorf("after healing: covered %q, %+v, error %v", r.groups(), r.incidents, r.err)
	}
}

func TestACatalogThatRefersElsewhereIsObservedAtOnce(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PBAD", 6, day)
	w := start(t, account, services[:1])
	w.keep()
	if r := w.collect(); len(r.incidents) != 0 {
		t.Errorf("incidents of services that are nobody's: %v", r.incidents)
	}
	w.services = services
	w.later(5 * time.Minute)
	w.fake.Forget()
	r := w.collect()
	if r.err != nil || r.groups() != every() || len(r.incidents) != 6 {
		t.Errorf("covered %q, %d incidents, error %v", r.groups(), len(r.incidents), r.err)
	}
	r.want(
		t, "reports", map[string]string{"service_exists": "true", "high_urgency_90d": "6", "unacknowledged_ratio_90d": "1"},
	)
	if n := w.fake.Count("GET /incidents"); n != 1 {
		t.Errorf("%d requests for incidents, want one for those that are open", n)
	}
}

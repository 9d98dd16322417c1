package pagerduty_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

// beforeLogEntries makes the store what it was before log entries were stored,
// with the history as it was then.
func (w *world) beforeLogEntries(history string) {
	w.store.entries = map[string]evidence.LogEntry{}
	delete(w.store.cursors, "log_covered")
	w.store.cursors["log_seen"] = "*"
	if history != "" {
		w.store.cursors["history"] = history
	}
	w.restart()
}

// What was stored before log entries were is neither lost nor listed again.
func TestAStoreOfBeforeLogEntries(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(700)
	w := start(t, account, services, history(twoYears))
	w.keep()
	w.collect()
	w.beforeLogEntries("")
	w.later(5 * time.Minute)
	w.fake.Forget()
	if r := w.collect(); r.err != nil || len(r.incidents) != 0 || r.groups() != every() {
		t.Errorf("%d incidents stored again, covered %q, error %v: %+v", len(r.incidents), r.groups(), r.err, r.incidents)
	}
	for _, q := range w.fake.Requests() {
		values, _ := url.ParseQuery(q.Query)
		since, err := time.Parse(time.RFC3339, values.Get("since"))
		if err != nil || q.Call == "GET /change_events" {
			continue
		}
		// The log is read for the notifications of a month.
		if q.Call == "GET /log_entries" && since.Before(noon.Add(-31*day)) || since.Before(noon.Add(-91*day)) {
			t.Errorf("%s %s", q.Call, q.Query)
		}
	}

	// A recent incident, an open one and an old one are noted and escalated.
	var changed []int
	for i, in := range account.Incidents {
		if i == 20 || i == 200 || i == 7 {
			changed = append(changed, i)
			account.Incidents[i].Notes = append(slices.Clone(in.Notes), pagerdutytest.Note{At: noon.Add(7 * time.Minute)})
			move := pagerdutytest.Move{At: noon.Add(8 * time.Minute), Kind: "escalate", To: []string{"U2"}}
			account.Incidents[i].Moves = append(slices.Clone(in.Moves), move)
		}
	}
	w.fake.SetAccount(account)
	for _, after := range []time.Duration{5 * time.Minute, 5 * time.Minute, day, 30 * day, 5 * time.Minute} {
		w.later(after)
		w.restart()
		r := w.collect()
		if r.err != nil || after == 5*time.Minute && len(r.incidents) > len(changed) {
			t.Fatalf("%d incidents stored, error %v", len(r.incidents), r.err)
		}
		wantAllLong(t, w, account)
	}
}

// A walk through the history that was interrupted is continued where it was. What
// its cursor had of the log is read again, as entries.
func TestAHistoryOfBeforeLogEntries(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(900)
	w := start(t, account, services, history(twoYears), fewAttempts)
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Skip: 12, Status: http.StatusBadGateway})
	w.collect()
	w.fake.Heal()
	before, cursor := len(w.store.incidents), w.store.cursors["history"]
	var reached struct{ To time.Time }
	if err := json.Unmarshal([]byte(cursor), &reached); err != nil {
		t.Fatal(err)
	}
	// The log had entries of incidents that were not listed yet.
	const pendingEvents = `"strays":{"Q000880":{"acknowledged":"2024-03-01T00:00:00Z","notes":3,"escalations":5,"responders":["hash"]}},`
	w.beforeLogEntries("{" + pendingEvents + cursor[1:])
	w.later(5 * time.Minute)
	w.fake.Forget()
	for range 3 {
		if r := w.collect(); r.err != nil {
			t.Fatal(r.err)
		}
		w.later(5 * time.Minute)
	}
	if len(w.store.incidents) != 900 || before < 400 || before > 800 {
		t.Errorf("%d incidents, %d before", len(w.store.incidents), before)
	}
	wantAllLong(t, w, account)
	for _, q := range w.fake.Requests() {
		values, _ := url.ParseQuery(q.Query)
		until, _ := time.Parse(time.RFC3339, values.Get("until"))
		if q.Call == "GET /incidents" && values.Get("sort_by") == "created_at:desc" && until.After(reached.To) {
			t.Errorf("%s", q.Query)
		}
	}
}

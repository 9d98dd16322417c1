package pagerduty_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
)

// interrupted is a round whose time is over after so many requests of a call.
func (w *world) interrupted(call string, requests int) *result {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	w.fake.Heal()
	w.fake.Inject(pagerdutytest.Fault{Call: call, Skip: requests, Times: 1, Hang: true, Then: cancel})
	defer w.fake.Heal()
	return w.collectWith(ctx, func(evidence.Batch) error { return nil })
}

// TestTheNewestIncidentsAreListedByManyProcesses: no process has the time for all
// incidents of the last 90 days, nor for all of their log. Each goes on where the last one
// ended, and at the end everything is known that one process would have found.
func TestTheNewestIncidentsAreListedByManyProcesses(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 90, day-day/100)
	for i := range account.Incidents {
		in := &account.Incidents[i]
		in.AcknowledgedAt = in.CreatedAt.Add(60e9)
		if i%3 == 1 {
			in.Service = "PELSE" // of no service, and yet it pages the same people
		}
		if i%10 == 5 {
			in.Type = "Base Incident"
		}
	}
	account.Services = append(account.Services, pagerdutytest.Service{ID: "PELSE", EscalationPolicy: "EGOOD"})
	whole := start(t, account, services, pageOf(10))
	whole.keep()
	want := whole.collect()
	if want.err != nil {
		t.Fatal(want.err)
	}
	w := start(t, account, services, pageOf(10))
	w.keep()
	left := map[string]bool{}
	pages := 0
	for range 5 {
		w.restart()
		w.fake.Forget()
		if r := w.interrupted("GET /incidents", 2); r.err == nil {
			t.Fatal("the round was not interrupted")
		}
		left[w.source.Left(w.store.cursors)] = true
		pages += w.fake.Count("GET /incidents")
	}
	if pages > 16 || len(left) < 4 {
		t.Errorf("%d pages of 9 were listed, and the closing lines were %v", pages, left)
	}
	for line := range left {
		if !strings.HasPrefix(line, "the incidents of the last 90 days are read up to 202") &&
			!strings.HasPrefix(line, "the incidents of the last 90 days are not read yet") {
			t.Errorf("the closing line is %q", line)
		}
	}
	entries := 0
	for range 60 {
		w.restart()
		w.fake.Forget()
		if r := w.interrupted("GET /log_entries", 2); r.err == nil {
			break // there was no more to read
		}
		if n := w.fake.Count("GET /incidents"); n > 2 {
			t.Errorf("%d pages of incidents were listed again", n)
		}
		if now := len(w.store.entries); now <= entries && w.store.cursors["log_entries"] == "" {
			t.Fatalf("%d entries of the log, %d before", now, entries)
		}
		entries = len(w.store.entries)
	}
	w.restart()
	w.fake.Forget()
	got := w.collect()
	if got.err != nil || got.groups() != every() {
		t.Fatalf("covered %q, error %v", got.groups(), got.err)
	}
	for key, record := range want.records {
		if have := got.records[key]; !reflect.DeepEqual(have, record) {
			t.Errorf("%s is %v (%s), want %v (%s)", key, have.Value, have.Detail, record.Value, record.Detail)
		}
	}
	if fmt.Sprint(w.source.Notes()) != fmt.Sprint(whole.source.Notes()) {
		t.Errorf("notes %v, want %v", w.source.Notes(), whole.source.Notes())
	}
	if !reflect.DeepEqual(w.store.incidents, whole.store.incidents) {
		t.Errorf("%d incidents are stored, want %d", len(w.store.incidents), len(whole.store.incidents))
	}
	for name := range w.store.cursors {
		if strings.HasPrefix(name, "listed_incidents") {
			t.Errorf("the cursor %s is still there", name)
		}
	}
}

// TestAnIncidentThatCannotBeReadIsSaved: the process that ends the listing has not seen
// the incident, and yet does not know how many there are.
func TestAnIncidentThatCannotBeReadIsSaved(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 60, day)
	w := start(t, account, services, pageOf(10))
	w.keep()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.fake.Inject(pagerdutytest.Fault{
		Call: "GET /incidents", Times: 1, Records: []string{`{"id":"QODD","service":{"id":"PGOOD"}}`},
	})
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Skip: 2, Times: 1, Hang: true, Then: cancel})
	if r := w.collectWith(ctx, func(evidence.Batch) error { return nil }); r.err == nil {
		t.Fatal("the round was not interrupted")
	}
	w.fake.Heal()
	w.restart()
	r := w.collect()
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "except undecodable"})
	if got := r.reasons()[evidence.UncountedUnreadable]; r.err != nil || got != 1 {
		t.Errorf("%d could not be read, want 1; error %v", got, r.err)
	}
}

package pagerduty_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
)

// ticket is a link to a ticket of the shop's Jira.
func ticket(key string) []pagerdutytest.ExternalReference {
	return []pagerdutytest.ExternalReference{{ID: key, URL: "https://jira.example/browse/" + key}}
}

// tickets are the keys that the stored incident is linked to.
func (w *world) tickets(id string) string {
	var keys []string
	for _, link := range w.store.incidents[id].Links {
		if !strings.HasPrefix(link, "https:") {
			keys = append(keys, link)
		}
	}
	return strings.Join(keys, " ")
}

// The incident in an entry of the log never has its tickets, and
// that of a listing always.
func TestLinkedTicketsOutliveTheLog(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			account, services := shop()
			in := happening("QNEW", 30*time.Minute, 0, 0, "")
			in.AcknowledgedAt, in.ResolvedAt, in.ResolvedBy = noon.Add(2*time.Minute), noon.Add(7*time.Minute), "user_reference"
			in.ExternalReferences = ticket("SHOP-12")
			late := happening("QLATE", time.Hour, 0, 30*time.Minute, "user_reference")
			account.Incidents = []pagerdutytest.Incident{in, late}
			w := start(t, account, services)
			w.keep()
			w.collect()
			for _, after := range []string{"the first listing", "an acknowledgement", "a resolution", "nothing more"} {
				if got := w.tickets("QNEW"); got != "SHOP-12" || len(w.store.incidents["QNEW"].Links) != 3 {
					t.Errorf("after %s: linked to %q: %q", after, got, w.store.incidents["QNEW"].Links)
				}
				if got := w.store.incidents["QNEW"].HasTicket; got != evidence.Yes {
					t.Errorf("after %s: has a ticket: %d", after, got)
				}
				w.later(5 * time.Minute)
				if restart {
					w.restart()
				}
				if r := w.collect(); r.err != nil {
					t.Fatal(r.err)
				}
			}
			if end := w.store.incidents["QNEW"]; end.ResolvedAt.IsZero() || w.tickets("QLATE") != "" {
				t.Fatalf("%+v, and one without a ticket is linked to %q", end, w.tickets("QLATE"))
			}

			// A ticket that is linked later comes with a later listing, and the log
			// need not say a word.
			account.Incidents = []pagerdutytest.Incident{in, late}
			account.Incidents[1].ExternalReferences = ticket("SHOP-13")
			w.fake.SetAccount(account)
			w.later(day)
			w.collect()
			if w.tickets("QLATE") != "SHOP-13" || w.tickets("QNEW") != "SHOP-12" {
				t.Errorf("after a day: linked to %q and %q", w.tickets("QLATE"), w.tickets("QNEW"))
			}
			// A listing that does not tell them takes none away.
			w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Drop: "external_references"})
			w.later(day)
			w.collect()
			w.fake.Heal()
			if w.tickets("QLATE") != "SHOP-13" || w.tickets("QNEW") != "SHOP-12" {
				t.Errorf("after a listing without tickets: linked to %q and %q", w.tickets("QLATE"), w.tickets("QNEW"))
			}
			// A record with an empty list does.
			account.Incidents = []pagerdutytest.Incident{in, late}
			w.fake.SetAccount(account)
			w.later(day)
			w.collect()
			if w.tickets("QLATE") != "" || w.tickets("QNEW") != "SHOP-12" {
				t.Errorf("after the link was removed: linked to %q and %q", w.tickets("QLATE"), w.tickets("QNEW"))
			}
		})
	}
}

func TestLinkedTicketsOfTheHistory(t *testing.T) {
	account, services := shop()
	in := happening("QOLD", 200*day, 0, time.Hour, "user_reference")
	in.ExternalReferences = ticket("SHOP-1")
	account.Incidents = []pagerdutytest.Incident{in}
	w := start(t, account, services, history(twoYears))
	w.keep()
	w.collect()
	if got := w.tickets("QOLD"); got != "SHOP-1" {
		t.Errorf("linked to %q", got)
	}
	w.restart()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Drop: "external_references"})
	w.later(31 * day)
	w.fake.Forget()
	if r := w.collect(); r.err != nil || w.fake.Count("GET /incidents") < 3 {
		t.Fatalf("%d requests, error %v", w.fake.Count("GET /incidents"), r.err)
	}
	if got := w.tickets("QOLD"); got != "SHOP-1" {
		t.Errorf("after a walk without tickets: linked to %q", got)
	}
}

// The reference does not list what asks for the tickets, so that an account may
// refuse it.
func TestAnAccountThatRefusesLinkedTickets(t *testing.T) {
	account, services := shop()
	in := happening("QNEW", time.Hour, time.Minute, 20*time.Minute, "user_reference")
	in.ExternalReferences = ticket("SHOP-12")
	account.Incidents = []pagerdutytest.Incident{in, happening("QOLD", 200*day, time.Minute, time.Hour, "user_reference")}
	w := start(t, account, services, history(twoYears))
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{
		Call: "GET /incidents", Query: "external_references", Status: 400, Messages: []string{"Invalid include"},
	})
	refusals := func() (n int) {
		for _, q := range w.fake.Requests() {
			if q.Call == "GET /incidents" && q.Status == 400 {
				n++
			}
		}
		return n
	}
	r := w.collect()
	if r.err != nil || r.groups() != every() || len(w.store.incidents) != 2 || refusals() != 1 {
		t.Errorf("covered %q, %d incidents, %d refusals, error %v", r.groups(), len(w.store.incidents), refusals(), r.err)
	}
	if got := w.store.incidents["QNEW"]; got.AcknowledgedAt.IsZero() || got.Channel != "api" || len(got.Links) != 1 {
		t.Errorf("incident %+v", got)
	}
	for _, c := range w.plan() {
		if strings.Contains(c.Query, "external_references") {
			t.Errorf("planned %+v", c)
		}
	}
	w.later(day)
	if r = w.collect(); r.err != nil || refusals() != 1 {
		t.Errorf("a day later: %d refusals, error %v", refusals(), r.err)
	}
	if n := strings.Count(w.log.String(), "external_references"); n != 1 ||
		!strings.Contains(w.log.String(), "Invalid include") {
		t.Errorf("logged %d times: %s", n, w.log)
	}
	// It is asked for again by a new process.
	w.fake.Heal()
	w.restart()
	w.later(day)
	if r = w.collect(); r.err != nil || w.tickets("QNEW") != "SHOP-12" {
		t.Errorf("linked to %q, error %v", w.tickets("QNEW"), r.err)
	}

	// Whatever else is refused is not taken for it.
	w = start(t, account, services)
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Status: 400})
	if r = w.collect(); !strings.HasPrefix(calls(r.err), "GET /incidents rejected") ||
		strings.Contains(r.groups(), "incidents") {
		t.Errorf("error %q, covered %q", calls(r.err), r.groups())
	}
	w.fake.Heal()
	w.later(5 * time.Minute)
	if r = w.collect(); r.err != nil || w.tickets("QNEW") != "SHOP-12" ||
		strings.Contains(w.log.String(), "external_references") {
		t.Errorf("linked to %q, error %v, logged %s", w.tickets("QNEW"), r.err, w.log)
	}
}

// A refusal for another reason says nothing about the tickets: the listing fails
// like any other, and the next one asks for them again.
func TestOnlyARejectedIncludeIsLeftOut(t *testing.T) {
	account, services := shop()
	in := happening("QNEW", time.Hour, time.Minute, 20*time.Minute, "user_reference")
	in.ExternalReferences = ticket("SHOP-12")
	account.Incidents = []pagerdutytest.Incident{in}
	w := start(t, account, services)
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Query: "external_references", Status: 403})
	if r := w.collect(); r.err == nil || len(w.store.incidents) != 0 {
		t.Errorf("%d incidents, error %v", len(w.store.incidents), r.err)
	}
	w.fake.Heal()
	w.later(time.Hour)
	if r := w.collect(); r.err != nil || len(w.store.incidents["QNEW"].Links) < 2 {
		t.Errorf("links %q, error %v", w.store.incidents["QNEW"].Links, r.err)
	}
}

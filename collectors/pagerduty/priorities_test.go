package pagerduty_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

// prioritized are incidents with the priorities.
func prioritized(names ...string) []pagerdutytest.Incident {
	var list []pagerdutytest.Incident
	for i, name := range names {
		in := happening(fmt.Sprint("Q", i), time.Duration(i+1)*day, time.Minute, time.Hour, "user_reference")
		in.Priority = name
		list = append(list, in)
	}
	return list
}

// listedPriorities are an account's priorities, from most to least severe.
func listedPriorities(names ...string) map[string][]map[string]any {
	var list []map[string]any
	for _, name := range names {
		list = append(list, map[string]any{"id": "PRIO" + name, "name": name, "type": "priority"})
	}
	return map[string][]map[string]any{"GET /priorities": list}
}

func TestSeverities(t *testing.T) {
	for name, tc := range map[string]struct {
		listed, seen []string
		own          map[string]int
		want         string
		unmapped     int
	}{
		"the order of the account": {
			listed: []string{"SEV0", "Critical", "High", "24x7-P1", "Sev 10", "Low"},
			seen:   []string{"SEV0", "Critical", "High", "24x7-P1", "Sev 10", "Low", ""}, want: "1 2 3 4 5 5 0",
		},
		"names without a list": {
			seen: []string{"P0", "P1", "SEV-2", "3 - Minor", "Critical", "24x7-P1", "Sev 10", "Critical"},
			want: "1 1 2 3 0 0 0 0", unmapped: 4,
		},
		"as the configuration says": {
			listed: []string{"High", "Critical"}, seen: []string{"critical ", "High"}, own: map[string]int{"Critical": 1},
			want: "1 1",
		},
		"a priority that the account has no more": {
			listed: []string{"High"}, seen: []string{"P2", "Odd"}, want: "2 0", unmapped: 1,
		},
		"names of PagerDuty's own beside a P0 that no incident has": {
			listed: []string{"P0", "P1", "P2"}, seen: []string{"P1", "P2"}, want: "2 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents, account.Others = prioritized(tc.seen...), listedPriorities(tc.listed...)
			w := start(t, account, services, func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) {
				o.Severities = tc.own
			})
			w.keep()
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			var got []string
			for i := range tc.seen {
				got = append(got, strconv.Itoa(w.store.incidents[fmt.Sprint("Q", i)].Severity))
			}
			if got := strings.Join(got, " "); got != tc.want {
				t.Errorf("severities %s, want %s", got, tc.want)
			}
			if got := r.reasons()[evidence.UncountedUnmappedSeverity]; got != tc.unmapped {
				t.Errorf("%d unmapped, want %d: %v", got, tc.unmapped, r.uncounted)
			}
			// A new process knows the severities of before while it asks again.
			w.restart()
			w.later(5 * time.Minute)
			if r := w.collect(); len(r.incidents) > 0 {
				t.Errorf("stored again: %v", r.incidents)
			}
			w.later(5 * time.Minute)
			if w.collect(); w.fake.Count("GET /priorities") != 2 {
				t.Errorf("priorities were asked for %d times, want once by each process", w.fake.Count("GET /priorities"))
			}
		})
	}
}

func TestPrioritiesThatAreNotNeededOrRefused(t *testing.T) {
	account, services := shop()
	account.Incidents = prioritized("", "")
	w := start(t, account, services)
	if r := w.collect(); r.err != nil || w.fake.Count("GET /priorities") != 0 {
		t.Errorf("asked %d times, error %v", w.fake.Count("GET /priorities"), r.err)
	}
	account.Incidents = prioritized("P1", "P2")
	w = start(t, account, services, func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) {
		o.Severities = map[string]int{"p1": 2, "P2": 3}
	})
	if r := w.collect(); r.err != nil || w.fake.Count("GET /priorities") != 0 {
		t.Errorf("all are mapped: asked %d times, error %v", w.fake.Count("GET /priorities"), r.err)
	}
	w = start(t, account, services)
	w.fake.Deny("priorities.read")
	if r := w.collect(); r.err != nil || r.incidents["Q0"].Severity != 1 || strings.Contains(w.log.String(), "level=WARN") {
		t.Errorf("the names say it: error %v, %+v\n%s", r.err, r.incidents, w.log)
	}
	account.Incidents = prioritized("P0", "Critical")
	w = start(t, account, services)
	w.keep()
	w.fake.Deny("priorities.read")
	r := w.collect()
	if r.err != nil || r.groups() != every() || r.incidents["Q0"].Severity != 1 || r.incidents["Q1"].Severity != 0 {
		t.Errorf("covered %q, error %v: %+v", r.groups(), r.err, r.incidents)
	}
	w.later(5 * time.Minute)
	w.collect()
	log := w.log.String()
	if w.fake.Count("GET /priorities") != 1 || !strings.Contains(log, "level=WARN") ||
		!strings.Contains(log, "priorities.read") {
		t.Errorf("asked %d times; %s", w.fake.Count("GET /priorities"), log)
	}
}

func TestTypesOfIncidents(t *testing.T) {
	for want, types := range map[string][]string{
		"3": nil, "2": {"base incident"}, "1": {"Other"},
	} {
		account, services := shop()
		account.Incidents = prioritized("", "", "")
		account.Incidents[0].Type, account.Incidents[1].Type = "Base Incident", "Service request"
		w := start(t, account, services, func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) {
			o.IncidentTypes = types
		})
		w.keep()
		r := w.collect()
		// One whose type is not known counts.
		r.want(t, "checkout", map[string]string{"high_urgency_90d": want})
		if got := strconv.Itoa(len(w.store.incidents)); r.err != nil || got != want || len(r.reasons()) > 0 {
			t.Errorf("types %q: %s stored, want %s, error %v, counted %v", types, got, want, r.err, r.reasons())
		}
		if !strings.Contains(w.log.String(), "without a type 1") {
			t.Errorf("the types are not named:\n%s", w.log)
		}
	}
}

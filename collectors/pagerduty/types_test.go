package pagerduty_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
)

// typesOf is what Verify says of the types of incidents.
func typesOf(w *world) collectors.Verified {
	w.t.Helper()
	for _, v := range w.source.Verify(w.t.Context(), w.services) {
		if v.What == "incident types" {
			return v
		}
	}
	w.t.Error("nothing is said of the types of incidents")
	return collectors.Verified{}
}

// TestTypesAreNamed by check --online and by a round, with how many incidents have them
// and which do not count.
func TestTypesAreNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		types  []string // of the configuration
		online string
		note   string // the middle of it
	}{
		"all count": {
			nil,
			"of the 4 newest incidents of the last 90 days: Base Incident 1, Service request 2, without a type 1",
			"by type: Base Incident 1, Service request 2, without a type 1;",
		},
		"one type counts": {
			[]string{"base incident"},
			"of the 4 newest incidents of the last 90 days: Base Incident 1, Service request 2 (do not count), " +
				"without a type 1",
			"by type: Base Incident 1, Service request 2 (do not count), without a type 1;",
		},
		"a type is misspelled": {
			[]string{"Base Incident", "Service requests"},
			"of the 4 newest incidents of the last 90 days: Base Incident 1, Service request 2 (do not count), " +
				`without a type 1; incident_types names what none of them is: "Service requests", did you mean ` +
				`"Service request"?`,
			`none of them is: "Service requests", did you mean "Service request"?;`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = prioritized("", "", "", "")
			account.Incidents[0].Type = "Base Incident"
			account.Incidents[1].Type, account.Incidents[2].Type = "Service request", "Service request"
			w := start(t, account, services, func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) {
				o.IncidentTypes = tc.types
			})
			if got := typesOf(w); got.Summary() != tc.online || got.Err != nil || len(got.Absent) > 0 {
				t.Errorf("online: %+v\nwant %s", got, tc.online)
			}
			if notes := w.source.Notes(); len(notes) > 0 {
				t.Errorf("before a round: %q", notes)
			}
			if r := w.collect(); r.err != nil {
				t.Fatal(r.err)
			}
			if notes := strings.Join(w.source.Notes(), "\n"); !strings.Contains(notes, tc.note) {
				t.Errorf("after a round: %q, want %q in it", notes, tc.note)
			}
		})
	}
}

// TestTypesOfOtherAccounts: without types, without incidents, with one that cannot be
// read, without an answer, and with more incidents than are read.
func TestTypesOfOtherAccounts(t *testing.T) {
	account, services := shop()
	w := start(t, account, services)
	if got := typesOf(w).Note; got != "there are no incidents of the last 90 days" {
		t.Errorf("without incidents: %q", got)
	}
	account.Incidents = crowd("PGOOD", 1200, 0)
	w = start(t, account, services)
	want := "none of the 1000 newest incidents of the last 90 days says its type: all count"
	if got := typesOf(w).Note; got != want || w.fake.Count("GET /incidents") != 10 {
		t.Errorf("with %d requests: %q", w.fake.Count("GET /incidents"), got)
	}
	if r := w.collect(); r.err != nil || len(w.source.Notes()) > 0 {
		t.Errorf("without types: %q, error %v", w.source.Notes(), r.err)
	}
	account.Incidents = prioritized("", "")
	w = start(t, account, services)
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: []string{`{"id":"Q9"}`}})
	if got := typesOf(w).Note; !strings.HasSuffix(got, "all count; 1 could not be read") {
		t.Errorf("with one that cannot be read: %q", got)
	}
	w.fake.Heal()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Status: 503})
	if got := typesOf(w); got.Err == nil || got.Note != "" {
		t.Errorf("without an answer: %s", fmt.Sprint(got))
	}
}

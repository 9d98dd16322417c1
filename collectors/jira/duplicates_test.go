package jira_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/correlation"
	"github.com/prodready/collector/evidence"
)

// duplicate is an incident ticket that was closed as a duplicate of others.
func duplicate(n int, component string, of ...string) jiratest.Issue {
	i := incident(n, component, noon.Add(-60*day))
	i.Done, i.DoneBy, i.Resolution, i.Duplicates = noon.Add(-59*day), "ann", "Duplicate", of
	return i
}

// outages describes the incidents that are made of what is stored, with their services.
func (w *world) outages() string {
	var records []evidence.Incident
	for _, in := range w.incidents {
		records = append(records, in)
	}
	var words []string
	_, outages := correlation.NewLinks().Update(records, time.Time{})
	slices.SortFunc(outages, func(a, b *correlation.Incident) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Records[0].ID, b.Records[0].ID))
	})
	for _, in := range outages {
		var names []string
		for _, ref := range in.Records {
			stored := w.incidents[ref.ID]
			names = append(names, stored.Name())
		}
		slices.Sort(names)
		words = append(words, fmt.Sprint(names, in.Services))
	}
	return strings.Join(words, " ")
}

// A ticket that was closed as a duplicate is a part of the original: one outage is one
// incident, of the services that either of them names. Where the original is not known,
// what it may be of is unknown, and the duplicate is counted.
func TestTheServicesOfADuplicateAreServicesOfTheOriginal(t *testing.T) {
	const unknown = "except uncounted"
	outage := incident(1, "cart", noon.Add(-60*day))
	outage.Done = noon.Add(-59 * day)
	with := func(i jiratest.Issue, change func(*jiratest.Issue)) jiratest.Issue {
		change(&i)
		return i
	}
	link := func(text string) func(*jiratest.Issue) {
		return func(i *jiratest.Issue) { i.Raw = map[string]string{"issuelinks": text} }
	}
	typed := func(name, inward, outward, end string) func(*jiratest.Issue) {
		return link(fmt.Sprintf(`[{"id":"1","type":{"id":"77","name":%q,"inward":%q,"outward":%q},%q:{"id":"10001",`+
			`"key":"SHOP-1"}}]`, name, inward, outward, end))
	}
	original := with(outage, func(i *jiratest.Issue) { i.ID = 10001 })
	for name, tc := range map[string]struct {
		issues []jiratest.Issue
		links  []string
		// outages are the incidents with their services; cart, checkout and reports are the
		// numbers of major ones.
		outages, cart, checkout, reports string
		counted                          string
	}{
		"one": {[]jiratest.Issue{outage, duplicate(2, "checkout", "SHOP-1")}, nil,
			"[SHOP-1 SHOP-2] [cart checkout]", "1", "1", "0", ""},
		"of no known severity itself": {[]jiratest.Issue{outage, with(duplicate(2, "checkout", "SHOP-1"),
			func(i *jiratest.Issue) { i.Priority = "" })}, nil, "[SHOP-1 SHOP-2] [cart checkout]", "1", "1", "0", ""},
		"of another project": {[]jiratest.Issue{outage,
			with(duplicate(2, "", "SHOP-1"), func(i *jiratest.Issue) { i.Key, i.Components = "REP-2", nil })}, nil,
			"[REP-2 SHOP-1] [cart reports]", "1", "0", "1", ""},
		"a chain": {[]jiratest.Issue{outage, duplicate(2, "till", "SHOP-1"), duplicate(3, "checkout", "SHOP-2")}, nil,
			"[SHOP-1 SHOP-2 SHOP-3] [cart checkout]", "1", "1", "0", "component till (project SHOP): 1 unknown_service"},
		"a circle": {[]jiratest.Issue{duplicate(1, "cart", "SHOP-2"), duplicate(2, "checkout", "SHOP-1")}, nil, "",
			unknown, unknown, "0", "duplicate SHOP-1: 1 unknown_target; duplicate SHOP-2: 1 unknown_target"},
		"of itself": {[]jiratest.Issue{duplicate(1, "cart", "SHOP-1")}, nil, "", unknown, "0", "0",
			"duplicate SHOP-1: 1 unknown_target"},
		"of a ticket that is deleted, or not to be seen": {[]jiratest.Issue{outage, duplicate(2, "checkout", "SEC-1")}, nil,
			"[SHOP-1] [cart]", "1", unknown, "0", "duplicate SHOP-2: 1 unknown_target"},
		"of a ticket that is no incident": {[]jiratest.Issue{duplicate(2, "checkout", "SHOP-9"),
			{Key: "SHOP-9", Components: []string{"checkout"}, Created: noon.Add(-60 * day)}}, nil, "", "0", unknown, "0",
			"duplicate SHOP-2: 1 unknown_target"},
		"of one that is closed as a duplicate of nothing": {[]jiratest.Issue{duplicate(1, "cart"),
			duplicate(2, "checkout", "SHOP-1")}, nil, "", unknown, unknown, "0",
			"duplicate SHOP-1: 1 unknown_target; duplicate SHOP-2: 1 unknown_target"},
		"of one before the history": {[]jiratest.Issue{with(outage, func(i *jiratest.Issue) {
			i.Created, i.Done = noon.Add(-900*day), noon.Add(-899*day)
		}), duplicate(2, "checkout", "SHOP-1")}, nil, "", "0", unknown, "0", "duplicate SHOP-2: 1 unknown_target"},
		"of nothing": {[]jiratest.Issue{outage, duplicate(2, "checkout")}, nil, "[SHOP-1] [cart]", "1", "0", "0", ""},
		"of two": {[]jiratest.Issue{original, duplicate(2, "checkout", "SHOP-1", "SEC-1")}, nil,
			"[SHOP-1 SHOP-2] [cart checkout]", "1", "1", "0", ""},
		"of one without a component": {[]jiratest.Issue{with(outage, func(i *jiratest.Issue) { i.Components = nil }),
			duplicate(2, "checkout", "SHOP-1")}, nil, "[SHOP-1 SHOP-2] [checkout]", "0", "1", "0", ""},
		"of one of no service": {[]jiratest.Issue{with(outage, func(i *jiratest.Issue) { i.Components = []string{"till"} }),
			duplicate(2, "checkout", "SHOP-1")}, nil, "[SHOP-1 SHOP-2] [checkout]", unknown, unknown, "0",
			"component till (project SHOP): 1 unknown_service"},
		"of one of no known severity": {[]jiratest.Issue{with(outage, func(i *jiratest.Issue) { i.Priority = "" }),
			duplicate(2, "checkout", "SHOP-1")}, nil, "[SHOP-1 SHOP-2] [cart checkout]", unknown, unknown, "0",
			"no severity (project SHOP): 1 unmapped_severity"},
		"of one that cannot be read": {[]jiratest.Issue{with(outage, func(i *jiratest.Issue) {
			i.Raw = map[string]string{"created": `"yesterday"`}
		}), with(duplicate(2, "", "SHOP-1"), func(i *jiratest.Issue) { i.Key, i.Components = "REP-2", nil })}, nil, "",
			"except undecodable", "except undecodable", unknown, "duplicate REP-2: 1 unknown_target"},
		"open": {[]jiratest.Issue{outage, with(duplicate(2, "checkout", "SHOP-1"), func(i *jiratest.Issue) {
			i.Done = time.Time{}
		})}, nil, "[SHOP-1] [cart] [SHOP-2] [checkout]", "1", "1", "0", ""},
		"linked in the wrong direction": {[]jiratest.Issue{with(outage, func(i *jiratest.Issue) {
			i.Duplicates = []string{"SHOP-2"}
		}), duplicate(2, "checkout")}, nil, "[SHOP-1] [cart]", "1", unknown, "0", "duplicate SHOP-2: 1 unknown_target"},
		"a clone": {[]jiratest.Issue{original, with(duplicate(2, "checkout"),
			typed("Cloners", "is cloned by", "clones", "outwardIssue"))}, nil, "[SHOP-1] [cart]", "1", "0", "0", ""},
		"a type of link with another name": {[]jiratest.Issue{original, with(duplicate(2, "checkout"),
			typed("Dupe", "is duplicated by", "Duplicates", "outwardIssue"))}, nil,
			"[SHOP-1 SHOP-2] [cart checkout]", "1", "1", "0", ""},
		"descriptions in another language": {[]jiratest.Issue{original, with(duplicate(2, "checkout"),
			typed("Duplicate", "wird dupliziert von", "dupliziert", "outwardIssue"))}, nil,
			"[SHOP-1 SHOP-2] [cart checkout]", "1", "1", "0", ""},
		"descriptions that are exchanged": {[]jiratest.Issue{original, with(duplicate(2, "checkout"),
			typed("Duplicate", "duplicates", "is duplicated by", "inwardIssue"))}, nil,
			"[SHOP-1 SHOP-2] [cart checkout]", "1", "1", "0", ""},
		"a type of one's own": {[]jiratest.Issue{original, with(duplicate(2, "checkout"),
			typed("Wiederholung", "wird wiederholt", "wiederholt", "outwardIssue"))}, []string{"wiederholung"},
			"[SHOP-1 SHOP-2] [cart checkout]", "1", "1", "0", ""},
		"no types": {[]jiratest.Issue{outage, duplicate(2, "checkout", "SHOP-1")}, []string{}, "[SHOP-1] [cart]", "1", "0",
			"0", ""},
		"a link with a key alone": {[]jiratest.Issue{outage, with(duplicate(2, "checkout"), link(`[{"id":"1","type":`+
			`{"name":"Duplicate","outward":"duplicates"},"outwardIssue":{"key":"SHOP-1"}}]`))}, nil, "[SHOP-1] [cart]",
			"1", unknown, "0", "duplicate SHOP-2: 1 unknown_target"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				site, services := shop(tc.issues...)
				w := start(t, dataCenter, site, services, func(s setup) { s.jira.Incidents.DuplicateLinks = tc.links })
				want := func(r *result) {
					t.Helper()
					r.want(t, "cart", map[string]string{"major_incidents_180d": tc.cart})
					r.want(t, "checkout", map[string]string{"major_incidents_180d": tc.checkout})
					r.want(t, "reports", map[string]string{"major_incidents_180d": tc.reports})
					if got := w.outages(); got != tc.outages {
						t.Errorf("outages %s, want %s", got, tc.outages)
					}
				}
				r := w.mustCollect()
				want(r)
				if got := r.tickets(); got != tc.counted {
					t.Errorf("counted %q, want %q", got, tc.counted)
				}
				// A process that lists only changes knows it, too, and so does a complete listing.
				w.restart()
				w.pass(10 * time.Minute)
				want(w.mustCollect())
				w.pass(jira.DefaultReconcileEvery)
				want(w.mustCollect())
				// So does one without a store.
				w = start(t, dataCenter, site, services, func(s setup) { s.jira.Incidents.DuplicateLinks = tc.links })
				w.storeless = true
				want(w.mustCollect())
			})
		})
	}
}

// A post-mortem of a duplicate is one of the original, which also began with it.
func TestWhatADuplicateAddsToTheOriginal(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		outage, again := incident(1, "cart", noon.Add(-60*day)), duplicate(2, "checkout", "SHOP-1")
		outage.Done, again.Created = noon.Add(-59*day), noon.Add(-61*day)
		pm := jiratest.Issue{Key: "REP-8", Labels: []string{"postmortem"}, Created: noon.Add(-50 * day),
			Done: noon.Add(-40 * day), Links: []string{"SHOP-2"}}
		site, services := shop(outage, again, pm)
		w := start(t, dataCenter, site, services)
		r := w.mustCollect()
		for _, service := range []string{"cart", "checkout"} {
			r.want(t, service, map[string]string{"postmortem_ratio_180d": "1", "major_incidents_180d": "1"})
		}
		part := r.incidents["SHOP-2"]
		if part.MergedInto == "" || part.Resolver != evidence.ResolverUnknown {
			t.Errorf("%+v", part)
		}
		// With it the outage began before the time that the facts look back over.
		w.pass(119*day + time.Hour)
		w.mustCollect().want(t, "cart", map[string]string{"major_incidents_180d": "0"})
	})
}

// A duplicate is a part of the original from when it is closed until it is opened again,
// whatever keys the two have, and as long as the original is there.
func TestADuplicateOverTime(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		outage, again := incident(1, "cart", noon.Add(-60*day)), duplicate(2, "checkout", "SHOP-1")
		outage.ID, again.ID, outage.Done = 10001, 10002, noon.Add(-59*day)
		again.Done = noon.Add(5 * time.Minute)
		site, services := shop(outage, again)
		w := start(t, dataCenter, site, services)
		want := func(outages, checkout string) {
			t.Helper()
			r := w.mustCollect()
			r.want(t, "checkout", map[string]string{"major_incidents_180d": checkout})
			if got := w.outages(); got != outages {
				t.Errorf("outages %s, want %s", got, outages)
			}
		}
		quiet := func() {
			t.Helper()
			w.pass(time.Hour)
			w.mustCollect() // it lists again what has changed shortly before the last round
			w.pass(time.Hour)
			before := w.mergedReads
			want("[SHOP-1 SHOP-2] [cart checkout]", "1")
			if w.mergedReads != before {
				t.Errorf("all stored incidents were read %d times in a round without a change", w.mergedReads-before)
			}
		}
		show := func(issues ...jiratest.Issue) {
			next, _ := shop(issues...)
			w.fake.SetSite(next)
		}
		want("[SHOP-1] [cart] [SHOP-2] [checkout]", "1")
		w.pass(10 * time.Minute)
		want("[SHOP-1 SHOP-2] [cart checkout]", "1")
		quiet()
		outage.Key, again.Duplicates = "INC-1", []string{"INC-1"}
		outage.Changes = []jiratest.Change{{At: w.clock().Add(5 * time.Minute), Field: "Key"}}
		services = append(services, refers("inc", "INC"))
		w.services = services
		show(outage, again)
		w.pass(10 * time.Minute)
		want("[INC-1 SHOP-2] [checkout inc]", "1")
		show(again)
		w.pass(jira.DefaultReconcileEvery)
		r := w.mustCollect()
		mayLack := evidence.IncidentDoubt{Service: "checkout", Newest: again.Created, Open: true}
		if len(r.doubts) != 1 || r.doubts[0] != mayLack {
			t.Errorf("figures that may lack the original: %v", r.doubts)
		}
		w.pass(10 * time.Minute)
		want("", "except uncounted")
		again.Changes = []jiratest.Change{{At: w.clock().Add(5 * time.Minute), Field: "status", To: "In Progress"}}
		show(again)
		w.pass(10 * time.Minute)
		want("[SHOP-2] [checkout]", "1")
	})
}

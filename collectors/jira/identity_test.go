package jira_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/evidence"
)

// listed are the stored incidents that are not gone, by name.
func (w *world) listed() map[string]evidence.Incident {
	found := map[string]evidence.Incident{}
	for _, in := range w.incidents {
		if !in.Gone {
			found[in.Name()] = in
		}
	}
	return found
}

// The id identifies an issue; its key is what people call it, and changes when the
// issue is moved or its project gets another key.
func TestMovedIncidentsAreTheSame(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		for name, isUpdated := range map[string]bool{"moved": true, "another key of the project": false} {
			var issues []jiratest.Issue
			for n := range 6 {
				i := incident(n, "", noon.Add(-60*day))
				i.Key, i.ID, i.Components = fmt.Sprintf("REP-%d", n), 10100+n, nil
				issues = append(issues, i)
			}
			site, services := shop(issues...)
			services = append(services, refers("ops", "OPS"))
			site.Projects = append(site.Projects, "OPS")
			w := start(t, dataCenter, site, services)
			w.mustCollect().want(t, "reports", map[string]string{"major_incidents_180d": "6"})
			for n := range issues {
				issues[n].Key = fmt.Sprintf("OPS-%d", n+50)
				if isUpdated {
					issues[n].Changes = []jiratest.Change{{At: noon.Add(5 * time.Minute), Field: "Key"}}
				}
			}
			next, _ := shop(issues...)
			next.Projects = append(next.Projects, "REP", "OPS")
			w.fake.SetSite(next)
			wait := 10 * time.Minute
			if !isUpdated {
				wait = jira.DefaultReconcileEvery
			}
			w.pass(wait)
			w.mustCollect()
			found := w.listed()
			if len(found) != 6 || found["OPS-50"].ID != "10100" || fmt.Sprint(found["OPS-50"].Services) != "[ops]" {
				t.Errorf("%s: %d incidents: %v", name, len(found), found)
			}
			w.pass(10 * time.Minute)
			r := w.mustCollect()
			r.want(t, "ops", map[string]string{"major_incidents_180d": "6"})
			r.want(t, "reports", map[string]string{"major_incidents_180d": "0"})
		}
	})
}

// A post-mortem is found by the id of the incident, whatever its key was.
func TestThePostmortemOfAMovedIncident(t *testing.T) {
	i := incident(1, "cart", noon.Add(-60*day))
	pm := jiratest.Issue{Key: "REP-9", Labels: []string{"postmortem"}, Created: noon.Add(-50 * day),
		Done: noon.Add(-40 * day), Links: []string{"SHOP-1"}}
	site, services := shop(i, pm)
	w := start(t, false, site, services)
	w.mustCollect().want(t, "cart", map[string]string{"postmortem_ratio_180d": "1"})
}

// A store of a release that stored incidents under their keys has each once after the
// first round, however many they are.
func TestAStoreOfKeysIsReadOn(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		issues := crowd(150, time.Hour)
		site, services := shop(issues...)
		w := start(t, dataCenter, site, services)
		w.cursors["incidents"] = `{"hash":"0123456789abcdef","through":"2026-03-04T11:00:00Z","swept":"2026-03-04T11:00:00Z"}`
		for _, i := range issues {
			w.incidents[i.Key] = evidence.Incident{Source: "jira/main", ID: i.Key, Services: []string{"cart"},
				StartedAt: i.Created, ResolvedAt: i.Done, UpdatedAt: i.Done, Links: []string{i.Key}}
		}
		w.mustCollect()
		found := w.listed()
		if len(found) != 150 {
			t.Errorf("%d incidents, want 150", len(found))
		}
		for name, in := range found {
			if in.ID == name || !strings.Contains(fmt.Sprint(in.Links), name) {
				t.Fatalf("%+v", in)
			}
		}
		if old := w.incidents["SHOP-1000"]; !old.Gone || !strings.Contains(old.GoneWhy, "under the id of its ticket") {
			t.Errorf("%+v", old)
		}
	})
}

// A review and the attestation on it keep their identity when they are moved, or their
// project gets another key, between rounds and while the process is down: nothing is
// there twice, and the attestation is never withdrawn nor made anew.
func TestMovedReviewsAndAttestationsAreTheSame(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		for name, tc := range map[string]struct{ isUpdated, restarts bool }{
			"moved": {true, false}, "moved while the process was down": {true, true},
			"another key of the project": {false, false}, "another key while the process was down": {false, true},
		} {
			v, c := review(7, "cart", noon.Add(-90*day)), attestation(8, "PRR-7", "rel-failover-proven", noon.Add(-9*day))
			v.ID, c.ID = 10700, 10800
			site, services := shop(v, c)
			site.Projects = append(site.Projects, "OPS")
			w := start(t, dataCenter, site, services, func(s setup) { s.jira.Reviews.JQL = `issuetype = "Review"` })
			check := func(r *result, review, attestation string) {
				t.Helper()
				r.want(t, "cart", map[string]string{"attest.rel_failover_proven": "true"})
				record := r.records["cart attest.rel_failover_proven"]
				if !record.Since.Equal(c.Done) || !strings.Contains(record.Detail, attestation) {
					t.Errorf("%s: attested since %s: %s", name, record.Since, record.Detail)
				}
				if got := w.reviews["10700 cart"]; len(w.reviews) != 1 || got.Gone || got.Key != review {
					t.Errorf("%s: %+v, want %s alone", name, w.reviews, review)
				}
			}
			check(w.mustCollect(), "PRR-7", "PRR-8 on PRR-7")
			v.Key, c.Key, c.Parent = "OPS-3", "OPS-4", "OPS-3"
			if tc.isUpdated {
				v.Changes = []jiratest.Change{{At: noon.Add(5 * time.Minute), Field: "Key", From: "PRR-7", To: "OPS-3"}}
				c.Changes = []jiratest.Change{{At: noon.Add(5 * time.Minute), Field: "Key", From: "PRR-8", To: "OPS-4"}}
			}
			next, _ := shop(v, c)
			next.Projects = append(next.Projects, "OPS")
			w.fake.SetSite(next)
			w.pass(10 * time.Minute)
			if tc.restarts {
				w.restart()
			}
			if r := w.mustCollect(); tc.isUpdated || tc.restarts {
				check(r, "OPS-3", "OPS-4 on OPS-3")
			} else {
				check(r, "PRR-7", "PRR-8 on PRR-7") // nothing says so before everything is listed
			}
			w.pass(jira.DefaultReconcileEvery)
			check(w.mustCollect(), "OPS-3", "OPS-4 on OPS-3")
		}
	})
}

// A store of a release that stored reviews under their keys has each once after the
// first round, apart from one that cannot be read.
func TestAStoreOfReviewKeysIsReadOn(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		var issues []jiratest.Issue
		for n := range 150 {
			issues = append(issues, review(n, "cart", noon.Add(-90*day)))
		}
		issues[149].Raw = map[string]string{"status": "7"}
		site, services := shop(issues...)
		w := start(t, dataCenter, site, services)
		for _, i := range issues {
			w.reviews[i.Key+" cart"] = evidence.Review{Source: "jira/main", ID: i.Key, Service: "cart",
				Status: evidence.ReviewOpen, CreatedAt: i.Created}
		}
		w.mustCollect()
		if v := w.reviews["PRR-149 cart"]; v.Gone {
			t.Errorf("one that cannot be read: %+v", v)
		}
		issues[149].Raw = nil
		next, _ := shop(issues...)
		w.fake.SetSite(next)
		w.pass(jira.DefaultReconcileEvery)
		w.mustCollect()
		names := map[string]bool{}
		for _, v := range w.reviews {
			if v.Gone {
				continue
			}
			if v.ID == v.Name() || names[v.Name()] {
				t.Errorf("%+v", v)
			}
			names[v.Name()] = true
		}
		if len(names) != 150 || strings.Contains(w.log.String(), "misses many") {
			t.Errorf("%d reviews, want 150: %s", len(names), w.log)
		}
	})
}

// A moved incident keeps the keys that it had, because pages and notes name them.
func TestFormerKeysOfAnIncident(t *testing.T) {
	both(t, func(t *testing.T, dataCenter bool) {
		i := incident(1, "cart", noon.Add(-60*day))
		i.Changes = append(i.Changes,
			jiratest.Change{At: noon.Add(-59 * day), Field: "Key", From: "INC-7", To: "REP-2"},
			jiratest.Change{At: noon.Add(-58 * day), Field: "Key", From: "REP-2", To: i.Key})
		site, services := shop(i)
		w := start(t, dataCenter, site, services)
		w.mustCollect()
		if got := fmt.Sprint(w.listed()[i.Key].FormerKeys); got != "[INC-7 REP-2]" {
			t.Errorf("former keys %s", got)
		}
	})
}

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

package pagerduty_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

func TestAutomation(t *testing.T) {
	account, services := shop()
	account.WorkflowTriggers = []pagerdutytest.WorkflowTrigger{
		{ID: "T1", Services: []string{"PGOOD", "PBAD"}}, {ID: "T2", AllServices: true},
		{ID: "T3", Services: []string{"PBAD"}},
		{ID: "T4", Services: []string{"PGOOD"}, Disabled: true}, {ID: "T5", Services: []string{"PGOOD"}, Type: "manual"},
		{ID: "T6", Services: []string{"PGOOD"}, WorkflowDisabled: true}, {ID: "T7", Type: "incident_type", AllServices: true},
	}
	ran := noon.Add(-10 * day)
	account.AutomationActions = []pagerdutytest.AutomationAction{
		{ID: "A1", FromOrchestration: true, Services: []string{"PGOOD"}, LastRun: ran},
		{ID: "A2", FromOrchestration: true, AllServices: true, LastRun: ran},
		{ID: "A3", Services: []string{"PGOOD"}, LastRun: ran},
		{ID: "A4", FromOrchestration: true, Services: []string{"PGOOD"}},
		{ID: "A5", FromOrchestration: true, Services: []string{"PGOOD"}, LastRun: noon.Add(-91 * day)},
		{ID: "A6", FromOrchestration: true, LastRun: ran},
	}
	r := start(t, account, append(services, refers("both", "PGOOD", "PBAD"))).collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "checkout", map[string]string{"automatic_workflows": "3", "orchestrated_actions": "2"})
	r.want(t, "reports", map[string]string{"automatic_workflows": "4", "orchestrated_actions": "1"})
	r.want(t, "both", map[string]string{"automatic_workflows": "4", "orchestrated_actions": "2"})
}

func TestAlertGrouping(t *testing.T) {
	account, services := shop()
	account.Services[0].AlertGrouping = ""
	for _, tc := range []struct {
		setting string
		paused  bool
		own     string
		want    string
	}{
		{"", true, "", "false"}, {"", true, "intelligent", "true"}, {"", true, "content_based", "true"},
		{"", true, "time", "false"},
		{"time", true, "", "false"}, {"content_based", true, "", "true"}, {"content_based_intelligent", true, "time", "true"},
		{"content_based", false, "", "false"},
	} {
		account.Services[0].AlertGrouping, account.Services[0].AutoPause = tc.own, tc.paused
		account.AlertGroupings = []pagerdutytest.AlertGrouping{{
			ID: "GOTHER", Type: "intelligent", Services: []string{"PELSE"},
		}}
		if tc.setting != "" {
			account.AlertGroupings = append(
				account.AlertGroupings,
				pagerdutytest.AlertGrouping{ID: "G1", Type: tc.setting, Services: []string{"PELSE", "PGOOD"}},
			)
		}
		r := start(t, account, services).collect()
		if got := r.value("checkout", "adaptive_alerting"); got != tc.want || r.err != nil {
			t.Errorf("%+v: %s, error %v", tc, got, r.err)
		}
	}
	// A setting that cannot be read may be about a service for which it matters.
	account.Services[0].AlertGrouping, account.Services[0].AutoPause = "", true
	account.AlertGroupings = nil
	for record, want := range map[string]string{
		`{"id":"G9"}`: "except undecodable", `{"id":"G9","services":[{"id":"PGOOD"}]}`: "except undecodable",
		`{"id":"G9","services":[{"id":"PELSE"}]}`: "false",
	} {
		w := start(t, account, services)
		w.fake.Inject(pagerdutytest.Fault{Call: "GET /alert_grouping_settings", Records: []string{record}})
		r := w.collect()
		r.want(t, "checkout", map[string]string{"adaptive_alerting": want, "integrations": "2"})
	}
}

func TestListingsThatArePagedByCursors(t *testing.T) {
	account, services := shop()
	for i := range 250 {
		account.WorkflowTriggers = append(
			account.WorkflowTriggers, pagerdutytest.WorkflowTrigger{ID: fmt.Sprint("T", i), AllServices: true},
		)
		account.AutomationActions = append(
			account.AutomationActions,
			pagerdutytest.AutomationAction{
				ID: fmt.Sprint("A", i), AllServices: true, FromOrchestration: true, LastRun: noon.Add(-time.Hour),
			},
		)
		account.AlertGroupings = append(
			account.AlertGroupings,
			pagerdutytest.AlertGrouping{ID: fmt.Sprint("G", i), Type: "content_based", Services: []string{"PELSE"}},
		)
	}
	account.Services[0].AlertGrouping = ""
	account.AlertGroupings[249].Services = []string{"PGOOD"}
	w := start(t, account, services)
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(
		t, "checkout",
		map[string]string{"automatic_workflows": "250", "orchestrated_actions": "250", "adaptive_alerting": "true"},
	)
	for _, call := range []string{
		"GET /incident_workflows/triggers", "GET /automation_actions/actions", "GET /alert_grouping_settings",
	} {
		if n := w.fake.Count(call); n != 3 {
			t.Errorf("%s: %d requests, want 3", call, n)
		}
	}
}

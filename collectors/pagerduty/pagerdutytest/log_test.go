package pagerdutytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

func TestLog(t *testing.T) {
	created := noon.Add(-day)
	account := many(1)
	account.Services[0].AutoResolve = time.Hour
	account.Incidents = []pagerdutytest.Incident{
		{
			ID: "Q1", Service: "P0", CreatedAt: created, AcknowledgedAt: created.Add(2 * time.Minute),
			ResolvedAt: created.Add(time.Hour), ResolvedBy: "service_reference",
			Notes:         []pagerdutytest.Note{{At: created.Add(5 * time.Minute)}},
			Notifications: []pagerdutytest.Notification{{At: created.Add(time.Minute), User: "U1"}},
		},
		{ID: "Q2", Service: "P0", CreatedAt: noon.Add(-time.Hour), ResolvedAt: noon.Add(time.Hour)},
	}
	s := pagerdutytest.New(pagerdutytest.Options{
		Account: account, Now: func() time.Time { return noon }, Fail: func(msg string) { t.Error(msg) },
	})
	for query, want := range map[string]string{
		"":                  "Q2L Q1Lresolve0 Q1Lannotate0 Q1Lacknowledge0 Q1Lnotify0U1 Q1L",
		"?is_overview=true": "Q2L Q1Lresolve0 Q1Lacknowledge0 Q1L",
		"?since=2026-03-03T12:01:00Z&until=2026-03-03T12:05:00Z": "Q1Lacknowledge0 Q1Lnotify0U1",
		"?since=2026-03-04T11:00:00Z&until=2026-03-04T14:00:00Z": "Q2L", // the future has not happened
		"?since=2026-03-03T12:00:00Z&until=2026-03-03T12:00:01Z": "Q1L",
	} {
		if got := strings.Join(ask(t, s, "/log_entries"+query).ids, " "); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/log_entries?include[]=incidents&is_overview=true", nil))
	var page struct {
		LogEntries []struct {
			Type     string
			Channel  struct{ Type *string }
			Incident struct{ ID, Status string }
		} `json:"log_entries"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	if e := page.LogEntries[0]; e.Channel.Type != nil || e.Incident.Status != "triggered" {
		t.Errorf("the entry of an incident without a channel: %+v", e)
	}
	if e := page.LogEntries[1]; e.Type != "resolve_log_entry" || *e.Channel.Type != "timeout" ||
		e.Incident.Status != "resolved" {
		t.Errorf("the resolution: %+v", e)
	}
}

func TestCursorPages(t *testing.T) {
	account := many(1)
	for i := range 30 {
		account.WorkflowTriggers = append(account.WorkflowTriggers, pagerdutytest.WorkflowTrigger{ID: fmt.Sprint("T", i)})
		account.AutomationActions = append(account.AutomationActions, pagerdutytest.AutomationAction{ID: fmt.Sprint("A", i)})
		account.AlertGroupings = append(account.AlertGroupings, pagerdutytest.AlertGrouping{ID: fmt.Sprint("G", i)})
	}
	var failed []string
	s := pagerdutytest.New(pagerdutytest.Options{
		Account: account, Fail: func(msg string) { failed = append(failed, msg) },
	})
	for path, parameter := range map[string]string{
		"/incident_workflows/triggers": "cursor", "/automation_actions/actions": "cursor",
		"/alert_grouping_settings": "after",
	} {
		got, next := 0, ""
		for range 3 {
			query := "?limit=20"
			if next != "" {
				query += "&" + parameter + "=" + next
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+query, nil))
			var page struct {
				Next  *string `json:"next_cursor"`
				After *string `json:"after"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
				t.Fatal(path, w.Code, err)
			}
			got += len(ask(t, s, path+query).ids)
			if page.Next == nil {
				page.Next = page.After
			}
			if page.Next == nil {
				break
			}
			next = *page.Next
		}
		if got != 30 {
			t.Errorf("%s: %d records, want 30", path, got)
		}
	}
	if len(failed) != 0 {
		t.Errorf("known requests failed the test: %v", failed)
	}
	for _, query := range []string{"?offset=10", "?total=true", "?page=2"} {
		before := len(failed)
		if a := ask(t, s, "/automation_actions/actions"+query); a.status != http.StatusBadRequest || len(failed) != before+1 {
			t.Errorf("%s: %d, reported %v", query, a.status, failed[before:])
		}
	}
	if a := ask(t, s, "/automation_actions/actions?cursor=mine"); a.status != http.StatusBadRequest {
		t.Errorf("a cursor of somebody else: %d", a.status)
	}
}

func TestUsersAndChanges(t *testing.T) {
	account := many(2)
	account.Users = []pagerdutytest.User{{ID: "U1", TimeZone: "Europe/Berlin"}}
	account.Schedules = []pagerdutytest.Schedule{{ID: "S", Users: []string{"U1", "U2"}}}
	account.ChangeEvents = []pagerdutytest.ChangeEvent{
		{ID: "C1", At: noon.Add(-2 * day)}, {ID: "C2", At: noon.Add(-day)}, {ID: "C3", At: noon.Add(day)},
	}
	s := pagerdutytest.New(pagerdutytest.Options{Account: account, Now: func() time.Time { return noon }})
	for path, want := range map[string]string{
		"/users":         "U1 U2",
		"/change_events": "C2 C1",
		"/change_events?since=2026-03-02T12:00:00Z&until=2026-03-03T12:00:00Z": "C1",
		"/change_events?since=2025-01-02T12:00:00Z&until=2026-03-03T12:00:00Z": "", // more than six months
	} {
		if got := strings.Join(ask(t, s, path).ids, " "); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

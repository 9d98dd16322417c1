package pagerduty_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// entry is a log entry of the incident QNEW, some minutes after its begin.
func entry(id, kind string, minutes float64, more string) string {
	at := noon.Add(-time.Hour + time.Duration(minutes*float64(time.Minute)))
	return fmt.Sprintf(
		`{"id":%q,"type":%q,"created_at":%q,"incident":{"id":"QNEW","type":"incident_reference"}%s}`, id, kind,
		at.Format(time.RFC3339), more,
	)
}

const (
	byU1      = `,"agent":{"id":"U1","type":"user_reference","summary":"Ann Example"}`
	byService = `,"agent":{"id":"PGOOD","type":"service_reference"}`
	toU2andU3 = `,"assignees":[{"id":"U2","type":"user_reference"},{"id":"U3","type":"user_reference"}]`
)

// The fields of an incident that come from the log.
func TestDetailsOfAnIncident(t *testing.T) {
	for name, tc := range map[string]struct {
		entries                           []string
		escalations, reassignments, notes int
		responders                        string
	}{
		"nothing": {nil, 0, 0, 0, ""},
		"the first assignment, of two people": {[]string{
			entry("L1", "assign_log_entry", 0, byService+`,"assignees":[{"id":"U2","type":"user_reference"}]`),
			entry("L2", "assign_log_entry", 0.1, byService+`,"assignees":[{"id":"U3","type":"user_reference"}]`),
		}, 0, 0, 0, ""},
		"a reassignment": {[]string{entry("L1", "assign_log_entry", 5, byU1+toU2andU3)}, 0, 1, 0, "U2 U3"},
		"a reassignment to two people, an entry each": {[]string{
			entry("L1", "assign_log_entry", 5, byU1+`,"assignees":[{"id":"U2","type":"user_reference"}]`),
			entry("L2", "assign_log_entry", 5, byU1+`,"assignees":[{"id":"U3","type":"user_reference"}]`),
		}, 0, 1, 0, "U2 U3"},
		"two reassignments": {
			[]string{entry("L1", "assign_log_entry", 5, byU1+toU2andU3), entry("L2", "reassign_log_entry", 6, toU2andU3)}, 0, 2,
			0, "U2 U3",
		},
		"to another policy": {[]string{entry("L1", "delegate_log_entry", 5, byU1+toU2andU3)}, 0, 1, 0, "U2 U3"},
		"an escalation":     {[]string{entry("L1", "escalate_log_entry", 5, toU2andU3)}, 1, 0, 0, ""},
		"an escalation to two": {
			[]string{entry("L1", "escalate_log_entry", 5, toU2andU3), entry("L2", "escalate_log_entry", 5, toU2andU3)}, 1, 0, 0,
			"",
		},
		"two escalations": {
			[]string{entry("L1", "escalate_log_entry", 5, ""), entry("L2", "escalate_log_entry", 35, "")}, 2, 0, 0, "",
		},
		"a note": {[]string{entry("L1", "annotate_log_entry", 5, byU1)}, 0, 0, 1, "U1"},
		"a note of an app's": {
			[]string{entry("L1", "annotate_log_entry", 5, `,"agent":{"id":"PAPP","type":"api_key_reference"}`)}, 0, 0, 1, "",
		},
		"an entry that is there twice": {
			[]string{
				entry("L1", "annotate_log_entry", 5, byU1), entry("L1", "annotate_log_entry", 5, byU1),
				entry("L2", "escalate_log_entry", 6, ""), entry("L2", "escalate_log_entry", 6, ""),
			},
			1, 0, 1, "U1",
		},
		"an acknowledgement": {[]string{entry("L1", "acknowledge_log_entry", 5, byU1)}, 0, 0, 0, "U1"},
		"a resolution":       {[]string{entry("L1", "resolve_log_entry", 20, byU1)}, 0, 0, 0, "U1"},
		"several people": {
			[]string{
				entry("L1", "acknowledge_log_entry", 5, byU1), entry("L2", "assign_log_entry", 6, toU2andU3),
				entry("L3", "annotate_log_entry", 7, byU1),
			},
			0, 1, 1, "U1 U2 U3",
		},
		"others are of no meaning": {[]string{
			entry("L1", "notify_log_entry", 1, `,"user":{"id":"U9"}`), entry("L2", "snooze_log_entry", 5, byU1),
			entry("L3", "unacknowledge_log_entry", 6, byU1),
			entry("L4", "repeat_escalation_path_log_entry", 7, ""), entry("L5", "exhaust_escalation_path_log_entry", 8, ""),
			entry("L6", "reach_ack_limit_log_entry", 9, ""),
			entry("L7", "urgency_change_log_entry", 9, byU1), entry("L8", "custom_field_value_change_log_entry", 9, byU1),
			entry("L9", "priority_change_log_entry", 9, byU1),
		}, 0, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = []pagerdutytest.Incident{happening("QNEW", time.Hour, 0, 20*time.Minute, "service_reference")}
			w := start(t, account, services)
			w.fake.Inject(pagerdutytest.Fault{Call: "GET /log_entries", Skip: 9, Times: 1, Records: tc.entries})
			r := w.collect()
			got := r.incidents["QNEW"]
			people := strings.ReplaceAll(strings.Join(got.Responders, " "), "hash of ", "")
			if r.err != nil || !got.AcksKnown || got.Escalations != tc.escalations || got.Reassignments != tc.reassignments ||
				got.Notes != tc.notes || people != tc.responders {
				t.Errorf(
					"%d escalations, %d reassignments, %d notes by %q: %+v, error %v", got.Escalations, got.Reassignments, got.Notes,
					people, got, r.err,
				)
			}
			if text := fmt.Sprintf("%+v %s", r, w.log); strings.Contains(text, "Ann") ||
				strings.Contains(strings.ReplaceAll(text, "hash of U", ""), "U9") {
				t.Error("a person is named")
			}
		})
	}
}

// Whoever moves, ends or writes about an incident has not acknowledged it.
func TestExplicitAcknowledgementsOnly(t *testing.T) {
	for _, kind := range []string{
		"trigger", "acknowledge", "unacknowledge", "escalate", "assign", "reassign", "delegate", "snooze", "resolve",
		"annotate", "notify",
		"repeat_escalation_path", "exhaust_escalation_path", "reach_ack_limit", "urgency_change", "priority_change",
		"custom_field_value_change",
		"status_update", "responder_request", "responder_accept", "merge", "link",
	} {
		for _, ago := range []time.Duration{time.Hour, 100 * day} {
			t.Run(fmt.Sprint(kind, " ", ago), func(t *testing.T) {
				account, services := shop()
				account.Incidents = []pagerdutytest.Incident{happening("QNEW", ago, 0, 20*time.Minute, "user_reference")}
				w := start(t, account, services, history(120*day))
				w.keep()
				at := noon.Add(-ago + 5*time.Minute)
				said := fmt.Sprintf(`{"id":"L1","type":"%s_log_entry","created_at":%q,"incident":{"id":"QNEW","type":"incident_reference"},"channel":{"type":"website"}%s}`,
					kind, at.Format(time.RFC3339), byU1+toU2andU3)
				// The ten windows of the newest 90 days come before the history.
				w.fake.Inject(pagerdutytest.Fault{
					Call: "GET /log_entries", Skip: map[time.Duration]int{time.Hour: 9, 100 * day: 10}[ago], Times: 1,
					Records: []string{said},
				})
				r := w.collect()
				want := time.Time{}
				if kind == "acknowledge" {
					want = at
				}
				if got := w.store.incidents["QNEW"]; r.err != nil || !got.AcksKnown || !got.AcknowledgedAt.Equal(want) {
					t.Errorf("acknowledged at %s, want %s: %+v, error %v", got.AcknowledgedAt, want, got, r.err)
				}
			})
		}
	}
}

func TestPeopleWithoutAHash(t *testing.T) {
	account, services := shop()
	account.Incidents = []pagerdutytest.Incident{happening(
		"QNEW", time.Hour, time.Minute, 20*time.Minute, "user_reference",
	)}
	w := start(t, account, services)
	w.anonymous = true
	r := w.collect()
	if got := r.incidents["QNEW"]; !got.AcksKnown || got.AcknowledgedAt.IsZero() || got.Responders != nil {
		t.Errorf("incident %+v, error %v", got, r.err)
	}
}

func TestPriorityAndLinks(t *testing.T) {
	account, services := shop()
	w := start(t, account, services)
	record := func(id, more string) string {
		return fmt.Sprintf(
			`{"id":%q,"title":"x","status":"triggered","urgency":"high","created_at":"2026-03-04T11:00:00Z","service":{"id":"PGOOD"}%s}`,
			id, more,
		)
	}
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Records: []string{
		record("Q1", `,"priority":{"name":"SEV-2","summary":"SEV-2 of ours"}`), record("Q2", `,"priority":{"summary":"P4"}`),
		record("Q3", `,"priority":null`),
		record(
			"Q4",
			`,"priority":{"name":"Major"},"html_url":null,"external_references":[null,{"external_id":"OPS-1","external_url":null},{"external_url":"https://jira.example/browse/OPS-2"}]`,
		),
	}})
	r := w.collect()
	if r.err != nil || len(r.skipped) > 0 {
		t.Fatalf("error %v, skipped %v", r.err, r.skipped)
	}
	for id, want := range map[string]string{
		"Q1": "SEV-2 2 []", "Q2": "P4 4 []", "Q3": " 0 []", "Q4": "Major 0 [OPS-1 https://jira.example/browse/OPS-2]",
	} {
		in := r.incidents[id]
		if got := fmt.Sprint(in.Priority, " ", in.Severity, " ", in.Links); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

// Each of these makes the vendor's library fail, panic or guess.
func TestUndecodableIncidentsAndLogEntries(t *testing.T) {
	incident := func(more string) string {
		return `{"id":"QTRAP","title":"x","status":"triggered","urgency":"high","created_at":"2026-03-04T11:00:00Z","service":{"id":"PGOOD"}` + more + `}`
	}
	for name, tc := range map[string]struct {
		call, record, kind string
	}{
		"details in a body": {
			"GET /incidents", incident(`,"body":{"type":"incident_body","details":{"cpu":97,"tags":["a"]}}`), "",
		},
		"a channel without a type": {
			"GET /incidents",
			incident(`,"first_trigger_log_entry":{"type":"trigger_log_entry","channel":{"type":null,"details":{"n":1}}}`), "",
		},
		"event details of every kind": {
			"GET /incidents",
			incident(`,"first_trigger_log_entry":{"channel":{"type":"api"},"event_details":{"n":1,"l":[],"o":{}}}`), "",
		},
		"an agent that is null": {
			"GET /incidents", incident(`,"last_status_change_by":null,"assignments":null,"teams":null`), "",
		},
		"an incident that is a number": {"GET /incidents", `17`, "incident"},
		"a time that is a number":      {"GET /incidents", incident(`,"updated_at":1767225600`), "incident"},
		"a time without a zone":        {"GET /incidents", incident(`,"updated_at":"2026-03-04T11:00:00"`), "incident"},
		"an entry's channel without type": {
			"GET /log_entries", entry("LTRAP", "trigger_log_entry", 0, `,"channel":{"type":null}`), "",
		},
		"an entry's details of every kind": {
			"GET /log_entries", entry("LTRAP", "acknowledge_log_entry", 1, `,"event_details":{"n":1,"b":false},"contexts":null`),
			"",
		},
		"assignees that are null": {"GET /log_entries", entry("LTRAP", "assign_log_entry", 5, `,"assignees":null`), ""},
		"an assignee that is null": {
			"GET /log_entries", entry("LTRAP", "assign_log_entry", 5, `,"assignees":[null,{"id":null,"type":null}]`), "",
		},
		"an agent without a type": {
			"GET /log_entries", entry("LTRAP", "resolve_log_entry", 20, `,"agent":{"id":"U1"}`), "",
		},
		"assignees that are text": {
			"GET /log_entries", entry("LTRAP", "assign_log_entry", 5, `,"assignees":"everybody"`), "log_entry",
		},
		"an entry without a type": {"GET /log_entries", entry("LTRAP", "", 5, ""), "log_entry"},
		"an entry that is a list": {"GET /log_entries", `[]`, "log_entry"},
		"a window without an end": {
			"GET /maintenance_windows",
			`{"id":"MTRAP","start_time":"2026-03-04T11:00:00Z","end_time":null,"services":[{"id":"PNOBODY"}]}`,
			"maintenance_window",
		},
		"a window that ends before": {
			"GET /maintenance_windows",
			`{"id":"MTRAP","start_time":"2026-03-04T11:00:00Z","end_time":"2026-03-04T10:00:00Z","services":[null]}`,
			"maintenance_window",
		},
		"a window of null services": {
			"GET /maintenance_windows",
			`{"id":"MTRAP","start_time":"2026-03-04T11:00:00Z","end_time":"2026-03-04T12:00:00Z","services":null,"teams":null}`,
			"",
		},
	} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, history %t", name, old), func(t *testing.T) {
				account, services := shop()
				fault := pagerdutytest.Fault{Call: tc.call, Records: []string{tc.record}}
				var w *world
				if old {
					// The same in the part of the history that comes in chunks.
					account.Incidents = []pagerdutytest.Incident{
						happening("QNEW", 100*day, 0, 20*time.Minute, "user_reference"),
						happening("QKEEP", 101*day, time.Minute, time.Hour, "user_reference"),
					}
					fault.Skip = map[string]int{"GET /incidents": 2, "GET /log_entries": 10}[tc.call]
					if tc.call == "GET /incidents" {
						fault.Records[0] = strings.ReplaceAll(tc.record, "2026-03-04T11", "2025-11-24T13")
					}
					w = start(t, account, services, history(120*day))
				} else {
					account.Incidents = []pagerdutytest.Incident{
						happening("QNEW", time.Hour, 0, 20*time.Minute, "user_reference"),
						happening("QKEEP", 2*time.Hour, time.Minute, time.Hour, "user_reference"),
					}
					w = start(t, account, services)
				}
				w.keep()
				w.fake.Inject(fault)
				r := w.collect()
				if r.err != nil || r.groups() != every() {
					t.Fatalf("covered %q, error %v", r.groups(), r.err)
				}
				kept := w.store.incidents["QKEEP"]
				if !kept.AcksKnown || kept.AcknowledgedAt.IsZero() || w.store.incidents["QNEW"].ID == "" {
					t.Errorf("other records pay for it: %+v", w.store.incidents)
				}
				if tc.kind == "" {
					if len(r.skipped) > 0 || tc.call == "GET /incidents" && w.store.incidents["QTRAP"].ID == "" {
						t.Errorf("skipped %v, stored %d", r.skipped, len(w.store.incidents))
					}
					return
				}
				named := "id=" + map[bool]string{true: "TRAP"}[strings.Contains(tc.record, "TRAP")]
				if r.skipped[tc.kind] == 0 || !strings.Contains(
					strings.NewReplacer("id=Q", "id=", "id=L", "id=", "id=M", "id=").Replace(w.log.String()), named,
				) {
					t.Errorf("skipped %v, logged %s", r.skipped, w.log)
				}
			})
		}
	}
}

func TestIncidentsInsideMaintenance(t *testing.T) {
	account, services := shop()
	for i := range 8 {
		account.Incidents = append(
			account.Incidents, happening(fmt.Sprint("Q", i), time.Duration(i+1)*day, 0, time.Hour, "user_reference"),
		)
	}
	other := happening("QOTHER", 2*day, 0, time.Hour, "user_reference")
	other.Service = "PBAD"
	old := happening("QOLD", 300*day, time.Minute, time.Hour, "user_reference")
	account.Incidents = append(account.Incidents, other, old)
	span := func(from, to time.Duration) pagerdutytest.Span {
		return pagerdutytest.Span{Start: noon.Add(-from), End: noon.Add(-to)}
	}
	account.MaintenanceWindows = []pagerdutytest.MaintenanceWindow{
		{ID: "M1", Span: span(2*day+time.Hour, 2*day-time.Hour), Services: []string{"PGOOD"}}, // Q1
		{ID: "M2", Span: span(3*day, 3*day-time.Hour), Services: []string{"PGOOD", "PX"}},     // Q2, at its begin
		{ID: "M3", Span: span(4*day+time.Hour, 4*day), Services: []string{"PGOOD"}},           // Q3 at its end, and so not
		{ID: "M4", Span: span(5*day+time.Hour, 5*day-time.Hour), Services: []string{"PX"}},
		{ID: "M5", Span: span(301*day, 299*day), Services: []string{"PGOOD"}},
	}
	w := start(t, account, services, history(twoYears))
	w.keep()
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	marked := func() string {
		var ids []string
		for _, in := range w.store.incidents {
			if in.Maintenance {
				ids = append(ids, in.ID)
			}
		}
		return sorted(ids)
	}
	if got := marked(); got != "Q1 Q2 QOLD" {
		t.Errorf("marked %s", got)
	}
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "6", "unacknowledged_ratio_90d": "1"})
	// PagerDuty forgets the windows, and the marks stay, in a new process too.
	// One that begins now marks what begins inside.
	account.MaintenanceWindows = []pagerdutytest.MaintenanceWindow{{
		ID: "M6", Span: pagerdutytest.Span{Start: noon.Add(time.Minute), End: noon.Add(5 * time.Hour)},
		Services: []string{"PGOOD"},
	}}
	in := happening("QNOW", -10*time.Minute, 0, 0, "")
	account.Incidents = append(account.Incidents, in)
	w.fake.SetAccount(account)
	w.restart()
	w.later(31 * time.Minute)
	r = w.collect()
	if got := marked(); got != "Q1 Q2 QNOW QOLD" || r.err != nil {
		t.Errorf("marked %s, error %v", got, r.err)
	}
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "6"})
	// A window is ended early: it counts until then.
	account.MaintenanceWindows[0].End = noon.Add(40 * time.Minute)
	late := happening("QLATE", -50*time.Minute, 0, 0, "")
	account.Incidents = append(account.Incidents, late)
	w.fake.SetAccount(account)
	w.later(31 * time.Minute)
	w.collect()
	if got := marked(); got != "Q1 Q2 QNOW QOLD" {
		t.Errorf("marked %s", got)
	}
	if filters := w.filters(); filters != "all all open all" {
		t.Errorf("windows were listed by %s", filters)
	}
}

func sorted(ids []string) string {
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// filters are the states that maintenance windows were listed by.
func (w *world) filters() string {
	var list []string
	for _, q := range w.fake.Requests() {
		if _, state, ok := strings.Cut(q.Query, "filter="); ok && q.Call == "GET /maintenance_windows" {
			state, _, _ = strings.Cut(state, "&")
			list = append(list, state)
		}
	}
	return strings.Join(list, " ")
}

func TestMaintenanceThatIsNotKnown(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 200, 2*day)
	w := start(t, account, services, history(twoYears))
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /maintenance_windows", Status: 403})
	r := w.collect()
	if got := calls(r.err); got != "GET /maintenance_windows forbidden" ||
		!strings.Contains(r.err.Error(), "services.read") || r.groups() != every("urgency", "response") {
		t.Errorf("error %v, covered %q", r.err, r.groups())
	}
	if len(w.store.incidents) != 200 {
		t.Errorf("%d incidents: the history waits for what will never come", len(w.store.incidents))
	}
	w.fake.Heal()
	w.later(time.Minute)
	if r = w.collect(); r.err != nil || r.groups() != "incidents pages response urgency" {
		t.Errorf("after healing: error %v, covered %q", r.err, r.groups())
	}
	// Windows that were listed are good for a while, and no longer.
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /maintenance_windows", Status: 404})
	w.later(2 * time.Hour)
	if r = w.collect(); !strings.Contains(r.groups(), "urgency") {
		t.Errorf("covered %q", r.groups())
	}
	w.later(2 * time.Hour)
	if r = w.collect(); strings.Contains(r.groups(), "urgency") || strings.Contains(r.groups(), "response") {
		t.Errorf("covered %q by windows of four hours ago", r.groups())
	}
	// One that cannot be decoded costs the facts of its services.
	w = start(t, account, append(services, refers("both", "PGOOD", "PBAD")))
	w.fake.Inject(pagerdutytest.Fault{
		Call: "GET /maintenance_windows", Records: []string{`{"id":"MODD","start_time":"soon","services":[{"id":"PBAD"}]}`},
	})
	r = w.collect()
	r.want(
		t, "reports",
		map[string]string{
			"high_urgency_90d": "except undecodable", "noise_ratio_30d": "except undecodable", "page_load_per_week": "0",
		},
	)
	r.want(t, "both", map[string]string{"high_urgency_90d": "except undecodable"})
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "45"})
}

func TestDefaultHistory(t *testing.T) {
	if pagerduty.DefaultHistory != twoYears || pagerduty.LeastHistory != 90*day {
		t.Error("the bounds of the history have changed")
	}
}

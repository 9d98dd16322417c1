package pagerduty_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

// falseAlarms configures the words and fields that say that nothing was wrong.
func falseAlarms(notes []string, fields map[string][]string) setting {
	return func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) {
		o.FalseAlarmNotes, o.FalseAlarmFields = notes, fields
	}
}

// noted is an incident that a person acknowledged, with a note.
func noted(id, text, by string) pagerdutytest.Incident {
	in := happening(id, 2*time.Hour, time.Minute, time.Hour, "service_reference")
	if text != "" {
		in.Notes = []pagerdutytest.Note{{At: in.CreatedAt.Add(5 * time.Minute), Text: text, By: by}}
	}
	return in
}

// falseAlarm is what is stored of an incident.
func (w *world) falseAlarm(id string) evidence.Answer { return w.store.incidents[id].FalseAlarm }

// TestNotesAboutFalseAlarms: the word of a person at the beginning of a line, or with a #.
// Texts are not stored.
func TestNotesAboutFalseAlarms(t *testing.T) {
	const y, n, u = evidence.Yes, evidence.No, evidence.Unknown
	want := map[string]evidence.Answer{}
	account, services := shop()
	account.Incidents = nil
	add := func(id, text, by string, answer evidence.Answer) {
		account.Incidents = append(account.Incidents, noted(id, text, by))
		want[id] = answer
	}
	add("QNONE", "", "", n)
	add("QYES", "FALSE ALARM, the sensor is broken", "", y)
	add("QLINE", "Looked at it.\nFalse positive.", "", y)
	add("QTAG", "The sensor is broken #false-alarm.", "", y)
	add("QNOT", "This was not a false alarm", "", n)
	add("QASKS", "False alarm? Looking.", "", n)
	add("QOTHER", "False alarming of the sensor", "", n)
	add("QBOT", "False alarm", "service_reference", n)
	add("QWHO", "False alarm", "api_key_reference", u)
	account.Incidents[0].ExternalReferences = ticket("SHOP-1")
	w := start(t, account, services, falseAlarms([]string{"false alarm", "False Positive", "#False-Alarm"}, nil))
	w.keep()
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	for id, answer := range want {
		if got := w.falseAlarm(id); got != answer {
			t.Errorf("%s: %d, want %d", id, got, answer)
		}
		if got := w.store.incidents[id].HasTicket; got != evidence.AnswerOf(id == "QNONE") {
			t.Errorf("%s: has a ticket %d", id, got)
		}
	}
	if got := w.store.incidents["QNOT"]; got.Notes != 1 {
		t.Errorf("%d notes, want 1", got.Notes)
	}
	for _, e := range w.store.entries {
		if strings.Contains(strings.ToLower(e.Words+e.Channel), "alarm") {
			t.Errorf("a text is stored: %+v", e)
		}
	}
}

// TestOtherWordsForFalseAlarms: the log is read again, once, and so it is by the first
// process that reads notes.
func TestOtherWordsForFalseAlarms(t *testing.T) {
	account, services := shop()
	account.Incidents = []pagerdutytest.Incident{
		noted("QALARM", "False alarm", ""), noted("QNOISE", "Noise", ""), noted("QNONE", "", ""),
	}
	old := noted("QOLD", "Looking", "")
	old.CreatedAt, old.AcknowledgedAt = noon.Add(-200*day), noon.Add(-200*day+time.Minute)
	old.ResolvedAt, old.Notes[0].At = time.Time{}, old.CreatedAt.Add(2*time.Minute)
	account.Incidents = append(account.Incidents, old)
	w := start(t, account, services, falseAlarms([]string{"false alarm"}, nil), history(twoYears))
	w.keep()
	expect := func(when string, alarm, noise evidence.Answer) {
		t.Helper()
		for id, answer := range map[string]evidence.Answer{"QALARM": alarm, "QNOISE": noise, "QNONE": evidence.No} {
			if got := w.falseAlarm(id); got != answer {
				t.Errorf("%s: %s %d, want %d", when, id, got, answer)
			}
		}
		if got := w.store.incidents["QALARM"]; got.AcknowledgedAt.IsZero() || !got.AcksKnown || got.Notes != 1 {
			t.Errorf("%s: %+v", when, got)
		}
	}
	round := func() (requests int) {
		t.Helper()
		w.fake.Forget()
		if r := w.collect(); r.err != nil {
			t.Fatal(r.err)
		}
		w.later(5 * time.Minute)
		return w.fake.Count("GET /log_entries")
	}
	round()
	expect("at first", evidence.Yes, evidence.No)
	steady := round()
	if got := w.falseAlarm("QOLD"); got != evidence.No {
		t.Errorf("an open incident of long ago: %d", got)
	}
	w.options.FalseAlarmNotes = []string{"noise"}
	w.restart()
	if n := round(); n <= steady {
		t.Errorf("%d requests for the log with other words", n)
	}
	expect("with other words", evidence.No, evidence.Yes)
	if n := round(); n != steady {
		t.Errorf("%d requests for the log afterwards, %d before", n, steady)
	}
	w.restart()
	round()
	expect("by the next process", evidence.No, evidence.Yes)
	// What is older than 90 days is not read again: it is not known.
	if got := w.falseAlarm("QOLD"); got != evidence.Unknown {
		t.Errorf("an open incident of long ago with other words: %d", got)
	}
	// A store of a release that did not read notes.
	delete(w.store.cursors, "false_alarm_words")
	for id, e := range w.store.entries {
		e.Words, e.FalseAlarm = "", false
		w.store.entries[id] = e
	}
	for id, in := range w.store.incidents {
		in.FalseAlarm, in.HasTicket = evidence.Unknown, evidence.Unknown
		w.store.incidents[id] = in
	}
	w.restart()
	round()
	expect("after an upgrade", evidence.No, evidence.Yes)
	if got := w.store.incidents["QNOISE"].HasTicket; got != evidence.No {
		t.Errorf("after an upgrade: has a ticket %d", got)
	}
}

// TestFieldsAboutFalseAlarms: a field of the account's own says so, unless PagerDuty does
// not list it. Without configured fields it is not asked for.
func TestFieldsAboutFalseAlarms(t *testing.T) {
	account, services := shop()
	yes, no, bare := noted("QYES", "", ""), noted("QNO", "", ""), noted("QBARE", "False alarm", "")
	yes.CustomFields = map[string]any{"Outcome": []any{"Fixed", "false alarm"}}
	no.CustomFields = map[string]any{"Outcome": "Fixed", "Impact": "False alarm"}
	account.Incidents = []pagerdutytest.Incident{yes, no, bare}
	fields := map[string][]string{"outcome": {"False Alarm"}}
	w := start(t, account, services, falseAlarms([]string{"false alarm"}, fields))
	w.keep()
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	for id, want := range map[string]evidence.Answer{"QYES": evidence.Yes, "QNO": evidence.No, "QBARE": evidence.Yes} {
		if got := w.falseAlarm(id); got != want {
			t.Errorf("%s: %d, want %d", id, got, want)
		}
	}
	// Somebody sets a field later, and nothing else.
	account.Incidents[1].CustomFields = map[string]any{"Outcome": "False alarm"}
	w.fake.SetAccount(account)
	w.later(day)
	w.collect()
	if got := w.falseAlarm("QNO"); got != evidence.Yes {
		t.Errorf("a field that was set later: %d", got)
	}
	account.Incidents[1].CustomFields = no.CustomFields
	w = start(t, account, services, falseAlarms([]string{"false alarm"}, fields))
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{
		Call: "GET /incidents", Query: "custom_fields", Status: 400, Messages: []string{"Invalid include"},
	})
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	for id, want := range map[string]evidence.Answer{
		"QYES": evidence.Unknown, "QNO": evidence.Unknown, "QBARE": evidence.Yes,
	} {
		if got := w.falseAlarm(id); got != want {
			t.Errorf("without fields %s: %d, want %d", id, got, want)
		}
	}
	if in := w.store.incidents["QNO"]; in.HasTicket != evidence.No || !strings.Contains(w.log.String(), "custom_fields") {
		t.Errorf("%+v, logged %s", in, w.log)
	}
	w = start(t, account, services)
	w.collect()
	for _, q := range w.fake.Requests() {
		if strings.Contains(q.Query, "custom_fields") {
			t.Errorf("asked for fields: %+v", q)
		}
	}
}

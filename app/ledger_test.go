package app

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// TestALedgerReadsAsTheStoreWould commits the same batches to a store and to a
// ledger over an earlier state of it, and compares what a source reads back.
func TestALedgerReadsAsTheStoreWould(t *testing.T) {
	const source = "pagerduty/main"
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "s.db"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	run, err := s.StartRun(t.Context(), source, now)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(b evidence.Batch) {
		t.Helper()
		if _, err := s.Commit(t.Context(), source, run, now, b); err != nil {
			t.Fatal(err)
		}
	}
	hour := func(h int) time.Time { return now.Add(time.Duration(h-100) * time.Hour) }
	incident := func(id string, start int, more func(*evidence.Incident)) evidence.Incident {
		in := evidence.Incident{ID: id, Services: []string{"checkout"}, StartedAt: hour(start), UpdatedAt: hour(start)}
		if more != nil {
			more(&in)
		}
		return in
	}
	alert := func(fingerprint string, start, end int) evidence.AlertFiring {
		f := evidence.AlertFiring{Fingerprint: fingerprint, Services: []string{"checkout"}, Alert: "Slow", StartedAt: hour(start)}
		if end > 0 {
			f.EndedAt = hour(end)
		}
		return f
	}
	commit(evidence.Batch{
		Cursors: map[string]string{"log": "1"},
		Incidents: []evidence.Incident{
			incident("A", 1, func(in *evidence.Incident) { in.AcksKnown, in.AcknowledgedAt, in.ResolvedAt = true, hour(2), hour(3) }),
			incident("B", 10, nil),
			incident("C", 20, func(in *evidence.Incident) { in.ResolvedAt = hour(21) }),
		},
		Reviews: []evidence.Review{{Key: "PRR-1", Service: "checkout", Status: evidence.ReviewOpen, CreatedAt: hour(1)}},
		Alerts:  []evidence.AlertFiring{alert("a", 3, 0), alert("b", 2, 0), alert("c", 1, 2)},
	})
	l, err := readLedger(t.Context(), s, source)
	if err != nil {
		t.Fatal(err)
	}
	if l.cursors["log"] != "1" {
		t.Errorf("cursors %v", l.cursors)
	}
	for _, b := range []evidence.Batch{
		{Incidents: []evidence.Incident{
			incident("A", 1, func(in *evidence.Incident) { in.ResolvedAt, in.Severity = hour(3), 2 }),             // acks not asked for
			incident("C", 20, func(in *evidence.Incident) { in.ResolvedAt, in.UpdatedAt = hour(30), hour(5) }),    // older
			incident("D", 15, func(in *evidence.Incident) { in.ResolvedAt, in.UpdatedAt = hour(50), hour(50) }),   // new
			incident("E", 16, func(in *evidence.Incident) { in.Gone, in.GoneWhy = true, "left the query" }),       // never listed again
			incident("F", 15, func(in *evidence.Incident) { in.AcksKnown, in.Responders = true, []string{"x"} })}, // same start as D
			Reviews: []evidence.Review{{Key: "PRR-2", Service: "cart", Status: evidence.ReviewDone, CreatedAt: hour(3)}}},
		{Alerts: []evidence.AlertFiring{alert("a", 3, 5), alert("d", 1, 0)}},
		{Incidents: []evidence.Incident{incident("B", 10, func(in *evidence.Incident) { in.Gone, in.UpdatedAt = true, hour(60) })},
			Reviews: []evidence.Review{{Key: "PRR-1", Service: "checkout", Status: evidence.ReviewOpen, CreatedAt: hour(1), Gone: true}}},
	} {
		commit(b)
		l.add(source, b)
	}
	for _, span := range []evidence.IncidentSpan{
		{}, {Since: hour(15)}, {Since: hour(16)}, {Since: hour(2), Lasting: true}, {Since: hour(3), Until: hour(15), Lasting: true},
		{Since: hour(21), Lasting: true}, {Since: hour(22), Lasting: true}, {Until: hour(16)},
	} {
		var want, got []evidence.Incident
		if err := s.EachIncident(t.Context(), source, span, func(in evidence.Incident) error { want = append(want, in); return nil }); err != nil {
			t.Fatal(err)
		}
		if err := l.each(t.Context(), span, func(in evidence.Incident) error { got = append(got, in); return nil }); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(got) == 0 {
			t.Errorf("%+v reads\n%v, the store\n%v", span, got, want)
		}
	}
	open, err := s.OpenAlerts(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := l.openAlerts(t.Context()); fmt.Sprint(got) != fmt.Sprint(open) || len(got) != 2 {
		t.Errorf("open alerts\n%v, the store\n%v", got, open)
	}
	want, err := s.Reviews(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := l.listed(t.Context()); !reflect.DeepEqual(got, want) || len(got) != 1 {
		t.Errorf("reviews\n%v, the store\n%v", got, want)
	}
}

// TestALedgerKnowsWhatRoundsReadAndWrite fails when a round reads or passes on
// something new: then the ledger, or report.Round, has to know it.
func TestALedgerKnowsWhatRoundsReadAndWrite(t *testing.T) {
	for _, c := range []struct {
		of    reflect.Type
		known []string
	}{
		{reflect.TypeFor[collectors.Request](), []string{"Services", "Now", "Cursors", "Incidents", "Reviews", "OpenAlerts", "Person", "Progress"}},
		// Cursors and AlertSight are for later rounds.
		{reflect.TypeFor[evidence.Batch](), []string{"Records", "Withdrawals", "Incidents", "Reviews", "Feedback", "Alerts", "AlertSight", "Covered", "Cursors", "Skipped", "Unmatched"}},
	} {
		for i := range c.of.NumField() {
			if name := c.of.Field(i).Name; !slices.Contains(c.known, name) {
				t.Errorf("a dry run does not know %s.%s", c.of, name)
			}
		}
	}
}

package storetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// entriesOf reads the stored entries of incidents of test/main.
func entriesOf(t testing.TB, s *store.Store, incidents ...string) []evidence.LogEntry {
	t.Helper()
	var list []evidence.LogEntry
	err := s.EachLogEntry(t.Context(), "test/main", incidents, func(e evidence.LogEntry) error {
		list = append(list, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func logEntries(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	if got := entriesOf(t, s, "A"); got != nil {
		t.Errorf("a store that knows no source has %v", got)
	}
	acked := evidence.LogEntry{
		ID: "L1", Incident: "A", Kind: evidence.LogAcknowledge, At: minute(1), AgentKind: "user", Person: "hash",
		Channel: "website",
	}
	moved := evidence.LogEntry{
		ID: "L2", Incident: "A", Kind: evidence.LogAssign, At: minute(3), Assignees: []string{"a", "b"},
	}
	summary := evidence.LogEntry{ID: "summary A", Incident: "A", Kind: evidence.LogSummary, At: minute(2),
		Summary: &evidence.IncidentSummary{
			AcknowledgedAt: minute(-1), ResolvedAt: minute(2), Resolver: evidence.ResolverTimeout,
			Escalations: 1, Reassignments: 2, Notes: 3, Responders: []string{"a"},
		}}
	bad := evidence.LogEntry{ID: "L3", Incident: "B", Kind: evidence.LogUndecodable, At: minute(4)}
	batch := evidence.Batch{LogEntries: []evidence.LogEntry{moved, bad, acked, summary, moved}}
	if changes := commit(t, s, minute(5), batch); changes.Rows == 0 {
		t.Error("nothing was written")
	}
	want := []evidence.LogEntry{acked, summary, moved}
	if got := entriesOf(t, s, "A"); !reflect.DeepEqual(got, want) {
		t.Errorf("entries\n%+v, want\n%+v", got, want)
	}
	if got := entriesOf(t, s, "B", "C"); len(got) != 1 || got[0].Kind != evidence.LogUndecodable {
		t.Errorf("entries of B and C: %+v", got)
	}
	// The same entries once more write no entry.
	again := commit(t, s, minute(6), batch)
	nothing := commit(t, s, minute(7), evidence.Batch{})
	if again.Rows != nothing.Rows {
		t.Errorf("entries that are stored already wrote %d rows, an empty batch %d", again.Rows, nothing.Rows)
	}
	// Only what could not be decoded is replaced.
	changed, decoded := acked, bad
	changed.At, decoded.Kind = minute(9), evidence.LogAnnotate
	commit(t, s, minute(8), evidence.Batch{LogEntries: []evidence.LogEntry{changed, decoded}})
	commit(t, s, minute(9), evidence.Batch{LogEntries: []evidence.LogEntry{bad}})
	if got := entriesOf(t, s, "B", "A"); len(got) != 4 || !got[0].At.Equal(acked.At) ||
		got[3].Kind != evidence.LogAnnotate {
		t.Errorf("entries %+v", got)
	}
	// A note that is read for other words replaces what is stored, once.
	note := evidence.LogEntry{ID: "N1", Incident: "N", Kind: evidence.LogAnnotate, At: minute(4)}
	read, other := note, note
	read.Words, read.FalseAlarm, other.Words = "a", true, "b"
	for i, tc := range []struct{ in, want evidence.LogEntry }{
		{note, note}, {read, read}, {note, read}, {read, read}, {other, other},
	} {
		commit(t, s, minute(10+i), evidence.Batch{LogEntries: []evidence.LogEntry{tc.in}})
		if got := entriesOf(t, s, "N"); len(got) != 1 || !reflect.DeepEqual(got[0], tc.want) {
			t.Errorf("note %d: %+v, want %+v", i, got, tc.want)
		}
	}
	// Entries of another source are others, and those of many incidents come in
	// their order.
	if _, err := s.Commit(
		t.Context(), "test/other", 0, minute(9), evidence.Batch{LogEntries: []evidence.LogEntry{acked}},
	); err != nil {
		t.Fatal(err)
	}
	var ids []string
	var many evidence.Batch
	for i := range 450 {
		ids = append(ids, fmt.Sprintf("Q%03d", i))
		for n := range 2 {
			e := evidence.LogEntry{
				ID: fmt.Sprintf("LQ%d.%d", i, n), Incident: ids[i], Kind: evidence.LogAnnotate, At: minute(1 - n),
			}
			many.LogEntries = append(many.LogEntries, e)
		}
	}
	commit(t, s, minute(10), many)
	got := entriesOf(t, s, ids...)
	for i, e := range got {
		if e.Incident != ids[i/2] || !e.At.Equal(minute(i%2)) {
			t.Fatalf("entry %d is %+v", i, e)
		}
	}
	if len(got) != 900 {
		t.Errorf("%d entries, want 900", len(got))
	}
	for _, lacking := range []evidence.LogEntry{
		{Incident: "A", At: minute(1)}, {ID: "L", At: minute(1)}, {ID: "L", Incident: "A"},
	} {
		batch := evidence.Batch{LogEntries: []evidence.LogEntry{lacking}}
		if _, err := s.Commit(t.Context(), "test/main", 0, minute(9), batch); err == nil {
			t.Errorf("%+v is stored", lacking)
		}
	}
}

func logEntryRetention(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	entry := func(incident string, at int) evidence.LogEntry {
		return evidence.LogEntry{ID: fmt.Sprint(incident, at), Incident: incident, Kind: evidence.LogAnnotate, At: minute(at)}
	}
	commit(t, s, minute(0), evidence.Batch{
		Incidents: []evidence.Incident{
			{ID: "ended", StartedAt: minute(0), ResolvedAt: minute(10)}, {ID: "open", StartedAt: minute(0)},
			{ID: "late", StartedAt: minute(0), ResolvedAt: minute(100)},
		},
		LogEntries: []evidence.LogEntry{
			entry("ended", 0), entry("ended", 200), entry("open", 0), entry("late", 1), entry("unknown", 1),
			entry("unknown", 100),
		},
	})
	if _, err := s.Prune(context.Background(), minute(120), store.Retention{Incidents: time.Hour}); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entriesOf(t, s, "ended", "late", "open", "unknown") {
		left = append(left, e.ID)
	}
	if got, want := fmt.Sprint(left), "[late1 open0 unknown100]"; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
}

package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// notCopied are the tables that no round reads. A new table has to be here, or
// CopySource has to copy it and copies has to fill it.
var notCopied = []string{
	"operational_reviews", "correlations", "badge_holds", "framework_changes",
	"readiness_owner", "readiness_schema_version", "sqlite_sequence", "runs", "fact_history", "frameworks", "judgement",
	"badges",
	"coverage_spans", "exception_spans", "judging_spans", "subject_history", "exemption_history",
	"badge_support", "transitions", "transition_counts", "check_statuses", "check_status_history", "voids",
}

// copies commits the same batches to a store and to a copy of an earlier state
// of it, and compares what a round reads.
func copies(t *testing.T, db database) {
	ctx := context.Background()
	mean := evidence.Definition{
		Name: "a.mean", Kind: evidence.KindDouble, Help: "A " +
			"mean.", Remember: evidence.RememberMean, Window: 90 * 24 * time.Hour,
	}
	known := facts(t, evidence.Definition{Name: "a.flag", Kind: evidence.KindBool, Help: "A flag."},
		evidence.Definition{Name: "a.count", Kind: evidence.KindInt, Help: "A count."}, mean)
	s := db.open(t, store.Options{Facts: known, Now: start})
	if _, err := s.Commit(ctx, "other/main", 0, start(), evidence.Batch{
		Records: []evidence.Record{{Service: "cart", Fact: "a.flag", Value: evidence.Bool(true)}},
		Cursors: map[string]string{"page": "other"},
	}); err != nil {
		t.Fatal(err)
	}
	half, _ := evidence.Double(0.5)
	one, _ := evidence.Double(1)
	hour := func(h int) time.Time { return start().Add(time.Duration(h-100) * time.Hour) }
	incident := func(id string, began, ended int) evidence.Incident {
		in := evidence.Incident{ID: id, Services: []string{"cart", "checkout"}, StartedAt: hour(began),
			UpdatedAt: hour(began)}
		if ended > 0 {
			in.ResolvedAt, in.AcksKnown, in.AcknowledgedAt, in.Responders = hour(ended), true, hour(began), []string{"x"}
		}
		return in
	}
	alert := func(fingerprint string, began, ended int) evidence.AlertFiring {
		f := evidence.AlertFiring{Fingerprint: fingerprint, Services: []string{"checkout"}, Alert: "Slow",
			StartedAt: hour(began)}
		if ended > 0 {
			f.EndedAt = hour(ended)
		}
		return f
	}
	commit(t, s, start(), evidence.Batch{
		Records: []evidence.Record{
			{Service: "checkout", Fact: "a.count", Value: evidence.Int(1), Detail: "first"},
			{Service: "checkout", Fact: "a.mean", Value: half},
		},
		Withdrawals: []evidence.Withdrawal{{Service: "cart", Fact: "a.count", Reason: evidence.MissingNotFound}},
		Covered: []evidence.Coverage{{
			Group: "counts", Facts: []string{"a.count"},
			Except: map[string]evidence.Missing{"ghost": evidence.MissingNoReference},
		}},
		Incidents: []evidence.Incident{incident("A", 1, 3), incident("B", 10, 0), incident("C", 20, 21)},
		Reviews:   []evidence.Review{{ID: "101", Key: "PRR-1", Service: "checkout", Status: evidence.ReviewOpen, CreatedAt: hour(1)}},
		Alerts:    []evidence.AlertFiring{alert("a", 3, 0), alert("b", 2, 0), alert("c", 1, 2)},
		AlertSight: &evidence.AlertSight{
			Spans: []evidence.Span{{From: hour(1),
				Until: hour(3)}}, Since: hour(1), Services: map[string]string{"checkout": "job=checkout"},
		},
		LogEntries:     []evidence.LogEntry{{ID: "L1", Incident: "A", Kind: evidence.LogTrigger, At: hour(1)}},
		IncidentDoubts: []evidence.IncidentDoubt{{Service: "checkout", Newest: hour(1)}},
		AlertDoubts:    map[string]time.Time{"checkout": hour(1)},
		Feedback:       []evidence.Feedback{{Check: "inc.covered", Kind: evidence.FeedbackUnclear, Count: 2}},
		Exemptions: []evidence.TicketExemption{{
			ID: "102", Key: "PRR-2", Service: "checkout", Check: "inc.covered", Approved: hour(1), Expires: hour(2),
		}},
		Uncounted: []evidence.Uncounted{{
			Kind: evidence.UncountedTicket, Reasons: map[evidence.UncountedReason]int{evidence.UncountedInFuture: 1},
		}},
		Cursors: map[string]string{"page": "1"},
	})
	key, err := s.Key(ctx, "people")
	if err != nil {
		t.Fatal(err)
	}

	place := filepath.Join(t.TempDir(), "copy.db")
	c := database(place).open(t, store.Options{Now: start})
	for _, source := range []string{"test/main", "never/stored"} {
		if err := s.CopySource(ctx, c, source); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetFacts(ctx, known); err != nil {
		t.Fatal(err)
	}
	allTablesFilled(t, place)
	before, err := c.Sequence(ctx)
	if err != nil {
		t.Fatal(err)
	}
	compare := func(when string) {
		t.Helper()
		if got, want := readByRound(t, c), readByRound(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the copy reads\n%v\nthe store\n%v", when, got, want)
		}
	}
	compare("at first")
	next := evidence.Batch{
		Records: []evidence.Record{
			{Service: "checkout", Fact: "a.count", Value: evidence.Int(1), Detail: "first"}, // as before
			{Service: "checkout", Fact: "a.mean", Value: one},
			{Service: "cart", Fact: "a.count", Value: evidence.Int(2)},
		},
		Covered:   []evidence.Coverage{{Group: "counts", Facts: []string{"a.count"}}},
		Incidents: []evidence.Incident{incident("A", 1, 3), incident("B", 10, 12), incident("D", 15, 16)},
		Reviews: []evidence.Review{{ID: "101", Key: "PRR-1", Service: "checkout", Status: evidence.ReviewOpen, CreatedAt: hour(1),
			Gone: true}},
		Alerts:  []evidence.AlertFiring{alert("a", 3, 5), alert("d", 1, 0)},
		Cursors: map[string]string{"page": "2"},
	}
	for _, each := range []*store.Store{s, c} {
		commit(t, each, start().Add(25*time.Hour), next)
	}
	compare("after another round")
	changed, err := c.Incidents(ctx, store.IncidentFilter{Source: "test/main", After: before, Gone: true})
	if err != nil || len(changed) != 2 || changed[0].ID != "B" || changed[1].ID != "D" {
		t.Errorf("changed incidents %v (%v), want B and D", changed, err)
	}
	if list, err := c.ReviewsAfter(ctx, before); err != nil || len(list) != 1 || !list[0].Gone {
		t.Errorf("changed reviews %v (%v)", list, err)
	}
	if again, err := c.Key(ctx, "people"); err != nil || !slices.Equal(again, key) {
		t.Errorf("the copy hashes people with another key (%v)", err)
	}
	if other, err := c.Cursors(ctx, "other/main"); err != nil || len(other) > 0 {
		t.Errorf("another source was copied, too: %v (%v)", other, err)
	}
}

// readByRound is everything that a round of test/main reads, as text.
func readByRound(t *testing.T, s *store.Store) []string {
	t.Helper()
	ctx := context.Background()
	var out []string
	add := func(what any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(what))
	}
	found := load(t, s, 0)
	for _, row := range found.Rows {
		if row.Source == "test/main" {
			out = append(out, fmt.Sprint(row))
		}
	}
	for _, c := range found.Coverage {
		out = append(out, fmt.Sprint(c))
	}
	for _, span := range []evidence.IncidentSpan{{}, {Since: start().Add(-90 * time.Hour), Lasting: true}} {
		err := s.EachIncident(ctx, "test/main", span, func(in evidence.Incident) error {
			out = append(out, fmt.Sprint(in))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := s.EachLogEntry(ctx, "test/main", []string{"A"}, func(e evidence.LogEntry) error {
		out = append(out, fmt.Sprint(e))
		return nil
	})
	add("log entries", err)
	reviews, err := s.Reviews(ctx)
	add(reviews, err)
	open, err := s.OpenAlerts(ctx, "test/main")
	add(open, err)
	cursors, err := s.Cursors(ctx, "test/main")
	add(cursors, err)
	feedback, err := s.FeedbackOf(ctx, "test/main")
	add(feedback, err)
	exemptions, err := s.Exemptions(ctx)
	add(exemptions, err)
	uncounted, err := s.Uncounted(ctx)
	add(uncounted["test/main"], err)
	sights, err := s.AlertSights(ctx, time.Time{})
	add(sights, err)
	return out
}

// allTablesFilled fails for a table that rounds read and that is empty.
func allTablesFilled(t *testing.T, place string) {
	t.Helper()
	db, err := sql.Open("sqlite", place)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(notCopied, name) {
			tables = append(tables, name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var n int
		if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil || n == 0 {
			t.Errorf("table %s has %d rows in the copy (%v)", table, n, err)
		}
	}
}

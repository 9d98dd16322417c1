package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

func listed(t *testing.T, s *store.Store, filter store.IncidentFilter) []evidence.Incident {
	t.Helper()
	list, err := s.Incidents(context.Background(), filter)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func incidents(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	full := evidence.Incident{
		Source: "test/main", ID: "Q1", Key: "OPS-2", Services: []string{"shop", "bank", "shop"},
		StartedAt: minute(0), AcknowledgedAt: minute(3), AcksKnown: true, ResolvedAt: minute(40),
		Resolver: evidence.ResolverPerson, Urgent: true, Severity: 2, Channel: "api", MachineDetected: true,
		Template: "disk full on *", Group: "P1", Maintenance: true, Links: []string{"OPS-1",
			"https://x"}, UpdatedAt: minute(41),
		DetectedAt: minute(1), Priority: "P2", Escalations: 1, Reassignments: 2, Notes: 3, Responders: []string{"a1", "b2"},
		MachineAcknowledgedAt: minute(2), MergedInto: "Q2", HasTicket: evidence.No, FalseAlarm: evidence.Yes,
		Interruptions: evidence.Interruptions{Known: true, Business: 1, Off: 2, Sleep: 3},
	}
	want := full
	want.Services = []string{"bank", "shop"}
	if got := commit(t, s, minute(50), evidence.Batch{Incidents: []evidence.Incident{full, full}}); got.Incidents != 1 {
		t.Errorf("changes %+v", got)
	}
	if got := listed(t, s, store.IncidentFilter{}); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	full.Links = []string{"https://x", "OPS-1"}
	if got := commit(t, s, minute(51),
		evidence.Batch{Incidents: []evidence.Incident{full}}); got.Incidents != 0 || got.Rows != 0 {
		t.Errorf("another order changed %+v", got)
	}

	// Pages arrive in any order: the newest version stays, within a batch and
	// across batches.
	newer, older := full, full
	newer.UpdatedAt, newer.Severity, newer.Services = minute(60), 1, []string{"bank"}
	older.UpdatedAt, older.Severity = minute(20), 5
	commit(t, s, minute(61), evidence.Batch{Incidents: []evidence.Incident{newer, older}})
	if got := commit(t, s, minute(62), evidence.Batch{Incidents: []evidence.Incident{older}}); got.Incidents != 0 {
		t.Errorf("an older version changed %+v", got)
	}
	if got := listed(t, s, store.IncidentFilter{}); got[0].Severity != 1 || !reflect.DeepEqual(got[0].Services,
		[]string{"bank"}) {
		t.Errorf("after an older version: %+v", got[0])
	}

	newer.Gone = true
	commit(t, s, minute(63), evidence.Batch{Incidents: []evidence.Incident{newer}})
	if got := listed(t, s, store.IncidentFilter{}); len(got) != 0 {
		t.Errorf("a gone incident is listed: %+v", got)
	}
	if got := listed(t, s, store.IncidentFilter{Gone: true}); len(got) != 1 {
		t.Errorf("%d incidents with the gone ones, want 1", len(got))
	}
	if _, err := s.Commit(context.Background(), "test/main", 0, minute(64),
		evidence.Batch{Incidents: []evidence.Incident{{ID: "Q2"}}}); err == nil {
		t.Error("an incident without a start was accepted")
	}
}

func incidentWindow(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	put := func(source string, list ...evidence.Incident) {
		t.Helper()
		if _, err := s.Commit(context.Background(), source, 0, minute(1000), evidence.Batch{Incidents: list}); err != nil {
			t.Fatal(err)
		}
	}
	put("test/main",
		evidence.Incident{ID: "ended", StartedAt: minute(0), ResolvedAt: minute(10), Services: []string{"shop"}},
		evidence.Incident{ID: "spans", StartedAt: minute(0), ResolvedAt: minute(150)},
		evidence.Incident{ID: "open", StartedAt: minute(5)},
		evidence.Incident{ID: "no end", StartedAt: minute(7), EndUnknown: true},
		evidence.Incident{ID: "inside", StartedAt: minute(120), ResolvedAt: minute(130)},
		evidence.Incident{ID: "later", StartedAt: minute(300)})
	put("test/other", evidence.Incident{ID: "inside", StartedAt: minute(121)})
	for _, test := range []struct {
		filter store.IncidentFilter
		want   string
	}{
		{store.IncidentFilter{}, "ended spans open no end inside inside later"},
		{store.IncidentFilter{Since: minute(100)}, "spans open inside inside later"},
		{store.IncidentFilter{Since: minute(100), Until: minute(300)}, "spans open inside inside"},
		{store.IncidentFilter{Since: minute(100), Source: "test/other"}, "inside"},
		{store.IncidentFilter{Source: "test/nobody"}, ""},
	} {
		var ids []string
		for _, in := range listed(t, s, test.filter) {
			ids = append(ids, in.ID)
		}
		if got := strings.Join(ids, " "); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.filter, got, test.want)
		}
	}
}

func acknowledgements(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	put := func(in evidence.Incident) evidence.Incident {
		t.Helper()
		in.ID, in.StartedAt = "Q1", minute(0)
		commit(t, s, minute(100), evidence.Batch{Incidents: []evidence.Incident{in}})
		return listed(t, s, store.IncidentFilter{})[0]
	}
	put(evidence.Incident{UpdatedAt: minute(1), AcksKnown: true})
	if got := put(evidence.Incident{UpdatedAt: minute(1)}); !got.AcksKnown {
		t.Error("that nobody acknowledged was forgotten")
	}
	if got := put(evidence.Incident{UpdatedAt: minute(2)}); got.AcksKnown {
		t.Error("that nobody acknowledged was believed of a newer version")
	}
	put(evidence.Incident{UpdatedAt: minute(2), AcksKnown: true, AcknowledgedAt: minute(2)})
	if got := put(evidence.Incident{UpdatedAt: minute(9)}); !got.AcksKnown || !got.AcknowledgedAt.Equal(minute(2)) {
		t.Errorf("an acknowledgement was forgotten: %+v", got)
	}
}

func reviews(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	list := func() []evidence.Review {
		t.Helper()
		found, err := s.Reviews(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	shop := evidence.Review{Source: "test/main", ID: "101", Key: "PRR-1", Service: "shop", Status: evidence.ReviewOpen,
		CreatedAt: minute(0)}
	bank := shop
	bank.Service = "bank"
	other := shop
	other.ID, other.Key, other.CreatedAt = "102", "PRR-2", minute(1)
	commit(t, s, minute(2), evidence.Batch{Reviews: []evidence.Review{other, shop, bank}})
	if got, want := list(), []evidence.Review{bank, shop, other}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	shop.Status, shop.CompletedAt = evidence.ReviewDone, minute(10)
	// The ticket no longer names the bank; the other ticket is not in the page.
	if got := commit(t, s, minute(11), evidence.Batch{Reviews: []evidence.Review{shop}}); got.Reviews != 2 {
		t.Errorf("changes %+v", got)
	}
	if got, want := list(), []evidence.Review{shop, other}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// A moved ticket has another key, and is the same; one of a release that had no ids
	// is stored under its key.
	shop.Key = "OPS-3"
	old := evidence.Review{Source: "test/main", ID: "PRR-9", Service: "shop", Status: evidence.ReviewOpen,
		CreatedAt: minute(2)}
	commit(t, s, minute(12), evidence.Batch{Reviews: []evidence.Review{shop, old}})
	if got, want := list(), []evidence.Review{shop, other, old}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	shop.Gone, old.Gone = true, true
	commit(t, s, minute(13), evidence.Batch{Reviews: []evidence.Review{shop, old}})
	if got, want := list(), []evidence.Review{other}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// formerKeys: an incident keeps the keys that it had, whether the source says so or only
// the stored version of it does.
func formerKeys(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	at := 0
	for _, step := range []struct {
		key, want string
		says      []string
	}{
		{"INC-7", "[INC-1]", []string{"INC-1"}},
		{"OPS-3", "[INC-1 INC-7]", nil},
		{"OPS-3", "[INC-1 INC-7]", nil},
		{"DEV-2", "[INC-1 INC-7 OPS-3]", []string{"OPS-3", "INC-7"}},
		{"INC-7", "[DEV-2 INC-1 OPS-3]", nil},
	} {
		at++
		in := evidence.Incident{ID: "10412", Key: step.key, FormerKeys: step.says, StartedAt: minute(0), UpdatedAt: minute(at)}
		commit(t, s, minute(at), evidence.Batch{Incidents: []evidence.Incident{in}})
		got := listed(t, s, store.IncidentFilter{})[0]
		if got.Key != step.key || fmt.Sprint(got.FormerKeys) != step.want {
			t.Errorf("%s was %v, want %s", got.Key, got.FormerKeys, step.want)
		}
	}
}

func cursors(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	want := func(want map[string]string) {
		t.Helper()
		got, err := s.Cursors(ctx, "test/main")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("cursors %v, %v, want %v", got, err, want)
		}
	}
	want(map[string]string{})
	commit(t, s, minute(0), evidence.Batch{Cursors: map[string]string{"since": "1", "page": "a"}})
	if got := commit(t, s, minute(1), evidence.Batch{Cursors: map[string]string{"since": "1"}}); got.Rows != 0 {
		t.Errorf("the same cursor wrote %d rows", got.Rows)
	}
	commit(t, s, minute(1), evidence.Batch{Cursors: map[string]string{"since": "2", "page": ""}})
	want(map[string]string{"since": "2"})

	// A batch that fails takes its cursors and its records with it.
	_, err := s.Commit(ctx, "test/main", 0, minute(2), evidence.Batch{
		Records:   []evidence.Record{record("shop", "a.flag", evidence.Bool(true))},
		Incidents: []evidence.Incident{{ID: "without a start"}},
		Cursors:   map[string]string{"since": "3"},
	})
	if err == nil {
		t.Fatal("a bad batch was accepted")
	}
	want(map[string]string{"since": "2"})
	if rows := load(t, s, 0).Rows; len(rows) != 0 {
		t.Errorf("a failed batch left %+v", rows)
	}
	// The names it had made are made again.
	commit(t, s, minute(3), evidence.Batch{Records: []evidence.Record{record("shop", "a.flag", evidence.Bool(true))}})
	one(t, s, "shop", "a.flag")
}

func runs(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	run := func(source string, at int, result store.RunResult) {
		t.Helper()
		id, err := s.StartRun(ctx, source, "", minute(at))
		if err != nil {
			t.Fatal(err)
		}
		if result.Finished.IsZero() {
			return
		}
		if err := s.FinishRun(ctx, id, result); err != nil {
			t.Fatal(err)
		}
	}
	run("jira/main", 0, store.RunResult{Finished: minute(1), Counts: map[string]int64{"records": 3}})
	run("jira/main", 5, store.RunResult{Finished: minute(6), Reason: evidence.ReasonRateLimited, Error: "too many",
		Counts: map[string]int64{}})
	run("pagerduty/main", 7, store.RunResult{})
	run("prometheus/main", 8, store.RunResult{Finished: minute(9)})
	run("jira/main", 10, store.RunResult{}) // still running
	want := []store.LastRun{
		{Source: "jira/main", Started: minute(5), Finished: minute(6), LastSuccess: minute(1),
			Reason: evidence.ReasonRateLimited, Error: "too many", Counts: map[string]int64{}},
		{Source: "prometheus/main", Started: minute(8), Finished: minute(9), LastSuccess: minute(9),
			Counts: map[string]int64{}},
	}
	got, err := s.LastRuns(ctx)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	run("jira/main", 20, store.RunResult{}) // the one before never ended
	got, err = s.LastRuns(ctx)
	if err != nil || got[0].Reason != evidence.ReasonCanceled || !got[0].Finished.Equal(minute(20)) ||
		!got[0].LastSuccess.Equal(minute(1)) {
		t.Errorf("after an interruption: %+v, %v", got, err)
	}
	if err := s.FinishRun(ctx, 999999, store.RunResult{Finished: time.Now()}); err == nil {
		t.Error("a run that never started was finished")
	}
}

func incidentPages(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	// More than two pages, with many at the same moment across their borders.
	var list []evidence.Incident
	var want []string
	for i := range 2500 {
		id := fmt.Sprintf("Q%05d", i)
		list = append(list, evidence.Incident{ID: id, StartedAt: minute(i / 700), ResolvedAt: minute(9000),
			Services: []string{"shop"}})
		want = append(want, id)
	}
	old := evidence.Incident{ID: "old", StartedAt: minute(-90), ResolvedAt: minute(-80), Services: []string{"shop"},
		MergedInto: "lasting"}
	lasting := evidence.Incident{ID: "lasting", StartedAt: minute(-90), ResolvedAt: minute(5)}
	gone := evidence.Incident{ID: "gone", StartedAt: minute(1), Gone: true}
	commit(t, s, minute(9100), evidence.Batch{Incidents: append(list, old, lasting, gone)})
	if _, err := s.Commit(context.Background(), "test/other", 0, minute(1),
		evidence.Batch{Incidents: []evidence.Incident{{ID: "foreign", StartedAt: minute(1)}}}); err != nil {
		t.Fatal(err)
	}
	read := func(span evidence.IncidentSpan) (ids []string) {
		t.Helper()
		err := s.EachIncident(context.Background(), "test/main", span, func(in evidence.Incident) error {
			if len(in.Services) == 0 && in.ID != "lasting" {
				t.Errorf("%s lost its services", in.ID)
			}
			ids = append(ids, in.ID)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if got := read(evidence.IncidentSpan{Since: minute(0)}); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d incidents, want %d in order", len(got), len(want))
	}
	if got := read(evidence.IncidentSpan{Since: minute(0), Until: minute(1),
		Lasting: true}); len(got) != 701 || got[0] != "lasting" {
		t.Errorf("%d incidents of the first minute, want 700 and the lasting one first", len(got))
	}
	ids := []string{"Q00007", "gone", "nothing", "old", "foreign"}
	got := read(evidence.IncidentSpan{IDs: ids})
	slices.Sort(got)
	if strings.Join(got, " ") != "Q00007 old" {
		t.Errorf("of some ids: %q", got)
	}
	if got := read(evidence.IncidentSpan{IDs: ids, Since: minute(0)}); strings.Join(got, " ") != "Q00007" {
		t.Errorf("of some ids since then: %q", got)
	}
	if got := read(evidence.IncidentSpan{Merged: true}); strings.Join(got, " ") != "old" {
		t.Errorf("merged: %q", got)
	}
	full := errors.New("full")
	if err := s.EachIncident(context.Background(), "test/main", evidence.IncidentSpan{},
		func(evidence.Incident) error { return full }); !errors.Is(err, full) {
		t.Errorf("the callback's error became %v", err)
	}
	// Writing while reading must not wait for the reader.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	err := s.EachIncident(ctx, "test/main", evidence.IncidentSpan{Since: minute(3)}, func(in evidence.Incident) error {
		in.Notes++
		_, err := s.Commit(ctx, "test/main", 0, minute(9200), evidence.Batch{Incidents: []evidence.Incident{in}})
		if err == nil && in.Notes > 1 {
			err = fmt.Errorf("%s came twice", in.ID)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func keys(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	first, err := s.Key(context.Background(), "people")
	if err != nil || len(first) != 32 {
		t.Fatalf("key of %d bytes, %v", len(first), err)
	}
	other, err := s.Key(context.Background(), "other")
	if err != nil || string(other) == string(first) {
		t.Errorf("two names have one key, %v", err)
	}
	if again, err := s.Key(context.Background(), "people"); err != nil || string(again) != string(first) {
		t.Errorf("the key has changed, %v", err)
	}
}

package storetest

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

func valuesSurvive(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	at := start().Add(123456 * time.Microsecond)
	deadline := time.Date(2026, 5, 1, 1, 2, 3, 456e6, time.UTC)
	values := map[string]evidence.Value{
		"true": evidence.Bool(true), "false": evidence.Bool(false),
		"zero": evidence.Int(0), "many": evidence.Int(1<<53 - 1), "negative": evidence.Int(-7),
		"fraction": double(t, 0.1), "tiny": double(t, math.SmallestNonzeroFloat64), "huge": double(t, math.MaxFloat64),
		"infinite": double(t, math.Inf(1)), "below": double(t, math.Inf(-1)), "never": evidence.Never(),
		"instant": evidence.Instant(deadline), "before the epoch": evidence.Instant(time.Date(1950, 1, 1, 0, 0, 0, 0,
			time.UTC)),
	}
	var batch evidence.Batch
	for service, value := range values {
		r := record(service, "a.any", value)
		r.Since = at.Add(-time.Hour)
		batch.Records = append(batch.Records, r)
	}
	commit(t, s, at, batch)
	closeStore(t, s)

	s = db.open(t, store.Options{Facts: facts(t)})
	found := load(t, s, 0)
	if len(found.Rows) != len(values) {
		t.Fatalf("%d rows, want %d", len(found.Rows), len(values))
	}
	for _, row := range found.Rows {
		want := record(row.Service, "a.any", values[row.Service])
		want.Since, want.ObservedAt = at.Add(-time.Hour), at
		if row.Record != want {
			t.Errorf("%s: got %+v, want %+v", row.Service, row.Record, want)
		}
	}
}

func unchangedWritesNothing(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	batch := evidence.Batch{Cursors: map[string]string{"page": "7"}}
	except := map[string]evidence.Missing{}
	for i := range 300 {
		service := "service-" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		batch.Records = append(batch.Records, record(service, "a.ratio", double(t, float64(i))))
		batch.Incidents = append(batch.Incidents, evidence.Incident{ID: service, StartedAt: start(),
			Services: []string{service}})
		if i%10 == 0 {
			except[service] = evidence.MissingNotFound
		}
	}
	batch.Reviews = []evidence.Review{{ID: "101", Key: "PRR-1", Service: "service-aa", Status: evidence.ReviewOpen,
		CreatedAt: start()}}
	batch.Covered = []evidence.Coverage{{Group: "ratios", Facts: []string{"a.ratio"}, At: start(), Except: except}}
	first := commit(t, s, start(), batch)
	if first.Records != 300 || first.Incidents != 300 || first.Reviews != 1 {
		t.Errorf("the first commit changed %+v", first)
	}

	later := start().Add(5 * time.Minute)
	batch.Covered[0].At = later
	again := commit(t, s, later, batch)
	if again.Rows != 1 {
		t.Errorf("a steady round wrote %d rows, want the one of its coverage", again.Rows)
	}
	if again.Records != 0 || again.Incidents != 0 || again.Reviews != 0 {
		t.Errorf("a steady round changed %+v", again)
	}
	found := load(t, s, first.Seq)
	if len(found.Rows) != 0 || found.Seq != again.Seq {
		t.Errorf("%d rows after %d, up to %d", len(found.Rows), first.Seq, found.Seq)
	}
	if got := one(t, s, "service-ba", "a.ratio").ObservedAt; !got.Equal(later) {
		t.Errorf("observed at %s, want %s", got, later)
	}
}

func detailIsChange(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	r := record("shop", "a.flag", evidence.Bool(true))
	commit(t, s, start(), evidence.Batch{Records: []evidence.Record{r}})
	r.Detail = "another query"
	at := start().Add(time.Minute)
	if got := commit(t, s, at, evidence.Batch{Records: []evidence.Record{r}}); got.Records != 1 {
		t.Errorf("changed detail: %+v", got)
	}
	row := one(t, s, "shop", "a.flag")
	if row.Detail != "another query" || !row.Since.Equal(start()) || !row.ObservedAt.Equal(at) {
		t.Errorf("after changed detail: %+v", row)
	}
	r.Since = start().Add(-time.Hour)
	if got := commit(t, s, at.Add(time.Minute), evidence.Batch{Records: []evidence.Record{r}}); got.Records != 1 {
		t.Errorf("changed since: %+v", got)
	}
	if row := one(t, s, "shop", "a.flag"); !row.Since.Equal(r.Since) {
		t.Errorf("since %s, want %s", row.Since, r.Since)
	}
	history, err := s.History(context.Background(), "shop", "a.flag", time.Time{})
	if err != nil || len(history) != 1 {
		t.Errorf("history of one value: %+v, %v", history, err)
	}
}

func datedRecordsKeepTheirTime(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	r := record("shop", "a.dated", double(t, 0.8))
	r.ObservedAt = start().Add(-3 * time.Hour)
	at := start()
	round := func(wantRecords int) store.Row {
		t.Helper()
		at = at.Add(time.Minute)
		got := commit(t, s, at, evidence.Batch{
			Records: []evidence.Record{r},
			Covered: []evidence.Coverage{{Group: "dated", Facts: []string{"a.dated"}, At: at, Dated: true}},
		})
		if got.Records != wantRecords {
			t.Errorf("%d records changed, want %d", got.Records, wantRecords)
		}
		return one(t, s, "shop", "a.dated")
	}
	round(1)
	if row := round(0); !row.ObservedAt.Equal(r.ObservedAt) {
		t.Errorf("read again, the record is observed at %s, want %s", row.ObservedAt, r.ObservedAt)
	}
	first := r.ObservedAt
	r.ObservedAt = start().Add(-time.Hour)
	if row := round(1); !row.ObservedAt.Equal(r.ObservedAt) || !row.Since.Equal(first) {
		t.Errorf("observed again with the same value: %+v", row)
	}
	newest := r.ObservedAt
	r.ObservedAt, r.Value = first, double(t, 0.1)
	if row := round(0); !row.ObservedAt.Equal(newest) || row.Value != double(t, 0.8) {
		t.Errorf("an older observation replaced a newer one: %+v", row)
	}
	history, err := s.History(context.Background(), "shop", "a.dated", time.Time{})
	if err != nil || len(history) != 1 {
		t.Errorf("history of one value: %+v, %v", history, err)
	}
}

func duplicatesInBatch(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	got := commit(t, s, start(), evidence.Batch{
		Records: []evidence.Record{
			record("shop", "a.count", evidence.Int(1)), record("shop", "a.count", evidence.Int(2)),
		},
		Withdrawals: []evidence.Withdrawal{{Service: "shop", Fact: "a.count", Reason: evidence.MissingNoData}},
	})
	if got.Records != 1 || got.Withdrawals != 0 {
		t.Errorf("changes %+v", got)
	}
	if row := one(t, s, "shop", "a.count"); row.Value != evidence.Int(2) {
		t.Errorf("value %s, want 2", row.Value)
	}
	_, err := s.Commit(context.Background(), "test/other", 0, start(), evidence.Batch{
		Records: []evidence.Record{record("shop", "a.count", evidence.Int(3))}})
	if err == nil {
		t.Error("a record of another source was accepted")
	}
	_, err = s.Commit(context.Background(), "test/main", 0, start(), evidence.Batch{
		Records: []evidence.Record{record("shop", "a.count", evidence.Value{})}})
	if err == nil {
		t.Error("a record without a value was accepted")
	}
}

func withdrawals(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	first := commit(t, s, start(), evidence.Batch{Records: []evidence.Record{record("shop", "a.flag",
		evidence.Bool(true))}})
	gone := evidence.Batch{Withdrawals: []evidence.Withdrawal{
		{Service: "shop", Fact: "a.flag", Reason: evidence.MissingNotFound},
		{Service: "bank", Fact: "a.flag", Reason: evidence.MissingNoReference},
	}}
	at := start().Add(time.Hour)
	if got := commit(t, s, at, gone); got.Withdrawals != 2 {
		t.Errorf("changes %+v", got)
	}
	found := load(t, s, first.Seq)
	if len(found.Rows) != 2 {
		t.Fatalf("%d rows changed, want both tombstones", len(found.Rows))
	}
	row := one(t, s, "shop", "a.flag")
	if row.Withdrawn != evidence.MissingNotFound || row.Value.Kind() != evidence.KindInvalid || row.Detail != "" {
		t.Errorf("tombstone %+v", row)
	}
	if got := commit(t, s, at.Add(time.Hour), gone); got.Withdrawals != 0 || got.Rows != 0 {
		t.Errorf("a second withdrawal changed %+v", got)
	}
	history, err := s.History(context.Background(), "shop", "a.flag", time.Time{})
	if err != nil || len(history) != 2 || history[1].Withdrawn != evidence.MissingNotFound || !history[1].From.Equal(at) {
		t.Errorf("history %+v, %v", history, err)
	}
	back := at.Add(2 * time.Hour)
	commit(t, s, back, evidence.Batch{Records: []evidence.Record{record("shop", "a.flag", evidence.Bool(true))}})
	if row := one(t, s, "shop", "a.flag"); row.Withdrawn != "" || !row.Value.Truth() || !row.Since.Equal(back) {
		t.Errorf("after it came back: %+v", row)
	}
}

func incrementalLoad(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	commit(t, s, start(), evidence.Batch{Records: []evidence.Record{
		record("shop", "a.count", evidence.Int(1)), record("bank", "a.count", evidence.Int(1)),
	}})
	seen := load(t, s, 0)
	commit(t, s, start().Add(time.Minute), evidence.Batch{Records: []evidence.Record{
		record("shop", "a.count", evidence.Int(1)), record("bank", "a.count", evidence.Int(2)),
	}})
	found := load(t, s, seen.Seq)
	if len(found.Rows) != 1 || found.Rows[0].Service != "bank" {
		t.Errorf("changed rows %+v, want bank alone", found.Rows)
	}
	seq, err := s.Sequence(context.Background())
	if err != nil || seq != found.Seq {
		t.Errorf("sequence %d, %v, want %d", seq, err, found.Seq)
	}
}

func changedDefinition(t *testing.T, db database) {
	definition := evidence.Definition{Name: "a.ratio", Kind: evidence.KindDouble, Help: "A ratio.", Window: time.Hour}
	other := evidence.Definition{Name: "a.flag", Kind: evidence.KindBool, Help: "A flag."}
	now := start()
	options := store.Options{Facts: facts(t, definition, other), Now: func() time.Time { return now }}
	s := db.open(t, options)
	first := commit(t, s, now, evidence.Batch{Records: []evidence.Record{
		record("shop", "a.ratio", double(t, 0.5)), record("shop", "a.flag", evidence.Bool(true)),
	}})
	closeStore(t, s)

	now = now.Add(time.Hour)
	definition.Help = "Another wording."
	options.Facts = facts(t, definition, other)
	s = db.open(t, options)
	if found := load(t, s, first.Seq); len(found.Rows) != 0 {
		t.Errorf("another wording changed %+v", found.Rows)
	}
	closeStore(t, s)

	definition.Window = 2 * time.Hour
	options.Facts = facts(t, definition, other)
	s = db.open(t, options)
	found := load(t, s, first.Seq)
	if len(found.Rows) != 1 || found.Rows[0].Fact != "a.ratio" || found.Rows[0].Withdrawn != evidence.MissingNotCollected {
		t.Fatalf("another window changed %+v, want a.ratio withdrawn", found.Rows)
	}
	history, err := s.History(context.Background(), "shop", "a.ratio", time.Time{})
	if err != nil || len(history) != 2 || !history[1].From.Equal(now) || history[1].Withdrawn == "" {
		t.Errorf("history %+v, %v", history, err)
	}
	closeStore(t, s)
	s = db.open(t, options)
	if again := load(t, s, found.Seq); len(again.Rows) != 0 || again.Seq != found.Seq {
		t.Errorf("opening again changed %+v up to %d", again.Rows, again.Seq)
	}
}

// changedQuery opens the store of a release that knew no queries, then edits
// the query.
func changedQuery(t *testing.T, db database) {
	definition := evidence.Definition{Name: "a.ratio", Kind: evidence.KindDouble, Help: "A ratio."}
	now := start()
	options := store.Options{Facts: facts(t, definition), Now: func() time.Time { return now }}
	s := db.open(t, options)
	first := commit(t, s, now, evidence.Batch{Records: []evidence.Record{record("shop", "a.ratio", double(t, 0.5))}})
	closeStore(t, s)
	for _, step := range []struct {
		query     string
		withdrawn int
	}{{"old", 0}, {"old", 0}, {"edited", 1}, {"edited", 0}} {
		definition.Query = step.query
		options.Facts = facts(t, definition)
		s = db.open(t, options)
		found := load(t, s, first.Seq)
		if len(found.Rows) != step.withdrawn {
			t.Errorf("query %s: %d records are withdrawn, want %d", step.query, len(found.Rows), step.withdrawn)
		}
		first.Seq = found.Seq
		closeStore(t, s)
	}
}

func hostileText(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	const bad = "a\x00b\xff'\"; DROP TABLE services; --%_\\é🦆"
	r := record(bad, "a.flag", evidence.Bool(true))
	r.Detail = bad
	batch := evidence.Batch{
		Records:     []evidence.Record{r},
		Withdrawals: []evidence.Withdrawal{{Service: bad, Fact: bad, Reason: bad}},
		Incidents: []evidence.Incident{{ID: bad, StartedAt: start(), Services: []string{bad}, Template: bad, Channel: bad,
			Group: bad, Links: []string{bad}, Resolver: bad}},
		Reviews: []evidence.Review{{ID: bad, Key: bad, Service: bad, Status: bad, CreatedAt: start()}},
		Covered: []evidence.Coverage{{Group: bad, Facts: []string{bad}, At: start(),
			Except: map[string]evidence.Missing{bad: bad}}},
		Cursors: map[string]string{bad: bad},
	}
	commit(t, s, start(), batch)
	clean := evidence.Clean(bad, 1000)
	if row := one(t, s, clean, "a.flag"); row.Detail != clean {
		t.Errorf("detail %q, want %q", row.Detail, clean)
	}
	cursors, err := s.Cursors(context.Background(), "test/main")
	if err != nil || cursors[clean] != clean {
		t.Errorf("cursors %q, %v", cursors, err)
	}
	if again := commit(t, s, start().Add(time.Minute), batch); again.Rows != 1 {
		t.Errorf("the same again wrote %d rows, want the one of its coverage", again.Rows)
	}
	run, err := s.StartRun(context.Background(), bad, "", start())
	if err == nil {
		err = s.FinishRun(context.Background(), run, store.RunResult{Finished: start(), Reason: bad, Error: bad,
			Counts: map[string]int64{bad: 1}})
	}
	if err != nil {
		t.Error(err)
	}
}

func canceledCommit(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Commit(ctx, "test/main", 0, start(), evidence.Batch{Records: []evidence.Record{record("shop", "a.flag",
		evidence.Bool(true))}})
	if err == nil {
		t.Fatal("a canceled commit succeeded")
	}
	commit(t, s, start(), evidence.Batch{Records: []evidence.Record{record("bank", "a.flag", evidence.Bool(true))}})
	if rows := load(t, s, 0).Rows; len(rows) != 1 {
		t.Errorf("%d rows, want bank's alone", len(rows))
	}
}

// failedCommit commits a batch that adds names before it fails, and then others:
// no id of a name that was never committed may be used again.
func failedCommit(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	_, err := s.Commit(context.Background(), "test/main", 0, start(), evidence.Batch{
		Incidents: []evidence.Incident{{ID: "A", Services: []string{"lost"}, StartedAt: start()}},
		Reviews:   []evidence.Review{{ID: "101", Key: "PRR-1", Service: "lost"}}, // without a time of creation
	})
	if err == nil {
		t.Fatal("a review without a time of creation was stored")
	}
	for _, service := range []string{"shop", "lost"} {
		commit(t, s, start(), evidence.Batch{Records: []evidence.Record{record(service, "a.flag", evidence.Bool(true))}})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = db.open(t, store.Options{Facts: facts(t)})
	for _, service := range []string{"shop", "lost"} {
		one(t, s, service, "a.flag")
	}
}

func readOnly(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	commit(t, s, start(), evidence.Batch{Records: []evidence.Record{record("shop", "a.flag", evidence.Bool(true))}})
	reader, err := store.OpenReadOnly(context.Background(), store.Options{URL: string(db)})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, reader)
	if row := one(t, reader, "shop", "a.flag"); !row.Value.Truth() {
		t.Errorf("read %+v", row)
	}
	if _, err := reader.Commit(context.Background(), "test/main", 0, start(), evidence.Batch{}); err == nil {
		t.Error("a store opened for reading wrote")
	}
}

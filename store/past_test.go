package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/storetest"
	"github.com/prodready/collector/store"
)

// TestThePastHasEachRecordOnce: what is in history, and the present value where that came
// too soon after the one before or where its row was too old to be kept. It comes in the
// order of time, for more services than are read at once, and for one alone.
func TestThePastHasEachRecordOnce(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { testPast(t, filepath.Join(t.TempDir(), "test.db")) })
	t.Run("postgresql", func(t *testing.T) { testPast(t, storetest.StartPostgres(t).Database(t)) })
}

func testPast(t *testing.T, url string) {
	t.Parallel()
	facts, err := evidence.NewFacts([]evidence.Definition{
		{Name: "x.count", Kind: evidence.KindInt, Help: "x"}, {Name: "x.ratio", Kind: evidence.KindDouble, Help: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: url, Facts: facts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	begin := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	commit := func(source string, after time.Duration, records ...evidence.Record) {
		t.Helper()
		if _, err := s.Commit(t.Context(), source, 0, begin.Add(after), evidence.Batch{Records: records}); err != nil {
			t.Fatal(err)
		}
	}
	ratio := func(service string, of float64) evidence.Record {
		value, _ := evidence.Double(of)
		return evidence.Record{Service: service, Fact: "x.ratio", Value: value}
	}
	var all []evidence.Record
	const services = 300
	for i := range services {
		all = append(all, evidence.Record{Service: fmt.Sprintf("s%03d", i), Fact: "x.count", Value: evidence.Int(int64(i))})
	}
	commit("a/1", 0, all...)
	commit("b/1", 90*time.Minute, evidence.Record{Service: "s007", Fact: "x.count", Value: evidence.Int(1)})
	commit("a/1", time.Hour, ratio("s007", 0.5))
	commit("a/1", time.Hour+10*time.Minute, ratio("s007", 0.6)) // within the resolution
	commit("a/1", 2*time.Hour, evidence.Record{Service: "s007", Fact: "x.count", Value: evidence.Int(2)})
	commit("a/1", 9*time.Hour, evidence.Record{Service: "s007", Fact: "x.count", Value: evidence.Int(3)})
	read := func(service string, until time.Duration) (of map[string]string) {
		t.Helper()
		of = map[string]string{}
		err := s.EachPast(t.Context(), service, begin.Add(until), func(store.Past) error { return nil },
			func(p store.PastService) error {
				for _, r := range p.Records {
					of[p.Service] += fmt.Sprintf("%s %s %s %v, ", r.From.Sub(begin), r.Source, r.Fact, r.Value)
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		return of
	}
	want := "0s a/1 x.count 7, 1h0m0s a/1 x.ratio 0.5, 1h10m0s a/1 x.ratio 0.6, 1h30m0s b/1 x.count 1, 2h0m0s a/1 x.count 2, "
	if got := read("", 5*time.Hour); len(got) != services || got["s007"] != want || got["s299"] != "0s a/1 x.count 299, " {
		t.Errorf("%d services: %v", len(got), got["s007"])
	}
	if got := read("s007", 5*time.Hour); len(got) != 1 || got["s007"] != want {
		t.Errorf("one alone: %v", got)
	}
	if got := read("other", 5*time.Hour); len(got) != 0 {
		t.Errorf("one that is not stored: %v", got)
	}
	// Rows before three hours are deleted, and the present values of then are still there.
	_, err = s.Prune(t.Context(), begin.Add(10*time.Hour), store.Retention{History: 7 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want = "1h10m0s a/1 x.ratio 0.6, 1h30m0s b/1 x.count 1, 9h0m0s a/1 x.count 3, "
	got := read("", 10*time.Hour)
	if len(got) != services || got["s007"] != want || got["s299"] != "0s a/1 x.count 299, " {
		t.Errorf("after the history was shortened: %d services, %v and %v", len(got), got["s007"], got["s299"])
	}
}

// TestEvidenceOfThePastIsAdded before what is stored, which stays as it is.
func TestEvidenceOfThePastIsAdded(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { testAddPast(t, filepath.Join(t.TempDir(), "test.db")) })
	t.Run("postgresql", func(t *testing.T) { testAddPast(t, storetest.StartPostgres(t).Database(t)) })
}

func testAddPast(t *testing.T, url string) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	old, since := now.AddDate(0, 0, -40), now.AddDate(0, 0, -30)
	var last int64
	for _, at := range []time.Time{old, now.AddDate(0, 0, -20), now} {
		if last, err = s.SaveJudgement(t.Context(), store.Judgement{After: last, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Commit(t.Context(), "a/1", 0, now, evidence.Batch{
		Records: []evidence.Record{{Service: "shop", Fact: "x.count", Value: evidence.Int(1)}},
		Covered: []evidence.Coverage{{Group: "g", Facts: []string{"x.count", "x.other"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	records := []store.PastRecord{
		{Fact: "x.count", Source: "a/1", From: since, Since: since.AddDate(0, 0, -5), Value: evidence.Int(3)},
		{Fact: "x.other", Source: "a/1", From: since, Since: since, Value: evidence.Bool(true)},
		{Fact: "x.other", Source: "a/1", From: now.AddDate(0, 0, -9), Since: now.AddDate(0, 0, -9),
			Withdrawn: evidence.MissingNoData},
	}
	if err := s.AddPast(t.Context(), since, []store.PastService{{Service: "shop", Records: records}}); err != nil {
		t.Fatal(err)
	}
	var got []store.PastRecord
	err = s.EachPast(t.Context(), "", now, func(p store.Past) error {
		spans := p.Judging
		if len(p.Coverage) != 1 || !p.Coverage[0].From.Equal(since) || !p.Coverage[0].Until.Equal(now) || len(spans) != 2 ||
			!spans[0].Until.Equal(old) || !spans[1].From.Equal(since) || !spans[1].Until.Equal(now) {
			t.Errorf("answered %v, judged %v", p.Coverage, spans)
		}
		return nil
	}, func(p store.PastService) error {
		got = p.Records
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := append(records, store.PastRecord{
		Fact: "x.count", Source: "a/1", From: now, Since: now, Value: evidence.Int(1),
	})
	if !slices.Equal(got, want) {
		t.Errorf("the past is\n%+v\nnot\n%+v", got, want)
	}
	records = []store.PastRecord{{Fact: "x.count", Source: "a/1", From: old}}
	if err := s.AddPast(t.Context(), since, []store.PastService{{Service: "shop", Records: records}}); err == nil {
		t.Error("a record without a value is stored")
	}
}

package storetest

import (
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

func covered(at time.Time, group string, facts []string, except ...string) evidence.Batch {
	c := evidence.Coverage{Group: group, Facts: facts, At: at, Except: map[string]evidence.Missing{}}
	for _, service := range except {
		c.Except[service] = evidence.MissingUndecodable
	}
	return evidence.Batch{Covered: []evidence.Coverage{c}}
}

func wantObserved(t *testing.T, s *store.Store, service, fact string, want time.Time) {
	t.Helper()
	if got := one(t, s, service, fact).ObservedAt; !got.Equal(want) {
		t.Errorf("%s of %s observed at %s, want %s", fact, service, got.Format(time.TimeOnly), want.Format(time.TimeOnly))
	}
}

func observedWithGroup(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	commit(t, s, start(), evidence.Batch{Records: []evidence.Record{
		record("shop", "a.flag", evidence.Bool(true)), record("shop", "a.count", evidence.Int(1)),
	}})
	wantObserved(t, s, "shop", "a.flag", start())
	at := start().Add(time.Hour)
	seen := load(t, s, 0)
	commit(t, s, at, covered(at, "flags", []string{"a.flag"}))
	wantObserved(t, s, "shop", "a.flag", at)
	wantObserved(t, s, "shop", "a.count", start())

	// A reader that keeps its rows finds the same with newer coverage.
	found := load(t, s, seen.Seq)
	if len(found.Rows) != 0 || len(found.Coverage) != 1 {
		t.Fatalf("loaded %+v", found)
	}
	for _, row := range seen.Rows {
		if row.Fact == "a.flag" && !row.Observed(found.Coverage[0].At).Equal(at) {
			t.Errorf("a kept row is observed at %s, want %s", row.Observed(found.Coverage[0].At), at)
		}
	}
}

func exceptionHolds(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	group := []string{"a.flag", "a.count"}
	at := func(n int) time.Time { return start().Add(time.Duration(n) * time.Hour) }
	batch := covered(at(0), "main", group)
	batch.Records = []evidence.Record{record("shop", "a.flag", evidence.Bool(true)),
		record("bank", "a.flag", evidence.Bool(true))}
	commit(t, s, at(0), batch)
	commit(t, s, at(1), covered(at(1), "main", group))

	seen := load(t, s, 0).Seq
	commit(t, s, at(2), covered(at(2), "main", group, "shop"))
	wantObserved(t, s, "shop", "a.flag", at(1))
	wantObserved(t, s, "bank", "a.flag", at(2))
	found := load(t, s, seen)
	if len(found.Rows) != 1 || found.Rows[0].Service != "shop" || !found.Rows[0].HeldAt.Equal(at(1)) {
		t.Errorf("changed rows %+v, want shop's held one", found.Rows)
	}
	if got := found.Coverage[0].Except["shop"]; got != evidence.MissingUndecodable {
		t.Errorf("exception %q", got)
	}

	// It stays held while it stays excepted, and writes nothing more.
	if got := commit(t, s, at(3), covered(at(3), "main", group, "shop")); got.Rows != 2 {
		t.Errorf("a steady exception wrote %d rows, want that of its group, and of the span that has ended", got.Rows)
	}
	wantObserved(t, s, "shop", "a.flag", at(1))
	wantObserved(t, s, "bank", "a.flag", at(3))

	// A changed value is seen although the rest of the group was not.
	commit(t, s, at(4), evidence.Batch{Records: []evidence.Record{record("shop", "a.flag", evidence.Bool(false))}})
	wantObserved(t, s, "shop", "a.flag", at(4))
	commit(t, s, at(5), covered(at(5), "main", group, "shop"))
	wantObserved(t, s, "shop", "a.flag", at(4))

	commit(t, s, at(6), covered(at(6), "main", group))
	wantObserved(t, s, "shop", "a.flag", at(6))
	if found := load(t, s, 0); len(found.Coverage[0].Except) != 0 {
		t.Errorf("exceptions %v are left", found.Coverage[0].Except)
	}
}

func newRecordWhileExcepted(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	at := func(n int) time.Time { return start().Add(time.Duration(n) * time.Hour) }
	commit(t, s, at(0), covered(at(0), "main", []string{"a.flag"}, "shop"))
	commit(t, s, at(1), evidence.Batch{Records: []evidence.Record{record("shop", "a.flag", evidence.Bool(true))}})
	commit(t, s, at(2), covered(at(2), "main", []string{"a.flag"}, "shop"))
	wantObserved(t, s, "shop", "a.flag", at(1))
	commit(t, s, at(3), covered(at(3), "main", []string{"a.flag"}))
	wantObserved(t, s, "shop", "a.flag", at(3))
}

func factsMove(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	at := func(n int) time.Time { return start().Add(time.Duration(n) * time.Hour) }
	commit(t, s, at(0), evidence.Batch{Records: []evidence.Record{
		record("shop", "a.flag", evidence.Bool(true)), record("shop", "a.count", evidence.Int(1)),
		record("bank", "a.count", evidence.Int(1)),
	}})
	commit(t, s, at(1), covered(at(1), "flags", []string{"a.flag"}, "shop"))
	commit(t, s, at(1), covered(at(1), "counts", []string{"a.count"}))
	// a.count joins the group that shop is excepted from.
	commit(t, s, at(2), covered(at(2), "flags", []string{"a.flag", "a.count"}, "shop"))
	wantObserved(t, s, "shop", "a.flag", at(0))
	wantObserved(t, s, "shop", "a.count", at(1))
	wantObserved(t, s, "bank", "a.count", at(2))
	commit(t, s, at(3), covered(at(3), "flags", []string{"a.flag", "a.count"}))
	wantObserved(t, s, "shop", "a.flag", at(3))
	wantObserved(t, s, "shop", "a.count", at(3))
}

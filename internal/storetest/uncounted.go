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

// uncounted is replaced by source and kind.
func uncounted(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	put := func(source string, found ...evidence.Uncounted) store.Changes {
		t.Helper()
		changes, err := s.Commit(context.Background(), source, 0, start(), evidence.Batch{Uncounted: found})
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	is := func(want map[string][]evidence.Uncounted) {
		t.Helper()
		got, err := s.Uncounted(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\nwant %+v", got, want)
		}
	}
	is(nil)
	series := evidence.Uncounted{
		Kind: evidence.UncountedSeries, Total: 5,
		Reasons: map[evidence.UncountedReason]int{evidence.UncountedUnknownService: 4, evidence.UncountedNoReference: 1},
		Largest: []evidence.UncountedGroup{
			{Name: "workload b", Reason: evidence.UncountedUnknownService, Count: 3},
			{Name: "workload a", Reason: evidence.UncountedNoReference, Count: 1},
			{Name: "workload a", Reason: evidence.UncountedUnknownService, Count: 1},
		},
	}
	rule := evidence.Uncounted{
		Kind: evidence.UncountedRule, Total: 1,
		Reasons: map[evidence.UncountedReason]int{evidence.UncountedUnreadable: 1},
		Largest: []evidence.UncountedGroup{{Name: "x", Reason: evidence.UncountedUnreadable, Count: 1}},
	}
	put("prometheus/one", series, rule)
	is(map[string][]evidence.Uncounted{"prometheus/one": {rule, series}})
	if n := put("prometheus/one", series, rule).Rows; n != 0 {
		t.Errorf("the same counts wrote %d rows", n)
	}
	put("prometheus/two", rule)
	put("prometheus/one", evidence.Uncounted{Kind: evidence.UncountedSeries})
	put("prometheus/one")
	is(map[string][]evidence.Uncounted{"prometheus/one": {rule}, "prometheus/two": {rule}})
}

// doubts about incidents are replaced by source, and those of other sources than the
// wanted ones are left out.
func doubts(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	of := func(service string, at int, open bool) evidence.IncidentDoubt {
		return evidence.IncidentDoubt{Service: service, Newest: minute(at), Open: open}
	}
	want := func(want ...evidence.IncidentDoubt) {
		t.Helper()
		expected := evidence.Doubts{}
		for _, d := range want {
			expected.Add(d)
		}
		got, err := s.IncidentDoubts(context.Background(), []string{"test/main"})
		if err != nil || !reflect.DeepEqual(got, expected) {
			t.Errorf("%v, %v, want %v", got, err, expected)
		}
	}
	want()
	first := []evidence.IncidentDoubt{of("shop", 3, true), of("bank", 4, false)}
	commit(t, s, minute(5), evidence.Batch{IncidentDoubts: first})
	want(first...)
	commit(t, s, minute(6), evidence.Batch{})
	want(first...)
	if got := commit(t, s, minute(7), evidence.Batch{IncidentDoubts: first}); got.Rows != 0 {
		t.Errorf("the same again wrote %d rows", got.Rows)
	}
	commit(t, s, minute(8), evidence.Batch{IncidentDoubts: []evidence.IncidentDoubt{of("shop", 7, false)}})
	want(of("shop", 7, false))
	if all, err := s.IncidentDoubts(context.Background(), nil); err != nil || len(all) != 0 {
		t.Errorf("of no source: %v, %v", all, err)
	}
	commit(t, s, minute(9), evidence.Batch{IncidentDoubts: []evidence.IncidentDoubt{}})
	want()
}

// alertDoubts are replaced by source, and of several sources the newest counts.
func alertDoubts(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	want := func(sources []string, want map[string]time.Time) {
		t.Helper()
		if got, err := s.AlertDoubts(context.Background(), sources); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	main := []string{"test/main"}
	first := map[string]time.Time{"shop": minute(3), "bank": minute(4)}
	commit(t, s, minute(5), evidence.Batch{AlertDoubts: first})
	want(main, first)
	commit(t, s, minute(6), evidence.Batch{})
	want(main, first)
	if got := commit(t, s, minute(7), evidence.Batch{AlertDoubts: first}); got.Rows != 0 {
		t.Errorf("the same again wrote %d rows", got.Rows)
	}
	want(nil, map[string]time.Time{})
	for i, doubts := range []map[string]time.Time{{"shop": minute(2), "bank": minute(6)}, {"shop": minute(2)}} {
		other := fmt.Sprint("test/other", i)
		if _, err := s.Commit(context.Background(), other, 0, minute(7), evidence.Batch{AlertDoubts: doubts}); err != nil {
			t.Fatal(err)
		}
	}
	want(main, first)
	want([]string{"test/main", "test/other0", "test/other1"}, map[string]time.Time{"shop": minute(3), "bank": minute(6)})
	commit(t, s, minute(8), evidence.Batch{AlertDoubts: map[string]time.Time{"shop": minute(7)}})
	want(main, map[string]time.Time{"shop": minute(7)})
	commit(t, s, minute(9), evidence.Batch{AlertDoubts: map[string]time.Time{}})
	want(main, map[string]time.Time{})
}

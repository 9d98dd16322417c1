package main

import (
	"testing"
	"time"

	"github.com/prodready/collector/store"
)

// TestASteadyRoundWritesNoRowPerService holds what a round writes when next to
// nothing has changed: one row for each group of facts that a source has, its
// cursors and its run, however many services and incidents there are.
func TestASteadyRoundWritesNoRowPerService(t *testing.T) {
	// The cursors of a source, and nothing else.
	const cursors = 4
	steady := map[int]map[string]store.LastRun{}
	for _, services := range []int{6, 48} {
		d := collected(t, options{seed: 11, services: services, listen: "127.0.0.1:0"}, time.Now)
		// The second round still tells ages that the first could not.
		for range 2 {
			if err := d.collector.CollectOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		steady[services] = lastRuns(t, d)
	}
	for source, few := range steady[6] {
		many := steady[48][source]
		if many.Counts["records"] < 2*few.Counts["records"] {
			t.Errorf(
				"%s observed %d and %d records: the companies are too much alike for this test", source, few.Counts["records"],
				many.Counts["records"],
			)
		}
		for _, run := range []store.LastRun{few, many} {
			// What has really changed meanwhile, such as an age, has its row and a
			// row of history.
			if bound := run.Counts["covered"] + cursors + 2*run.Counts["changed"]; run.Counts["rows"] > bound ||
				run.Counts["changed"] > 20 {
				t.Errorf("%s has written %d rows, want at most %d: %v", source, run.Counts["rows"], bound, run.Counts)
			}
		}
		if few.Counts["covered"] != many.Counts["covered"] {
			t.Errorf(
				"%s has %d groups with few services and %d with many", source, few.Counts["covered"], many.Counts["covered"],
			)
		}
	}
}

// lastRuns are the newest rounds, by source.
func lastRuns(t *testing.T, d *demo) map[string]store.LastRun {
	t.Helper()
	s, err := store.OpenReadOnly(t.Context(), store.Options{URL: d.storeFile()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	runs, err := s.LastRuns(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bySource := map[string]store.LastRun{}
	for _, run := range runs {
		bySource[run.Source] = run
	}
	return bySource
}

package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// feedback is replaced whole by each source, and summed over them.
func feedback(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	say := func(source string, list []evidence.Feedback) store.Changes {
		t.Helper()
		changes, err := s.Commit(context.Background(), source, 0, start(), evidence.Batch{Feedback: list})
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	is := func(want ...evidence.Feedback) {
		t.Helper()
		got, err := s.Feedback(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	is()
	unclear := evidence.Feedback{Check: "b.x", Kind: evidence.FeedbackUnclear, Count: 2}
	much := evidence.Feedback{Check: "a.x", Kind: evidence.FeedbackOverkill, Count: 1}
	say("jira/one", []evidence.Feedback{unclear, much})
	is(much, unclear)
	if n := say("jira/one", []evidence.Feedback{much, unclear}).Rows; n != 0 {
		t.Errorf("the same counts wrote %d rows", n)
	}
	say("jira/two", []evidence.Feedback{unclear})
	is(much, evidence.Feedback{Check: "b.x", Kind: evidence.FeedbackUnclear, Count: 4})
	say("jira/two", nil)
	say("jira/one", []evidence.Feedback{})
	is(unclear)
	if _, err := s.Commit(context.Background(), "jira/one", 0, start().Add(time.Hour),
		evidence.Batch{Feedback: []evidence.Feedback{{Check: "b.x"}}}); err == nil {
		t.Error("no error for a count of nothing")
	}
	is(unclear)
}

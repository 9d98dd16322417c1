// Package storetest is one behavioural test suite for every database that a
// store can be kept in, and a throw-away PostgreSQL to run it on.
package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
	"github.com/prodready/collector/store"
)

// database is an address. The suite closes a store before it opens the next one
// on the same database.
type database string

func (db database) open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	o.URL = string(db)
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// Run runs the suite. fresh makes an empty database for each test and returns
// its address.
func Run(t *testing.T, fresh func(t testing.TB) string) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, db database)
	}{
		{"values survive a restart", valuesSurvive},
		{"operational reviews", operationalReviews}, {"effects of reviews", correlations},
		{"history of badges", badgeHistory},
		{"unchanged values write nothing", unchangedWritesNothing},
		{"a change of detail or since is a change", detailIsChange},
		{"records that tell their time keep it", datedRecordsKeepTheirTime},
		{"the last of two records counts", duplicatesInBatch},
		{"a service without a coverage exception is observed with its group", observedWithGroup},
		{"an exception holds observed-at", exceptionHolds},
		{"a new record of an excepted service", newRecordWhileExcepted},
		{"facts move between groups", factsMove},
		{"withdrawals leave tombstones", withdrawals},
		{"changed rows alone are loaded", incrementalLoad},
		{"a changed definition withdraws", changedDefinition},
		{"a changed query withdraws, an upgrade does not", changedQuery},
		{"history keeps to the resolution", historyResolution},
		{"many rows at once", manyRows},
		{"a batch of a part of the services", partOfAFact},
		{"history of other kinds keeps everything", historyOfCounts},
		{"what decided is in history", deciding},
		{"remembered facts", remembering},
		{"remembered means", rememberingMeans},
		{"a mean of many services", meansOfMany},
		{"incidents", incidents},
		{"incidents in a window", incidentWindow},
		{"a long history of incidents in pages", incidentPages},
		{"log entries of incidents", logEntries},
		{"log entries are deleted with their incident", logEntryRetention},
		{"feedback about checks", feedback}, {"exemptions of tickets", exemptions},
		{"uncounted records", uncounted}, {"doubts about incidents", doubts},
		{"doubts about alerts", alertDoubts},
		{"firings of alerts", alerts},
		{"a long history of alerts in pages", alertPages},
		{"when alerts were watched", alertSights},
		{"keys are made once", keys},
		{"acknowledgements are not forgotten", acknowledgements},
		{"reviews", reviews}, {"former keys", formerKeys},
		{"cursors are committed with their batch", cursors},
		{"runs", runs},
		{"a round that another process has taken over", takenOver},
		{"the last round", lastRound},
		{"older configurations are refused", olderConfigurations},
		{"the clock of the database", clockOffsets}, {"the size of the database", sizes},
		{"a state is followed", followed},
		{"hostile text is stored", hostileText},
		{"state survives a restart", stateSurvives},
		{"a judgement that changes nothing", judgementChangeOnly},
		{"a judgement after another than the last is refused", staleJudgement},
		{"of many judgements after one, one is stored", racingJudgements},
		{"a judgement whose evidence cannot be kept leaves nothing", judgementIsWhole},
		{"badges of services that have left", leftBadges},
		{"transitions are counted for ever", transitions},
		{"check statuses", statuses},
		{"retention", retention},
		{"a copy of a source reads as the store does", copies},
		{"readers see whole commits", readersSeeWholeCommits},
		{"a canceled commit leaves nothing", canceledCommit},
		{"a failed commit leaves no names", failedCommit},
		{"looking at a store that is in use", readOnly},
		{"random commits agree with a model", randomCommits},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !slices.Contains([]string{"readers see whole commits", "a canceled commit leaves nothing"}, test.name) {
				race.Skip(t, "it uses the store in one goroutine")
			}
			test.run(t, database(fresh(t)))
		})
	}
}

// start is the time at which the tests begin.
func start() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func facts(t testing.TB, definitions ...evidence.Definition) *evidence.Facts {
	t.Helper()
	if len(definitions) == 0 {
		definitions = []evidence.Definition{
			{Name: "a.flag", Kind: evidence.KindBool, Help: "A flag."},
			{Name: "a.count", Kind: evidence.KindInt, Help: "A count."},
			{Name: "a.ratio", Kind: evidence.KindDouble, Help: "A ratio."},
			{Name: "a.dated", Kind: evidence.KindDouble, Help: "A ratio from a file."},
			{Name: "a.age", Kind: evidence.KindDouble, Unit: "days", Clock: evidence.Elapsed, Help: "An age."},
		}
	}
	set, err := evidence.NewFacts(definitions)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func commit(t testing.TB, s *store.Store, at time.Time, batch evidence.Batch) store.Changes {
	t.Helper()
	changes, err := s.Commit(context.Background(), "test/main", 0, at, batch)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func load(t testing.TB, s *store.Store, after int64) store.Evidence {
	t.Helper()
	found, err := s.LoadRecords(context.Background(), after)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// one finds the only row of a service and fact.
func one(t testing.TB, s *store.Store, service, fact string) store.Row {
	t.Helper()
	var found []store.Row
	for _, row := range load(t, s, 0).Rows {
		if row.Service == service && row.Fact == fact {
			found = append(found, row)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s of %s: %d rows, want 1", fact, service, len(found))
	}
	return found[0]
}

func double(t testing.TB, v float64) evidence.Value {
	t.Helper()
	value, ok := evidence.Double(v)
	if !ok {
		t.Fatalf("%v is not a value", v)
	}
	return value
}

func record(service, fact string, value evidence.Value) evidence.Record {
	return evidence.Record{Service: service, Fact: fact, Value: value, Source: "test/main", Detail: "query"}
}

func closeStore(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

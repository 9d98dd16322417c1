package storetest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// exposed is a fact whose mean over 20 days is asked.
func exposed(window time.Duration) evidence.Definition {
	return evidence.Definition{
		Name: "a.exposed", Kind: evidence.KindDouble, Unit: "ratio", Window: window, Round: 0.01,
		Merge: evidence.MergeMax, Remember: evidence.RememberMean, Help: "A share of days.",
	}
}

const twentyDays = 20 * 24 * time.Hour

func rememberingMeans(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t, exposed(twentyDays))})
	at := func(day, hour int) time.Time {
		return start().Truncate(24*time.Hour).AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
	}
	put := func(at time.Time, v float64) store.Changes {
		t.Helper()
		return commit(t, s, at, evidence.Batch{Records: []evidence.Record{record("shop", "a.exposed", double(t, v))}})
	}
	is := func(when, want string) {
		t.Helper()
		row := one(t, s, "shop", "a.exposed")
		got := row.Value.String()
		if row.Withdrawn != "" {
			got = string(row.Withdrawn)
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%+v)", when, got, want, row)
		}
	}
	for day := range 19 {
		put(at(day, 6), 0)
		is(fmt.Sprintf("asked for %d days", day+1), "short_memory")
	}
	put(at(19, 6), 0)
	is("asked for 20 days", "0")
	if n := put(at(19, 7), 0).Rows; n != 0 {
		t.Errorf("an observation that brings nothing new wrote %d rows", n)
	}
	put(at(19, 12), 1)
	is("one day of 20", "0.05")
	put(at(19, 18), 0.5)
	is("the newest of the day counts", "0.03") // 0.025, rounded
	put(at(20, 6), 1)
	is("two days of 20", "0.08")
	if n := put(at(20, 7), 1).Rows; n != 0 {
		t.Errorf("an observation that brings nothing new wrote %d rows", n)
	}

	// Two days without an observation are a tenth of the window; three are not.
	put(at(23, 6), 1)
	is("two days were lost", "0.14") // 2.5 of 18 days
	put(at(25, 6), 1)
	is("three days were lost", "short_memory")
	for day := 26; day < 44; day++ {
		put(at(day, 6), 1)
	}
	is("they are long past", "1") // and so are the first
	for day := 44; day < 64; day++ {
		put(at(day, 6), 0)
	}
	is("what is older than the window is forgotten", "0")

	commit(t, s, at(64, 6), evidence.Batch{Withdrawals: []evidence.Withdrawal{{Service: "shop", Fact: "a.exposed",
		Reason: evidence.MissingNoData}}})
	is("withdrawn", "no_data")
	put(at(64, 7), 1)
	is("the days outlive a withdrawal", "0.05")

	closeStore(t, s)
	s = db.open(t, store.Options{Facts: facts(t, exposed(twentyDays))})
	put(at(65, 6), 1)
	is("and a restart", "0.1")
	closeStore(t, s)
	s = db.open(t, store.Options{Facts: facts(t, exposed(30*24*time.Hour)), Now: func() time.Time { return at(66, 5) }})
	is("another window asks another question", "not_collected")
	put(at(66, 6), 1)
	is("which begins anew", "short_memory")
}

func meansOfMany(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t, exposed(twentyDays))})
	const n = 60
	var changes store.Changes
	for day := range 21 {
		var batch evidence.Batch
		for i := range n {
			v := 0.0
			if day%n < i {
				v = 1
			}
			batch.Records = append(batch.Records, record(fmt.Sprintf("s-%02d", i), "a.exposed", double(t, v)))
		}
		changes = commit(t, s, start().AddDate(0, 0, day), batch)
	}
	if changes.Records == 0 {
		t.Error("the last day changed nothing")
	}
	for i := range n {
		// Days 1 to 20 count: it was 1 on those before i.
		want := math.Round(float64(max(0, min(i, 21)-1))/20*100) / 100
		row := one(t, s, fmt.Sprintf("s-%02d", i), "a.exposed")
		if row.Withdrawn != "" || row.Value != double(t, want) {
			t.Errorf("%s is %s %s, want %g", row.Service, row.Value, row.Withdrawn, want)
		}
	}
}

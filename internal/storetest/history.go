package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// told is a history in short: minutes since start and value.
func told(t *testing.T, s *store.Store, service, fact string, since time.Time) string {
	t.Helper()
	rows, err := s.History(context.Background(), service, fact, since)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, row := range rows {
		what := row.Value.String()
		if row.Withdrawn != "" {
			what = string(row.Withdrawn)
		}
		text += fmt.Sprintf("%d:%s ", int(row.From.Sub(start()).Minutes()), what)
	}
	return text
}

func minute(n int) time.Time { return start().Add(time.Duration(n) * time.Minute) }

func historyResolution(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	put := func(at int, v float64) {
		commit(t, s, minute(at), evidence.Batch{Records: []evidence.Record{record("shop", "a.ratio", double(t, v))}})
	}
	for _, step := range []struct {
		at   int
		v    float64
		want string
	}{
		{0, 0.1, "0:0.1 "},
		{10, 0.2, "0:0.1 10:0.2 "},                  // too soon to keep: shown as the present value
		{20, 0.3, "0:0.1 20:0.3 "},                  // and gone when it ends
		{60, 0.4, "0:0.1 60:0.4 "},                  // an hour later
		{70, 0.5, "0:0.1 60:0.4 70:0.5 "},           // too soon again
		{400, 0.6, "0:0.1 60:0.4 120:0.5 400:0.6 "}, // 0.5 is told from when it could be
	} {
		put(step.at, step.v)
		if got := told(t, s, "shop", "a.ratio", time.Time{}); got != step.want {
			t.Errorf("at %d: history %q, want %q", step.at, got, step.want)
		}
	}
	if got, want := told(t, s, "shop", "a.ratio", minute(130)), "120:0.5 400:0.6 "; got != want {
		t.Errorf("since 130: history %q, want %q", got, want)
	}
	put(410, 0.7)
	commit(t, s, minute(420), evidence.Batch{Withdrawals: []evidence.Withdrawal{{Service: "shop", Fact: "a.ratio",
		Reason: evidence.MissingNoData}}})
	if got, want := told(t, s, "shop", "a.ratio", minute(400)), "400:0.6 420:no_data "; got != want {
		t.Errorf("after withdrawal: history %q, want %q", got, want)
	}
}

func historyOfCounts(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	for i := range 4 {
		commit(t, s, minute(i), evidence.Batch{Records: []evidence.Record{
			record("shop", "a.count", evidence.Int(int64(i))), record("shop", "a.flag", evidence.Bool(i%2 == 1)),
		}})
	}
	if got, want := told(t, s, "shop", "a.count", time.Time{}), "0:0 1:1 2:2 3:3 "; got != want {
		t.Errorf("history of counts %q, want %q", got, want)
	}
	if got, want := told(t, s, "shop", "a.flag", time.Time{}), "0:false 1:true 2:false 3:true "; got != want {
		t.Errorf("history of flags %q, want %q", got, want)
	}
}

func deciding(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	put := func(at int, v float64) {
		commit(t, s, minute(at), evidence.Batch{Records: []evidence.Record{record("shop", "a.ratio", double(t, v))}})
	}
	put(0, 0.1)
	put(10, 0.2)
	keys := []store.Key{
		{Service: "shop", Fact: "a.ratio", Source: "test/main"},
		{Service: "nobody", Fact: "a.ratio", Source: "test/main"},
	}
	for range 2 {
		judge(t, s, store.Judgement{DecidedBy: keys})
	}
	put(20, 0.3)
	put(30, 0.4)
	if got, want := told(t, s, "shop", "a.ratio", time.Time{}), "0:0.1 10:0.2 30:0.4 "; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
}

func remembering(t *testing.T, db database) {
	set := facts(t,
		evidence.Definition{Name: "a.drill", Kind: evidence.KindDouble, Unit: "days", Clock: evidence.Elapsed,
			Remember: evidence.RememberLastTrue, Help: "A drill."},
		evidence.Definition{Name: "a.backup", Kind: evidence.KindDouble, Unit: "days", Clock: evidence.Elapsed,
			Remember: evidence.RememberNewest, Help: "A backup."})
	s := db.open(t, store.Options{Facts: set, Memory: 48 * time.Hour})
	put := func(at int, fact string, v evidence.Value) store.Row {
		t.Helper()
		commit(t, s, minute(at), evidence.Batch{Records: []evidence.Record{record("shop", fact, v)}})
		return one(t, s, "shop", fact)
	}
	if row := put(0, "a.drill", double(t, 0)); row.Withdrawn != evidence.MissingShortMemory {
		t.Errorf("not seen and just asked: %+v", row)
	}
	if row := put(60*47, "a.drill", double(t, 0)); row.Withdrawn != evidence.MissingShortMemory {
		t.Errorf("not seen and asked for 47 h: %+v", row)
	}
	if row := put(60*48, "a.drill", double(t, 0)); row.Value != evidence.Never() {
		t.Errorf("not seen and asked for 48 h: %+v", row)
	}
	if row := put(60*49, "a.drill", double(t, 0)); row.Value != evidence.Never() {
		t.Errorf("still not seen: %+v", row)
	}
	if row := put(60*50, "a.drill", double(t, 3)); row.Value != evidence.Instant(minute(60*50)) {
		t.Errorf("seen: %+v", row)
	}
	if row := put(60*51, "a.drill", double(t, 0)); row.Value != evidence.Instant(minute(60*50)) || row.Withdrawn != "" {
		t.Errorf("no longer seen: %+v", row)
	}
	commit(t, s, minute(60*52), evidence.Batch{Withdrawals: []evidence.Withdrawal{{Service: "shop", Fact: "a.drill",
		Reason: evidence.MissingNoData}}})
	if row := put(60*53, "a.drill", double(t, 0)); row.Value != evidence.Instant(minute(60*50)) {
		t.Errorf("not seen after a withdrawal: %+v", row)
	}

	put(0, "a.backup", evidence.Instant(minute(-100)))
	if row := put(10, "a.backup", evidence.Instant(minute(-200))); row.Value != evidence.Instant(minute(-100)) {
		t.Errorf("an older backup: %+v", row)
	}
	if row := put(20, "a.backup", evidence.Never()); row.Value != evidence.Instant(minute(-100)) {
		t.Errorf("a forgotten backup: %+v", row)
	}
	if row := put(30, "a.backup", evidence.Instant(minute(25))); row.Value != evidence.Instant(minute(25)) {
		t.Errorf("a newer backup: %+v", row)
	}
}

package pagerduty_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

// long makes n incidents of a service over 750 days. Every tenth lasts for 20
// days and every 50th for 200, so that many outlast what is read at once. Each
// is noted, escalated twice and reassigned just before its end.
func long(n int) []pagerdutytest.Incident {
	list := make([]pagerdutytest.Incident, n)
	for i := range list {
		created := noon.Add(-time.Hour - time.Duration(i)*(750*day/time.Duration(n))).Truncate(time.Second)
		lasts := 2 * time.Hour
		switch {
		case i%50 == 7:
			lasts = 200 * day
		case i%10 == 3:
			lasts = 20 * day
		}
		end := created.Add(lasts)
		in := pagerdutytest.Incident{
			ID: fmt.Sprintf("Q%06d", i), Number: n - i, Title: "Disk full", Service: "PGOOD", Channel: "api", CreatedAt: created,
			AssignedTo: []string{"U1", "U2"}, AcknowledgedAt: created.Add(time.Minute), AcknowledgedBy: "U1",
			Notes: []pagerdutytest.Note{{At: created.Add(90 * time.Second)}, {At: end.Add(-3 * time.Second)}},
			Moves: []pagerdutytest.Move{
				{At: created.Add(30 * time.Second), Kind: "escalate", To: []string{"U2"}},
				{At: end.Add(-10 * time.Minute), Kind: "escalate", To: []string{"U2", "U3"}},
				{At: end.Add(-5 * time.Minute), By: "U1", To: []string{"U3", "U4"}},
			},
		}
		if !end.After(noon) {
			in.ResolvedAt, in.ResolvedBy, in.ResolvedByID = end, "user_reference", "U5"
		}
		list[i] = in
	}
	return list
}

// wantLong checks what is stored of one of them.
func wantLong(t *testing.T, got evidence.Incident, in pagerdutytest.Incident, at time.Time) {
	t.Helper()
	notes, escalations, moves := 0, 0, 0
	people := []string{"hash of U1"}
	for _, note := range in.Notes {
		if !note.At.After(at) {
			notes++
		}
	}
	for _, move := range in.Moves {
		if move.At.After(at) {
			continue
		}
		if move.Kind == "escalate" {
			escalations++
			continue
		}
		moves++
		people = append(people, "hash of U3", "hash of U4")
	}
	if !in.ResolvedAt.IsZero() {
		people = append(people, "hash of U5")
	}
	if !got.AcksKnown || !got.AcknowledgedAt.Equal(in.AcknowledgedAt) || !got.ResolvedAt.Equal(in.ResolvedAt) ||
		got.Notes != notes ||
		got.Escalations != escalations || got.Reassignments != moves || fmt.Sprint(got.Responders) != fmt.Sprint(people) {
		t.Errorf("%s, from %s to %s: known %t, acknowledged %s, resolved %s, %d notes (%d), %d escalations (%d), %d reassignments (%d), by %v (%v)", in.ID, in.CreatedAt, in.ResolvedAt,
			got.AcksKnown, got.AcknowledgedAt, got.ResolvedAt, got.Notes, notes, got.Escalations, escalations,
			got.Reassignments, moves, got.Responders, people)
	}
}

// wantAllLong is wantLong for all incidents of an account.
func wantAllLong(t *testing.T, w *world, account pagerdutytest.Account) {
	t.Helper()
	for _, in := range account.Incidents {
		wantLong(t, w.store.incidents[in.ID], in, w.now)
	}
}

const twoYears = 760 * day

func TestTheHistoryIsReadInChunks(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(1300)
	w := start(t, account, services, history(twoYears))
	w.keep()
	r := w.collect()
	if r.err != nil || r.groups() != every() || len(w.store.incidents) != 1300 {
		t.Fatalf("covered %q, %d incidents, error %v", r.groups(), len(w.store.incidents), r.err)
	}
	for _, in := range account.Incidents {
		wantLong(t, w.store.incidents[in.ID], in, noon)
	}
	r.want(t, "checkout", map[string]string{"high_urgency_90d": "156"})
	// What has been read is not read again, by a new process either.
	for _, restart := range []bool{false, true} {
		if restart {
			w.restart()
		}
		w.later(5 * time.Minute)
		w.fake.Forget()
		if r := w.collect(); r.err != nil || len(r.incidents) != 0 {
			t.Errorf("restart %t: %d incidents stored again, error %v", restart, len(r.incidents), r.err)
		}
		for _, q := range w.fake.Requests() {
			values, _ := url.ParseQuery(q.Query)
			if since, _ := time.Parse(time.RFC3339, values.Get("since")); q.Call == "GET /incidents" &&
				values.Get("since") != "" && since.Before(noon.Add(-91*day)) {
				t.Errorf("restart %t: %s", restart, q.Query)
			}
		}
	}
}

// A first sync that is interrupted, in whatever way, continues from what was stored:
// nothing is counted twice or missed.
func TestAnInterruptedHistoryIsContinued(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(900)
	for name, restart := range map[string]bool{"in the same process": false, "in a new process": true} {
		t.Run(name, func(t *testing.T) {
			w := start(t, account, services, history(twoYears), fewAttempts)
			w.keep()
			seen := map[string]int{}
			rounds := 0
			for {
				// Every page after the 75th of a round fails.
				w.fake.Heal()
				w.fake.Inject(pagerdutytest.Fault{Skip: 75, Status: http.StatusBadGateway})
				w.fake.Forget()
				r := w.collect()
				rounds++
				for _, q := range w.fake.Requests() {
					if q.Status == 200 && (q.Call == "GET /incidents" && strings.Contains(q.Query, "desc") ||
						q.Call == "GET /log_entries") {
						seen[q.Call+q.Query]++
					}
				}
				if r.err == nil {
					break
				}
				if rounds == 20 {
					t.Fatal("no end after 20 rounds:", r.err)
				}
				if restart {
					w.restart()
				}
				w.later(5 * time.Minute)
			}
			if rounds < 2 {
				t.Errorf("%d rounds: it was not interrupted", rounds)
			}
			if len(w.store.incidents) != 900 {
				t.Errorf("%d incidents", len(w.store.incidents))
			}
			now := w.now
			for _, in := range account.Incidents {
				wantLong(t, w.store.incidents[in.ID], in, now)
			}
		})
	}
}

func TestTheHistoryComesInSlices(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(9000)
	w := start(t, account, services, history(twoYears))
	w.keep()
	var progress []collectors.Progress
	w.progress = func(p collectors.Progress) { progress = append(progress, p) }
	sizes := []int{}
	for rounds := 0; ; rounds++ {
		w.fake.Forget()
		r := w.collect()
		if r.err != nil {
			t.Fatal(r.err)
		}
		if rounds == 0 && (r.groups() != every() || r.value("checkout", "high_urgency_90d") != "1080") {
			t.Errorf("after the first round: covered %q, %s incidents", r.groups(), r.value("checkout", "high_urgency_90d"))
		}
		if rounds > 0 {
			sizes = append(sizes, len(w.fake.Requests()))
		}
		if len(w.store.incidents) == 9000 {
			break
		}
		if rounds == 10 {
			t.Fatalf("%d incidents after 10 rounds", len(w.store.incidents))
		}
		w.later(5 * time.Minute)
	}
	if len(sizes) < 1 || slices.Max(sizes) > 700 {
		t.Errorf("requests by round: %v", sizes)
	}
	last := collectors.Progress{}
	for _, p := range progress {
		if p.Step != "history of incidents" || p.Share < last.Share || p.Share > 1 || p.Records < last.Records {
			t.Fatalf("progress %+v after %+v", p, last)
		}
		last = p
	}
	if last.Share != 1 || last.Records < 9000 || len(progress) < 90 {
		t.Errorf("reported %d times, at last %+v", len(progress), last)
	}
	// Steady rounds tell nothing.
	n := len(progress)
	w.later(day)
	if w.collect(); len(progress) != n {
		t.Error("the progress of a daily listing is reported as that of the first sync")
	}
}

func TestARoundStopsBeforeItsTimeLimit(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(3000)
	w := start(t, account, services, history(twoYears))
	w.keep()
	// All but a moment is used by the time the history's turn comes.
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	r := w.collectWith(late{ctx, w}, func(evidence.Batch) error { return nil })
	if r.err != nil || r.groups() != every() {
		t.Errorf("covered %q, error %v", r.groups(), r.err)
	}
	if n := len(w.store.incidents); n < 300 || n > 900 {
		t.Errorf("%d incidents after a round that was late, want those of 90 days and no more than the first chunks", n)
	}
}

// TestEachProcessGoesOnWithTheHistory: a link is so slow that the time is nearly over
// when the history's turn comes, in each of several processes.
func TestEachProcessGoesOnWithTheHistory(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(3000)
	w := start(t, account, services, history(twoYears))
	w.keep()
	before, lines := 0, map[string]bool{}
	for n := range 3 {
		w.restart()
		w.fake.Forget()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		r := w.collectWith(late{ctx, w}, func(evidence.Batch) error { return nil })
		cancel()
		if r.err != nil || len(w.store.incidents) <= before {
			t.Fatalf("call %d: %d incidents, %d before, error %v", n, len(w.store.incidents), before, r.err)
		}
		before = len(w.store.incidents)
		lines[w.source.Left(w.store.cursors)] = true
	}
	if len(lines) != 3 {
		t.Errorf("the closing lines are %v, want a date that goes back", lines)
	}
	for line := range lines {
		if !strings.HasPrefix(line, "history read back to 202") ||
			!strings.HasSuffix(line, ", continues with the next round") {
			t.Errorf("the closing line is %q", line)
		}
	}
	for w.source.Left(w.store.cursors) != "" {
		w.later(5 * time.Minute)
		if r := w.collect(); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if len(w.store.incidents) != 3000 {
		t.Errorf("%d incidents at the end, want 3000", len(w.store.incidents))
	}
	if left := w.source.Left(nil); !strings.Contains(left, "not read yet") {
		t.Errorf("of an empty store: %q", left)
	}
}

// late is a context whose deadline comes near once the log has been read.
type late struct {
	context.Context
	w *world
}

func (l late) Deadline() (time.Time, bool) {
	if l.w.fake.Count("GET /log_entries") > 0 {
		return time.Now().Add(10 * time.Second), true
	}
	return l.Context.Deadline()
}

func TestDeletedIncidentsOfTheHistory(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(900)
	w := start(t, account, services, history(twoYears))
	w.keep()
	w.collect()
	var less []pagerdutytest.Incident
	want := map[string]bool{}
	for i, in := range account.Incidents {
		if i == 5 || i%200 == 199 { // three of them older than 90 days
			want[in.ID] = true
			continue
		}
		less = append(less, in)
	}
	account.Incidents = less
	w.fake.SetAccount(account)
	w.later(day)
	w.collect()
	if got := goneOnes(w); fmt.Sprint(got) != fmt.Sprint([]string{"Q000005"}) {
		t.Errorf("a day later %v are gone, want the new one alone", got)
	}
	before := maps.Clone(w.store.incidents)
	w.later(30 * day)
	w.restart()
	for range 3 {
		if r := w.collect(); r.err != nil {
			t.Fatal(r.err)
		}
		w.later(5 * time.Minute)
	}
	if got := goneOnes(w); fmt.Sprint(got) != fmt.Sprint(slices.Sorted(maps.Keys(want))) {
		t.Errorf("a month later %v are gone, want %v", got, want)
	}
	for id, in := range w.store.incidents {
		old := before[id]
		if want[id] {
			if in.GoneWhy == "" || !strings.Contains(in.GoneWhy, "complete listing") {
				t.Errorf("%s is gone without a note: %q", id, in.GoneWhy)
			}
			continue
		}
		if in.AcksKnown && (in.Notes < old.Notes || in.Escalations != old.Escalations &&
			old.ResolvedAt.Equal(in.ResolvedAt) && !old.ResolvedAt.IsZero()) {
			t.Errorf("%s lost what came from the log: %+v, before %+v", id, in, old)
		}
	}
}

func goneOnes(w *world) []string {
	var ids []string
	for id, in := range w.store.incidents {
		if in.Gone {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// A credential that sees fewer teams than before must not delete what is stored.
func TestTooManyMissingIncidentsAreNotWithdrawn(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	for name, after := range map[string]time.Duration{"of the last 90 days": day, "of the history": 30 * day} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Incidents = long(800)
			w := start(t, account, services, history(twoYears))
			w.keep()
			w.collect()
			less := account
			less.Incidents = nil
			for _, in := range account.Incidents {
				old := in.CreatedAt.Before(noon.Add(-100 * day))
				if old != (after == 30*day) {
					less.Incidents = append(less.Incidents, in)
				}
			}
			w.fake.SetAccount(less)
			w.later(after)
			r := w.collect()
			if got := calls(r.err); !strings.HasPrefix(got, "GET /incidents incomplete") ||
				!strings.Contains(r.err.Error(), "more than a fifth") {
				t.Errorf("error %v", r.err)
			}
			if after == day && strings.Contains(r.groups(), "incidents") {
				t.Errorf("covered %q by a listing with too many missing", r.groups())
			}
			// Nor is it a day later. In between it is not asked again all the time.
			w.later(5 * time.Minute)
			w.fake.Forget()
			r = w.collect()
			if after == day && (!strings.Contains(fmt.Sprint(r.err), "more than a fifth") ||
				w.fake.Count("GET /incidents") > 1) {
				t.Errorf("error %v after %d requests", r.err, w.fake.Count("GET /incidents"))
			}
			w.later(day)
			w.collect()
			for _, id := range goneOnes(w) {
				// A few that were open are withdrawn.
				if !w.store.incidents[id].ResolvedAt.IsZero() {
					t.Errorf("%s is gone", id)
				}
			}
			w.fake.SetAccount(account)
			w.later(2 * time.Hour)
			for range 3 {
				r = w.collect()
				w.later(5 * time.Minute)
			}
			if r.err != nil || !strings.Contains(r.groups(), "incidents") || !strings.Contains(r.groups(), "response") ||
				len(goneOnes(w)) > 0 {
				t.Errorf("after it is whole again: covered %q, error %v", r.groups(), r.err)
			}
		})
	}
}

func TestANewReferenceListsItsHistory(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(700)
	for i := range account.Incidents {
		account.Incidents[i].Service = []string{"PGOOD", "PBAD"}[i%2]
	}
	w := start(t, account, services[:1], history(twoYears))
	w.keep()
	w.collect()
	if len(w.store.incidents) != 350 {
		t.Fatalf("%d incidents", len(w.store.incidents))
	}
	w.services = services
	w.later(day + time.Hour)
	for range 3 {
		w.later(5 * time.Minute)
		if r := w.collect(); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if len(w.store.incidents) != 700 {
		t.Errorf("%d incidents, want those of the second service too", len(w.store.incidents))
	}
}

// An incident that is over and old is noted: it is not in memory any more, and
// what the store has of it stays.
func TestTheLogChangesAnOldIncident(t *testing.T) {
	account, services := shop()
	account.Incidents = long(300)
	w := start(t, account, services, history(twoYears))
	w.keep()
	w.collect()
	in := &account.Incidents[200]
	before := w.store.incidents[in.ID]
	in.Notes = append(
		slices.Clone(in.Notes), pagerdutytest.Note{At: noon.Add(2 * time.Minute)},
		pagerdutytest.Note{At: noon.Add(8 * time.Minute)},
	)
	w.fake.SetAccount(account)
	for i := range 4 {
		w.later(5 * time.Minute)
		if i == 1 {
			w.restart()
		}
		if r := w.collect(); r.err != nil {
			t.Fatal(r.err)
		}
	}
	got := w.store.incidents[in.ID]
	if got.Notes != before.Notes+2 || !got.AcksKnown || got.Escalations != before.Escalations ||
		!got.AcknowledgedAt.Equal(before.AcknowledgedAt) {
		t.Errorf("it is\n%+v, was\n%+v", got, before)
	}
}

func TestAHistoryOutOfOrderIsAnError(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(300)
	w := start(t, account, services, history(twoYears))
	w.keep()
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /incidents", Skip: 2, Records: []string{
		`{"id":"QOUT","title":"x","status":"resolved","urgency":"low","created_at":"2024-06-01T11:00:00Z","resolved_at":"2024-06-01T11:30:00Z","service":{"id":"PGOOD"}}`,
	}})
	r := w.collect()
	if got := calls(r.err); got != "GET /incidents incomplete" || r.groups() != every() {
		t.Errorf("error %q, covered %q", got, r.groups())
	}
	w.fake.Heal()
	w.later(5 * time.Minute)
	if r = w.collect(); r.err != nil || len(w.store.incidents) < 300 {
		t.Errorf("%d incidents, error %v", len(w.store.incidents), r.err)
	}
}

func TestAChunkThatIsNotStoredIsReadAgain(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(900)
	w := start(t, account, services, history(twoYears))
	w.keep()
	full := errors.New("the disk is full")
	for _, n := range []int{18, 16, 16} {
		batches := 0
		fails := false
		r := w.collectWith(t.Context(), func(evidence.Batch) error {
			if batches++; batches >= n {
				fails = true
				return full
			}
			return nil
		})
		if fails && !errors.Is(r.err, full) {
			t.Errorf("error %v", r.err)
		}
		w.later(5 * time.Minute)
	}
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	wantAllLong(t, w, account)
}

// The vendor's bound is met in the middle of the history too.
func TestTheHistoryWithinTheVendorsBound(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	account, services := shop()
	account.Incidents = long(900)
	w := start(t, account, services, history(twoYears),
		func(o *pagerdutytest.Options, p *pagerduty.Options, _ *transport.Config) {
			o.MaxRecords, p.PageLimit = 60, 30
		})
	w.keep()
	for range 3 {
		if r := w.collect(); r.err != nil {
			t.Fatal(r.err)
		}
		w.later(5 * time.Minute)
	}
	if len(w.store.incidents) != 900 {
		t.Errorf("%d incidents, want 900", len(w.store.incidents))
	}
	wantAllLong(t, w, account)
}

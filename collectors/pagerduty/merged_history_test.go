package pagerduty_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/race"
)

// pageOf makes pages of n records.
func pageOf(n int) setting {
	return func(_ *pagerdutytest.Options, o *pagerduty.Options, _ *transport.Config) { o.PageLimit = n }
}

// nearlyOver is a context whose time is nearly over, so that a round reads one page of
// the history.
func (w *world) nearlyOver() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 100*time.Second)
	return late{ctx, w}, cancel
}

// TestMergesAcrossTheHistory: an incident and what it was merged into are listed in
// different chunks of the history, or one of them in the history and one after it,
// by one process or by several. Each pair is one incident of the services of both.
func TestMergesAcrossTheHistory(t *testing.T) {
	race.Skip(t, "one goroutine reads a long history")
	// merged is an incident and what it was merged into. All begin at a time ago, and
	// the part ends when the whole has begun.
	type merged struct {
		part, whole       time.Duration
		service           string // of the whole
		middle            time.Duration
		stored, partAlone bool
	}
	for name, tc := range map[string]merged{
		"the whole is older, in another chunk": {part: 93 * day, whole: 96 * day, service: "PBAD", stored: true},
		"the whole is older, of no service":    {part: 93 * day, whole: 96 * day, service: "PELSE", stored: true},
		"the whole is newer, in another chunk": {part: 96 * day, whole: 93 * day, service: "PBAD", stored: true},
		"the whole is newer, of no service":    {part: 96 * day, whole: 93 * day, service: "PELSE", stored: true},
		"the whole is not in the history":      {part: 92 * day, whole: 88 * day, service: "PELSE", stored: true},
		"the part is not in the history":       {part: 88 * day, whole: 92 * day, service: "PELSE", stored: true},
		"a chain of three chunks": {
			part: 92 * day, middle: 95 * day, whole: 98 * day, service: "PELSE", stored: true,
		},
		"the whole is older than the history": {part: 93 * day, whole: 110 * day, service: "PBAD", partAlone: true},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarts %t", name, restart), func(t *testing.T) {
				account, services := shop()
				account.Services = append(account.Services, pagerdutytest.Service{
					ID: "PELSE", Name: "Elsewhere", EscalationPolicy: "EBAD",
				})
				account.Incidents = nil
				for i := range 10 { // one a day, so that a chunk has two days
					ago := time.Duration(90+i)*day + 3*time.Hour
					in := happening(fmt.Sprint("QDAY", i), ago, time.Minute, time.Hour, "user_reference")
					account.Incidents = append(account.Incidents, in)
				}
				part := happening("QPART", tc.part, 0, 0, "user_reference")
				whole := happening("QWHOLE", tc.whole, time.Minute, 0, "user_reference")
				whole.Service = tc.service
				end := latestOf(part.CreatedAt, whole.CreatedAt).Add(time.Hour)
				part.ResolvedAt, part.ResolvedBy, part.MergedInto = end, "user_reference", "QWHOLE"
				whole.ResolvedAt, whole.ResolvedBy = end.Add(time.Hour), "user_reference"
				account.Incidents = append(account.Incidents, part, whole)
				if tc.middle > 0 {
					middle := whole
					middle.ID, middle.CreatedAt, middle.MergedInto = "QMIDDLE", noon.Add(-tc.middle), "QWHOLE"
					middle.AcknowledgedAt = time.Time{}
					account.Incidents = append(account.Incidents, middle)
					account.Incidents[len(account.Incidents)-3].MergedInto = "QMIDDLE"
				}
				w := start(t, account, services, history(101*day), pageOf(2))
				w.keep()
				for n := 0; n == 0 || w.source.Left(w.store.cursors) != ""; n++ {
					if restart {
						w.restart()
					}
					w.fake.Forget()
					ctx, cancel := w.nearlyOver()
					r := w.collectWith(ctx, func(evidence.Batch) error { return nil })
					cancel()
					if r.err != nil || n > 300 {
						t.Fatalf("round %d: error %v", n, r.err)
					}
					w.later(time.Minute)
				}
				w.collect()
				for _, id := range []string{"QWHOLE", "QMIDDLE"} {
					in, stored := w.store.incidents[id]
					if want := tc.stored && (id == "QWHOLE" || tc.middle > 0); stored != want ||
						stored && !in.AcksKnown {
						t.Errorf("%s is stored: %t, with its log: %t", id, stored, in.AcksKnown)
					}
					if stored && !restart && tc.service == "PELSE" && !slices.Equal(in.Services, []string{"checkout"}) {
						t.Errorf("%s is of the services %v", id, in.Services)
					}
				}
				if in := w.store.incidents["QPART"]; in.MergedInto == "" || !slices.Equal(in.Services, []string{"checkout"}) {
					t.Errorf("the part: %+v", in)
				}
				w.later(2 * time.Hour)
				w.restart()
				want := ""
				if tc.partAlone {
					want = "map[unknown_target:1]"
				} else if tc.service == "PELSE" && tc.whole < 90*day {
					want = "map[unknown_service:1]"
				}
				if got := w.collect().reasons(); fmt.Sprint(got) != want && len(got)+len(want) > 0 {
					t.Errorf("counted %v, want %s", got, want)
				}
			})
		}
	}
}

// TestAPartOfTheHistory of an incident that is not in the history and of no service: one
// call stores both, also if the part gets older than facts look back before the call that
// reads the whole.
func TestAPartOfTheHistory(t *testing.T) {
	for name, tc := range map[string]struct {
		part, whole, later time.Duration
		nearlyOver         bool
	}{
		"in one call":                         {92 * day, 89 * day, 0, false},
		"that becomes older before the whole": {89 * day, 94 * day, 2 * day, true},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			for i := range 2 { // a page
				in := happening(fmt.Sprint("QDAY", i), 91*day+time.Duration(i)*time.Hour, time.Minute, time.Hour, "user_reference")
				account.Incidents = append(account.Incidents, in)
			}
			part := happening("QPART", tc.part, 0, 0, "user_reference")
			whole := happening("QWHOLE", tc.whole, time.Minute, 0, "user_reference")
			end := latestOf(part.CreatedAt, whole.CreatedAt).Add(time.Hour)
			part.ResolvedAt, part.ResolvedBy, part.MergedInto = end, "user_reference", "QWHOLE"
			whole.ResolvedAt, whole.ResolvedBy, whole.Service = end.Add(time.Hour), "user_reference", "PELSE"
			account.Incidents = append(account.Incidents, part, whole)
			w := start(t, account, services, history(100*day), pageOf(2))
			w.keep()
			if tc.nearlyOver {
				ctx, cancel := w.nearlyOver()
				defer cancel()
				if r := w.collectWith(ctx, func(evidence.Batch) error { return nil }); r.err != nil {
					t.Fatal(r.err)
				}
				w.later(tc.later)
				w.collect() // drops the part
			}
			if r := w.collect(); r.err != nil {
				t.Fatal(r.err)
			}
			if in := w.store.incidents["QWHOLE"]; !slices.Equal(in.Services, []string{"checkout"}) {
				t.Errorf("the whole is %+v", in)
			}
		})
	}
}

func latestOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

package collectors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/evidence"
)

func TestObserve(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	services := []*catalog.Service{{Name: "known"}, {Name: "unknown"}, {Name: "silent"}, {Name: "few"}}
	var emitted []evidence.Batch
	out := collectors.NewBatches("file/main", collectors.Request{Services: services, Now: now},
		func(b evidence.Batch) error { emitted = append(emitted, b); return nil })
	if !out.Skip("entry") {
		t.Error("the first skipped entry is not the first")
	}
	answer := func(s *catalog.Service, fact string) collectors.Answer {
		switch {
		case s.Name == "unknown" && fact == "b":
			return collectors.Answer{Missing: evidence.MissingNaN}
		case s.Name == "few", s.Name == "unknown":
			return collectors.Answer{Withdraw: evidence.MissingTooFew}
		case s.Name == "silent":
			return collectors.Answer{}
		}
		return collectors.Answer{Value: evidence.Int(1), Detail: fact, Since: now}
	}
	if err := out.Observe("group", []string{"a", "b"}, answer); err != nil {
		t.Fatal(err)
	}
	got := emitted[0]
	var records []string
	for _, v := range got.Records {
		records = append(records, fmt.Sprint(v.Service, v.Fact, v.Value, v.Source, v.Detail, v.ObservedAt.Sub(now),
			v.Since.Sub(now)))
	}
	// One missing answer makes the whole group unknown for the service.
	if fmt.Sprint(len(emitted), records) != "1 [knowna1file/maina0s 0s knownb1file/mainb0s 0s]" {
		t.Errorf("emitted %d batches, records %v", len(emitted), records)
	}
	if fmt.Sprint(got.Withdrawals) != "[{few a too_few} {few b too_few}]" {
		t.Errorf("withdrawals %v", got.Withdrawals)
	}
	c := got.Covered[0]
	if c.Group != "group" || !c.At.Equal(now) || fmt.Sprint(c.Facts, c.Except) != "[a b] map[unknown:nan]" {
		t.Errorf("covered %+v", c)
	}
	if got.Skipped["entry"] != 1 || out.Pending() {
		t.Errorf("skipped %v, pending %t", got.Skipped, out.Pending())
	}
}

func TestManyRecordsAreSentInParts(t *testing.T) {
	var sizes []int
	var covered int
	out := collectors.NewBatches("file/main", collectors.Request{}, func(b evidence.Batch) error {
		sizes, covered = append(sizes, len(b.Records)), covered*10+len(b.Covered)
		return nil
	})
	if err := out.Send(evidence.Batch{Records: make([]evidence.Record, 10_001),
		Covered: make([]evidence.Coverage, 1)}); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sizes, covered) != "[5000 5000 1] 1" {
		t.Errorf("sent %v, covered with %d", sizes, covered)
	}
}

func TestEndsRound(t *testing.T) {
	failed := func(reason evidence.Reason) error { return collectors.Failed(reason, "GET /x", "no") }
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tc := range map[string]struct {
		ctx  context.Context
		err  error
		want bool
	}{
		"no error":             {t.Context(), nil, false},
		"another kind":         {t.Context(), errors.New("no"), false},
		"a time-out":           {t.Context(), failed(evidence.ReasonTimeout), false},
		"a refused credential": {t.Context(), failed(evidence.ReasonUnauthorized), true},
		"the store":            {t.Context(), fmt.Errorf("facts: %w", failed(evidence.ReasonStore)), true},
		"the second of two": {t.Context(), errors.Join(failed(evidence.ReasonTimeout), failed(evidence.ReasonStore)),
			true},
		"a reason of the source": {t.Context(), failed(evidence.ReasonUnreachable), true},
		"the end of the context": {ended, nil, true},
	} {
		if got := collectors.EndsRound(tc.ctx, tc.err, evidence.ReasonUnreachable); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
	if got := collectors.About(failed(evidence.ReasonTimeout), "a fact").Error(); got !=
		"GET /x: timeout: a fact: no; raise the timeout or look at the server's load" {
		t.Error(got)
	}
}

func TestANoticeIsLoggedOnceWhileItLasts(t *testing.T) {
	var n collectors.Notices
	for round, want := range []bool{true, false, true} {
		n.Begin()
		text := map[bool]string{true: "new", false: "old"}[round == 2]
		if got := n.Add("a", text); got != want || n.Add("a", "again") || !n.Has("a") || n.Has("b") {
			t.Errorf("round %d: %t, want %t", round, got, want)
		}
		n.End()
	}
	n.Begin()
	n.Keep(func(subject string) bool { return subject == "a" })
	n.End()
	n.Begin()
	if n.Add("a", "new") {
		t.Error("a notice that was kept is logged again")
	}
}

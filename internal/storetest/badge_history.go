package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/framework"
	"github.com/prodready/collector/scoring"
	"github.com/prodready/collector/store"
)

// badgeHistory stores what has happened to the badges of two services, and reads that of
// one.
func badgeHistory(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	change := func(service string, at int) scoring.Transition {
		return scoring.Transition{Service: service, At: minute(at), To: framework.Bronze, Cause: scoring.CauseEvidence,
			Framework: "small 1.0.0"}
	}
	status := func(service string, status scoring.Status, at int) store.CheckStatus {
		return store.CheckStatus{Service: service, Check: "c1", Status: status, Since: minute(at)}
	}
	hold := func(service string, from, to int) store.BadgeHold {
		return store.BadgeHold{Service: service, Since: minute(from), Until: minute(to), Reason: "c1 unknown"}
	}
	subject := func(service, pinnedTo string) store.JudgedSubject {
		return store.JudgedSubject{Subject: scoring.Subject{Name: service}, PinnedTo: pinnedTo}
	}
	first := store.Framework{Name: "small", Version: "1.0.0", Hash: "aa"}
	for _, j := range []store.Judgement{
		{At: minute(0), Framework: first, Statuses: []store.CheckStatus{
			status("shop", scoring.Fail, 0), status("bank", scoring.Fail, 0)}},
		{At: minute(10), Framework: first, Transitions: []scoring.Transition{change("shop", 10), change("bank", 10)},
			Statuses: []store.CheckStatus{status("shop", scoring.Pass, 10), status("bank", scoring.Pass, 10)}},
		{At: minute(50), Framework: store.Framework{Name: "small", Version: "1.1.0", Hash: "bb"},
			Holds: []store.BadgeHold{hold("shop", 20, 50), hold("bank", 30, 50)}},
		{At: minute(60), Framework: store.Framework{Name: "small", Version: "1.1.0", Hash: "bb"},
			Subjects: []store.JudgedSubject{subject("shop", "cc"), subject("bank", "")},
			Pinned:   []store.Framework{{Name: "small", Version: "0.9.0", Hash: "cc"}}},
		{At: minute(90), Framework: first, Holds: []store.BadgeHold{hold("shop", 60, 80)}},
		{At: minute(95), Framework: first, Subjects: []store.JudgedSubject{subject("shop", "")}},
	} {
		judge(t, s, j)
	}
	want := func(since int, want string) {
		t.Helper()
		var got []string
		say := func(format string, values ...any) { got = append(got, fmt.Sprintf(format, values...)) }
		offset := func(at time.Time) int { return int(at.Sub(minute(0)) / time.Minute) }
		changes, err := s.TransitionsOf(ctx, "shop", minute(since))
		for _, c := range changes {
			say("%s %s at %d by %s", c.Service, c.To, offset(c.At), c.Framework)
		}
		holds, err2 := s.BadgeHolds(ctx, "shop", minute(since))
		for _, h := range holds {
			say("%s %s %d to %d", h.Service, h.Reason, offset(h.Since), offset(h.Until))
		}
		frameworks, err3 := s.CriteriaOf(ctx, "shop", minute(since))
		for _, f := range frameworks {
			say("%s %s %s at %d", f.Name, f.Version, f.Hash, offset(f.At))
		}
		spans, err4 := s.StatusesOf(ctx, "shop", minute(since))
		for _, c := range spans {
			say("%s %s %s from %d", c.Service, c.Check, c.Status, offset(c.Since))
		}
		if text := strings.Join(got, "; "); text != want || err != nil || err2 != nil || err3 != nil || err4 != nil {
			t.Errorf("since %d\n%s, want\n%s (%v %v %v %v)", since, text, want, err, err2, err3, err4)
		}
	}
	want(-1, "shop bronze at 10 by small 1.0.0; shop c1 unknown 20 to 50; shop c1 unknown 60 to 80; "+
		"small 1.0.0 aa at 0; small 1.1.0 bb at 50; small 0.9.0 cc at 60; small 1.0.0 aa at 95; shop c1 fail from 0; shop c1 pass from 10")
	want(45, "shop c1 unknown 20 to 50; shop c1 unknown 60 to 80; small 1.1.0 bb at 50; small 0.9.0 cc at 60; small 1.0.0 aa at 95")
	if n, err := s.Prune(ctx, minute(115), store.Retention{Transitions: time.Hour}); n != 4 || err != nil {
		t.Errorf("deleted %d rows, %v", n, err) // two changes, two holds
	}
	want(-1, "shop c1 unknown 60 to 80; small 1.0.0 aa at 0; small 1.1.0 bb at 50; small 0.9.0 cc at 60; small 1.0.0 aa at 95; "+
		"shop c1 fail from 0; shop c1 pass from 10")
}

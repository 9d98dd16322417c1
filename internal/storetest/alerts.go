package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/store"
)

// fired lists the stored firings as `alert started-ended`, in minutes.
func fired(t *testing.T, s *store.Store, filter store.AlertFilter) string {
	t.Helper()
	var words []string
	err := s.EachAlert(context.Background(), filter, func(f evidence.AlertFiring) error {
		ended := "…"
		if !f.EndedAt.IsZero() {
			ended = fmt.Sprint(f.EndedAt.Sub(minute(0)).Minutes())
		}
		words = append(words, fmt.Sprintf("%s %v-%s", f.Alert, f.StartedAt.Sub(minute(0)).Minutes(), ended))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(words, ", ")
}

func alerts(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	ctx := context.Background()
	high := evidence.AlertFiring{Source: "test/main", Fingerprint: "f1", Services: []string{"shop", "bank", "shop"},
		Alert: "High", Severity: "critical", Paging: true, StartedAt: minute(0)}
	low := evidence.AlertFiring{Fingerprint: "f2", Services: []string{"shop"}, Alert: "Low", StartedAt: minute(0),
		EndedAt: minute(7)}
	want := high
	want.Services = []string{"bank", "shop"}
	if got := commit(t, s, minute(9), evidence.Batch{Alerts: []evidence.AlertFiring{high, low, high}}); got.Alerts != 2 {
		t.Errorf("changes %+v", got)
	}
	first, err := s.AlertSequence(ctx)
	if err != nil || first == 0 {
		t.Fatalf("sequence %d, %v", first, err)
	}
	if open, err := s.OpenAlerts(ctx, "test/main"); err != nil || len(open) != 1 || !reflect.DeepEqual(open[0], want) {
		t.Errorf("open: %+v, %v, want %+v", open, err, want)
	}
	if open, err := s.OpenAlerts(ctx, "test/other"); err != nil || len(open) != 0 {
		t.Errorf("open at another source: %+v, %v", open, err)
	}
	if got := commit(t, s, minute(10), evidence.Batch{Alerts: []evidence.AlertFiring{low,
		high}}); got.Alerts != 0 || got.Rows != 0 {
		t.Errorf("the same again changed %+v", got)
	}
	// It ends, and fires again: two firings of one alert.
	again := high
	high.EndedAt, again.StartedAt, high.Services = minute(20), minute(40), []string{"bank"}
	if got := commit(t, s, minute(41), evidence.Batch{Alerts: []evidence.AlertFiring{high, again}}); got.Alerts != 2 {
		t.Errorf("changes %+v", got)
	}
	if got := fired(t, s, store.AlertFilter{}); got != "High 0-20, Low 0-7, High 40-…" {
		t.Errorf("stored: %s", got)
	}
	if got := fired(t, s, store.AlertFilter{Since: minute(10)}); got != "High 0-20, High 40-…" {
		t.Errorf("since minute 10: %s", got)
	}
	if got := fired(t, s, store.AlertFilter{After: first}); got != "High 0-20, High 40-…" {
		t.Errorf("changed since: %s", got)
	}
	err = s.EachAlert(ctx, store.AlertFilter{}, func(f evidence.AlertFiring) error {
		if f.StartedAt.Equal(minute(0)) && f.Alert == "High" && !reflect.DeepEqual(f.Services, []string{"bank"}) {
			t.Errorf("after its services changed: %v", f.Services)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for what, f := range map[string]evidence.AlertFiring{
		"no start":       {Fingerprint: "f", Services: []string{"shop"}},
		"no fingerprint": {StartedAt: minute(0), Services: []string{"shop"}},
		"no service":     {Fingerprint: "f", StartedAt: minute(0)},
		"another source": {Source: "test/other", Fingerprint: "f", StartedAt: minute(0), Services: []string{"shop"}},
	} {
		if _, err := s.Commit(ctx, "test/main", 0, minute(50),
			evidence.Batch{Alerts: []evidence.AlertFiring{f}}); err == nil {
			t.Errorf("a firing with %s was accepted", what)
		}
	}

	// What is old goes, and what still fires stays.
	if _, err := s.Prune(ctx, minute(100), store.Retention{Alerts: 90 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if got := fired(t, s, store.AlertFilter{}); got != "High 0-20, High 40-…" {
		t.Errorf("after pruning: %s", got)
	}
}

func alertPages(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	var list []evidence.AlertFiring
	for i := range 2500 {
		list = append(list, evidence.AlertFiring{Fingerprint: strconv.Itoa(i), Services: []string{"shop"}, Alert: "A",
			StartedAt: minute(i), EndedAt: minute(i + 1)})
	}
	commit(t, s, minute(0), evidence.Batch{Alerts: list})
	n := 0
	err := s.EachAlert(context.Background(), store.AlertFilter{}, func(f evidence.AlertFiring) error {
		if f.Fingerprint != strconv.Itoa(n) || len(f.Services) != 1 {
			t.Fatalf("number %d is %+v", n, f)
		}
		n++
		// Writing while reading must not wait for the reader.
		if n%1000 == 1 {
			f.EndedAt = f.EndedAt.Add(time.Minute)
			commit(t, s, minute(1), evidence.Batch{Alerts: []evidence.AlertFiring{f}})
		}
		return nil
	})
	if err != nil || n != 2500 {
		t.Errorf("%d firings, %v", n, err)
	}
	full := errors.New("full")
	if err := s.EachAlert(context.Background(), store.AlertFilter{},
		func(evidence.AlertFiring) error { return full }); !errors.Is(err, full) {
		t.Errorf("the callback's error became %v", err)
	}
}

func alertSights(t *testing.T, db database) {
	s := db.open(t, store.Options{Facts: facts(t)})
	see := func(services map[string]string, minutes ...int) store.Changes {
		t.Helper()
		sight := &evidence.AlertSight{Services: services, Since: minute(minutes[0])}
		for i := 0; i < len(minutes); i += 2 {
			sight.Spans = append(sight.Spans, evidence.Span{From: minute(minutes[i]), Until: minute(minutes[i+1])})
		}
		return commit(t, s, minute(0), evidence.Batch{AlertSight: sight})
	}
	told := func() string {
		t.Helper()
		sights, err := s.AlertSights(context.Background(), minute(0))
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, span := range sights["test/main"].Spans {
			words = append(words, fmt.Sprintf("%v-%v", span.From.Sub(minute(0)).Minutes(), span.Until.Sub(minute(0)).Minutes()))
		}
		for _, name := range []string{"bank", "shop"} {
			if since, ok := sights["test/main"].Services[name]; ok {
				words = append(words, fmt.Sprintf("%s:%v", name, since.Sub(minute(0)).Minutes()))
			}
		}
		return strings.Join(words, " ")
	}
	for i, step := range []struct {
		services map[string]string
		minutes  []int
		want     string
	}{
		{map[string]string{"shop": "a"}, []int{0, 10}, "0-10 shop:0"},
		// It goes on.
		{map[string]string{"shop": "a"}, []int{10, 20}, "0-20 shop:0"},
		// Holes, and a new service.
		{map[string]string{"shop": "a", "bank": "b"}, []int{30, 40, 50, 60}, "0-20 30-40 50-60 bank:30 shop:0"},
		// One that closes a hole; shop is known by something else.
		{map[string]string{"shop": "x", "bank": "b"}, []int{35, 55}, "0-20 30-60 bank:30 shop:35"},
		// Within what is known; shop is gone.
		{map[string]string{"bank": "b"}, []int{5, 15}, "0-20 30-60 bank:30"},
		// From before, across a hole.
		{map[string]string{"bank": "b"}, []int{-5, 30}, "-5-60 bank:30"},
		// Shop is back.
		{map[string]string{"bank": "b", "shop": "x"}, []int{60, 61}, "-5-61 bank:30 shop:60"},
	} {
		see(step.services, step.minutes...)
		if got := told(); got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
	if got := see(map[string]string{"bank": "b", "shop": "x"}, 61, 66); got.Rows != 1 {
		t.Errorf("to go on wrote %d rows, want 1", got.Rows)
	}
	if got := see(map[string]string{"bank": "b", "shop": "x"}, 61, 66); got.Rows != 0 {
		t.Errorf("the same again wrote %d rows", got.Rows)
	}
	bad := &evidence.AlertSight{Spans: []evidence.Span{{From: minute(5), Until: minute(5)}}}
	if _, err := s.Commit(context.Background(), "test/main", 0, minute(50), evidence.Batch{AlertSight: bad}); err == nil {
		t.Error("an empty span was accepted")
	}
	if _, err := s.Prune(context.Background(), minute(200), store.Retention{Alerts: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if got := told(); got != "bank:30 shop:60" {
		t.Errorf("after pruning: %q", got)
	}
}

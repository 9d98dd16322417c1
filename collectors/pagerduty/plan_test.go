package pagerduty_test

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors"
)

// plan is what the source would ask now.
func (w *world) plan() []collectors.PlannedCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	request := collectors.Request{Services: w.services, Now: w.now}
	if w.store != nil {
		request.Cursors, request.Incidents = maps.Clone(w.store.cursors), w.store.list
	}
	return w.source.Plan(request)
}

// steps are calls in their order, each as often as others come between.
func steps(calls []string) string { return strings.Join(slices.Compact(calls), ", ") }

// asked is a request as a plan has it: without its page, and the log without
// the windows it is cut into.
func asked(call, query string) string {
	values, _ := url.ParseQuery(query)
	var words []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains([]string{"offset", "after", "cursor"}, name) || call == "GET /log_entries" {
			continue
		}
		for _, value := range values[name] {
			words = append(words, name+"="+value)
		}
	}
	return call + " " + strings.Join(words, "&")
}

// TestThePlanIsWhatARoundAsks makes rounds of every kind and compares each with
// the plan made before it: the calls and their order, what they ask for, and
// the facts that come of them.
func TestThePlanIsWhatARoundAsks(t *testing.T) {
	account, services := shop()
	account.Incidents = crowd("PGOOD", 30, 2*day)
	w := start(t, account, services)
	w.keep()
	compare := func(name string) {
		t.Helper()
		plan := w.plan()
		if again := w.plan(); !reflect.DeepEqual(plan, again) {
			t.Errorf("%s: a second plan is another one", name)
		}
		w.fake.Forget()
		r := w.collect()
		if r.err != nil {
			t.Fatalf("%s: %v", name, r.err)
		}
		var planned, made []string
		want, got := map[string]bool{}, map[string]bool{}
		facts := map[string]bool{}
		var earliest time.Time
		for _, c := range plan {
			planned = append(planned, c.Call)
			log := c.Call == "GET /log_entries"
			want[asked(c.Call, strings.ReplaceAll(c.Query, "+", "%2B"))] = true
			for _, f := range c.Facts {
				facts[f] = true
			}
			if !slices.IsSorted(c.Facts) || !strings.HasPrefix(c.Requests, "1 for each 100 ") ||
				!strings.Contains(c.Query, "limit=100") {
				t.Errorf("%s: planned %+v", name, c)
			}
			if !log {
				continue
			}
			values, _ := url.ParseQuery(c.Query)
			since, err := time.Parse(time.RFC3339, values.Get("since"))
			if err != nil {
				t.Errorf("%s: %s", name, c.Query)
			}
			if earliest.IsZero() || since.Before(earliest) {
				earliest = since
			}
		}
		for _, q := range w.fake.Requests() {
			of, _ := url.ParseQuery(q.Query)
			if at, _ := time.Parse(time.RFC3339, of.Get("since")); q.Call == "GET /log_entries" && at.Before(earliest) {
				t.Errorf("%s: the log was read since %s, planned since %s", name, at, earliest)
			}
		}
		for _, q := range w.fake.Requests() {
			made = append(made, q.Call)
			got[asked(q.Call, q.Query)] = true
		}
		if steps(planned) != steps(made) {
			t.Errorf("%s:\nplanned %s\nmade    %s", name, steps(planned), steps(made))
		}
		if !maps.Equal(want, got) {
			t.Errorf(
				"%s:\nplanned %s\nmade    %s", name, strings.Join(slices.Sorted(maps.Keys(want)), "\n        "),
				strings.Join(slices.Sorted(maps.Keys(got)), "\n        "),
			)
		}
		covered := map[string]bool{}
		for _, c := range r.covered {
			for _, f := range c.Facts {
				covered[f] = true
			}
		}
		if !maps.Equal(facts, covered) {
			t.Errorf(
				"%s:\nplanned facts %v\ncovered       %v", name, slices.Sorted(maps.Keys(facts)), slices.Sorted(maps.Keys(covered)),
			)
		}
	}
	compare("a first round")
	for _, after := range []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, time.Hour} {
		w.later(after)
		compare(fmt.Sprint("after ", after))
	}
	w.later(day)
	compare("after a day")
	w.later(5 * time.Minute)
	w.services = append(w.services, refers("another", "PBAD"))
	compare("with another service")
	w.later(5 * time.Minute)
	compare("the same services again")
	w.restart()
	compare("after a restart")
	w.keep()
	compare("with an empty store")
}

func TestThePlanOfAFirstRound(t *testing.T) {
	account, services := shop()
	w := start(t, account, services)
	plan := w.plan()
	if n := len(w.fake.Requests()); n != 0 {
		t.Errorf("%d requests for a plan", n)
	}
	if len(plan) == 0 {
		t.Fatal("nothing is planned")
	}
	setup := plan[0]
	if setup.Call != "GET /services" || setup.Query != "include[]=escalation_policies&include[]=integrations&include[]=teams&include[]=auto_pause_notifications_parameters&limit=100" ||
		setup.Requests != "1 for each 100 services" || !slices.Contains(setup.Facts, "pagerduty.teams") ||
		slices.Contains(setup.Facts, "pagerduty.oncall_now") {
		t.Errorf("planned %+v", setup)
	}
	for _, c := range plan {
		if c.Call == "GET /oncalls" && (c.Query != "limit=100&since=2026-03-04T12:00:00Z&until=2026-06-02T12:00:00Z" ||
			!slices.Contains(c.Facts, "pagerduty.next_gap_hours")) {
			t.Errorf("planned %+v", c)
		}
	}
	all := map[string]bool{}
	for _, c := range plan {
		for _, f := range c.Facts {
			all[f] = true
		}
	}
	if len(all) != len(w.source.Facts()) {
		t.Errorf("%d facts come of a first round, of %d", len(all), len(w.source.Facts()))
	}
}

func TestThePlanOfTheHistory(t *testing.T) {
	account, services := shop()
	w := start(t, account, services, history(twoYears))
	w.keep()
	walk := func() string {
		var words []string
		for _, c := range w.plan() {
			if strings.Contains(c.Query, "created_at:desc") {
				words = append(words, c.Query)
			}
		}
		return strings.Join(words, " ")
	}
	if got, want := walk(), "include[]=first_trigger_log_entries&include[]=external_references&limit=100&since=2025-06-07T12:00:00Z&sort_by=created_at:desc&until=2025-12-04T12:00:00Z"; got != want {
		t.Errorf("planned %q, want %q", got, want)
	}
	w.collect()
	if got := walk(); got != "" {
		t.Errorf("planned %q after the history is complete", got)
	}
	w.later(31 * day)
	if got := walk(); !strings.Contains(got, "until=2026-01-04T12:00:00Z") {
		t.Errorf("planned %q a month later", got)
	}
}

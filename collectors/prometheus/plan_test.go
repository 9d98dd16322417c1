package prometheus_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/prometheus"
)

// TestThePlanIsWhatTheServerSees compares the planned calls with the requests
// of a round over every preset, in their order.
func TestThePlanIsWhatTheServerSees(t *testing.T) {
	names, err := prometheus.Presets()
	if err != nil {
		t.Fatal(err)
	}
	facts, err := prometheus.Load(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, facts, nil, func(o *prometheus.Options, _ *server) { o.Concurrency = 1 })
	var seen []string
	empty := success(t, "")
	w.server.intercept = func(key string) *reply {
		seen = append(seen, key)
		if key == rulesPath {
			reply := rulesReply(t)
			return &reply
		}
		return &reply{200, empty}
	}
	if r := w.collect(); r.err != nil {
		t.Fatal(r.err)
	}
	plan := w.source.Plan(collectors.Request{Now: noon})
	var planned []string
	served := map[string]bool{}
	for _, call := range plan {
		if call.Requests != "1" || !slices.IsSorted(call.Facts) {
			t.Errorf("planned call %+v: want one request and sorted facts", call)
		}
		for _, fact := range call.Facts {
			served[fact] = true
		}
		switch call.Call {
		case "POST /api/v1/query":
			planned = append(planned, call.Query)
		case "GET /api/v1/rules":
			if _, err := url.ParseQuery(call.Query); err != nil {
				t.Error(err)
			}
			planned = append(planned, rulesPath)
		default:
			t.Errorf("planned call to %s", call.Call)
		}
	}
	if !slices.Equal(planned, seen) {
		t.Errorf("planned\n%s\nseen\n%s", strings.Join(planned, "\n"), strings.Join(seen, "\n"))
	}
	for _, d := range facts.Definitions() {
		if !served[d.Name] {
			t.Errorf("no planned call serves %s", d.Name)
		}
	}
}

func TestAConfiguredMemoryIsNotAskedFor(t *testing.T) {
	w := start(t, load(t, fact("x.n", "int", "job", "sum by (job) (increase(a[7d]))", "unknown")), nil,
		func(o *prometheus.Options, _ *server) { o.Memory = 30 * day })
	if plan := w.source.Plan(collectors.Request{}); strings.Contains(plan[0].Query, "offset") {
		t.Errorf("the plan asks how far the data goes back: %s", plan[0].Query)
	}
}

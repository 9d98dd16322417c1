package prometheus

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
)

// The endpoints as plans and metrics name them.
const (
	endpointQuery      = "POST /api/v1/query"
	endpointQueryRange = "POST /api/v1/query_range"
	endpointRules      = "GET /api/v1/rules"
)

// apiRoot is where the paths of all calls begin, whatever stands before it:
// Mimir's /prometheus, or the tenant of VictoriaMetrics.
const apiRoot = "/api/v1/"

// Template names the call of a request, as plans do: method and path below the
// server's address, with {name} for a label.
func Template(req *http.Request) string {
	path := req.URL.Path
	if at := strings.LastIndex(path, apiRoot); at >= 0 {
		path = path[at:]
	}
	// /api/v1/label/NAME/values
	if parts := strings.Split(path, "/"); len(parts) == 6 && parts[3] == "label" {
		parts[4] = "{name}"
		path = strings.Join(parts, "/")
	}
	return transport.DefaultTemplate(&http.Request{Method: req.Method, URL: &url.URL{Path: path}})
}

// question is one query of a round, with the facts and readings it serves.
type question struct {
	query    string
	facts    []string
	readings []reading
}

// questions are the distinct queries of facts in the order they are sent.
func questions(facts []fact) []question {
	var order []question
	at := map[string]int{}
	want := func(query, fact string, how reading) {
		i, ok := at[query]
		if !ok {
			i = len(order)
			at[query] = i
			order = append(order, question{query: query})
		}
		if q := &order[i]; !slices.Contains(q.facts, fact) {
			q.facts = append(q.facts, fact)
		}
		if q := &order[i]; !slices.Contains(q.readings, how) {
			q.readings = append(q.readings, how)
		}
	}
	for _, f := range facts {
		for _, p := range f.providers {
			want(p.query, f.Name, p.reading)
		}
		if f.absent != nil {
			want(f.absent.witness.query, f.Name, f.absent.witness.reading)
		}
	}
	return order
}

// Plan lists the calls of a round, which are the same whatever the services. How
// many the history of alerts takes depends on how much of it has been read. It
// implements collectors.Planner.
func (s *Source) Plan(req collectors.Request) []collectors.PlannedCall {
	var calls []collectors.PlannedCall
	if len(s.facts) > 0 {
		calls = append(calls, collectors.PlannedCall{Call: endpointQuery, Query: s.reachQuery(), Requests: "1"})
	}
	for _, q := range questions(s.facts) {
		facts := slices.Clone(q.facts)
		slices.Sort(facts)
		calls = append(calls, collectors.PlannedCall{Call: endpointQuery, Query: q.query, Requests: "1", Facts: facts})
	}
	if s.rules {
		var facts []string
		for _, d := range ruleDefinitions() {
			facts = append(facts, d.Name)
		}
		slices.Sort(facts)
		calls = append(calls, collectors.PlannedCall{Call: endpointRules, Query: ruleParameters().Encode(), Requests: "1",
			Facts: facts})
	}
	return append(calls, s.planAlerts(req)...)
}

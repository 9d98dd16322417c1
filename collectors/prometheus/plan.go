package prometheus

import (
	"net/http"
	"slices"

	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/transport"
)

// The endpoints as plans and metrics name them.
const (
	endpointQuery      = "POST /api/v1/query"
	endpointQueryRange = "POST /api/v1/query_range"
	endpointRules      = "GET /api/v1/rules"
)

// apiRoot is where the paths of all calls begin. Mimir's /prometheus, or the tenant
// of VictoriaMetrics, may come before it.
const apiRoot = "/api/v1/"

// Template names the call of a request, as plans do: method and path below the
// server's address, with {name} for a label.
func Template(req *http.Request) string {
	return transport.TemplateBelow(req, apiRoot, "label", "{name}")
}

// question is one query of a round, with the facts and readings that need it.
type question struct {
	text     string
	facts    []string
	readings []reading
}

// questions are the distinct queries of facts in the order they are sent.
func questions(facts []fact) []question {
	var order []question
	for _, f := range facts {
		for _, asked := range f.queries() {
			at := slices.IndexFunc(order, func(q question) bool { return q.text == asked.text })
			if at < 0 {
				at = len(order)
				order = append(order, question{text: asked.text})
			}
			q := &order[at]
			if !slices.Contains(q.facts, f.Name) {
				q.facts = append(q.facts, f.Name)
			}
			if !slices.Contains(q.readings, asked.reading) {
				q.readings = append(q.readings, asked.reading)
			}
		}
	}
	return order
}

// Plan lists the calls of a round, which are the same whatever the services. How
// many the history of alerts takes depends on how much of it has been read. It
// implements collectors.Planner.
func (s *Source) Plan(req collectors.Request) []collectors.PlannedCall {
	var calls []collectors.PlannedCall
	add := func(call, query string, facts []string) {
		calls = append(calls, collectors.PlannedCall{
			Call: call, Query: query, Requests: "1", Facts: slices.Sorted(slices.Values(facts)),
		})
	}
	if len(s.facts) > 0 {
		add(endpointQuery, dataQuery(s.askedWindows()), nil)
	}
	for _, q := range questions(s.facts) {
		add(endpointQuery, q.text, q.facts)
	}
	if s.rules {
		add(endpointRules, ruleParameters().Encode(), ruleFacts())
	}
	return append(calls, s.planAlerts(req)...)
}

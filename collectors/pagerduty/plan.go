package pagerduty

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prodready/collector/collectors"
)

// Plan lists the calls of the round that the request would start, in their
// order, with the windows of time they ask for. What is not due yet is left
// out. It asks nobody and changes nothing. See collectors.Planner.
func (s *Source) Plan(req collectors.Request) []collectors.PlannedCall {
	p := &plan{round: s.rehearsal(req), answered: map[group]bool{}}
	p.planSetup()
	p.planIncidents()
	p.planChanges()
	p.planInterruptions()
	p.planHistory()
	for i := range p.calls {
		p.calls[i].Facts = p.facts(p.paths[i])
	}
	return p.calls
}

// rehearsal is a round that nothing is asked in: what is due in it is read, and
// what it would remember is not kept.
func (s *Source) rehearsal(req collectors.Request) *round {
	if req.Now.IsZero() {
		req.Now = s.now()
	}
	view := *s
	r := &round{
		Source: &view, now: req.Now.UTC(), catalog: newReferences(s, req.Services),
		cursors: req.Cursors, first: req.Cursors[formatCursor] != format,
	}
	if r.first {
		r.cursors, view.memory = nil, newMemory()
		return r
	}
	known := *s.memory
	known.asked = map[listing]time.Time{}
	for name, at := range s.memory.asked {
		// Other references are answered for anew; see round.remember.
		if known.references == r.catalog.hash || name == listingIncidents {
			known.asked[name] = at
		}
	}
	view.memory = &known
	return r
}

// plan collects the calls of a round.
type plan struct {
	*round
	calls []collectors.PlannedCall
	// paths are those of the calls, and answered the groups that they would answer.
	paths    []string
	answered map[group]bool
}

// add plans one listing, which takes a request for each page of what.
func (p *plan) add(path string, query map[string][]string, what string) {
	asked := maps.Clone(query)
	if asked == nil {
		asked = map[string][]string{}
	}
	asked["limit"] = []string{strconv.Itoa(p.api.limit)}
	p.paths = append(p.paths, path)
	p.calls = append(p.calls, collectors.PlannedCall{
		Call: callOf(path), Query: readable(asked), Requests: fmt.Sprintf("1 for each %d %s", p.api.limit, what),
	})
}

// readable writes a query with nothing escaped, in order of its parameters.
func readable(query map[string][]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			words = append(words, name+"="+value)
		}
	}
	return strings.Join(words, "&")
}

// facts are those that come of a listing in this round, in name order. All
// facts need the list of services; those that are read from it come of it.
func (p *plan) facts(path string) []string {
	var names []string
	for _, f := range facts() {
		serves := slices.Contains(f.group.needs(), path)
		if path == "services" {
			serves = strings.Contains(f.Help, callOf(path))
		}
		if serves && p.answered[f.group] {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// planSetup plans what services are set up with and who is on call for them.
func (p *plan) planSetup() {
	slow := func(name listing, g group, path string, query map[string][]string, what string) {
		if p.due(name, slowEvery) {
			p.answered[g] = true
			p.add(path, query, what)
		}
	}
	slow(listingServices, groupSetup, "services", servicesQuery(), "services")
	slow(listingPolicies, groupEscalation, "escalation_policies", nil, "escalation policies")
	if p.due(listingOnCalls, slowEvery) {
		p.answered[groupOnCall] = true
		for _, w := range onCallWindows(p.now.Truncate(time.Second), p.slices) {
			p.add("oncalls", w.query(), "shifts")
		}
	}
	slow(listingGroupings, groupGrouping, "alert_grouping_settings", nil, "settings")
	slow(listingTriggers, groupWorkflows, "incident_workflows/triggers", nil, "triggers")
	slow(listingActions, groupAutomation, "automation_actions/actions", nil, "actions")
}

// planChanges plans change events.
func (p *plan) planChanges() {
	if !p.due(listingChanges, changesEvery) {
		return
	}
	p.answered[groupChanges], p.answered[groupChangeFailure] = true, true
	for _, w := range p.changeWindows() {
		p.add("change_events", w.query(), "change events")
	}
}

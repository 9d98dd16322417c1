package jira

import (
	"fmt"
	"slices"

	"github.com/prodready/collector/collectors"
)

// Plan lists the calls of a round, in their order. Whether a project is missing
// on the site, which costs a search one more request, only answers can tell. See
// collectors.Planner.
func (s *Source) Plan(req collectors.Request) []collectors.PlannedCall {
	r := s.round(req)
	p := plan{round: r}
	if s.deployment == Cloud {
		p.add("GET /rest/api/2/myself", "", "1")
	}
	p.add("GET /rest/api/2/status", "", "1")
	cursor := r.readCursor()
	if s.incidents.JQL != "" {
		p.search(s.incidentSearch(r.incidentNet(cursor), "updated"), "", p.named(ModeMajorIncidents)...)
	}
	for _, f := range s.facts {
		due := r.due(f)
		if !due && f.Mode != ModePostmortemRatio {
			continue
		}
		switch f.Mode {
		case ModeCount, ModeNewestDoneAge:
			for _, part := range portions(r.mapping.keys) {
				p.search(f.search(part), "", f.Name)
			}
		case ModePostmortemRatio:
			unless := "none without major incidents, else "
			if !due {
				unless = "none unless there are other major incidents than before, else "
			}
			p.search(f.postmortems(), unless, f.Name)
		}
	}
	if s.reviews.JQL != "" {
		p.reviews()
	}
	if r.listens() {
		p.search(feedbackSearch(), "")
	}
	if s.incidents.JQL != "" && !cursor.Through.IsZero() && r.sweeps(cursor) {
		p.search(s.incidentSearch(r.everything(), "created"), "")
	}
	return p.calls
}

// plan collects the calls of a round.
type plan struct {
	*round
	calls []collectors.PlannedCall
}

func (p *plan) add(call, query, requests string, facts ...string) {
	slices.Sort(facts)
	p.calls = append(p.calls, collectors.PlannedCall{Call: call, Query: query, Requests: requests, Facts: facts})
}

// search adds a search, with what its changelogs may cost on Cloud.
func (p *plan) search(s search, unless string, facts ...string) {
	requests := fmt.Sprintf("%sone for each %d issues, at least one", unless, p.api.limit)
	if s.changelog && p.api.cloud {
		requests += fmt.Sprintf("; one more for a page with a changelog of %d entries or more", mostHistories)
	}
	p.add(p.api.searchCall(), s.jql, requests, facts...)
}

// reviews adds the searches for reviews and claims.
func (p *plan) reviews() {
	net, claimNet, _ := p.reviewNet()
	p.search(p.reviewSearch(net), "")
	var facts []string
	linked := false
	for _, a := range p.attestations {
		facts = append(facts, a.Fact.Name)
		linked = linked || a.Level >= linkLevel
	}
	for _, s := range p.claimSearches(claimNet) {
		p.search(s, "", facts...)
	}
	if linked {
		p.add("GET /rest/api/2/issue/{id}/remotelink", "", fmt.Sprintf("one for each claim that names no address, at most %d", mostLinks), facts...)
	}
}

// named are the names of the facts of a mode.
func (p *plan) named(mode Mode) []string {
	var names []string
	for _, f := range p.facts {
		if f.Mode == mode {
			names = append(names, f.Name)
		}
	}
	return names
}

package jira_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/internal/sourcetest"
)

// BenchmarkSteadyRound measures a round of 1,000 services with 250 changed
// incidents, and prints what rounds ask: a page for each 100 issues, at least one
// for each search, and two requests beside.
func BenchmarkSteadyRound(b *testing.B) {
	const services, incidents, changed, searched = 1000, 12, 250, 11
	site, list := company(services)
	w := start(b, false, site, list)
	round := func(wait time.Duration) float64 {
		w.pass(wait)
		w.fake.Forget()
		w.mustCollect()
		return float64(len(w.fake.Requests()))
	}
	everything := pages(incidents*services, false) + pages(services, false) + pages(3*services, false)
	facts := searched - 1 + pages(services, false)
	sourcetest.Figure("jira_first_round", round(0), "requests", float64(everything+facts+2))
	sourcetest.Figure("jira_quiet_round", round(30*time.Minute), "requests", 3+2)
	sourcetest.Figure("jira_hourly_round", round(30*time.Minute), "requests", float64(facts+3+2))
	// Beside the complete listing of incidents there is that of changes.
	sourcetest.Figure("jira_full_round", round(jira.DefaultReconcileEvery), "requests", float64(everything+1+facts+2))
	most := 0.0
	// Rounds are further apart than the overlap, so that each has its own changes.
	for n := 0; b.Loop(); n++ {
		for i := range changed {
			site.Issues = append(site.Issues, jiratest.Issue{
				Key: fmt.Sprintf("P%03d-%d", i/20, 5000+1000*n+i), Type: "Incident",
				Components: []string{fmt.Sprintf("svc-%04d", i)}, Created: w.clock().Add(time.Minute),
			})
		}
		w.fake.SetSite(site)
		// Every fourth is the hourly one, which has another figure.
		if requests := round(15 * time.Minute); n%4 != 3 {
			most = max(most, requests)
		}
	}
	sourcetest.Figure("jira_steady_round", most, "requests", float64(pages(changed, false)+2+2))
}

package jira_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/internal/race"
)

// shopServices are services with a project each.
func shopServices(n int) []*catalog.Service {
	var services []*catalog.Service
	for i := range n {
		services = append(services, refers(fmt.Sprintf("service-%03d", i), fmt.Sprintf("PROJ%03d", i)))
	}
	return services
}

// company is a site of n services, twenty to a project, each with twelve
// incidents, a review with three attestations, and an overdue issue.
func company(n int) (jiratest.Site, []*catalog.Service) {
	site := jiratest.Site{Projects: []string{"PRR"}}
	var services []*catalog.Service
	numbers := map[string]int{}
	add := func(project string, i jiratest.Issue) string {
		numbers[project]++
		i.Key = fmt.Sprintf("%s-%d", project, numbers[project])
		site.Issues = append(site.Issues, i)
		return i.Key
	}
	for s := range n {
		name, project := fmt.Sprintf("svc-%04d", s), fmt.Sprintf("P%03d", s/20)
		services = append(services, refers(name, project+"/"+name))
		for k := range 12 {
			created := noon.Add(-time.Duration(k+1)*7*day - time.Duration(s)*time.Minute)
			add(project, jiratest.Issue{Type: "Incident", Components: []string{name}, Priority: "High", Created: created,
				Done: created.Add(time.Hour)})
		}
		add(project, jiratest.Issue{Components: []string{name}, Labels: []string{"security"}, Created: noon.Add(-40 * day),
			Due: noon.Add(-9 * day)})
		key := add("PRR", review(0, name, noon.Add(-90*day-time.Duration(s)*time.Minute)))
		for _, check := range []string{"cicd-change-reviewed", "data-access-reviewed", "rel-failover-proven"} {
			add("PRR", attestation(0, key, check, noon.Add(-80*day-time.Duration(s)*time.Minute)))
		}
	}
	return site, services
}

// pages is how many requests a listing takes; those of Data Center repeat one
// issue.
func pages(issues int, dataCenter bool) int {
	if dataCenter && issues > 100 {
		return 1 + (issues-100+98)/99
	}
	return max((issues+99)/100, 1)
}

func TestRequestsGrowWithPagesAndNotWithServices(t *testing.T) {
	race.Skip(t, "many services run the same code paths as a few")
	for _, n := range []int{50, 1000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			both(t, func(t *testing.T, dataCenter bool) {
				site, services := company(n)
				w := start(t, dataCenter, site, services)
				r := w.mustCollect()
				r.want(t, "svc-0007", map[string]string{"overdue_security_issues": "1", "major_incidents_180d": "11",
					"postmortem_ratio_180d": "0", "attest.rel_failover_proven": "true"})

				// Ten facts, of which one finds issues, and the post-mortems.
				searches := 9 + pages(n, dataCenter) + 1
				want := searches + pages(12*n, dataCenter) + pages(n, dataCenter) + pages(3*n, dataCenter)
				if got := w.fake.Count(searchCall(dataCenter)); got != want {
					t.Errorf("%d searches, want %d", got, want)
				}
				others := 1 // statuses
				if !dataCenter {
					others++ // the account
				}
				if got := len(w.fake.Requests()) - want; got != others {
					t.Errorf("%d other requests, want %d", got, others)
				}

				// Afterwards only what has changed: here nothing, on a page for each of
				// incidents, reviews and attestations.
				round := func(wait time.Duration) (requests int, r *result) {
					w.pass(wait)
					w.fake.Forget()
					r = w.mustCollect()
					return len(w.fake.Requests()), r
				}
				got, r := round(30 * time.Minute)
				r.want(t, "svc-0007", map[string]string{"overdue_security_issues": "not covered", "major_incidents_180d": "11",
					"attest.rel_failover_proven": "true"})
				if got != 3+others {
					t.Errorf("%d requests of a round without a change, want %d", got, 3+others)
				}

				// Or so many pages of them.
				for i := range 250 {
					name := fmt.Sprintf("svc-%04d", i%n)
					site.Issues = append(site.Issues, jiratest.Issue{
						Key: fmt.Sprintf("P%03d-%d", i%n/20, 5000+i), Type: "Incident", Components: []string{name},
						Created: w.clock().Add(time.Duration(i) * time.Second),
					})
					if i < 150 {
						site.Issues = append(site.Issues, review(50000+i, name, w.clock().Add(time.Duration(i)*time.Second)))
					}
				}
				w.fake.SetSite(site)
				got, r = round(5 * time.Minute)
				if want := pages(250, dataCenter) + pages(150, dataCenter) + 1 + others; got != want || len(r.incidents) != 250 ||
					len(r.reviews) != 150 {
					t.Errorf("%d requests for %d incidents and %d reviews, want %d", got, len(r.incidents), len(r.reviews), want)
				}
				// The overlap with the round before still has them once.
				round(11 * time.Minute)
				if got, _ = round(12 * time.Minute); got != 3+others {
					t.Errorf("%d requests of a round without a change, want %d", got, 3+others)
				}

				// Once an hour the facts are searched for again.
				got, r = round(2 * time.Minute)
				r.want(t, "svc-0007", map[string]string{"overdue_security_issues": "1", "postmortem_ratio_180d": "0"})
				if want := searches + 3 + others; got != want {
					t.Errorf("%d requests after an hour, want %d", got, want)
				}
			})
		})
	}
}

package pagerduty_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/internal/race"
)

// company is an account of n services, with two services to a policy and
// twelve incidents to a service, of which some are open.
func company(n int) (pagerdutytest.Account, []*catalog.Service) {
	var account pagerdutytest.Account
	var services []*catalog.Service
	for i := range (n + 1) / 2 {
		id := fmt.Sprintf("%03d", i)
		account.Schedules = append(
			account.Schedules,
			pagerdutytest.Schedule{
				ID: "S" + id, Users: []string{"UA" + id, "UB" + id}, Start: noon.Add(-100 * day), Shift: 9 * day,
			},
		)
		account.EscalationPolicies = append(account.EscalationPolicies, pagerdutytest.EscalationPolicy{
			ID: "E" + id, Levels: []pagerdutytest.Level{{Schedules: []string{"S" + id}}, {Users: []string{"UC" + id}}},
		})
	}
	for i := range n {
		id := fmt.Sprintf("P%03d", i)
		account.Services = append(
			account.Services,
			pagerdutytest.Service{
				ID: id, EscalationPolicy: fmt.Sprintf("E%03d", i/2), Integrations: []string{"events_api_v2_inbound_integration"},
			},
		)
		services = append(services, refers("service-"+id, id))
		for _, in := range crowd(id, 12, 7*day) {
			in.CreatedAt = in.CreatedAt.Add(-time.Duration(i) * time.Minute)
			account.Incidents = append(account.Incidents, in)
		}
		if i%5 == 0 {
			account.Incidents[len(account.Incidents)-1].ResolvedAt = time.Time{}
		}
	}
	return account, services
}

// logged counts what has happened to incidents in the last time.
func logged(account pagerdutytest.Account, span time.Duration) int {
	n := 0
	for _, in := range account.Incidents {
		for _, at := range []time.Time{in.CreatedAt, in.AcknowledgedAt, in.ResolvedAt} {
			if !at.IsZero() && !at.After(noon) && at.After(noon.Add(-span)) {
				n++
			}
		}
		n += len(in.Notifications) + len(in.Notes)
	}
	return n
}

func pages(records int) int { return max((records+99)/100, 1) }

func TestRequestsGrowWithPagesAndNotWithServices(t *testing.T) {
	race.Skip(t, "many services run the same code paths as a few")
	for _, n := range []int{50, 1000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			account, services := company(n)
			w := start(t, account, services)
			r := w.collect()
			if r.err != nil {
				t.Fatal(r.err)
			}
			policies := (n + 1) / 2
			shifts := policies * (11 + 1) // 90 days in shifts of 9, of which one has begun, and somebody for ever
			incidents, open := 12*n, (n+4)/5
			want := map[string]int{
				"GET /services":            pages(n),
				"GET /escalation_policies": pages(policies),
				"GET /oncalls":             pages(shifts),
				"GET /incidents":           pages(open),
				"GET /users":               pages(3 * policies),
				"GET /change_events":       3, // windows of a month
			}
			for _, call := range pagerduty.Calls() {
				if want[call.Name] == 0 && call.Name != "GET /log_entries" {
					want[call.Name] = 1 // the account has none
				}
			}
			// Windows of 10,000, which share the second they are cut at.
			for ; incidents > 10000; incidents -= 10000 - 1 {
				want["GET /incidents"] += 100
			}
			want["GET /incidents"] += pages(incidents)
			total := 0
			for call, n := range want {
				total += n
				if got := w.fake.Count(call); got != n {
					t.Errorf("%s: %d requests, want %d", call, got, n)
				}
			}
			// The log of all incidents, in windows of which each may end in a page
			// that is not full, and a second that two windows share.
			most := pages(logged(account, 91*day)) + 2*10
			if got := w.fake.Count("GET /log_entries"); got > most {
				t.Errorf("GET /log_entries: %d requests, want at most %d", got, most)
			}
			if got := len(w.fake.Requests()) - w.fake.Count("GET /log_entries"); got != total {
				t.Errorf("%d requests, want %d", got, total)
			}
			r.want(
				t, "service-P007",
				map[string]string{
					"high_urgency_90d": "12", "coverage_ratio_14d": "1", "escalation_people": "3", "rotation_people": "2",
					"page_load_per_week": "2",
				},
			)
		})
	}
}

func TestMoreOnCallsThanOneWindowHolds(t *testing.T) {
	race.Skip(t, "many on-calls run the same code paths as a few")
	account, services := company(60)
	for i := range account.Schedules {
		account.Schedules[i].Shift = 2 * day
	}
	w := start(
		t, account, services,
		func(o *pagerdutytest.Options, _ *pagerduty.Options, _ *transport.Config) { o.MaxRecords = 600 },
	)
	r := w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	r.want(t, "service-P007", map[string]string{"coverage_ratio_14d": "1", "escalation_people": "3"})
	w.fake.Forget()
	r = w.collect()
	if r.err != nil {
		t.Fatal(r.err)
	}
	// 30 policies: about 12 shifts and one person in each of four windows.
	if got := w.fake.Count("GET /oncalls"); got != 4*4 {
		t.Errorf("%d requests in the second round, want none beyond the four windows", got)
	}
}

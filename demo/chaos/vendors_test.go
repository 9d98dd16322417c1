package chaos_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/jira/jiratest"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

const (
	pagerDutyToken = "chaos-pagerduty"
	jiraToken      = "chaos-jira"
	jiraEmail      = "readiness-collector@example.com"
	linkField      = "customfield_10042"
	// base is the number of incidents from which on each makes a count odd or even.
	base = 8
	// bronze and gold are badges.
	bronze, gold = 1, 3
)

// vendors are the servers that a fleet asks. What they say changes only by steps of a
// script, which are the same for each fleet.
type vendors struct {
	pagerDuty  *pagerdutytest.Server
	jira       *jiratest.Server
	prometheus *gauges
	urls       [3]string

	account pagerdutytest.Account
	site    jiratest.Site
	// incidents is how many there are of the company, in PagerDuty and as tickets.
	incidents int
}

// gauges is a Prometheus that knows one series: the size of the service alpha.
type gauges struct {
	mu   sync.Mutex
	size int
}

func (g *gauges) set(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.size = size
}

// ServeHTTP answers a query.
func (g *gauges) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	size := g.size
	g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	vector := func(labels map[string]string, value int) any {
		sample := map[string]any{"metric": labels, "value": []any{time.Now().Unix(), strconv.Itoa(value)}}
		return map[string]any{"resultType": "vector", "result": []any{sample}}
	}
	var data any
	switch query := r.FormValue("query"); {
	case r.URL.Path == "/api/v1/query" && strings.Contains(query, "readiness_window"):
		data = vector(map[string]string{"readiness_window": "0s"}, 1)
	case r.URL.Path == "/api/v1/query" && query == "sum by (job) (size)":
		data = vector(map[string]string{"job": "alpha"}, size)
	default:
		data = map[string]any{"resultType": "matrix", "result": []any{}}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data}) // a killed client does not read it
}

// newVendors starts the servers of a company with three services. They end with the test.
func newVendors(t *testing.T) *vendors {
	t.Helper()
	fail := func(message string) { t.Errorf("a vendor does not know a request: %s", message) }
	v := &vendors{prometheus: &gauges{size: 2}}
	start := time.Now().UTC().Truncate(time.Hour).Add(-1000 * time.Hour)
	v.account = pagerdutytest.Account{
		EscalationPolicies: []pagerdutytest.EscalationPolicy{{
			ID: "EALL", Name: "All", Levels: []pagerdutytest.Level{{Schedules: []string{"SALL"}}, {Users: []string{"UBOSS"}}},
		}},
		Schedules: []pagerdutytest.Schedule{{
			ID: "SALL", Name: "All", Users: []string{"UA", "UB"}, Start: start, Shift: 7 * 24 * time.Hour,
		}},
	}
	for _, name := range services() {
		v.account.Services = append(v.account.Services, pagerdutytest.Service{
			ID: pagerID(name), Name: name, EscalationPolicy: "EALL",
			Integrations: []string{"events_api_v2_inbound_integration"},
		})
	}
	v.site = jiratest.Site{Projects: []string{"CHA"}, Components: map[string][]string{"CHA": services()}}
	for i := range base {
		v.add("bravo", time.Now().UTC().Truncate(time.Second).Add(-time.Duration(base-i)*time.Hour))
	}
	v.pagerDuty = pagerdutytest.New(pagerdutytest.Options{Account: v.account, Token: pagerDutyToken, Fail: fail})
	v.jira = jiratest.New(jiratest.Options{Site: v.site, Email: jiraEmail, Token: jiraToken, Fail: fail})
	for i, handler := range []http.Handler{v.pagerDuty, v.jira, v.prometheus} {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		v.urls[i] = server.URL
	}
	return v
}

func services() []string { return []string{"alpha", "bravo", "charlie"} }

func pagerID(service string) string { return "P" + strings.ToUpper(service) }

// add adds an incident that began at a time and was resolved at once, with its ticket.
func (v *vendors) add(service string, at time.Time) {
	v.incidents++
	id, key := fmt.Sprintf("Q%05d", v.incidents), fmt.Sprintf("CHA-%d", v.incidents)
	v.account.Incidents = append(slices.Clip(v.account.Incidents),
		pagerdutytest.Incident{
			ID: id, Number: v.incidents, Title: "Something is slow", Service: pagerID(service), Priority: "P3",
			CreatedAt: at.Add(-2 * time.Second), AcknowledgedAt: at.Add(-time.Second), ResolvedAt: at,
			ResolvedBy: "user_reference", ResolvedByID: "UA", Channel: "api",
		})
	v.site.Issues = append(slices.Clip(v.site.Issues), jiratest.Issue{
		Key: key, Type: "Incident", Summary: "Something is slow", Components: []string{service}, Priority: "Medium",
		Created: at.Add(-2 * time.Second), Done: at, DoneBy: "UA",
		Fields: map[string]any{linkField: "https://example.pagerduty.com/incidents/" + id},
	})
}

// want is what the database has once a step has been collected and judged: the badge of
// a service, and how many incidents there are, tickets included.
type want struct {
	service   string
	badge     int
	incidents int
}

// step changes what the vendors say, by the number of the step: alpha shrinks and grows,
// and each incident makes the number of bravo's odd or even.
func (v *vendors) step(n int) want {
	w := want{service: "alpha", badge: gold}
	switch n % 4 {
	case 0:
		v.prometheus.set(1)
		w.badge = bronze
	case 1:
		v.prometheus.set(2)
	default:
		v.add("bravo", time.Now().UTC().Truncate(time.Second))
		v.pagerDuty.SetAccount(v.account)
		v.jira.SetSite(v.site)
		w.service = "bravo"
		if n%4 == 2 {
			w.badge = bronze
		}
	}
	w.incidents = 2 * v.incidents
	return w
}

// The files of a replica. Badges move within seconds.
const (
	factsFile = `preset: chaos
facts:
  - name: chaos.size
    type: int
    help: The size of the service.
    absent: unknown
    providers: [{via: test, join: job, query: 'sum by (job) (size)'}]
`
	// Each badge hangs on one fact that moves. With two, whose rounds come back one after the
	// other when both are old, it is chance which of them is noted as the check that changed.
	frameworkFile = `apiVersion: readiness/v1
kind: Framework
name: chaos
version: 1.0.0
award_dwell: 1s
modules:
  - id: inc
    name: Incident Preparedness
    checks:
      - id: inc.owned
        level: 1
        title: Somebody owns it
        proofs: [{by: machine, pass: "catalog.owner_declared && pagerduty.service_exists"}]
      - id: inc.even
        level: 2
        dwell: 1s
        title: It has had an even number of incidents
        scope: {when: "!service.stateful"}
        proofs: [{by: machine, pass: "pagerduty.high_urgency_90d % 2 == 0"}]
      - id: inc.large
        level: 2
        dwell: 1s
        title: It is large
        scope: {when: service.stateful}
        proofs: [{by: machine, pass: "chaos.size >= 2"}]
      - id: inc.huge
        level: 3
        dwell: 1s
        title: The important one is huge
        scope: {tiers: [1]}
        proofs: [{by: machine, pass: "pagerduty.escalation_levels >= 9"}]
      - id: inc.escalates
        level: 3
        title: A missed page finds somebody else
        proofs: [{by: machine, pass: "pagerduty.escalation_levels >= 2"}]
`
)

// configuration is a configuration whose sources are asked each period, with the tier of
// charlie.
func (v *vendors) configuration(period time.Duration, tier int) string {
	var entries strings.Builder
	for _, name := range services() {
		t := 2
		if name == "charlie" {
			t = tier
		}
		fmt.Fprintf(&entries, "    - {name: %[1]s, team: all, org: shop, tier: %[2]d, stateful: %[4]t, pagerduty: [{service_id: %[3]s}], "+
			"jira: [{project: CHA, component: %[1]s}], prometheus: [{matchers: {job: %[1]s}}]}\n", name, t, pagerID(name), name == "alpha")
	}
	rounds := fmt.Sprintf("schedule: '@every %s', timeout: %s, rate: {per_minute: 60000, share: 1}", period, timeout)
	return `store: {url: replaced}
framework: {file: framework.yaml}
server: {listen_address: "127.0.0.1:0", shutdown_timeout: 5s}
evaluation: {interval: ` + interval.String() + `, observe_for: 0s}
catalog:
  teams: [{name: all, org: shop}]
  services:
` + entries.String() + `sources:
  pagerduty:
    - {name: main, endpoint: "` + v.urls[0] + `", token_file: pagerduty.token, ` + rounds + `}
  jira:
    - name: main
      deployment: cloud
      url: "` + v.urls[1] + `"
      browse_url: https://jira.example.com
      email: ` + jiraEmail + `
      token_file: jira.token
      schedule: '@every ` + period.String() + `'
      timeout: ` + timeout.String() + `
      rate: {per_minute: 60000, share: 1}
      incidents: {jql: 'issuetype = "Incident"', link_fields: [` + linkField + `], services: {by: component}}
  prometheus:
    - {name: main, url: "` + v.urls[2] + `", facts_files: [facts.yaml], ` + rounds + `}
`
}

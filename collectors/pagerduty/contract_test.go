package pagerduty_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/evidence"
	"github.com/prodready/collector/internal/sourcetest"
)

// Data sets with more records than the vendor lists.
const (
	manyIncidents sourcetest.Data = "10,001 incidents"
	manyServices  sourcetest.Data = "10,001 services"
)

func TestContract(t *testing.T) {
	sourcetest.Run(t, contract(3))
}

func TestContractOfLargeAccounts(t *testing.T) {
	s := contract(100)
	s.Large = []sourcetest.Large{
		{Data: manyIncidents, Incidents: 10001},
		{Data: manyServices, Fails: evidence.ReasonIncomplete},
	}
	sourcetest.RunLarge(t, s)
}

// contract is the source with pages of so many records.
func contract(pageLimit int) sourcetest.Subject {
	s := sourcetest.Subject{
		Start: noon,
		Services: []*catalog.Service{
			refers("checkout", "PGOOD"), refers("reports", "PBAD"), refers("search", "P1"), refers("mail", "P2", "P3"),
			refers("old", "P4"), refers("nowhere", "PNONE"), refers("plain"),
		},
		Upstream: func(data sourcetest.Data, now func() time.Time, fail func(string)) http.Handler {
			return pagerdutytest.New(pagerdutytest.Options{
				Account: contractAccount(data), Now: now, Token: "of-the-file", Fail: fail,
			})
		},
		Source: func(address string, client *http.Client, now func() time.Time) (collectors.Source, error) {
			return pagerduty.New(pagerduty.Options{
				Name: "main", OnlyAccount: true, Endpoint: address, HTTPClient: client, Now: now, PageLimit: pageLimit,
				// The list of priorities is asked for only if a name is not mapped.
				Severities: map[string]int{"P2": 2},
			})
		},
		HTTP: config.HTTPClientConfig{Authorization: &config.Authorization{
			Type: "Token", Credentials: "token=of-the-file",
		}},
		Secret: "of-the-file",
		Form:   pagerdutytest.Form(),
		WrongNames: []sourcetest.WrongName{
			{Name: "PGOOX", Nearest: "PGOOD (Checkout)", User: "till", Service: refers("till", "PGOOX")},
			{Name: "https://shop.pagerduty.com/service-directory/PGOOD", Nearest: "PGOOD (Checkout)", User: "till",
				Service: refers("till", "https://shop.pagerduty.com/service-directory/PGOOD")},
			{Name: "P0000ZZ", Nearest: "PGOOD (Checkout)", User: "checkout-api", Service: refers("checkout-api", "P0000ZZ")},
		},
		BadBodies: map[string]sourcetest.BadBody{
			"200 with an error": {Body: `{"error":{"message":"Not Found","code":2100}}`, Reason: evidence.ReasonUndecodable},
			"null lists":        {Body: nullLists(), Reason: evidence.ReasonUndecodable},
		},
	}
	for _, call := range pagerduty.Calls() {
		s.Calls = append(s.Calls, sourcetest.Call{Name: call.Name})
	}
	slices.SortFunc(s.Calls, func(a, b sourcetest.Call) int { return len(a.Name) - len(b.Name) })
	return s
}

// nullLists is an answer to any call whose list is null.
func nullLists() string {
	answer := map[string]any{"more": false, "next_cursor": nil}
	for _, call := range pagerdutytest.Calls() {
		answer[pagerdutytest.Form().List(call)] = nil
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// contractAccount is the account with the data.
func contractAccount(data sourcetest.Data) pagerdutytest.Account {
	if data == sourcetest.Empty {
		return pagerdutytest.Account{}
	}
	a, _ := shop()
	a.Schedules = a.Schedules[:2] // without gaps that wander with the clock
	a.EscalationPolicies[1].Levels = []pagerdutytest.Level{{}, {Users: []string{"ULONE"}}}
	for i := 1; i <= 4; i++ {
		policy := fmt.Sprintf("E%d", i)
		a.Services = append(
			a.Services,
			pagerdutytest.Service{
				ID: fmt.Sprintf("P%d", i), EscalationPolicy: policy, Integrations: []string{"events_api_v2_inbound_integration"},
				AutoResolve: time.Hour,
			},
		)
		a.EscalationPolicies = append(a.EscalationPolicies,
			pagerdutytest.EscalationPolicy{ID: policy, Levels: []pagerdutytest.Level{
				{Users: []string{fmt.Sprintf("U%d", i)}}, {Users: []string{fmt.Sprintf("U%d", i+1), "UBOSS"}},
			}})
		a.Users = append(a.Users, pagerdutytest.User{ID: fmt.Sprintf("U%d", i), TimeZone: "Europe/Berlin"})
		a.AlertGroupings = append(
			a.AlertGroupings,
			pagerdutytest.AlertGrouping{
				ID: fmt.Sprintf("G%d", i), Type: "intelligent", Services: []string{fmt.Sprintf("P%d", i)},
			},
		)
		a.WorkflowTriggers = append(
			a.WorkflowTriggers,
			pagerdutytest.WorkflowTrigger{ID: fmt.Sprintf("T%d", i), Services: []string{fmt.Sprintf("P%d", i)}},
		)
		a.AutomationActions = append(a.AutomationActions, pagerdutytest.AutomationAction{
			ID: fmt.Sprintf("A%d", i), FromOrchestration: true, Services: []string{fmt.Sprintf("P%d", i)},
			LastRun: noon.Add(-day),
		})
		a.ChangeEvents = append(
			a.ChangeEvents,
			pagerdutytest.ChangeEvent{
				ID: fmt.Sprintf("C%d", i), At: noon.Add(-time.Duration(i) * 2 * day),
				Services: []string{fmt.Sprintf("P%d", i), "PGOOD"},
			},
		)
	}
	incident := func(id, service string, before, acknowledged, lasted time.Duration, by string) pagerdutytest.Incident {
		in := pagerdutytest.Incident{
			ID: id, Title: "Queue " + id + " is long", Service: service, Channel: "api", Priority: "P2",
			CreatedAt: noon.Add(-before), ResolvedBy: by, ResolvedByID: "U1",
			Notifications: []pagerdutytest.Notification{{At: noon.Add(-before), User: "U1"}},
		}
		if acknowledged > 0 {
			in.AcknowledgedAt = in.CreatedAt.Add(acknowledged)
		}
		if lasted > 0 {
			in.ResolvedAt = in.CreatedAt.Add(lasted)
		}
		return in
	}
	switch data {
	case manyIncidents:
		a.Incidents = crowd("PGOOD", 10001, 10*time.Minute)
		return a
	case manyServices:
		for i := range 10001 {
			a.Services = append(a.Services, pagerdutytest.Service{ID: fmt.Sprintf("PX%d", i)})
		}
		return a
	}
	for i := range 7 {
		a.Incidents = append(
			a.Incidents,
			incident(
				fmt.Sprintf("QDONE%d", i), []string{"PGOOD", "PBAD", "P1"}[i%3], time.Duration(3+5*i)*day, 4*time.Minute, time.Hour,
				"user_reference",
			),
		)
	}
	a.Incidents = append(a.Incidents,
		incident("QNOISE", "P2", 2*day, 0, 2*time.Minute, "service_reference"),
		incident("QTIMEOUT", "P1", 20*day, 3*time.Minute, time.Hour, "service_reference"),
		incident("QOPEN", "PGOOD", 5*time.Hour, 2*time.Minute, 0, ""),
		incident("QOLD", "P3", 300*day, 0, 0, ""),
		incident("QSTRANGE", "PELSE", day, time.Minute, time.Hour, "user_reference"),
	)
	if data == sourcetest.Normal {
		return a
	}
	a.Services = slices.DeleteFunc(a.Services, func(s pagerdutytest.Service) bool { return s.ID == "P4" })
	a.Services[0].AckTimeout = 10 * time.Minute
	a.EscalationPolicies[0].Levels = a.EscalationPolicies[0].Levels[:2]
	a.AlertGroupings, a.WorkflowTriggers = a.AlertGroupings[1:], a.WorkflowTriggers[1:]
	a.AutomationActions = a.AutomationActions[1:]
	a.ChangeEvents = append(
		a.ChangeEvents, pagerdutytest.ChangeEvent{ID: "CNEW", At: noon.Add(2 * time.Minute), Services: []string{"P1"}},
	)
	for i := range a.Incidents {
		if in := &a.Incidents[i]; in.ID == "QOPEN" || in.ID == "QOLD" {
			in.ResolvedAt, in.ResolvedBy, in.ResolvedByID = noon.Add(3*time.Minute), "user_reference", "U2"
		}
	}
	for i := range 4 {
		in := incident(
			fmt.Sprintf("QNEW%d", i), "P1", -time.Duration(i+1)*time.Minute, 30*time.Second, time.Duration(i)*time.Minute,
			"user_reference",
		)
		a.Incidents = append(a.Incidents, in)
	}
	return a
}

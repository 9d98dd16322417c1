package pagerduty_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

// labelled is the shop with teams and tags.
func labelled() pagerdutytest.Account {
	account, _ := shop()
	account.Teams = []pagerdutytest.Team{{ID: "TSHOP", Name: "Shop"}, {ID: "TDATA", Name: "Data & Reports"}}
	account.Tags = []pagerdutytest.Tag{
		{ID: "GCRIT", Label: "Critical", EscalationPolicies: []string{"EGOOD", "EGONE"}},
		{ID: "GCRIT2", Label: "critical-path", EscalationPolicies: []string{"EBAD"}},
		{ID: "GDATA", Label: "data", Teams: []string{"TDATA"}},
		{ID: "GNONE", Label: "unused"},
	}
	account.Services[0].Teams, account.Services[0].Description = []string{"TSHOP", "TDATA"}, "Takes orders"
	account.Services[1].Teams = []string{"TDATA"}
	account.Services = append(account.Services, pagerdutytest.Service{ID: "PALONE", Name: "Alone"})
	return account
}

func TestSurveyListsServicesAndTeams(t *testing.T) {
	w := start(t, labelled(), nil)
	got, err := w.source.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shop, data := pagerduty.SurveyedTeam{ID: "TSHOP", Name: "Shop"}, pagerduty.SurveyedTeam{
		ID: "TDATA", Name: "Data & Reports",
	}
	want := pagerduty.Survey{
		Services: []pagerduty.SurveyedService{
			{ID: "PALONE", Name: "Alone", Status: "active"},
			{
				ID: "PBAD", Name: "Reports", Status: "disabled", Teams: []pagerduty.SurveyedTeam{data}, PolicyID: "EBAD",
				PolicyName: "Reports",
			},
			{
				ID: "PGOOD", Name: "Checkout", Description: "Takes orders", Status: "active",
				Teams: []pagerduty.SurveyedTeam{shop, data}, PolicyID: "EGOOD", PolicyName: "Shop",
			},
		},
		Teams: []pagerduty.SurveyedTeam{data, shop},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if n := len(w.fake.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestSurveyTag(t *testing.T) {
	w := start(t, labelled(), nil)
	survey, err := w.source.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string]string{
		"Critical": "PGOOD", " CRITICAL ": "PGOOD", "critical-path": "PBAD", "data": "PBAD PGOOD", "unused": "",
	} {
		w.fake.Forget()
		list, err := w.source.SurveyTag(t.Context(), survey, label)
		var ids []string
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); got != want || err != nil {
			t.Errorf("%q: %s, error %v, want %s", label, got, err, want)
		}
		if n := len(w.fake.Requests()); n != 3 || w.fake.Count("GET /tags/{id}/teams") != 1 {
			t.Errorf("%q: %d requests, want 3", label, n)
		}
	}
	for label, want := range map[string]string{
		"criticl": `pagerduty/main: no tag has the label "criticl", did you mean "Critical"?`, "": "without a label",
		"zzzzzzzz": `no tag has the label "zzzzzzzz"`,
	} {
		if _, err := w.source.SurveyTag(t.Context(), survey, label); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", label, err, want)
		}
	}
	for call, scope := range map[string]string{
		"GET /tags": "tags.read", "GET /tags/{id}/teams": "tags.read", "GET /tags/{id}/escalation_policies": "tags.read",
	} {
		w.fake.Inject(pagerdutytest.Fault{Call: call, Status: http.StatusForbidden})
		if list, err := w.source.SurveyTag(t.Context(), survey, "data"); calls(err) != call+" forbidden" ||
			!strings.Contains(err.Error(), scope) || list != nil {
			t.Errorf("%s: %v, error %v", call, list, err)
		}
		w.fake.Heal()
	}
}

func TestSurveyReadsAllPages(t *testing.T) {
	account := labelled()
	for i := range 250 {
		account.Services = append(
			account.Services,
			pagerdutytest.Service{
				ID: fmt.Sprintf("PX%03d", i), Name: fmt.Sprint("Service ", i), EscalationPolicy: fmt.Sprintf("EX%03d", i),
			},
		)
		account.Teams = append(account.Teams, pagerdutytest.Team{ID: fmt.Sprintf("TX%03d", i), Name: fmt.Sprint("Team ", i)})
		account.Tags[3].EscalationPolicies = append(account.Tags[3].EscalationPolicies, fmt.Sprintf("EX%03d", i))
	}
	w := start(t, account, nil)
	survey, err := w.source.Survey(t.Context())
	if err != nil || len(survey.Services) != 253 || len(survey.Teams) != 252 {
		t.Fatalf("%d services, %d teams, error %v", len(survey.Services), len(survey.Teams), err)
	}
	if list, err := w.source.SurveyTag(t.Context(), survey, "unused"); err != nil || len(list) != 250 {
		t.Errorf("%d services carry the tag, error %v", len(list), err)
	}
	// A page that fails is no end of the services.
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /services", Skip: 1, Status: http.StatusBadGateway})
	if survey, err = w.source.Survey(t.Context()); calls(err) != "GET /services server_error" || survey.Services != nil {
		t.Errorf("%d services, error %v", len(survey.Services), err)
	}
}

func TestSurveyLeavesOutOnlyBadRecords(t *testing.T) {
	w := start(t, labelled(), nil)
	w.fake.Deny("teams.read")
	survey, err := w.source.Survey(t.Context())
	if err != nil || len(survey.Services) != 3 || survey.Teams != nil ||
		calls(survey.TeamsError) != "GET /teams forbidden" || !strings.Contains(survey.TeamsError.Error(), "teams.read") {
		t.Errorf("%+v, error %v", survey, err)
	}
	w.fake.Deny("services.read")
	if _, err = w.source.Survey(t.Context()); calls(err) != "GET /services forbidden" {
		t.Errorf("error %v", err)
	}
	w.fake.Allow("services.read")
	w.fake.Allow("teams.read")
	w.fake.Inject(pagerdutytest.Fault{Call: "GET /services", Records: []string{
		`{"id":"PODD","name":null}`, `7`, `{"id":"PODD2","name":7}`,
		`{"id":"PNULL","name":"Nulls","teams":null,"escalation_policy":null,"description":null}`,
		`{"id":"PNULL2","name":"More","teams":[null,{"id":null}],"escalation_policy":{"id":null}}`,
	}})
	survey, err = w.source.Survey(t.Context())
	if err != nil || len(survey.Services) != 5 || fmt.Sprint(survey.Unreadable) != "[PODD PODD2]" || survey.Nameless != 1 {
		t.Errorf("%+v, error %v", survey, err)
	}
	if n := strings.Count(w.log.String(), "\n"); n != 3 || !strings.Contains(w.log.String(), "id=PODD2") {
		t.Errorf("logged %d lines: %s", n, w.log)
	}
}

func TestTemplate(t *testing.T) {
	for path, want := range map[string]string{
		"/services": "GET /services", "/tags": "GET /tags", "/tags/PABCDEF/teams": "GET /tags/{id}/teams",
		"/eu/tags/P1/escalation_policies": "GET /eu/tags/{id}/escalation_policies",
		"/incident_workflows/triggers":    "GET /incident_workflows/triggers", "/services/P1BC23": "GET /services/{id}",
	} {
		if got := pagerduty.Template(httptest.NewRequest(http.MethodGet, path, nil)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

package pagerdutytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// answer is the part of an answer that tests look at.
type answer struct {
	status int
	header http.Header
	ids    []string
	Error  struct {
		Code   int
		Errors []string
	}
	Limit, Offset int
	More          bool
	Total         *int
}

func ask(t *testing.T, s *pagerdutytest.Server, path string) answer {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Authorization", "Token token=key")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	a := answer{status: w.Code, header: w.Header()}
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(w.Body.Bytes(), &lists); err != nil {
		t.Fatalf("%s: %v in %s", path, err, w.Body)
	}
	_ = json.Unmarshal(w.Body.Bytes(), &a)
	for name, raw := range lists {
		var records []struct {
			ID   string
			User struct{ ID string }
		}
		if name != "error" && json.Unmarshal(raw, &records) == nil {
			for _, r := range records {
				a.ids = append(a.ids, r.ID+r.User.ID)
			}
		}
	}
	return a
}

func many(n int) pagerdutytest.Account {
	var a pagerdutytest.Account
	for i := range n {
		a.Services = append(a.Services, pagerdutytest.Service{ID: fmt.Sprintf("P%d", i), Name: fmt.Sprintf("Service %d", i)})
	}
	return a
}

func TestPagination(t *testing.T) {
	s := pagerdutytest.New(pagerdutytest.Options{Account: many(250)})
	for path, want := range map[string]string{
		"/services":                            "200 25 limit 25 more true total null",
		"/services?limit=1000":                 "200 100 limit 100 more true total null",
		"/services?limit=100&offset=200":       "200 50 limit 100 more false total null",
		"/services?offset=300&total=true":      "200 0 limit 25 more false total 250",
		"/services?limit=100&offset=9900":      "200 0 limit 100 more false total null",
		"/services?limit=100&offset=9901":      "400 2002",
		"/services?query=service+24&limit=100": "200 11 limit 100 more false total null",
	} {
		a := ask(t, s, path)
		got := fmt.Sprint(a.status, " ", a.Error.Code)
		if a.status == http.StatusOK {
			total := "null"
			if a.Total != nil {
				total = strconv.Itoa(*a.Total)
			}
			got = fmt.Sprintf("%d %d limit %d more %t total %s", a.status, len(a.ids), a.Limit, a.More, total)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestIncidentWindows(t *testing.T) {
	var account pagerdutytest.Account
	for name, age := range map[string]time.Duration{
		"day": day, "quarter": 80 * day, "year": 300 * day, "future": -time.Hour,
	} {
		account.Incidents = append(
			account.Incidents, pagerdutytest.Incident{ID: name, CreatedAt: noon.Add(-age), ResolvedAt: noon.Add(-age + 2*day)},
		)
	}
	zone := time.FixedZone("elsewhere", 5*3600)
	s := pagerdutytest.New(pagerdutytest.Options{Account: account, TimeZone: zone, Now: func() time.Time { return noon }})
	for query, want := range map[string]string{
		"":                            "200 day",
		"?sort_by=created_at:asc":     "200 day",
		"?since=2025-12-01T00:00:00Z": "200 quarter", // one month from there
		"?until=2026-01-01T00:00:00Z": "200 quarter",
		"?since=2025-11-01T00:00:00Z&until=2026-03-04T12:00:00Z":                        "200 day quarter",
		"?since=2025-11-01T00:00:00Z&until=2026-03-04T12:00:00Z&sort_by=created_at:asc": "200 quarter day",
		"?since=2025-09-04T12:00:00Z&until=2026-03-04T12:00:00Z":                        "200 day quarter",
		"?since=2025-09-04T11:59:59Z&until=2026-03-04T12:00:00Z":                        "400 ",
		"?since=2026-03-04T12:00:00Z&until=2025-11-01T00:00:00Z":                        "400 ",
		"?since=soon":                                          "400 ",
		"?date_range=all":                                      "200 day quarter year",
		"?date_range=all&statuses[]=triggered":                 "200 day",
		"?date_range=all&statuses[]=resolved":                  "200 quarter year",
		"?date_range=week":                                     "400 ",
		"?statuses[]=closed":                                   "400 ",
		"?since=2026-03-03T16:59:59&until=2026-03-03T17:00:01": "200 day", // in the account's time zone
	} {
		a := ask(t, s, "/incidents"+query)
		if got := fmt.Sprint(a.status, " ", strings.Join(a.ids, " ")); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func TestOnCalls(t *testing.T) {
	s := pagerdutytest.New(pagerdutytest.Options{Now: func() time.Time { return noon }, Account: pagerdutytest.Account{
		EscalationPolicies: []pagerdutytest.EscalationPolicy{{
			ID: "E", Levels: []pagerdutytest.Level{{Schedules: []string{"S"}}, {Users: []string{"BOSS"}}},
		}},
		Schedules: []pagerdutytest.Schedule{{ID: "S", Users: []string{"A", "B"}, Start: noon.Add(-day), Shift: 7 * day}},
	}})
	for query, want := range map[string]string{
		"": "A BOSS",
		"?since=2026-03-04T12:00:00Z&until=2026-03-11T12:00:00Z":                 "A B BOSS",
		"?since=2026-03-04T12:00:00Z&until=2026-03-18T12:00:00Z":                 "A B A BOSS",
		"?since=2026-03-04T12:00:00Z&until=2026-03-18T12:00:00Z&earliest=true":   "A B BOSS",
		"?since=2026-03-04T12:00:00Z&until=2026-03-18T12:00:00Z&user_ids[]=BOSS": "BOSS",
		// beyond 90 days there are no shifts
		"?since=2027-03-04T12:00:00Z&until=2027-03-18T12:00:00Z&escalation_policy_ids[]=E": "BOSS",
		"?since=2026-03-18T12:00:00Z&until=2026-03-04T12:00:00Z":                           "",
	} {
		if got := strings.Join(ask(t, s, "/oncalls"+query).ids, " "); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	var failed []string
	now := noon
	s := pagerdutytest.New(pagerdutytest.Options{
		Account: many(1), Token: "key", RateLimit: 2,
		Now: func() time.Time { return now }, Fail: func(msg string) { failed = append(failed, msg) },
	})
	s.Deny("incidents.read")
	if a := ask(t, s, "/incidents"); a.status != 403 || !strings.Contains(fmt.Sprint(a.Error.Errors), "incidents.read") {
		t.Errorf("without the scope: %+v", a)
	}
	for want := range 2 {
		if a := ask(t, s, "/services"); a.status != 200 || a.header.Get("ratelimit-remaining") != strconv.Itoa(1-want) {
			t.Errorf("within the budget: %+v", a)
		}
	}
	a := ask(t, s, "/services")
	if a.status != 429 || a.header.Get("ratelimit-limit") != "2" || a.header.Get("ratelimit-reset") != "60" {
		t.Errorf("beyond the budget: %+v", a)
	}
	now = now.Add(time.Minute)
	if a := ask(t, s, "/services"); a.status != 200 {
		t.Errorf("a minute later: %d", a.status)
	}
	if len(failed) != 0 {
		t.Errorf("known requests failed the test: %v", failed)
	}
	for _, path := range []string{
		"/nowhere", "/escalation_policies?sort=name", "/escalation_policies?include[]=everything", "/oncalls?limit=all",
	} {
		before := len(failed)
		if a := ask(t, s, path); a.status != 404 && a.status != 400 || len(failed) != before+1 {
			t.Errorf("%s: %d, reported %v", path, a.status, failed[before:])
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/services", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("without the key: %d", w.Code)
	}
}

func TestAccountIsSwappedAndRequestsAreCounted(t *testing.T) {
	s := pagerdutytest.New(pagerdutytest.Options{Account: many(3)})
	s.Inject(pagerdutytest.Fault{Call: "GET /services", Skip: 1, Times: 1, Status: 502})
	statuses := ""
	for range 3 {
		statuses += fmt.Sprint(ask(t, s, "/services").status, " ")
	}
	if statuses != "200 502 200 " {
		t.Errorf("statuses %s", statuses)
	}
	s.SetAccount(many(5))
	if a := ask(t, s, "/services"); len(a.ids) != 5 {
		t.Errorf("%d services after the swap, want 5", len(a.ids))
	}
	if got := s.Count("GET /services"); got != 4 || s.Requests()[1].Status != 502 {
		t.Errorf("%d requests: %v", got, s.Requests())
	}
	if s.Forget(); len(s.Requests()) != 0 {
		t.Error("requests are not forgotten")
	}
}

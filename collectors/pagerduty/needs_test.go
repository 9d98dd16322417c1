package pagerduty_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/config"

	"github.com/prodready/collector/catalog"
	"github.com/prodready/collector/collectors"
	"github.com/prodready/collector/collectors/pagerduty"
	"github.com/prodready/collector/collectors/pagerduty/pagerdutytest"
	"github.com/prodready/collector/collectors/transport"
	"github.com/prodready/collector/evidence"
)

// surveyed are calls that no round makes.
func surveyed(call string) bool {
	return strings.HasPrefix(call, "GET /tags") || call == "GET /teams"
}

func TestAForbiddenCallNamesWhatIsLost(t *testing.T) {
	scopes := map[string]string{
		"GET /services": "services.read", "GET /escalation_policies": "escalation_policies.read",
		"GET /oncalls":   "oncalls.read",
		"GET /incidents": "incidents.read", "GET /log_entries": "incidents.read", "GET /change_events": "change_events.read",
		"GET /users":                   "users.read",
		"GET /alert_grouping_settings": "services.read", "GET /maintenance_windows": "services.read",
		"GET /incident_workflows/triggers": "incident_workflows.read", "GET /automation_actions/actions": "",
	}
	for _, call := range pagerdutytest.Calls() {
		if surveyed(call) {
			continue
		}
		t.Run(call, func(t *testing.T) {
			account, services := shop()
			w := start(t, account, services)
			w.fake.Inject(pagerdutytest.Fault{Call: call, Status: http.StatusForbidden})
			r := w.collect()
			text, _, _ := strings.Cut(fmt.Sprint(r.err), "\n")
			if !strings.HasPrefix(text, call+": forbidden (HTTP 403): ") ||
				!strings.Contains(text, "; give the credential the scope") {
				t.Fatalf("error %v", r.err)
			}
			if scope, known := scopes[call]; known && strings.Contains(text, "the call needs the scope") != (scope != "") ||
				!strings.Contains(text, scope) {
				t.Errorf("error %q, want the scope %q in it", text, scope)
			}
			var lost []string
			for _, d := range w.source.Facts() {
				if !slices.ContainsFunc(
					slices.Collect(coverages(r)), func(facts []string) bool { return slices.Contains(facts, d.Name) },
				) {
					lost = append(lost, d.Name)
				}
			}
			slices.Sort(lost)
			want := "without it these facts are not known: " + strings.Join(lost, ", ") + ";"
			if len(lost) == len(w.source.Facts()) {
				want = "without it no fact of this source is known;"
			}
			if !strings.Contains(text, want) {
				t.Errorf("error %q\nwants %q", text, want)
			}
			for key := range r.records {
				if _, fact, _ := strings.Cut(key, " "); slices.Contains(lost, fact) {
					t.Errorf("a record of %s, which is lost", fact)
				}
			}
		})
	}
}

// coverages are the facts of each group that was covered.
func coverages(r *result) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for _, c := range r.covered {
			if !yield(c.Facts) {
				return
			}
		}
	}
}

// Every trap costs at most its record, which is counted and logged with its id.
func TestUndecodableRecordsOfTheSetUp(t *testing.T) {
	for name, tc := range map[string]struct {
		call, record string
		// kind and id are of the record that is skipped; empty for one that is read.
		kind, id string
		wants    map[string]map[string]string
	}{
		"a service of nulls": {
			"GET /services",
			`{"id":"PODD","status":"active","name":null,"description":null,"teams":null,"integrations":null,"escalation_policy":null,"acknowledgement_timeout":null,"auto_resolve_timeout":null,"alert_grouping_parameters":null,"auto_pause_notifications_parameters":null,"incident_urgency_rule":null}`, "", "",
			map[string]map[string]string{"odd": {
				"service_exists": "true", "integrations": "0", "teams": "0", "ack_timeout_seconds": "0",
				"auto_resolve_timeout_seconds": "0", "auto_pause": "false", "urgency_varies": "no_data",
				"oncall_now": "except no_data", "escalation_levels": "except no_data", "adaptive_alerting": "false",
			}},
		},
		"nulls in the lists of a service": {
			"GET /services",
			`{"id":"PODD","status":"active","teams":[null,{"id":null}],"integrations":[null,{"id":"I","type":null}],"escalation_policy":{"id":null,"escalation_rules":null},"alert_grouping_parameters":{"type":null},"auto_pause_notifications_parameters":{"enabled":null},"incident_urgency_rule":{"type":null,"urgency":null,"during_support_hours":null}}`, "", "",
			map[string]map[string]string{"odd": {
				"integrations": "1", "teams": "0", "auto_pause": "false", "urgency_can_be_high": "no_data",
				"oncall_now": "except no_data",
			}},
		},
		"a service with text for a time-out": {
			"GET /services", `{"id":"PODD","status":"active","auto_resolve_timeout":"4h"}`, "service", "PODD",
			map[string]map[string]string{
				"odd": {
					"service_exists": "except undecodable", "auto_resolve_timeout_seconds": "except undecodable",
					"oncall_now": "except undecodable",
				},
				"checkout": {"auto_resolve_timeout_seconds": "14400"},
			},
		},
		"a service with a list for its rule": {
			"GET /services", `{"id":"PODD","status":"active","incident_urgency_rule":[]}`, "service", "PODD",
			map[string]map[string]string{
				"odd": {"service_exists": "except undecodable"}, "checkout": {"urgency_can_be_high": "true"},
			},
		},
		"half a rule of urgency": {
			"GET /services",
			`{"id":"PODD","status":"active","incident_urgency_rule":{"type":"use_support_hours","during_support_hours":{"urgency":"high"},"outside_support_hours":{"urgency":null}}}`, "", "",
			map[string]map[string]string{"odd": {"urgency_can_be_high": "no_data", "urgency_varies": "no_data"}},
		},
		"a policy of nulls": {
			"GET /escalation_policies",
			`{"id":"EODD","escalation_rules":[{"targets":null},{"targets":[null]},{"targets":[{"id":null}]},{"targets":[{"id":"S","type":"schedule_v3_reference"}]}]}`, "", "",
			map[string]map[string]string{"checkout": {"escalation_levels": "3"}, "aside": {"escalation_levels": "1"}},
		},
		"a policy without rules": {
			"GET /escalation_policies", `{"id":"EODD","escalation_rules":null}`, "escalation_policy", "EODD",
			map[string]map[string]string{
				"checkout": {"escalation_levels": "3"}, "aside": {"escalation_levels": "except undecodable", "oncall_now": "0"},
			},
		},
		"a policy that is a number": {
			"GET /escalation_policies", `7`, "escalation_policy", "",
			map[string]map[string]string{"checkout": {"escalation_levels": "3"}},
		},
		"on call for a schedule of the newer kind": {
			"GET /oncalls",
			`{"escalation_policy":{"id":"EBAD"},"escalation_level":1,"user":{"id":"U9"},"schedule":{"id":"S9","type":"schedule_v3_reference"},"start":"2026-03-04T00:00:00Z","end":"2026-06-04T00:00:00+02:00"}`, "", "",
			map[string]map[string]string{"reports": {
				"coverage_ratio_30d": "1", "next_gap_hours": "never", "permanent_oncall": "false", "longest_shift_days": "90",
			}},
		},
		"on call for ever": {
			"GET /oncalls",
			`{"escalation_policy":{"id":"EBAD"},"escalation_level":1,"user":{"id":"U9"},"schedule":null,"start":null,"end":null}`, "", "",
			map[string]map[string]string{"reports": {
				"coverage_ratio_30d": "1", "next_gap_hours": "never", "permanent_oncall": "true", "longest_shift_days": "90",
			}},
		},
		"on call for ever by a schedule": {
			"GET /oncalls",
			`{"escalation_policy":{"id":"EBAD"},"escalation_level":1,"user":{"id":"U9"},"schedule":{"id":"S9"},"start":null,"end":null}`, "", "",
			map[string]map[string]string{"reports": {"coverage_ratio_30d": "1", "permanent_oncall": "false"}},
		},
		"a level in words": {
			"GET /oncalls", `{"escalation_policy":{"id":"EBAD"},"escalation_level":"first","user":{"id":"U9"}}`, "oncall",
			"EBAD",
			map[string]map[string]string{
				"reports": {"coverage_ratio_30d": "except undecodable"}, "checkout": {"coverage_ratio_30d": "1"},
			},
		},
		"nobody on level 0": {
			"GET /oncalls", `{"escalation_policy":{"id":"EBAD"},"escalation_level":0,"user":null}`, "oncall", "EBAD",
			map[string]map[string]string{
				"reports": {"next_gap_hours": "except undecodable"}, "checkout": {"next_gap_hours": "never"},
			},
		},
		"a shift that ends before it starts": {
			"GET /oncalls",
			`{"escalation_policy":{"id":"EBAD"},"escalation_level":1,"user":{"id":"U9"},"start":"2026-03-05T00:00:00Z","end":"2026-03-04T00:00:00Z"}`, "oncall", "EBAD",
			map[string]map[string]string{"reports": {"coverage_ratio_30d": "except undecodable"}},
		},
		"a shift of no policy": {
			"GET /oncalls", `{"escalation_policy":null,"escalation_level":1,"user":{"id":"U9"}}`, "oncall", "",
			map[string]map[string]string{
				"reports": {"level1_coverage_ratio_14d": "0.4643"}, "checkout": {"coverage_ratio_30d": "1"},
			},
		},
		"a shift that may be of any policy": {
			"GET /oncalls", `{"escalation_policy":7,"escalation_level":1,"user":{"id":"U9"}}`, "oncall", "",
			map[string]map[string]string{
				"reports":  {"coverage_ratio_14d": "except undecodable"},
				"checkout": {"coverage_ratio_30d": "1", "next_gap_hours": "never"},
			},
		},
		"a shift that is text": {
			"GET /oncalls", `"shift"`, "oncall", "",
			map[string]map[string]string{
				"reports": {"coverage_ratio_14d": "except undecodable"}, "checkout": {"coverage_ratio_30d": "1"},
			},
		},
		"a setting of nulls": {
			"GET /alert_grouping_settings", `{"id":"G","type":"time","services":[null]}`, "", "",
			map[string]map[string]string{"checkout": {"adaptive_alerting": "true"}},
		},
		"a setting without a type": {
			"GET /alert_grouping_settings", `{"id":"G","type":null,"services":[{"id":"PBAD"}]}`, "alert_grouping_setting", "G",
			map[string]map[string]string{
				"checkout": {"adaptive_alerting": "true"}, "reports": {"adaptive_alerting": "except undecodable"},
			},
		},
		"a trigger of nulls": {
			"GET /incident_workflows/triggers",
			`{"id":"T","trigger_type":"conditional","is_disabled":null,"is_subscribed_to_all_services":null,"services":null}`,
			"", "",
			map[string]map[string]string{"checkout": {"automatic_workflows": "0"}},
		},
		"a trigger without a type": {
			"GET /incident_workflows/triggers", `{"id":"T","trigger_type":null,"services":[{"id":"PBAD"}]}`, "workflow_trigger",
			"T",
			map[string]map[string]string{
				"checkout": {"automatic_workflows": "0"}, "reports": {"automatic_workflows": "except undecodable"},
			},
		},
		"a trigger of a type that is not known": {
			"GET /incident_workflows/triggers", `{"id":"T","trigger_type":"tide","services":[{"id":"PBAD"}]}`,
			"workflow_trigger", "T",
			map[string]map[string]string{
				"checkout": {"automatic_workflows": "0"}, "reports": {"automatic_workflows": "except undecodable"},
			},
		},
		"a trigger of all services without a type": {
			"GET /incident_workflows/triggers", `{"id":"T","is_subscribed_to_all_services":true,"services":[]}`,
			"workflow_trigger", "T",
			map[string]map[string]string{
				"checkout": {"automatic_workflows": "except undecodable"}, "served": {"automatic_workflows": "1"},
			},
		},
		"an action of nulls": {
			"GET /automation_actions/actions",
			`{"id":"A","allow_invocation_from_event_orchestration":true,"map_to_all_services":true,"last_run":null}`, "", "",
			map[string]map[string]string{"checkout": {"orchestrated_actions": "0"}},
		},
		"an action that ran at no time": {
			"GET /automation_actions/actions",
			`{"id":"A","allow_invocation_from_event_orchestration":true,"services":[{"id":"PBAD"}],"last_run":"yesterday"}`,
			"automation_action", "A",
			map[string]map[string]string{
				"checkout": {"orchestrated_actions": "0"}, "reports": {"orchestrated_actions": "except undecodable"},
			},
		},
		"an action that is text": {
			"GET /automation_actions/actions", `"A"`, "automation_action", "",
			map[string]map[string]string{
				"checkout": {"orchestrated_actions": "except undecodable"}, "served": {"orchestrated_actions": "1"},
			},
		},
		"a change of nulls": {
			"GET /change_events",
			`{"id":"C","timestamp":"2026-03-04T10:00:00Z","services":[null,{"id":null}],"custom_details":null}`, "", "",
			map[string]map[string]string{"checkout": {"change_events_30d": "0"}},
		},
		"a change at no time": {
			"GET /change_events", `{"id":"C","timestamp":"","services":[{"id":"PGOOD"}]}`, "change_event", "C",
			map[string]map[string]string{
				"checkout": {"change_events_30d": "except undecodable"}, "reports": {"change_events_30d": "0"},
			},
		},
		"a change with a number for a time": {
			"GET /change_events", `{"id":"C","timestamp":1772539200,"services":[{"id":"PGOOD"}]}`, "change_event", "C",
			map[string]map[string]string{
				"checkout": {"change_events_30d": "except undecodable"}, "reports": {"change_events_30d": "0"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			account, services := shop()
			account.Services = append(
				account.Services, pagerdutytest.Service{ID: "PASIDE", EscalationPolicy: "EODD"},
				pagerdutytest.Service{ID: "PSERVED"},
			)
			account.WorkflowTriggers = []pagerdutytest.WorkflowTrigger{{ID: "T1", Services: []string{"PSERVED"}}}
			account.AutomationActions = []pagerdutytest.AutomationAction{{
				ID: "A1", FromOrchestration: true, Services: []string{"PSERVED"}, LastRun: noon.Add(-day),
			}}
			w := start(
				t, account, append(services, refers("odd", "PODD"), refers("aside", "PASIDE"), refers("served", "PSERVED")),
			)
			w.fake.Inject(pagerdutytest.Fault{Call: tc.call, Records: []string{tc.record}})
			r := w.collect()
			if r.err != nil || r.groups() != every() {
				t.Fatalf("covered %q, error %v", r.groups(), r.err)
			}
			for service, facts := range tc.wants {
				r.want(t, service, facts)
			}
			lines := strings.Count(w.log.String(), "\n")
			if tc.kind == "" && (len(r.skipped) > 0 || lines > 0) {
				t.Errorf("skipped %v:\n%s", r.skipped, w.log)
			}
			if tc.kind != "" && (len(r.skipped) != 1 || r.skipped[tc.kind] == 0 || lines != 1 ||
				!strings.Contains(
					w.log.String(),
					"kind="+tc.kind+" id="+strings.Trim(fmt.Sprintf("%q", tc.id), map[bool]string{true: `"`}[tc.id != ""])+" ",
				)) {
				t.Errorf("skipped %v, want one %s, logged\n%s", r.skipped, tc.kind, w.log)
			}
		})
	}
}

// A company has several accounts, of which one may be in the EU: each is a
// source of its own, which asks its own address with its own key.
func TestAccountsAreApart(t *testing.T) {
	shared, _ := shop()
	other, _ := shop()
	other.Services = other.Services[:1]
	other.Services[0].AckTimeout = 0
	services := []*catalog.Service{
		{Name: "us", PagerDuty: []catalog.PagerDutyRef{{Account: "us", ServiceID: "PGOOD"}}},
		{Name: "eu", PagerDuty: []catalog.PagerDutyRef{{Account: "eu", ServiceID: "PGOOD"}}},
		{
			Name:      "both",
			PagerDuty: []catalog.PagerDutyRef{{Account: "us", ServiceID: "PBAD"}, {Account: "eu", ServiceID: "PBAD"}},
		},
	}
	account := func(name string, a pagerdutytest.Account) *world {
		return start(t, a, services, func(f *pagerdutytest.Options, o *pagerduty.Options, c *transport.Config) {
			f.Token, o.Name, o.OnlyAccount, c.Source = "key-of-"+name, name, false, "pagerduty/"+name
			c.HTTP.Authorization.Credentials = config.Secret("token=key-of-" + name)
		})
	}
	us, eu := account("us", shared), account("eu", other)
	for w, want := range map[*world]string{
		us: "us=1800 eu=except no_reference both=0", eu: "us=except no_reference eu=0 both=not_found",
	} {
		r := w.collect()
		got := fmt.Sprintf(
			"us=%s eu=%s both=%s", r.value("us", "ack_timeout_seconds"), r.value("eu", "ack_timeout_seconds"),
			r.value("both", "ack_timeout_seconds"),
		)
		if r.err != nil || got != want {
			t.Errorf("%s: %s, error %v, want %s", w.source.ID(), got, r.err, want)
		}
	}
	// One account's outage is not the other's.
	eu.fake.Inject(pagerdutytest.Fault{Status: http.StatusForbidden})
	if r := eu.collect(); r.err == nil || len(r.covered) != 0 {
		t.Errorf("covered %q, error %v", r.groups(), r.err)
	}
	if r := us.collect(); r.err != nil || r.groups() != every() {
		t.Errorf("covered %q, error %v", r.groups(), r.err)
	}
}

// The public addresses are those that the vendor documents.
func TestEndpointOfTheEU(t *testing.T) {
	for endpoint, want := range map[string]string{
		"": "https://api.pagerduty.com/services", "https://api.eu.pagerduty.com": "https://api.eu.pagerduty.com/services",
		"https://api.eu.pagerduty.com/": "https://api.eu.pagerduty.com/services",
	} {
		var asked []string
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
			return nil, &collectors.CallError{Reason: evidence.ReasonForbidden, Call: "GET /services", Err: http.ErrNotSupported}
		})}
		s, err := pagerduty.New(pagerduty.Options{Name: "eu", Endpoint: endpoint, HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Check(t.Context())
		_, _ = s.Survey(t.Context())
		_ = s.Collect(t.Context(), collectors.Request{Now: noon}, func(evidence.Batch) error { return nil })
		for _, url := range asked {
			if !strings.HasPrefix(url, strings.TrimSuffix(want, "services")) || strings.Contains(url, ".com//") {
				t.Errorf("endpoint %q asks %s", endpoint, url)
			}
		}
		if len(asked) < 3 || asked[0] != want {
			t.Errorf("endpoint %q asks %q", endpoint, asked)
		}
	}
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
